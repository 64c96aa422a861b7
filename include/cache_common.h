/* cache_common.h: Cache-Control, taken apart. */

#ifndef CACHE_COMMON_H
#define CACHE_COMMON_H

#include "apr.h"

/* A bit for each directive of Cache-Control and for Pragma, and their numbers in seconds. */
typedef struct cache_control {
    /* The fields have been looked at; there were such fields. */
    unsigned int parsed:1;
    unsigned int cache_control:1;
    unsigned int pragma:1;
    unsigned int no_cache:1;
    /* no-cache="field, ...". */
    unsigned int no_cache_header:1;
    unsigned int no_store:1;
    unsigned int max_age:1;
    unsigned int max_stale:1;
    unsigned int min_fresh:1;
    unsigned int no_transform:1;
    unsigned int only_if_cached:1;
    unsigned int public:1;
    unsigned int private:1;
    /* private="field, ...". */
    unsigned int private_header:1;
    unsigned int must_revalidate:1;
    unsigned int proxy_revalidate:1;
    unsigned int s_maxage:1;
    /* Set by us: a stored response must not be used any more. */
    unsigned int invalidated:1;
    apr_int64_t max_age_value;
    apr_int64_t max_stale_value;
    apr_int64_t min_fresh_value;
    apr_int64_t s_maxage_value;
} cache_control_t;

#endif
