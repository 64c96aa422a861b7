/* mod_proxy.h: mod_proxy's structures, and what it offers to the modules of the schemes
 * (mod_proxy_http), of balancing (mod_lbmethod_*) and others.
 *
 * A worker is a backend with its connections, a balancer a group of workers. What all children must
 * see of them (`s`) is in slot memory.
 */

#ifndef MOD_PROXY_H
#define MOD_PROXY_H

#include "apr_hooks.h"
#include "apr_optional.h"
#include "apr.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_buckets.h"
#include "apr_md5.h"
#include "apr_network_io.h"
#include "apr_pools.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "apr_date.h"
#include "apr_strmatch.h"
#include "apr_fnmatch.h"
#include "apr_reslist.h"
#include "apr_want.h"
#include "apr_uuid.h"
#include "util_mutex.h"
#include "apr_global_mutex.h"
#include "apr_thread_mutex.h"
#include "httpd.h"
#include "http_config.h"
#include "ap_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "http_vhost.h"
#include "http_main.h"
#include "http_log.h"
#include "http_connection.h"
#include "http_ssl.h"
#include "util_filter.h"
#include "util_ebcdic.h"
#include "ap_provider.h"
#include "ap_slotmem.h"
#include <netinet/in.h>
#include <arpa/inet.h>

#if APR_HAVE_NETINET_IN_H
#include <netinet/in.h>
#endif
#if APR_HAVE_ARPA_INET_H
#include <arpa/inet.h>
#endif

#define PROXY_DECLARE(type) type
#define PROXY_DECLARE_NONSTD(type) type
#define PROXY_DECLARE_DATA
#define PROXY_DECLARE_OPTIONAL_HOOK APR_DECLARE_EXTERNAL_HOOK

/* Which part of a URL is encoded, and how: decode first; let encoded slashes be. */
enum enctype {
    enc_path, enc_search, enc_user, enc_fpath, enc_parm
};
#define PROXY_CANONENC_FORCEDEC               0x01
#define PROXY_CANONENC_NOENCODEDSLASHENCODING 0x02

/* How mod_proxy_hcheck asks a backend, with names; implemented or not. */
typedef enum {
    NONE, TCP, OPTIONS, HEAD, GET, CPING, PROVIDER, OPTIONS11, HEAD11, GET11, EOT
} hcmethod_t;
typedef struct {
    hcmethod_t method;
    char *name;
    int implemented;
} proxy_hcmethods_t;
extern PROXY_DECLARE_DATA proxy_hcmethods_t proxy_hcmethods[];

/* States of a worker: bit, letter, name. */
typedef struct {
    unsigned int bit;
    char flag;
    const char *name;
} proxy_wstat_t;
extern PROXY_DECLARE_DATA proxy_wstat_t proxy_wstat_tbl[];

#define BALANCER_PREFIX "balancer://"

/* ProxyMaxForwards: do not add the field. */
#define DEFAULT_MAX_FORWARDS -1

typedef struct proxy_balancer proxy_balancer;
typedef struct proxy_worker proxy_worker;
typedef struct proxy_conn_pool proxy_conn_pool;
typedef struct proxy_balancer_method proxy_balancer_method;

/* ---- Configuration ---- */

/* ProxyRemote and ProxyRemoteMatch: the proxy to use for a scheme or for URLs that match. */
struct proxy_remote {
    const char *scheme;
    const char *protocol;
    const char *hostname;
    ap_regex_t *regexp;
    const char *creds;
    int use_regex;
    apr_port_t port;
};

/* Flags of ProxyPass: nocanon, interpolate, noquery, mapping=encoded, mapping=servlet. */
#define PROXYPASS_NOCANON     0x01
#define PROXYPASS_INTERPOLATE 0x02
#define PROXYPASS_NOQUERY     0x04
#define PROXYPASS_MAP_ENCODED 0x08
#define PROXYPASS_MAP_SERVLET 0x18

/* ProxyPass and ProxyPassReverse. */
struct proxy_alias {
    const char *real;
    const char *fake;
    ap_regex_t *regex;
    unsigned int flags;
    proxy_balancer *balancer;
};

/* ProxyDomain and NoProxy: goes directly to these. */
struct dirconn_entry {
    char *name;
    struct in_addr addr, mask;
    struct apr_sockaddr_t *hostaddr;
    int (*matcher)(struct dirconn_entry * This, request_rec *r);
};

/* ProxyBlock. */
struct noproxy_entry {
    const char *name;
    struct apr_sockaddr_t *addr;
};

