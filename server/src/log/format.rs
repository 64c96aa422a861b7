//! `ErrorLogFormat`: the directive's text to the items of a line.
//!
//! The items are APR arrays of `ap_errorlog_format_item` in core's server configuration, because
//! that is where C looks for them. What the items write stands in `abi/http_log/items.rs`.

use std::ffi::{CStr, c_char, c_int, c_void};

use httpd_sys::{self as sys, cmd_parms};
use module_sdk::raw::{self, Array, Pool};

use crate::abi::http_log::items;

/// The text of an item.
#[derive(Debug, PartialEq, Eq)]
pub enum What<H> {
    /// Text as it stands in the format.
    Text(Vec<u8>),
    /// The message itself.
    Message,
    /// What a handler writes for an argument.
    Item(H, Option<Vec<u8>>),
}

/// One item of a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Item<H> {
    what: What<H>,
    /// A field begins with this item: when an item of it writes nothing, the field is left out.
    begins_field: bool,
    /// The whole line is left out when this item writes nothing.
    required: bool,
    /// A hyphen stands for an item that writes nothing.
    hyphen: bool,
    /// The item is for messages of this level and those less urgent.
    min_level: u32,
}

/// Reads a format; `lookup` knows the handler of a letter.
///
/// # Errors
/// What is wrong, for the person who wrote it.
pub fn parse<H>(format: &[u8], lookup: impl Fn(u8) -> Option<H>) -> Result<Vec<Item<H>>, String> {
    let mut items = Vec::new();
    let mut rest = format;
    while !rest.is_empty() {
        items.push(parse_item(&mut rest, &lookup)?);
    }
    Ok(items)
}

fn parse_item<H>(rest: &mut &[u8], lookup: &impl Fn(u8) -> Option<H>) -> Result<Item<H>, String> {
    let mut item = Item {
        what: What::Message,
        begins_field: false,
        required: false,
        hyphen: false,
        min_level: 0,
    };
    while let [b'%', b' ', after @ ..] = *rest {
        item.begins_field = true;
        *rest = after;
    }
    let [b'%', after @ ..] = *rest else {
        item.begins_field |= rest.first() == Some(&b' ');
        item.what = What::Text(parse_text(rest));
        return Ok(item);
    };
    if let [b'%', after @ ..] = after {
        item.what = What::Text(b"%".to_vec());
        *rest = after;
        return Ok(item);
    }
    let mut argument = None;
    *rest = after;
    while let [letter, after @ ..] = *rest {
        *rest = after;
        match letter {
            b'{' => {
                let end = after.iter().position(|&byte| byte == b'}');
                let text = end.map_or(after, |end| &after[..end]);
                argument = Some(text.to_vec());
                *rest = end.map_or(&[][..], |end| &after[end + 1..]);
            }
            b'+' => item.required = true,
            b'-' => item.hyphen = true,
            b'0'..=b'9' => {
                item.min_level = u32::from(letter - b'0');
                while let [digit @ b'0'..=b'9', after @ ..] = *rest {
                    let level = item.min_level.saturating_mul(10);
                    item.min_level = level.saturating_add(u32::from(digit - b'0'));
                    *rest = after;
                }
            }
            b'M' => return Ok(item),
            _ => {
                let Some(handler) = lookup(*letter) else {
                    let letter = char::from(*letter);
                    return Err(format!("Unrecognized error log format directive %{letter}"));
                };
                item.what = What::Item(handler, argument);
                return Ok(item);
            }
        }
    }
    Err("Ran off end of error log format parsing args to some directive".to_owned())
}

/// Text up to an item or the space that begins the next field; a space at the start belongs to it.
fn parse_text(rest: &mut &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let [byte, after @ ..] = *rest {
        match (byte, after) {
            (b'%', _) => break,
            (b' ', _) if !text.is_empty() => break,
            (b'\\', [escaped, after @ ..]) => {
                match escaped {
                    b'n' => text.push(b'\n'),
                    b'r' => text.push(b'\r'),
                    b't' => text.push(b'\t'),
                    // A space that begins no field.
                    b'\\' | b' ' => text.push(*escaped),
                    _ => text.extend_from_slice(&[b'\\', *escaped]),
                }
                *rest = after;
            }
            _ => {
                text.push(*byte);
                *rest = after;
            }
        }
    }
    text
}

/// `ErrorLogFormat [connection|request] format`.
///
/// # Safety
/// The handler of a directive with one or two arguments.
pub unsafe extern "C" fn parse_error_log_format(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg1: *const c_char,
    arg2: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and strings; core's configuration of a server
    // exists from its creation.
    unsafe {
        let pool = Pool::from_ptr((*cmd).pool);
        let config = sys::ap_get_core_module_config((*(*cmd).server).module_config)
            .cast::<sys::core_server_config>();
        let Some(first) = raw::text(arg1) else {
            return c"ErrorLogFormat takes a format".as_ptr();
        };
        let result = match raw::text(arg2) {
            None => main_format(pool, first).map(|format| (*config).error_log_format = format),
            Some(format) => {
                let lines = match first.to_bytes().to_ascii_lowercase().as_slice() {
                    b"connection" => &raw mut (*config).error_log_conn,
                    b"request" => &raw mut (*config).error_log_req,
                    _ => {
                        return c"ErrorLogFormat type must be one of request, connection".as_ptr();
                    }
                };
                if (*lines).is_null() {
                    *lines = pool.array::<*mut sys::apr_array_header_t>(5).as_ptr();
                }
                if format.is_empty() {
                    // The type alone asks for no such lines, even where a wider scope has some.
                    return std::ptr::null();
                }
                extra_format(pool, format).map(|format| Array::from_ptr(*lines).push(format))
            }
        };
        match result {
            Ok(()) => std::ptr::null(),
            Err(message) => pool.text(message).as_ptr(),
        }
    }
}

