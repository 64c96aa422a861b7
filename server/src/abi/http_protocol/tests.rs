//! Tests of the filters and readers of this folder on a request in memory.

use std::{
    ffi::CStr,
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, apr_status_t};
use module_sdk::raw::{Brigade, Bucket};

use super::{
    buckets::error_of,
    input_lines::brigade_of,
    testing::{TestRequest, with_registry},
};
use crate::abi::mod_core;

/// Registers `http_module`'s filters and gives the request those of its output, as the hooks do.
fn with_http_filters(request: &TestRequest) {
    // SAFETY: `with_registry` is around the tests; the request is live.
    unsafe {
        let pool = (*request.r).pool;
        let register = (*&raw const crate::modules::http::http_module)
            .register_hooks
            .expect("the module has hooks");
        register(pool);
        sys::ap_hook_mpm_query(Some(running), null(), null(), sys::APR_HOOK_MIDDLE as i32);
        let length = sys::ap_register_output_filter(
            c"CONTENT_LENGTH".as_ptr(),
            Some(sys::ap_content_length_filter),
            None,
            sys::AP_FTYPE_PROTOCOL,
        );
        mod_core::ap_multipart_boundary = c"boundary".as_ptr();
        for handle in [
            mod_core::ap_byterange_filter_handle,
            length,
            mod_core::ap_http_header_filter_handle,
            mod_core::ap_http_outerror_filter_handle,
        ] {
            sys::ap_add_output_filter_handle(handle, null_mut(), request.r, request.c);
        }
    }
}

/// Says that the server is running, which keep-alive depends on.
unsafe extern "C" fn running(query: i32, answer: *mut i32, status: *mut apr_status_t) -> i32 {
    // SAFETY: called by the code under test with places to write to.
    unsafe {
        assert_eq!(query, sys::AP_MPMQ_MPM_STATE as i32);
        answer.write(sys::AP_MPMQ_RUNNING as i32);
        status.write(0);
    }
    sys::OK as i32
}

/// Puts HTTP_IN before the connection's input.
fn with_body_filter(request: &TestRequest) {
    // SAFETY: a live request in a test with a registry.
    unsafe {
        sys::ap_add_input_filter_handle(
            mod_core::ap_http_input_filter_handle,
            null_mut(),
            request.r,
            request.c,
        );
    }
}

/// Runs a handler on a request prepared by `prepare`, and gives what the client receives, without
/// the fields Date and Server.
fn response(prepare: impl FnOnce(&TestRequest), handler: impl FnOnce(&TestRequest)) -> String {
    let mut text = String::new();
    with_registry(|| {
        let request = TestRequest::new();
        let sent = request.collect_output();
        with_http_filters(&request);
        request.set_input(b"");
        with_body_filter(&request);
        prepare(&request);
        handler(&request);
        // SAFETY: a live request.
        unsafe { sys::ap_finalize_request_protocol(request.r) };
        text = String::from_utf8_lossy(&sent.borrow()).into_owned();
        // SAFETY: the pool the hooks were registered with goes.
        unsafe { sys::apr_hook_deregister_all() };
    });
    text.split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Date: ") && !line.starts_with("Server: "))
        .collect()
}

fn write(request: &TestRequest, text: &str) {
    // SAFETY: a live request.
    let written = unsafe { sys::ap_rwrite(text.as_ptr().cast(), text.len() as i32, request.r) };
    assert_eq!(written, text.len() as i32);
}

#[test]
fn small_writes_become_one_response_with_a_length() {
    let text = response(
        |request| {
            // SAFETY: a live request.
            unsafe { sys::ap_set_content_type(request.r, c"text/plain".as_ptr()) }
        },
        |request| {
            write(request, "hello ");
            write(request, "world");
        },
    );
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world"
    );
}

#[test]
fn a_flush_makes_the_response_chunked() {
    let text = response(
        |_| {},
        |request| {
            write(request, "hello ");
            // SAFETY: a live request.
            assert_eq!(unsafe { sys::ap_rflush(request.r) }, 0);
            write(request, "world");
        },
    );
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"
    );
}

