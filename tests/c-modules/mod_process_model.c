/* What modules hear from the MPM: "SetHandler mpm-cases" shows the answer and the status of every
 * question, the names, and the scoreboard's limits; the log holds the same as it is heard when the
 * server starts. "SetHandler mpm-deep" uses as much stack as its query string says, in KiB, and
 * "SetHandler mpm-memory" as much memory of the request; "SetHandler mpm-pid" shows the process. */
#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_protocol.h"
#include "ap_mpm.h"
#include "mpm_common.h"
#include "scoreboard.h"

#include "apr_strings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pthread.h>

APLOG_USE_MODULE(process_model);

static const struct {
    int code;
    const char *name;
} questions[] = {
    { 0, "0" },
    { AP_MPMQ_MAX_DAEMON_USED, "MAX_DAEMON_USED" },
    { AP_MPMQ_IS_THREADED, "IS_THREADED" },
    { AP_MPMQ_IS_FORKED, "IS_FORKED" },
    { AP_MPMQ_HARD_LIMIT_DAEMONS, "HARD_LIMIT_DAEMONS" },
    { AP_MPMQ_HARD_LIMIT_THREADS, "HARD_LIMIT_THREADS" },
    { AP_MPMQ_MAX_THREADS, "MAX_THREADS" },
    { AP_MPMQ_MIN_SPARE_DAEMONS, "MIN_SPARE_DAEMONS" },
    { AP_MPMQ_MIN_SPARE_THREADS, "MIN_SPARE_THREADS" },
    { AP_MPMQ_MAX_SPARE_DAEMONS, "MAX_SPARE_DAEMONS" },
    { AP_MPMQ_MAX_SPARE_THREADS, "MAX_SPARE_THREADS" },
    { AP_MPMQ_MAX_REQUESTS_DAEMON, "MAX_REQUESTS_DAEMON" },
    { AP_MPMQ_MAX_DAEMONS, "MAX_DAEMONS" },
    { AP_MPMQ_MPM_STATE, "MPM_STATE" },
    { AP_MPMQ_IS_ASYNC, "IS_ASYNC" },
    { AP_MPMQ_GENERATION, "GENERATION" },
    { AP_MPMQ_HAS_SERF, "HAS_SERF" },
#ifdef AP_MPMQ_CAN_SUSPEND
    { AP_MPMQ_CAN_SUSPEND, "CAN_SUSPEND" },
#endif
#ifdef AP_MPMQ_CAN_POLL
    { AP_MPMQ_CAN_POLL, "CAN_POLL" },
#endif
#ifdef AP_MPMQ_CAN_WAITIO
    { AP_MPMQ_CAN_WAITIO, "CAN_WAITIO" },
#endif
    { 18, "18" },
    { 19, "19" },
    { 20, "20" },
    { 1000, "1000" },
    { -1, "-1" }
};

#define QUESTIONS (sizeof questions / sizeof questions[0])

static const char *ask(apr_pool_t *p, size_t number)
{
    int answer = -77;
    apr_status_t status = ap_mpm_query(questions[number].code, &answer);
    return apr_psprintf(p, "%s: %d, status %d", questions[number].name, answer, status);
}

static int tell_log(apr_pool_t *p, const char *when, server_rec *s)
{
    size_t i;
    for (i = 0; i < QUESTIONS; i++) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "%s %s", when, ask(p, i));
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "%s name %s", when, ap_show_mpm());
    return OK;
}

static int at_open_logs(apr_pool_t *p, apr_pool_t *l, apr_pool_t *t, server_rec *s)
{
    (void)l;
    (void)t;
    return tell_log(p, "open_logs", s);
}

static int at_post_config(apr_pool_t *p, apr_pool_t *l, apr_pool_t *t, server_rec *s)
{
    (void)l;
    (void)t;
    return tell_log(p, "post_config", s);
}

static void at_child_init(apr_pool_t *p, server_rec *s)
{
    tell_log(p, "child_init", s);
}

/* A stack of this many KiB, page by page. */
static int deep(int kib)
{
    volatile char room[1024];
    memset((char *)room, kib & 127, sizeof room);
    if (kib > 1) {
        return deep(kib - 1) + room[kib % 1024];
    }
    return room[0];
}

static int show(request_rec *r)
{
    size_t i;
    if (r->handler == NULL) {
        return DECLINED;
    }
    if (strcmp(r->handler, "mpm-pid") == 0) {
        ap_rprintf(r, "%ld\n", (long)getpid());
        return OK;
    }
    if (strcmp(r->handler, "mpm-deep") == 0) {
        size_t size = 0;
        pthread_attr_t attributes;
        int kib = r->args ? atoi(r->args) : 0;
        pthread_getattr_np(pthread_self(), &attributes);
        pthread_attr_getstacksize(&attributes, &size);
        pthread_attr_destroy(&attributes);
        ap_rprintf(r, "%lu KiB, %d\n", (unsigned long)size / 1024, kib ? deep(kib) : 0);
        return OK;
    }
    if (strcmp(r->handler, "mpm-memory") == 0) {
        int kib = r->args ? atoi(r->args) : 0;
        int left;
        for (left = kib; left > 0; left -= 8) {
            memset(apr_palloc(r->pool, 8000), 1, 8000);
        }
        ap_rprintf(r, "%d\n", kib);
        return OK;
    }
    if (strcmp(r->handler, "mpm-cases") != 0) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "name %s, %s\n", ap_show_mpm(), ap_run_mpm_get_name());
    ap_rprintf(r, "wrong with the MPMs: %s\n", ap_check_mpm() ? ap_check_mpm() : "nothing");
    for (i = 0; i < QUESTIONS; i++) {
        ap_rprintf(r, "%s\n", ask(r->pool, i));
    }
    ap_rprintf(r, "scoreboard: %d servers, %d threads, generation %d\n",
               ap_scoreboard_image->global->server_limit,
               ap_scoreboard_image->global->thread_limit,
               ap_scoreboard_image->global->running_generation);
    ap_rprintf(r, "requests per child %d, stack %lu, free memory %u, graceful %d\n",
               ap_max_requests_per_child, (unsigned long)ap_thread_stacksize, ap_max_mem_free,
               ap_graceful_shutdown_timeout);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_open_logs(at_open_logs, NULL, NULL, APR_HOOK_LAST);
    ap_hook_post_config(at_post_config, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(at_child_init, NULL, NULL, APR_HOOK_LAST);
    ap_hook_handler(show, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA process_model_module = {
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    register_hooks,
    0
};
