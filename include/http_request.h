/* http_request.h: the phases of a request, sub-requests and redirections. */

#ifndef APACHE_HTTP_REQUEST_H
#define APACHE_HTTP_REQUEST_H

#include "apr_optional.h"
#include "util_filter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a sub-request for a directory entry has the query of its parent. */
#define AP_SUBREQ_NO_ARGS    0
#define AP_SUBREQ_MERGE_ARGS 1

/* All phases from translate_name to fixups, for a request and for a sub-request: OK, DONE or a
 * status.
 */
AP_DECLARE(int) ap_process_request_internal(request_rec *r);

/* ---- Sub-requests ---- */

/* What would a request for a URI, a file, a directory entry, or with a method give? Runs the phases
 * before the handler: look at status, filename, content_type and so on. With next_filter (r's
 * output filters or f->next) it may then be run, and its output goes there. Never NULL.
 */
AP_DECLARE(request_rec *) ap_sub_req_lookup_uri(const char *new_uri, const request_rec *r,
                                                ap_filter_t *next_filter);
AP_DECLARE(request_rec *) ap_sub_req_lookup_file(const char *new_file, const request_rec *r,
                                                 ap_filter_t *next_filter);
AP_DECLARE(request_rec *) ap_sub_req_lookup_dirent(const apr_finfo_t *finfo, const request_rec *r,
                                                   int subtype, ap_filter_t *next_filter);
AP_DECLARE(request_rec *) ap_sub_req_method_uri(const char *method, const char *new_uri,
                                                const request_rec *r, ap_filter_t *next_filter);
/* Runs the handler; returns its result. */
AP_DECLARE(int) ap_run_sub_req(request_rec *r);
/* Frees it; otherwise that happens with the parent. */
AP_DECLARE(void) ap_destroy_sub_req(request_rec *r);
AP_CORE_DECLARE_NONSTD(apr_status_t) ap_sub_req_output_filter(ap_filter_t *f,
        apr_bucket_brigade *bb);

/* ---- Redirections inside the server ---- */

/* Answer with another URI instead; the second one keeps r->handler. The caller returns OK
 * afterwards.
 */
AP_DECLARE(void) ap_internal_redirect(const char *new_uri, request_rec *r);
AP_DECLARE(void) ap_internal_redirect_handler(const char *new_uri, request_rec *r);
/* Lets r become the sub-request that has been looked up, for hooks before the handler (mod_dir). */
AP_DECLARE(void) ap_internal_fast_redirect(request_rec *sub_req, request_rec *r);

/* ---- Authorization ---- */

/* Whether anything, or a user, is required for this resource. */
AP_DECLARE(int) ap_some_auth_required(request_rec *r);
AP_DECLARE(int) ap_some_authn_required(request_rec *r);

/* How access is judged for internal sub-requests and redirections: anew for each URI, or only if
 * their configuration differs from that of the request before, which is much cheaper. Modules that
 * register a provider, or hook by ap_hook_check_*(), say which they need.
 */
#define AP_AUTH_INTERNAL_PER_URI  0
#define AP_AUTH_INTERNAL_PER_CONF 1
#define AP_AUTH_INTERNAL_MASK     0x000F
AP_DECLARE(void) ap_clear_auth_internal(void);
AP_DECLARE(void) ap_setup_auth_internal(apr_pool_t *ptemp);
/* ap_register_provider() for authentication and authorization. */
AP_DECLARE(apr_status_t) ap_register_auth_provider(apr_pool_t *pool, const char *provider_group,
                                                   const char *provider_name,
                                                   const char *provider_version,
                                                   const void *provider, int type);
/* Providers with both interfaces, for -D DUMP_MODULES and its like. */
APR_DECLARE_OPTIONAL_FN(apr_array_header_t *, authn_ap_list_provider_names, (apr_pool_t *ptemp));
APR_DECLARE_OPTIONAL_FN(apr_array_header_t *, authz_ap_list_provider_names, (apr_pool_t *ptemp));

/* ---- Helpers of handlers ---- */

/* Not a sub-request and not the target of an internal redirection. */
AP_DECLARE(int) ap_is_initial_req(request_rec *r);
/* r->mtime becomes the later time. */
AP_DECLARE(void) ap_update_mtime(request_rec *r, apr_time_t dependency_mtime);

/* Add methods to r->allowed: names up to NULL, or numbers up to -1; reset: forget the others first.
 */
#define MERGE_ALLOW   0
#define REPLACE_ALLOW 1
AP_DECLARE(void) ap_allow_methods(request_rec *r, int reset, ...) AP_FN_ATTR_SENTINEL;
AP_DECLARE(void) ap_allow_standard_methods(request_rec *r, int reset, ...);

