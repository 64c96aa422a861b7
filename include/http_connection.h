/* http_connection.h: the life of a connection. */

#ifndef APACHE_HTTP_CONNECTION_H
#define APACHE_HTTP_CONNECTION_H

#include "httpd.h"
#include "apr_network_io.h"
#include "apr_buckets.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the process_connection hook on a connection that has been prepared. */
AP_CORE_DECLARE(void) ap_process_connection(conn_rec *c, void *csd);
/* Flushes, tells filters, ends writing; ap_flush_conn() only flushes. */
AP_CORE_DECLARE(apr_status_t) ap_shutdown_conn(conn_rec *c, int flush);
AP_CORE_DECLARE(void) ap_flush_conn(conn_rec *c);

/* Close so that the client gets all that was written: end writing, then read for a while what is
 * still coming. prep calls pre_close_connection; start returns true if there is nothing to wait
 * for.
 */
AP_DECLARE(void) ap_lingering_close(conn_rec *c);
AP_DECLARE(int) ap_prep_lingering_close(conn_rec *c);
AP_DECLARE(int) ap_start_lingering_close(conn_rec *c);

/* Makes the record of an accepted connection. The core answers; a module which has connections
 * without a socket may.
 */
AP_DECLARE_HOOK(conn_rec *, create_connection, (apr_pool_t *p, server_rec *server,
                                                apr_socket_t *csd, long conn_id, void *sbh,
                                                apr_bucket_alloc_t *alloc))

/* Add connection filters, start what belongs to the connection. Not OK or DONE: it is closed. csd
 * is the socket.
 */
AP_DECLARE_HOOK(int, pre_connection, (conn_rec *c, void *csd))
AP_DECLARE(int) ap_pre_connection(conn_rec *c, void *csd);

/* Serve the connection: returns when it shall be closed, or (asynchronous MPM) with conn_rec.cs
 * saying what to wait for. DECLINED: let the core read HTTP/1 from it.
 */
AP_DECLARE_HOOK(int, process_connection, (conn_rec *c))

/* Last chance to write. */
AP_DECLARE_HOOK(int, pre_close_connection, (conn_rec *c))

/* The end-of-connection bucket: the last in a brigade, the connection shall be closed. */
AP_DECLARE_DATA extern const apr_bucket_type_t ap_bucket_type_eoc;
#define AP_BUCKET_IS_EOC(e) (e->type == &ap_bucket_type_eoc)
AP_DECLARE(apr_bucket *) ap_bucket_eoc_make(apr_bucket *b);
AP_DECLARE(apr_bucket *) ap_bucket_eoc_create(apr_bucket_alloc_t *list);

#ifdef __cplusplus
}
#endif

#endif
