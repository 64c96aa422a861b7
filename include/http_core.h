/* http_core.h: what the core's own directives set for a request, the core's records, the error
 * log's formats, and optional functions by which standard modules serve others.
 */

#ifndef APACHE_HTTP_CORE_H
#define APACHE_HTTP_CORE_H

#include "apr.h"
#include "apr_hash.h"
#include "apr_optional.h"
#include "util_filter.h"
#include "ap_expr.h"
#include "apr_poll.h"
#include "apr_tables.h"
#include "http_config.h"

#if APR_HAVE_STRUCT_RLIMIT
#include <sys/time.h>
#include <sys/resource.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Settings of a request ---- */

/* Options. */
#define OPT_NONE          0
#define OPT_INDEXES       1
#define OPT_INCLUDES      2
#define OPT_SYM_LINKS     4
#define OPT_EXECCGI       8
#define OPT_UNSET         16
#define OPT_INC_WITH_EXEC 32
#define OPT_SYM_OWNER     64
#define OPT_MULTI         128
#define OPT_ALL           (OPT_INDEXES|OPT_INCLUDES|OPT_INC_WITH_EXEC|OPT_SYM_LINKS|OPT_EXECCGI)

/* How far ap_get_remote_host() goes for a name: the name or NULL; name or address; the same without
 * a look-up just for this call; a name whose address has been confirmed.
 */
#define REMOTE_HOST       (0)
#define REMOTE_NAME       (1)
#define REMOTE_NOLOOKUP   (2)
#define REMOTE_DOUBLE_REV (3)

/* Satisfy. */
#define SATISFY_ALL    0
#define SATISFY_ANY    1
#define SATISFY_NOSPEC 2

/* Less than this is kept back for the next write. */
#define AP_MIN_BYTES_TO_WRITE 8000

/* LimitInternalRecursion; ap_is_recursion_limit_exceeded() logs when it is exceeded. */
#define AP_DEFAULT_MAX_INTERNAL_REDIRECTS 10
#define AP_DEFAULT_MAX_SUBREQ_DEPTH       10
AP_DECLARE(int) ap_is_recursion_limit_exceeded(const request_rec *r);

/* OPT_* and OR_* in force for the request. */
AP_DECLARE(int) ap_allow_options(request_rec *r);
AP_DECLARE(int) ap_allow_overrides(request_rec *r);

/* The server's DocumentRoot; ap_context_document_root() is the one a module may have replaced. */
AP_DECLARE(const char *) ap_document_root(request_rec *r);

/* Name or address of the client, of the request's or of the connection's (dir_config:
 * per_dir_config or NULL). *str_is_ip is set if the result is an address; str_is_ip may be NULL.
 */
AP_DECLARE(const char *) ap_get_useragent_host(request_rec *req, int type, int *str_is_ip);
AP_DECLARE(const char *) ap_get_remote_host(conn_rec *conn, void *dir_config, int type,
                                            int *str_is_ip);
/* The user by identd; NULL without mod_ident. */
AP_DECLARE(const char *) ap_get_remote_logname(request_rec *r);

/* Our own name and port as UseCanonicalName has it; _for_url: with brackets around an IPv6 address.
 */
AP_DECLARE(const char *) ap_get_server_name(request_rec *r);
AP_DECLARE(const char *) ap_get_server_name_for_url(request_rec *r);
AP_DECLARE(apr_port_t) ap_get_server_port(const request_rec *r);
/* A complete URL for a path. */
AP_DECLARE(char *) ap_construct_url(apr_pool_t *p, const char *uri, request_rec *r);

AP_DECLARE(apr_size_t) ap_get_read_buf_size(const request_rec *r);
AP_DECLARE(apr_off_t) ap_get_limit_req_body(const request_rec *r);
AP_DECLARE(apr_size_t) ap_get_limit_xml_body(const request_rec *r);

/* As ErrorDocument, for this request only: a URL, a path, or a text behind a quotation mark. Kept.
 */
AP_DECLARE(void) ap_custom_response(request_rec *r, int status, const char *string);

/* Whether -D or Define has set the name. */
AP_DECLARE(int) ap_exists_config_define(const char *name);