/* ---- Processing, in the core ---- */

/* Runs a request up to its end; after_handler: the end only, for a request that was suspended;
 * async: leaves writing to the MPM.
 */
AP_DECLARE(void) ap_process_request(request_rec *r);
void ap_process_async_request(request_rec *r);
AP_DECLARE(void) ap_process_request_after_handler(request_rec *r);
/* Ends the request with a status or DONE: looks up the ErrorDocument, sends a response. */
AP_DECLARE(void) ap_die(int type, request_rec *r);
/* Whether more of the next request has arrived already, after blank lines. */
AP_DECLARE(apr_status_t) ap_check_pipeline(conn_rec *c, apr_bucket_brigade *bb,
                                           unsigned int max_blank_lines);

/* The sections that apply: find and merge them into r->per_dir_config. OK or a status. */
AP_DECLARE(int) ap_location_walk(request_rec *r);
AP_DECLARE(int) ap_directory_walk(request_rec *r);
AP_DECLARE(int) ap_file_walk(request_rec *r);
AP_DECLARE(int) ap_if_walk(request_rec *r);

/* ---- Hooks, in the order they run ---- */

/* A request record has been made: add your own to r->request_config. */
AP_DECLARE_HOOK(int, create_request, (request_rec *r))
/* The URI is still encoded: OK takes it away from the steps that decode it. */
AP_DECLARE_HOOK(int, pre_translate_name, (request_rec *r))
/* URI to file name: set r->filename and return OK. */
AP_DECLARE_HOOK(int, translate_name, (request_rec *r))
/* Find the sections for it. A module for which there is no file (mod_proxy) returns OK. */
AP_DECLARE_HOOK(int, map_to_storage, (request_rec *r))
/* May stat a name of a directory walk in its own way. */
AP_DECLARE_HOOK(apr_status_t, dirwalk_stat, (apr_finfo_t *finfo, request_rec *r,
                                             apr_int32_t wanted))
/* The sections are known. */
AP_DECLARE_HOOK(int, post_perdir_config, (request_rec *r))
/* Deny by address and the like; the _ex form may also return OK, which lets in without a user. */
AP_DECLARE_HOOK(int, access_checker, (request_rec *r))
AP_DECLARE_HOOK(int, access_checker_ex, (request_rec *r))
/* OK: ask for a user even if none is required. */
AP_DECLARE_HOOK(int, force_authn, (request_rec *r))
/* Who is it, and may they. */
AP_DECLARE_HOOK(int, check_user_id, (request_rec *r))
AP_DECLARE_HOOK(int, auth_checker, (request_rec *r))
/* Media type and the like. */
AP_DECLARE_HOOK(int, type_checker, (request_rec *r))
/* Last changes before the handler. */
AP_DECLARE_HOOK(int, fixups, (request_rec *r))
/* Add filters: the handler is chosen, nothing has been sent. */
AP_DECLARE_HOOK(void, insert_filter, (request_rec *r))

/* Add to access_checker, access_checker_ex, check_user_id and auth_checker, with
 * AP_AUTH_INTERNAL_*.
 */
AP_DECLARE(void) ap_hook_check_access(ap_HOOK_access_checker_t *pf, const char *const *aszPre,
                                      const char *const *aszSucc, int nOrder, int type);
AP_DECLARE(void) ap_hook_check_access_ex(ap_HOOK_access_checker_ex_t *pf,
                                         const char *const *aszPre, const char *const *aszSucc,
                                         int nOrder, int type);
AP_DECLARE(void) ap_hook_check_authn(ap_HOOK_check_user_id_t *pf, const char *const *aszPre,
                                     const char *const *aszSucc, int nOrder, int type);
AP_DECLARE(void) ap_hook_check_authz(ap_HOOK_auth_checker_t *pf, const char *const *aszPre,
                                     const char *const *aszSucc, int nOrder, int type);

/* ---- End-of-request buckets ---- */

/* The last bucket of a request: it logs and frees the request when it is destroyed, which is when
 * everything before it has been written.
 */
AP_DECLARE_DATA extern const apr_bucket_type_t ap_bucket_type_eor;
#define AP_BUCKET_IS_EOR(e) ((e)->type == &ap_bucket_type_eor)
AP_DECLARE(apr_bucket *) ap_bucket_eor_make(apr_bucket *b, request_rec *r);
AP_DECLARE(apr_bucket *) ap_bucket_eor_create(apr_bucket_alloc_t *list, request_rec *r);

#ifdef __cplusplus
}
#endif

#endif
