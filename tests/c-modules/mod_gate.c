/* A handler that waits until a test opens its gate: until there is a file, named by the query, in the
 * document root. Then it says which process has waited. */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "apr_strings.h"
#include "apr_time.h"

#include <unistd.h>

static int gate(request_rec *r)
{
    const char *name;

    if (!r->handler || strcmp(r->handler, "gate") || !r->args) {
        return DECLINED;
    }
    name = apr_pstrcat(r->pool, ap_document_root(r), "/", r->args, NULL);
    while (access(name, F_OK)) {
        apr_sleep(apr_time_from_msec(5));
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "%d\n", (int)getpid());
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(gate, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA gate_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
