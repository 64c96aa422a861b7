/* mod_http2.h: what others may ask mod_http2. */

#ifndef __MOD_HTTP2_H__
#define __MOD_HTTP2_H__

#include "httpd.h"
#include "apr_optional.h"

/* A variable such as HTTP2 or H2PUSH; NULL: unknown. */
APR_DECLARE_OPTIONAL_FN(char *, http2_var_lookup, (apr_pool_t *, server_rec *, conn_rec *,
                                                   request_rec *, char *));

/* Whether the connection, or the one it is a stream of, speaks HTTP/2. */
APR_DECLARE_OPTIONAL_FN(int, http2_is_h2, (conn_rec *));

/* How many threads it has for requests. */
APR_DECLARE_OPTIONAL_FN(void, http2_get_num_workers, (server_rec *s, int *minw, int *max));

/* What to poll for a stream's input and output. */
#define AP_HTTP2_HAS_GET_POLLFD
APR_DECLARE_OPTIONAL_FN(apr_status_t, http2_get_pollfd_from_conn, (conn_rec *c,
                                                                   struct apr_pollfd_t *pfd,
                                                                   apr_interval_time_t *ptimeout));

struct apr_thread_cond_t;

/* Engines, which handled requests of several streams at once: no longer in use, APR_ENOTIMPL. */
typedef struct h2_req_engine h2_req_engine;
typedef void http2_output_consumed(void *ctx, conn_rec *c, apr_off_t consumed);
typedef apr_status_t http2_req_engine_init(h2_req_engine *engine, const char *id,
                                           const char *type, apr_pool_t *pool,
                                           apr_size_t req_buffer_size, request_rec *r,
                                           http2_output_consumed **pconsumed, void **pbaton);
APR_DECLARE_OPTIONAL_FN(apr_status_t, http2_req_engine_push, (const char *engine_type,
                                                              request_rec *r,
                                                              http2_req_engine_init *einit));
APR_DECLARE_OPTIONAL_FN(apr_status_t, http2_req_engine_pull, (h2_req_engine *engine,
                                                              apr_read_type_e block, int capacity,
                                                              request_rec **pr));
APR_DECLARE_OPTIONAL_FN(void, http2_req_engine_done, (h2_req_engine *engine, conn_rec *rconn,
                                                      apr_status_t status));

#endif
