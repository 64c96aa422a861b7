//! `include/` declares what Debian's apache2-dev declares: nothing is missing, nothing is added,
//! nothing differs. Three looks at both sets of headers: bindgen's (types, layouts, functions,
//! constants), the preprocessor's (macros), and the declarations as C text (attributes too).
//!
//! `make test` installs apache2-dev; a failure lists every name with both texts.

mod support;

use std::collections::BTreeMap;

use support::{Side, bindings, declarations, macros};

/// Names with two meanings: what is declared on each side.
type Facts = BTreeMap<String, String>;

/// Macros whose text is ours: the same value or effect, in other words or another order.
const OWN_TEXT: &[(&str, &str)] = &[
    (
        "AP_GRACEFUL_SHUTDOWN_TIMEOUT_COMMAND",
        "the help is in our words",
    ),
    ("LISTEN_COMMANDS", "the help is in our words"),
    (
        "AP_MODULE_MAGIC_AT_LEAST",
        "the comparisons are turned round",
    ),
    (
        "ap_get_conn_server_logconf",
        "the two conditions are exchanged",
    ),
    ("ap_status_drops_connection", "fewer parentheses"),
    ("DOCTYPE_HTML_4_01", "the text is in two pieces"),
    ("DAV_RESPONSE_BODY_1", "the text is in two pieces"),
    (
        "ap_log_csdata",
        "before C99: Debian's header defines ap_log_cdata a second time in its place",
    ),
];

/// Headers with members that are named as C++'s keywords.
const ONLY_C: &[&str] = &["cache_common.h", "mod_cache.h", "mod_dav.h"];

/// Declarations whose text is ours.
const OWN_DECLARATIONS: &[(&str, &str)] = &[("ap_rputs", "an inline function: the body is ours")];

/// Everything that differs, one line each.
fn differences(ours: &Facts, debian: &Facts, explained: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in debian {
        match ours.get(name) {
            None => found.push(format!("{name}: missing in include/")),
            Some(own) if own != text && !explained.iter().any(|(known, _)| known == name) => {
                found.push(format!("{name}:\n    ours:   {own}\n    debian: {text}"));
            }
            Some(_) => {}
        }
    }
    let known = |name: &str| explained.iter().any(|(known, _)| *known == name);
    for name in ours
        .keys()
        .filter(|name| !debian.contains_key(*name) && !known(name))
    {
        found.push(format!("{name}: only in include/"));
    }
    for (name, _) in explained {
        if ours.get(*name) == debian.get(*name) {
            found.push(format!("{name}: explained, but there is no difference"));
        }
    }
    found
}

fn assert_same(what: &str, found: &[String]) {
    assert!(
        found.is_empty(),
        "{} differences in {what}:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn every_header_is_there() {
    let (ours, debian) = (Side::ours().all_headers(), Side::debian().all_headers());
    assert_eq!(ours, debian, "the headers of include/ and of Debian");
}

#[test]
fn each_header_stands_by_itself() {
    let ours = Side::ours();
    for header in ours.all_headers() {
        for language in ["c", "c++"] {
            if language == "c++" && ONLY_C.contains(&header.as_str()) {
                continue;
            }
            let source = format!("#include \"{header}\"\n");
            let done = ours.compile(
                language,
                &["-fsyntax-only", "-Wall", "-Wno-unused"],
                &source,
            );
            done.unwrap_or_else(|errors| panic!("{header} as {language}:\n{errors}"));
        }
    }
}

#[test]
fn bindings_are_the_same() {
    let (ours, debian) = (bindings(&Side::ours()), bindings(&Side::debian()));
    assert!(debian.len() > 4000, "only {} items were read", debian.len());
    assert_same(
        "types, functions and constants",
        &differences(&ours, &debian, &[]),
    );
}

#[test]
fn macros_are_the_same() {
    // Each setting that changes which macros there are, or what they say.
    let settings: [(&str, &[&str]); 5] = [
        ("c", &["-std=gnu11"]),
        ("c", &["-std=gnu89"]),
        ("c", &["-std=gnu11", "-DAP_DEBUG"]),
        ("c", &["-std=gnu11", "-DAPLOG_MAX_LOGLEVEL=6"]),
        ("c++", &[]),
    ];
    for (language, flags) in settings {
        let ours = macros(&Side::ours(), language, flags);
        let debian = macros(&Side::debian(), language, flags);
        assert!(
            debian.len() > 1000,
            "only {} macros were read",
            debian.len()
        );
        // An explained macro need not differ in every setting.
        let explained: Vec<(&str, &str)> = OWN_TEXT
            .iter()
            .filter(|(name, _)| ours.get(*name) != debian.get(*name))
            .copied()
            .collect();
        let found = differences(&ours, &debian, &explained);
        assert_same(&format!("macros as {language} with {flags:?}"), &found);
    }
}

#[test]
fn declarations_are_the_same() {
    let (ours, debian) = (declarations(&Side::ours()), declarations(&Side::debian()));
    assert!(
        debian.len() > 800,
        "only {} declarations were read",
        debian.len()
    );
    assert_same(
        "declarations",
        &differences(&ours, &debian, OWN_DECLARATIONS),
    );
}
