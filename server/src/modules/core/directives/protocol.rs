//! How the server speaks HTTP: protocols, strictness, methods, TRACE, trailers, accept filters,
//! status of connections.

use std::ffi::{CStr, c_char, c_int};

use httpd_sys as sys;
use module_sdk::raw::{Array, Table};

use crate::modules::core::{
    command::{Cmd, Outcome, shown},
    options::choice,
};

/// `Protocol http|https|ftp`
pub(in crate::modules::core) fn protocol(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let name = cmd.keep(name.to_bytes());
    // SAFETY: the copy is ours to write.
    unsafe { sys::ap_str_tolower(name) };
    cmd.core_server().protocol = name;
    Ok(())
}

/// `Protocols name ...`: each call of the directive adds the names of its line.
pub(in crate::modules::core) fn protocols(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    // SAFETY: the record has its list of strings.
    let known = unsafe { Array::<*const c_char>::from_ptr(cmd.core_server().protocols) };
    known.push(cmd.keep(name.to_bytes()).cast_const());
    Ok(())
}

/// `ProtocolsHonorOrder on|off`
pub(in crate::modules::core) fn protocols_honor_order(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.core_server().protocols_honor_order = choice(&shown(word), &[("on", 1), ("off", 0)])
        .ok_or("ProtocolsHonorOrder must be 'on' or 'off'")?;
    Ok(())
}

/// `AcceptFilter protocol filter`
pub(in crate::modules::core) fn accept_filter(
    cmd: Cmd<'_>,
    protocol: &CStr,
    filter: Option<&CStr>,
) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    // SAFETY: the main server's record has the table.
    let map = unsafe { Table::from_ptr(cmd.core_server().accf_map) };
    map.set(protocol, filter.unwrap_or(c"none"));
    Ok(())
}

/// `HttpProtocolOptions option ...`
pub(in crate::modules::core) fn http_protocol_options(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let conf = cmd.core_server();
    let mut rules = HttpRules {
        http09: conf.http09_enable as u32,
        conformance: conf.http_conformance as u32,
        methods: conf.http_methods as u32,
    };
    rules.apply(&shown(word))?;
    conf.http09_enable = rules.http09 as c_char;
    conf.http_conformance = rules.conformance as c_char;
    conf.http_methods = rules.methods as c_char;
    Ok(())
}

/// What `HttpProtocolOptions` has said so far.
#[derive(Default)]
struct HttpRules {
    http09: u32,
    conformance: u32,
    methods: u32,
}

impl HttpRules {
    /// Takes one word in; each setting is one of two and may be said once.
    fn apply(&mut self, word: &str) -> Result<(), &'static str> {
        const OLD: (u32, u32) = (sys::AP_HTTP09_ENABLE, sys::AP_HTTP09_DISABLE);
        const RULES: (u32, u32) = (
            sys::AP_HTTP_CONFORMANCE_STRICT,
            sys::AP_HTTP_CONFORMANCE_UNSAFE,
        );
        const METHODS: (u32, u32) = (
            sys::AP_HTTP_METHODS_REGISTERED,
            sys::AP_HTTP_METHODS_LENIENT,
        );
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        let (place, value, other, clash) = if is("Allow0.9") || is("Require1.0") {
            let (value, other) = if is("Allow0.9") { OLD } else { (OLD.1, OLD.0) };
            (
                &mut self.http09,
                value,
                other,
                "HttpProtocolOptions 'Allow0.9' and 'Require1.0' are mutually exclusive",
            )
        } else if is("Strict") || is("Unsafe") {
            let (value, other) = if is("Strict") {
                RULES
            } else {
                (RULES.1, RULES.0)
            };
            (
                &mut self.conformance,
                value,
                other,
                "HttpProtocolOptions 'Strict' and 'Unsafe' are mutually exclusive",
            )
        } else if is("RegisteredMethods") || is("LenientMethods") {
            let (value, other) = if is("RegisteredMethods") {
                METHODS
            } else {
                (METHODS.1, METHODS.0)
            };
            (
                &mut self.methods,
                value,
                other,
                "HttpProtocolOptions 'RegisteredMethods' and 'LenientMethods' are mutually \
                 exclusive",
            )
        } else {
            return Err(
                "HttpProtocolOptions accepts 'Unsafe' or 'Strict' (default), \
                 'RegisteredMethods' or 'LenientMethods' (default), and 'Require1.0' or \
                 'Allow0.9' (default)",
            );
        };
        if *place == other {
            return Err(clash);
        }
        *place = value;
        Ok(())
    }
}

/// `RegisterHttpMethod name ...`
pub(in crate::modules::core) fn register_method(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    let name = cmd.keep(name.to_bytes());
    // SAFETY: the name lives as long as the configuration.
    unsafe { sys::ap_method_register(cmd.pool().as_ptr(), name) };
    Ok(())
}

/// `TraceEnable on|off|extended`
pub(in crate::modules::core) fn trace_enable(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.core_server().trace_enable = choice(
        &shown(word),
        &[
            ("on", sys::AP_TRACE_ENABLE),
            ("off", sys::AP_TRACE_DISABLE),
            ("extended", sys::AP_TRACE_EXTENDED),
        ],
    )
    .ok_or("TraceEnable must be one of 'on', 'off', or 'extended'")?
        as c_int;
    Ok(())
}

/// `MergeTrailers on|off`
pub(in crate::modules::core) fn merge_trailers(cmd: Cmd<'_>, on: bool) -> Outcome {
    cmd.core_server().merge_trailers = if on {
        sys::AP_MERGE_TRAILERS_ENABLE
    } else {
        sys::AP_MERGE_TRAILERS_DISABLE
    } as c_int;
    Ok(())
}

/// `MergeSlashes on|off`
pub(in crate::modules::core) fn merge_slashes(cmd: Cmd<'_>, on: bool) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.core_server().merge_slashes = u32::from(on);
    Ok(())
}

/// `StrictHostCheck on|off`
pub(in crate::modules::core) fn strict_host_check(cmd: Cmd<'_>, on: bool) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.core_server().strict_host_check = u32::from(on);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_of_http_is_one_of_two() {
        let mut rules = HttpRules::default();
        rules.apply("Strict").unwrap();
        rules.apply("require1.0").unwrap();
        rules.apply("Strict").unwrap();
        assert_eq!(rules.conformance, sys::AP_HTTP_CONFORMANCE_STRICT);
        assert_eq!(rules.http09, sys::AP_HTTP09_DISABLE);
        assert_eq!(rules.methods, sys::AP_HTTP_METHODS_UNSET);
        assert!(
            rules
                .apply("Unsafe")
                .unwrap_err()
                .contains("mutually exclusive")
        );
        assert!(rules.apply("Allow0.9").is_err());
        assert!(rules.apply("Loose").is_err());
    }
}
