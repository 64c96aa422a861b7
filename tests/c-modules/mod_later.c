/* Requests that wait without a thread: the handler suspends the request, and a timed callback answers it
 * after as many milliseconds as the query string says. What the connection's hooks were told goes into
 * its notes: S and R with a request, s and r without. */
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "http_log.h"
#include "ap_mpm.h"
#include "mpm_common.h"
#include "apr_strings.h"
#include "apr_atomic.h"

static apr_uint32_t suspended, most, aborted;

static void later(void *baton)
{
    request_rec *r = baton;
    conn_rec *c = r->connection;
    apr_thread_mutex_lock(r->invoke_mtx);
    apr_thread_mutex_unlock(r->invoke_mtx);
    apr_atomic_dec32(&suspended);
    ap_set_content_type(r, "text/plain");
    ap_rputs("later\n", r);
    if (ap_rflush(r) < 0 || c->aborted) {
        apr_atomic_inc32(&aborted);
    }
    ap_finalize_request_protocol(r);
    ap_process_request_after_handler(r);
}

static int handler(request_rec *r)
{
    if (!r->handler) {
        return DECLINED;
    }
    if (!strcmp(r->handler, "later")) {
        apr_uint32_t now = apr_atomic_inc32(&suspended) + 1;
        apr_status_t status;
        if (now > apr_atomic_read32(&most)) {
            apr_atomic_set32(&most, now);
        }
        status = ap_mpm_register_timed_callback(
            apr_time_from_msec(r->args ? atol(r->args) : 0), later, r);
        return status == APR_SUCCESS ? SUSPENDED : HTTP_NOT_IMPLEMENTED;
    }
    if (!strcmp(r->handler, "told")) {
        const char *told = apr_table_get(r->connection->notes, "told");
        ap_set_content_type(r, "text/plain");
        ap_rprintf(r, "%s\n", told ? told : "");
        return OK;
    }
    if (!strcmp(r->handler, "counts")) {
        ap_set_content_type(r, "text/plain");
        ap_rprintf(r, "%u now, %u at most, %u aborted, process %ld\n",
                   apr_atomic_read32(&suspended), apr_atomic_read32(&most),
                   apr_atomic_read32(&aborted), (long)getpid());
        return OK;
    }
    if (!strcmp(r->handler, "asks")) {
        int codes[] = { AP_MPMQ_IS_THREADED, AP_MPMQ_IS_FORKED, AP_MPMQ_IS_ASYNC, 17, 18,
                        AP_MPMQ_CAN_WAITIO, AP_MPMQ_HAS_SERF, 99 };
        size_t i;
        ap_set_content_type(r, "text/plain");
        for (i = 0; i < sizeof(codes) / sizeof(*codes); ++i) {
            int answer = -1;
            apr_status_t status = ap_mpm_query(codes[i], &answer);
            ap_rprintf(r, "%d: %d %d\n", codes[i], status, status ? 0 : answer);
        }
        return OK;
    }
    return DECLINED;
}

static void tell(conn_rec *c, const char *word)
{
    const char *told = apr_table_get(c->notes, "told");
    apr_table_setn(c->notes, "told", apr_pstrcat(c->pool, told ? told : "", word, NULL));
}

static void on_suspend(conn_rec *c, request_rec *r)
{
    tell(c, r ? "S" : "s");
}

static void on_resume(conn_rec *c, request_rec *r)
{
    tell(c, r ? "R" : "r");
}

static int on_close(conn_rec *c)
{
    const char *told = apr_table_get(c->notes, "told");
    ap_log_cerror(APLOG_MARK, APLOG_NOTICE, 0, c, "told at the end: %s.", told ? told : "");
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_suspend_connection(on_suspend, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_resume_connection(on_resume, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_close_connection(on_close, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA later_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
