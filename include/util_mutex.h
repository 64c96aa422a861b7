/* util_mutex.h: mutexes among processes, whose mechanism the Mutex directive chooses. */

#ifndef UTIL_MUTEX_H
#define UTIL_MUTEX_H

#include "httpd.h"
#include "http_config.h"
#include "apr_global_mutex.h"

/* The mechanisms APR has here, for help texts. */
#if APR_HAS_FLOCK_SERIALIZE
#define AP_LIST_FLOCK_SERIALIZE ", 'flock:/path/to/file'"
#else
#define AP_LIST_FLOCK_SERIALIZE
#endif

#if APR_HAS_FCNTL_SERIALIZE
#define AP_LIST_FCNTL_SERIALIZE ", 'fcntl:/path/to/file'"
#else
#define AP_LIST_FCNTL_SERIALIZE
#endif

#if APR_HAS_FLOCK_SERIALIZE || APR_HAS_FCNTL_SERIALIZE
#define AP_LIST_FILE_SERIALIZE ", 'file:/path/to/file'"
#else
#define AP_LIST_FILE_SERIALIZE
#endif

#if APR_HAS_PROC_PTHREAD_SERIALIZE
#define AP_LIST_PTHREAD_SERIALIZE ", 'pthread'"
#else
#define AP_LIST_PTHREAD_SERIALIZE
#endif

#if APR_HAS_SYSVSEM_SERIALIZE
#define AP_LIST_SYSVSEM_SERIALIZE ", 'sysvsem'"
#else
#define AP_LIST_SYSVSEM_SERIALIZE
#endif

#if APR_HAS_POSIXSEM_SERIALIZE
#define AP_LIST_POSIXSEM_SERIALIZE ", 'posixsem'"
#else
#define AP_LIST_POSIXSEM_SERIALIZE
#endif

#if APR_HAS_SYSVSEM_SERIALIZE || APR_HAS_POSIXSEM_SERIALIZE
#define AP_LIST_SEM_SERIALIZE ", 'sem'"
#else
#define AP_LIST_SEM_SERIALIZE
#endif

#define AP_ALL_AVAILABLE_MUTEXES_STRING                                                            \
    "Mutex mechanisms are: 'none', 'default'" AP_LIST_FLOCK_SERIALIZE AP_LIST_FCNTL_SERIALIZE      \
        AP_LIST_FILE_SERIALIZE AP_LIST_PTHREAD_SERIALIZE AP_LIST_SYSVSEM_SERIALIZE                 \
            AP_LIST_POSIXSEM_SERIALIZE AP_LIST_SEM_SERIALIZE
/* The same without "none". */
#define AP_AVAILABLE_MUTEXES_STRING                                                                \
    "Mutex mechanisms are: 'default'" AP_LIST_FLOCK_SERIALIZE AP_LIST_FCNTL_SERIALIZE              \
        AP_LIST_FILE_SERIALIZE AP_LIST_PTHREAD_SERIALIZE AP_LIST_SYSVSEM_SERIALIZE                 \
            AP_LIST_POSIXSEM_SERIALIZE AP_LIST_SEM_SERIALIZE

#ifdef __cplusplus
extern "C" {
#endif

/* The mechanism and file of a text "mechanism[:file]". APR_ENOLOCK: "none"; APR_ENOTIMPL: unknown
 * here; APR_BADARG: a file is needed.
 */
AP_DECLARE(apr_status_t) ap_parse_mutex(const char *arg, apr_pool_t *pool,
                                        apr_lockmech_e *mutexmech, const char **mutexfile);

/* The directive, and its start. */
AP_DECLARE_NONSTD(const char *) ap_set_mutex(cmd_parms *cmd, void *dummy, const char *arg);
AP_DECLARE_NONSTD(void) ap_mutex_init(apr_pool_t *p);

/* A module names its mutexes in pre_config, so that Mutex knows the type; it may allow that there
 * is none, or prefer that.
 */
#define AP_MUTEX_ALLOW_NONE   1
#define AP_MUTEX_DEFAULT_NONE 2
AP_DECLARE(apr_status_t) ap_mutex_register(apr_pool_t *pconf, const char *type,
                                           const char *default_dir, apr_lockmech_e default_mech,
                                           apr_int32_t options);

/* Make one in post_config, with permissions for children; *name is its file, for the child's
 * apr_*_mutex_child_init(). *mutex is NULL when Mutex says "none". Failures have been logged.
 */
AP_DECLARE(apr_status_t) ap_global_mutex_create(apr_global_mutex_t **mutex, const char **name,
                                                const char *type, const char *instance_id,
                                                server_rec *server, apr_pool_t *pool,
                                                apr_int32_t options);
AP_DECLARE(apr_status_t) ap_proc_mutex_create(apr_proc_mutex_t **mutex, const char **name,
                                              const char *type, const char *instance_id,
                                              server_rec *server, apr_pool_t *pool,
                                              apr_int32_t options);

/* -D DUMP_RUN_CFG. */
AP_CORE_DECLARE(void) ap_dump_mutexes(apr_pool_t *p, server_rec *s, apr_file_t *out);

#ifdef __cplusplus
}
#endif

#endif
