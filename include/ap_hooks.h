/* ap_hooks.h: declaring and implementing hook points.
 *
 * A hook point NAME is a type ap_HOOK_NAME_t, a function ap_hook_NAME() by which a module adds its
 * function in register_hooks, and ap_run_NAME(), which the owner of the point calls. Modules add
 * with APR_HOOK_FIRST, _MIDDLE, _LAST and lists of the files before and after which they want to
 * be.
 */

#ifndef AP_HOOKS_H
#define AP_HOOKS_H

#if defined(AP_HOOK_PROBES_ENABLED) && !defined(APR_HOOK_PROBES_ENABLED)
#define APR_HOOK_PROBES_ENABLED 1
#endif
#ifdef APR_HOOK_PROBES_ENABLED
#include "ap_hook_probes.h"
#endif

#include "apr.h"
#include "apr_hooks.h"
#include "apr_optional_hooks.h"

/* In a header: the point `name` whose functions take `args` and return `ret`. No semicolon behind.
 */
#define AP_DECLARE_HOOK(ret, name, args) APR_DECLARE_EXTERNAL_HOOK(ap, AP, ret, name, args)

/* In the source that owns the point: everything but the run function. */
#define AP_IMPLEMENT_HOOK_BASE(name) APR_IMPLEMENT_EXTERNAL_HOOK_BASE(ap, AP, name)

/* The same with a run function which calls every module; or until one returns neither ok nor
 * decline; or until one returns something else than decline.
 */
#define AP_IMPLEMENT_HOOK_VOID(name, args_decl, args_use)                                          \
    APR_IMPLEMENT_EXTERNAL_HOOK_VOID(ap, AP, name, args_decl, args_use)
#define AP_IMPLEMENT_HOOK_RUN_ALL(ret, name, args_decl, args_use, ok, decline)                     \
    APR_IMPLEMENT_EXTERNAL_HOOK_RUN_ALL(ap, AP, ret, name, args_decl, args_use, ok, decline)
#define AP_IMPLEMENT_HOOK_RUN_FIRST(ret, name, args_decl, args_use, decline)                       \
    APR_IMPLEMENT_EXTERNAL_HOOK_RUN_FIRST(ap, AP, ret, name, args_decl, args_use, decline)

/* Hook points whose owner may be absent: modules add by a macro that needs no symbol of the owner.
 */
#define AP_IMPLEMENT_OPTIONAL_HOOK_RUN_ALL(ret, name, args_decl, args_use, ok, decline)            \
    APR_IMPLEMENT_OPTIONAL_HOOK_RUN_ALL(ap, AP, ret, name, args_decl, args_use, ok, decline)
#define AP_OPTIONAL_HOOK(name, fn, pre, succ, order)                                               \
    APR_OPTIONAL_HOOK(ap, name, fn, pre, succ, order)

#endif
