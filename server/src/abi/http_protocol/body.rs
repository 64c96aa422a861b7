//! The filter HTTP_IN: gives a request's body to whoever reads it, without framing, within
//! LimitRequestBody, and asks the client to go on (100) when it waits for that. A body whose end is
//! not certain ends the connection: what follows must never be taken for another request.

use std::ffi::c_int;

use httpd_sys::{
    self as sys, ap_filter_t, ap_input_mode_t, apr_bucket_brigade, apr_off_t, apr_read_type_e,
    apr_status_t,
};
use module_sdk::raw::{Brigade, Bucket};

use super::{
    fields::ap_get_mime_headers,
    input_lines::brigade_of,
    keepalive::lookup,
    request_line::core_config,
    status_codes::{
        APR_EAGAIN, APR_EGENERAL, APR_EINVAL, APR_ENOSPC, APR_ENOTIMPL, APR_EOF, APR_INCOMPLETE,
        is_success, version,
    },
};
use crate::{
    abi::notice::shown,
    http::chunk::{Decoder, Fault, State},
};

exports! { ap_http_filter }

/// How the end of a body is known.
enum Framing {
    /// No framing: to the connection's end, or nothing at all.
    None,
    /// So many bytes are to come.
    Length(i64),
    /// By chunks.
    Chunked(Decoder),
}

/// What the filter keeps of a body.
struct Context {
    framing: Framing,
    /// LimitRequestBody; zero: none.
    limit: i64,
    /// Counted against it.
    used: i64,
    /// Everything has been handed on.
    ended: bool,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_http_filter(
    f: *mut ap_filter_t,
    b: *mut apr_bucket_brigade,
    mode: ap_input_mode_t,
    block: apr_read_type_e,
    readbytes: apr_off_t,
) -> apr_status_t {
    // SAFETY: filters are called with themselves, in a request's chain, and a brigade.
    unsafe {
        if mode != sys::AP_MODE_READBYTES && mode != sys::AP_MODE_GETLINE {
            return sys::ap_get_brigade((*f).next, b, mode, block, readbytes);
        }
        if (*f).ctx.is_null()
            && let Err(status) = begin(f)
        {
            return status;
        }
        let ctx = &mut *(*f).ctx.cast::<Context>();
        let brigade = Brigade::from_ptr(b);
        if ctx.ended {
            push_end(f, brigade);
            return 0;
        }
        loop {
            brigade.clear();
            let Framing::Chunked(decoder) = &mut ctx.framing else {
                return read_data(f, ctx, brigade, (mode, block, readbytes));
            };
            match decoder.state() {
                State::Data(_) => return read_data(f, ctx, brigade, (mode, block, readbytes)),
                // The trailers are being read, through this filter.
                State::Trailer => {
                    let status = sys::ap_get_brigade((*f).next, b, mode, block, readbytes);
                    return nothing_yet(status, block, brigade).unwrap_or(status);
                }
                _ => {}
            }
            let status = sys::ap_get_brigade((*f).next, b, sys::AP_MODE_GETLINE, block, 0);
            if let Some(status) = nothing_yet(status, block, brigade) {
                return status;
            }
            match status {
                0 => {}
                APR_EOF => return APR_INCOMPLETE,
                status => return status,
            }
            match take_framing(f, decoder, brigade) {
                Ok(State::Trailer) => return read_trailers(f, ctx, brigade),
                Ok(_) => {}
                Err(status) => return status,
            }
        }
    }
}

/// What a read that must not wait answers when nothing is there.
fn nothing_yet(
    status: apr_status_t,
    block: apr_read_type_e,
    brigade: Brigade<'_>,
) -> Option<apr_status_t> {
    let nothing = status == APR_EAGAIN || (status == 0 && brigade.is_empty());
    (block == sys::APR_NONBLOCK_READ && nothing).then_some(APR_EAGAIN)
}

/// # Safety
/// `f` is live.
unsafe fn push_end(f: *mut ap_filter_t, brigade: Brigade<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        let end = sys::apr_bucket_eos_create((*(*f).c).bucket_alloc);
        brigade.push(Bucket::from_ptr(end));
    }
}

