/* mod_log_config.h: new letters for LogFormat, and another way of writing lines. */

#include "apr_optional.h"
#include "httpd.h"
#include "scoreboard.h"

#ifndef _MOD_LOG_CONFIG_H
#define _MOD_LOG_CONFIG_H 1

/* Gives the text for %x or %{a}x (a is "" without braces); NULL is shown as "-". The text is
 * escaped by the function, if need be, and lives as long as the request.
 */
typedef const char *ap_log_handler_fn_t(request_rec *r, char *a);

/* Opens a log of that name; the handle is what the writer gets. */
typedef void *ap_log_writer_init(apr_pool_t *p, server_rec *s, const char *name);
/* Writes a line, given as nelts pieces of together len bytes. */
typedef apr_status_t ap_log_writer(request_rec *r, void *handle, const char **portions,
                                   int *lengths, int nelts, apr_size_t len);

typedef struct ap_log_handler {
    ap_log_handler_fn_t *func;
    /* After an internal redirection: look at the first request rather than the last. */
    int want_orig_default;
} ap_log_handler;

/* Retrieve these in pre_config. The tag is "x", or longer for "^xyz". */
APR_DECLARE_OPTIONAL_FN(void, ap_register_log_handler, (apr_pool_t *p, char *tag,
                                                        ap_log_handler_fn_t *func, int def));
/* Return the function that was in use before. */
APR_DECLARE_OPTIONAL_FN(ap_log_writer_init*, ap_log_set_writer_init, (ap_log_writer_init *func));
APR_DECLARE_OPTIONAL_FN(ap_log_writer*, ap_log_set_writer, (ap_log_writer *func));

#endif
