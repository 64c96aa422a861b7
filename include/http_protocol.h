/* http_protocol.h: reading a request, writing a response, conditions, methods and upgrades. */

#ifndef APACHE_HTTP_PROTOCOL_H
#define APACHE_HTTP_PROTOCOL_H

#include "httpd.h"
#include "apr_portable.h"
#include "apr_mmap.h"
#include "apr_buckets.h"
#include "util_filter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reading a request ---- */

/* Make a request for a connection, read its head. NULL: there was nothing, or the connection must
 * be closed; an error response has been sent where one is due.
 */
AP_DECLARE(request_rec *) ap_create_request(conn_rec *c);
request_rec *ap_read_request(conn_rec *c);

/* Steps of that, for modules with their own way to the bytes (mod_http2): the request line in
 * r->the_request, the header fields from the input filters (core: reading through bb), the checks
 * they must pass, and what follows once all is there. Return true on success; r->status says what
 * failed.
 */
AP_DECLARE(int) ap_parse_request_line(request_rec *r);
AP_DECLARE(void) ap_get_mime_headers(request_rec *r);
AP_DECLARE(void) ap_get_mime_headers_core(request_rec *r, apr_bucket_brigade *bb);
AP_DECLARE(int) ap_check_request_header(request_rec *r);
AP_DECLARE(int) ap_post_read_request(request_rec *r);

/* Fill uri, args, parsed_uri and hostname from the target of a request. */
AP_CORE_DECLARE(void) ap_parse_uri(request_rec *r, const char *uri);

/* Read a line from the request's input. FOLD joins continued lines, CRLF demands both, NOSPC_EOL
 * cuts space at the end. ap_getline() returns its length or -1; the others APR_ENOSPC when n is not
 * enough, and allocate if *s is NULL.
 */
#define AP_GETLINE_FOLD      1
#define AP_GETLINE_CRLF      2
#define AP_GETLINE_NOSPC_EOL 4
AP_DECLARE(int) ap_getline(char *s, int n, request_rec *r, int flags);
#if APR_CHARSET_EBCDIC
AP_DECLARE(apr_status_t) ap_rgetline(char **s, apr_size_t n, apr_size_t *read, request_rec *r,
                                     int flags, apr_bucket_brigade *bb);
#else
#define ap_rgetline(s, n, read, r, fold, bb) ap_rgetline_core((s), (n), (read), (r), (fold), (bb))
#endif
AP_DECLARE(apr_status_t) ap_rgetline_core(char **s, apr_size_t n, apr_size_t *read,
                                          request_rec *r, int flags, apr_bucket_brigade *bb);

/* The body. First setup with REQUEST_* (OK or a status to return); should, which sends 100 Continue
 * if the client waits for it, tells whether there is one; get returns bytes, 0 at the end, -1 on
 * error.
 */
AP_DECLARE(int) ap_setup_client_block(request_rec *r, int read_policy);
AP_DECLARE(int) ap_should_client_block(request_rec *r);
AP_DECLARE(long) ap_get_client_block(request_rec *r, char *buffer, apr_size_t bufsiz);
/* Reads the rest and throws it away; OK or a status. For handlers that do not want a body. */
AP_DECLARE(int) ap_discard_request_body(request_rec *r);
/* The status to return when reading the body failed with rv. */
AP_DECLARE(int) ap_map_http_request_error(apr_status_t rv, int status);

/* ---- The head of a response ---- */

