/* util_cookies.h: setting and reading cookies. */

#ifndef UTIL_COOKIES_H
#define UTIL_COOKIES_H

#ifdef __cplusplus
extern "C" {
#endif

#include "apr_errno.h"
#include "httpd.h"

#define SET_COOKIE  "Set-Cookie"
#define SET_COOKIE2 "Set-Cookie2"

/* Attributes to set a cookie with, and to remove one. */
#define DEFAULT_ATTRS "HttpOnly;Secure;Version=1"
#define CLEAR_ATTRS   "Version=1"

/* The search for a cookie in the Cookie fields. */
typedef struct {
    request_rec *r;
    const char *name;
    /* What was found. */
    const char *encoded;
    /* The fields without it. */
    apr_table_t *new_cookies;
    /* It was there more than once. */
    int duplicated;
} ap_cookie_do;

/* Set a cookie in each of the tables at the end, up to NULL (r->headers_out, r->err_headers_out).
 * name2 and attrs2 are those of RFC 2965, which nobody uses. maxage in seconds; 0: as long as the
 * browser runs.
 */
AP_DECLARE(apr_status_t) ap_cookie_write(request_rec * r, const char *name, const char *val,
                                         const char *attrs, long maxage, ...)
    AP_FN_ATTR_SENTINEL;
AP_DECLARE(apr_status_t) ap_cookie_write2(request_rec * r, const char *name2, const char *val,
                                          const char *attrs2, long maxage, ...)
    AP_FN_ATTR_SENTINEL;
/* Let the browser forget one. */
AP_DECLARE(apr_status_t) ap_cookie_remove(request_rec * r, const char *name, const char *attrs,
                                          ...)
    AP_FN_ATTR_SENTINEL;
AP_DECLARE(apr_status_t) ap_cookie_remove2(request_rec * r, const char *name2, const char *attrs2,
                                           ...)
    AP_FN_ATTR_SENTINEL;

/* The value, NULL if there is none; remove: take it away from the request's header too, so that
 * scripts and backends do not see it. APR_EGENERAL: more than one, none is believed.
 */
AP_DECLARE(apr_status_t) ap_cookie_read(request_rec * r, const char *name, const char **val,
                                        int remove);

/* APR_EGENERAL if it cannot be the name of a cookie: empty, or with "=", "&" or a semicolon. */
AP_DECLARE(apr_status_t) ap_cookie_check_string(const char *string);

#ifdef __cplusplus
}
#endif

#endif