/* Of a server. */
typedef struct {
    /* Arrays of the above, and <Proxy> sections. */
    apr_array_header_t *proxies;
    apr_array_header_t *sec_proxy;
    apr_array_header_t *aliases;
    apr_array_header_t *noproxies;
    apr_array_header_t *dirconn;
    /* Arrays of proxy_worker and proxy_balancer, and the workers for all else. */
    apr_array_header_t *workers;
    apr_array_header_t *balancers;
    proxy_worker *forward;
    proxy_worker *reverse;
    /* ProxyDomain. */
    const char *domain;
    /* Distinguishes servers in the names of slots and mutexes. */
    const char *id;
    apr_pool_t *pool;
    /* ProxyRequests; places for balancers, also for those to be added. */
    int req;
    int max_balancers;
    int bgrowth;
    /* ProxyVia. */
    enum {
        via_off,
        via_on,
        via_block,
        via_full
    } viaopt;
    apr_size_t recv_buffer_size;
    apr_size_t io_buffer_size;
    long maxfwd;
    apr_interval_time_t timeout;
    /* ProxyBadHeader. */
    enum {
        bad_error,
        bad_ignore,
        bad_body
    } badopt;
    enum {
        status_off,
        status_on,
        status_full
    } proxy_status;
    apr_sockaddr_t *source_address;
    /* Guards the balancers; their slots. */
    apr_global_mutex_t *mutex;
    ap_slotmem_instance_t *bslot;
    ap_slotmem_provider_t *storage;
    /* Which of the settings were given, and flags of others. */
    unsigned int req_set:1;
    unsigned int viaopt_set:1;
    unsigned int recv_buffer_size_set:1;
    unsigned int io_buffer_size_set:1;
    unsigned int maxfwd_set:1;
    unsigned int timeout_set:1;
    unsigned int badopt_set:1;
    unsigned int proxy_status_set:1;
    unsigned int source_address_set:1;
    unsigned int bgrowth_set:1;
    unsigned int bal_persist:1;
    unsigned int inherit:1;
    unsigned int inherit_set:1;
    unsigned int ppinherit:1;
    unsigned int ppinherit_set:1;
    unsigned int map_encoded_one:1;
    unsigned int map_encoded_all:1;
} proxy_server_conf;

/* Of a section. */
typedef struct {
    /* The section's URL. */
    const char *p;
    ap_regex_t *r;
    /* ProxyPassReverse and its two sisters. */
    apr_array_header_t *raliases;
    apr_array_header_t *cookie_paths;
    apr_array_header_t *cookie_domains;
    signed char p_is_fnmatch;
    signed char interpolate_env;
    /* ProxyPass in <Location>. */
    struct proxy_alias *alias;
    unsigned int error_override:1;
    unsigned int preserve_host:1;
    unsigned int preserve_host_set:1;
    unsigned int error_override_set:1;
    unsigned int alias_set:1;
    unsigned int add_forwarded_headers:1;
    unsigned int add_forwarded_headers_set:1;
    apr_array_header_t *refs;
    unsigned int forward_100_continue:1;
    unsigned int forward_100_continue_set:1;
    apr_array_header_t *error_override_codes;
} proxy_dir_conf;

/* Of a request: ProxyPassReverse with its variables replaced. */
typedef struct {
    apr_array_header_t *raliases;
    apr_array_header_t *cookie_paths;
    apr_array_header_t *cookie_domains;
} proxy_req_conf;

/* ---- Connections ---- */

struct proxy_address;

/* A connection to a backend, in its worker's pool or in use by a request. */
typedef struct {
    /* Its record as a connection of ours, NULL until it is open. */
    conn_rec *connection;
    request_rec *r;
    proxy_worker *worker;
    /* Lives as long as the connection is in the worker's pool. */
    apr_pool_t *pool;
    /* Where to. */
    const char *hostname;
    apr_sockaddr_t *addr;
    /* Lives as long as the socket. */
    apr_pool_t *scpool;
    apr_socket_t *sock;
    /* The scheme's own. */
    void *data;
    /* The proxy behind which the backend is. */
    void *forward;
    apr_uint32_t flags;
    apr_port_t port;
    /* TLS; close it when it is released; the client waits for what has arrived. */
    unsigned int is_ssl:1;
    unsigned int close:1;
    unsigned int need_flush:1;
    unsigned int inreslist:1;
    /* A socket in the file system; the name for TLS. */
    const char *uds_path;
    const char *ssl_hostname;
    apr_bucket_brigade *tmp_bb;
    apr_pool_t *uds_pool;
    apr_pool_t *fwd_pool;
    struct proxy_address *address;
} proxy_conn_rec;

typedef struct {
    float cache_completion;
    int content_length;
} proxy_completion;

/* A worker's connections in this process. */
struct proxy_conn_pool {
    /* Where they are taken from, with threads; the only one, without. */
    apr_pool_t *pool;
    apr_sockaddr_t *addr;
    apr_reslist_t *res;
    proxy_conn_rec *conn;
    apr_pool_t *dns_pool;
};

/* Reads or writes a variable as if it were volatile. */
#define AP_VOLATILIZE_T(T, x) (*(T volatile *)&(x))

/* ---- Workers ---- */

/* Bits of proxy_worker_shared.status, and the letters for them. */
#define PROXY_WORKER_INITIALIZED   0x0001
#define PROXY_WORKER_IGNORE_ERRORS 0x0002
#define PROXY_WORKER_DRAIN         0x0004
#define PROXY_WORKER_GENERIC       0x0008
#define PROXY_WORKER_IN_SHUTDOWN   0x0010
#define PROXY_WORKER_DISABLED      0x0020
#define PROXY_WORKER_STOPPED       0x0040
#define PROXY_WORKER_IN_ERROR      0x0080
#define PROXY_WORKER_HOT_STANDBY   0x0100
#define PROXY_WORKER_FREE          0x0200
#define PROXY_WORKER_HC_FAIL       0x0400
#define PROXY_WORKER_HOT_SPARE     0x0800
#define PROXY_WORKER_INITIALIZED_FLAG   'O'
#define PROXY_WORKER_IGNORE_ERRORS_FLAG 'I'
#define PROXY_WORKER_DRAIN_FLAG         'N'
#define PROXY_WORKER_GENERIC_FLAG       'G'
#define PROXY_WORKER_IN_SHUTDOWN_FLAG   'U'
#define PROXY_WORKER_DISABLED_FLAG      'D'
#define PROXY_WORKER_STOPPED_FLAG       'S'
#define PROXY_WORKER_IN_ERROR_FLAG      'E'
#define PROXY_WORKER_HOT_STANDBY_FLAG   'H'
#define PROXY_WORKER_FREE_FLAG          'F'
#define PROXY_WORKER_HC_FAIL_FLAG       'C'
#define PROXY_WORKER_HOT_SPARE_FLAG     'R'
/* Any of these: do not use. */
#define PROXY_WORKER_NOT_USABLE_BITMAP                                                             \
    (PROXY_WORKER_IN_SHUTDOWN | PROXY_WORKER_DISABLED | PROXY_WORKER_STOPPED |                     \
     PROXY_WORKER_IN_ERROR | PROXY_WORKER_HC_FAIL)

