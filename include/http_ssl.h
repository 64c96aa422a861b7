/* http_ssl.h: what modules may ask whichever module does TLS, and what that module answers in
 * hooks.
 *
 * The functions work whether or not such a module is loaded. Several may be: the hooks run until
 * one returns something else than DECLINED.
 */

#ifndef APACHE_HTTP_SSL_H
#define APACHE_HTTP_SSL_H

#include "httpd.h"
#include "apr_portable.h"
#include "apr_mmap.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ap_conf_vector_t;

/* Does the client speak TLS on this connection? OK: yes. The function returns true or false. */
AP_DECLARE_HOOK(int, ssl_conn_is_ssl, (conn_rec *c))
AP_DECLARE(int) ap_ssl_conn_is_ssl(conn_rec *c);

/* A connection to a backend is made: enable TLS on it or make sure it stays off, with the settings
 * of dir_conf (may be NULL). Not OK: it cannot be had.
 */
AP_DECLARE_HOOK(int, ssl_bind_outgoing, (conn_rec *c, struct ap_conf_vector_t *dir_conf,
                                         int enable_ssl))
AP_DECLARE(int) ap_ssl_bind_outgoing(conn_rec *c, struct ap_conf_vector_t *dir_conf,
                                     int require_ssl);
/* Whether anybody would. */
AP_DECLARE(int) ap_ssl_has_outgoing_handlers(void);

/* The value of a variable of mod_ssl's documentation, such as SSL_CIPHER, or NULL. c and r may be
 * NULL. The result may be from p or constant.
 */
AP_DECLARE_HOOK(const char *, ssl_var_lookup, (apr_pool_t *p, server_rec *s, conn_rec *c,
                                               request_rec *r, const char *name))
AP_DECLARE(const char *) ap_ssl_var_lookup(apr_pool_t *p, server_rec *s, conn_rec *c,
                                           request_rec *r, const char *name);

/* Certificates for a server, as file names (const char *) to be added to the arrays: proper ones,
 * and those to use while there are none (mod_md).
 */
AP_DECLARE_HOOK(int, ssl_add_cert_files, (server_rec *s, apr_pool_t *p,
                                          apr_array_header_t *cert_files,
                                          apr_array_header_t *key_files))
AP_DECLARE(apr_status_t) ap_ssl_add_cert_files(server_rec *s, apr_pool_t *p,
                                               apr_array_header_t *cert_files,
                                               apr_array_header_t *key_files);
AP_DECLARE_HOOK(int, ssl_add_fallback_cert_files, (server_rec *s, apr_pool_t *p,
                                                   apr_array_header_t *cert_files,
                                                   apr_array_header_t *key_files))
AP_DECLARE(apr_status_t) ap_ssl_add_fallback_cert_files(server_rec *s, apr_pool_t *p,
                                                        apr_array_header_t *cert_files,
                                                        apr_array_header_t *key_files);

/* A client wants a certificate for an ACME challenge (tls-alpn-01): give certificate and key in
 * PEM; true if there is one.
 */
AP_DECLARE_HOOK(int, ssl_answer_challenge, (conn_rec *c, const char *server_name,
                                            const char **pcert_pem, const char **pkey_pem))
AP_DECLARE(int) ap_ssl_answer_challenge(conn_rec *c, const char *server_name,
                                        const char **pcert_pem, const char **pkey_pem);

/* Lets the functions use mod_ssl's optional functions where a module answers in that way only. */
AP_DECLARE(void) ap_setup_ssl_optional_fns(apr_pool_t *pool);

/* OCSP stapling: take care of a certificate (with chain, PEM), known by an id. */
AP_DECLARE_HOOK(int, ssl_ocsp_prime_hook, (server_rec *s, apr_pool_t *p, const char *id,
                                           apr_size_t id_len, const char *pem))
AP_DECLARE(apr_status_t) ap_ssl_ocsp_prime(server_rec *s, apr_pool_t *p, const char *id,
                                           apr_size_t id_len, const char *pem);
/* Called with the response, which must be copied; der NULL: there is none now. */
typedef void ap_ssl_ocsp_copy_resp(const unsigned char *der, apr_size_t der_len, void *userdata);
/* Give the response for that id. APR_ENOENT: nobody takes care of it. */
AP_DECLARE_HOOK(int, ssl_ocsp_get_resp_hook, (server_rec *s, conn_rec *c, const char *id,
                                              apr_size_t id_len, ap_ssl_ocsp_copy_resp *cb,
                                              void *userdata))
AP_DECLARE(apr_status_t) ap_ssl_ocsp_get_resp(server_rec *s, conn_rec *c, const char *id,
                                              apr_size_t id_len, ap_ssl_ocsp_copy_resp *cb,
                                              void *userdata);

#ifdef __cplusplus
}
#endif

#endif
