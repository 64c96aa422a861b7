/* Crashes in every way, in every place. A path names both: /fixups/segv crashes with SIGSEGV in the hook
 * fixups, /thread/abort with SIGABRT in a thread that the module makes. "CrashIn place way" does the same
 * where there is no request yet: child_init, pre_connection, process_connection, post_config; a file
 * named behind that keeps it from happening. With GUARDS it has a say in who may see what.
 */
#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "ap_mpm.h"
#include "util_filter.h"

#include <apr_strings.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

module AP_MODULE_DECLARE_DATA crash_module;

static const char *place_of_configuration = "";
static const char *way_of_configuration = "";
static const char *file_of_configuration = NULL;

/* Exported, so that the report can name it. */
__attribute__((noinline)) void crash_by_segv(volatile int *where)
{
    *where = 1;
}

__attribute__((noinline)) int crash_by_overflow(volatile char *above)
{
    volatile char room[4096];
    room[0] = above[0] + 1;
    return crash_by_overflow(room) + room[0];
}

static void crash_by_bus(void)
{
    char name[] = "/tmp/mod_crash_XXXXXX";
    int file = mkstemp(name);
    unlink(name);
    if (file < 0 || ftruncate(file, 4096) != 0) {
        return;
    }
    volatile char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (ftruncate(file, 0) == 0) {
        bytes[0] = 1;
    }
}

__attribute__((noinline)) static void crash_by_double_free(void)
{
    void *memory = malloc(2000);
    void *volatile again = memory;
    free(memory);
    free(again);
}

static int crash(const char *way)
{
    if (!strcmp(way, "segv")) {
        crash_by_segv((int *)0x18);
    } else if (!strcmp(way, "bus")) {
        crash_by_bus();
    } else if (!strcmp(way, "fpe")) {
        volatile int zero = 0;
        volatile int result = 10 / zero;
        return result;
    } else if (!strcmp(way, "ill")) {
        __builtin_trap();
    } else if (!strcmp(way, "abort")) {
        abort();
    } else if (!strcmp(way, "free")) {
        crash_by_double_free();
    } else if (!strcmp(way, "overflow")) {
        char top = 1;
        return crash_by_overflow(&top);
    } else if (!strcmp(way, "nowhere")) {
        void (*volatile nowhere)(void) = NULL;
        nowhere();
    } else if (!strcmp(way, "blocked")) {
        /* Long enough that the server takes the thread from its reactor. */
        apr_sleep(apr_time_from_msec(50));
    } else if (!strcmp(way, "blocked-overflow")) {
        char top = 1;
        apr_sleep(apr_time_from_msec(50));
        return crash_by_overflow(&top);
    }
    return 0;
}

/* Crashes if the path asks for this place. */
static void crash_at(request_rec *r, const char *place)
{
    size_t length = strlen(place);
    if (r->uri && r->uri[0] == '/' && !strncmp(r->uri + 1, place, length)
        && r->uri[1 + length] == '/') {
        crash(r->uri + 2 + length);
    }
}

static void crash_by_configuration(const char *place)
{
    if (!strcmp(place_of_configuration, place)
        && (file_of_configuration == NULL || access(file_of_configuration, F_OK) != 0)) {
        crash(way_of_configuration);
    }
}

static void of_its_own(int signal)
{
    static const char text[] = "a handler of its own\n";
    (void)signal;
    if (write(2, text, sizeof text - 1) > 0) {
        _exit(0);
    }
}

static void *in_thread(void *way)
{
    crash(way);
    return NULL;
}

static int handler(request_rec *r)
{
    if (strcmp(r->handler, "crash") && strcmp(r->handler, "crash-too")) {
        return DECLINED;
    }
    crash_at(r, "handler");
    if (!strncmp(r->uri, "/thread/", 8)) {
        pthread_t thread;
        pthread_create(&thread, NULL, in_thread, r->uri + 8);
        pthread_join(thread, NULL);
    }
    if (!strcmp(r->uri, "/two")) {
        pthread_t threads[8];
        for (int i = 0; i < 8; i++) {
            pthread_create(&threads[i], NULL, in_thread, "segv");
        }
        pthread_join(threads[0], NULL);
    }
    if (!strcmp(r->uri, "/smash")) {
        r->connection = (conn_rec *)0x10;
        r->server = (server_rec *)0x10;
        r->method = (char *)0x10;
        r->uri = (char *)0x10;
        crash("segv");
    }
    if (!strcmp(r->uri, "/half/segv")) {
        ap_set_content_type(r, "text/plain");
        ap_rputs("half", r);
        ap_rflush(r);
        crash("segv");
    }
    if (!strcmp(r->uri, "/wait")) {
        /* Until the file of the query is there. */
        apr_finfo_t found;
        while (apr_stat(&found, r->args, APR_FINFO_TYPE, r->pool) != APR_SUCCESS) {
            apr_sleep(apr_time_from_msec(5));
        }
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "%s alive in %d\n", r->uri, (int)getpid());
    return OK;
}

