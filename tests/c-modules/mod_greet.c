/* A module as an author writes it first: a handler, a directive, a hook. */
#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"

APLOG_USE_MODULE(greet);

typedef struct {
    const char *word;
} greet_conf;

static void *create_dir_conf(apr_pool_t *p, char *dir)
{
    return apr_pcalloc(p, sizeof(greet_conf));
}

static void *merge_dir_conf(apr_pool_t *p, void *base, void *add)
{
    greet_conf *merged = apr_palloc(p, sizeof(*merged));
    merged->word = ((greet_conf *)add)->word ? ((greet_conf *)add)->word : ((greet_conf *)base)->word;
    return merged;
}

static int greet_handler(request_rec *r)
{
    greet_conf *conf = ap_get_module_config(r->per_dir_config, &greet_module);
    if (!r->handler || strcmp(r->handler, "greet")) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "%s, %s\n", conf->word ? conf->word : "Hello", r->args ? r->args : "world");
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "greeted %d", 1);
    return OK;
}

static int greet_fixups(request_rec *r)
{
    apr_table_setn(r->headers_out, "X-Greet", "seen");
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(greet_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(greet_fixups, NULL, NULL, APR_HOOK_LAST);
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("GreetWord", ap_set_string_slot, (void *)APR_OFFSETOF(greet_conf, word), OR_ALL,
                  "the word that greets"),
    {NULL}
};

module AP_MODULE_DECLARE_DATA greet_module = {
    STANDARD20_MODULE_STUFF, create_dir_conf, merge_dir_conf, NULL, NULL, commands, register_hooks,
};
