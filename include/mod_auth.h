/* mod_auth.h: providers for authentication and authorization. Register with
 * ap_register_auth_provider(); mod_auth_basic and its like ask AuthBasicProvider's list in turn,
 * and mod_authz_core asks for each Require line.
 */

#ifndef APACHE_MOD_AUTH_H
#define APACHE_MOD_AUTH_H

#include "apr_pools.h"
#include "apr_hash.h"
#include "apr_optional.h"
#include "httpd.h"
#include "http_config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AUTHN_PROVIDER_GROUP   "authn"
#define AUTHZ_PROVIDER_GROUP   "authz"
#define AUTHN_PROVIDER_VERSION "0"
#define AUTHZ_PROVIDER_VERSION "0"
#define AUTHN_DEFAULT_PROVIDER "file"

/* Notes of a request: which provider has answered. */
#define AUTHN_PROVIDER_NAME_NOTE "authn_provider_name"
#define AUTHZ_PROVIDER_NAME_NOTE "authz_provider_name"

/* Providers put what they know of a user into the environment, with these prefixes. */
#define AUTHN_PREFIX "AUTHENTICATE_"
#define AUTHZ_PREFIX "AUTHORIZE_"

/* Satisfy, as in http_core.h. */
#ifndef SATISFY_ALL
#define SATISFY_ALL 0
#endif
#ifndef SATISFY_ANY
#define SATISFY_ANY 1
#endif
#ifndef SATISFY_NOSPEC
#define SATISFY_NOSPEC 2
#endif

/* A provider's answer: no; yes; (get_realm_hash) here is the hash; ask the next provider; failure.
 */
typedef enum {
    AUTH_DENIED,
    AUTH_GRANTED,
    AUTH_USER_FOUND,
    AUTH_USER_NOT_FOUND,
    AUTH_GENERAL_ERROR
} authn_status;
/* No; yes; no opinion; failure; no, but a user who is authenticated may (then ask for one). */
typedef enum {
    AUTHZ_DENIED,
    AUTHZ_GRANTED,
    AUTHZ_NEUTRAL,
    AUTHZ_GENERAL_ERROR,
    AUTHZ_DENIED_NO_USER
} authz_status;

/* Checks users. A NULL function: this provider does not do that kind. */
typedef struct {
    /* For Basic. */
    authn_status (*check_password)(request_rec *r, const char *user, const char *password);
    /* For Digest: the MD5 of "user:realm:password" as hexadecimal, in the request's pool. */
    authn_status (*get_realm_hash)(request_rec *r, const char *user, const char *realm,
                                   char **rethash);
} authn_provider;

typedef struct authn_provider_list authn_provider_list;
/* Providers in the order they are asked. */
struct authn_provider_list {
    const char *provider_name;
    const authn_provider *provider;
    authn_provider_list *next;
};

/* Answers Require lines with the provider's name. */
typedef struct {
    /* Called with the text behind the name, and what parsing gave. r->user may be NULL: then
     * AUTHZ_DENIED_NO_USER makes the core ask for one.
     */
    authz_status (*check_authorization)(request_rec *r, const char *require_line,
                                        const void *parsed_require_line);
    /* When the configuration is read; returns a message or NULL. May be NULL. */
    const char *(*parse_require_line)(cmd_parms *cmd, const char *require_line,
                                      const void **parsed_require_line);
} authz_provider;

/* mod_authn_socache: remember this user's hash (module, user, realm or NULL, hash). */
APR_DECLARE_OPTIONAL_FN(void, ap_authn_cache_store, (request_rec*, const char*, const char*,
                                                     const char*, const char *));

#ifdef __cplusplus
}
#endif

#endif
