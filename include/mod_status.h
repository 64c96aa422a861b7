/* mod_status.h: adding to the status page. */

#ifndef MOD_STATUS_H
#define MOD_STATUS_H

#include "ap_config.h"
#include "httpd.h"

/* How the page is shown: as lines for programs, without tables, with ExtendedStatus. */
#define AP_STATUS_SHORT    (0x1)
#define AP_STATUS_NOTABLE  (0x2)
#define AP_STATUS_EXTENDED (0x4)

#define STATUS_DECLARE(type) type
#define STATUS_DECLARE_NONSTD(type) type
#define STATUS_DECLARE_DATA

/* Write your part with ap_rputs() and its like. */
APR_DECLARE_EXTERNAL_HOOK(ap, STATUS, int, status_hook, (request_rec *r, int flags))

#endif
