/* The variadic functions of util_script.h: they read the header of a script from strings. */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "util_script.h"

#include <stdarg.h>

/* server/src/abi/util_script/headers.rs */
extern int httpd_rs_scan_script_strings(request_rec *r, char *buffer, int module_index,
                                        const char **end, int *end_argument,
                                        const char *const *strings, int count);

/* Scans the strings of the list, which ends with NULL. */
static int scan(request_rec *r, char *buffer, int module_index, const char **end,
                int *end_argument, va_list list)
{
    apr_array_header_t *strings = apr_array_make(r->pool, 4, sizeof(const char *));
    const char *string;

    while ((string = va_arg(list, const char *)) != NULL)
        APR_ARRAY_PUSH(strings, const char *) = string;
    return httpd_rs_scan_script_strings(r, buffer, module_index, end, end_argument,
                                        (const char *const *)strings->elts, strings->nelts);
}

AP_DECLARE_NONSTD(int) ap_scan_script_header_err_strs_ex(request_rec *r, char *buffer,
                                                         int module_index, const char **termch,
                                                         int *termarg, ...)
{
    va_list list;
    int answer;

    va_start(list, termarg);
    answer = scan(r, buffer, module_index, termch, termarg, list);
    va_end(list);
    return answer;
}

AP_DECLARE_NONSTD(int) ap_scan_script_header_err_strs(request_rec *r, char *buffer,
                                                      const char **termch, int *termarg, ...)
{
    va_list list;
    int answer;

    va_start(list, termarg);
    answer = scan(r, buffer, AP_CORE_MODULE_INDEX, termch, termarg, list);
    va_end(list);
    return answer;
}
