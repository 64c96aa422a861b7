/* ap_socache.h: caches of small objects shared by all children (TLS sessions, OCSP responses,
 * authentication). Providers: mod_socache_shmcb, _dbm, _memcache, _redis, _dc.
 */

#ifndef AP_SOCACHE_H
#define AP_SOCACHE_H

#include "httpd.h"
#include "ap_provider.h"
#include "apr_pools.h"
#include "apr_time.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The caller must hold a mutex around every function but create. */
#define AP_SOCACHE_FLAG_NOTMPSAFE (0x0001)

typedef struct ap_socache_instance_t ap_socache_instance_t;

/* What the user of a cache expects; 0: unknown. */
struct ap_socache_hints {
    apr_size_t avg_id_len;
    apr_size_t avg_obj_size;
    apr_interval_time_t expiry_interval;
};

/* Called with every object; APR_SUCCESS: go on. id and data are valid during the call. */
typedef apr_status_t (ap_socache_iterator_t)(ap_socache_instance_t *instance, server_rec *s,
                                             void *userctx, const unsigned char *id,
                                             unsigned int idlen, const unsigned char *data,
                                             unsigned int datalen, apr_pool_t *pool);

/* An implementation. */
typedef struct ap_socache_provider_t {
    const char *name;
    unsigned int flags;
    /* From the argument of a directive: a message or NULL. init follows in post_config; destroy
     * frees.
     */
    const char *(*create)(ap_socache_instance_t **instance, const char *arg, apr_pool_t *tmp,
                          apr_pool_t *p);
    apr_status_t (*init)(ap_socache_instance_t *instance, const char *cname,
                         const struct ap_socache_hints *hints, server_rec *s, apr_pool_t *pool);
    void (*destroy)(ap_socache_instance_t *instance, server_rec *s);
    /* Store until `expiry`, get (*datalen: size of the buffer, then of the object; APR_NOTFOUND)
     * and remove. The memory stays the caller's.
     */
    apr_status_t (*store)(ap_socache_instance_t *instance, server_rec *s, const unsigned char *id,
                          unsigned int idlen, apr_time_t expiry, unsigned char *data,
                          unsigned int datalen, apr_pool_t *pool);
    apr_status_t (*retrieve)(ap_socache_instance_t *instance, server_rec *s,
                             const unsigned char *id, unsigned int idlen, unsigned char *data,
                             unsigned int *datalen, apr_pool_t *pool);
    apr_status_t (*remove)(ap_socache_instance_t *instance, server_rec *s,
                           const unsigned char *id, unsigned int idlen, apr_pool_t *pool);
    /* For mod_status; flags are AP_STATUS_*. */
    void (*status)(ap_socache_instance_t *instance, request_rec *r, int flags);
    apr_status_t (*iterate)(ap_socache_instance_t *instance, server_rec *s, void *userctx,
                            ap_socache_iterator_t *iterator, apr_pool_t *pool);
} ap_socache_provider_t;

#define AP_SOCACHE_PROVIDER_GROUP   "socache"
#define AP_SOCACHE_PROVIDER_VERSION "0"
#define AP_SOCACHE_DEFAULT_PROVIDER "default"

#ifdef __cplusplus
}
#endif

#endif
