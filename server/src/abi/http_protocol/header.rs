//! The filter HTTP_HEADER: puts the head in front of a response. It decides on keep-alive and
//! coding, refuses heads that would split the response, and writes the head into one bucket, which
//! goes on together with the body's first brigade.

use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_int},
    ptr::null_mut,
};

use httpd_sys::{self as sys, ap_filter_t, apr_bucket_brigade, apr_status_t, request_rec};
use module_sdk::raw::{Array, Brigade, Bucket, Pool, Table, text};

use super::{
    buckets::error_of, content::ap_make_content_type, keepalive::lookup, request_line::is_strict,
    status_codes::version,
};
use crate::{
    abi::notice::shown,
    http::{charset, status},
};

exports! { ap_http_header_filter, ap_basic_http_header }

/// What the filter keeps for a response.
struct Context {
    /// The head is out; what is left belongs to a body the client must not get.
    head_sent: bool,
    /// A head was refused before: the answer to that is not checked again.
    refused: bool,
}

/// The context, made when missing.
///
/// # Safety
/// `f` is this filter, in a request's chain.
unsafe fn context<'f>(f: *mut ap_filter_t) -> &'f mut Context {
    // SAFETY: the caller's promise; the context lives in the request's pool.
    unsafe {
        if (*f).ctx.is_null() {
            let room = sys::apr_palloc((*(*f).r).pool, size_of::<Context>()).cast::<Context>();
            room.write(Context {
                head_sent: false,
                refused: false,
            });
            (*f).ctx = room.cast();
        }
        &mut *(*f).ctx.cast::<Context>()
    }
}

/// What of a brigade matters before the head.
struct Seen<'b> {
    error: Option<c_int>,
    end_of_connection: bool,
    end: Option<Bucket<'b>>,
}

impl<'b> Seen<'b> {
    /// # Safety
    /// The brigade's buckets are live.
    unsafe fn in_brigade(brigade: Brigade<'b>) -> Self {
        let mut seen = Self {
            error: None,
            end_of_connection: false,
            end: None,
        };
        for bucket in brigade.iter() {
            if !bucket.is_metadata() {
                continue;
            }
            // SAFETY: the caller's promise.
            seen.error = seen.error.or_else(|| unsafe { error_of(bucket.as_ptr()) });
            seen.end_of_connection |= bucket.kind() == &raw const sys::ap_bucket_type_eoc;
            if bucket.is_eos() && seen.end.is_none() {
                seen.end = Some(bucket);
            }
        }
        seen
    }
}

/// Of a response without body, only the end is passed on.
///
/// # Safety
/// `f` is this filter, in a request's chain.
unsafe fn pass_end_only(f: *mut ap_filter_t, brigade: Brigade<'_>) -> apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(end) = brigade.last().filter(|bucket| bucket.is_eos()) else {
            brigade.clear();
            return 0;
        };
        end.remove();
        brigade.clear();
        brigade.push(end);
        sys::ap_remove_output_filter(f);
        let status = sys::ap_pass_brigade((*f).next, brigade.as_ptr());
        brigade.clear();
        status
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_http_header_filter(
    f: *mut ap_filter_t,
    b: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: filters are called with themselves, in a request's chain, and a brigade.
    unsafe {
        let r = (*f).r;
        let brigade = Brigade::from_ptr(b);
        let bodyless =
            |r: *mut request_rec| (*r).header_only != 0 || status::has_no_body((*r).status);
        let ctx = context(f);
        if ctx.head_sent {
            return pass_end_only(f, brigade);
        }
        let seen = Seen::in_brigade(brigade);
        if let Some(error) = seen.error {
            brigade.clear();
            // Fields for errors as well have been set for the response that is given up; filters
            // set them again for the error's.
            join_fields(r);
            sys::ap_die(error, r);
            return sys::AP_FILTER_ERROR;
        }
        if seen.end_of_connection {
            sys::ap_remove_output_filter(f);
            return sys::ap_pass_brigade((*f).next, b);
        }
        if (*r).assbackwards != 0 {
            (*r).sent_bodyct = 1;
            sys::ap_remove_output_filter(f);
            return sys::ap_pass_brigade((*f).next, b);
        }
        if !head_is_sound(r) {
            brigade.clear();
            // Nothing of this response goes into the next, not even what is sent with errors: a
            // cookie belongs to what could not be said.
            sys::apr_table_clear((*r).headers_out);
            sys::apr_table_clear((*r).err_headers_out);
            (*r).content_type = std::ptr::null();
            (*r).content_encoding = std::ptr::null();
            (*r).content_languages = null_mut();
            (*r).clength = 0;
            (*r).chunked = 0;
            if !ctx.refused {
                ctx.refused = true;
                sys::ap_die(sys::HTTP_INTERNAL_SERVER_ERROR as c_int, r);
                return sys::AP_FILTER_ERROR;
            }
            // Even the error's head is unsound: a bare 500.
            (*r).status = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
            (*r).status_line = std::ptr::null();
            sys::ap_set_content_length(r, 0);
            let end = sys::apr_bucket_eos_create((*(*f).c).bucket_alloc);
            brigade.push(Bucket::from_ptr(end));
        }
        let head = head_bucket(r);
        if bodyless(r) {
            ctx.head_sent = true;
            return pass_head_alone(f, brigade, head);
        }
        // Logs count what was made of a body only where one is sent.
        (*r).sent_bodyct = 1;
        if (*r).chunked != 0 {
            // The head must not be chunked: it goes ahead of the filter that does that.
            let alone = sys::apr_brigade_create((*r).pool, (*(*f).c).bucket_alloc);
            Brigade::from_ptr(alone).push(head);
            let status = sys::ap_pass_brigade((*f).next, alone);
            sys::apr_brigade_destroy(alone);
            if status != 0 {
                brigade.clear();
                return status;
            }
            sys::ap_add_output_filter_handle(sys::ap_chunk_filter_handle, null_mut(), r, (*f).c);
        } else {
            brigade.push_front(head);
        }
        let next = (*f).next;
        sys::ap_remove_output_filter(f);
        sys::ap_pass_brigade(next, b)
    }
}

