/* The variadic functions of util_filter.h. */
#include "httpd.h"
#include "util_filter.h"

#include <apr_strings.h>
#include <stdarg.h>

/* server/src/abi/util_filter/pass.rs */
extern int httpd_rs_pass_failed(const request_rec *r, apr_status_t status, const char *text);

AP_DECLARE_NONSTD(apr_status_t) ap_fputstrs(ap_filter_t *f, apr_bucket_brigade *bb, ...)
{
    va_list strings;
    va_start(strings, bb);
    apr_status_t status = apr_brigade_vputstrs(bb, ap_filter_flush, f, strings);
    va_end(strings);
    return status;
}

AP_DECLARE_NONSTD(apr_status_t) ap_fprintf(ap_filter_t *f, apr_bucket_brigade *bb,
                                           const char *fmt, ...)
{
    va_list arguments;
    va_start(arguments, fmt);
    apr_status_t status = apr_brigade_vprintf(bb, ap_filter_flush, f, fmt, arguments);
    va_end(arguments);
    return status;
}

AP_DECLARE(apr_status_t) ap_pass_brigade_fchk(request_rec *r, apr_bucket_brigade *bb,
                                              const char *fmt, ...)
{
    apr_status_t status = ap_pass_brigade(r->output_filters, bb);
    if (status == APR_SUCCESS) {
        return OK;
    }
    const char *text = NULL;
    if (fmt && status != AP_FILTER_ERROR) {
        va_list arguments;
        va_start(arguments, fmt);
        text = apr_pvsprintf(r->pool, fmt, arguments);
        va_end(arguments);
    }
    return httpd_rs_pass_failed(r, status, text);
}
