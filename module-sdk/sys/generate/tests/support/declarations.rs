//! Headers as C text: each declaration with its attributes, which bindgen does not show.

use std::collections::BTreeMap;

use super::{Side, tokens};

/// Every declaration that stands in the headers themselves. A name that is declared several times
/// (`typedef struct x x;`, `struct x { ... };`) has all of them, sorted.
pub fn declarations(side: &Side) -> BTreeMap<String, String> {
    let text = side
        .compile("c", &["-E", "-std=gnu11"], &Side::source())
        .unwrap_or_else(|errors| panic!("{errors}"));
    let own = format!("\"{}/", side.include.display());

    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut inside = false;
    let mut pending: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(marker) = line.strip_prefix("# ") {
            inside = marker
                .split_once(' ')
                .is_some_and(|(_, file)| file.starts_with(&own));
        } else if inside {
            for token in tokens(line) {
                let ends = token == ";" || token == "}";
                pending.push(token);
                if ends && is_complete(&pending) {
                    let declaration = std::mem::take(&mut pending);
                    if declaration.len() > 1 {
                        let text = declaration.join(" ");
                        found.entry(name_of(&declaration)).or_default().push(text);
                    }
                }
            }
        }
    }
    found
        .into_iter()
        .map(|(name, mut texts)| {
            texts.sort();
            (name, texts.join("\n            "))
        })
        .collect()
}

/// At a semicolon outside of braces, or at the end of a function's body.
fn is_complete(tokens: &[String]) -> bool {
    let count = |what: &str| tokens.iter().filter(|token| *token == what).count();
    if count("{") != count("}") || count("(") != count(")") {
        return false;
    }
    let last = &tokens[tokens.len() - 1];
    let body = tokens.iter().position(|token| token == "{");
    last == ";" || body.is_some_and(|at| at > 0 && tokens[at - 1] == ")")
}

/// What is declared: the tag before a brace, else the last name before the arguments, or before the
/// end.
fn name_of(declaration: &[String]) -> String {
    let is_name = |token: &&String| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    // Attributes say nothing about the name.
    let end = declaration
        .iter()
        .position(|token| token == "__attribute__")
        .unwrap_or(declaration.len());
    let mut head = &declaration[..end];
    if let Some(brace) = head.iter().position(|token| token == "{") {
        if brace > 0 && head[brace - 1] != ")" {
            let tag = &head[brace - 1];
            if !["struct", "union", "enum"].contains(&tag.as_str()) {
                return tag.clone();
            }
            let closing = head.iter().rposition(|token| token == "}").unwrap_or(brace);
            let after = head[closing..].iter().rfind(is_name);
            return after.or(head.get(brace + 1)).cloned().unwrap_or_default();
        }
        head = &head[..brace];
    }
    let mut depth = 0;
    let mut last = String::new();
    for (at, token) in head.iter().enumerate() {
        match token.as_str() {
            "(" => {
                // `(*name)(`: the name is inside.
                let pointer = head.get(at + 1).is_some_and(|next| next == "*");
                let named = head.get(at + 2).is_some_and(|next| is_name(&next));
                let closed = head.get(at + 3).is_some_and(|next| next == ")");
                if depth == 0 && pointer && named && closed {
                    return head[at + 2].clone();
                }
                if depth == 0 && !last.is_empty() {
                    let plain = head.get(at + 1).filter(is_name);
                    let alone = head.get(at + 2).is_some_and(|next| next == ")");
                    let called = head.get(at + 3).is_some_and(|next| next == "(");
                    return match plain {
                        Some(name) if alone && called => name.clone(),
                        _ => last,
                    };
                }
                depth += 1;
            }
            ")" => depth -= 1,
            _ if depth == 0 && is_name(&token) => last.clone_from(token),
            _ => {}
        }
    }
    last
}
