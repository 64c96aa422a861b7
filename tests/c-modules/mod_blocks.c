/* Handlers that block their thread for as many milliseconds as the query string says, each in another
 * way, and then say which thread they ran on. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "apr_strings.h"
#include "apr_time.h"

static struct timespec span(long ms)
{
    struct timespec time;
    time.tv_sec = ms / 1000;
    time.tv_nsec = ms % 1000 * 1000000;
    return time;
}

static int blocks(request_rec *r)
{
    long ms = r->args ? atol(r->args) : 0;
    struct timespec time = span(ms);
    if (!r->handler || strncmp(r->handler, "blocks-", 7)) {
        return DECLINED;
    }
    if (ms > 0) {
        const char *how = r->handler + 7;
        if (!strcmp(how, "apr")) {
            apr_sleep(apr_time_from_msec(ms));
        }
        else if (!strcmp(how, "usleep")) {
            usleep(ms * 1000);
        }
        else if (!strcmp(how, "sleep")) {
            sleep((ms + 999) / 1000);
        }
        else if (!strcmp(how, "nanosleep")) {
            nanosleep(&time, NULL);
        }
        else {
            /* In a way that no server can see. */
            syscall(SYS_nanosleep, &time, NULL);
        }
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "%ld\n", (long)syscall(SYS_gettid));
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(blocks, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA blocks_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