#define PROXY_WORKER_IS_INITIALIZED(f) ( (f)->s->status & PROXY_WORKER_INITIALIZED )
#define PROXY_WORKER_IS_STANDBY(f) ( (f)->s->status & PROXY_WORKER_HOT_STANDBY )
#define PROXY_WORKER_IS_SPARE(f) ( (f)->s->status & PROXY_WORKER_HOT_SPARE )
#define PROXY_WORKER_IS_DRAINING(f) ( (f)->s->status & PROXY_WORKER_DRAIN )
#define PROXY_WORKER_IS_GENERIC(f) ( (f)->s->status & PROXY_WORKER_GENERIC )
#define PROXY_WORKER_IS_HCFAILED(f) ( (f)->s->status & PROXY_WORKER_HC_FAIL )
#define PROXY_WORKER_IS_ERROR(f) ( (f)->s->status & PROXY_WORKER_IN_ERROR )
#define PROXY_WORKER_IS_USABLE(f)                                                                  \
    ((!((f)->s->status & PROXY_WORKER_NOT_USABLE_BITMAP)) && PROXY_WORKER_IS_INITIALIZED(f))
#define PROXY_WORKER_IS(f, b) ( (f)->s->status & (b) )

/* Seconds until a worker in error is tried again. */
#define PROXY_WORKER_DEFAULT_RETRY 60

/* Sizes of texts in shared memory, with the zero byte. */
#define PROXY_WORKER_MAX_SCHEME_SIZE     16
#define PROXY_WORKER_MAX_ROUTE_SIZE      64
#define PROXY_BALANCER_MAX_ROUTE_SIZE    PROXY_WORKER_MAX_ROUTE_SIZE
#define PROXY_WORKER_MAX_NAME_SIZE       96
#define PROXY_BALANCER_MAX_NAME_SIZE     PROXY_WORKER_MAX_NAME_SIZE
#define PROXY_WORKER_MAX_HOSTNAME_SIZE   64
#define PROXY_BALANCER_MAX_HOSTNAME_SIZE PROXY_WORKER_MAX_HOSTNAME_SIZE
#define PROXY_BALANCER_MAX_STICKY_SIZE   64
#define PROXY_WORKER_MAX_SECRET_SIZE     64
#define PROXY_RFC1035_HOSTNAME_SIZE      256
#define PROXY_WORKER_EXT_NAME_SIZE       384
#define PROXY_WORKER_RFC1035_NAME_SIZE   512
#define PROXY_MAX_PROVIDER_NAME_SIZE     16
/* Copies into an array; APR_EGENERAL: cut. */
#define PROXY_STRNCPY(dst, src) ap_proxy_strncpy((dst), (src), (sizeof(dst)))

/* Gives a worker what a server's ProxyTimeout and the like say. */
#define PROXY_COPY_CONF_PARAMS(w, c)                                                               \
    do {                                                                                           \
        (w)->s->timeout = (c)->timeout;                                                            \
        (w)->s->timeout_set = (c)->timeout_set;                                                    \
        (w)->s->recv_buffer_size = (c)->recv_buffer_size;                                          \
        (w)->s->recv_buffer_size_set = (c)->recv_buffer_size_set;                                  \
        (w)->s->io_buffer_size = (c)->io_buffer_size;                                              \
        (w)->s->io_buffer_size_set = (c)->io_buffer_size_set;                                      \
    } while (0)

/* Whether a request with body is announced with Expect: 100-continue, to see that the backend
 * lives.
 */
#define PROXY_SHOULD_PING_100_CONTINUE(w, r) \
    ((w)->s->ping_timeout_set && (PROXYREQ_REVERSE == (r)->proxyreq) && ap_request_has_body((r)))
#define PROXY_DO_100_CONTINUE(w,r) \
    (PROXY_SHOULD_PING_100_CONTINUE(w, r) \
     && !apr_table_get((r)->subprocess_env, "force-proxy-request-1.0"))

/* Two hashes of a name, to find slots by. */
typedef struct {
    unsigned int def;
    unsigned int fnv;
} proxy_hashes ;

