//! Expressions and what they amount to, as Apache 2.4.71 answered when it was asked.

use super::{
    Condition, Context, Language, Names, Word, condition, parse_condition, parse_text, word,
};

/// A language with few names, whose regular expressions are `^`-anchored or contained text with
/// one group for all of it if the pattern stands in parentheses.
struct Toy;

impl Language for Toy {
    type Literal = Vec<u8>;
    type Variable = &'static str;
    type Function = &'static str;
    type ListFunction = ();
    type Unary = bool;
    type Binary = ();
    type Regex = (Vec<u8>, bool);
}

impl Names for Toy {
    type Error = String;

    fn literal(&mut self, text: &[u8]) -> Vec<u8> {
        text.to_vec()
    }

    fn variable(&mut self, name: &[u8]) -> Result<&'static str, String> {
        match name {
            b"HOST" => Ok("www.example"),
            b"EMPTY" => Ok(""),
            _ => Err(unknown("Variable", name)),
        }
    }

    fn function(&mut self, name: &[u8], _: Option<&Vec<u8>>) -> Result<&'static str, String> {
        match name {
            b"upper" => Ok("upper"),
            b"twice" => Ok("twice"),
            _ => Err(unknown("Function", name)),
        }
    }

    fn list_function(&mut self, name: &[u8], _: Option<&Vec<u8>>) -> Result<(), String> {
        match name {
            b"letters" => Ok(()),
            _ => Err(unknown("List-returning function", name)),
        }
    }

    fn unary(&mut self, name: &[u8], _: Option<&Vec<u8>>) -> Result<bool, String> {
        match name {
            b"z" => Ok(true),
            b"n" => Ok(false),
            _ => Err(unknown("Unary operator", &[b"-", name].concat())),
        }
    }

    fn binary(&mut self, name: &[u8], right: Option<&Vec<u8>>) -> Result<(), String> {
        match (name, right) {
            (b"begins", Some(_)) => Ok(()),
            (b"begins", None) => Err("needs a constant".to_owned()),
            _ => Err(unknown("Binary operator", &[b"-", name].concat())),
        }
    }

    fn regex(&mut self, pattern: &[u8], ignore_case: bool) -> Result<(Vec<u8>, bool), String> {
        if pattern.contains(&b'\\') {
            return Err("Failed to compile regular expression".to_owned());
        }
        Ok((pattern.to_vec(), ignore_case))
    }
}

fn unknown(what: &str, name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    format!("{what} '{name}' does not exist")
}

/// Groups of the last match.
#[derive(Default)]
struct Groups(Option<Vec<u8>>);

impl Context<Toy> for Groups {
    type Value = Vec<u8>;

    fn literal(&mut self, literal: &Vec<u8>) -> Vec<u8> {
        literal.clone()
    }

    fn variable(&mut self, variable: &&'static str) -> Vec<u8> {
        variable.as_bytes().to_vec()
    }

    fn call(&mut self, function: &&'static str, argument: Vec<u8>) -> Vec<u8> {
        match *function {
            "upper" => argument.to_ascii_uppercase(),
            _ => argument.repeat(2),
        }
    }

    fn list_has(&mut self, (): &(), argument: Vec<u8>, word: &Vec<u8>) -> bool {
        argument.iter().any(|letter| word == &[*letter])
    }

    fn unary(&mut self, wants_empty: &bool, word: Vec<u8>) -> bool {
        word.is_empty() == *wants_empty
    }

    fn binary(&mut self, (): &(), left: Vec<u8>, right: Vec<u8>) -> bool {
        left.starts_with(&right)
    }

    fn matches(&mut self, (pattern, ignore_case): &(Vec<u8>, bool), word: Vec<u8>) -> bool {
        let inner = pattern
            .strip_prefix(b"(")
            .and_then(|pattern| pattern.strip_suffix(b")"));
        let wanted = inner.unwrap_or(pattern);
        let found = word
            .windows(wanted.len().max(1))
            .any(|part| part == wanted || (*ignore_case && part.eq_ignore_ascii_case(wanted)));
        if inner.is_some() {
            self.0 = found.then(|| wanted.to_vec());
        }
        found
    }

    fn group(&mut self, number: u8) -> Vec<u8> {
        match (number, &self.0) {
            (0 | 1, Some(text)) => text.clone(),
            _ => Vec::new(),
        }
    }

    fn join(&mut self, pieces: &[Vec<u8>]) -> Vec<u8> {
        pieces.concat()
    }
}

