//! What stands behind Apache's own words when a directive is wrong: the text with a caret under the
//! offending part, and what would put it right. `abi/http_config/fault` prints it.

use std::borrow::Cow;

use super::{
    line::is_space,
    stock::{OF_MPMS, STOCK, Stock},
};

/// The longest excerpt of a line shown.
const SHOWN: usize = 160;

/// A directive that could not be read or executed.
pub struct Fault<'a> {
    /// Apache's message.
    pub message: &'a str,
    pub directive: &'a [u8],
    pub args: &'a [u8],
    pub line: u32,
    /// The line as it stands in its file, when that can still be read.
    pub source: Option<&'a [u8]>,
    /// The command table's usage text of the directive.
    pub usage: Option<&'a str>,
    /// The name of the process model in use.
    pub mpm: &'a str,
}

/// The lines to print behind the message. `known` are the names of all registered directives,
/// `exists` tells whether a module's shared object is installed.
pub fn lines<'k>(
    fault: &Fault<'_>,
    known: impl Iterator<Item = &'k [u8]>,
    exists: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut lines = excerpt(fault);
    if let Some(help) = remedy(fault, known, exists) {
        lines.push(format!("help: {help}"));
    }
    lines
}

/// The line itself and a caret line below it.
fn excerpt(fault: &Fault<'_>) -> Vec<String> {
    let source = match fault.source {
        Some(text) if contains(text, fault.directive).is_some() => Cow::Borrowed(text),
        _ if fault.args.is_empty() => Cow::Borrowed(fault.directive),
        _ => Cow::Owned([fault.directive, b" ", fault.args].concat()),
    };
    let text = readable(&source);
    let (start, length) = offending(fault, &text);
    let gutter = format!("{:>5}", fault.line);
    let carets = "^".repeat(length.max(1));
    vec![
        format!("{gutter} | {text}"),
        format!("{:>5} | {:start$}{carets}", "", ""),
    ]
}

/// One character for each byte, so that a caret stands where it should.
fn readable(text: &[u8]) -> String {
    let shown = text.iter().take(SHOWN).map(|&byte| match byte {
        b' '..=b'~' => char::from(byte),
        b'\t' => ' ',
        _ => '?',
    });
    let shown: String = shown.collect();
    shown.trim_end().to_owned()
}

/// The part of the line that the message is about: where, and how long.
fn offending(fault: &Fault<'_>, text: &str) -> (usize, usize) {
    let name = readable(fault.directive);
    let at = text.find(&name).unwrap_or(0);
    let whole = (at, name.len().min(text.len() - at));
    if fault.message.starts_with("Invalid command") || fault.message.contains("not allowed") {
        return whole;
    }
    let behind = at + whole.1;
    let rest = text.get(behind..).unwrap_or("");
    // A word that the message quotes is what it is about.
    let quoted = fault.message.split(['\'', '"', '`']).skip(1).step_by(2);
    for word in quoted.filter(|word| !word.is_empty()) {
        if let Some(found) = rest.find(word) {
            return (behind + found, word.len());
        }
    }
    let args = rest.trim();
    if args.is_empty() || args == ">" {
        return whole;
    }
    (behind + (rest.len() - rest.trim_start().len()), args.len())
}

fn contains(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    text.windows(part.len()).position(|window| window == part)
}

/// What would put it right, when that is known.
fn remedy<'k>(
    fault: &Fault<'_>,
    known: impl Iterator<Item = &'k [u8]>,
    exists: impl Fn(&str) -> bool,
) -> Option<String> {
    let name = fault.directive;
    let shown = readable(name);
    if fault.message.starts_with("Invalid command") {
        if let Some(stock) = stock_of(name) {
            return Some(provided_by(&shown, stock, exists));
        }
        if let Some(mpms) = mpms_with(name) {
            return Some(of_another_mpm(&shown, mpms, fault.mpm));
        }
        let nearest = nearest(name, known)?;
        return Some(match stock_of(nearest.as_bytes()) {
            Some(stock) if nearest.1 => {
                format!(
                    "did you mean {}? {}",
                    nearest.0,
                    provided_by(&nearest.0, stock, exists)
                )
            }
            _ => format!("did you mean {}?", nearest.0),
        });
    }
    if fault.message.ends_with("must be On or Off") {
        return Some(format!("write \"{shown} On\" or \"{shown} Off\""));
    }
    let usage = fault.usage?;
    (!fault.message.contains(usage)).then(|| format!("{shown}: {usage}"))
}