AP_DECLARE(void) ap_set_content_length(request_rec *r, apr_off_t length);
AP_DECLARE(void) ap_set_content_type(request_rec *r, const char *ct);
/* trusted: the caller may choose the type freely, also one that makes a browser run the content. */
AP_DECLARE(void) ap_set_content_type_ex(request_rec *r, const char *ct, int trusted);
AP_DECLARE(void) ap_set_accept_ranges(request_rec *r);
/* Last-Modified from r->mtime; a time that is not in the future. */
AP_DECLARE(void) ap_set_last_modified(request_rec *r);
AP_DECLARE(apr_time_t) ap_rationalize_mtime(request_rec *r, apr_time_t mtime);
/* Decides on keep-alive and sets Connection; true if the connection will be kept. */
AP_DECLARE(int) ap_set_keepalive(request_rec *r);
/* Adds AddDefaultCharset to a type; the other function prepares it. */
AP_DECLARE(const char *) ap_make_content_type(request_rec *r, const char *type);
AP_DECLARE(void) ap_setup_make_content_type(apr_pool_t *pool);

typedef struct etag_rec etag_rec;
/* What an ETag is made of. */
struct etag_rec {
    const char *vlist_validator;
    apr_time_t request_time;
    apr_finfo_t *finfo;
    const char *pathname;
    apr_file_t *fd;
    int force_weak;
};

/* An ETag from r->finfo (or from fd, for FileETag Digest), and one in the response's header. */
AP_DECLARE(char *) ap_make_etag(request_rec *r, int force_weak);
AP_DECLARE(char *) ap_make_etag_ex(request_rec *r, etag_rec *er);
AP_DECLARE(void) ap_set_etag(request_rec *r);
AP_DECLARE(void) ap_set_etag_fd(request_rec *r, apr_file_t *fd);

/* The status line of a status, "404 Not Found"; for _ex also of one the core does not know. The
 * index of a status in the core's table.
 */
AP_DECLARE(const char *) ap_get_status_line(int status);
AP_DECLARE(const char *) ap_get_status_line_ex(apr_pool_t *p, int status);
AP_DECLARE(int) ap_index_of_response(int status);

/* Sends 1xx with r->status_line and, if wanted, headers_out. */
AP_DECLARE(void) ap_send_interim_response(request_rec *r, int send_headers);

/* ---- Conditions ---- */

/* The result of a condition: not asked, does not hold, holds by weak or by strong comparison. */
typedef enum {
    AP_CONDITION_NONE,
    AP_CONDITION_NOMATCH,
    AP_CONDITION_WEAK,
    AP_CONDITION_STRONG
} ap_condition_e;
/* Judge one header field against the response's `headers`. */
AP_DECLARE(ap_condition_e) ap_condition_if_match(request_rec *r, apr_table_t *headers);
AP_DECLARE(ap_condition_e) ap_condition_if_unmodified_since(request_rec *r, apr_table_t *headers);
AP_DECLARE(ap_condition_e) ap_condition_if_none_match(request_rec *r, apr_table_t *headers);
AP_DECLARE(ap_condition_e) ap_condition_if_modified_since(request_rec *r, apr_table_t *headers);
AP_DECLARE(ap_condition_e) ap_condition_if_range(request_rec *r, apr_table_t *headers);
/* All of them in the order HTTP demands: OK, or 304 or 412 to be returned. */
AP_DECLARE(int) ap_meets_conditions(request_rec *r);

/* ---- The body of a response ---- */

/* Write to the output filters; buffered. Return the number of bytes, or -1 when the client is gone.
 * ap_rvputs() takes strings up to NULL. ap_rflush() sends what is buffered.
 */