#ifdef GUARDS
static int in_access_checker(request_rec *r)
{
    crash_at(r, "access_checker");
    return DECLINED;
}
#endif

static int in_fixups(request_rec *r)
{
    crash_at(r, "fixups");
    return DECLINED;
}

static int in_log_transaction(request_rec *r)
{
    crash_at(r, "log_transaction");
    return OK;
}

static apr_status_t in_cleanup(void *way)
{
    crash(way);
    return APR_SUCCESS;
}

static void insert_filters(request_rec *r)
{
    if (!strncmp(r->uri, "/output/", 8)) {
        ap_add_output_filter("CRASH_OUT", NULL, r, r->connection);
    }
    if (!strncmp(r->uri, "/input/", 7)) {
        ap_add_input_filter("CRASH_IN", NULL, r, r->connection);
    }
    if (!strncmp(r->uri, "/cleanup/", 9)) {
        apr_pool_cleanup_register(r->pool, apr_pstrdup(r->pool, r->uri + 9), in_cleanup,
                                  apr_pool_cleanup_null);
    }
}

static apr_status_t output_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    crash_at(f->r, "output");
    return ap_pass_brigade(f->next, bb);
}

static apr_status_t input_filter(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                 apr_read_type_e block, apr_off_t readbytes)
{
    crash_at(f->r, "input");
    return ap_get_brigade(f->next, bb, mode, block, readbytes);
}

static int in_process_connection(conn_rec *c)
{
    (void)c;
    crash_by_configuration("process_connection");
    return DECLINED;
}

static int in_pre_connection(conn_rec *c, void *csd)
{
    (void)c;
    (void)csd;
    crash_by_configuration("pre_connection");
    return OK;
}

static void in_timer(void *nothing)
{
    (void)nothing;
    crash(way_of_configuration);
}

static void in_child_init(apr_pool_t *p, server_rec *s)
{
    (void)p;
    (void)s;
    crash_by_configuration("child_init");
    if (!strcmp(place_of_configuration, "own_handler")) {
        signal(SIGSEGV, of_its_own);
    }
}

static int in_fixups_late(request_rec *r)
{
    if (!strcmp(place_of_configuration, "timer") && !strcmp(r->uri, "/timer")) {
        ap_mpm_register_timed_callback(apr_time_from_msec(1), in_timer, NULL);
    }
    return DECLINED;
}

static int in_post_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)p;
    (void)plog;
    (void)ptemp;
    (void)s;
    crash_by_configuration("post_config");
    return OK;
}

static const char *set_place(cmd_parms *cmd, void *conf, const char *place, const char *way,
                             const char *file)
{
    (void)cmd;
    (void)conf;
    place_of_configuration = place;
    way_of_configuration = way;
    file_of_configuration = file;
    crash_by_configuration("directive");
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE23("CrashIn", set_place, NULL, RSRC_CONF, "where, how, and what file prevents it"), {NULL}};

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
#ifdef GUARDS
    ap_hook_check_access(in_access_checker, NULL, NULL, APR_HOOK_FIRST, AP_AUTH_INTERNAL_PER_URI);
#endif
    ap_hook_fixups(in_fixups, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(in_fixups_late, NULL, NULL, APR_HOOK_LAST);
    ap_hook_log_transaction(in_log_transaction, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_filter(insert_filters, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(in_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(in_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_connection(in_pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_process_connection(in_process_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_output_filter("CRASH_OUT", output_filter, NULL, AP_FTYPE_RESOURCE);
    ap_register_input_filter("CRASH_IN", input_filter, NULL, AP_FTYPE_RESOURCE);
}

module AP_MODULE_DECLARE_DATA crash_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, commands, register_hooks,
};