fn provided_by(name: &str, stock: &Stock, exists: impl Fn(&str) -> bool) -> String {
    let Stock { symbol, file, .. } = stock;
    if exists(file) {
        format!(
            "{name} comes with {file}, which is not loaded; load it before: \
             LoadModule {symbol}_module {}/{file}.so",
            modules_dir()
        )
    } else {
        format!(
            "{name} comes with {file}, which is not loaded and not installed in {}",
            modules_dir()
        )
    }
}

/// The process models that have a directive, when it is one that others lack.
fn mpms_with(name: &[u8]) -> Option<&'static [&'static str]> {
    let (_, mpms) = OF_MPMS.iter().find(|(names, _)| is_among(names, name))?;
    Some(mpms)
}

fn of_another_mpm(name: &str, mpms: &[&str], current: &str) -> String {
    let first = mpms.first().copied().unwrap_or_default();
    let (which, those) = match mpms {
        [one] => (format!("the {one} MPM"), "that MPM"),
        several => (
            format!("the MPMs {}", several.join(" and ")),
            "one of those",
        ),
    };
    format!(
        "{name} comes with {which}, and {current} is in use; choose {those} before: \
         LoadModule mpm_{first}_module {}/mod_mpm_{first}.so, or put the line into \
         <IfModule mpm_{first}_module>",
        modules_dir()
    )
}

/// Where the stock modules are installed.
pub fn modules_dir() -> &'static str {
    "/usr/lib/apache2/modules"
}

fn stock_of(name: &[u8]) -> Option<&'static Stock> {
    STOCK.iter().find(|stock| is_among(stock.directives, name))
}

/// Whether the list has this name, in any case.
fn is_among(names: &str, name: &[u8]) -> bool {
    names
        .split_ascii_whitespace()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// A name near the one asked for, and whether it is that of a module not loaded.
struct Near(String, bool);

impl Near {
    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The name with the fewest slips of the pen, if those are few; a registered one before others.
fn nearest<'k>(name: &[u8], known: impl Iterator<Item = &'k [u8]>) -> Option<Near> {
    let allowed = (name.len() / 3).min(3);
    let registered = known.map(|known| (known, false));
    let stock = STOCK
        .iter()
        .flat_map(|stock| stock.directives.split_ascii_whitespace())
        .map(|name| (name.as_bytes(), true));
    let (slips, best, foreign) = registered
        .chain(stock)
        .filter(|(known, _)| known.len().abs_diff(name.len()) <= allowed)
        .map(|(known, foreign)| (distance(name, known), known, foreign))
        .min_by_key(|&(slips, _, foreign)| (slips, foreign))?;
    (slips <= allowed).then(|| Near(readable(best), foreign))
}

/// The one of some names that has the fewest slips of the pen, if those are few.
pub fn nearest_name<'k>(name: &[u8], known: impl Iterator<Item = &'k [u8]>) -> Option<String> {
    let allowed = (name.len() / 3).min(3);
    let (slips, best) = known
        .filter(|known| known.len().abs_diff(name.len()) <= allowed)
        .map(|known| (distance(name, known), known))
        .min_by_key(|&(slips, _)| slips)?;
    (slips <= allowed).then(|| readable(best))
}