fn parsed(text: &str) -> Result<Condition<Toy>, String> {
    parse_condition(text.as_bytes(), &mut Toy)
}

fn text_of(text: &str) -> String {
    let tree: Word<Toy> = parse_text(text.as_bytes(), &mut Toy).expect(text);
    String::from_utf8_lossy(&word(&tree, &mut Groups::default())).into_owned()
}

#[track_caller]
fn check(table: &[(&str, bool)]) {
    for (text, expected) in table {
        match parsed(text) {
            Ok(tree) => assert_eq!(
                condition(&tree, &mut Groups::default()),
                *expected,
                "{text}"
            ),
            Err(message) => panic!("{text}: {message}"),
        }
    }
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    check(&[
        ("true", true),
        ("false", false),
        ("true || false && false", true),
        ("(true || false) && false", false),
        ("false && true || true", true),
        ("!true || true", true),
        ("!(true || true)", false),
        ("! ! true", true),
        ("not false and false", false),
        ("true and false or true", true),
        ("! 'a' == 'b' || false", true),
        ("!'a' == 'a'", false),
    ]);
}

#[test]
fn compares_texts_and_numbers() {
    check(&[
        ("'a' == 'a'", true),
        ("'a' = 'a'", true),
        ("'a' == 'A'", false),
        ("'a' != 'b'", true),
        ("'a' < 'b'", true),
        ("'10' < '9'", true),
        ("'a' <= 'a' && 'a' >= 'a' && 'b' > 'a'", true),
        ("10 -lt 9", false),
        (
            "9 lt 10 and 10 gt 9 and 9 le 9 and 9 ge 9 and 9 ne 8 and 9 eq 9",
            true,
        ),
        ("'abc' -eq 0", true),
        ("' 12x' -eq 12", true),
        ("'' -eq 0", true),
        ("'-5' -lt '+3'", true),
        ("-5 -eq 5", false),
        ("'9999999999999999999' -gt 5", true),
    ]);
}

#[test]
fn joins_words_with_a_dot() {
    check(&[
        ("'a' . 'b' == 'ab'", true),
        ("'a'.'b'=='ab'", true),
        ("1 . 2 == '12'", true),
        ("1.2 == '12'", true),
        ("-n 'a' . ''", true),
        ("%{HOST} . '/' . upper('x') == 'www.example/X'", true),
        ("'a' . 1 . \"b\" -in { 'a' , 'a1' . 'b' }", true),
    ]);
}

#[test]
fn looks_words_up_in_lists() {
    check(&[
        ("'a' -in {'b','a'}", true),
        ("'a' in {'b','c'}", false),
        ("'a' -in letters('cba')", true),
        ("'ab' -in letters('cba')", false),
    ]);
}

#[test]
fn keeps_groups_of_the_last_match_that_had_some() {
    check(&[
        ("'abc' =~ /(b)/ && $1 == 'b' && \"<$0>\" == '<b>'", true),
        ("'abc' =~ /b/ && $0 == 'b'", false),
        ("'abc' =~ /(z)/ || $0 == ''", true),
        ("'abc' !~ /(b)/ || $1 == 'b'", true),
        ("'x' =~ /(x)/ && 'y' !~ /z/ && $1 == 'x'", true),
        ("'x' =~ /(x)/ && ('y' =~ /(z)/ || $1 == 'x')", false),
        ("'abc' =~ m#B#i && 'abc' !~ m#B#", true),
        ("'a'=~m,a,&&true", true),
        ("'a' =~ m\"a\" && 'a' =~ m-a- && 'a' =~ m.a.", true),
    ]);
}

#[test]
fn asks_operators_and_functions() {
    check(&[
        ("-z ''", true),
        ("-z %{EMPTY} && -n %{HOST}", true),
        ("'abc' -begins 'ab'", true),
        ("upper('a') == 'A'", true),
        ("twice(upper('a')) == 'AA'", true),
        ("%{twice:a%{HOST}} == 'awww.exampleawww.example'", true),
        ("%{twice:a:b} == 'a:ba:b'", true),
    ]);
}

#[test]
fn reads_texts() {
    for (text, expected) in [
        ("plain", "plain"),
        ("\"a\\tb\"", "\"a\tb\""),
        ("x%{HOST}y$0", "xwww.exampley"),
        ("a\\101b\\x\\\"c\\\\d", "aAbx\"c\\d"),
        ("100% $ $x $1", "100% $ $x "),
        ("%{upper:a\\}b}", "A}B"),
        ("%{upper:a b,c(d)}}", "A B,C(D)}"),
        ("%{EMPTY}", ""),
    ] {
        assert_eq!(text_of(text), expected, "{text}");
    }
}

