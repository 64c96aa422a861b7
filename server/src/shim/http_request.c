/* The variadic functions of http_request.h: they take lists of methods. */
#include "httpd.h"
#include "http_protocol.h"
#include "http_request.h"

#include <stdarg.h>

AP_DECLARE(void) ap_allow_methods(request_rec *r, int reset, ...)
{
    const char *method;
    va_list methods;

    if (reset)
        ap_clear_method_list(r->allowed_methods);
    va_start(methods, reset);
    while ((method = va_arg(methods, const char *)) != NULL)
        ap_method_list_add(r->allowed_methods, method);
    va_end(methods);
}

AP_DECLARE(void) ap_allow_standard_methods(request_rec *r, int reset, ...)
{
    int number;
    apr_int64_t mask = 0;
    va_list numbers;

    if (reset)
        ap_clear_method_list(r->allowed_methods);
    va_start(numbers, reset);
    while ((number = va_arg(numbers, int)) != -1)
        mask |= AP_METHOD_BIT << number;
    va_end(numbers);
    r->allowed_methods->method_mask |= mask;
}
