/* util_filter.h: filters, through which everything a client sends and gets passes in brigades.
 *
 * An output filter is handed a brigade, changes it, and passes it to f->next with
 * ap_pass_brigade(); it may do so several times or keep parts for later (ap_save_brigade), and lets
 * metadata buckets pass in order. An input filter asks f->next with ap_get_brigade() and fills the
 * brigade of its caller.
 */

#ifndef AP_FILTER_H
#define AP_FILTER_H

#include "apr.h"
#include "apr_buckets.h"
#include "httpd.h"
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the reader of input wants: at most readbytes bytes; a line; nothing but to drop a leading
 * line end; bytes that stay to be read again; everything until the end (network filters only); to
 * start a handshake, without data.
 */
typedef enum {
    AP_MODE_READBYTES,
    AP_MODE_GETLINE,
    AP_MODE_EATCRLF,
    AP_MODE_SPECULATIVE,
    AP_MODE_EXHAUSTIVE,
    AP_MODE_INIT
} ap_input_mode_t;

typedef struct ap_filter_t ap_filter_t;

/* A filter of output, a filter of input, and a function called when the filter is in place, before
 * the handler (not OK: the request fails with that status).
 */
typedef apr_status_t (*ap_out_filter_func)(ap_filter_t *f, apr_bucket_brigade *b);
typedef apr_status_t (*ap_in_filter_func)(ap_filter_t *f, apr_bucket_brigade *b,
                                          ap_input_mode_t mode, apr_read_type_e block,
                                          apr_off_t readbytes);
typedef int (*ap_init_filter_func)(ap_filter_t *f);
typedef union ap_filter_func {
    ap_out_filter_func out_func;
    ap_in_filter_func in_func;
} ap_filter_func;

/* Where in the chain a filter stands; filters of equal type in the order they were added. Numbers
 * between these are allowed (AP_FTYPE_PROTOCOL - 1).
 */
typedef enum {
    /* Content as the handler gives it; may be different for each sub-request. */
    AP_FTYPE_RESOURCE = 10,
    /* The content of the whole response: compression, ranges. */
    AP_FTYPE_CONTENT_SET = 20,
    /* Head and framing. */
    AP_FTYPE_PROTOCOL = 30,
    /* The framed message: chunks. */
    AP_FTYPE_TRANSCODE = 40,
    /* The bytes of the connection: TLS, limits. */
    AP_FTYPE_CONNECTION = 50,
    /* The socket. */
    AP_FTYPE_NETWORK = 60
} ap_filter_type;

typedef struct ap_filter_rec_t ap_filter_rec_t;
typedef struct ap_filter_provider_t ap_filter_provider_t;
/* A registered filter; lives until the configuration is read again. */
struct ap_filter_rec_t {
    /* In lower case. */
    const char *name;
    ap_filter_func filter_func;
    ap_init_filter_func filter_init_func;
    struct ap_filter_rec_t *next;
    /* For mod_filter's harness. */
    ap_filter_provider_t *providers;
    ap_filter_type ftype;
    int debug;
    /* AP_FILTER_PROTO_*. */
    unsigned int proto_flags;
};

/* A filter in a chain; in the pool of the request, or of the connection for connection filters. */
struct ap_filter_t {
    ap_filter_rec_t *frec;
    /* The filter's own state; NULL at first unless whoever added it gave one. */
    void *ctx;
    /* The next one: towards the client for output, towards the socket for input. */
    ap_filter_t *next;
    /* NULL for connection filters. */
    request_rec *r;
    conn_rec *c;
};

/* Ask a filter for input, give a filter output. Never call its function yourself: a NULL filter, a
 * closed connection and the like are handled here. The brigade given belongs to the callee.
 */
AP_DECLARE(apr_status_t) ap_get_brigade(ap_filter_t *filter, apr_bucket_brigade *bucket,
                                        ap_input_mode_t mode, apr_read_type_e block,
                                        apr_off_t readbytes);
AP_DECLARE(apr_status_t) ap_pass_brigade(ap_filter_t *filter, apr_bucket_brigade *bucket);
/* Passes to the request's output filters and logs a failure with the formatted text; returns OK or
 * a status for a handler to return.
 */
