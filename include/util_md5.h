/* util_md5.h: MD5 sums as text. */

#ifndef APACHE_UTIL_MD5_H
#define APACHE_UTIL_MD5_H

#ifdef __cplusplus
extern "C" {
#endif

#include "apr_md5.h"
#include "apr_file_io.h"
#include "ap_config.h"

/* Hexadecimal, of a string and of bytes. */
AP_DECLARE(char *) ap_md5(apr_pool_t *a, const unsigned char *string);
AP_DECLARE(char *) ap_md5_binary(apr_pool_t *a, const unsigned char *buf, int len);

/* Base64, as in Content-MD5: of a context, which is finished, and of a file, which is read from its
 * start and rewound.
 */
AP_DECLARE(char *) ap_md5contextTo64(apr_pool_t *p, apr_md5_ctx_t *context);
AP_DECLARE(char *) ap_md5digest(apr_pool_t *p, apr_file_t *infile);

#ifdef __cplusplus
}
#endif

#endif
