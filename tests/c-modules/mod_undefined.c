/* Calls what no server has. */
#include "httpd.h"
#include "http_config.h"

int ap_no_such_function(void);

static void register_hooks(apr_pool_t *p)
{
    ap_no_such_function();
}

module AP_MODULE_DECLARE_DATA undefined_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
};
