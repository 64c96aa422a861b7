//! How documents are served: types, handlers, filters, error documents, charset, ETag, CGI.

use std::{
    ffi::{CStr, c_int},
    mem::size_of,
};

use httpd_sys as sys;

use super::words;
use crate::modules::core::{
    command::{Cmd, Outcome, shown},
    config,
    options::choice,
};

/// Stands in the table of error documents for "the server's own message again".
pub(crate) static ORIGINAL_MESSAGE: u8 = 0;

/// `AddDefaultCharset off|on|name`
pub(in crate::modules::core) fn add_default_charset(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    let dir = cmd.dir();
    match choice(&shown(word), &[("off", false), ("on", true)]) {
        Some(false) => dir.set_add_default_charset(sys::ADD_DEFAULT_CHARSET_OFF),
        Some(true) => {
            dir.set_add_default_charset(sys::ADD_DEFAULT_CHARSET_ON);
            dir.add_default_charset_name = sys::DEFAULT_ADD_DEFAULT_CHARSET_NAME.as_ptr().cast();
        }
        None => {
            dir.set_add_default_charset(sys::ADD_DEFAULT_CHARSET_ON);
            dir.add_default_charset_name = cmd.keep(word.to_bytes());
        }
    }
    Ok(())
}

/// `AcceptPathInfo on|off|default`
pub(in crate::modules::core) fn accept_path_info(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.dir().accept_path_info = choice(
        &shown(word),
        &[
            ("on", sys::AP_REQ_ACCEPT_PATH_INFO),
            ("off", sys::AP_REQ_REJECT_PATH_INFO),
            ("default", sys::AP_REQ_DEFAULT_PATH_INFO),
        ],
    )
    .ok_or("AcceptPathInfo must be set to on, off or default")?
        as c_int;
    Ok(())
}

/// `ErrorDocument status document`
pub(in crate::modules::core) fn error_document(
    cmd: Cmd<'_>,
    status: &CStr,
    document: Option<&CStr>,
) -> Outcome {
    let document = document.unwrap_or(c"");
    let number = super::leading_number(status) as c_int;
    // SAFETY: looks the number up in a table.
    let index = unsafe { sys::ap_index_of_response(number) };
    // Unknown numbers are found where 500 stands.
    if number != 500 && index == index_of_500() {
        return Err(format!("Unsupported HTTP response code {}", shown(status)).into());
    }
    let bytes = document.to_bytes();
    // SAFETY: the document is a string.
    let is_url = unsafe { sys::ap_is_url(document.as_ptr()) != 0 };
    let is_message = bytes.contains(&b' ') || !(bytes.starts_with(b"/") || is_url);
    if number == 401 && !is_message && is_url {
        let (file, line) = cmd.place();
        cmd.log(
            sys::APLOG_NOTICE,
            format_args!(
                "AH00113: {file}:{line} cannot use a full URL in a 401 ErrorDocument directive \
                 --- ignoring!"
            ),
        );
        return Ok(());
    }
    let value = if bytes.eq_ignore_ascii_case(b"default") {
        crate::modules::core::original_message()
    } else {
        // A quote in front tells a message from a path to whoever sends the response.
        let response = if is_message {
            cmd.pool().copy([b"\"", bytes].concat())
        } else {
            cmd.pool().copy(bytes)
        };
        cmd.expression(response, sys::AP_EXPR_FLAG_STRING_RESULT)
            .map_err(|error| format!("Cannot parse expression in ErrorDocument: {error}"))?
            .cast_const()
            .cast()
    };
    let dir = cmd.dir();
    // SAFETY: the table and its keys live in the configuration's pool.
    unsafe {
        let pool = cmd.pool().as_ptr();
        if dir.response_code_exprs.is_null() {
            dir.response_code_exprs = sys::apr_hash_make(pool);
        }
        let size = size_of::<c_int>();
        let key = sys::apr_pmemdup(pool, (&raw const index).cast(), size);
        sys::apr_hash_set(dir.response_code_exprs, key, size as isize, value);
    }
    Ok(())
}

fn index_of_500() -> c_int {
    // SAFETY: looks the number up in a table.
    unsafe { sys::ap_index_of_response(500) }
}

/// `DefaultType none`; anything else is ignored with a warning.
pub(in crate::modules::core) fn default_type(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    if !word.to_bytes().eq_ignore_ascii_case(b"none") {
        let (file, line) = cmd.place();
        cmd.log(
            sys::APLOG_WARNING,
            format_args!(
                "AH00117: Ignoring deprecated use of DefaultType in line {line} of {file}."
            ),
        );
    }
    Ok(())
}

/// `FileETag [+|-]part ...`
pub(in crate::modules::core) fn file_etag(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    let words = words(cmd, line);
    let mut etag = config::etag(cmd.dir());
    etag.apply(words.iter().map(String::as_str))?;
    config::set_etag(cmd.dir(), etag);
    Ok(())
}

/// On or off.
fn on_or_off(word: &CStr) -> Result<bool, &'static str> {
    choice(&shown(word), &[("on", true), ("off", false)]).ok_or("parameter must be 'on' or 'off'")
}

/// `EnableMMAP on|off`
pub(in crate::modules::core) fn enable_mmap(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.dir().set_enable_mmap(u32::from(on_or_off(word)?));
    Ok(())
}

