/* For long runs: tells which child answers, echoes bodies, answers any number of bytes, and crashes
 * on demand. */
#include <stdlib.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "apr_strings.h"

static int answer(request_rec *r)
{
    char buffer[8192];
    long got, count;

    if (!r->handler || strncmp(r->handler, "soak-", 5)) {
        return DECLINED;
    }
    ap_set_content_type(r, "application/octet-stream");
    if (!strcmp(r->handler, "soak-crash")) {
        volatile int *nowhere = NULL;
        *nowhere = 1;
    }
    if (!strcmp(r->handler, "soak-echo")) {
        if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) != OK) {
            return HTTP_BAD_REQUEST;
        }
        if (ap_should_client_block(r)) {
            while ((got = ap_get_client_block(r, buffer, sizeof buffer)) > 0) {
                ap_rwrite(buffer, got, r);
            }
            if (got < 0) {
                return HTTP_BAD_REQUEST;
            }
        }
        return OK;
    }
    /* soak-count: as many bytes as the path behind the location says. */
    count = r->path_info ? atol(r->path_info + (r->path_info[0] == '/')) : 0;
    memset(buffer, 'c', sizeof buffer);
    for (; count > 0; count -= got) {
        got = count < (long)sizeof buffer ? count : (long)sizeof buffer;
        ap_rwrite(buffer, got, r);
    }
    return OK;
}

/* Every answer names its child, errors too. */
static int name_child(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "X-Child", apr_ltoa(r->pool, (long)getpid()));
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(answer, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(name_child, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA soak_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