AP_DECLARE(apr_status_t) ap_pass_brigade_fchk(request_rec *r, apr_bucket_brigade *bucket,
                                              const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Register under a name, in register_hooks. filter_init may be NULL. The handle serves the
 * functions that take one, and is quicker than the name.
 */
AP_DECLARE(ap_filter_rec_t *) ap_register_input_filter(const char *name,
                                                       ap_in_filter_func filter_func,
                                                       ap_init_filter_func filter_init,
                                                       ap_filter_type ftype);
AP_DECLARE(ap_filter_rec_t *) ap_register_output_filter(const char *name,
                                                        ap_out_filter_func filter_func,
                                                        ap_init_filter_func filter_init,
                                                        ap_filter_type ftype);
AP_DECLARE(ap_filter_rec_t *) ap_register_output_filter_protocol(const char *name,
        ap_out_filter_func filter_func, ap_init_filter_func filter_init, ap_filter_type ftype,
        unsigned int proto_flags);
AP_DECLARE(ap_filter_rec_t *) ap_get_input_filter_handle(const char *name);
AP_DECLARE(ap_filter_rec_t *) ap_get_output_filter_handle(const char *name);

/* Put a filter into the chain of a request (usually in the insert_filter hook), or with r NULL of a
 * connection (pre_connection). Returns NULL for an unknown name.
 */
AP_DECLARE(ap_filter_t *) ap_add_input_filter(const char *name, void *ctx, request_rec *r,
                                              conn_rec *c);
AP_DECLARE(ap_filter_t *) ap_add_input_filter_handle(ap_filter_rec_t *f, void *ctx,
                                                     request_rec *r, conn_rec *c);
AP_DECLARE(ap_filter_t *) ap_add_output_filter(const char *name, void *ctx, request_rec *r,
                                               conn_rec *c);
AP_DECLARE(ap_filter_t *) ap_add_output_filter_handle(ap_filter_rec_t *f, void *ctx,
                                                      request_rec *r, conn_rec *c);

/* Take one out; a filter may do so itself while it is being called. byhandle: the first of that
 * name from `next` on, APR_NOTFOUND if there is none.
 */
AP_DECLARE(void) ap_remove_input_filter(ap_filter_t *f);
AP_DECLARE(void) ap_remove_output_filter(ap_filter_t *f);
AP_DECLARE(apr_status_t) ap_remove_input_filter_byhandle(ap_filter_t *next, const char *handle);
AP_DECLARE(apr_status_t) ap_remove_output_filter_byhandle(ap_filter_t *next, const char *handle);

/* Moves the buckets of *b into *save_to (made if NULL), and makes them last as long as pool p. */
AP_DECLARE(apr_status_t) ap_save_brigade(ap_filter_t *f, apr_bucket_brigade **save_to,
                                         apr_bucket_brigade **b, apr_pool_t *p);

/* Writing into a brigade that is passed on when it is full: ap_filter_flush() does that for
 * apr_brigade_write() and its like. ap_fflush() passes it on with a flush bucket. ap_fputstrs()
 * takes strings up to NULL.
 */
AP_DECLARE_NONSTD(apr_status_t) ap_filter_flush(apr_bucket_brigade *bb, void *ctx);
AP_DECLARE(apr_status_t) ap_fflush(ap_filter_t *f, apr_bucket_brigade *bb);
#define ap_fwrite(f, bb, data, nbyte) apr_brigade_write(bb, ap_filter_flush, f, data, nbyte)
#define ap_fputs(f, bb, str) apr_brigade_write(bb, ap_filter_flush, f, str, strlen(str))
#define ap_fputc(f, bb, c) apr_brigade_putc(bb, ap_filter_flush, f, c)
AP_DECLARE_NONSTD(apr_status_t) ap_fputstrs(ap_filter_t *f, apr_bucket_brigade *bb, ...)
    AP_FN_ATTR_SENTINEL;
AP_DECLARE_NONSTD(apr_status_t) ap_fprintf(ap_filter_t *f, apr_bucket_brigade *bb,
                                           const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a filter does to the content, so that the core can drop header fields which would become
 * wrong: changes it; changes its length; cannot do ranges; must not be used for proxied content;
 * makes it uncacheable; transforms it, which Cache-Control may forbid.
 */
#define AP_FILTER_PROTO_CHANGE        0x1
#define AP_FILTER_PROTO_CHANGE_LENGTH 0x2
#define AP_FILTER_PROTO_NO_BYTERANGE  0x4
#define AP_FILTER_PROTO_NO_PROXY      0x8
#define AP_FILTER_PROTO_NO_CACHE      0x10
#define AP_FILTER_PROTO_TRANSFORM     0x20
AP_DECLARE(void) ap_filter_protocol(ap_filter_t *f, unsigned int proto_flags);

#ifdef __cplusplus
}
#endif

#endif
