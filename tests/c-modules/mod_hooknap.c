/* Hooks that block their thread, as one that asks a directory server does: each phase sleeps for
 * requests below the path that has its name. */
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_time.h"

static int nap(request_rec *r, const char *path)
{
    if (!strncmp(r->uri, path, strlen(path))) {
        apr_sleep(apr_time_from_msec(50));
    }
    return DECLINED;
}

static int in_access_checker(request_rec *r)
{
    return nap(r, "/access/");
}

static int in_fixups(request_rec *r)
{
    return nap(r, "/fixups/");
}

static int in_translate_name(request_rec *r)
{
    return nap(r, "/translate/");
}

static int in_log_transaction(request_rec *r)
{
    return nap(r, "/log/");
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_translate_name(in_translate_name, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_access_checker(in_access_checker, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(in_fixups, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(in_log_transaction, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA hooknap_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
