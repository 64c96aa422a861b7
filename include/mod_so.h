/* mod_so.h: modules in shared libraries. */

#ifndef MOD_SO_H
#define MOD_SO_H 1

#include "apr_optional.h"
#include "httpd.h"
#include "http_config.h"

/* The module whose symbol has that name, if LoadModule has loaded it in this configuration; else
 * NULL.
 */
APR_DECLARE_OPTIONAL_FN(module *, ap_find_loaded_module_symbol, (server_rec *s,
                                                                 const char *modname));

#endif
