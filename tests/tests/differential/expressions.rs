//! Expressions (`ap_expr`): some 400 conditions and strings of `data/expressions.txt`, and every pair
//! of comparison and operands, evaluated by both servers where a configuration may hold them.

use std::{fmt::Write, fs, os::unix::fs::symlink};

use anyhow::{Result, ensure};
use httpd_tests::{
    differential::{Case, compare, serve},
    host::workspace,
    site::Site,
};

/// What the expressions of `data/expressions.txt` ask about.
const FIELDS: &[(&str, &str)] = &[
    ("User-Agent", "tester/1.0"),
    ("Accept", "*/*"),
    ("Cookie", "a=b; c=d"),
    ("Referer", "http://from.example/"),
    ("X-Test", "value"),
    ("X-List", "one, two ,three"),
];

/// The lines that hold an expression.
fn corpus() -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace().join("tests/tests/data/expressions.txt"))?;
    let lines = text.lines().filter(|line| !line.is_empty());
    let expressions: Vec<String> = lines
        .filter(|line| !line.starts_with("# ") && *line != "#")
        .map(str::to_owned)
        .collect();
    ensure!(expressions.len() > 250, "{} only", expressions.len());
    Ok(expressions)
}

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    site.file("line", "one line\n")?;
    site.file("empty", "")?;
    site.file("secret/x", "x\n")?;
    site.program("program", "#!/bin/sh\n")?;
    symlink("doc.txt", site.path().join("link"))?;
    symlink("nowhere", site.path().join("dangling"))?;
    Ok(site)
}

/// An argument in double quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A server whose `/e/NUMBER` is under what `section` makes of the expression.
fn configuration(
    site: &Site,
    modules: &str,
    expressions: &[String],
    section: impl Fn(&str) -> String,
) -> String {
    let mut more = String::from(
        "ServerAdmin admin@test.example\nSetEnvIf X-Test . FROM_SETENV=yes\n\
         AliasMatch ^/e/ \"@SITE@/doc.txt\"\nAddDefaultCharset Off\n\
         <Files doc.txt>\nForceType text/plain\n</Files>\n\
         <Location /secret>\nRequire all denied\n</Location>\n",
    );
    for (number, expression) in expressions.iter().enumerate() {
        let _ = writeln!(
            more,
            "<Location /e/{number}>\n{}\n</Location>",
            section(expression)
        );
    }
    serve(site, &format!("alias setenvif headers {modules}"), &more)
}

fn cases(expressions: &[String]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, expression) in expressions.iter().enumerate() {
        let mut case = Case::get_with(&format!("/e/{number}?a=1&b=20"), FIELDS);
        case.name = expression.clone();
        cases.push(case);
        let mut case = Case::with("POST", &format!("/e/{number}"), &[], "body");
        case.name = format!("POST {expression}");
        cases.push(case);
    }
    cases
}

#[test]
fn conditions_in_if_sections() -> Result<()> {
    let mut expressions = corpus()?;
    // The sub-request of -F is under the same section: Apache asks for ever and crashes.
    expressions.retain(|line| !line.starts_with("= ") && !line.starts_with("-F "));
    let site = site()?;
    let section = |expression: &str| {
        format!(
            "<If {}>\nHeader set X-If yes\n</If>\n<Else>\nHeader set X-If no\n</Else>",
            quoted(expression)
        )
    };
    compare(
        "core",
        &configuration(&site, "", &expressions, section),
        &cases(&expressions),
    )
}

/// The same after the response has come to be, where `resp()` and the status are known.
#[test]
fn conditions_of_header_lines() -> Result<()> {
    let mut expressions = corpus()?;
    expressions.retain(|line| !line.starts_with("= "));
    let site = site()?;
    let section = |expression: &str| {
        format!(
            "Header always set X-If yes {}",
            quoted(&format!("expr={expression}"))
        )
    };
    compare(
        "core headers",
        &configuration(&site, "", &expressions, section),
        &cases(&expressions),
    )
}

#[test]
fn strings_in_header_values() -> Result<()> {
    let expressions: Vec<String> = corpus()?
        .iter()
        .filter_map(|line| line.strip_prefix("= ").map(str::to_owned))
        .collect();
    let site = site()?;
    let section = |expression: &str| {
        format!(
            "Header set X-Value {}",
            quoted(&format!("expr={expression}"))
        )
    };
    compare(
        "core headers",
        &configuration(&site, "", &expressions, section),
        &cases(&expressions),
    )
}

/// Variables set from what groups matched.
#[test]
fn groups_in_setenvifexpr() -> Result<()> {
    let mut expressions = corpus()?;
    // Without groups mod_setenvif uses memory that it has not set.
    expressions.retain(|line| {
        let regex = line.split_once("=~").map_or("", |(_, regex)| regex);
        regex.replace("\\(", "").replace("(?", "").contains('(')
    });
    let site = site()?;
    let section = |expression: &str| {
        format!(
            "SetEnvIfExpr {} MATCHED=[$0][$1][$2][$9]\n\
             Header set X-Matched \"%{{MATCHED}}e\" env=MATCHED",
            quoted(expression)
        )
    };
    compare(
        "core setenvif",
        &configuration(&site, "", &expressions, section),
        &cases(&expressions),
    )
}

#[test]
fn conditions_in_require_expr() -> Result<()> {
    let mut expressions = corpus()?;
    expressions.retain(|line| !line.starts_with("= ") && !line.starts_with('"'));
    let site = site()?;
    let section = |expression: &str| format!("Require expr {}", expression);
    compare(
        "core authz_core",
        &configuration(&site, "", &expressions, section),
        &cases(&expressions),
    )
}

/// Every comparison with operands of which one is the beginning of the other, longer, empty, negative,
/// too large for a number, or no number.
#[test]
fn comparisons_of_all_kinds() -> Result<()> {
    let words = [
        "''",
        "'a'",
        "'ab'",
        "'B'",
        "'10'",
        "'9'",
        "'-1'",
        "'010'",
        "' 10'",
        "'10x'",
        "'99999999999999999999'",
        "%{REQUEST_METHOD}",
    ];
    let operators = [
        "==",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "-eq",
        "-ne",
        "-lt",
        "-le",
        "-gt",
        "-ge",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "-strmatch",
        "-strcmatch",
        "-fnmatch",
    ];
    let mut expressions = Vec::new();
    // One section holds all pairs of an operator: the answer names those that are true.
    for operator in operators {
        for left in words {
            for right in words {
                expressions.push((operator, format!("{left} {operator} {right}")));
            }
        }
    }
    let mut more = String::from("AliasMatch ^/e/ \"@SITE@/doc.txt\"\n");
    for (number, operator) in operators.iter().enumerate() {
        let _ = writeln!(more, "<Location /e/{number}>");
        for (of, expression) in &expressions {
            if of == operator {
                let _ = writeln!(
                    more,
                    "<If {}>\nHeader add X-True {}\n</If>",
                    quoted(expression),
                    quoted(&expression.replace('%', "%%"))
                );
            }
        }
        more += "</Location>\n";
    }
    let cases: Vec<Case> = operators
        .iter()
        .enumerate()
        .map(|(number, operator)| {
            let mut case = Case::get(&format!("/e/{number}"));
            case.name = (*operator).to_owned();
            case
        })
        .collect();
    let site = site()?;
    compare("core", &serve(&site, "alias headers", &more), &cases)
}
