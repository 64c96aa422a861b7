/* The variadic functions of http_protocol.h. */
#include "httpd.h"
#include "http_protocol.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdarg.h>

/* A formatter whose buffer goes to the client whenever it is full. */
struct to_client {
    apr_vformatter_buff_t formatter;
    request_rec *r;
    char buffer[AP_IOBUFSIZE];
};

static int send_buffer(apr_vformatter_buff_t *formatter)
{
    struct to_client *to = (struct to_client *)formatter;
    int length = (int)(formatter->curpos - to->buffer);
    if (ap_rwrite(to->buffer, length, to->r) != length) {
        return -1;
    }
    formatter->curpos = to->buffer;
    formatter->endpos = to->buffer + AP_IOBUFSIZE;
    return 0;
}

AP_DECLARE(int) ap_vrprintf(request_rec *r, const char *fmt, va_list vlist)
{
    if (r->connection->aborted) {
        return -1;
    }
    struct to_client to;
    to.r = r;
    to.formatter.curpos = to.buffer;
    to.formatter.endpos = to.buffer + AP_IOBUFSIZE;
    int written = apr_vformatter(send_buffer, &to.formatter, fmt, vlist);
    if (written >= 0 && send_buffer(&to.formatter) != 0) {
        return -1;
    }
    return written;
}

AP_DECLARE_NONSTD(int) ap_rprintf(request_rec *r, const char *fmt, ...)
{
    va_list arguments;
    va_start(arguments, fmt);
    int written = ap_vrprintf(r, fmt, arguments);
    va_end(arguments);
    return written;
}

AP_DECLARE_NONSTD(int) ap_rvputs(request_rec *r, ...)
{
    if (r->connection->aborted) {
        return -1;
    }
    va_list strings;
    va_start(strings, r);
    int written = 0;
    const char *text;
    while (written >= 0 && (text = va_arg(strings, const char *)) != NULL) {
        int length = (int)strlen(text);
        written = ap_rwrite(text, length, r) == length ? written + length : -1;
    }
    va_end(strings);
    return written;
}