/* What all children see of a worker: its parameters, as in ProxyPass, its state and counts. */
typedef struct {
    char name[PROXY_WORKER_MAX_NAME_SIZE];
    char scheme[PROXY_WORKER_MAX_SCHEME_SIZE];
    char hostname[PROXY_WORKER_MAX_HOSTNAME_SIZE];
    char route[PROXY_WORKER_MAX_ROUTE_SIZE];
    char redirect[PROXY_WORKER_MAX_ROUTE_SIZE];
    char flusher[PROXY_WORKER_MAX_SCHEME_SIZE];
    char uds_path[PROXY_WORKER_MAX_NAME_SIZE];
    int lbset;
    /* Since the last success; for the method of balancing. */
    int retries;
    int lbstatus;
    int lbfactor;
    /* Connections kept: at least, softly and at most. */
    int min;
    int smax;
    int hmax;
    int flush_wait;
    /* Its slot. */
    int index;
    proxy_hashes hash;
    /* PROXY_WORKER_*. */
    unsigned int status;
    enum {
        flush_off,
        flush_on,
        flush_auto
    } flush_packets;
    /* Last change; when it went into error. */
    apr_time_t updated;
    apr_time_t error_time;
    /* Parameters of the same names. */
    apr_interval_time_t ttl;
    apr_interval_time_t retry;
    apr_interval_time_t timeout;
    apr_interval_time_t acquire;
    apr_interval_time_t ping_timeout;
    apr_interval_time_t conn_timeout;
    apr_size_t recv_buffer_size;
    apr_size_t io_buffer_size;
    /* Requests, now busy ones, bytes. */
    apr_size_t elected;
    apr_size_t busy;
    apr_port_t port;
    apr_off_t transferred;
    apr_off_t read;
    /* For the method of balancing. */
    void *context;
    /* Flags, and which parameters were given. */
    unsigned int keepalive:1;
    unsigned int disablereuse:1;
    unsigned int is_address_reusable:1;
    unsigned int retry_set:1;
    unsigned int timeout_set:1;
    unsigned int acquire_set:1;
    unsigned int ping_timeout_set:1;
    unsigned int conn_timeout_set:1;
    unsigned int recv_buffer_size_set:1;
    unsigned int io_buffer_size_set:1;
    unsigned int keepalive_set:1;
    unsigned int disablereuse_set:1;
    unsigned int was_malloced:1;
    unsigned int is_name_matchable:1;
    /* Of mod_proxy_hcheck. */
    char hcuri[PROXY_WORKER_MAX_ROUTE_SIZE];
    char hcexpr[PROXY_WORKER_MAX_SCHEME_SIZE];
    int passes;
    int pcount;
    int fails;
    int fcount;
    hcmethod_t method;
    apr_interval_time_t interval;
    /* Later additions. */
    char upgrade[PROXY_WORKER_MAX_SCHEME_SIZE];
    char hostname_ex[PROXY_RFC1035_HOSTNAME_SIZE];
    apr_size_t response_field_size;
    unsigned int response_field_size_set:1;
    char secret[PROXY_WORKER_MAX_SECRET_SIZE];
    char name_ex[PROXY_WORKER_EXT_NAME_SIZE];
    unsigned int address_ttl_set:1;
    apr_int32_t address_ttl;
    apr_uint32_t address_expiry;
    unsigned int is_host_matchable:1;
} proxy_worker_shared;

#define ALIGNED_PROXY_WORKER_SHARED_SIZE (APR_ALIGN_DEFAULT(sizeof(proxy_worker_shared)))

/* A worker in one process. */
struct proxy_worker {
    proxy_hashes hash;
    /* PROXY_WORKER_INITIALIZED for this process. */
    unsigned int local_status;
    proxy_conn_pool *cp;
    proxy_worker_shared *s;
    /* NULL if it belongs to none. */
    proxy_balancer *balancer;
#if APR_HAS_THREADS
    apr_thread_mutex_t *tmutex;
#endif
    void *context;
    /* Of its <Proxy>. */
    ap_conf_vector_t *section_config;
    struct proxy_address *volatile address;
};

/* Seconds of mod_proxy_hcheck; microseconds of flushwait. */
#define HCHECK_WATHCHDOG_DEFAULT_INTERVAL (30)
#define HCHECK_WATHCHDOG_INTERVAL         (2)
#define PROXY_FLUSH_WAIT 10000

/* ---- Balancers ---- */

/* What all children see of a balancer. */
typedef struct {
    /* stickysession: in the path, in a cookie. */
    char sticky_path[PROXY_BALANCER_MAX_STICKY_SIZE];
    char sticky[PROXY_BALANCER_MAX_STICKY_SIZE];
    /* lbmethod. */
    char lbpname[PROXY_MAX_PROVIDER_NAME_SIZE];
    /* For the forms of balancer-manager. */
    char nonce[APR_UUID_FORMATTED_LENGTH + 1];
    /* With and without the server's name. */
    char name[PROXY_BALANCER_MAX_NAME_SIZE];
    char sname[PROXY_BALANCER_MAX_NAME_SIZE];
    /* The ProxyPass that made it. */
    char vpath[PROXY_BALANCER_MAX_ROUTE_SIZE];
    char vhost[PROXY_BALANCER_MAX_HOSTNAME_SIZE];
    /* How long to wait for a worker. */
    apr_interval_time_t timeout;
    /* When workers were changed. */
    apr_time_t wupdated;
    int max_attempts;
    int index;
    proxy_hashes hash;
    unsigned int sticky_force:1;
    unsigned int scolonsep:1;
    unsigned int max_attempts_set:1;
    unsigned int was_malloced:1;
    unsigned int need_reset:1;
    unsigned int vhosted:1;
    unsigned int inactive:1;
    unsigned int forcerecovery:1;
    char sticky_separator;
    unsigned int forcerecovery_set:1;
    unsigned int scolonsep_set:1;
    unsigned int sticky_force_set:1;
    unsigned int nonce_set:1;
    unsigned int sticky_separator_set:1;
} proxy_balancer_shared;