/// The format of messages.
fn main_format(pool: Pool<'_>, format: &CStr) -> Result<*mut sys::apr_array_header_t, String> {
    let items = parse(format.to_bytes(), items::handler)?;
    if items.iter().any(|item| item.required) {
        return Err("The '+' flag cannot be used in the main error log format".to_owned());
    }
    if items.iter().any(|item| item.min_level > sys::APLOG_TRACE8) {
        return Err("The specified loglevel modifier is out of range".to_owned());
    }
    if !items.iter().any(|item| matches!(item.what, What::Message)) {
        return Err("main ErrorLogFormat must contain message format string '%M'".to_owned());
    }
    Ok(array(pool, items))
}

/// The format of a line that tells of a connection or request, once, before its first message.
fn extra_format(pool: Pool<'_>, format: &CStr) -> Result<*mut sys::apr_array_header_t, String> {
    let items = parse(format.to_bytes(), items::handler)?;
    if items.iter().any(|item| item.min_level > 0) {
        return Err(
            "The loglevel cannot be used as a condition in once-per-request or \
             once-per-connection formats"
                .to_owned(),
        );
    }
    if items.iter().any(|item| matches!(item.what, What::Message)) {
        return Err(
            "%M cannot be used in once-per-request or once-per-connection formats".to_owned(),
        );
    }
    Ok(array(pool, items))
}

/// The items as C keeps them.
fn array(pool: Pool<'_>, items: Vec<Item<items::Handler>>) -> *mut sys::apr_array_header_t {
    let array = pool.array::<sys::ap_errorlog_format_item>(items.len() as c_int);
    for item in items {
        let flag = |wanted: bool, flag: u32| if wanted { flag } else { 0 };
        let mut flags = flag(item.begins_field, sys::AP_ERRORLOG_FLAG_FIELD_SEP)
            | flag(item.required, sys::AP_ERRORLOG_FLAG_REQUIRED)
            | flag(item.hyphen, sys::AP_ERRORLOG_FLAG_NULL_AS_HYPHEN);
        let (func, arg) = match item.what {
            What::Text(text) => (
                Some(items::text as items::Handler),
                pool.copy(text).as_ptr(),
            ),
            What::Message => {
                flags |= sys::AP_ERRORLOG_FLAG_MESSAGE;
                (None, std::ptr::null())
            }
            What::Item(handler, argument) => {
                let argument = argument.map(|argument| pool.copy(argument).as_ptr());
                (Some(handler), argument.unwrap_or(std::ptr::null()))
            }
        };
        array.push(sys::ap_errorlog_format_item {
            func,
            arg,
            flags,
            min_loglevel: item.min_level,
        });
    }
    array.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(letter: u8) -> Option<u8> {
        b"aEtL".contains(&letter).then_some(letter)
    }

    #[test]
    fn fields_begin_at_spaces() {
        let items = parse(br"[%t] [client\ %a]% %7E: %M", letters).unwrap();
        let texts: Vec<(String, bool)> = items
            .iter()
            .map(|item| {
                let text = match &item.what {
                    What::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    What::Message => "M".to_owned(),
                    What::Item(letter, _) => char::from(*letter).to_string(),
                };
                (text, item.begins_field)
            })
            .collect();
        let expected = [
            ("[", false),
            ("t", false),
            ("]", false),
            (" [client ", true),
            ("a", false),
            ("]", false),
            ("E", true),
            (":", false),
            (" ", true),
            ("M", false),
        ];
        assert_eq!(
            texts,
            expected.map(|(text, begins)| (text.to_owned(), begins))
        );
        assert_eq!(items[6].min_level, 7);
    }

    #[test]
    fn modifiers_stand_before_the_letter() {
        let items = parse(b"%+-12{c}L%%", letters).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].what, What::Item(b'L', Some(b"c".to_vec())));
        assert!(items[0].required && items[0].hyphen);
        assert_eq!(items[0].min_level, 12);
        assert_eq!(items[1].what, What::Text(b"%".to_vec()));
    }

    #[test]
    fn errors_are_told_as_apache_tells_them() {
        let ran_off = "Ran off end of error log format parsing args to some directive";
        for (format, message) in [
            ("%", ran_off),
            ("%M %{x", ran_off),
            ("%M %1", ran_off),
            ("%Z", "Unrecognized error log format directive %Z"),
        ] {
            assert_eq!(parse(format.as_bytes(), letters), Err(message.to_owned()));
        }
        assert!(parse(b"% ", letters).is_ok());
    }
}
