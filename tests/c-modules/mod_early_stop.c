/* Tells the server to stop while it starts, when its sockets listen already. */
#include <signal.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"

static int stop(apr_pool_t *p, apr_pool_t *log, apr_pool_t *temporary, server_rec *s)
{
    if (ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        kill(getpid(), SIGTERM);
    }
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_post_config(stop, NULL, NULL, APR_HOOK_REALLY_LAST);
}

module AP_MODULE_DECLARE_DATA early_stop_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