#define ALIGNED_PROXY_BALANCER_SHARED_SIZE (APR_ALIGN_DEFAULT(sizeof(proxy_balancer_shared)))

/* A balancer in one process. */
struct proxy_balancer {
    /* Array of proxy_worker *; array of int: statuses that put a worker into error. */
    apr_array_header_t *workers;
    apr_array_header_t *errstatuses;
    /* Slots of the workers. */
    ap_slotmem_instance_t *wslot;
    ap_slotmem_provider_t *storage;
    int growth;
    int max_workers;
    proxy_hashes hash;
    /* What this process knows of; compare with `s`. */
    apr_time_t wupdated;
    proxy_balancer_method *lbmethod;
    apr_global_mutex_t *gmutex;
#if APR_HAS_THREADS
    apr_thread_mutex_t *tmutex;
#endif
    proxy_server_conf *sconf;
    void *context;
    proxy_balancer_shared *s;
    int failontimeout;
    unsigned int failontimeout_set:1;
    unsigned int growth_set:1;
    unsigned int lbmethod_set:1;
    ap_conf_vector_t *section_config;
};

/* A method of balancing, registered as provider of PROXY_LBMETHOD, version "0". */
struct proxy_balancer_method {
    const char *name;
    /* The worker for a request, NULL: none. The balancer is locked. */
    proxy_worker *(*finder)(proxy_balancer *balancer, request_rec *r);
    void *context;
    /* All workers are new; time has passed; a worker has been chosen. */
    apr_status_t (*reset)(proxy_balancer *balancer, server_rec *s);
    apr_status_t (*age)(proxy_balancer *balancer, server_rec *s);
    apr_status_t (*updatelbstatus)(proxy_balancer *balancer, proxy_worker *elected, server_rec *s);
};

#define PROXY_LBMETHOD "proxylbmethod"
/* How many balancers may be added. */
#define PROXY_DYNAMIC_BALANCER_LIMIT 16

/* Lock a balancer or worker, in the process and among processes. */
#define PROXY_THREAD_LOCK(x)                                                                       \
    ((x) && (x)->tmutex ? apr_thread_mutex_lock((x)->tmutex) : APR_SUCCESS)
#define PROXY_THREAD_UNLOCK(x)                                                                     \
    ((x) && (x)->tmutex ? apr_thread_mutex_unlock((x)->tmutex) : APR_SUCCESS)
#define PROXY_GLOBAL_LOCK(x)                                                                       \
    ((x) && (x)->gmutex ? apr_global_mutex_lock((x)->gmutex) : APR_SUCCESS)
#define PROXY_GLOBAL_UNLOCK(x)                                                                     \
    ((x) && (x)->gmutex ? apr_global_mutex_unlock((x)->gmutex) : APR_SUCCESS)

/* ---- Hooks ---- */

/* A <Proxy> section, a balancer or a worker has been configured. */
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, section_post_config, (apr_pool_t *p,
        apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s, ap_conf_vector_t *section_config))
/* Handle a request for a URL of one's scheme: OK, DECLINED or a status. With proxyhost: by way of
 * that proxy.
 */
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, scheme_handler, (request_rec *r,
                                                              proxy_worker *worker,
                                                              proxy_server_conf *conf, char *url,
                                                              const char *proxyhost,
                                                              apr_port_t proxyport))
/* Before a URL is mapped: DONE keeps it away from the proxy. */
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, check_trans, (request_rec *r, const char *url))
/* Bring the URL of one's scheme into its canonical form in r->filename. */
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, canon_handler, (request_rec *r, char *url))
/* A request to the backend (pr) has been made; headers are about to be sent. */
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, create_req, (request_rec *r, request_rec *pr))
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, fixups, (request_rec *r))
/* Choose a worker for a balancer's URL, and afterwards. */
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, pre_request, (proxy_worker **worker,
                                                           proxy_balancer **balancer,
                                                           request_rec *r,
                                                           proxy_server_conf *conf, char **url))
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, post_request, (proxy_worker *worker,
                                                            proxy_balancer *balancer,
                                                            request_rec *r,
                                                            proxy_server_conf *conf))
/* The status the proxy ends with, which may be changed. */
APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, request_status, (int *status, request_rec *r))

/* ---- URLs and errors ---- */

PROXY_DECLARE(apr_status_t) ap_proxy_strncpy(char *dst, const char *src, apr_size_t dlen);
/* Two hexadecimal digits as a number, and back. */
PROXY_DECLARE(int) ap_proxy_hex2c(const char *x);
PROXY_DECLARE(void) ap_proxy_c2hex(int ch, char *x);
/* Encode part of a URL; NULL: it has something forbidden in it. forcedec: decode first. */
PROXY_DECLARE(char *)ap_proxy_canonenc_ex(apr_pool_t *p, const char *x, int len, enum enctype t,
              int flags, int proxyreq);
PROXY_DECLARE(char *)ap_proxy_canonenc(apr_pool_t *p, const char *x, int len, enum enctype t,
              int forcedec, int proxyreq);
/* Takes user, password, host and port out of *urlp, which moves behind them; returns a message or
 * NULL.
 */
PROXY_DECLARE(char *)ap_proxy_canon_netloc(apr_pool_t *p, char **const urlp, char **userp,
              char **passwordp, char **hostp, apr_port_t *port);
/* Notes a message for the error page and the log; returns the status. */
PROXY_DECLARE(int) ap_proxyerror(request_rec *r, int statuscode, const char *message);
/* ProxyBlock: OK or 403. */
PROXY_DECLARE(int) ap_proxy_checkproxyblock(request_rec *r, proxy_server_conf *conf,
                                            apr_sockaddr_t *uri_addr);
