/* mod_unixd.h: privileges of children on Unix. */

#ifndef MOD_UNIXD_H
#define MOD_UNIXD_H

#include "ap_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives up root, in a child: User, Group, chroot. Nonzero: failed, the child must not serve. */
AP_DECLARE(int) ap_unixd_setup_child(void);

#ifdef __cplusplus
}
#endif

#endif