/* Maps the URI below DocumentRoot; the core's function for translate_name. */
AP_DECLARE_NONSTD(int) ap_core_translate(request_rec *r);

typedef struct require_line require_line;
/* A Require line of the time before providers. */
struct require_line {
    /* Methods it is for, -1: all. */
    apr_int64_t method_mask;
    char *requirement;
};

/* AuthType and AuthName (NULL: none); SATISFY_*. The modules for authentication answer. */
AP_DECLARE(const char *) ap_auth_type(request_rec *r);
AP_DECLARE(const char *) ap_auth_name(request_rec *r);
AP_DECLARE(int) ap_satisfies(request_rec *r);

/* ---- The core's records ---- */

AP_DECLARE_DATA extern module core_module;

/* ap_get_module_config() for the core, which always has index 0. */
AP_DECLARE(void *) ap_get_core_module_config(const ap_conf_vector_t *cv);
AP_DECLARE(void) ap_set_core_module_config(ap_conf_vector_t *cv, void *val);
#ifdef AP_DEBUG
#define AP_CORE_MODULE_INDEX (AP_DEBUG_ASSERT(core_module.module_index == 0), 0)
#else
#define AP_CORE_MODULE_INDEX 0
#define ap_get_core_module_config(v) (((void **)(v))[AP_CORE_MODULE_INDEX])
#define ap_set_core_module_config(v, val) ((((void **)(v))[AP_CORE_MODULE_INDEX]) = (val))
#endif

/* The socket of a connection. */
AP_DECLARE(apr_socket_t *) ap_get_conn_socket(conn_rec *c);

/* The core's record of a request. */
typedef struct {
    /* What ap_rwrite() and its like have buffered. */
    struct apr_bucket_brigade *bb;
    /* Places of ap_get_request_note(). */
    void **notes;
    /* ErrorDocument of this request, by index of the status. */
    char **response_code_strings;
    /* See ap_set_document_root() and ap_set_context_info(). */
    const char *document_root;
    const char *context_document_root;
    const char *context_prefix;
    /* The default handler may send scripts as they are; AddDefaultCharset does not apply. */
    int deliver_script;
    int suppress_charset;
} core_request_config;

/* A place in the record for whoever needs one quickly; the first belong to the walks. Reserve in
 * register_hooks; NULL: none free.
 */
#define AP_NOTE_DIRECTORY_WALK 0
#define AP_NOTE_LOCATION_WALK  1
#define AP_NOTE_FILE_WALK      2
#define AP_NOTE_IF_WALK        3
#define AP_NUM_STD_NOTES       4
AP_DECLARE(apr_size_t) ap_register_request_note(void);
AP_DECLARE(void **) ap_get_request_note(request_rec *r, apr_size_t note_num);

typedef unsigned char allow_options_t;
typedef unsigned int overrides_t;
typedef unsigned long etag_components_t;

/* FileETag. */
#define ETAG_UNSET    0
#define ETAG_NONE     (1 << 0)
#define ETAG_MTIME    (1 << 1)
#define ETAG_INODE    (1 << 2)
#define ETAG_SIZE     (1 << 3)
#define ETAG_DIGEST   (1 << 4)
#define ETAG_ALL      (ETAG_MTIME | ETAG_INODE | ETAG_SIZE)
#define ETAG_BACKWARD (ETAG_MTIME | ETAG_SIZE)

/* A flag with a third value for "not set here", and how it is merged. */
#define AP_CORE_CONFIG_OFF   (0)
#define AP_CORE_CONFIG_ON    (1)
#define AP_CORE_CONFIG_UNSET (2)
#define AP_CORE_MERGE_FLAG(field, to, base, over)                                                  \
    to->field = over->field != AP_CORE_CONFIG_UNSET ? over->field : base->field

/* ServerSignature. */
typedef enum {
    srv_sig_unset,
    srv_sig_off,
    srv_sig_on,
    srv_sig_withmail
} server_signature_e;