PROXY_DECLARE(int) ap_proxy_checkproxyblock2(request_rec *r, proxy_server_conf *conf,
                                             const char *hostname, apr_sockaddr_t *addr);
/* Was it "unix:path|url"? Then the URL alone. */
PROXY_DECLARE(const char *) ap_proxy_de_socketfy(apr_pool_t *p, const char *url);
/* Header fields of a response, as ProxyPassReverse has them. */
PROXY_DECLARE(const char *) ap_proxy_location_reverse_map(request_rec *r, proxy_dir_conf *conf,
                                                          const char *url);
PROXY_DECLARE(const char *) ap_proxy_cookie_reverse_map(request_rec *r, proxy_dir_conf *conf,
                                                        const char *str);
typedef const char *(*ap_proxy_header_reverse_map_fn)(request_rec *, proxy_dir_conf *,
                                                      const char *);
PROXY_DECLARE(apr_port_t) ap_proxy_port_of_scheme(const char *scheme);
/* ProxyErrorOverride for a status. */
PROXY_DECLARE(int) ap_proxy_should_override(proxy_dir_conf *conf, int code);
/* Maps a request by one ProxyPass: OK, DECLINED, DONE ("!") or a status. */
PROXY_DECLARE(int) ap_proxy_trans_match(request_rec *r, struct proxy_alias *ent,
                                        proxy_dir_conf *dconf);
/* After pre_request: "unix:path|" in r->filename goes into a note. */
PROXY_DECLARE(int) ap_proxy_fixup_uds_filename(request_rec *r);

/* ---- TLS to backends ---- */

PROXY_DECLARE(int) ap_proxy_ssl_enable(conn_rec *c);
PROXY_DECLARE(int) ap_proxy_ssl_disable(conn_rec *c);
PROXY_DECLARE(int) ap_proxy_ssl_engine(conn_rec *c, ap_conf_vector_t *per_dir_config, int enable);
PROXY_DECLARE(int) ap_proxy_conn_is_https(conn_rec *c);
PROXY_DECLARE(const char *) ap_proxy_ssl_val(apr_pool_t *p, server_rec *s, conn_rec *c,
                                             request_rec *r, const char *var);
/* Close what TLS left open. */
PROXY_DECLARE(apr_status_t) ap_proxy_ssl_connection_cleanup(proxy_conn_rec *conn, request_rec *r);

/* ---- Finding and defining workers and balancers ---- */

PROXY_DECLARE(char *) ap_proxy_worker_name(apr_pool_t *p, proxy_worker *worker);
/* Whether upgrade= allows a protocol. */
PROXY_DECLARE(int) ap_proxy_worker_can_upgrade(apr_pool_t *p, const proxy_worker *worker,
                                               const char *upgrade, const char *dflt);

/* Which kinds of workers to look for, what is to be defined. */
#define AP_PROXY_WORKER_IS_PREFIX   (1u << 0)
#define AP_PROXY_WORKER_IS_MATCH    (1u << 1)
#define AP_PROXY_WORKER_IS_MALLOCED (1u << 2)
#define AP_PROXY_WORKER_NO_UDS      (1u << 3)
/* The worker whose name begins the URL, the longest one; NULL: none. */
PROXY_DECLARE(proxy_worker *) ap_proxy_get_worker_ex(apr_pool_t *p, proxy_balancer *balancer,
                                                     proxy_server_conf *conf, const char *url,
                                                     unsigned int mask);
PROXY_DECLARE(proxy_worker *) ap_proxy_get_worker(apr_pool_t *p, proxy_balancer *balancer,
                                                  proxy_server_conf *conf, const char *url);
/* Make one; returns a message or NULL. */
PROXY_DECLARE(char *) ap_proxy_define_worker_ex(apr_pool_t *p, proxy_worker **worker,
                                                proxy_balancer *balancer, proxy_server_conf *conf,
                                                const char *url, unsigned int mask);
PROXY_DECLARE(char *) ap_proxy_define_worker(apr_pool_t *p, proxy_worker **worker,
                                             proxy_balancer *balancer, proxy_server_conf *conf,
                                             const char *url, int do_malloc);
PROXY_DECLARE(char *) ap_proxy_define_match_worker(apr_pool_t *p, proxy_worker **worker,
                                                   proxy_balancer *balancer,
                                                   proxy_server_conf *conf, const char *url,
                                                   int do_malloc);
/* Put it into shared memory (slot i); prepare it in a child. */
PROXY_DECLARE(apr_status_t) ap_proxy_share_worker(proxy_worker *worker, proxy_worker_shared *shm,
                                                  int i);
PROXY_DECLARE(apr_status_t) ap_proxy_initialize_worker(proxy_worker *worker, server_rec *s,
                                                       apr_pool_t *p);

PROXY_DECLARE(int) ap_proxy_valid_balancer_name(char *name, int i);
PROXY_DECLARE(proxy_balancer *) ap_proxy_get_balancer(apr_pool_t *p, proxy_server_conf *conf,
                                                      const char *url, int careactive);
PROXY_DECLARE(char *) ap_proxy_update_balancer(apr_pool_t *p, proxy_balancer *balancer,
                                               const char *url);
PROXY_DECLARE(char *) ap_proxy_define_balancer(apr_pool_t *p, proxy_balancer **balancer,
                                               proxy_server_conf *conf, const char *url,
                                               const char *alias, int do_malloc);
