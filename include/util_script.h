/* util_script.h: environment and output of scripts: CGI and what is like it. */

#ifndef APACHE_UTIL_SCRIPT_H
#define APACHE_UTIL_SCRIPT_H

#include "apr_buckets.h"
#include "ap_config.h"
#include "httpd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a command line. */
#ifndef APACHE_ARG_MAX
#ifdef _POSIX_ARG_MAX
#define APACHE_ARG_MAX _POSIX_ARG_MAX
#else
#define APACHE_ARG_MAX 512
#endif
#endif

/* A table as environment for exec, with names made valid. */
AP_DECLARE(char **) ap_create_environment(apr_pool_t *p, apr_table_t *t);

/* Put variables of CGI into r->subprocess_env: those of scripts (REQUEST_METHOD, SCRIPT_NAME), and
 * those other modules use too (HTTP_*, SERVER_NAME).
 */
AP_DECLARE(void) ap_add_cgi_vars(request_rec *r);
AP_DECLARE(void) ap_add_common_vars(request_rec *r);

/* How much of uri is left when path_info is taken from its end. */
AP_DECLARE(int) ap_find_path_info(const char *uri, const char *path_info);

/* Read the header fields a script writes, into the request: from a file, a brigade, strings up to
 * NULL (*termch and *termarg: where it stopped), or a function that works like fgets. OK, a status
 * of the script's choice, or an error, whose reason is in `buffer` (MAX_STRING_LEN bytes) if that
 * is given, else in the log; _ex: as a message of that module.
 */
AP_DECLARE(int) ap_scan_script_header_err(request_rec *r, apr_file_t *f, char *buffer);
AP_DECLARE(int) ap_scan_script_header_err_ex(request_rec *r, apr_file_t *f, char *buffer,
                                             int module_index);
AP_DECLARE(int) ap_scan_script_header_err_brigade(request_rec *r, apr_bucket_brigade *bb,
                                                  char *buffer);
AP_DECLARE(int) ap_scan_script_header_err_brigade_ex(request_rec *r, apr_bucket_brigade *bb,
                                                     char *buffer, int module_index);
AP_DECLARE_NONSTD(int) ap_scan_script_header_err_strs(request_rec *r, char *buffer,
                                                      const char **termch, int *termarg, ...)
    AP_FN_ATTR_SENTINEL;
AP_DECLARE_NONSTD(int) ap_scan_script_header_err_strs_ex(request_rec *r, char *buffer,
                                                         int module_index, const char **termch,
                                                         int *termarg, ...)
    AP_FN_ATTR_SENTINEL;
AP_DECLARE(int) ap_scan_script_header_err_core(request_rec *r, char *buffer,
                                               int (*getsfunc) (char *, int, void *),
                                               void *getsfunc_data);
AP_DECLARE(int) ap_scan_script_header_err_core_ex(request_rec *r, char *buffer,
                                                  int (*getsfunc) (char *, int, void *),
                                                  void *getsfunc_data, int module_index);

/* The query's fields as a table. */
AP_DECLARE(void) ap_args_to_table(request_rec *r, apr_table_t **table);

/* A variable: believe Content-Length of a response without checking it. */
#define AP_TRUST_CGILIKE_CL_ENVVAR "ap_trust_cgilike_cl"

#ifdef __cplusplus
}
#endif

#endif