#[test]
fn says_what_is_wrong_as_apache_does() {
    let unexpected = |rest: &str| format!("syntax error, unexpected {rest}");
    let regex = "expecting T_REGEX or T_REGEX_I";
    for (text, message) in [
        ("", unexpected("$end")),
        ("'a' ==", unexpected("$end")),
        ("'a' == 'b' 'c'", unexpected("T_STR_BEGIN, expecting $end")),
        ("=~ /x/", unexpected("T_OP_REG")),
        ("'a' =~ /x", unexpected(&format!("$end, {regex}"))),
        ("'a' =~ s/a/b/", unexpected(&format!("T_ID, {regex}"))),
        ("'a' =~ 'a'", unexpected(&format!("T_STR_BEGIN, {regex}"))),
        ("'a' =~ m#a#s", unexpected("T_ID, expecting $end")),
        ("'a' =~ m{a}", unexpected(&format!("T_ID, {regex}"))),
        ("a == b", unexpected("T_OP_STR_EQ, expecting '('")),
        ("TRUE", unexpected("$end, expecting '('")),
        ("true ==", unexpected("T_OP_STR_EQ, expecting $end")),
        (
            "(true",
            unexpected("$end, expecting T_OP_OR or T_OP_AND or ')'"),
        ),
        ("true)", unexpected("')', expecting $end")),
        ("('a') == 'b'", unexpected("')'")),
        ("{ 'a' }", unexpected("'{'")),
        ("'a' -in {'b'", unexpected("$end, expecting '}' or ','")),
        ("'a' -in ", unexpected("$end, expecting T_ID or '{'")),
        (
            "upper('a','b') == ''",
            unexpected("',', expecting T_OP_CONCAT or ')'"),
        ),
        ("-n -z 'a'", unexpected("T_OP_UNARY")),
        ("%{}", unexpected("T_VAR_END, expecting T_ID")),
        (
            "%{upper:}",
            unexpected(
                "T_VAR_END, expecting T_ERROR or T_STRING or T_REGEX_BACKREF or T_VAR_BEGIN",
            ),
        ),
        (
            "%{HOST == 'x'",
            unexpected(
                "T_ERROR, expecting T_VAR_END or ':': Invalid character in variable name ' '",
            ),
        ),
        ("'a' & 'b'", unexpected("T_ERROR: Parse error near '&'")),
        ("@", "Parse error near '@'".to_owned()),
        ("'a", "Unterminated string or variable".to_owned()),
        ("%{upper:", "Unterminated string or variable".to_owned()),
        ("'a %{upper:x", "Unterminated string or variable".to_owned()),
        ("%{FOO} == 'x'", "Variable 'FOO' does not exist".to_owned()),
        (
            "foo('x') == 'x'",
            "Function 'foo' does not exist".to_owned(),
        ),
        (
            "%{foo:x} == 'x'",
            "Function 'foo' does not exist".to_owned(),
        ),
        ("-k 'x'", "Unary operator '-k' does not exist".to_owned()),
        (
            "'a' -foo 'b'",
            "Binary operator '-foo' does not exist".to_owned(),
        ),
        (
            "'a' -in foo('x')",
            "List-returning function 'foo' does not exist".to_owned(),
        ),
        (
            "'a/b' =~ /a\\/b/",
            "Failed to compile regular expression".to_owned(),
        ),
        ("'a' == '\\400'", "Escape sequence out of bound".to_owned()),
    ] {
        assert_eq!(
            parsed(text).err().as_deref(),
            Some(message.as_str()),
            "{text}"
        );
    }
}

#[test]
fn operators_know_constant_arguments_only() {
    assert!(parsed("'a' -begins 'a' . 'b'").is_ok());
    let message = parsed("'a' -begins %{HOST}").err();
    assert_eq!(message.as_deref(), Some("needs a constant"));
}

#[test]
fn refuses_to_nest_without_end() {
    for (open, close) in [("(", ")"), ("!", ""), ("upper(", ")"), ("%{upper:", "}")] {
        let text = format!("{}true{}", open.repeat(100_000), close.repeat(100_000));
        assert!(parsed(&text).is_err(), "{open}");
    }
    let flat = "true && ".repeat(10_000) + "true";
    assert!(parsed(&flat).is_ok());
}
