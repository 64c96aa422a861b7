/* scoreboard.h: the memory in which parent and children see what each of them does. */

#ifndef APACHE_SCOREBOARD_H
#define APACHE_SCOREBOARD_H

#include "apr.h"

#ifdef __cplusplus
extern "C" {
#endif

#if APR_HAVE_SYS_TIME_H
#include <sys/time.h>
#include <sys/times.h>
#endif

#include "ap_config.h"
#include "http_config.h"
#include "apr_thread_proc.h"
#include "apr_portable.h"
#include "apr_shm.h"
#include "apr_optional.h"

#ifndef DEFAULT_SCOREBOARD
#define DEFAULT_SCOREBOARD "logs/apache_runtime_status"
#endif

/* What a worker does. DEAD: the place is free. */
#define SERVER_DEAD           0
#define SERVER_STARTING       1
#define SERVER_READY          2
#define SERVER_BUSY_READ      3
#define SERVER_BUSY_WRITE     4
#define SERVER_BUSY_KEEPALIVE 5
#define SERVER_BUSY_LOG       6
#define SERVER_BUSY_DNS       7
#define SERVER_CLOSING        8
#define SERVER_GRACEFUL       9
#define SERVER_IDLE_KILL      10
#define SERVER_NUM_STATUS     11

/* Counts restarts. All processes of one configuration belong to one generation. */
typedef int ap_generation_t;

typedef enum {
    SB_NOT_SHARED = 1,
    SB_SHARED = 2
} ap_scoreboard_e;

typedef struct worker_score worker_score;
/* One place for a thread. Only its thread writes; readers copy it and check what they have. */
struct worker_score {
#if APR_HAS_THREADS
    apr_os_thread_t tid;
#endif
    int thread_num;
    /* For the process, in case this place is used by another one than its row says. */
    pid_t pid;
    ap_generation_t generation;
    /* SERVER_*. */
    unsigned char status;
    /* Of the present connection: requests, bytes. */
    unsigned short conn_count;
    apr_off_t conn_bytes;
    /* Of the place since the start of the server; of its present owner. */
    unsigned long access_count;
    apr_off_t bytes_served;
    unsigned long my_access_count;
    apr_off_t my_bytes_served;
    /* Of the last request. */
    apr_time_t start_time;
    apr_time_t stop_time;
    apr_time_t last_used;
#ifdef HAVE_TIMES
    struct tms times;
#endif
    /* What it serves; the last one is a longer form for IPv6. */
    char client[32];
    char request[64];
    char vhost[32];
    char protocol[16];
    /* Time spent on requests. */
    apr_time_t duration;
    char client64[64];
};

/* For all. */
typedef struct {
    int server_limit;
    int thread_limit;
    ap_generation_t running_generation;
    apr_time_t restart_time;
#ifdef HAVE_TIMES
    struct tms times;
#endif
} global_score;

typedef struct process_score process_score;
/* One place for a child. */
struct process_score {
    pid_t pid;
    ap_generation_t generation;
    /* It leaves; it does not accept. */
    char quiescing;
    char not_accepting;
    /* Connections of an asynchronous MPM, by state. */
    apr_uint32_t connections;
    apr_uint32_t write_completion;
    apr_uint32_t lingering_close;
    apr_uint32_t keep_alive;
    apr_uint32_t suspended;
    /* Its group of listening sockets. */
    int bucket;
    apr_uint32_t wait_io;
};

/* servers[child][thread]. */
typedef struct {
    global_score *global;
    process_score *parent;
    worker_score **servers;
} scoreboard;

/* A connection's way to its place. */
typedef struct ap_sb_handle_t ap_sb_handle_t;

/* Make it, in the pre_mpm hook; clear it; attach to one made by another process; how large it is.
 */
int ap_create_scoreboard(apr_pool_t *p, ap_scoreboard_e t);
AP_DECLARE(void) ap_init_scoreboard(void *shared_score);
AP_DECLARE(apr_status_t) ap_reopen_scoreboard(apr_pool_t *p, apr_shm_t **shm, int detached);
AP_DECLARE(int) ap_calc_scoreboard_size(void);
apr_status_t ap_cleanup_scoreboard(void *d);
AP_DECLARE(int) ap_exists_scoreboard_image(void);

/* A handle for a place; let it point to another one. */
AP_DECLARE(void) ap_create_sb_handle(ap_sb_handle_t **new_sbh, apr_pool_t *p, int child_num,
                                     int thread_num);
AP_DECLARE(void) ap_update_sb_handle(ap_sb_handle_t *sbh, int child_num, int thread_num);

/* The child with that process, -1: none. */
AP_DECLARE(int) ap_find_child_by_pid(apr_proc_t *pid);

/* Set the state (returns the old one), with ExtendedStatus also what is being served. */
AP_DECLARE(int) ap_update_child_status(ap_sb_handle_t *sbh, int status, request_rec *r);
AP_DECLARE(int) ap_update_child_status_from_indexes(int child_num, int thread_num, int status,
                                                    request_rec *r);
AP_DECLARE(int) ap_update_child_status_from_conn(ap_sb_handle_t *sbh, int status, conn_rec *c);
AP_DECLARE(int) ap_update_child_status_from_server(ap_sb_handle_t *sbh, int status, conn_rec *c,
                                                   server_rec *s);
AP_DECLARE(int) ap_update_child_status_descr(ap_sb_handle_t *sbh, int status, const char *descr);

/* Count a request; set the number of requests of the connection. */
AP_DECLARE(void) ap_increment_counts(ap_sb_handle_t *sbh, request_rec *r);
AP_DECLARE(void) ap_set_conn_count(ap_sb_handle_t *sb, request_rec *r, unsigned short conn_count);

/* A request starts and stops; or, with both times. */
#define START_PREQUEST 1
#define STOP_PREQUEST  2
AP_DECLARE(void) ap_time_process_request(ap_sb_handle_t *sbh, int status);
AP_DECLARE(void) ap_set_time_process_request(ap_sb_handle_t *const sbh, const apr_time_t timebeg,
                                             const apr_time_t timeend);

/* Updates the times of restart. */
AP_DECLARE(int) ap_update_global_status(void);

/* The places themselves; NULL for one that does not exist. copy: what can be copied of a place that
 * changes meanwhile.
 */
AP_DECLARE(worker_score *) ap_get_scoreboard_worker(ap_sb_handle_t *sbh);
AP_DECLARE(worker_score *) ap_get_scoreboard_worker_from_indexes(int child_num, int thread_num);
AP_DECLARE(void) ap_copy_scoreboard_worker(worker_score *dest, int child_num, int thread_num);
AP_DECLARE(process_score *) ap_get_scoreboard_process(int x);
AP_DECLARE(global_score *) ap_get_scoreboard_global(void);

/* The memory; ScoreBoardFile, ExtendedStatus, SeeRequestTail. */
AP_DECLARE_DATA extern scoreboard *ap_scoreboard_image;
AP_DECLARE_DATA extern const char *ap_scoreboard_fname;
AP_DECLARE_DATA extern int ap_extended_status;
AP_DECLARE_DATA extern int ap_mod_status_reqtail;
const char *ap_set_scoreboard(cmd_parms *cmd, void *dummy, const char *arg);
const char *ap_set_extended_status(cmd_parms *cmd, void *dummy, int arg);
const char *ap_set_reqtail(cmd_parms *cmd, void *dummy, int arg);

/* The parent, before it forks children. */
AP_DECLARE_HOOK(int, pre_mpm, (apr_pool_t *p, ap_scoreboard_e sb_type))

#ifdef __cplusplus
}
#endif

#endif
