//! Whole lines of a made-up request, compared with what /usr/sbin/apache2 2.4.71 wrote for the same.

use std::{
    ffi::{CStr, CString, c_char},
    ptr::null_mut,
};

use httpd_sys as sys;

use super::{Transaction, fields, format, logs::Condition};

/// A request that nobody sent.
struct MadeUp {
    pool: *mut sys::apr_pool_t,
    request: *mut sys::request_rec,
}

impl MadeUp {
    fn new() -> Self {
        // SAFETY: APR is initialised; all is made in a pool of the test's own, zero where it is
        // not set.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            let status = sys::apr_pool_create_ex(&raw mut pool, null_mut(), None, null_mut());
            assert_eq!(status, 0);
            let place = module_sdk::raw::Pool::from_ptr(pool);
            let text = |text: &CStr| place.copy(text.to_bytes()).as_ptr().cast_mut();
            let server = place.zeroed::<sys::server_rec>();
            (*server).server_hostname = text(c"localhost");
            (*server).port = 18431;
            (*server).keep_alive_max = 100;
            let (ours, theirs) = (place.zeroed(), place.zeroed::<sys::apr_sockaddr_t>());
            (*ours) = std::mem::zeroed::<sys::apr_sockaddr_t>();
            (*ours).port = 18431;
            (*theirs).port = 42816;
            let connection = place.zeroed::<sys::conn_rec>();
            (*connection).pool = pool;
            (*connection).base_server = server;
            (*connection).local_addr = ours;
            (*connection).client_addr = theirs;
            (*connection).client_ip = text(c"127.0.0.1");
            (*connection).local_ip = text(c"127.0.0.1");
            (*connection).log_id = text(c"q5LJO2qK9iw");
            (*connection).keepalive = sys::AP_CONN_KEEPALIVE;
            (*connection).keepalives = 1;
            let request = place.zeroed::<sys::request_rec>();
            let r = &mut *request;
            r.pool = pool;
            r.connection = connection;
            r.server = server;
            r.the_request = text(c"GET / HTTP/1.1");
            r.method = text(c"GET");
            r.protocol = text(c"HTTP/1.1");
            r.uri = text(c"/");
            r.filename = text(c"/tmp/ap/htdocs/");
            r.status = 404;
            r.bytes_sent = 236;
            r.sent_bodyct = 1;
            r.request_time = 1_795_512_081_158_721;
            r.content_type = text(c"text/html; charset=iso-8859-1");
            r.log_id = text(c"QZLJO2qK9iw");
            r.useragent_ip = (*connection).client_ip;
            r.useragent_addr = theirs;
            for table in [
                &raw mut r.headers_in,
                &raw mut r.headers_out,
                &raw mut r.notes,
                &raw mut r.subprocess_env,
                &raw mut r.trailers_in,
                &raw mut r.trailers_out,
            ] {
                *table = sys::apr_table_make(pool, 5);
            }
            let agent = c"a\tb\"c\\d\xc3\xa9";
            sys::apr_table_set(r.headers_in, c"User-Agent".as_ptr(), agent.as_ptr());
            sys::apr_table_set(r.headers_in, c"Cookie".as_ptr(), c"one=1; two = 2".as_ptr());
            sys::apr_table_add(r.headers_out, c"Set-Cookie".as_ptr(), c"a=b".as_ptr());
            sys::apr_table_add(r.headers_out, c"Set-Cookie".as_ptr(), c"c=d".as_ptr());
            Self { pool, request }
        }
    }

    fn line(&self, text: &str) -> String {
        let format = format::parse(text.as_bytes(), fields::lookup).unwrap();
        // SAFETY: the request lives as long as `self`.
        let transaction = unsafe { Transaction::of(self.request) };
        let mut line = Vec::new();
        for piece in &format {
            transaction.append(piece, &mut line);
        }
        assert_eq!(line.pop(), Some(b'\n'));
        String::from_utf8(line).unwrap()
    }

    /// Follows this request with one that answers in its place.
    fn redirect(&self, status: i32) {
        // SAFETY: as above; the copy lives in the same pool.
        unsafe {
            let size = size_of::<sys::request_rec>();
            let copy = sys::apr_pmemdup(self.pool, self.request.cast(), size);
            let answering = copy.cast::<sys::request_rec>();
            (*answering).status = status;
            (*answering).uri = c"/errors/404.html".as_ptr().cast_mut();
            (*answering).prev = self.request;
            (*self.request).next = answering;
        }
    }
}

