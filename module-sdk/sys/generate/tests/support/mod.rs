//! Reads one set of headers in three ways, each into a map from a name to a text that is equal when
//! the facts are equal. Used by the conformance test.

#![allow(dead_code, reason = "each test takes what it needs")]

mod declarations;
mod rust;

use std::{
    collections::BTreeMap,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

#[allow(unused_imports, reason = "as above")]
pub use declarations::declarations;
#[allow(unused_imports, reason = "as above")]
pub use rust::bindings;

/// libxml2's type in mod_xml2enc.h, whose users include libxml2 before: an enumeration there too.
pub const LIBXML2_STANDS_IN: &str = "-DxmlCharEncoding=int";

/// A directory of headers.
pub struct Side {
    pub include: PathBuf,
}

impl Side {
    pub fn ours() -> Self {
        Self {
            include: httpd_sys_generate::include_dir(),
        }
    }

    pub fn debian() -> Self {
        let include = PathBuf::from(httpd_sys_generate::APACHE_INCLUDE);
        assert!(
            include.is_dir(),
            "apache2-dev is missing: `make test` installs it"
        );
        Self { include }
    }

    /// The names of its headers, sorted.
    pub fn all_headers(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(&self.include)
            .expect("the directory of headers can be read")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".h"))
            .collect();
        names.sort();
        names
    }

    /// The headers that are compared: those of `include/`, in an order which suits Debian's, some of
    /// which need others before them.
    pub fn compared_headers() -> Vec<String> {
        let first = ["httpd.h", "http_config.h", "util_filter.h"].map(String::from);
        let rest = Self::ours()
            .all_headers()
            .into_iter()
            .filter(|name| !first.contains(name));
        first.iter().cloned().chain(rest).collect()
    }

    /// A source that includes them, and before them what a source must include for Debian's.
    pub fn source() -> String {
        let headers = Self::compared_headers();
        ["apr_dbd.h"]
            .into_iter()
            .chain(headers.iter().map(String::as_str))
            .map(|name| format!("#include \"{name}\"\n"))
            .collect()
    }

    /// What the compiler prints for `source`.
    pub fn compile(&self, language: &str, flags: &[&str], source: &str) -> Result<String, String> {
        let mut child = Command::new("cc")
            .args(["-x", language])
            .args(httpd_sys_generate::DEFINES)
            .arg(format!("-I{}", self.include.display()))
            .arg(format!("-I{}", httpd_sys_generate::APR_INCLUDE))
            .arg(LIBXML2_STANDS_IN)
            .args(flags)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is a C compiler");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        stdin
            .write_all(source.as_bytes())
            .expect("the compiler reads");
        drop(stdin);
        let done = child.wait_with_output().expect("the compiler ends");
        if done.status.success() {
            Ok(String::from_utf8_lossy(&done.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&done.stderr).into_owned())
        }
    }
}

/// C text as tokens with one space between them, so that layout does not matter.
pub fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' || first == '\'' {
            quoted(rest, first)
        } else if first.is_ascii_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len())
        } else if rest.starts_with("...") {
            3
        } else {
            first.len_utf8()
        };
        found.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    found
}

/// Length of a string or character literal at the start of `text`.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The macros that the headers define: name to number of parameters and body, where parameters are
/// numbered. What the compiler and the system define by themselves is in both sets, and equal.
pub fn macros(side: &Side, language: &str, flags: &[&str]) -> BTreeMap<String, String> {
    let flags = [&["-dM", "-E"], flags].concat();
    let text = side
        .compile(language, &flags, &Side::source())
        .unwrap_or_else(|errors| panic!("{errors}"));
    text.lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .map(one_macro)
        .collect()
}

fn one_macro(definition: &str) -> (String, String) {
    let end = definition
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(definition.len());
    let (name, rest) = definition.split_at(end);
    let Some(rest) = rest.strip_prefix('(') else {
        return (name.to_owned(), tokens(rest).join(" "));
    };
    let (parameters, body) = rest.split_once(')').expect("a list of parameters ends");
    let parameters: Vec<&str> = parameters.split(',').map(str::trim).collect();
    let body: Vec<String> = tokens(body)
        .into_iter()
        .map(|token| match parameters.iter().position(|p| *p == token) {
            Some(number) => format!("${number}"),
            None => token,
        })
        .collect();
    (
        name.to_owned(),
        format!("({}) {}", parameters.len(), body.join(" ")),
    )
}
