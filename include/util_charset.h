/* util_charset.h: translations between EBCDIC and ASCII, where the machine needs them. */

#ifndef APACHE_UTIL_CHARSET_H
#define APACHE_UTIL_CHARSET_H

#ifdef __cplusplus
extern "C" {
#endif

#include "apr.h"

#if APR_CHARSET_EBCDIC
#include "apr_xlate.h"

extern apr_xlate_t *ap_hdrs_to_ascii;
extern apr_xlate_t *ap_hdrs_from_ascii;
#endif

#ifdef __cplusplus
}
#endif

#endif