PROXY_DECLARE(apr_status_t) ap_proxy_share_balancer(proxy_balancer *balancer,
                                                    proxy_balancer_shared *shm, int i);
PROXY_DECLARE(apr_status_t) ap_proxy_initialize_balancer(proxy_balancer *balancer, server_rec *s,
                                                         apr_pool_t *p);
/* Brings this process up to date with what others have changed. */
PROXY_DECLARE(apr_status_t) ap_proxy_sync_balancer(proxy_balancer *b, server_rec *s,
                                                   proxy_server_conf *conf);

/* Whether `current` is better than the best so far. */
typedef int (proxy_is_best_callback_fn_t)(proxy_worker *current, proxy_worker *prev_best,
                                          void *baton);
/* The best usable worker, by sets and with spares; for methods of balancing. */
PROXY_DECLARE(proxy_worker *) ap_proxy_balancer_get_best_worker(proxy_balancer *balancer,
        request_rec *r, proxy_is_best_callback_fn_t *is_best, void *baton);
APR_DECLARE_OPTIONAL_FN(proxy_worker *, proxy_balancer_get_best_worker, (proxy_balancer *balancer,
        request_rec *r, proxy_is_best_callback_fn_t *is_best, void *baton));

/* The slot of that name; NULL: none. */
PROXY_DECLARE(proxy_worker_shared *) ap_proxy_find_workershm(ap_slotmem_provider_t *storage,
        ap_slotmem_instance_t *slot, proxy_worker *worker, unsigned int *index);
PROXY_DECLARE(proxy_balancer_shared *) ap_proxy_find_balancershm(ap_slotmem_provider_t *storage,
        ap_slotmem_instance_t *slot, proxy_balancer *balancer, unsigned int *index);

/* Hash of a name; set a state by its letter; all states as text; the size of proxy_worker_shared in
 * other versions.
 */
typedef enum { PROXY_HASHFUNC_DEFAULT, PROXY_HASHFUNC_APR, PROXY_HASHFUNC_FNV } proxy_hash_t;
PROXY_DECLARE(unsigned int) ap_proxy_hashfunc(const char *str, proxy_hash_t method);
PROXY_DECLARE(apr_status_t) ap_proxy_set_wstatus(char c, int set, proxy_worker *w);
PROXY_DECLARE(char *) ap_proxy_parse_wstatus(apr_pool_t *p, proxy_worker *w);
int ap_proxy_lb_workers(void);
PROXY_DECLARE (const char *) ap_proxy_show_hcmethod(hcmethod_t method);

/* balancer-manager's changes, for others. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, balancer_manage, (request_rec *, apr_table_t *params));
/* mod_proxy_hcheck, for balancer-manager and ProxyPass. */
APR_DECLARE_OPTIONAL_FN(void, hc_show_exprs, (request_rec *));
APR_DECLARE_OPTIONAL_FN(void, hc_select_exprs, (request_rec *, const char *));
APR_DECLARE_OPTIONAL_FN(int, hc_valid_expr, (request_rec *, const char *));
APR_DECLARE_OPTIONAL_FN(const char *, set_worker_hc_param, (apr_pool_t *, server_rec *,
                                                            proxy_worker *, const char *,
                                                            const char *, void *));

/* ---- Working with a backend ---- */

/* Choose a worker, and afterwards: what runs the hooks. */
PROXY_DECLARE(int) ap_proxy_pre_request(proxy_worker **worker, proxy_balancer **balancer,
                                        request_rec *r, proxy_server_conf *conf, char **url);
PROXY_DECLARE(int) ap_proxy_post_request(proxy_worker *worker, proxy_balancer *balancer,
                                         request_rec *r, proxy_server_conf *conf);

/* The steps of a scheme's handler. Take a connection of the worker; settle where it goes (and url,
 * the target to send); connect; give it a conn_rec; and release it in the end, whatever happens. OK
 * or a status.
 */
PROXY_DECLARE(int) ap_proxy_acquire_connection(const char *proxy_function, proxy_conn_rec **conn,
                                               proxy_worker *worker, server_rec *s);
PROXY_DECLARE(int) ap_proxy_determine_connection(apr_pool_t *p, request_rec *r,
                                                 proxy_server_conf *conf, proxy_worker *worker,
                                                 proxy_conn_rec *conn, apr_uri_t *uri, char **url,
                                                 const char *proxyname, apr_port_t proxyport,
                                                 char *server_portstr, int server_portstr_size);
PROXY_DECLARE(int) ap_proxy_connect_backend(const char *proxy_function, proxy_conn_rec *conn,
                                            proxy_worker *worker, server_rec *s);
PROXY_DECLARE(int) ap_proxy_connection_create(const char *proxy_function, proxy_conn_rec *conn,
                                              conn_rec *c, server_rec *s);
PROXY_DECLARE(int) ap_proxy_connection_create_ex(const char *proxy_function, proxy_conn_rec *conn,
                                                 request_rec *r);
PROXY_DECLARE(int) ap_proxy_release_connection(const char *proxy_function, proxy_conn_rec *conn,
                                               server_rec *s);

/* Look up the address of a backend, or (CHECK) see whether it has changed. */
#define PROXY_DETERMINE_ADDRESS_CHECK (1u << 0)
PROXY_DECLARE(apr_status_t) ap_proxy_determine_address(const char *proxy_function,
                                                       proxy_conn_rec *conn, const char *hostname,
                                                       apr_port_t hostport, unsigned int flags,
                                                       request_rec *r, server_rec *s);