/// Sends the head of a response without body, and its end when that has come.
///
/// # Safety
/// `f` is this filter, in a request's chain.
unsafe fn pass_head_alone<'b>(
    f: *mut ap_filter_t,
    brigade: Brigade<'b>,
    head: Bucket<'b>,
) -> apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        let end = brigade.last().filter(|bucket| bucket.is_eos());
        if let Some(end) = end {
            end.remove();
        }
        brigade.clear();
        brigade.push(head);
        if let Some(end) = end {
            brigade.push(end);
            sys::ap_remove_output_filter(f);
        }
        let status = sys::ap_pass_brigade((*f).next, brigade.as_ptr());
        brigade.clear();
        status
    }
}

/// Whether no field could end early or begin another: names are tokens, values hold no control
/// characters.
///
/// # Safety
/// `r` is live.
unsafe fn head_is_sound(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let strict = is_strict(r);
        let tables = [(*r).headers_out, (*r).err_headers_out];
        let mut fields = tables
            .into_iter()
            .flat_map(|table| Table::from_ptr(table).iter());
        fields.all(|(name, value)| {
            let (name, value) = (name.to_bytes(), value.to_bytes());
            let name_ok = if strict {
                charset::is_token(name)
            } else {
                !name.is_empty() && charset::visible_length(name) == name.len()
            };
            if !name_ok {
                notice!(
                    Http,
                    ERR,
                    0,
                    r,
                    "AH02429: Response header name '{}' contains invalid characters, aborting request",
                    shown(name)
                );
            } else if !charset::is_content(value) {
                notice!(
                    Http,
                    ERR,
                    0,
                    r,
                    "AH02430: Response header '{}' value of '{}' contains invalid characters, aborting request",
                    shown(name),
                    shown(value)
                );
            } else {
                return true;
            }
            false
        })
    }
}

/// Joins the fields for errors as well with those for a success.
///
/// # Safety
/// `r` is live.
unsafe fn join_fields(r: *mut request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        if sys::apr_table_elts((*r).err_headers_out)
            .as_ref()
            .is_some_and(|array| array.nelts != 0)
        {
            (*r).headers_out =
                sys::apr_table_overlay((*r).pool, (*r).err_headers_out, (*r).headers_out);
            sys::apr_table_clear((*r).err_headers_out);
        }
    }
}

/// Completes the response's fields and writes the head.
///
/// # Safety
/// `r` is live.
unsafe fn head_bucket<'r>(r: *mut request_rec) -> Bucket<'r> {
    // SAFETY: the caller's promise.
    unsafe {
        join_fields(r);
        adapt_vary(r);
        if lookup((*r).notes, c"no-etag").is_some() {
            sys::apr_table_unset((*r).headers_out, c"ETag".as_ptr());
        }
        let protocol = settle_protocol(r);
        sys::ap_set_keepalive(r);
        complete_fields(r);
        let alloc = (*(*r).connection).bucket_alloc;
        with_buffer(|head| {
            write_basic(r, protocol, head);
            for (name, value) in Table::from_ptr((*r).headers_out).iter() {
                write_field(head, name.to_bytes(), value.to_bytes());
            }
            head.extend_from_slice(b"\r\n");
            let bucket = sys::apr_bucket_heap_create(head.as_ptr().cast(), head.len(), None, alloc);
            Bucket::from_ptr(bucket)
        })
    }
}

