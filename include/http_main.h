/* http_main.h: the program: its command line and its global state. Set by the start, read by
 * modules.
 */

#ifndef APACHE_HTTP_MAIN_H
#define APACHE_HTTP_MAIN_H

#include "httpd.h"
#include "apr_optional.h"

/* Letters of the command line for getopt; a colon: with a value. */
#define AP_SERVER_BASEARGS "C:c:D:d:E:e:f:vVlLtTSMh?X"

#ifdef __cplusplus
extern "C" {
#endif

/* The program's name, ServerRoot, DefaultRuntimeDir. */
AP_DECLARE_DATA extern const char *ap_server_argv0;
AP_DECLARE_DATA extern const char *ap_server_root;
AP_DECLARE_DATA extern const char *ap_runtime_dir;

/* The main server, once the configuration has been read; the pool of the process. */
AP_DECLARE_DATA extern server_rec *ap_server_conf;
AP_DECLARE_DATA extern apr_pool_t *ap_pglobal;

/* Answers of ap_state_query(). */
AP_DECLARE_DATA extern int ap_main_state;
AP_DECLARE_DATA extern int ap_run_mode;
AP_DECLARE_DATA extern int ap_config_generation;

/* Arguments of -C, -c and -D, in arrays of char *. */
AP_DECLARE_DATA extern apr_array_header_t *ap_server_pre_read_config;
AP_DECLARE_DATA extern apr_array_header_t *ap_server_post_read_config;
AP_DECLARE_DATA extern apr_array_header_t *ap_server_config_defines;

/* False with -T: do not complain about a missing DocumentRoot. */
AP_DECLARE_DATA extern int ap_document_root_check;

/* The MPM's -k. */
APR_DECLARE_OPTIONAL_FN(int, ap_signal_server, (int *status, apr_pool_t *pool));

#ifdef __cplusplus
}
#endif

#endif
