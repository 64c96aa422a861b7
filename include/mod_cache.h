/* mod_cache.h: where a cache keeps responses: providers for CacheEnable, and their helpers. */

#ifndef MOD_CACHE_H
#define MOD_CACHE_H

#include "httpd.h"
#include "apr_date.h"
#include "apr_optional.h"
#include "apr_hooks.h"
#include "cache_common.h"

#define CACHE_DECLARE(type) type
#define CACHE_DECLARE_NONSTD(type) type
#define CACHE_DECLARE_DATA

typedef struct cache_info cache_info;
/* What mod_cache must know of a stored response. */
struct cache_info {
    /* Date and Expires; when it was asked for and when it came. */
    apr_time_t date;
    apr_time_t expire;
    apr_time_t request_time;
    apr_time_t response_time;
    int status;
    cache_control_t control;
};

typedef struct cache_object cache_object_t;
/* A stored response; vobj is the provider's. */
struct cache_object {
    const char *key;
    cache_object_t *next;
    cache_info info;
    void *vobj;
};

typedef struct cache_handle cache_handle_t;
/* A stored response in use by a request, with the header fields of both sides. */
struct cache_handle {
    cache_object_t *cache_obj;
    apr_table_t *req_hdrs;
    apr_table_t *resp_hdrs;
};

#define CACHE_PROVIDER_GROUP "cache"

/* A provider, of version "0". OK and DECLINED are answers of the functions that return int. */
typedef struct {
    int (*remove_entity)(cache_handle_t *h);
    /* While a response passes: its head, then each brigade, which is handed back in `out`. */
    apr_status_t (*store_headers)(cache_handle_t *h, request_rec *r, cache_info *i);
    apr_status_t (*store_body)(cache_handle_t *h, request_rec *r, apr_bucket_brigade *in,
                               apr_bucket_brigade *out);
    /* From the store, into the handle and into a brigade. */
    apr_status_t (*recall_headers)(cache_handle_t *h, request_rec *r);
    apr_status_t (*recall_body)(cache_handle_t *h, apr_pool_t *p, apr_bucket_brigade *bb);
    /* Begin a new entry (len -1: unknown), find one. */
    int (*create_entity)(cache_handle_t *h, request_rec *r, const char *urlkey, apr_off_t len,
                         apr_bucket_brigade *bb);
    int (*open_entity)(cache_handle_t *h, request_rec *r, const char *urlkey);
    int (*remove_url)(cache_handle_t *h, request_rec *r);
    /* The response is complete: let others see it. */
    apr_status_t (*commit_entity)(cache_handle_t *h, request_rec *r);
    /* Mark it stale. */
    apr_status_t (*invalidate_entity)(cache_handle_t *h, request_rec *r);
} cache_provider;

/* What the cache did for a request; and the environment variables that say so. */
typedef enum {
    AP_CACHE_HIT,
    AP_CACHE_REVALIDATE,
    AP_CACHE_MISS,
    AP_CACHE_INVALIDATE
} ap_cache_status_e;
#define AP_CACHE_HIT_ENV        "cache-hit"
#define AP_CACHE_REVALIDATE_ENV "cache-revalidate"
#define AP_CACHE_MISS_ENV       "cache-miss"
#define AP_CACHE_INVALIDATE_ENV "cache-invalidate"
#define AP_CACHE_STATUS_ENV     "cache-status"

/* Seconds since the response was made. */
CACHE_DECLARE(apr_time_t) ap_cache_current_age(cache_info *info, const apr_time_t age_value,
                                               apr_time_t now);
/* Times as 16 hexadecimal digits. */
CACHE_DECLARE(apr_time_t) ap_cache_hex2usec(const char *x);
CACHE_DECLARE(void) ap_cache_usec2hex(apr_time_t j, char *y);
/* A file name for a key: a hash, with directories. */
CACHE_DECLARE(char *) ap_cache_generate_name(apr_pool_t *p, int dirlevels, int dirlength,
                                             const char *name);
/* The next item of a comma-separated list. */
CACHE_DECLARE(const char *)ap_cache_tokstr(apr_pool_t *p, const char *list, const char **str);
/* Copies of tables without the fields that must not be stored. */
CACHE_DECLARE(apr_table_t *)ap_cache_cacheable_headers(apr_pool_t *pool, apr_table_t *t,
              server_rec *s);
CACHE_DECLARE(apr_table_t *)ap_cache_cacheable_headers_in(request_rec *r);
CACHE_DECLARE(apr_table_t *)ap_cache_cacheable_headers_out(request_rec *r);
/* Takes Cache-Control and Pragma apart; true if there were any. */
int ap_cache_control(request_rec *r, cache_control_t *cc, const char *cc_header,
                     const char *pragma_header, apr_table_t *headers);

/* A response is about to be answered from the cache, or not; `reason` is for people. */
APR_DECLARE_EXTERNAL_HOOK(cache, CACHE, int, cache_status, (cache_handle_t *h, request_rec *r,
                                                            apr_table_t *headers,
                                                            ap_cache_status_e status,
                                                            const char *reason))

/* The key of a request; other modules may replace the function. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ap_cache_generate_key, (request_rec *r, apr_pool_t*p,
                                                              const char **key));

#endif
