//! Tokens of the expression language. The parser asks for one after another; what a byte means
//! depends on whether the lexer is in a string, in `%{...}` or outside of both, which it tracks.

use super::tree::Relation;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    End,
    True,
    False,
    And,
    Or,
    Not,
    /// A comparison of texts.
    Text(Relation),
    /// A comparison of numbers.
    Number(Relation),
    In,
    Match,
    NoMatch,
    /// `-x`, without the dash.
    Unary(Vec<u8>),
    /// `-xx`, without the dash.
    Binary(Vec<u8>),
    Digits(Vec<u8>),
    Name(Vec<u8>),
    Regex {
        pattern: Vec<u8>,
        ignore_case: bool,
    },
    Group(u8),
    StringBegin,
    StringEnd,
    /// Plain text inside of a string.
    Piece(Vec<u8>),
    VariableBegin,
    VariableEnd,
    Colon,
    /// `( ) { } , .`
    Mark(u8),
    /// What cannot be a token, and why.
    Bad(String),
}

impl Token {
    /// As messages name it.
    pub(super) fn name(&self) -> &'static str {
        use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        match self {
            Self::End => "$end",
            Self::True => "T_TRUE",
            Self::False => "T_FALSE",
            Self::And => "T_OP_AND",
            Self::Or => "T_OP_OR",
            Self::Not => "T_OP_NOT",
            Self::Text(Equal) => "T_OP_STR_EQ",
            Self::Text(NotEqual) => "T_OP_STR_NE",
            Self::Text(Less) => "T_OP_STR_LT",
            Self::Text(LessOrEqual) => "T_OP_STR_LE",
            Self::Text(Greater) => "T_OP_STR_GT",
            Self::Text(GreaterOrEqual) => "T_OP_STR_GE",
            Self::Number(Equal) => "T_OP_EQ",
            Self::Number(NotEqual) => "T_OP_NE",
            Self::Number(Less) => "T_OP_LT",
            Self::Number(LessOrEqual) => "T_OP_LE",
            Self::Number(Greater) => "T_OP_GT",
            Self::Number(GreaterOrEqual) => "T_OP_GE",
            Self::In => "T_OP_IN",
            Self::Match => "T_OP_REG",
            Self::NoMatch => "T_OP_NRE",
            Self::Unary(_) => "T_OP_UNARY",
            Self::Binary(_) => "T_OP_BINARY",
            Self::Digits(_) => "T_DIGIT",
            Self::Name(_) => "T_ID",
            Self::Regex {
                ignore_case: false, ..
            } => "T_REGEX",
            Self::Regex { .. } => "T_REGEX_I",
            Self::Group(_) => "T_REGEX_BACKREF",
            Self::StringBegin => "T_STR_BEGIN",
            Self::StringEnd => "T_STR_END",
            Self::Piece(_) => "T_STRING",
            Self::VariableBegin => "T_VAR_BEGIN",
            Self::VariableEnd => "T_VAR_END",
            Self::Colon => "':'",
            Self::Mark(b'(') => "'('",
            Self::Mark(b')') => "')'",
            Self::Mark(b'{') => "'{'",
            Self::Mark(b'}') => "'}'",
            Self::Mark(b',') => "','",
            Self::Mark(_) => "T_OP_CONCAT",
            Self::Bad(_) => "T_ERROR",
        }
    }
}

/// Where the lexer is; strings and variables nest.
#[derive(Clone, Copy)]
enum Place {
    /// In quotes of this kind.
    Quotes(u8),
    /// In an expression that is a text as a whole.
    Whole,
    /// After `%{`.
    Variable,
    /// After the colon in `%{name:`.
    Argument,
}

pub(super) struct Lexer<'t> {
    rest: &'t [u8],
    places: Vec<Place>,
}

/// What may stand around a regular expression after `m`.
const DELIMITERS: &[u8] = b"/#$%^|?!'\",;:.-";

const UNTERMINATED: &str = "Unterminated string or variable";

