//! Who the server is and where its files are: `ServerName`, `ServerRoot`, `DocumentRoot`, ...

use std::{
    ffi::{CStr, c_char},
    ptr::{null, null_mut},
};

use httpd_sys as sys;

use super::leading_number;
use crate::{
    crash::limit::{self, Limit},
    modules::core::{
        banner,
        command::{Cmd, Outcome, shown},
        options::{choice, is_pattern},
    },
};

/// A directory's true path, if it is one.
fn directory(cmd: Cmd<'_>, path: *const c_char) -> Option<*mut c_char> {
    let mut merged = null_mut();
    // SAFETY: the pools are live; the path is a string or NULL.
    unsafe {
        let made = !path.is_null()
            && sys::apr_filepath_merge(
                &mut merged,
                null(),
                path,
                sys::APR_FILEPATH_TRUENAME as i32,
                cmd.pool().as_ptr(),
            ) == 0;
        (made && sys::ap_is_directory(cmd.temp_pool().as_ptr(), merged) != 0).then_some(merged)
    }
}

/// `ServerRoot directory`
pub(in crate::modules::core) fn server_root(cmd: Cmd<'_>, path: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    let root = directory(cmd, path.as_ptr()).ok_or("ServerRoot must be a valid directory")?;
    // SAFETY: the configuration is read single-threaded.
    unsafe { sys::ap_server_root = root };
    Ok(())
}

/// `DefaultRuntimeDir directory`
pub(in crate::modules::core) fn runtime_dir(cmd: Cmd<'_>, path: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    // SAFETY: as above.
    unsafe {
        let path = sys::ap_server_root_relative(cmd.temp_pool().as_ptr(), path.as_ptr());
        sys::ap_runtime_dir = directory(cmd, path).ok_or(
            "DefaultRuntimeDir must be a valid directory, absolute or relative to ServerRoot",
        )?;
    }
    Ok(())
}

/// `ModuleCrashLimit crashes/seconds [disable|stop]`, `ModuleCrashLimit off`
pub(in crate::modules::core) fn module_crash_limit(
    cmd: Cmd<'_>,
    rate: &CStr,
    then: Option<&CStr>,
) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    let then = then.map(shown);
    limit::set(Limit::parse(&shown(rate), then.as_deref())?);
    Ok(())
}

/// `DocumentRoot directory`
pub(in crate::modules::core) fn document_root(cmd: Cmd<'_>, path: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let conf = cmd.core_server();
    // SAFETY: the pool is live; the flag is set by the command line.
    let path = unsafe {
        if sys::ap_document_root_check == 0 {
            conf.ap_document_root = cmd.keep(path.to_bytes());
            return Ok(());
        }
        let absolute = sys::ap_server_root_relative(cmd.pool().as_ptr(), path.as_ptr());
        if absolute.is_null() {
            return Err("DocumentRoot must be a directory".into());
        }
        CStr::from_ptr(absolute)
    };
    if let Some(root) = directory(cmd, path.as_ptr()) {
        conf.ap_document_root = root;
    } else if cmd.server().is_virtual != 0 {
        super::super::log_server(
            null(),
            sys::APLOG_STARTUP,
            0,
            &format!(
                "AH00112: Warning: DocumentRoot [{}] does not exist",
                shown(path)
            ),
        );
        conf.ap_document_root = path.as_ptr();
    } else {
        return Err(format!(
            "DocumentRoot '{}' is not a directory, or is not readable",
            shown(path)
        )
        .into());
    }
    Ok(())
}

/// `ServerName [scheme://]host[:port]`
pub(in crate::modules::core) fn server_name(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let text = shown(name);
    if is_pattern(name.to_bytes()) {
        return Err(format!(
            "Invalid ServerName \"{text}\" use ServerAlias to set multiple server names."
        )
        .into());
    }
    let parts = NameParts::of(&text).map_err(|()| {
        format!("The port number \"{text}\" is outside the appropriate range (i.e., 1..65535).")
    })?;
    let server = cmd.server();
    if let Some(scheme) = parts.scheme {
        server.server_scheme = cmd.keep(scheme.to_ascii_lowercase());
    }
    server.server_hostname = cmd.keep(parts.host);
    server.port = parts.port;
    Ok(())
}

/// What `ServerName` says.
#[derive(Debug, PartialEq, Eq)]
struct NameParts<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    /// 0 when it is not given.
    port: u16,
}

impl<'a> NameParts<'a> {
    fn of(text: &'a str) -> Result<Self, ()> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        // An IPv6 address holds colons of its own.
        let after_address = rest.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match rest[after_address..].find(':') {
            Some(at) => {
                let (host, port) = rest.split_at(after_address + at);
                let digits: String = port[1..].chars().take_while(char::is_ascii_digit).collect();
                match digits.parse::<u16>() {
                    Ok(port) if port > 0 => (host, port),
                    _ => return Err(()),
                }
            }
            None => (rest, 0),
        };
        Ok(Self { scheme, host, port })
    }
}