#[test]
fn http_1_0_clients_get_keep_alive_only_when_they_ask() {
    let old = |request: &TestRequest| {
        // SAFETY: a live request.
        unsafe { (*request.r).proto_num = 1000 }
    };
    let text = response(old, |request| write(request, "x"));
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    );
    let asking = |request: &TestRequest| {
        old(request);
        request.header(c"Connection", c"keep-alive");
    };
    let text = response(asking, |request| write(request, "x"));
    assert!(
        text.contains("Keep-Alive: timeout=5, max=100\r\nConnection: Keep-Alive\r\n")
            || text.contains("Connection: close"),
        "{text}"
    );
}

#[test]
fn a_head_that_would_split_the_response_is_not_sent() {
    let text = response(
        |_| {},
        |request| {
            // SAFETY: a live request; a static value.
            unsafe {
                sys::apr_table_setn(
                    (*request.r).headers_out,
                    c"X".as_ptr(),
                    c"a\r\nSet-Cookie: b".as_ptr(),
                );
            }
            write(request, "x");
        },
    );
    assert!(!text.contains("Set-Cookie"), "{text}");
}

#[test]
fn head_and_304_have_no_body() {
    let text = response(
        |request| {
            // SAFETY: a live request.
            unsafe { (*request.r).header_only = 1 }
        },
        |request| write(request, "hello"),
    );
    assert_eq!(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let text = response(
        |request| {
            // SAFETY: a live request.
            unsafe { (*request.r).status = sys::HTTP_NOT_MODIFIED as i32 }
        },
        |request| write(request, "hello"),
    );
    assert_eq!(text, "HTTP/1.1 304 Not Modified\r\n\r\n");
}

#[test]
fn ranges_are_cut_out() {
    let body = "hello world, this is a test file of some length 0123456789\n";
    let one = response(
        |request| request.header(c"Range", c"bytes=6-10"),
        |request| {
            write(request, &body[..8]);
            write(request, &body[8..]);
        },
    );
    assert_eq!(
        one,
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 6-10/59\r\nContent-Length: 5\r\n\r\nworld"
    );
    let two = response(
        |request| {
            request.header(c"Range", c"bytes=0-4,10-12");
            // SAFETY: a live request.
            unsafe { sys::ap_set_content_type(request.r, c"text/plain".as_ptr()) }
        },
        |request| write(request, body),
    );
    assert_eq!(
        two,
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 168\r\n\
         Content-Type: multipart/byteranges; boundary=boundary\r\n\r\n\
         \r\n--boundary\r\nContent-type: text/plain\r\nContent-range: bytes 0-4/59\r\n\r\nhello\
         \r\n--boundary\r\nContent-type: text/plain\r\nContent-range: bytes 10-12/59\r\n\r\nd, \
         \r\n--boundary--\r\n"
    );
}

/// What a handler reads through HTTP_IN; the bytes, then the last status.
fn read_body(
    request: &TestRequest,
    coding: (&CStr, &CStr),
    input: &'static [u8],
) -> (Vec<u8>, apr_status_t) {
    // SAFETY: a live request in a test with a registry.
    unsafe {
        request.set_input(input);
        request.header(coding.0, coding.1);
        with_body_filter(request);
        let bb = brigade_of(request.r);
        let brigade = Brigade::from_ptr(bb);
        let mut body = Vec::new();
        loop {
            let status = sys::ap_get_brigade(
                (*request.r).input_filters,
                bb,
                sys::AP_MODE_READBYTES,
                sys::APR_BLOCK_READ,
                5,
            );
            if status != 0 {
                return (body, status);
            }
            while let Some(bucket) = brigade.first() {
                if bucket.is_eos() {
                    return (body, 0);
                }
                body.extend_from_slice(bucket.read(sys::APR_BLOCK_READ).expect("readable"));
                bucket.delete();
            }
        }
    }
}

/// The error bucket at the end of the output chain, put there in place of a header filter.
unsafe extern "C" fn note_error(
    f: *mut sys::ap_filter_t,
    b: *mut sys::apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: called by the code under test; the request is live.
    unsafe {
        let seen = Brigade::from_ptr(b)
            .iter()
            .find_map(|bucket| error_of(bucket.as_ptr()));
        (*(*f).r).status = seen.unwrap_or(0);
        sys::AP_FILTER_ERROR
    }
}

/// Reads a body; answers what was read, the status of the error that was sent instead (or 200),
/// and whether the connection may go on.
fn body_of(coding: (&CStr, &CStr), input: &'static [u8]) -> (String, i32, bool) {
    let mut answer = (String::new(), 0, false);
    with_registry(|| {
        let request = TestRequest::new();
        // SAFETY: a live request in a test with a registry.
        unsafe {
            with_http_filters(&request);
            let record = sys::ap_register_output_filter(
                c"NOTE_ERROR".as_ptr(),
                Some(note_error),
                None,
                sys::AP_FTYPE_RESOURCE,
            );
            sys::ap_add_output_filter_handle(record, null_mut(), request.r, request.c);
            let (body, status) = read_body(&request, coding, input);
            assert!(status == 0 || status == sys::AP_FILTER_ERROR || status == 70008);
            answer = (
                String::from_utf8_lossy(&body).into_owned(),
                if status == 70008 {
                    -1
                } else {
                    (*request.r).status
                },
                (*request.c).keepalive != sys::AP_CONN_CLOSE,
            );
            sys::apr_hook_deregister_all();
        }
    });
    answer
}

const LENGTH: &CStr = c"Content-Length";
const CHUNKED: (&CStr, &CStr) = (c"Transfer-Encoding", c"chunked");

#[test]
fn bodies_end_where_their_length_says() {
    let next = b"hello worldGET / HTTP/1.1\r\n";
    assert_eq!(
        body_of((LENGTH, c"11"), next),
        ("hello world".to_owned(), 200, true)
    );
    assert_eq!(body_of((LENGTH, c"0"), next), (String::new(), 200, true));
    assert_eq!(
        body_of((LENGTH, c"12"), b"hello"),
        ("hello".to_owned(), -1, true)
    );
    for malformed in [c"3x", c"+3", c"3, 3", c"", c"-1"] {
        assert_eq!(
            body_of((LENGTH, malformed), next),
            (String::new(), 400, false)
        );
    }
}

#[test]
fn chunked_bodies_are_decoded_and_bad_ones_end_the_connection() {
    let good = b"3;x\r\nabc\r\n8\r\n01234567\r\n0\r\nTrailer: t\r\n\r\nGET / HTTP/1.1\r\n";
    assert_eq!(
        body_of(CHUNKED, good),
        ("abc01234567".to_owned(), 200, true)
    );
    assert_eq!(
        body_of(CHUNKED, b"3\r\nabcd\r\n0\r\n\r\n"),
        ("abc".to_owned(), 400, false)
    );
    assert_eq!(body_of(CHUNKED, b"zz\r\n"), (String::new(), 400, false));
    assert_eq!(
        body_of(CHUNKED, b"fffffffffffffffff\r\n"),
        (String::new(), 413, false)
    );
    let unknown = (c"Transfer-Encoding", c"gzip");
    assert_eq!(body_of(unknown, b"abc"), (String::new(), 400, false));
}

/// Reads lines with room for ten bytes each.
fn lines(input: &'static [u8], flags: u32) -> Vec<Result<String, (apr_status_t, String)>> {
    let mut lines = Vec::new();
    with_registry(|| {
        let request = TestRequest::new();
        request.set_input(input);
        // SAFETY: a live request; the line is in its pool.
        unsafe {
            let bb = brigade_of(request.r);
            loop {
                let (mut text, mut length) = (null_mut(), 0);
                let status =
                    sys::ap_rgetline_core(&mut text, 11, &mut length, request.r, flags as i32, bb);
                let line = CStr::from_ptr(text).to_string_lossy().into_owned();
                assert_eq!(line.len(), length);
                if status == 0 {
                    lines.push(Ok(line));
                } else {
                    lines.push(Err((status, line)));
                    return;
                }
            }
        }
    });
    lines
}

#[test]
fn lines_are_read_within_their_limit() {
    const EOF: apr_status_t = sys::APR_EOF as apr_status_t;
    let ok = |text: &str| Ok(text.to_owned());
    let bad = |status, text: &str| Err((status, text.to_owned()));
    assert_eq!(
        lines(b"one\r\ntwo\n0123456789\r\n\r\nrest", 0),
        [
            ok("one"),
            ok("two"),
            ok("0123456789"),
            ok(""),
            bad(EOF, "rest")
        ]
    );
    assert_eq!(
        lines(b"0123456789a\r\n", 0),
        [bad(libc::ENOSPC, "0123456789")]
    );
    assert_eq!(lines(b"a\0b\r\n", 0), [bad(libc::EINVAL, "a")]);
    assert_eq!(
        lines(b"a\r\nb\n", sys::AP_GETLINE_CRLF),
        [ok("a"), bad(libc::EINVAL, "b\n")]
    );
    assert_eq!(
        lines(b"a: b\r\n c\r\nd\r\n", sys::AP_GETLINE_FOLD),
        [ok("a: b c"), bad(EOF, "d")]
    );
}

/// Fills a request from a head through `fill`; the fields by which both ways of reading are
/// compared.
fn fill(head: &'static [u8], fill: impl FnOnce(&TestRequest)) -> (i32, String, i32, String) {
    let mut answer = (0, String::new(), 0, String::new());
    with_registry(|| {
        let request = TestRequest::new();
        request.set_input(head);
        with_http_filters(&request);
        fill(&request);
        let text = |text| {
            // SAFETY: a string of the request.
            unsafe { module_sdk::raw::text(text) }
                .unwrap_or(c"NULL")
                .to_string_lossy()
                .into_owned()
        };
        // SAFETY: a live request.
        unsafe {
            let r = &*request.r;
            let fields: String = module_sdk::raw::Table::from_ptr(r.headers_in)
                .iter()
                .map(|(name, value)| format!("{name:?}={value:?};"))
                .collect();
            let line = [
                text(r.the_request),
                text(r.method),
                text(r.uri),
                text(r.args),
                text(r.unparsed_uri),
                text(r.protocol),
            ]
            .join("|");
            answer = (r.status, line, r.method_number, fields);
            sys::apr_hook_deregister_all();
        }
    });
    answer
}

#[test]
fn a_head_in_memory_is_read_like_one_through_filters() {
    let heads: [&'static [u8]; 12] = [
        b"GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nAccept: x\r\nAccept: y\r\n\r\n",
        b"POST //double HTTP/1.0\r\n\r\n",
        b"\r\nHEAD / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"GET http://h.example/p?q HTTP/1.1\r\nHost: other\r\n\r\n",
        b"GET /x#y HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET / HTTP/1.1\nA: b\n\n",
        b"G@T / HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET foo HTTP/1.1\r\n\r\n",
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for head in heads {
        // SAFETY: live requests.
        let through_filters = fill(head, |request| unsafe {
            super::read::take_head_through_filters(request.r);
        });
        // SAFETY: live requests.
        let in_memory = fill(head, |request| unsafe {
            super::read::take_head(request.r, head, super::read::Missing::Ended);
        });
        assert_eq!(through_filters, in_memory, "{}", head.escape_ascii());
    }
}

#[test]
fn the_common_request_is_filled_in() {
    let head = b"GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nAccept: x\r\naccept: y\r\n\r\n";
    // SAFETY: a live request.
    let filled = fill(head, |request| unsafe {
        super::read::take_head(request.r, head, super::read::Missing::Ended);
    });
    assert_eq!(filled.0, 200);
    assert_eq!(filled.1, "GET /a?b=c HTTP/1.1|GET|/a|b=c|/a?b=c|HTTP/1.1");
    assert_eq!(filled.2, sys::M_GET as i32);
    assert_eq!(filled.3, "\"Host\"=\"a.example\";\"Accept\"=\"x, y\";");
}

#[test]
fn a_bucket_of_an_error_is_told_by_its_type() {
    let request = TestRequest::new();
    // SAFETY: a live request.
    unsafe {
        let alloc = (*request.c).bucket_alloc;
        let error = sys::ap_bucket_error_create(413, c"why".as_ptr(), (*request.r).pool, alloc);
        let end = sys::apr_bucket_eos_create(alloc);
        assert_eq!(error_of(error), Some(413));
        assert_eq!(error_of(end), None);
        Bucket::from_ptr(error).destroy();
        Bucket::from_ptr(end).destroy();
    }
}