impl<'t> Lexer<'t> {
    /// For a condition.
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self {
            rest: text,
            places: Vec::new(),
        }
    }

    /// For a text with `%{...}`, as if it were in quotes.
    pub(super) fn in_text(text: &'t [u8]) -> Self {
        Self {
            rest: text,
            places: vec![Place::Whole],
        }
    }

    pub(super) fn next(&mut self) -> Token {
        match self.places.last() {
            None => self.outside(),
            Some(&Place::Quotes(quote)) => self.text(Some(quote)),
            Some(Place::Argument) => self.text(Some(b'}')),
            Some(Place::Whole) => self.text(None),
            Some(Place::Variable) => self.variable(),
        }
    }

    fn outside(&mut self) -> Token {
        self.rest = self.rest.trim_ascii_start();
        let Some(&first) = self.rest.first() else {
            return Token::End;
        };
        let second = self.rest.get(1).copied();
        match (first, second) {
            (b'"' | b'\'', _) => {
                self.rest = &self.rest[1..];
                self.places.push(Place::Quotes(first));
                Token::StringBegin
            }
            (b'%', Some(b'{')) => self.begin_variable(),
            (b'$', Some(digit @ b'0'..=b'9')) => self.taken(2, Token::Group(digit - b'0')),
            (b'/', _) => self.regex(1, b'/'),
            (b'm', Some(delimiter)) if DELIMITERS.contains(&delimiter) => self.regex(2, delimiter),
            (b'&', Some(b'&')) => self.taken(2, Token::And),
            (b'|', Some(b'|')) => self.taken(2, Token::Or),
            (b'=', Some(b'=')) => self.taken(2, Token::Text(Relation::Equal)),
            (b'=', Some(b'~')) => self.taken(2, Token::Match),
            (b'=', _) => self.taken(1, Token::Text(Relation::Equal)),
            (b'!', Some(b'=')) => self.taken(2, Token::Text(Relation::NotEqual)),
            (b'!', Some(b'~')) => self.taken(2, Token::NoMatch),
            (b'!', _) => self.taken(1, Token::Not),
            (b'<', Some(b'=')) => self.taken(2, Token::Text(Relation::LessOrEqual)),
            (b'<', _) => self.taken(1, Token::Text(Relation::Less)),
            (b'>', Some(b'=')) => self.taken(2, Token::Text(Relation::GreaterOrEqual)),
            (b'>', _) => self.taken(1, Token::Text(Relation::Greater)),
            (b'(' | b')' | b'{' | b'}' | b',' | b'.', _) => self.taken(1, Token::Mark(first)),
            (b':', _) => self.taken(1, Token::Colon),
            (b'0'..=b'9', _) | (b'-', Some(b'0'..=b'9')) => {
                let length = 1 + run(&self.rest[1..], |byte| byte.is_ascii_digit());
                let digits = self.rest[..length].to_vec();
                self.taken(length, Token::Digits(digits))
            }
            (b'-', Some(letter)) if begins_name(letter) => {
                let length = run(&self.rest[1..], is_in_name);
                let name = &self.rest[1..=length];
                let token = match comparison(name) {
                    Some(token) => token,
                    None if length == 1 => Token::Unary(name.to_vec()),
                    None => Token::Binary(name.to_vec()),
                };
                self.taken(1 + length, token)
            }
            (letter, _) if begins_name(letter) => {
                let length = run(self.rest, is_in_name);
                let name = &self.rest[..length];
                let token = match name {
                    b"true" => Token::True,
                    b"false" => Token::False,
                    b"and" => Token::And,
                    b"or" => Token::Or,
                    b"not" => Token::Not,
                    _ => comparison(name).unwrap_or_else(|| Token::Name(name.to_vec())),
                };
                self.taken(length, token)
            }
            _ => {
                let shown = char::from(first);
                self.taken(1, Token::Bad(format!("Parse error near '{shown}'")))
            }
        }
    }

    /// Inside of a string that ends with `close`, or with the text if there is none.
    fn text(&mut self, close: Option<u8>) -> Token {
        let Some(&first) = self.rest.first() else {
            if close.is_some() {
                return Token::Bad(UNTERMINATED.to_owned());
            }
            return Token::End;
        };
        if first == b'\n' {
            return Token::Bad(UNTERMINATED.to_owned());
        }
        if Some(first) == close {
            self.places.pop();
            self.rest = &self.rest[1..];
            if first != b'}' {
                return Token::StringEnd;
            }
            // The variable ends with its argument.
            self.places.pop();
            return Token::VariableEnd;
        }
        match (first, self.rest.get(1).copied()) {
            (b'%', Some(b'{')) => return self.begin_variable(),
            (b'$', Some(digit @ b'0'..=b'9')) => {
                return self.taken(2, Token::Group(digit - b'0'));
            }
            _ => {}
        }
        let mut piece = Vec::new();
        while let Some((&byte, after)) = self.rest.split_first() {
            let next = after.first().copied();
            match (byte, next) {
                (b'%', Some(b'{')) | (b'$', Some(b'0'..=b'9')) | (b'\n', _) => break,
                _ if Some(byte) == close => break,
                (b'\\', Some(escaped)) => match self.escape(escaped) {
                    Ok(byte) => piece.push(byte),
                    Err(reason) => return Token::Bad(reason.to_owned()),
                },
                _ => {
                    piece.push(byte);
                    self.rest = after;
                }
            }
        }
        Token::Piece(piece)
    }

    /// The byte that `\` and what follows stand for.
    fn escape(&mut self, escaped: u8) -> Result<u8, &'static str> {
        let digits = run(&self.rest[1..], |byte| byte.is_ascii_digit());
        let octal = run(&self.rest[1..], |byte| (b'0'..=b'7').contains(&byte)).min(3);
        if digits > octal {
            return Err("Bad escape sequence");
        }
        if octal > 0 {
            let value = self.rest[1..=octal]
                .iter()
                .fold(0_u16, |value, digit| value * 8 + u16::from(digit - b'0'));
            self.rest = &self.rest[1 + octal..];
            return match u8::try_from(value) {
                Ok(0) | Err(_) => Err("Escape sequence out of bound"),
                Ok(byte) => Ok(byte),
            };
        }
        self.rest = &self.rest[2..];
        Ok(match escaped {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 0x08,
            b'f' => 0x0c,
            other => other,
        })
    }

    /// After `%{`: a name, then `}` or `:`.
    fn variable(&mut self) -> Token {
        match self.rest.first() {
            None => Token::Bad(UNTERMINATED.to_owned()),
            Some(b'}') => {
                self.places.pop();
                self.taken(1, Token::VariableEnd)
            }
            Some(b':') => {
                self.places.push(Place::Argument);
                self.taken(1, Token::Colon)
            }
            Some(&letter) if begins_name(letter) => {
                let length = run(self.rest, is_in_name);
                let name = self.rest[..length].to_vec();
                self.taken(length, Token::Name(name))
            }
            Some(&other) => Token::Bad(format!(
                "Invalid character in variable name '{}'",
                char::from(other)
            )),
        }
    }

    fn begin_variable(&mut self) -> Token {
        self.places.push(Place::Variable);
        self.taken(2, Token::VariableBegin)
    }

    /// A regular expression; nothing stands for its delimiter inside.
    fn regex(&mut self, skip: usize, delimiter: u8) -> Token {
        let body = &self.rest[skip..];
        let Some(length) = body.iter().position(|&byte| byte == delimiter) else {
            self.rest = b"";
            return Token::End;
        };
        let after = &body[length + 1..];
        let ignore_case = after.first() == Some(&b'i');
        self.rest = if ignore_case { &after[1..] } else { after };
        Token::Regex {
            pattern: body[..length].to_vec(),
            ignore_case,
        }
    }

    fn taken(&mut self, length: usize, token: Token) -> Token {
        self.rest = &self.rest[length..];
        token
    }
}

/// Comparisons that are words, with or without a dash.
fn comparison(name: &[u8]) -> Option<Token> {
    Some(match name {
        b"eq" => Token::Number(Relation::Equal),
        b"ne" => Token::Number(Relation::NotEqual),
        b"lt" => Token::Number(Relation::Less),
        b"le" => Token::Number(Relation::LessOrEqual),
        b"gt" => Token::Number(Relation::Greater),
        b"ge" => Token::Number(Relation::GreaterOrEqual),
        b"in" => Token::In,
        _ => return None,
    })
}

fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes at the front are of a kind.
fn run(text: &[u8], is_one: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| is_one(byte)).count()
}
