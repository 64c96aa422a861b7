/* http_vhost.h: virtual hosts: their addresses and names. */

#ifndef APACHE_HTTP_VHOST_H
#define APACHE_HTTP_VHOST_H

#include "httpd.h"
#include "http_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Before and after the reading of a configuration, in the core. */
AP_DECLARE(void) ap_init_vhost_config(apr_pool_t *p);
AP_DECLARE(void) ap_fini_vhost_config(apr_pool_t *p, server_rec *main_server);
/* The addresses of <VirtualHost hostname>; a message or NULL. */
const char *ap_parse_vhost_addrs(apr_pool_t *p, const char *hostname, server_rec *s);
/* NameVirtualHost, which has no effect any more. */
AP_DECLARE_NONSTD(const char *) ap_set_name_virtual_host(cmd_parms *cmd, void *dummy,
                                                         const char *arg);

/* Called with each virtual host of a connection's address; returns nonzero to stop. */
typedef int(*ap_vhost_iterate_conn_cb)(void *baton, conn_rec *conn, server_rec *s);
/* Returns what stopped it, else 0. */
AP_DECLARE(int) ap_vhost_iterate_given_conn(conn_rec *conn, ap_vhost_iterate_conn_cb func_cb,
                                            void *baton);

/* Set conn->base_server by the local address; r->server and r->hostname by the Host header or the
 * target. _ex returns a status if the header is malformed, or if require_match and no host has the
 * name; the simple form sets r->status then.
 */
AP_DECLARE(void) ap_update_vhost_given_ip(conn_rec *conn);
AP_DECLARE(void) ap_update_vhost_from_headers(request_rec *r);
AP_DECLARE(int) ap_update_vhost_from_headers_ex(request_rec *r, int require_match);

/* Whether the request's virtual host answers to a name and port. */
AP_DECLARE(int) ap_matches_request_vhost(request_rec *r, const char *host, apr_port_t port);

#ifdef __cplusplus
}
#endif

#endif