/// `EnableSendfile on|off`
pub(in crate::modules::core) fn enable_sendfile(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.dir().set_enable_sendfile(u32::from(on_or_off(word)?));
    Ok(())
}

/// `ContentDigest on|off`
pub(in crate::modules::core) fn content_digest(cmd: Cmd<'_>, on: bool) -> Outcome {
    cmd.dir().set_content_md5(u32::from(on));
    Ok(())
}

/// `ForceType type`
pub(in crate::modules::core) fn force_type(cmd: Cmd<'_>, kind: &CStr) -> Outcome {
    let kind = cmd.keep(kind.to_bytes());
    // SAFETY: the copy is ours to write.
    unsafe { sys::ap_str_tolower(kind) };
    cmd.dir().mime_type = kind;
    Ok(())
}

/// `SetHandler name|expression|none`
pub(in crate::modules::core) fn set_handler(cmd: Cmd<'_>, handler: &CStr) -> Outcome {
    cmd.dir().expr_handler = cmd
        .expression(handler, sys::AP_EXPR_FLAG_STRING_RESULT)
        .map_err(|error| format!("Can't parse expression : {error}"))?;
    Ok(())
}

/// `SetOutputFilter filter[;filter...]`
pub(in crate::modules::core) fn set_output_filter(cmd: Cmd<'_>, filters: &CStr) -> Outcome {
    cmd.dir().output_filters = cmd.keep(filters.to_bytes());
    Ok(())
}

/// `SetInputFilter filter[;filter...]`
pub(in crate::modules::core) fn set_input_filter(cmd: Cmd<'_>, filters: &CStr) -> Outcome {
    cmd.dir().input_filters = cmd.keep(filters.to_bytes());
    Ok(())
}

/// `AllowEncodedSlashes on|off|NoDecode`
pub(in crate::modules::core) fn allow_encoded_slashes(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let (allow, decode) = choice(
        &shown(word),
        &[("on", (1, 1)), ("off", (0, 0)), ("nodecode", (1, 0))],
    )
    .ok_or_else(|| format!("{} must be On, Off, or NoDecode", cmd.name()))?;
    cmd.dir().set_allow_encoded_slashes(allow);
    // With slashes let through, decoding them is what tells On from NoDecode.
    cmd.dir().set_decode_encoded_slashes(decode);
    Ok(())
}

/// `QualifyRedirectURL on|off`
pub(in crate::modules::core) fn qualify_redirect_url(cmd: Cmd<'_>, on: bool) -> Outcome {
    cmd.dir().set_qualify_redirect_url(u32::from(on));
    Ok(())
}

/// `CGIPassAuth on|off`
pub(in crate::modules::core) fn cgi_pass_auth(cmd: Cmd<'_>, on: bool) -> Outcome {
    cmd.dir().set_cgi_pass_auth(u32::from(on));
    Ok(())
}

/// `CGIVar variable rule`
pub(in crate::modules::core) fn cgi_var(
    cmd: Cmd<'_>,
    variable: &CStr,
    rule: Option<&CStr>,
) -> Outcome {
    if !variable.to_bytes().eq_ignore_ascii_case(b"REQUEST_URI") {
        return Err(format!("Unrecognized CGI variable: \"{}\"", shown(variable)).into());
    }
    let rule = choice(
        &shown(rule.unwrap_or(c"")),
        &[
            ("current-uri", c"current-uri"),
            ("original-uri", c"original-uri"),
        ],
    )
    .ok_or("Valid rules for REQUEST_URI are 'current-uri' and 'original-uri'")?;
    let dir = cmd.dir();
    // SAFETY: the table lives in the configuration's pool; key and value are static.
    unsafe {
        if dir.cgi_var_rules.is_null() {
            dir.cgi_var_rules = sys::apr_hash_make(cmd.pool().as_ptr());
        }
        sys::apr_hash_set(
            dir.cgi_var_rules,
            c"REQUEST_URI".as_ptr().cast(),
            sys::APR_HASH_KEY_STRING as isize,
            rule.as_ptr().cast(),
        );
    }
    Ok(())
}

/// `RegexDefaultOptions [none] [+|-]OPTION ...`
pub(in crate::modules::core) fn regex_default_options(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    // SAFETY: the flags are a number that the regex part keeps.
    let mut flags = unsafe { sys::ap_regcomp_get_default_cflags() };
    for word in words(cmd, line) {
        let (removed, name) = match word.as_bytes().first() {
            Some(b'+') => (false, &word[1..]),
            Some(b'-') => (true, &word[1..]),
            _ if word.eq_ignore_ascii_case("none") => {
                flags = 0;
                continue;
            }
            _ => {
                // Without a sign it is the only one.
                flags = 0;
                (false, &*word)
            }
        };
        let name_c = cmd.temp_pool().copy(name);
        // SAFETY: the name is a string.
        let flag = unsafe { sys::ap_regcomp_default_cflag_by_name(name_c.as_ptr()) };
        if flag == 0 {
            return Err(format!("{}: option '{name}' unknown", cmd.name()).into());
        }
        flags = if removed { flags & !flag } else { flags | flag };
    }
    // SAFETY: as above.
    unsafe { sys::ap_regcomp_set_default_cflags(flags) };
    Ok(())
}