AP_DECLARE(int) ap_rputc(int c, request_rec *r);
AP_DECLARE(int) ap_rwrite(const void *buf, int nbyte, request_rec *r);
static APR_INLINE int ap_rputs(const char *str, request_rec *r)
{
    apr_size_t left = strlen(str);

    while (left > INT_MAX) {
        int written = ap_rwrite(str, INT_MAX, r);
        if (written < 0)
            return written;
        str += INT_MAX;
        left -= INT_MAX;
    }
    return ap_rwrite(str, (int)left, r);
}
AP_DECLARE_NONSTD(int) ap_rvputs(request_rec *r, ...) AP_FN_ATTR_SENTINEL;
AP_DECLARE(int) ap_vrprintf(request_rec *r, const char *fmt, va_list vlist);
AP_DECLARE_NONSTD(int) ap_rprintf(request_rec *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
AP_DECLARE(int) ap_rflush(request_rec *r);

/* Part of a file or of a mapping as content. */
AP_DECLARE(apr_status_t) ap_send_fd(apr_file_t *fd, request_rec *r, apr_off_t offset,
                                    apr_size_t length, apr_size_t *nbytes);
#if APR_HAS_MMAP
AP_DECLARE(apr_size_t) ap_send_mmap(apr_mmap_t *mm, request_rec *r, apr_size_t offset,
                                    apr_size_t length);
#endif

/* Sends the page for r->status: ErrorDocument's or the built-in one (recursive_error: the status of
 * the document that failed). Handlers return a status instead of calling this.
 */
AP_DECLARE(void) ap_send_error_response(request_rec *r, int recursive_error);
/* Ends the body: passes on an end-of-stream bucket unless one has passed. */
AP_DECLARE(void) ap_finalize_request_protocol(request_rec *r);

/* A sub-request starts with the protocol of its parent, and ends its content. */
AP_DECLARE(void) ap_set_sub_req_protocol(request_rec *rnew, const request_rec *r);
AP_DECLARE(void) ap_finalize_sub_req_protocol(request_rec *sub_r);

/* ---- Methods ---- */

/* The number of a method, M_INVALID if unknown; its name; a number for a new one (in pre_config or
 * register_hooks).
 */
AP_DECLARE(int) ap_method_number_of(const char *method);
AP_DECLARE(const char *) ap_method_name_of(apr_pool_t *p, int methnum);
AP_DECLARE(int) ap_method_register(apr_pool_t *p, const char *methname);
AP_DECLARE(void) ap_method_registry_init(apr_pool_t *p);
/* Whether a mask has the method of that name. */
#define AP_METHOD_CHECK_ALLOWED(mask, methname) \
    ((mask) & (AP_METHOD_BIT << ap_method_number_of((methname))))

/* Sets of methods, also of those without number. */
AP_DECLARE(ap_method_list_t *) ap_make_method_list(apr_pool_t *p, int nelts);
AP_DECLARE(void) ap_copy_method_list(ap_method_list_t *dest, ap_method_list_t *src);
AP_DECLARE(int) ap_method_in_list(ap_method_list_t *l, const char *method);
AP_DECLARE(void) ap_method_list_add(ap_method_list_t *l, const char *method);
AP_DECLARE(void) ap_method_list_remove(ap_method_list_t *l, const char *method);
AP_DECLARE(void) ap_clear_method_list(ap_method_list_t *l);

/* ---- Authentication by header ---- */

/* Ask for credentials: the header fields for a 401 or 407, which the module of AuthType adds in the
 * hook. The two others are older names.
 */
AP_DECLARE(void) ap_note_auth_failure(request_rec *r);
AP_DECLARE(void) ap_note_basic_auth_failure(request_rec *r);
AP_DECLARE(void) ap_note_digest_auth_failure(request_rec *r);
AP_DECLARE_HOOK(int, note_auth_failure, (request_rec *r, const char *auth_type))

/* The password sent with Basic; sets r->user. OK, DECLINED if that is not the AuthType, or 401 with
 * the header fields set.
 */
AP_DECLARE(int) ap_get_basic_auth_pw(request_rec *r, const char **pw);
/* Set when the function above has set r->user. */
#define AP_GET_BASIC_AUTH_PW_NOTE "AP_GET_BASIC_AUTH_PW_NOTE"
/* User and password without effect on the request; APR_EINVAL: there are none. */
AP_DECLARE(apr_status_t) ap_get_basic_auth_components(const request_rec *r, const char **username,
                                                      const char **password);

/* ---- Hooks ---- */

/* An error page begins: filters of the request are gone, add those it needs. */
AP_DECLARE_HOOK(void, insert_error_filter, (request_rec *r))
/* Before the head is read; after it was read, before anything is decided from it; and when the
 * response is finished, to log it.
 */
AP_DECLARE_HOOK(void, pre_read_request, (request_rec *r, conn_rec *c))
AP_DECLARE_HOOK(int, post_read_request, (request_rec *r))
AP_DECLARE_HOOK(int, log_transaction, (request_rec *r))
/* "http" and 80, unless a TLS module answers for its connections. */
AP_DECLARE_HOOK(const char *, http_scheme, (const request_rec *r))
AP_DECLARE_HOOK(apr_port_t, default_port, (const request_rec *r))

/* ---- Protocols on a connection (ALPN, Upgrade) ---- */

#define AP_PROTOCOL_HTTP1 "http/1.1"

/* Propose protocols (const char *) of one's own among the offers (NULL: any), with r NULL before
 * there is a request; take over the connection for a protocol (for an upgrade the 101 has been
 * sent), return when it is done; name the protocol in use, or NULL.
 */
AP_DECLARE_HOOK(int, protocol_propose, (conn_rec *c, request_rec *r, server_rec *s,
                                        const apr_array_header_t *offers,
                                        apr_array_header_t *proposals))
AP_DECLARE_HOOK(int, protocol_switch, (conn_rec *c, request_rec *r, server_rec *s,
                                       const char *protocol))
AP_DECLARE_HOOK(const char *, protocol_get, (const conn_rec *c))

/* What to offer in Upgrade; the best of the client's choices; do switch; the one in use; whether
 * the Protocols directive allows it.
 */
AP_DECLARE(apr_status_t) ap_get_protocol_upgrades(conn_rec *c, request_rec *r, server_rec *s,
                                                  int report_all,
                                                  const apr_array_header_t **pupgrades);
AP_DECLARE(const char *) ap_select_protocol(conn_rec *c, request_rec *r, server_rec *s,
                                            const apr_array_header_t *choices);
AP_DECLARE(apr_status_t) ap_switch_protocol(conn_rec *c, request_rec *r, server_rec *s,
                                            const char *protocol);
AP_DECLARE(const char *) ap_get_protocol(conn_rec *c);
AP_DECLARE(int) ap_is_allowed_protocol(conn_rec *c, request_rec *r, server_rec *s,
                                       const char *protocol);

/* ---- Error buckets ---- */

/* In a brigade: the response shall be an error response with this status. `data` is a text or NULL.
 */
typedef struct ap_bucket_error ap_bucket_error;
struct ap_bucket_error {
    apr_bucket_refcount refcount;
    int status;
    const char *data;
};

AP_DECLARE_DATA extern const apr_bucket_type_t ap_bucket_type_error;
#define AP_BUCKET_IS_ERROR(e) (e->type == &ap_bucket_type_error)
/* buf is copied into p. */
AP_DECLARE(apr_bucket *) ap_bucket_error_make(apr_bucket *b, int error, const char *buf,
                                              apr_pool_t *p);
AP_DECLARE(apr_bucket *) ap_bucket_error_create(int error, const char *buf, apr_pool_t *p,
                                                apr_bucket_alloc_t *list);

/* ---- Filters of the protocol, in the core ---- */

AP_DECLARE_NONSTD(apr_status_t) ap_byterange_filter(ap_filter_t *f, apr_bucket_brigade *b);
AP_DECLARE_NONSTD(apr_status_t) ap_http_header_filter(ap_filter_t *f, apr_bucket_brigade *b);
AP_DECLARE_NONSTD(apr_status_t) ap_content_length_filter(ap_filter_t *, apr_bucket_brigade *);
/* Buffers what ap_rwrite() and its like write. */
AP_DECLARE_NONSTD(apr_status_t) ap_old_write_filter(ap_filter_t *f, apr_bucket_brigade *b);
AP_DECLARE_DATA extern ap_filter_rec_t *ap_old_write_func;

#ifdef __cplusplus
}
#endif

#endif
