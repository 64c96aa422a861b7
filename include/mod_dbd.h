/* mod_dbd.h: connections to a database, kept between requests. */

#ifndef DBD_H
#define DBD_H

#define DBD_DECLARE(type) type
#define DBD_DECLARE_NONSTD(type) type
#define DBD_DECLARE_DATA

#include <httpd.h>
#include <apr_optional.h>
#include <apr_hash.h>
#include <apr_hooks.h>
#include <apr_dbd.h>

/* DBDriver and the other directives of a server. */
typedef struct {
    server_rec *server;
    /* Driver and its parameters. */
    const char *name;
    const char *params;
    /* Keep connections: from here on how many. */
    int persist;
#if APR_HAS_THREADS
    int nmin;
    int nkeep;
    int nmax;
    int exptime;
    int set;
#endif
    /* Statements by label, and those to run on each new connection. */
    apr_hash_t *queries;
    apr_array_header_t *init_queries;
} dbd_cfg_t;

/* A connection. */
typedef struct {
    apr_dbd_t *handle;
    const apr_dbd_driver_t *driver;
    /* Prepared statements (apr_dbd_prepared_t *) by label. */
    apr_hash_t *prepared;
    apr_pool_t *pool;
} ap_dbd_t;

/* A connection for a while, NULL on failure: the caller closes it. */
DBD_DECLARE_NONSTD(ap_dbd_t *) ap_dbd_open(apr_pool_t*, server_rec *);
DBD_DECLARE_NONSTD(void) ap_dbd_close(server_rec*, ap_dbd_t *);
/* For a request, for a connection: given back by itself. */
DBD_DECLARE_NONSTD(ap_dbd_t *) ap_dbd_acquire(request_rec *);
DBD_DECLARE_NONSTD(ap_dbd_t *) ap_dbd_cacquire(conn_rec *);
/* Names a statement of a module's directive, which is then prepared on every connection. */
DBD_DECLARE_NONSTD(void) ap_dbd_prepare(server_rec*, const char*, const char *);

/* The same, for modules that also work without mod_dbd. */
APR_DECLARE_OPTIONAL_FN(ap_dbd_t*, ap_dbd_open, (apr_pool_t*, server_rec *));
APR_DECLARE_OPTIONAL_FN(void, ap_dbd_close, (server_rec*, ap_dbd_t *));
APR_DECLARE_OPTIONAL_FN(ap_dbd_t*, ap_dbd_acquire, (request_rec *));
APR_DECLARE_OPTIONAL_FN(ap_dbd_t*, ap_dbd_cacquire, (conn_rec *));
APR_DECLARE_OPTIONAL_FN(void, ap_dbd_prepare, (server_rec*, const char*, const char *));

/* A new connection is there. */
APR_DECLARE_EXTERNAL_HOOK(dbd, DBD, apr_status_t, post_connect, (apr_pool_t *, dbd_cfg_t *,
                                                                 ap_dbd_t *))

#endif
