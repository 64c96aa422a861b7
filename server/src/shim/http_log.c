/* The variadic log functions of http_log.h.
 *
 * Each asks Rust whether the message is wanted at all, formats its text on the stack, and hands it
 * with the objects it concerns to Rust, which builds the line and writes it.
 */
#include "httpd.h"
#include "http_log.h"

#include <apr_strings.h>
#include <stdarg.h>

/* The longest message text; longer ones are cut, as Apache cuts them. */
#define TEXT_MAX MAX_STRING_LEN

/* server/src/abi/http_log/write.rs */
extern int httpd_rs_log_wanted(int level, int module_index, const server_rec *s, const conn_rec *c,
                               const request_rec *r);
extern void httpd_rs_log(const char *file, int line, int module_index, int level,
                         apr_status_t status, const server_rec *s, const conn_rec *c,
                         const request_rec *r, apr_pool_t *pool, const char *fmt, const char *text);
extern void httpd_rs_note_for_client(const request_rec *r, const char *text);

/* What a client may be told is of level warning and up. */
#define TELLS_CLIENT(level)                                                                        \
    (((level)&APLOG_TOCLIENT) && ((level)&APLOG_LEVELMASK) <= APLOG_WARNING)

#define FORMAT(text)                                                                               \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, fmt);                                                                  \
        apr_vsnprintf(text, sizeof text, fmt, arguments);                                          \
        va_end(arguments);                                                                         \
    } while (0)

#define LOG_VARIADIC(server, conn, request, in_pool)                                               \
    do {                                                                                           \
        if (httpd_rs_log_wanted(level, module_index, server, conn, request)) {                     \
            char text[TEXT_MAX];                                                                   \
            FORMAT(text);                                                                          \
            httpd_rs_log(file, line, module_index, level, status, server, conn, request, in_pool,  \
                         fmt, text);                                                               \
        }                                                                                          \
    } while (0)

AP_DECLARE(void) ap_log_error_(const char *file, int line, int module_index, int level,
                               apr_status_t status, const server_rec *s, const char *fmt, ...)
{
    LOG_VARIADIC(s, NULL, NULL, NULL);
}

AP_DECLARE(void) ap_log_perror_(const char *file, int line, int module_index, int level,
                                apr_status_t status, apr_pool_t *p, const char *fmt, ...)
{
    LOG_VARIADIC(NULL, NULL, NULL, p);
}

AP_DECLARE(void) ap_log_rerror_(const char *file, int line, int module_index, int level,
                                apr_status_t status, const request_rec *r, const char *fmt, ...)
{
    LOG_VARIADIC(r->server, r->connection, r, r->pool);
    if (TELLS_CLIENT(level) && apr_table_get(r->notes, "error-notes") == NULL) {
        char text[TEXT_MAX];
        FORMAT(text);
        httpd_rs_note_for_client(r, text);
    }
}

AP_DECLARE(void) ap_log_cerror_(const char *file, int line, int module_index, int level,
                                apr_status_t status, const conn_rec *c, const char *fmt, ...)
{
    LOG_VARIADIC(c->base_server, c, NULL, c->pool);
}

AP_DECLARE(void) ap_log_cserror_(const char *file, int line, int module_index, int level,
                                 apr_status_t status, const conn_rec *c, const server_rec *s,
                                 const char *fmt, ...)
{
    LOG_VARIADIC(s, c, NULL, c->pool);
}
