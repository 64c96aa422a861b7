/* Handlers that read a request's body, forget it and answer how long it was: `swallow` by the brigade,
 * `swallow-block` by ap_get_client_block. */
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "util_filter.h"
#include "apr_strings.h"

static int by_brigade(request_rec *r, apr_off_t *total)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int ended = 0;

    while (!ended) {
        apr_bucket *e;
        apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, 65536);
        if (rv != APR_SUCCESS) {
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        for (e = APR_BRIGADE_FIRST(bb); e != APR_BRIGADE_SENTINEL(bb); e = APR_BUCKET_NEXT(e)) {
            const char *data;
            apr_size_t length;
            if (APR_BUCKET_IS_EOS(e)) {
                ended = 1;
                break;
            }
            if (apr_bucket_read(e, &data, &length, APR_BLOCK_READ) != APR_SUCCESS) {
                return HTTP_BAD_REQUEST;
            }
            *total += length;
        }
        apr_brigade_cleanup(bb);
    }
    return OK;
}

static int by_block(request_rec *r, apr_off_t *total)
{
    char buffer[32768];
    long got;
    int rc = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);

    if (rc != OK) {
        return rc;
    }
    if (ap_should_client_block(r)) {
        while ((got = ap_get_client_block(r, buffer, sizeof(buffer))) > 0) {
            *total += got;
        }
        if (got < 0) {
            return HTTP_BAD_REQUEST;
        }
    }
    return OK;
}

static int swallow(request_rec *r)
{
    apr_off_t total = 0;
    int rc;

    if (!r->handler || strncmp(r->handler, "swallow", 7)) {
        return DECLINED;
    }
    rc = strcmp(r->handler, "swallow") ? by_block(r, &total) : by_brigade(r, &total);
    if (rc != OK) {
        return rc;
    }
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "%" APR_OFF_T_FMT "\n", total);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(swallow, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA swallow_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