/* The core's record of a section. Comments name the directives. */
typedef struct {
    /* The directory with a slash at the end, the pattern of a section, or NULL; its number of
     * slashes.
     */
    char *d;
    unsigned d_components;
    /* Options: what is set, and what +name and -name change; AllowOverride; options it allows. */
    allow_options_t opts;
    allow_options_t opts_add;
    allow_options_t opts_remove;
    overrides_t override;
    allow_options_t override_opts;
    /* ErrorDocument, by index of the status. */
    char **response_code_strings;
    /* HostnameLookups. */
#define HOSTNAME_LOOKUP_OFF 0
#define HOSTNAME_LOOKUP_ON 1
#define HOSTNAME_LOOKUP_DOUBLE 2
#define HOSTNAME_LOOKUP_UNSET 3
    unsigned int hostname_lookups : 4;
    /* ContentDigest. */
    unsigned int content_md5 : 2;
    /* UseCanonicalName. */
#define USE_CANONICAL_NAME_OFF (0)
#define USE_CANONICAL_NAME_ON (1)
#define USE_CANONICAL_NAME_DNS (2)
#define USE_CANONICAL_NAME_UNSET (3)
    unsigned use_canonical_name : 2;
    /* `d` is a pattern. */
    unsigned d_is_fnmatch : 1;
    /* AddDefaultCharset. */
#define ADD_DEFAULT_CHARSET_OFF (0)
#define ADD_DEFAULT_CHARSET_ON (1)
#define ADD_DEFAULT_CHARSET_UNSET (2)
    unsigned add_default_charset : 2;
    const char *add_default_charset_name;
    /* RLimitCPU, RLimitMEM, RLimitNPROC; NULL: unlimited. */
#ifdef RLIMIT_CPU
    struct rlimit *limit_cpu;
#endif
#if defined (RLIMIT_DATA) || defined (RLIMIT_VMEM) || defined(RLIMIT_AS)
    struct rlimit *limit_mem;
#endif
#ifdef RLIMIT_NPROC
    struct rlimit *limit_nproc;
#endif
    /* LimitRequestBody, LimitXMLRequestBody. */
    apr_off_t limit_req_body;
    long limit_xml_body;
    server_signature_e server_signature;
    /* <Files> and <If> within: arrays of vectors. */
    apr_array_header_t *sec_file;
    apr_array_header_t *sec_if;
    /* The expression of a ...Match section. */
    ap_regex_t *r;
    /* ForceType, SetHandler, SetOutputFilter, SetInputFilter. */
    const char *mime_type;
    const char *handler;
    const char *output_filters;
    const char *input_filters;
    /* AcceptPathInfo. */
    int accept_path_info;
    /* FileETag. */
    etag_components_t etag_bits;
    etag_components_t etag_add;
    etag_components_t etag_remove;
    /* EnableMMAP, EnableSendfile. */
#define ENABLE_MMAP_OFF (0)
#define ENABLE_MMAP_ON (1)
#define ENABLE_MMAP_UNSET (2)
    unsigned int enable_mmap : 2;
#define ENABLE_SENDFILE_OFF (0)
#define ENABLE_SENDFILE_ON (1)
#define ENABLE_SENDFILE_UNSET (2)
    unsigned int enable_sendfile : 2;
    /* UseCanonicalPhysicalPort. */
#define USE_CANONICAL_PHYS_PORT_OFF (0)
#define USE_CANONICAL_PHYS_PORT_ON (1)
#define USE_CANONICAL_PHYS_PORT_UNSET (2)
    unsigned int use_canonical_phys_port : 2;
    /* AllowEncodedSlashes Off, On, NoDecode. */
    unsigned int allow_encoded_slashes : 1;
    unsigned int decode_encoded_slashes : 1;
    /* <If>, <ElseIf>, <Else>. */
#define AP_CONDITION_IF 1
#define AP_CONDITION_ELSE 2
#define AP_CONDITION_ELSEIF (AP_CONDITION_ELSE|AP_CONDITION_IF)
    unsigned int condition_ifelse : 2;
    ap_expr_info_t *condition;
    /* LogLevel. */
    struct ap_logconf *log;
    /* AllowOverrideList. */
    apr_table_t *override_list;
    /* MaxRanges, MaxRangeOverlaps, MaxRangeReversals. */
#define AP_MAXRANGES_UNSET -1
#define AP_MAXRANGES_DEFAULT -2
#define AP_MAXRANGES_UNLIMITED -3
#define AP_MAXRANGES_NORANGES 0
    int max_ranges;
    int max_overlaps;
    int max_reversals;
    /* Names of the groups of `r`. */
    apr_array_header_t *refs;
    /* ErrorDocument with an expression. */
    apr_hash_t *response_code_exprs;
    /* CGIPassAuth. */
#define AP_CGI_PASS_AUTH_OFF (0)
#define AP_CGI_PASS_AUTH_ON (1)
#define AP_CGI_PASS_AUTH_UNSET (2)
    unsigned int cgi_pass_auth : 2;
    /* QualifyRedirectURL. */
    unsigned int qualify_redirect_url :2;
    /* SetHandler with an expression. */
    ap_expr_info_t *expr_handler;
    /* CGIVar. */
    apr_hash_t *cgi_var_rules;
    /* ReadBufferSize. */
    apr_size_t read_buf_size;
} core_dir_config;