/// A thread's buffer for heads, which keeps its memory.
fn with_buffer<T>(write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(1024));
    }
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        write(buffer)
    })
}

fn write_field(head: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    head.extend_from_slice(name);
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// Writes each name in Vary once, or takes the field away from clients that cannot take it.
///
/// # Safety
/// `r` is live.
unsafe fn adapt_vary(r: *mut request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        let out = (*r).headers_out;
        if lookup((*r).subprocess_env, c"force-no-vary").is_some() {
            sys::apr_table_unset(out, c"Vary".as_ptr());
            (*r).proto_num = version(1, 0);
            sys::apr_table_setn(
                (*r).subprocess_env,
                c"force-response-1.0".as_ptr(),
                c"1".as_ptr(),
            );
            return;
        }
        if lookup(out, c"Vary").is_none() {
            return;
        }
        let mut names: Vec<&[u8]> = Vec::new();
        let fields = Table::from_ptr(out)
            .iter()
            .filter(|(name, _)| name.to_bytes().eq_ignore_ascii_case(b"Vary"));
        for (_, value) in fields {
            for name in value
                .to_bytes()
                .split(|&byte| byte == b',' || charset::is_space(byte))
            {
                if !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    names.push(name);
                }
            }
        }
        if !names.is_empty() {
            let value = Pool::from_ptr((*r).pool).copy(names.join(&b","[..]));
            sys::apr_table_setn(out, c"Vary".as_ptr(), value.as_ptr());
        }
    }
}

/// Makes sure there is a status line that fits the status, and chooses the protocol to answer in.
///
/// # Safety
/// `r` is live.
unsafe fn settle_protocol(r: *mut request_rec) -> &'static [u8] {
    // SAFETY: the caller's promise.
    unsafe {
        match text((*r).status_line).map(|line| status_line_fits(line.to_bytes(), (*r).status)) {
            Some(Some(true)) => {}
            // A code without a reason: the usual reason is better than none.
            Some(Some(false)) if !status::is_known((*r).status) => {
                let line = text((*r).status_line).unwrap_or(c"").to_bytes();
                let completed = [line, b" "].concat();
                (*r).status_line = Pool::from_ptr((*r).pool).copy(completed).as_ptr();
            }
            // A status that is not known goes out as 500.
            _ => (*r).status_line = sys::ap_get_status_line((*r).status),
        }
        let env = (*r).subprocess_env;
        if (*r).proto_num > version(1, 0) && lookup(env, c"downgrade-1.0").is_some() {
            (*r).proto_num = version(1, 0);
        }
        if (*r).proto_num == version(1, 0) && lookup(env, c"force-response-1.0").is_some() {
            (*(*r).connection).keepalive = sys::AP_CONN_CLOSE;
            return b"HTTP/1.0";
        }
        b"HTTP/1.1"
    }
}

/// Whether a status line begins with the status; `Some(false)` when only the space behind it is
/// missing.
pub(super) fn status_line_fits(line: &[u8], status: c_int) -> Option<bool> {
    let (code, rest) = line.split_at_checked(3)?;
    let code: c_int = std::str::from_utf8(code).ok()?.parse().ok()?;
    match rest.first() {
        _ if code != status => None,
        None => Some(false),
        Some(&byte) if charset::is_space(byte) => Some(true),
        Some(_) => None,
    }
}

/// What the request says of its content, as fields.
///
/// # Safety
/// `r` is live.
unsafe fn complete_fields(r: *mut request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        let out = (*r).headers_out;
        if status::has_no_body((*r).status) {
            sys::apr_table_unset(out, c"Transfer-Encoding".as_ptr());
            sys::apr_table_unset(out, c"Content-Length".as_ptr());
            (*r).content_type = std::ptr::null();
            (*r).content_encoding = std::ptr::null();
            (*r).content_languages = null_mut();
            (*r).clength = 0;
            (*r).chunked = 0;
        } else if (*r).chunked != 0 {
            sys::apr_table_mergen(out, c"Transfer-Encoding".as_ptr(), c"chunked".as_ptr());
            sys::apr_table_unset(out, c"Content-Length".as_ptr());
        }
        let kind = ap_make_content_type(r, (*r).content_type);
        if !kind.is_null() {
            sys::apr_table_setn(out, c"Content-Type".as_ptr(), kind);
        }
        if !(*r).content_encoding.is_null() {
            sys::apr_table_setn(out, c"Content-Encoding".as_ptr(), (*r).content_encoding);
        }
        tell_languages(r);
        if (*r).no_cache != 0 && lookup(out, c"Expires").is_none() {
            let date =
                sys::apr_palloc((*r).pool, sys::APR_RFC822_DATE_LEN as usize).cast::<c_char>();
            sys::ap_recent_rfc822_date(date, (*r).request_time);
            sys::apr_table_addn(out, c"Expires".as_ptr(), date);
        }
        // A handler that saw HEAD and wrote nothing has not measured the response.
        if (*r).header_only != 0 && lookup(out, c"Content-Length") == Some(c"0") {
            sys::apr_table_unset(out, c"Content-Length".as_ptr());
        }
    }
}

