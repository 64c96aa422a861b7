/* os.h: what differs between operating systems. Included by ap_config.h. */

#ifndef APACHE_OS_H
#define APACHE_OS_H

#include "apr.h"
#include "ap_config.h"

/* What the server says it runs on. */
#ifndef PLATFORM
#define PLATFORM "Unix"
#endif

/* Mutexes made by root must be handed to the children's user; the MPM adjusts the command line. */
#define AP_NEED_SET_MUTEX_PERMS       1
#define AP_PLATFORM_REWRITE_ARGS_HOOK ap_mpm_rewrite_args

#endif
