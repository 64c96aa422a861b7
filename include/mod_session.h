/* mod_session.h: sessions: where they are kept (hooks of mod_session_cookie, _dbd) and how others
 * use them.
 */

#ifndef MOD_SESSION_H
#define MOD_SESSION_H

#define SESSION_DECLARE(type) type
#define SESSION_DECLARE_NONSTD(type) type
#define SESSION_DECLARE_DATA

#include "apr_hooks.h"
#include "apr_optional.h"
#include "apr_tables.h"
#include "apr_uuid.h"
#include "apr_pools.h"
#include "apr_time.h"
#include "httpd.h"
#include "http_config.h"
#include "ap_config.h"

/* Note and names under which standard modules keep things. */
#define MOD_SESSION_NOTES_KEY "mod_session_key"
#define MOD_SESSION_USER      "user"
#define MOD_SESSION_PW        "pw"

/* A session. */
typedef struct {
    apr_pool_t *pool;
    apr_uuid_t *uuid;
    const char *remote_user;
    /* Its names and values, and these as text. */
    apr_table_t *entries;
    const char *encoded;
    /* When it ends, 0: never; seconds it lasts. */
    apr_time_t expiry;
    long maxage;
    /* It must be written; it came from a cache; it has been written. */
    int dirty;
    int cached;
    int written;
} session_rec;

/* Settings of a directory, each with whether it was set. */
typedef struct {
    int enabled;
    int enabled_set;
    long maxage;
    int maxage_set;
    const char *header;
    int header_set;
    int env;
    int env_set;
    apr_array_header_t *includes;
    apr_array_header_t *excludes;
    apr_time_t expiry_update_time;
    int expiry_update_set;
} session_dir_conf;

/* Where sessions are kept: load (DECLINED: none of mine; *z: found), save; and how they are
 * written: encode to and decode from z->encoded.
 */
APR_DECLARE_EXTERNAL_HOOK(ap, SESSION, apr_status_t, session_load, (request_rec * r,
                                                                    session_rec ** z))
APR_DECLARE_EXTERNAL_HOOK(ap, SESSION, apr_status_t, session_save, (request_rec * r,
                                                                    session_rec * z))
APR_DECLARE_EXTERNAL_HOOK(ap, SESSION, apr_status_t, session_encode, (request_rec * r,
                                                                      session_rec * z))
APR_DECLARE_EXTERNAL_HOOK(ap, SESSION, apr_status_t, session_decode, (request_rec * r,
                                                                      session_rec * z))

/* For others: one value (value NULL: remove), the whole session of the request, which is made if
 * there is none.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, ap_session_get, (request_rec * r, session_rec * z,
                                                       const char *key, const char **value));
APR_DECLARE_OPTIONAL_FN(apr_status_t, ap_session_set, (request_rec * r, session_rec * z,
                                                       const char *key, const char *value));
APR_DECLARE_OPTIONAL_FN(apr_status_t, ap_session_load, (request_rec *, session_rec **));
APR_DECLARE_OPTIONAL_FN(apr_status_t, ap_session_save, (request_rec *, session_rec *));

extern module AP_MODULE_DECLARE_DATA session_module;

#endif