impl Drop for MadeUp {
    fn drop(&mut self) {
        // SAFETY: nothing in the pool is used any more.
        unsafe { sys::apr_pool_destroy(self.pool) };
    }
}

#[test]
fn a_line_is_apaches() {
    let request = MadeUp::new();
    let line = request.line(
        "%a %{c}a %A %B %b %{a}C %e %f %H %{User-Agent}i %k %L %{c}L %m %{x}n %{Content-Type}o \
         %p %{canonical}p %{local}p %{remote}p %q \"%r\" %R %s %>s %<s %{sec}t %{msec}t %{usec}t \
         %{msec_frac}t %{usec_frac}t %u %U %v %X %{x}^ti %{x}^to %!200,304{User-Agent}i \
         %404{User-Agent}i %400,501{User-agent}i",
    );
    assert_eq!(
        line,
        "127.0.0.1 127.0.0.1 127.0.0.1 236 236 - - /tmp/ap/htdocs/ HTTP/1.1 \
         a\\tb\\\"c\\\\d\\xc3\\xa9 0 QZLJO2qK9iw q5LJO2qK9iw GET - text/html 18431 18431 18431 \
         42816  \"GET / HTTP/1.1\" - 404 404 404 1795512081 1795512081158 1795512081158721 158 \
         158721 - / localhost + - - a\\tb\\\"c\\\\d\\xc3\\xa9 a\\tb\\\"c\\\\d\\xc3\\xa9 -"
    );
}

#[test]
fn fields_have_their_own_ways() {
    let request = MadeUp::new();
    assert_eq!(
        request.line("%{two}C %{Set-Cookie}o %{what}p"),
        "2 a=b, c=d what"
    );
    assert_eq!(request.line("%{pid}P"), std::process::id().to_string());
    // SAFETY: the request lives as long as it is used.
    unsafe {
        let r = &mut *request.request;
        r.args = c"x=1".as_ptr().cast_mut();
        r.user = c"".as_ptr().cast_mut();
        r.sent_bodyct = 0;
        (*r.connection).aborted = 1;
    }
    assert_eq!(request.line("%q %u %b %B %X"), "?x=1 \"\" - 0 X");
    assert_eq!(request.line("%{%Y %%}t").len(), 6);
}

#[test]
fn a_redirect_keeps_what_came_in_and_tells_what_went_out() {
    let request = MadeUp::new();
    request.redirect(200);
    assert_eq!(request.line("%s %>s %U %>U"), "404 200 / /errors/404.html");
}

#[test]
fn conditions_look_at_the_environment() {
    let request = MadeUp::new();
    // SAFETY: the request lives as long as it is used.
    let transaction = unsafe { Transaction::of(request.request) };
    let condition = |set| Condition::Environment {
        name: CString::from(c"dontlog"),
        set,
    };
    assert!(transaction.is_wanted(&Condition::Always));
    assert!(!transaction.is_wanted(&condition(true)));
    assert!(transaction.is_wanted(&condition(false)));
    // SAFETY: as above.
    unsafe {
        let environment = (*request.request).subprocess_env;
        let one: *const c_char = c"1".as_ptr();
        sys::apr_table_set(environment, c"dontlog".as_ptr(), one);
    }
    assert!(transaction.is_wanted(&condition(true)));
    assert!(!transaction.is_wanted(&condition(false)));
}
