/* ap_config.h: how things are declared, and what the compiler and this build can do. Included by
 * httpd.h; a module never needs it by itself.
 *
 * These headers describe the server on POSIX systems; declarations for others are left out.
 */

#ifndef AP_CONFIG_H
#define AP_CONFIG_H

#include "ap_hooks.h"

/* Mark functions and data which the core or a module offers to others. They say something only on
 * Windows, but a portable module uses them.
 */
#define AP_DECLARE(type) type
#define AP_DECLARE_NONSTD(type) type
#define AP_DECLARE_DATA
#define AP_MODULE_DECLARE(type) type
#define AP_MODULE_DECLARE_NONSTD(type) type
#define AP_MODULE_DECLARE_DATA

#include "os.h"
#include "ap_config_auto.h"
#include "ap_config_layout.h"

#ifndef DEFAULT_PIDLOG
#define DEFAULT_PIDLOG DEFAULT_REL_RUNTIMEDIR "/httpd.pid"
#endif

/* Static probes for tracers; this build has none, so the macros are empty. */
#if defined(AP_ENABLE_DTRACE) && HAVE_SYS_SDT_H
#include <sys/sdt.h>
#else
#undef _DTRACE_VERSION
#endif
#ifdef _DTRACE_VERSION
#include "apache_probes.h"
#else
#include "apache_noprobes.h"
#endif

/* Piped loggers are restarted when they die. */
#if APR_HAS_OTHER_CHILD
#define AP_HAVE_RELIABLE_PIPED_LOGS TRUE
#endif

/* What the compiler understands: macros with any number of arguments, and `.member = value`. */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
#define AP_HAVE_C99
#endif
#if defined(AP_HAVE_C99) || (defined(__GNUC__) && !defined(__cplusplus))
#define AP_HAVE_DESIGNATED_INITIALIZER
#endif

/* Attributes of functions: arguments end with NULL, the result must be used, it is memory of the
 * size given by argument x (or x * y).
 */
#ifndef __has_attribute
#define __has_attribute(x) 0
#endif
#if __has_attribute(sentinel) || (defined(__GNUC__) && __GNUC__ >= 4)
#define AP_FN_ATTR_SENTINEL __attribute__((sentinel))
#else
#define AP_FN_ATTR_SENTINEL
#endif
#if __has_attribute(warn_unused_result) || (defined(__GNUC__) && __GNUC__ >= 4)
#define AP_FN_ATTR_WARN_UNUSED_RESULT __attribute__((warn_unused_result))
#else
#define AP_FN_ATTR_WARN_UNUSED_RESULT
#endif
#if __has_attribute(alloc_size) || (defined(__GNUC__) && __GNUC__ >= 5)
#define AP_FN_ATTR_ALLOC_SIZE(x) __attribute__((alloc_size(x)))
#define AP_FN_ATTR_ALLOC_SIZE2(x, y) __attribute__((alloc_size(x, y)))
#else
#define AP_FN_ATTR_ALLOC_SIZE(x)
#define AP_FN_ATTR_ALLOC_SIZE2(x, y)
#endif

#endif
