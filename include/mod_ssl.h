/* mod_ssl.h: mod_ssl's own optional functions. http_ssl.h has the same for any TLS module, and new
 * modules should use that.
 */

#ifndef __MOD_SSL_H__
#define __MOD_SSL_H__

#include "httpd.h"
#include "http_config.h"
#include "apr_optional.h"
#include "apr_tables.h"

#define SSL_DECLARE(type) type
#define SSL_DECLARE_NONSTD(type) type
#define SSL_DECLARE_DATA

/* The value of a variable, "" if it has none. */
APR_DECLARE_OPTIONAL_FN(char *, ssl_var_lookup, (apr_pool_t *, server_rec *, conn_rec *,
                                                 request_rec *, char *));
/* The values of a certificate's extension (by OID or name), const char *; peer: the client's. */
APR_DECLARE_OPTIONAL_FN(apr_array_header_t *, ssl_ext_list, (apr_pool_t *p, conn_rec *c, int peer,
                                                             const char *extension));
/* Whether the connection has TLS. */
APR_DECLARE_OPTIONAL_FN(int, ssl_is_https, (conn_rec *));

/* Enable or disable TLS on a connection to a backend, or disable it on one from a client; true on
 * success.
 */
APR_DECLARE_OPTIONAL_FN(int, ssl_proxy_enable, (conn_rec *));
APR_DECLARE_OPTIONAL_FN(int, ssl_engine_disable, (conn_rec *));
APR_DECLARE_OPTIONAL_FN(int, ssl_engine_set, (conn_rec *, ap_conf_vector_t *, int proxy,
                                              int enable));

/* Certificates from other modules, as in http_ssl.h. */
#define SSL_CERT_HOOKS
#ifdef SSL_CERT_HOOKS
APR_DECLARE_EXTERNAL_HOOK(ssl, SSL, int, add_cert_files, (server_rec *s, apr_pool_t *p,
                                                          apr_array_header_t *cert_files,
                                                          apr_array_header_t *key_files))
APR_DECLARE_EXTERNAL_HOOK(ssl, SSL, int, add_fallback_cert_files, (server_rec *s, apr_pool_t *p,
                                                                   apr_array_header_t *cert_files,
                                                                   apr_array_header_t *key_files))
#endif

#endif