/// Makes the context from the request's fields, and asks for the body if the client waits.
///
/// # Safety
/// `f` is this filter.
unsafe fn begin(f: *mut ap_filter_t) -> Result<(), apr_status_t> {
    // SAFETY: the caller's promise; the context lives in the request's pool.
    unsafe {
        let r = (*f).r;
        let conf = core_config(r);
        let strict = conf.http_conformance as u32 != sys::AP_HTTP_CONFORMANCE_UNSAFE;
        let of_backend = (*r).proxyreq == sys::PROXYREQ_RESPONSE as c_int;
        let ctx = sys::apr_palloc((*r).pool, size_of::<Context>()).cast::<Context>();
        ctx.write(Context {
            framing: Framing::None,
            // What is passed on is the backend's to limit.
            limit: if (*r).proxyreq != 0 {
                0
            } else {
                sys::ap_get_limit_req_body(r)
            },
            used: 0,
            ended: false,
        });
        (*f).ctx = ctx.cast();
        let ctx = &mut *ctx;

        let coding = lookup((*r).headers_in, c"Transfer-Encoding");
        let mut length = lookup((*r).headers_in, c"Content-Length");
        if let Some(coding) = coding {
            if sys::ap_is_chunked((*r).pool, coding.as_ptr()) != 0 {
                ctx.framing = Framing::Chunked(Decoder::new(strict));
            } else if of_backend {
                notice!(
                    Http,
                    INFO,
                    0,
                    r,
                    "AH02555: Unknown Transfer-Encoding: {}; using read-until-close",
                    shown(coding.to_bytes())
                );
            } else {
                notice!(
                    Http,
                    INFO,
                    0,
                    r,
                    "AH01585: Unknown Transfer-Encoding: {}",
                    shown(coding.to_bytes())
                );
                return Err(bail_out(f, ctx, sys::HTTP_BAD_REQUEST));
            }
            length = None;
        }
        if let Some(length) = length {
            let mut bytes = 0;
            if sys::ap_parse_strict_length(&mut bytes, length.as_ptr()) == 0 {
                notice!(Http, INFO, 0, r, "AH01587: Invalid Content-Length");
                return Err(bail_out(f, ctx, sys::HTTP_BAD_REQUEST));
            }
            if ctx.limit != 0 && ctx.limit < bytes {
                notice!(
                    Http,
                    INFO,
                    0,
                    r,
                    "AH01588: Requested content-length of {bytes} is larger than the configured limit of {}",
                    ctx.limit
                );
                return Err(bail_out(f, ctx, sys::HTTP_REQUEST_ENTITY_TOO_LARGE));
            }
            ctx.framing = Framing::Length(bytes);
        }
        match ctx.framing {
            // Only a response may go on to the connection's end.
            Framing::None => ctx.ended = !of_backend,
            Framing::Length(0) => {}
            Framing::Length(_) | Framing::Chunked(_) => ask_to_go_on(f, ctx)?,
        }
        Ok(())
    }
}

/// Sends 100 (Continue) to a client that waits for it, unless the answer is known already: then
/// the body is not wanted.
///
/// # Safety
/// `f` is this filter.
unsafe fn ask_to_go_on(f: *mut ap_filter_t, ctx: &mut Context) -> Result<(), apr_status_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let r = (*f).r;
        if (*r).expecting_100 == 0
            || (*r).proto_num < version(1, 1)
            || (*r).eos_sent != 0
            || (*r).bytes_sent != 0
        {
            return Ok(());
        }
        if !is_success((*r).status) {
            ctx.framing = Framing::None;
            ctx.ended = true;
            return Ok(());
        }
        (*r).expecting_100 = 0;
        let alloc = (*(*f).c).bucket_alloc;
        let bb = brigade_of(r);
        let out = Brigade::from_ptr(bb);
        let line = b"HTTP/1.1 100 Continue\r\n\r\n";
        let line = sys::apr_bucket_immortal_create(line.as_ptr().cast(), line.len(), alloc);
        out.push(Bucket::from_ptr(line));
        out.push(Bucket::from_ptr(sys::apr_bucket_flush_create(alloc)));
        let status = sys::ap_pass_brigade((*(*f).c).output_filters, bb);
        sys::apr_brigade_destroy(bb);
        if status == 0 {
            Ok(())
        } else {
            Err(sys::AP_FILTER_ERROR)
        }
    }
}

/// Refuses the rest of a body: the error goes to the client as the response, unless the body is
/// itself a response from behind.
///
/// # Safety
/// `f` is this filter.
unsafe fn bail_out(f: *mut ap_filter_t, ctx: &mut Context, error: u32) -> apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        let r = (*f).r;
        if (*r).proxyreq == sys::PROXYREQ_RESPONSE as c_int {
            return match error {
                sys::HTTP_REQUEST_ENTITY_TOO_LARGE => APR_ENOSPC,
                sys::HTTP_REQUEST_TIME_OUT => APR_INCOMPLETE,
                sys::HTTP_NOT_IMPLEMENTED => APR_ENOTIMPL,
                _ => APR_EGENERAL,
            };
        }
        let alloc = (*(*f).c).bucket_alloc;
        let bb = brigade_of(r);
        let out = Brigade::from_ptr(bb);
        let bucket =
            sys::ap_bucket_error_create(error as c_int, std::ptr::null(), (*r).pool, alloc);
        out.push(Bucket::from_ptr(bucket));
        out.push(Bucket::from_ptr(sys::apr_bucket_eos_create(alloc)));
        ctx.ended = true;
        (*(*r).connection).keepalive = sys::AP_CONN_CLOSE;
        sys::ap_pass_brigade((*r).output_filters, bb)
    }
}

