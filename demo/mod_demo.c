/* mod_demo: lists the modules of the server it runs in.
 *
 * A C module as anybody writes one for Apache 2.4; `make run` compiles it with apxs-rs.
 */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"

module AP_MODULE_DECLARE_DATA demo_module;

static int list_modules(request_rec *r)
{
    module *m;
    int count = 0;

    if (!r->handler || strcmp(r->handler, "demo-modules") != 0) {
        return DECLINED;
    }
    r->allowed |= AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    ap_set_content_type(r, "text/html; charset=utf-8");
    if (r->header_only) {
        return OK;
    }
    ap_rputs("<!doctype html>\n<title>Loaded modules</title>\n"
             "<link rel=stylesheet href=/style.css>\n<h1>Loaded modules</h1>\n"
             "<table>\n<tr><th>source<th>loaded as<th>directives\n", r);
    for (m = ap_top_module; m; m = m->next) {
        const command_rec *command = m->cmds;
        int directives = 0;
        while (command && command->name) {
            ++directives;
            ++command;
        }
        ap_rprintf(r, "<tr><td>%s<td>%s<td>%d\n", ap_escape_html(r->pool, m->name),
                   m->dynamic_load_handle ? "shared object" : "part of the server", directives);
        ++count;
    }
    ap_rprintf(r, "</table>\n<p>%d modules. This page was made by <code>mod_demo.c</code>, "
               "compiled by <code>apxs-rs</code>.\n<p><a href=/>back</a>\n", count);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(list_modules, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(demo) = {
    STANDARD20_MODULE_STUFF,
    NULL, NULL, NULL, NULL, /* no configuration */
    NULL,                   /* no directives */
    register_hooks
};