/// `ServerAlias name ...`
pub(in crate::modules::core) fn server_alias(cmd: Cmd<'_>, names: &CStr) -> Outcome {
    let server = cmd.server();
    if server.names.is_null() {
        return Err("ServerAlias only used in <VirtualHost>".into());
    }
    let mut rest = cmd.pool().copy(names.to_bytes());
    while !rest.is_empty() {
        let name = cmd.word(&mut rest);
        // SAFETY: a virtual host has both lists, of strings.
        unsafe {
            let list = if sys::ap_is_matchexp(name.as_ptr()) != 0 {
                server.wild_names
            } else {
                server.names
            };
            sys::apr_array_push(list)
                .cast::<*const c_char>()
                .write(name.as_ptr());
        }
    }
    Ok(())
}

/// `ServerPath path`
pub(in crate::modules::core) fn server_path(cmd: Cmd<'_>, path: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let server = cmd.server();
    server.path = cmd.keep(path.to_bytes());
    server.pathlen = path.count_bytes() as i32;
    Ok(())
}

/// `ServerAdmin address`
pub(in crate::modules::core) fn server_admin(cmd: Cmd<'_>, address: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.server().server_admin = cmd.keep(address.to_bytes());
    Ok(())
}

/// `Timeout seconds`
pub(in crate::modules::core) fn timeout(cmd: Cmd<'_>, seconds: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.server().timeout = leading_number(seconds).saturating_mul(1_000_000);
    Ok(())
}

/// `ServerSignature on|off|email`
pub(in crate::modules::core) fn server_signature(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.dir().server_signature = choice(
        &shown(word),
        &[
            ("On", sys::srv_sig_on),
            ("Off", sys::srv_sig_off),
            ("EMail", sys::srv_sig_withmail),
        ],
    )
    .ok_or("ServerSignature: use one of: off | on | email")?;
    Ok(())
}

/// `ServerTokens Prod|Major|Minor|Min|OS|Full`
pub(in crate::modules::core) fn server_tokens(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    use banner::Tokens;
    cmd.not_in(sys::GLOBAL_ONLY)?;
    let tokens = choice(
        &shown(word),
        &[
            ("OS", Tokens::System),
            ("Min", Tokens::Minimal),
            ("Minimal", Tokens::Minimal),
            ("Major", Tokens::Major),
            ("Minor", Tokens::Minor),
            ("Prod", Tokens::Product),
            ("ProductOnly", Tokens::Product),
            ("Full", Tokens::Full),
        ],
    )
    .ok_or(
        "ServerTokens takes 1 argument: 'Prod(uctOnly)', 'Major', 'Minor', 'Min(imal)', 'OS', or \
         'Full'",
    )?;
    banner::set_tokens(tokens);
    Ok(())
}

/// `HostnameLookups on|off|double`
pub(in crate::modules::core) fn hostname_lookups(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    let setting = choice(
        &shown(word),
        &[
            ("on", sys::HOSTNAME_LOOKUP_ON),
            ("off", sys::HOSTNAME_LOOKUP_OFF),
            ("double", sys::HOSTNAME_LOOKUP_DOUBLE),
        ],
    )
    .ok_or("parameter must be 'on', 'off', or 'double'")?;
    cmd.dir().set_hostname_lookups(setting);
    Ok(())
}

/// `UseCanonicalName on|off|dns`
pub(in crate::modules::core) fn use_canonical_name(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    let setting = choice(
        &shown(word),
        &[
            ("on", sys::USE_CANONICAL_NAME_ON),
            ("off", sys::USE_CANONICAL_NAME_OFF),
            ("dns", sys::USE_CANONICAL_NAME_DNS),
        ],
    )
    .ok_or("parameter must be 'on', 'off', or 'dns'")?;
    cmd.dir().set_use_canonical_name(setting);
    Ok(())
}

/// `UseCanonicalPhysicalPort on|off`
pub(in crate::modules::core) fn use_canonical_port(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    let setting = choice(
        &shown(word),
        &[
            ("on", sys::USE_CANONICAL_PHYS_PORT_ON),
            ("off", sys::USE_CANONICAL_PHYS_PORT_OFF),
        ],
    )
    .ok_or("parameter must be 'on' or 'off'")?;
    cmd.dir().set_use_canonical_phys_port(setting);
    Ok(())
}

/// `Port`: gone since Apache 2.0.
pub(in crate::modules::core) fn port(_: Cmd<'_>, _: &CStr) -> Outcome {
    Err("Port was replaced with Listen in Apache 2.0".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_name_has_up_to_three_parts() {
        let parts = |scheme, host, port| Ok(NameParts { scheme, host, port });
        assert_eq!(NameParts::of("www.x.org"), parts(None, "www.x.org", 0));
        assert_eq!(
            NameParts::of("https://x:8443"),
            parts(Some("https"), "x", 8443)
        );
        assert_eq!(NameParts::of("[::1]:80"), parts(None, "[::1]", 80));
        assert_eq!(NameParts::of("[::1]"), parts(None, "[::1]", 0));
        assert_eq!(NameParts::of("x:0"), Err(()));
        assert_eq!(NameParts::of("x:99999"), Err(()));
        assert_eq!(NameParts::of("x:"), Err(()));
    }
}
