/* util_xml.h: bodies of requests that are XML. */

#ifndef UTIL_XML_H
#define UTIL_XML_H

#include "apr_xml.h"
#include "httpd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads and parses the body; OK with *pdoc NULL: there is none. Otherwise a status; the reason has
 * been logged.
 */
AP_DECLARE(int) ap_xml_parse_input(request_rec *r, apr_xml_doc **pdoc);

#ifdef __cplusplus
}
#endif

#endif
