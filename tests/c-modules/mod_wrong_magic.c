/* Claims to be made for another server. */
#include "httpd.h"
#include "http_config.h"

module AP_MODULE_DECLARE_DATA wrong_magic_module = {
    20990101, 0, -1, "mod_wrong_magic.c", NULL, NULL, MODULE_MAGIC_COOKIE,
};
