/* Counts the pools of connections and requests that were made and those that were destroyed, over
 * all children. "SetHandler poolcount" shows the counts. */
#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"

#include <sys/mman.h>

static struct counts {
    long connections, connections_gone, requests, requests_gone, logged;
} *counts;

static apr_status_t count(void *number)
{
    __atomic_add_fetch((long *)number, 1, __ATOMIC_SEQ_CST);
    return APR_SUCCESS;
}

static int on_connection(conn_rec *c, void *csd)
{
    (void)csd;
    count(&counts->connections);
    apr_pool_cleanup_register(c->pool, &counts->connections_gone, count, apr_pool_cleanup_null);
    return OK;
}

static int on_request(request_rec *r)
{
    count(&counts->requests);
    apr_pool_cleanup_register(r->pool, &counts->requests_gone, count, apr_pool_cleanup_null);
    return OK;
}

static int on_log(request_rec *r)
{
    (void)r;
    count(&counts->logged);
    return OK;
}

static int show(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "poolcount")) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "connections %ld %ld\nrequests %ld %ld\nlogged %ld\n", counts->connections,
               counts->connections_gone, counts->requests, counts->requests_gone, counts->logged);
    return OK;
}

static int share(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    (void)s;
    if (!counts) {
        counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    }
    return counts == MAP_FAILED ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_config(share, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_pre_connection(on_connection, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_create_request(on_request, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_log_transaction(on_log, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(show, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA poolcount_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