/* Flags for apr_file_open() of a file that may be sent with sendfile. */
#define AP_SENDFILE_ENABLED(x) ((x) == ENABLE_SENDFILE_ON ? APR_SENDFILE_ENABLED : 0)

/* The core's record of a server. */
typedef struct {
    /* GprofDir, DocumentRoot, AccessFileName. */
    char *gprof_dir;
    const char *ap_document_root;
    char *access_name;
    /* <Directory> in order of depth, <Location>: arrays of vectors. */
    apr_array_header_t *sec_dir;
    apr_array_header_t *sec_url;
    /* LimitInternalRecursion. */
    int redirect_limit;
    int subreq_limit;
    /* Listen's protocol, AcceptFilter. */
    const char *protocol;
    apr_table_t *accf_map;
    /* ErrorLogFormat: for messages, once per connection, once per request. */
    apr_array_header_t *error_log_format;
    apr_array_header_t *error_log_conn;
    apr_array_header_t *error_log_req;
    /* TraceEnable. */
#define AP_TRACE_UNSET -1
#define AP_TRACE_DISABLE 0
#define AP_TRACE_ENABLE 1
#define AP_TRACE_EXTENDED 2
    int trace_enable;
    /* MergeTrailers. */
#define AP_MERGE_TRAILERS_UNSET 0
#define AP_MERGE_TRAILERS_ENABLE 1
#define AP_MERGE_TRAILERS_DISABLE 2
    int merge_trailers;
    /* Protocols, ProtocolsHonorOrder. */
    apr_array_header_t *protocols;
    int protocols_honor_order;
    /* HttpProtocolOptions. */
#define AP_HTTP09_UNSET 0
#define AP_HTTP09_ENABLE 1
#define AP_HTTP09_DISABLE 2
    char http09_enable;
#define AP_HTTP_CONFORMANCE_UNSET 0
#define AP_HTTP_CONFORMANCE_UNSAFE 1
#define AP_HTTP_CONFORMANCE_STRICT 2
    char http_conformance;
#define AP_HTTP_METHODS_UNSET 0
#define AP_HTTP_METHODS_LENIENT 1
#define AP_HTTP_METHODS_REGISTERED 2
    char http_methods;
    /* MergeSlashes. */
    unsigned int merge_slashes;
    /* FlushMaxThreshold, FlushMaxPipelined. */
    apr_size_t flush_max_threshold;
    apr_int32_t flush_max_pipelined;
    /* StrictHostCheck. */
    unsigned int strict_host_check;
} core_server_config;

/* The scheme of a server's own Listen sockets. */
AP_DECLARE(const char *) ap_get_server_protocol(server_rec *s);
AP_DECLARE(void) ap_set_server_protocol(server_rec *s, const char *proto);

/* ---- Sections, in the core ---- */

/* Add a vector to the sections of a server or of a section. */
AP_CORE_DECLARE(void) ap_add_per_dir_conf(server_rec *s, void *dir_config);
AP_CORE_DECLARE(void) ap_add_per_url_conf(server_rec *s, void *url_config);
AP_CORE_DECLARE(void) ap_add_file_conf(apr_pool_t *p, core_dir_config *conf, void *url_config);
AP_CORE_DECLARE(const char *) ap_add_if_conf(apr_pool_t *p, core_dir_config *conf,
                                             void *url_config);
