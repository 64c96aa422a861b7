/* util_varbuf.h: a buffer that grows. Memory of large ones is given back when it grows or is freed,
 * which pool memory is not.
 */

#ifndef AP_VARBUF_H
#define AP_VARBUF_H

#include "apr.h"
#include "apr_allocator.h"
#include "httpd.h"
#include "http_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Says that strlen has to be found out. */
#define AP_VARBUF_UNKNOWN APR_SIZE_MAX

struct ap_varbuf_info;
struct ap_varbuf {
    /* Always ends with a zero byte, which `avail` does not count. */
    char *buf;
    apr_size_t avail;
    /* Length of the string, or AP_VARBUF_UNKNOWN. */
    apr_size_t strlen;
    apr_pool_t *pool;
    struct ap_varbuf_info *info;
};

/* An initial size of 0 allocates nothing. It lives until ap_varbuf_free() or the end of the pool.
 */
AP_DECLARE(void) ap_varbuf_init(apr_pool_t *pool, struct ap_varbuf *vb, apr_size_t init_size);
AP_DECLARE(void) ap_varbuf_grow(struct ap_varbuf *vb, apr_size_t new_size);
AP_DECLARE(void) ap_varbuf_free(struct ap_varbuf *vb);

/* Append. */
AP_DECLARE(void) ap_varbuf_strmemcat(struct ap_varbuf *vb, const char *str, int len);
#define ap_varbuf_strcat(vb, str) ap_varbuf_strmemcat(vb, str, strlen(str))

/* A copy of the string in a pool, with text before and behind. */
AP_DECLARE(char *) ap_varbuf_pdup(apr_pool_t *p, struct ap_varbuf *vb, const char *prepend,
                                  apr_size_t prepend_len, const char *append,
                                  apr_size_t append_len, apr_size_t *new_len);

/* As ap_pregsub(), appending to the buffer; APR_ENOMEM: longer than maxlen (0: any length). */
AP_DECLARE(apr_status_t) ap_varbuf_regsub(struct ap_varbuf *vb, const char *input,
                                          const char *source, apr_size_t nmatch,
                                          ap_regmatch_t pmatch[], apr_size_t maxlen);

/* As ap_cfg_getline() for lines of up to max_len; APR_ENOSPC: it is longer. */
AP_DECLARE(apr_status_t) ap_varbuf_cfg_getline(struct ap_varbuf *vb, ap_configfile_t *cfp,
                                               apr_size_t max_len);

#ifdef __cplusplus
}
#endif

#endif
