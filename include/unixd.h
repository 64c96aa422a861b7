/* unixd.h: users, limits and signals on Unix. */

#ifndef UNIXD_H
#define UNIXD_H

#include "httpd.h"
#include "http_config.h"
#include "scoreboard.h"
#include "ap_listen.h"
#ifdef HAVE_SYS_TIME_H
#include <sys/time.h>
#endif
#ifdef HAVE_SYS_RESOURCE_H
#include <sys/resource.h>
#endif
#include "apr_hooks.h"
#include "apr_thread_proc.h"
#include "apr_proc_mutex.h"
#include "apr_global_mutex.h"

#include <pwd.h>
#include <grp.h>
#if APR_HAVE_SYS_TYPES_H
#include <sys/types.h>
#endif
#ifdef HAVE_SYS_IPC_H
#include <sys/ipc.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Whom a program shall run as; userdir: below ~user. */
typedef struct {
    uid_t uid;
    gid_t gid;
    int userdir;
} ap_unix_identity_t;

/* For suexec: the identity for this request, NULL: not mine (mod_suexec, mod_userdir). */
AP_DECLARE_HOOK(ap_unix_identity_t *, get_suexec_identity, (const request_rec *r))

#ifndef DEFAULT_USER
#define DEFAULT_USER "#-1"
#endif
#ifndef DEFAULT_GROUP
#define DEFAULT_GROUP "#-1"
#endif

/* User, Group, ChrootDir, Suexec. */
typedef struct {
    const char *user_name;
    const char *group_name;
    uid_t user_id;
    gid_t group_id;
    int suexec_enabled;
    const char *chroot_dir;
    const char *suexec_disabled_reason;
} unixd_config_rec;

AP_DECLARE_DATA extern unixd_config_rec ap_unixd_config;

/* RLimit directives: one or two values ("max" too) for a resource of setrlimit(). */
#if defined(RLIMIT_CPU) || defined(RLIMIT_DATA) || defined(RLIMIT_VMEM) ||                         \
    defined(RLIMIT_NPROC) || defined(RLIMIT_AS)
AP_DECLARE(void) ap_unixd_set_rlimit(cmd_parms *cmd, struct rlimit **plimit, const char *arg,
                                     const char * arg2, int type);
#endif

/* Let children use a mutex that root has made; after making it, in post_config. */
AP_DECLARE(apr_status_t) ap_unixd_set_proc_mutex_perms(apr_proc_mutex_t *pmutex);
AP_DECLARE(apr_status_t) ap_unixd_set_global_mutex_perms(apr_global_mutex_t *gmutex);

/* Accepts a TCP connection. */
AP_DECLARE(apr_status_t) ap_unixd_accept(void **accepted, ap_listen_rec *lr, apr_pool_t *ptrans);

/* Signals a group of processes. */
#ifdef HAVE_KILLPG
#define ap_unixd_killpg(x, y) (killpg((x), (y)))
#define ap_os_killpg(x, y) (killpg((x), (y)))
#else
#define ap_unixd_killpg(x, y) (kill(-(x), (y)))
#define ap_os_killpg(x, y) (kill(-(x), (y)))
#endif

/* What an MPM must remember over restarts. */
typedef struct {
    /* The MPM's own. */
    void *baton;
    int volatile mpm_state;
    int volatile shutdown_pending;
    int volatile restart_pending;
    /* Set with the two above: at once rather than gracefully. */
    int volatile is_ungraceful;
    ap_generation_t my_generation;
    /* How often it was loaded; whether the last restart was graceful. */
    int module_loads;
    int was_graceful;
    /* Groups of listening sockets. */
    int num_buckets, max_buckets;
} ap_unixd_mpm_retained_data;

AP_DECLARE(ap_unixd_mpm_retained_data *) ap_unixd_mpm_get_retained_data(void);
/* Handlers of the parent's signals, which set the flags above. once_process: -X. */
AP_DECLARE(void) ap_unixd_mpm_set_signals(apr_pool_t *pconf, int once_process);

#ifdef __cplusplus
}
#endif

#endif
