/* mod_request.h: keeping the body of a request for a second reader. */

#ifndef MOD_REQUEST_H
#define MOD_REQUEST_H

#include "apr.h"
#include "apr_buckets.h"
#include "apr_optional.h"
#include "httpd.h"
#include "util_filter.h"
#include "http_config.h"

#ifdef __cplusplus
extern "C" {
#endif

extern module AP_MODULE_DECLARE_DATA request_module;

/* Names of the filters: one keeps, one gives again. */
#define KEEP_BODY_FILTER "KEEP_BODY"
#define KEPT_BODY_FILTER "KEPT_BODY"

/* KeepBody: bytes, and whether it was set. */
typedef struct {
    apr_off_t keep_body;
    int keep_body_set;
} request_dir_conf;

/* Add and remove them. */
APR_DECLARE_OPTIONAL_FN(void, ap_request_insert_filter, (request_rec * r));
APR_DECLARE_OPTIONAL_FN(void, ap_request_remove_filter, (request_rec * r));

#ifdef __cplusplus
}
#endif

#endif
