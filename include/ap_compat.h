/* ap_compat.h: names of the 1.3 interface that old sources still use. Header fields go out by
 * themselves today.
 */

#ifndef AP_COMPAT_H
#define AP_COMPAT_H
#define MODULE_VAR_EXPORT AP_MODULE_DECLARE_DATA
#define ap_send_http_header(r) ;
#endif