/// Takes in a line between chunks; answers where the decoder stands behind it.
///
/// # Safety
/// `f` is this filter; the brigade holds a line.
unsafe fn take_framing(
    f: *mut ap_filter_t,
    decoder: &mut Decoder,
    brigade: Brigade<'_>,
) -> Result<State, apr_status_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let r = (*f).r;
        let limit = usize::try_from((*(*r).server).limit_req_fieldsize).unwrap_or(0);
        while let Some(bucket) = brigade.first() {
            if bucket.is_metadata() {
                bucket.delete();
                continue;
            }
            let line = bucket.read(sys::APR_BLOCK_READ).inspect_err(|&status| {
                notice!(Http, INFO, status, r, "AH01590: Error reading chunk");
            })?;
            let taken = decoder.take_framing(line, limit);
            let error = match taken {
                Ok(taken) if taken == line.len() => {
                    bucket.delete();
                    continue;
                }
                // Bytes behind the line: a filter below does not keep lines apart, and there is
                // no way to give them back.
                Ok(_) | Err(Fault::Malformed) => sys::HTTP_BAD_REQUEST,
                Err(Fault::TooLarge) => sys::HTTP_REQUEST_ENTITY_TOO_LARGE,
            };
            notice!(Http, INFO, 0, r, "AH01590: Error parsing chunk");
            let ctx = &mut *(*f).ctx.cast::<Context>();
            return Err(bail_out(f, ctx, error));
        }
        Ok(decoder.state())
    }
}

/// Reads data of a body, no further than it goes.
///
/// # Safety
/// `f` is this filter.
unsafe fn read_data(
    f: *mut ap_filter_t,
    ctx: &mut Context,
    brigade: Brigade<'_>,
    (mode, block, wanted): (ap_input_mode_t, apr_read_type_e, apr_off_t),
) -> apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        let left = match &ctx.framing {
            Framing::None => None,
            Framing::Length(left) => Some(*left),
            Framing::Chunked(decoder) => match decoder.state() {
                State::Data(left) => Some(left as i64),
                _ => Some(0),
            },
        };
        let wanted = left.map_or(wanted, |left| wanted.min(left));
        if wanted > 0 {
            let status = sys::ap_get_brigade((*f).next, brigade.as_ptr(), mode, block, wanted);
            if let Some(status) = nothing_yet(status, block, brigade) {
                return status;
            }
            match status {
                0 => {}
                APR_EOF if left.is_some_and(|left| left > 0) => return APR_INCOMPLETE,
                status => return status,
            }
            let mut read = 0;
            sys::apr_brigade_length(brigade.as_ptr(), 0, &mut read);
            if read < 0 {
                return APR_EGENERAL;
            }
            match &mut ctx.framing {
                Framing::None => {}
                Framing::Length(left) => *left -= read,
                Framing::Chunked(decoder) => decoder.take_data(read as u64),
            }
            if left.is_some_and(|left| left < read) {
                // A line that ran over the end has eaten into what is no body.
                return bail_out(f, ctx, sys::HTTP_BAD_REQUEST);
            }
            if left.is_some_and(|left| left > read)
                && let Some(end) = brigade.last().filter(|bucket| bucket.is_eos())
            {
                end.delete();
                return APR_INCOMPLETE;
            }
            if ctx.limit != 0 {
                ctx.used += read;
                if ctx.limit < ctx.used {
                    notice!(
                        Http,
                        INFO,
                        0,
                        (*f).r,
                        "AH01591: Read content length of {} is larger than the configured limit of {}",
                        ctx.used,
                        ctx.limit
                    );
                    return bail_out(f, ctx, sys::HTTP_REQUEST_ENTITY_TOO_LARGE);
                }
            }
        }
        if matches!(ctx.framing, Framing::Length(0)) {
            push_end(f, brigade);
            ctx.ended = true;
        }
        0
    }
}

/// Reads the trailers, into `trailers_in`, and hands on the end.
///
/// # Safety
/// `f` is this filter; its decoder stands behind the last chunk.
unsafe fn read_trailers(
    f: *mut ap_filter_t,
    ctx: &mut Context,
    brigade: Brigade<'_>,
) -> apr_status_t {
    // SAFETY: the caller's promise; the tables live as long as the request.
    unsafe {
        let r = (*f).r;
        let merge = core_config(r).merge_trailers as u32 == sys::AP_MERGE_TRAILERS_ENABLE;
        let (headers, status) = ((*r).headers_in, (*r).status);
        (*r).status = sys::HTTP_OK as c_int;
        (*r).headers_in = (*r).trailers_in;
        sys::apr_table_clear((*r).headers_in);
        ap_get_mime_headers(r);
        (*r).headers_in = if merge {
            sys::apr_table_overlay((*r).pool, headers, (*r).trailers_in)
        } else {
            headers
        };
        if (*r).status == sys::HTTP_OK as c_int {
            (*r).status = status;
            push_end(f, brigade);
            ctx.ended = true;
            return 0;
        }
        let notes = lookup((*r).notes, c"error-notes").unwrap_or(c"");
        notice!(
            Http,
            INFO,
            0,
            r,
            "AH02656: Error while reading HTTP trailer: {} {}",
            (*r).status,
            shown(notes.to_bytes())
        );
        APR_EINVAL
    }
}