/* Is a kept connection still good? EMPTY: nothing may have arrived on it. */
#define PROXY_CHECK_CONN_EMPTY (1 << 0)
PROXY_DECLARE(apr_status_t) ap_proxy_check_connection(const char *scheme, proxy_conn_rec *conn,
                                                      server_rec *server,
                                                      unsigned max_blank_lines, int flags);
PROXY_DECLARE(int) ap_proxy_is_socket_connected(apr_socket_t *socket);
PROXY_DECLARE(int) ap_proxy_connection_reusable(proxy_conn_rec *conn);
PROXY_DECLARE(apr_status_t) ap_proxy_connect_uds(apr_socket_t *sock, const char *uds_path,
                                                 apr_pool_t *p);
/* Older way to connect, and to prepare a request. */
PROXY_DECLARE(int) ap_proxy_connect_to_backend(apr_socket_t **, const char *, apr_sockaddr_t *,
                                               const char *, proxy_server_conf *, request_rec *);
PROXY_DECLARE(int) ap_proxy_pre_http_request(conn_rec *c, request_rec *r);

/* A worker in error may be tried again: OK, DECLINED. */
APR_DECLARE_OPTIONAL_FN(int, ap_proxy_retry_worker, (const char *proxy_function,
                                                     proxy_worker *worker, server_rec *s));
/* The backend failed in the middle of a response: end it so that the client notices. */
PROXY_DECLARE(void) ap_proxy_backend_broke(request_rec *r, apr_bucket_brigade *brigade);

/* The head of the request to the backend; Content-Length and Transfer-Encoding are left to the
 * caller.
 */
PROXY_DECLARE(int) ap_proxy_create_hdrbrgd(apr_pool_t *p, apr_bucket_brigade *header_brigade,
                                           request_rec *r, proxy_conn_rec *p_conn,
                                           proxy_worker *worker, proxy_server_conf *conf,
                                           apr_uri_t *uri, char *url, char *server_portstr,
                                           char **old_cl_val, char **old_te_val);
/* Removes fields that are for one connection only; true if there was "close". */
APR_DECLARE_OPTIONAL_FN(int, ap_proxy_clear_connection, (request_rec *r, apr_table_t *headers));
/* The body: read some of it beforehand, all of it into memory and a file, a part. */
PROXY_DECLARE(int) ap_proxy_prefetch_input(request_rec *r, proxy_conn_rec *backend,
                                           apr_bucket_brigade *input_brigade,
                                           apr_read_type_e block, apr_off_t *bytes_read,
                                           apr_off_t max_read);
PROXY_DECLARE(int) ap_proxy_spool_input(request_rec *r, proxy_conn_rec *backend,
                                        apr_bucket_brigade *input_brigade,
                                        apr_off_t *bytes_spooled, apr_off_t max_mem_spool);
PROXY_DECLARE(int) ap_proxy_read_input(request_rec *r, proxy_conn_rec *backend,
                                       apr_bucket_brigade *input_brigade, apr_off_t max_read);
/* Sends to the backend. */
PROXY_DECLARE(int) ap_proxy_pass_brigade(apr_bucket_alloc_t *bucket_alloc, request_rec *r,
                                         proxy_conn_rec *p_conn, conn_rec *origin,
                                         apr_bucket_brigade *bb, int flush);
/* Buckets of the backend's connection in a form that may go to the client's. */
PROXY_DECLARE(apr_status_t) ap_proxy_buckets_lifetime_transform(request_rec *r,
        apr_bucket_brigade *from, apr_bucket_brigade *to);

/* mod_proxy_ajp: is the backend alive? */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ajp_handle_cping_cpong, (apr_socket_t *sock, request_rec *r,
                                                               apr_interval_time_t timeout));

/* ---- Tunnels ---- */

struct proxy_tunnel_conn;
/* Bytes both ways between client and backend (CONNECT, WebSocket). */
typedef struct {
    request_rec *r;
    const char *scheme;
    apr_pollset_t *pollset;
    apr_array_header_t *pfds;
    apr_interval_time_t timeout;
    struct proxy_tunnel_conn *client,
    *origin;
    apr_size_t read_buf_size;
    int replied;
    unsigned int nohalfclose :1;
} proxy_tunnel_rec;

/* run: OK when both ends are done, or a status. */
PROXY_DECLARE(apr_status_t) ap_proxy_tunnel_create(proxy_tunnel_rec **tunnel, request_rec *r,
                                                   conn_rec *c_o, const char *scheme);
PROXY_DECLARE(int) ap_proxy_tunnel_run(proxy_tunnel_rec *tunnel);

/* When to flush and when to return, in passing on what one connection has for another. */
#define AP_PROXY_TRANSFER_FLUSH_EACH      (0x00)
#define AP_PROXY_TRANSFER_FLUSH_AFTER     (0x01)
#define AP_PROXY_TRANSFER_YIELD_PENDING   (0x02)
#define AP_PROXY_TRANSFER_YIELD_MAX_READS (0x04)
PROXY_DECLARE(apr_status_t) ap_proxy_transfer_between_connections(request_rec *r, conn_rec *c_i,
        conn_rec *c_o, apr_bucket_brigade *bb_i, apr_bucket_brigade *bb_o, const char *name,
        int *sent, apr_off_t bsize, int flags);

extern module PROXY_DECLARE_DATA proxy_module;

#endif