/// Content-Language: the languages of the file, and those a module has set that are not among them.
///
/// # Safety
/// `r` is live.
unsafe fn tell_languages(r: *mut request_rec) {
    // SAFETY: the caller's promise; the array holds strings.
    unsafe {
        if (*r).content_languages.is_null() || (*(*r).content_languages).nelts == 0 {
            return;
        }
        let languages = Array::<*const c_char>::from_ptr((*r).content_languages);
        let mut names: Vec<&[u8]> = languages
            .iter()
            .filter_map(|name| text(name))
            .map(CStr::to_bytes)
            .collect();
        if let Some(field) = lookup((*r).headers_out, c"Content-Language") {
            for name in field.to_bytes().split(|&byte| byte == b',') {
                let name = name.trim_ascii();
                if !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    names.push(name);
                }
            }
        }
        let value = Pool::from_ptr((*r).pool).copy(names.join(&b","[..]));
        sys::apr_table_setn(
            (*r).headers_out,
            c"Content-Language".as_ptr(),
            value.as_ptr(),
        );
    }
}

/// The status line, Date and Server, which are ours unless a proxy passes on another server's.
///
/// # Safety
/// `r` is live and has its status line.
unsafe fn write_basic(r: *mut request_rec, protocol: &[u8], head: &mut Vec<u8>) {
    // SAFETY: the caller's promise; the buffer has the size a date takes.
    unsafe {
        let out = (*r).headers_out;
        head.extend_from_slice(protocol);
        head.push(b' ');
        head.extend_from_slice(text((*r).status_line).unwrap_or(c"500").to_bytes());
        head.extend_from_slice(b"\r\n");

        let proxied = (*r).proxyreq != sys::PROXYREQ_NONE as c_int;
        let date = lookup(out, c"Date");
        match date.filter(|_| proxied) {
            Some(date) => write_field(head, b"Date", date.to_bytes()),
            None => {
                let mut now = [0 as c_char; sys::APR_RFC822_DATE_LEN as usize];
                sys::ap_recent_rfc822_date(now.as_mut_ptr(), (*r).request_time);
                write_field(head, b"Date", CStr::from_ptr(now.as_ptr()).to_bytes());
            }
        }
        let server = lookup(out, c"Server");
        let ours = text(sys::ap_get_server_banner()).filter(|banner| !banner.is_empty());
        let told = server.filter(|_| proxied).or(ours);
        if let Some(told) = told {
            write_field(head, b"Server", told.to_bytes());
        }
        if date.is_some() {
            sys::apr_table_unset(out, c"Date".as_ptr());
        }
        if server.is_some() && told.is_some() {
            sys::apr_table_unset(out, c"Server".as_ptr());
        }
    }
}

/// The beginning of a head, for modules that write the rest themselves (asis, nph scripts).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_basic_http_header(r: *mut request_rec, bb: *mut apr_bucket_brigade) {
    // SAFETY: the header asks for a live request and a brigade.
    unsafe {
        if (*r).assbackwards != 0 {
            return;
        }
        let protocol = settle_protocol(r);
        with_buffer(|head| {
            write_basic(r, protocol, head);
            sys::apr_brigade_write(bb, None, null_mut(), head.as_ptr().cast(), head.len());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_must_fit_the_status() {
        assert_eq!(status_line_fits(b"200 Fine", 200), Some(true));
        assert_eq!(status_line_fits(b"200", 200), Some(false));
        assert_eq!(status_line_fits(b"200x", 200), None);
        assert_eq!(status_line_fits(b"404 Not Found", 200), None);
        assert_eq!(status_line_fits(b"+20 x", 20), Some(true));
        assert_eq!(status_line_fits(b"OK", 200), None);
    }
}