/// How many letters must be changed, added, removed or swapped with their neighbour, in any case.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let same = x.eq_ignore_ascii_case(y);
            let mut cost = (last[j] + usize::from(!same))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            let swapped = i > 0
                && j > 0
                && x.eq_ignore_ascii_case(&b[j - 1])
                && a[i - 1].eq_ignore_ascii_case(y);
            if swapped {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// The line with this number, counted from one, without the white space at its end.
pub fn line_of(file: &[u8], number: u32) -> Option<&[u8]> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    let line = file.split(|&byte| byte == b'\n').nth(index)?;
    let end = line.iter().rposition(|&byte| !is_space(byte))?;
    Some(&line[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&[u8]; 3] = [b"ServerName", b"<Directory", b"ErrorDocument"];

    fn explain(message: &str, directive: &str, args: &str, source: Option<&str>) -> Vec<String> {
        let fault = Fault {
            message,
            directive: directive.as_bytes(),
            args: args.as_bytes(),
            line: 12,
            source: source.map(str::as_bytes),
            usage: Some("the usage"),
            mpm: "event",
        };
        lines(&fault, KNOWN.into_iter(), |file| file == "mod_rewrite")
    }

    #[test]
    fn an_unknown_directive_is_shown_with_its_module_or_the_nearest_name() {
        let message = "Invalid command 'X', perhaps misspelled";
        assert_eq!(
            explain(message, "RewriteEngine", "on", Some("  RewriteEngine  on")),
            [
                "   12 |   RewriteEngine  on",
                "      |   ^^^^^^^^^^^^^",
                "help: RewriteEngine comes with mod_rewrite, which is not loaded; load it before: \
                 LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so",
            ]
        );
        let near = explain(message, "SevrerName", "x", None);
        assert_eq!(near[2], "help: did you mean ServerName?");
        let near = explain(message, "RewriteEngin", "on", None);
        assert!(near[2].starts_with("help: did you mean RewriteEngine? RewriteEngine comes with"));
        let other = explain(message, "MinSpareServers", "5", None);
        assert_eq!(
            other[2],
            "help: MinSpareServers comes with the prefork MPM, and event is in use; choose that MPM \
             before: LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so, or \
             put the line into <IfModule mpm_prefork_module>"
        );
        let missing = explain(message, "ProxyPass", "/ x", None);
        assert!(missing[2].contains("mod_proxy, which is not loaded and not installed"));
        assert_eq!(explain(message, "Zzzyzx", "", None).len(), 2);
    }

    #[test]
    fn the_caret_points_to_what_the_message_quotes_or_to_the_arguments() {
        let lines = explain("unknown word 'b'", "Foo", "a b c", None);
        assert_eq!(lines[1], "      |       ^");
        let lines = explain("is wrong", "Foo", "a b", Some("Foo a b"));
        assert_eq!(lines[1], "      |     ^^^");
        assert_eq!(lines[2], "help: Foo: the usage");
        let lines = explain("Foo takes one argument, the usage", "Foo", "", None);
        assert_eq!(lines[1..], ["      | ^^^".to_owned()]);
        let lines = explain("Foo must be On or Off", "Foo", "x", None);
        assert_eq!(lines[2], "help: write \"Foo On\" or \"Foo Off\"");
    }

    #[test]
    fn hostile_text_is_shown_without_harm() {
        let long = "é".repeat(500);
        let lines = explain("bad 'é' ''", &long, &long, None);
        assert_eq!(lines[0].len(), 8 + SHOWN);
        explain("", "", "", Some(""));
        explain("'", "\u{1b}[2J", "\0\u{7f}", None);
    }

    #[test]
    fn slips_are_counted() {
        assert_eq!(distance(b"ServerName", b"servername"), 0);
        assert_eq!(distance(b"SevrerName", b"ServerName"), 1);
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"abc", b"abd"), 1);
    }

    #[test]
    fn a_line_is_found_by_number() {
        assert_eq!(line_of(b"a\r\nb \nc", 1), Some(&b"a"[..]));
        assert_eq!(line_of(b"a\r\nb \nc", 2), Some(&b"b"[..]));
        assert_eq!(line_of(b"a", 2), None);
        assert_eq!(line_of(b"a", 0), None);
    }
}
