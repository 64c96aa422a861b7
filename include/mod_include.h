/* mod_include.h: new elements for server-side includes. */

#ifndef _MOD_INCLUDE_H
#define _MOD_INCLUDE_H 1

#include "apr_pools.h"
#include "apr_optional.h"
#include "util_filter.h"

/* For ap_ssi_get_tag_and_value(): decode entities in the value, or not. */
#define SSI_VALUE_DECODED 1
#define SSI_VALUE_RAW     0
/* For ap_ssi_parse_string(): leave a variable without value as it is written, or drop it. */
#define SSI_EXPAND_LEAVE_NAME 1
#define SSI_EXPAND_DROP_NAME  0

/* Appends the configured error message. */
#define SSI_CREATE_ERROR_BUCKET(ctx, f, bb)                                                        \
    APR_BRIGADE_INSERT_TAIL((bb), apr_bucket_pool_create(                                          \
                                      apr_pstrdup((ctx)->pool, (ctx)->error_str),                  \
                                      strlen((ctx)->error_str), (ctx)->pool,                       \
                                      (f)->c->bucket_alloc))

/* include_ctx_t.flags: output is on; an <!--#if --> has been true; sizes in bytes, or abbreviated;
 * no exec; an expression failed.
 */
#define SSI_FLAG_PRINTING       (1<<0)
#define SSI_FLAG_COND_TRUE      (1<<1)
#define SSI_FLAG_SIZE_IN_BYTES  (1<<2)
#define SSI_FLAG_NO_EXEC        (1<<3)
#define SSI_FLAG_COND_ERROR     (1<<4)
#define SSI_FLAG_SIZE_ABBREV    (~(SSI_FLAG_SIZE_IN_BYTES))
#define SSI_FLAG_CLEAR_PRINTING (~(SSI_FLAG_PRINTING))
#define SSI_FLAG_CLEAR_PRINT_COND (~((SSI_FLAG_PRINTING) | (SSI_FLAG_COND_TRUE)))

/* A document being parsed. */
typedef struct {
    /* For the document, and for one element. */
    apr_pool_t *pool;
    apr_pool_t *dpool;
    int flags;
    int if_nesting_level;
    /* Set to have the output so far flushed. */
    int flush_now;
    /* Number of arguments of the element. */
    unsigned argc;
    const char *error_str;
    const char *time_str;
    /* The request, or the sub-request of an included document. */
    request_rec *r;
    struct ssi_internal_ctx *intern;
} include_ctx_t;

/* Handles an element: take its arguments until the tag is NULL, append to the brigade. */
typedef apr_status_t (include_handler_fn_t)(include_ctx_t *, ap_filter_t *, apr_bucket_brigade *);

APR_DECLARE_OPTIONAL_FN(void, ap_ssi_get_tag_and_value, (include_ctx_t *ctx, char **tag,
                                                         char **tag_val, int dodecode));
/* Replaces variables; out NULL: in the element's pool. */
APR_DECLARE_OPTIONAL_FN(char*, ap_ssi_parse_string, (include_ctx_t *ctx, const char *in,
                                                     char *out, apr_size_t length, int leave_name));
/* Register for a name, in pre_config or post_config. */
APR_DECLARE_OPTIONAL_FN(void, ap_register_include_handler, (char *tag, include_handler_fn_t *func));

#endif