/* Sorts <Directory> sections by depth. */
void ap_core_reorder_directories(apr_pool_t *, server_rec *);
/* <Limit> and <LimitExcept>. */
AP_CORE_DECLARE_NONSTD(const char *) ap_limit_section(cmd_parms *cmd, void *dummy, const char *arg);

/* ---- Filters of the core ---- */

/* AddOutputFilterByType. */
void ap_add_output_filters_by_type(request_rec *r);

/* The ends of the chains, at the socket. */
apr_status_t ap_core_input_filter(ap_filter_t *f, apr_bucket_brigade *b, ap_input_mode_t mode,
                                  apr_read_type_e block, apr_off_t readbytes);
apr_status_t ap_core_output_filter(ap_filter_t *f, apr_bucket_brigade *b);
AP_DECLARE_DATA extern ap_filter_rec_t *ap_core_input_filter_handle;
AP_DECLARE_DATA extern ap_filter_rec_t *ap_core_output_filter_handle;
AP_DECLARE_DATA extern ap_filter_rec_t *ap_subreq_core_filter_handle;
AP_DECLARE_DATA extern ap_filter_rec_t *ap_content_length_filter_handle;

typedef struct core_output_filter_ctx core_output_filter_ctx_t;
typedef struct core_filter_ctx core_ctx_t;
/* Input that was read and not yet taken. */
struct core_filter_ctx {
    apr_bucket_brigade *b;
    apr_bucket_brigade *tmpbb;
};

/* The context of these filters. */
typedef struct core_net_rec {
    apr_socket_t *client_socket;
    conn_rec *c;
    core_output_filter_ctx_t *out_ctx;
    core_ctx_t *in_ctx;
} core_net_rec;

/* Puts the bucket from which a connection's input is read into bb; the core puts a socket bucket.
 */
AP_DECLARE_HOOK(apr_status_t, insert_network_bucket, (conn_rec *c, apr_bucket_brigade *bb,
                                                      apr_socket_t *socket))

/* ---- Management data ---- */

/* Values by which modules can be asked for their state: tables of tables. */
typedef enum {
    ap_mgmt_type_string,
    ap_mgmt_type_long,
    ap_mgmt_type_hash
} ap_mgmt_type_e;
typedef union {
    const char *s_value;
    long i_value;
    apr_hash_t *h_value;
} ap_mgmt_value;
typedef struct {
    const char *description;
    const char *name;
    ap_mgmt_type_e vtype;
    ap_mgmt_value v;
} ap_mgmt_item_t;

/* Add what you have (names beginning with val) to ht. */
AP_DECLARE_HOOK(int, get_mgmt_items, (apr_pool_t *p, const char * val, apr_hash_t *ht))

/* ---- Optional functions of standard modules ---- */

/* mod_logio: count bytes that pass outside of the core's filters; bytes of the last request's
 * output.
 */
APR_DECLARE_OPTIONAL_FN(void, ap_logio_add_bytes_out, (conn_rec *c, apr_off_t bytes));
APR_DECLARE_OPTIONAL_FN(void, ap_logio_add_bytes_in, (conn_rec *c, apr_off_t bytes));
APR_DECLARE_OPTIONAL_FN(apr_off_t, ap_logio_get_last_bytes, (conn_rec *c));
/* mod_ident. */
APR_DECLARE_OPTIONAL_FN(const char *, ap_ident_lookup, (request_rec *r));
/* mod_authz_core, mod_authn_core, mod_access_compat: answers for ap_some_auth_required(),
 * ap_auth_type(), ap_auth_name(), ap_satisfies().
 */
APR_DECLARE_OPTIONAL_FN(int, authz_some_auth_required, (request_rec *r));
APR_DECLARE_OPTIONAL_FN(const char *, authn_ap_auth_type, (request_rec *r));
APR_DECLARE_OPTIONAL_FN(const char *, authn_ap_auth_name, (request_rec *r));
APR_DECLARE_OPTIONAL_FN(int, access_compat_ap_satisfies, (request_rec *r));

