/* A module that refuses to be configured when it is told to, and says which build it is. */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "apr_strings.h"
#include <stdlib.h>

APLOG_USE_MODULE(stubborn);

#ifndef BUILD
#define BUILD "first"
#endif

/* "always", "second": at the second reading, "unrehearsed": when it counts, in spite of a rehearsal. */
static const char *refuses;

static const char *set_refuses(cmd_parms *cmd, void *conf, const char *when)
{
    refuses = apr_pstrdup(cmd->pool, when);
    return NULL;
}

static int stubborn_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    refuses = NULL;
    return OK;
}

static int stubborn_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    int second = ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_CONFIG;
    if (!refuses) {
        return OK;
    }
    if (!strcmp(refuses, "always") || (second && !strcmp(refuses, "second"))
        || (second && !strcmp(refuses, "unrehearsed") && !getenv("HTTPD_RS_REHEARSAL"))) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "the stubborn module refuses (%s)", refuses);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static int stubborn_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "stubborn")) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    ap_rputs(BUILD "\n", r);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_pre_config(stubborn_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(stubborn_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(stubborn_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("StubbornRefuse", set_refuses, NULL, RSRC_CONF, "when to refuse"),
    {NULL}
};

module AP_MODULE_DECLARE_DATA stubborn_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, commands, register_hooks,
};
