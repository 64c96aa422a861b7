/* util_time.h: times of the present as text, quickly: the last seconds are remembered. */

#ifndef APACHE_UTIL_TIME_H
#define APACHE_UTIL_TIME_H

#include "apr.h"
#include "apr_time.h"
#include "httpd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Seconds that are remembered. */
#define AP_TIME_RECENT_THRESHOLD 15

/* For ap_recent_ctime_ex(): microseconds, digits only (ISO order), the offset from GMT,
 * milliseconds.
 */
#define AP_CTIME_OPTION_NONE    0x0
#define AP_CTIME_OPTION_USEC    0x1
#define AP_CTIME_OPTION_COMPACT 0x2
#define AP_CTIME_OPTION_GMTOFF  0x4
#define AP_CTIME_OPTION_MSEC    0x8

AP_DECLARE(apr_status_t) ap_explode_recent_localtime(apr_time_exp_t *tm, apr_time_t t);
AP_DECLARE(apr_status_t) ap_explode_recent_gmt(apr_time_exp_t *tm, apr_time_t t);

/* As ctime, into APR_CTIME_LEN bytes; with options, into *len bytes, which becomes what is
 * used of them (0 with APR_ENOMEM: too few).
 */
AP_DECLARE(apr_status_t) ap_recent_ctime(char *date_str, apr_time_t t);
AP_DECLARE(apr_status_t) ap_recent_ctime_ex(char *date_str, apr_time_t t, int option, int *len);
/* As HTTP has it, into APR_RFC822_DATE_LEN bytes. */
AP_DECLARE(apr_status_t) ap_recent_rfc822_date(char *date_str, apr_time_t t);

#ifdef __cplusplus
}
#endif

#endif