/* ---- The error log ---- */

/* A message being logged. s, c, r, rmain and pool may be NULL. */
typedef struct ap_errorlog_info {
    const server_rec *s;
    const conn_rec *c;
    const request_rec *r;
    const request_rec *rmain;
    apr_pool_t *pool;
    /* From APLOG_MARK. */
    const char *file;
    int line;
    int module_index;
    /* With the flags of APLOG_*. */
    int level;
    apr_status_t status;
    /* It goes to syslog; it is logged for the terminal, before logs are open. */
    int using_syslog;
    int startup;
    /* The format string of the message. */
    const char *format;
} ap_errorlog_info;

/* An item of ErrorLogFormat: writes to buf (no zero byte needed), returns the length; 0: nothing to
 * say.
 */
typedef int ap_errorlog_handler_fn_t(const ap_errorlog_info *info, const char *arg, char *buf,
                                     int buflen);
/* Register one for a letter, in pre_config. */
AP_DECLARE(void) ap_register_errorlog_handler(apr_pool_t *p, char *tag,
                                              ap_errorlog_handler_fn_t *handler, int flags);
typedef struct ap_errorlog_handler {
    ap_errorlog_handler_fn_t *func;
    int flags;
} ap_errorlog_handler;

/* The item separates fields; is the message; makes the line void if it is empty; is shown as "-".
 */
#define AP_ERRORLOG_FLAG_FIELD_SEP      1
#define AP_ERRORLOG_FLAG_MESSAGE        2
#define AP_ERRORLOG_FLAG_REQUIRED       4
#define AP_ERRORLOG_FLAG_NULL_AS_HYPHEN 8

/* A piece of a parsed format: literal text if func is NULL. */
typedef struct {
    ap_errorlog_handler_fn_t *func;
    const char *arg;
    unsigned int flags;
    unsigned int min_loglevel;
} ap_errorlog_format_item;

/* A line has been logged. Do not log from here. */
AP_DECLARE_HOOK(void, error_log, (const ap_errorlog_info *info, const char *errstr))

AP_CORE_DECLARE(void) ap_register_log_hooks(apr_pool_t *p);
AP_CORE_DECLARE(void) ap_register_config_hooks(apr_pool_t *p);

/* ---- State of the server ---- */

/* What is going on, for modules whose hooks run more than once; AP_SQ_NOT_SUPPORTED for an unknown
 * question. The values below are answers to the first and to the second question; the third counts
 * readings of the configuration.
 */
AP_DECLARE(int) ap_state_query(int query_code);
#define AP_SQ_MAIN_STATE    0
#define AP_SQ_RUN_MODE      1
#define AP_SQ_CONFIG_GEN    2
#define AP_SQ_NOT_SUPPORTED -1
#define AP_SQ_MS_INITIAL_STARTUP   1
#define AP_SQ_MS_CREATE_PRE_CONFIG 2
#define AP_SQ_MS_DESTROY_CONFIG    3
#define AP_SQ_MS_CREATE_CONFIG     4
#define AP_SQ_MS_RUN_MPM           5
#define AP_SQ_MS_EXITING           6
#define AP_SQ_RM_UNKNOWN     1
#define AP_SQ_RM_NORMAL      2
#define AP_SQ_RM_CONFIG_TEST 3
#define AP_SQ_RM_CONFIG_DUMP 4

/* ---- Waiting for a connection ---- */

/* What to poll for a connection and how long: a TLS or HTTP/2 module answers for its own.
 * APR_ENOTIMPL: nobody knows.
 */
AP_DECLARE_HOOK(apr_status_t, get_pollfd_from_conn, (conn_rec *c, struct apr_pollfd_t *pfd,
                                                     apr_interval_time_t *ptimeout))
AP_CORE_DECLARE(apr_status_t) ap_get_pollfd_from_conn(conn_rec *c, struct apr_pollfd_t *pfd,
                                                      apr_interval_time_t *ptimeout);

#ifdef __cplusplus
}
#endif

#endif
