/* The functions of util_cookies.h that take tables up to NULL: Rust builds the field's value, the
 * loops put it into each table.
 */
#include "httpd.h"
#include "util_cookies.h"

#include <stdarg.h>

/* server/src/abi/util_cookies.rs; second: the field of RFC 2965. */
extern const char *httpd_rs_cookie_set(request_rec *r, const char *name, const char *value,
                                       const char *attributes, long max_age, int second);
extern const char *httpd_rs_cookie_cleared(request_rec *r, const char *name,
                                           const char *attributes, int second);

#define ADD_TO_TABLES(last_named, field, value)                                                    \
    do {                                                                                           \
        const char *text = value;                                                                  \
        apr_table_t *table;                                                                        \
        va_list tables;                                                                            \
        va_start(tables, last_named);                                                              \
        while ((table = va_arg(tables, apr_table_t *)) != NULL)                                    \
            apr_table_addn(table, field, text);                                                    \
        va_end(tables);                                                                            \
        return APR_SUCCESS;                                                                        \
    } while (0)

AP_DECLARE(apr_status_t) ap_cookie_write(request_rec *r, const char *name, const char *val,
                                         const char *attrs, long maxage, ...)
{
    ADD_TO_TABLES(maxage, SET_COOKIE, httpd_rs_cookie_set(r, name, val, attrs, maxage, 0));
}

AP_DECLARE(apr_status_t) ap_cookie_write2(request_rec *r, const char *name2, const char *val,
                                          const char *attrs2, long maxage, ...)
{
    ADD_TO_TABLES(maxage, SET_COOKIE2, httpd_rs_cookie_set(r, name2, val, attrs2, maxage, 1));
}

AP_DECLARE(apr_status_t) ap_cookie_remove(request_rec *r, const char *name, const char *attrs, ...)
{
    ADD_TO_TABLES(attrs, SET_COOKIE, httpd_rs_cookie_cleared(r, name, attrs, 0));
}

AP_DECLARE(apr_status_t) ap_cookie_remove2(request_rec *r, const char *name2, const char *attrs2,
                                           ...)
{
    ADD_TO_TABLES(attrs2, SET_COOKIE2, httpd_rs_cookie_cleared(r, name2, attrs2, 1));
}
