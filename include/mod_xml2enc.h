/* mod_xml2enc.h: converting markup to and from UTF-8 for filters that use libxml2, whose
 * libxml/encoding.h the source must include before.
 */

#ifndef MOD_XML2ENC
#define MOD_XML2ENC

#include "httpd.h"
#include "util_filter.h"
#include "apr_optional.h"
#include "apr_optional_hooks.h"

/* What the filter converts: input, output; whether it looks at the content type first; skip what
 * stands before the first element.
 */
#define ENCIO_INPUT        0x01
#define ENCIO_OUTPUT       0x02
#define ENCIO_INPUT_CHECKS 0x04
#define ENCIO_SKIPTO       0x10
#define ENCIO              (ENCIO_INPUT|ENCIO_OUTPUT|ENCIO_INPUT_CHECKS)

#define XML2ENC_DECLARE(type) type
#define XML2ENC_DECLARE_NONSTD(type) type
#define XML2ENC_DECLARE_DATA

/* The encoding of the response, as libxml2 has it and by name. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, xml2enc_charset, (request_rec *r, xmlCharEncoding *enc,
                                                        const char** cenc));
/* Adds the filter; output in encoding `enc`. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, xml2enc_filter, (request_rec *r, const char *enc,
                                                       unsigned int mode));

/* May change the first bytes before the encoding is looked for in them. */
APR_DECLARE_EXTERNAL_HOOK(xml2enc, XML2ENC, int, preprocess, (ap_filter_t *f, char** bufp,
                                                              apr_size_t *bytesp))

#endif
