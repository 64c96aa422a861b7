/* A handler that blocks its thread, as one that asks a database does. */
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "apr_time.h"

static int nap(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "nap")) {
        return DECLINED;
    }
    apr_sleep(apr_time_from_msec(200));
    ap_set_content_type(r, "text/plain");
    ap_rputs("rested\n", r);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(nap, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA nap_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
