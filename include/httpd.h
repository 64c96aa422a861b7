/* httpd.h: the structures every module works on (process, server, connection, request), status and
 * method numbers, and the string, path and list helpers of the core.
 *
 * Every source of a module includes this first. Unless a comment says otherwise: strings returned
 * by functions which take a pool live as long as that pool; arguments are not kept; functions may
 * be called from any thread which owns the request or connection they are given.
 */

#ifndef APACHE_HTTPD_H
#define APACHE_HTTPD_H

#include "ap_config.h"
#include "ap_mmn.h"
#include "ap_release.h"
#include "apr.h"
#include "apr_version.h"
#include "apr_general.h"
#include "apr_tables.h"
#include "apr_pools.h"
#include "apr_time.h"
#include "apr_network_io.h"
#include "apr_buckets.h"
#include "apr_poll.h"
#include "apr_thread_proc.h"
#include "os.h"
#include "ap_regex.h"
#include <stdlib.h>
#include "apr_uri.h"
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Defaults of directives, which a build may override ---- */

/* Directories and files of the installation; Debian's values come from ap_config_auto.h. */
#ifndef HTTPD_ROOT
#define HTTPD_ROOT "/usr/local/apache"
#endif
#ifndef DOCUMENT_LOCATION
#define DOCUMENT_LOCATION "/var/www/html"
#endif
#ifndef DEFAULT_ERRORLOG
#define DEFAULT_ERRORLOG "logs/error_log"
#endif
#ifndef DEFAULT_ACCESS_FNAME
#define DEFAULT_ACCESS_FNAME ".htaccess"
#endif
#ifndef SERVER_CONFIG_FILE
#define SERVER_CONFIG_FILE "conf/httpd.conf"
#endif
#ifndef AP_TYPES_CONFIG_FILE
#define AP_TYPES_CONFIG_FILE "conf/mime.types"
#endif
#ifndef SUEXEC_BIN
#define SUEXEC_BIN HTTPD_ROOT "/bin/suexec"
#endif

/* Modules which may be loaded beside the static ones: the vectors of configurations have that many
 * places from the start.
 */
#ifndef DYNAMIC_MODULE_LIMIT
#define DYNAMIC_MODULE_LIMIT 256
#endif

/* PATH of children when the server was started without one. */
#ifndef DEFAULT_PATH
#define DEFAULT_PATH "/bin:/usr/bin:/usr/ucb:/usr/bsd:/usr/local/bin"
#endif

/* Seconds a peer may be silent, seconds and requests a kept-alive connection lasts. */
#ifndef DEFAULT_TIMEOUT
#define DEFAULT_TIMEOUT 60
#endif
#ifndef DEFAULT_KEEPALIVE_TIMEOUT
#define DEFAULT_KEEPALIVE_TIMEOUT 5
#endif
#ifndef DEFAULT_KEEPALIVE
#define DEFAULT_KEEPALIVE 100
#endif

/* What a request may have: bytes in its request line and in one header field, header fields, and
 * blank lines before it.
 */
#ifndef DEFAULT_LIMIT_REQUEST_LINE
#define DEFAULT_LIMIT_REQUEST_LINE 8190
#endif
#ifndef DEFAULT_LIMIT_REQUEST_FIELDSIZE
#define DEFAULT_LIMIT_REQUEST_FIELDSIZE 8190
#endif
#ifndef DEFAULT_LIMIT_REQUEST_FIELDS
#define DEFAULT_LIMIT_REQUEST_FIELDS 100
#endif
#ifndef DEFAULT_LIMIT_BLANK_LINES
#define DEFAULT_LIMIT_BLANK_LINES 10
#endif

#define DEFAULT_ADMIN                    "[no address given]"
#define DEFAULT_ADD_DEFAULT_CHARSET_NAME "iso-8859-1"
#define AP_SERVER_PROTOCOL               "HTTP/1.1"
#ifndef AP_DEFAULT_INDEX
#define AP_DEFAULT_INDEX "index.html"
#endif

/* First lines of generated pages. */
#define DOCTYPE_HTML_2_0 "<!DOCTYPE HTML PUBLIC \"-//IETF//" "DTD HTML 2.0//EN\">\n"
#define DOCTYPE_HTML_3_2 "<!DOCTYPE HTML PUBLIC \"-//W3C//" "DTD HTML 3.2 Final//EN\">\n"
#define DOCTYPE_HTML_4_0S "<!DOCTYPE HTML PUBLIC \"-//W3C//" \
                          "DTD HTML 4.0//EN\"\n" \
                          "\"http://www.w3.org/TR/REC-html40/strict.dtd\">\n"
#define DOCTYPE_HTML_4_0T "<!DOCTYPE HTML PUBLIC \"-//W3C//" \
                          "DTD HTML 4.0 Transitional//EN\"\n" \
                          "\"http://www.w3.org/TR/REC-html40/loose.dtd\">\n"
#define DOCTYPE_HTML_4_0F "<!DOCTYPE HTML PUBLIC \"-//W3C//" \
                          "DTD HTML 4.0 Frameset//EN\"\n" \
                          "\"http://www.w3.org/TR/REC-html40/frameset.dtd\">\n"
#define DOCTYPE_HTML_4_01                                                                          \
    "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" "                                         \
    "\"http://www.w3.org/TR/html4/strict.dtd\">\n"
#define DOCTYPE_HTML_5 "<!DOCTYPE html>\n"
#define DOCTYPE_XHTML_1_0S "<!DOCTYPE html PUBLIC \"-//W3C//" \
                           "DTD XHTML 1.0 Strict//EN\"\n" \
                           "\"http://www.w3.org/TR/xhtml1/DTD/" \
                           "xhtml1-strict.dtd\">\n"
#define DOCTYPE_XHTML_1_0T "<!DOCTYPE html PUBLIC \"-//W3C//" \
                           "DTD XHTML 1.0 Transitional//EN\"\n" \
                           "\"http://www.w3.org/TR/xhtml1/DTD/" \
                           "xhtml1-transitional.dtd\">\n"
#define DOCTYPE_XHTML_1_0F "<!DOCTYPE html PUBLIC \"-//W3C//" \
                           "DTD XHTML 1.0 Frameset//EN\"\n" \
                           "\"http://www.w3.org/TR/xhtml1/DTD/" \
                           "xhtml1-frameset.dtd\">"

/* Protocol versions as one number (request_rec.proto_num): HTTP/1.1 is HTTP_VERSION(1, 1), 1001. */
#define HTTP_VERSION(major, minor) (1000*(major)+(minor))
#define HTTP_VERSION_MAJOR(number) ((number)/1000)
#define HTTP_VERSION_MINOR(number) ((number)%1000)

/* Ports, and the questions whose answers a TLS module changes through its hooks. */
#define DEFAULT_HTTP_PORT  80
#define DEFAULT_HTTPS_PORT 443
#define ap_is_default_port(port, r) ((port) == ap_default_port(r))
#define ap_default_port(r) ap_run_default_port(r)
#define ap_http_scheme(r) ap_run_http_scheme(r)

/* Sizes of buffers: a line of text, input and output of the core, groups of a regular expression
 * which are kept ($0 to $9), and the most one sendfile bucket covers.
 */
#define MAX_STRING_LEN   HUGE_STRING_LEN
#define HUGE_STRING_LEN  8192
#define AP_IOBUFSIZE     8192
#define AP_MAX_REG_MATCH 10
#define AP_MAX_SENDFILE  16777216

/* Exit codes by which a child tells its parent: done; the start of the server or of this child
 * failed; this child is sick and shall be replaced; the whole server must stop.
 */
#define APEXIT_OK         0x0
#define APEXIT_INIT       0x2
#define APEXIT_CHILDINIT  0x3
#define APEXIT_CHILDSICK  0x7
#define APEXIT_CHILDFATAL 0xf

/* How functions and data of the core and of modules are declared. Empty on every system but
 * Windows; ap_config.h defines them.
 */
#ifndef AP_DECLARE
#define AP_DECLARE(type) type
#endif
#ifndef AP_DECLARE_NONSTD
#define AP_DECLARE_NONSTD(type) type
#endif
#ifndef AP_DECLARE_DATA
#define AP_DECLARE_DATA
#endif
#ifndef AP_MODULE_DECLARE
#define AP_MODULE_DECLARE(type) type
#endif
#ifndef AP_MODULE_DECLARE_NONSTD
#define AP_MODULE_DECLARE_NONSTD(type) type
#endif
#ifndef AP_MODULE_DECLARE_DATA
#define AP_MODULE_DECLARE_DATA
#endif
/* Functions for the core and for modules which know its inside. */
#ifndef AP_CORE_DECLARE
#define AP_CORE_DECLARE AP_DECLARE
#endif
#ifndef AP_CORE_DECLARE_NONSTD
#define AP_CORE_DECLARE_NONSTD AP_DECLARE_NONSTD
#endif

/* Status codes of the core in APR's space for applications. AP_DECLINED is DECLINED for functions
 * that return apr_status_t. AP_NORESTART tells the MPM that a failed child must not be replaced.
 */
#define AP_START_USERERR (APR_OS_START_USERERR + 2000)
#define AP_USERERR_LEN   1000
#define AP_DECLINED      (AP_START_USERERR + 0)
#define AP_NORESTART APR_OS_START_USEERR + 1

/* ---- The server's name ---- */

/* The parts of the version: filled by ap_get_server_revision(). */
typedef struct {
    int major;
    int minor;
    int patch;
    const char *add_string;
} ap_version_t;
AP_DECLARE(void) ap_get_server_revision(ap_version_t *version);

/* The banner is what ServerTokens lets out and what the Server header carries; the description is
 * always complete (for logs). A module announces itself with ap_add_version_component() in its
 * post_config hook; the text is copied into pconf.
 */
AP_DECLARE(const char *) ap_get_server_banner(void);
AP_DECLARE(const char *) ap_get_server_description(void);
AP_DECLARE(void) ap_add_version_component(apr_pool_t *pconf, const char *component);

/* Date and time of the build. */
AP_DECLARE(const char *) ap_get_server_built(void);

/* ---- What hooks and handlers return ---- */

/* OK: done, go on. DECLINED: not mine, ask the next one. DONE: the response is complete. SUSPENDED:
 * the module will resume the request later (only with an asynchronous MPM). An HTTP status stops
 * the request with an error response.
 */
#define OK        0
#define DECLINED  -1
#define DONE      -2
#define SUSPENDED -3

/* What filters leave in place of a status: nobody took the output, nobody gave input, or a filter
 * has already sent the error itself.
 */
#define AP_NOBODY_WROTE -100
#define AP_NOBODY_READ  -101
#define AP_FILTER_ERROR -102

/* How many status lines the core knows; the size of tables indexed by ap_index_of_response(). */
#define RESPONSE_CODES 104
#define HTTP_CONTINUE                        100
#define HTTP_SWITCHING_PROTOCOLS             101
#define HTTP_PROCESSING                      102
#define HTTP_EARLY_HINTS                     103
#define HTTP_OK                              200
#define HTTP_CREATED                         201
#define HTTP_ACCEPTED                        202
#define HTTP_NON_AUTHORITATIVE               203
#define HTTP_NO_CONTENT                      204
#define HTTP_RESET_CONTENT                   205
#define HTTP_PARTIAL_CONTENT                 206
#define HTTP_MULTI_STATUS                    207
#define HTTP_ALREADY_REPORTED                208
#define HTTP_IM_USED                         226
#define HTTP_MULTIPLE_CHOICES                300
#define HTTP_MOVED_PERMANENTLY               301
#define HTTP_MOVED_TEMPORARILY               302
#define HTTP_SEE_OTHER                       303
#define HTTP_NOT_MODIFIED                    304
#define HTTP_USE_PROXY                       305
#define HTTP_TEMPORARY_REDIRECT              307
#define HTTP_PERMANENT_REDIRECT              308
#define HTTP_BAD_REQUEST                     400
#define HTTP_UNAUTHORIZED                    401
#define HTTP_PAYMENT_REQUIRED                402
#define HTTP_FORBIDDEN                       403
#define HTTP_NOT_FOUND                       404
#define HTTP_METHOD_NOT_ALLOWED              405
#define HTTP_NOT_ACCEPTABLE                  406
#define HTTP_PROXY_AUTHENTICATION_REQUIRED   407
#define HTTP_REQUEST_TIME_OUT                408
#define HTTP_CONFLICT                        409
#define HTTP_GONE                            410
#define HTTP_LENGTH_REQUIRED                 411
#define HTTP_PRECONDITION_FAILED             412
#define HTTP_REQUEST_ENTITY_TOO_LARGE        413
#define HTTP_REQUEST_URI_TOO_LARGE           414
#define HTTP_UNSUPPORTED_MEDIA_TYPE          415
#define HTTP_RANGE_NOT_SATISFIABLE           416
#define HTTP_EXPECTATION_FAILED              417
#define HTTP_MISDIRECTED_REQUEST             421
#define HTTP_UNPROCESSABLE_ENTITY            422
#define HTTP_LOCKED                          423
#define HTTP_FAILED_DEPENDENCY               424
#define HTTP_UPGRADE_REQUIRED                426
#define HTTP_PRECONDITION_REQUIRED           428
#define HTTP_TOO_MANY_REQUESTS               429
#define HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE 431
#define HTTP_UNAVAILABLE_FOR_LEGAL_REASONS   451
#define HTTP_INTERNAL_SERVER_ERROR           500
#define HTTP_NOT_IMPLEMENTED                 501
#define HTTP_BAD_GATEWAY                     502
#define HTTP_SERVICE_UNAVAILABLE             503
#define HTTP_GATEWAY_TIME_OUT                504
#define HTTP_VERSION_NOT_SUPPORTED           505
#define HTTP_VARIANT_ALSO_VARIES             506
#define HTTP_INSUFFICIENT_STORAGE            507
#define HTTP_LOOP_DETECTED                   508
#define HTTP_NOT_EXTENDED                    510
#define HTTP_NETWORK_AUTHENTICATION_REQUIRED 511

/* The class of a status. */
#define ap_is_HTTP_INFO(x) (((x) >= 100)&&((x) < 200))
#define ap_is_HTTP_SUCCESS(x) (((x) >= 200)&&((x) < 300))
#define ap_is_HTTP_REDIRECT(x) (((x) >= 300)&&((x) < 400))
#define ap_is_HTTP_ERROR(x) (((x) >= 400)&&((x) < 600))
#define ap_is_HTTP_CLIENT_ERROR(x) (((x) >= 400)&&((x) < 500))
#define ap_is_HTTP_SERVER_ERROR(x) (((x) >= 500)&&((x) < 600))
#define ap_is_HTTP_VALID_RESPONSE(x) (((x) >= 100)&&((x) < 600))

/* Statuses after which the connection cannot be kept: the request was not read to its end, or what
 * follows it cannot be trusted.
 */
#define ap_status_drops_connection(x)                                                              \
    ((x) == HTTP_BAD_REQUEST || (x) == HTTP_REQUEST_TIME_OUT || (x) == HTTP_LENGTH_REQUIRED ||     \
     (x) == HTTP_REQUEST_ENTITY_TOO_LARGE || (x) == HTTP_REQUEST_URI_TOO_LARGE ||                  \
     (x) == HTTP_INTERNAL_SERVER_ERROR || (x) == HTTP_SERVICE_UNAVAILABLE ||                       \
     (x) == HTTP_NOT_IMPLEMENTED)

/* Statuses whose response never has a body. */
#define AP_STATUS_IS_HEADER_ONLY(x) ((x) == HTTP_NO_CONTENT || (x) == HTTP_NOT_MODIFIED)

/* ---- Methods ---- */

/* request_rec.method_number; HEAD is M_GET with header_only. ap_method_register() numbers further
 * methods, up to METHODS. M_INVALID: a method no module has registered.
 */
#define M_GET              0
#define M_PUT              1
#define M_POST             2
#define M_DELETE           3
#define M_CONNECT          4
#define M_OPTIONS          5
#define M_TRACE            6
#define M_PATCH            7
#define M_PROPFIND         8
#define M_PROPPATCH        9
#define M_MKCOL            10
#define M_COPY             11
#define M_MOVE             12
#define M_LOCK             13
#define M_UNLOCK           14
#define M_VERSION_CONTROL  15
#define M_CHECKOUT         16
#define M_UNCHECKOUT       17
#define M_CHECKIN          18
#define M_UPDATE           19
#define M_LABEL            20
#define M_REPORT           21
#define M_MKWORKSPACE      22
#define M_MKACTIVITY       23
#define M_BASELINE_CONTROL 24
#define M_MERGE            25
#define M_INVALID          26
#define METHODS 64

/* A set of methods is a mask of AP_METHOD_BIT << number. */
#define AP_METHOD_BIT ((apr_int64_t)1)

typedef struct ap_method_list_t ap_method_list_t;
/* Methods by number, and names (char *) of those that have none. See ap_make_method_list(). */
struct ap_method_list_t {
    apr_int64_t method_mask;
    apr_array_header_t *method_list;
};

/* ---- Notes of one bit on a request ---- */

typedef apr_uint64_t ap_request_bnotes_t;
/* The strong ETag bit (kept with its historical value) and whether the content type was set by
 * someone who is trusted to choose it, which ap_set_content_type_ex() records.
 */
#define AP_REQUEST_STRONG_ETAG 1 >> 0
#define AP_REQUEST_TRUSTED_CT  1 << 1
#define AP_REQUEST_GET_BNOTE(r, mask) ((mask) & ((r)->bnotes))
#define AP_REQUEST_SET_BNOTE(r, mask, val) (r)->bnotes = (((r)->bnotes & ~(mask)) | (val))
#define AP_REQUEST_IS_STRONG_ETAG(r) AP_REQUEST_GET_BNOTE((r), AP_REQUEST_STRONG_ETAG)
#define AP_REQUEST_IS_TRUSTED_CT(r) (!!AP_REQUEST_GET_BNOTE((r), AP_REQUEST_TRUSTED_CT))

/* ---- Media types and handlers with a meaning of their own ---- */

#define CGI_MAGIC_TYPE       "application/x-httpd-cgi"
#define INCLUDES_MAGIC_TYPE  "text/x-server-parsed-html"
#define INCLUDES_MAGIC_TYPE3 "text/x-server-parsed-html3"
#define DIR_MAGIC_TYPE       "httpd/unix-directory"

/* The name that `SetHandler None` leaves, to be answered by the core's own handler. */
#define AP_DEFAULT_HANDLER_NAME ""
#define AP_IS_DEFAULT_HANDLER_NAME(x) (*x == '\0')

/* End of a header line, in the character set of the source and in ASCII. */
#if !APR_CHARSET_EBCDIC
#define LF 10
#define CR 13
#define CRLF "\015\012"
#else
#define LF '\n'
#define CR '\r'
#define CRLF "\r\n"
#endif
#define CRLF_ASCII "\015\012"

/* How ap_setup_client_block() treats a body: refuse any, refuse a chunked one, accept both. */
#define REQUEST_NO_BODY         0
#define REQUEST_CHUNKED_ERROR   1
#define REQUEST_CHUNKED_DECHUNK 2

/* request_rec.used_path_info: whether the handler takes the rest of the path behind the file. A
 * handler that generates content sets ACCEPT or REJECT in fixups; DEFAULT is left to the handler.
 */
#define AP_REQ_ACCEPT_PATH_INFO  0
#define AP_REQ_REJECT_PATH_INFO  1
#define AP_REQ_DEFAULT_PATH_INFO 2

/* ---- Records ---- */

typedef struct process_rec process_rec;
typedef struct server_rec server_rec;
typedef struct conn_rec conn_rec;
typedef struct request_rec request_rec;
typedef struct conn_state_t conn_state_t;

/* One .htaccess file a request has read: the core keeps them so that a sub-request does not parse
 * the file again.
 */
struct htaccess_result {
    /* The directory, with a slash at the end. */
    const char *dir;
    /* The overrides that were in force when it was parsed. */
    int override;
    int override_opts;
    apr_table_t *override_list;
    /* What it configured, per module. */
    struct ap_conf_vector_t *htaccess;
    const struct htaccess_result *next;
};

/* The program: one for the whole life of the process. */
struct process_rec {
    /* Lives until the process ends. */
    apr_pool_t *pool;
    /* Cleared before every reading of the configuration. */
    apr_pool_t *pconf;
    /* The name without directories, then the arguments as given. */
    const char *short_name;
    const char *const *argv;
    int argc;
};

/* A request, a sub-request or an internal redirection.
 *
 * The core creates it when the request line has been read, and destroys it with its pool after the
 * log hooks, or when the last byte has left (the end-of-request bucket does it). Everything a
 * module allocates for the request comes from `pool`. A field may be replaced by a module in the
 * hook whose work that is; strings are never changed in place unless they are char *.
 */
struct request_rec {
    /* Freed with the request; sub-requests have a pool below it. */
    apr_pool_t *pool;
    /* Whose request, to which virtual host. The host is settled before translate_name. */
    conn_rec *connection;
    server_rec *server;

    /* Internal redirections form a list: the request redirected to, and the one it comes from. */
    request_rec *next;
    request_rec *prev;
    /* For a sub-request, the request that asked for it; NULL otherwise. */
    request_rec *main;

    /* The request line as received. */
    char *the_request;
    /* True for HTTP/0.9: no header lines in the response. */
    int assbackwards;
    /* PROXYREQ_*: whether the request is to be passed on. */
    int proxyreq;
    /* HEAD: send no body. */
    int header_only;
    /* The protocol as a number (HTTP_VERSION) and as it was written. */
    int proto_num;
    char *protocol;
    /* The name of the host the client asked for, from the request line or the Host header. */
    const char *hostname;

    /* When the request began to be read. */
    apr_time_t request_time;

    /* What the status line says, when it is not the standard text for `status`; else NULL. */
    const char *status_line;
    /* The status of the response; HTTP_OK until somebody changes it. */
    int status;

    /* M_*; extension methods have numbers from ap_method_register(). */
    int method_number;
    /* The method as written; GET or HEAD with M_GET. */
    const char *method;

    /* What a handler supports, for the Allow header: as a mask, as names of extension methods (the
     * old list, of char *) and as one list of both. See ap_allow_methods().
     */
    apr_int64_t allowed;
    apr_array_header_t *allowed_xmethods;
    ap_method_list_t *allowed_methods;

    /* Bytes of content sent so far (for a handler's own use), and bytes of the body as logged by %O
     * and %B.
     */
    apr_off_t sent_bodyct;
    apr_off_t bytes_sent;
    /* Latest change of anything the response depends on; use ap_update_mtime(). */
    apr_time_t mtime;

    /* The Range header as honoured. */
    const char *range;
    /* Length of the content, known after ap_set_content_length(); the byte range filter needs it.
     */
    apr_off_t clength;
    /* Whether the response goes out chunked. */
    int chunked;

    /* The body of the request: the policy of ap_setup_client_block(), whether it is chunked, and
     * whether the client waits for 100 Continue.
     */
    int read_body;
    int read_chunked;
    unsigned expecting_100;
    /* A body kept by mod_request for later readers, and form fields read from it. */
    apr_bucket_brigade *kept_body;
    apr_table_t *body_table;
    /* Bytes of the body still to be read, and already read. */
    apr_off_t remaining;
    apr_off_t read_length;

    /* Header fields of the request; of the response; of the response even when it is an error or
     * the result of an internal redirection.
     */
    apr_table_t *headers_in;
    apr_table_t *headers_out;
    apr_table_t *err_headers_out;
    /* Environment variables for scripts, conditions and logs. */
    apr_table_t *subprocess_env;
    /* Words from module to module. */
    apr_table_t *notes;

    /* Media type, name of the handler, coding and languages (of char *) of the content. Set the
     * first with ap_set_content_type(); any may be NULL. They need not be on the heap: never write
     * into them.
     */
    const char *content_type;
    const char *handler;
    const char *content_encoding;
    apr_array_header_t *content_languages;

    /* Identifies the variant chosen by negotiation; part of the ETag. */
    char *vlist_validator;

    /* The authenticated user, and how: set by the check_user_id hook. */
    char *user;
    char *ap_auth_type;

    /* The target exactly as received, and its path part, decoded and without dots; translate_name
     * maps `uri` to `filename`.
     */
    char *unparsed_uri;
    char *uri;
    /* The file, and its name in the form the file system uses (case, links). */
    char *filename;
    char *canonical_filename;
    /* The part of the path behind the file, from the first slash, and the query without question
     * mark.
     */
    char *path_info;
    char *args;

    /* AP_REQ_*: see above. */
    int used_path_info;
    /* Set when the end-of-stream bucket has been passed down, so that it is passed once. */
    int eos_sent;

    /* What sections and .htaccess files configure for this request, and what modules keep with the
     * request; read both with ap_get_module_config().
     */
    struct ap_conf_vector_t *per_dir_config;
    struct ap_conf_vector_t *request_config;
    /* Log levels, NULL to use those of the connection or server. */
    const struct ap_logconf *log;
    /* Identifies the request in the error log (%L); NULL until it is needed. */
    const char *log_id;
    /* The .htaccess files that apply, the nearest first. */
    const struct htaccess_result *htaccess;

    /* Where this request's filters begin: those of the request itself first, then those of the
     * protocol, then those of the connection. A handler writes to `output_filters` and reads from
     * `input_filters`.
     */
    struct ap_filter_t *output_filters;
    struct ap_filter_t *input_filters;
    struct ap_filter_t *proto_output_filters;
    struct ap_filter_t *proto_input_filters;

    /* Say that the response must not be cached, and that it cannot answer 304. */
    int no_cache;
    int no_local_copy;

    /* Held while a request runs on several threads at once; otherwise unused. */
    apr_thread_mutex_t *invoke_mtx;

    /* The parts of the target, and what stat said of `filename` (filetype APR_NOFILE: there is
     * none).
     */
    apr_uri_t parsed_uri;
    apr_finfo_t finfo;

    /* Who asks, if mod_remoteip knows better; otherwise the connection's client. */
    apr_sockaddr_t *useragent_addr;
    char *useragent_ip;

    /* Header fields behind a chunked body, of the request and of the response. */
    apr_table_t *trailers_in;
    apr_table_t *trailers_out;

    /* The name of useragent_ip once it was looked up, and whether the address confirmed it (1) or
     * not (-1).
     */
    char *useragent_host;
    int double_reverse;
    /* AP_REQUEST_*. */
    ap_request_bnotes_t bnotes;
};

/* request_rec.proxyreq: not proxied; forward proxy; gateway; and, inside mod_proxy, the record
 * which stands for the response of the backend.
 */
#define PROXYREQ_NONE     0
#define PROXYREQ_PROXY    1
#define PROXYREQ_REVERSE  2
#define PROXYREQ_RESPONSE 3

/* Whether the connection will be kept: not decided yet, no, yes. */
typedef enum {
    AP_CONN_UNKNOWN,
    AP_CONN_CLOSE,
    AP_CONN_KEEPALIVE
} ap_conn_keepalive_e;

/* A connection. Created by the create_connection hook, freed with its pool when the connection is
 * closed. Streams of HTTP/2 have a record of their own, whose `master` is the real connection.
 */
struct conn_rec {
    /* Lives as long as the connection. */
    apr_pool_t *pool;
    /* The main server or virtual host of the address; requests may belong to another one. */
    server_rec *base_server;
    /* For the core's search of virtual hosts. */
    void *vhost_lookup_data;

    /* Addresses of the two ends; behind a balancer that speaks the PROXY protocol, mod_remoteip sets
     * client_addr and client_ip to those of the real client.
     */
    apr_sockaddr_t *local_addr;
    apr_sockaddr_t *client_addr;
    /* The client's address as text, its name (NULL: not looked up, "": has none) and its identd
     * user.
     */
    char *client_ip;
    char *remote_host;
    char *remote_logname;
    /* Our own address and name, NULL until asked for. */
    char *local_ip;
    char *local_host;

    /* Distinguishes connections which are open at the same time. */
    long id;
    /* What modules keep with the connection. */
    struct ap_conf_vector_t *conn_config;
    /* Words from module to module, for all requests of the connection. */
    apr_table_t *notes;

    /* Filters that see the raw bytes: TLS, throttling, the network. */
    struct ap_filter_t *input_filters;
    struct ap_filter_t *output_filters;

    /* The handle of this connection's line in the scoreboard. */
    void *sbh;
    /* Gives memory to the buckets of this connection; belongs to the thread that serves it. */
    struct apr_bucket_alloc_t *bucket_alloc;
    /* For an asynchronous MPM: what it shall do when process_connection returns. */
    conn_state_t *cs;

    /* A filter holds bytes back: there is input the socket will not announce, or output not yet
     * written.
     */
    int data_in_input_filters;
    int data_in_output_filters;
    /* Set by input filters that may hold back bytes which polling the socket does not show: an
     * asynchronous MPM then serves the connection on one thread, from its begin to its end.
     */
    unsigned int clogging_input_filters:1;
    /* As in request_rec. */
    signed int double_reverse:2;

    /* Set when the client is gone or a write failed: stop producing. */
    unsigned aborted;
    /* Whether to keep it after this request, and how many requests it has served before. */
    ap_conn_keepalive_e keepalive;
    int keepalives;

    /* Log levels, NULL to use the server's, and the identification in the error log. */
    const struct ap_logconf *log;
    const char *log_id;

    /* The thread that works on it now; changes between requests. */
#if APR_HAS_THREADS
    apr_thread_t *current_thread;
#endif
    /* The real connection below a virtual one, else NULL. */
    conn_rec *master;
    /* True if the server opened it (a proxy's connection to a backend). */
    int outgoing;
};

/* Where a connection of an asynchronous MPM stands. A process_connection hook leaves in conn_rec.cs
 * what shall happen next: wait for a request, write out what is left, suspend, close with or
 * without lingering, or (AP_MPMQ_CAN_WAITIO) come back when the socket is ready.
 */
typedef enum {
    CONN_STATE_KEEPALIVE,
    CONN_STATE_PROCESSING,
    CONN_STATE_HANDLER,
    CONN_STATE_WRITE_COMPLETION,
    CONN_STATE_SUSPENDED,
    CONN_STATE_LINGER,
    CONN_STATE_LINGER_NORMAL,
    CONN_STATE_LINGER_SHORT,
    CONN_STATE_ASYNC_WAITIO,
    CONN_STATE_NUM,
    /* Older names. */
    CONN_STATE_CHECK_REQUEST_LINE_READABLE = CONN_STATE_KEEPALIVE,
    CONN_STATE_READ_REQUEST_LINE = CONN_STATE_PROCESSING,
} conn_state_e;

/* With a state that waits: wait for what, when it is not what the state implies. */
typedef enum {
    CONN_SENSE_DEFAULT,
    CONN_SENSE_WANT_READ,
    CONN_SENSE_WANT_WRITE
} conn_sense_e;

struct conn_state_t {
    conn_state_e state;
    conn_sense_e sense;
};

/* The address that stands for any other in the search of virtual hosts. */
#define DEFAULT_VHOST_ADDR 0xfffffffful

typedef struct server_addr_rec server_addr_rec;
/* One address of a virtual host. */
struct server_addr_rec {
    server_addr_rec *next;
    /* As written in the configuration, for messages. */
    char *virthost;
    apr_sockaddr_t *host_addr;
    /* 0: any port. */
    apr_port_t host_port;
};

/* Log levels: per module by index, -1 where unset, NULL when none is; and for all others. */
struct ap_logconf {
    signed char *module_levels;
    int level;
};

/* The main server or a virtual host. Made while the configuration is read, in pconf; read-only
 * while requests are served.
 */
struct server_rec {
    process_rec *process;
    /* The next virtual host; the first in the list is the main server. */
    server_rec *next;

    /* The error log: as configured, and open (NULL for syslog). */
    char *error_fname;
    apr_file_t *error_log;
    struct ap_logconf log;

    /* Configurations of the modules for the server, and their defaults for every directory. */
    struct ap_conf_vector_t *module_config;
    struct ap_conf_vector_t *lookup_defaults;

    /* Where it is defined; true for a virtual host. */
    const char *defn_name;
    unsigned defn_line_number;
    char is_virtual;

    /* Port, scheme, administrator and name for redirections (ServerName, ServerAdmin). */
    apr_port_t port;
    const char *server_scheme;
    char *server_admin;
    char *server_hostname;
    /* Addresses of a virtual host; NULL for the main server. */
    server_addr_rec *addrs;

    /* Longest silence of a peer, then the settings of kept-alive connections. */
    apr_interval_time_t timeout;
    apr_interval_time_t keep_alive_timeout;
    int keep_alive_max;
    int keep_alive;

    /* ServerAlias: names, and patterns (char *). */
    apr_array_header_t *names;
    apr_array_header_t *wild_names;

    /* ServerPath and its length. */
    const char *path;
    int pathlen;

    /* Limits for the head of a request. */
    int limit_req_line;
    int limit_req_fieldsize;
    int limit_req_fields;

    /* For the module that makes virtual hosts on the fly. */
    void *context;
    /* Whether this host set keep_alive_timeout itself. */
    unsigned int keep_alive_timeout_set:1;
};

typedef struct ap_sload_t ap_sload_t;
/* How busy the server is, from the scoreboard, in percent; filled by ap_get_sload(). */
struct ap_sload_t {
    int idle;
    int busy;
    apr_off_t bytes_served;
    unsigned long access_count;
};

typedef struct ap_loadavg_t ap_loadavg_t;
/* The system's load averages over 1, 5 and 15 minutes; zero where unknown. */
struct ap_loadavg_t {
    float loadavg;
    float loadavg5;
    float loadavg15;
};

AP_DECLARE(void) ap_get_sload(ap_sload_t *ld);
AP_DECLARE(void) ap_get_loadavg(ap_loadavg_t *ld);

/* ---- The document a request is mapped to ---- */

/* The document root in force for this request, which a module that maps URIs (mod_alias,
 * mod_userdir) may have replaced, and the URI prefix it replaced.
 */
AP_DECLARE(const char *) ap_context_document_root(request_rec *r);
AP_DECLARE(const char *) ap_context_prefix(request_rec *r);
/* For such modules, in translate_name: the strings are kept and must live as long as the request.
 */
AP_DECLARE(void) ap_set_context_info(request_rec *r, const char *prefix, const char *document_root);
AP_DECLARE(void) ap_set_document_root(request_rec *r, const char *document_root);

/* ---- Words, lists and tokens of header fields ---- */

/* A media type without its parameters. */
AP_DECLARE(char *) ap_field_noparam(apr_pool_t *p, const char *intype);

/* Formats a time with strftime's letters, in GMT or local time. */
AP_DECLARE(char *) ap_ht_time(apr_pool_t *p, apr_time_t t, const char *fmt, int gmt);

/* Take the next word from *line, up to `stop`, white space or the end, move *line behind it and
 * behind the separators, and return a copy. _nc: for a char *. nulls: does not skip repeated stop
 * characters. conf: as in configuration files, with quotes and backslashes; conf2 also takes {...}.
 */
AP_DECLARE(char *) ap_getword(apr_pool_t *p, const char **line, char stop);
AP_DECLARE(char *) ap_getword_nc(apr_pool_t *p, char **line, char stop);
AP_DECLARE(char *) ap_getword_white(apr_pool_t *p, const char **line);
AP_DECLARE(char *) ap_getword_white_nc(apr_pool_t *p, char **line);
AP_DECLARE(char *) ap_getword_nulls(apr_pool_t *p, const char **line, char stop);
AP_DECLARE(char *) ap_getword_nulls_nc(apr_pool_t *p, char **line, char stop);
AP_DECLARE(char *) ap_getword_conf(apr_pool_t *p, const char **line);
AP_DECLARE(char *) ap_getword_conf_nc(apr_pool_t *p, char **line);
AP_DECLARE(char *) ap_getword_conf2(apr_pool_t *p, const char **line);
AP_DECLARE(char *) ap_getword_conf2_nc(apr_pool_t *p, char **line);

/* Replaces ${NAME} by the value of Define or the environment; an unknown name stays as it is. */
AP_DECLARE(const char *) ap_resolve_env(apr_pool_t *p, const char * word);

/* Items of a comma-separated list. size: the next one, without copying: its start is returned, its
 * length in *len. get: a copy in lower case without white space. find: whether `tok` is an item.
 */
AP_DECLARE(const char *) ap_size_list_item(const char **field, int *len);
AP_DECLARE(char *) ap_get_list_item(apr_pool_t *p, const char **field);
AP_DECLARE(int) ap_find_list_item(apr_pool_t *p, const char *line, const char *tok);

/* Whether an ETag is in a list, by weak or by strong comparison. */
AP_DECLARE(int) ap_find_etag_weak(apr_pool_t *p, const char *line, const char *tok);
AP_DECLARE(int) ap_find_etag_strong(apr_pool_t *p, const char *line, const char *tok);

/* Return the first byte that is not allowed in the content of a field, in a token, or as visible
 * character of a text.
 */
AP_DECLARE(const char *) ap_scan_http_field_content(const char *ptr);
AP_DECLARE(const char *) ap_scan_http_token(const char *ptr);
AP_DECLARE(const char *) ap_scan_vchar_obstext(const char *ptr);

/* Appends the tokens of a list to *tokens (made if NULL, of const char *), each once. Returns NULL,
 * or a message when the list is malformed and skip_invalid is false.
 */
AP_DECLARE(const char *) ap_parse_token_list_strict(apr_pool_t *p, const char *tok,
                                                    apr_array_header_t **tokens, int skip_invalid);

/* The older parser: next token up to a comma or (unless accept_white) white space. */
AP_DECLARE(char *) ap_get_token(apr_pool_t *p, const char **accept_line, int accept_white);
AP_DECLARE(int) ap_find_token(apr_pool_t *p, const char *line, const char *tok);
AP_DECLARE(int) ap_find_last_token(apr_pool_t *p, const char *line, const char *tok);

/* Whether a Transfer-Encoding ends in chunked. */
AP_DECLARE(int) ap_is_chunked(apr_pool_t *p, const char *line);

/* ---- URLs and paths ---- */

/* Whether the text starts with a scheme and a colon. */
AP_DECLARE(int) ap_is_url(const char *u);

/* Decode %xx in place. Return OK, HTTP_BAD_REQUEST for a malformed escape, or HTTP_NOT_FOUND for an
 * encoded slash or zero byte. all: accepts both. keep2f: leaves or decodes %2f.
 */
AP_DECLARE(int) ap_unescape_all(char *url);
AP_DECLARE(int) ap_unescape_url(char *url);
AP_DECLARE(int) ap_unescape_url_keep2f(char *url, int decode_slashes);
#define AP_UNESCAPE_URL_KEEP_UNRESERVED (1u << 0)
#define AP_UNESCAPE_URL_FORBID_SLASHES  (1u << 1)
#define AP_UNESCAPE_URL_KEEP_SLASHES    (1u << 2)
AP_DECLARE(int) ap_unescape_url_ex(char *url, unsigned int flags);
/* The same for form data, where + is a space. */
AP_DECLARE(int) ap_unescape_urlencoded(char *query);

/* Make repeated slashes one, in place; is_fs_path: leave a leading double slash where it means a
 * network share.
 */
AP_DECLARE(void) ap_no2slash(char *name);
AP_DECLARE(void) ap_no2slash_ex(char *name, int is_fs_path);

/* What ap_normalize_path() may do beside resolving dot segments: take a path that does not begin
 * with a slash, refuse one that climbs above the root, decode %xx of letters, digits and "-._~",
 * make repeated slashes one, drop ";..." from segments.
 */
#define AP_NORMALIZE_ALLOW_RELATIVE    (1u << 0)
#define AP_NORMALIZE_NOT_ABOVE_ROOT    (1u << 1)
#define AP_NORMALIZE_DECODE_UNRESERVED (1u << 2)
#define AP_NORMALIZE_MERGE_SLASHES     (1u << 3)
#define AP_NORMALIZE_DROP_PARAMETERS   (0)
/* In place. Returns 0 if the path is malformed. */
AP_DECLARE(int) ap_normalize_path(char *path, unsigned int flags);
/* The older function, without a verdict. */
AP_DECLARE(void) ap_getparents(char *name);

/* Encode for use in a URL. _buffer: `c` has room for three bytes for each of `s`, and one. os: a
 * whole path, `partial` when it need not be protected against looking like a scheme.
 */
AP_DECLARE(char *) ap_escape_path_segment(apr_pool_t *p, const char *s);
AP_DECLARE(char *) ap_escape_path_segment_buffer(char *c, const char *s);
AP_DECLARE(char *) ap_os_escape_path(apr_pool_t *p, const char *path, int partial);
#define ap_escape_uri(ppool, path) ap_os_escape_path(ppool,path,1)
AP_DECLARE(char *) ap_escape_urlencoded(apr_pool_t *p, const char *s);
AP_DECLARE(char *) ap_escape_urlencoded_buffer(char *c, const char *s);

/* Encode for HTML (toasc: other characters as numbers too), for a log line, for a shell, inside
 * quotes.
 */
#define ap_escape_html(p, s) ap_escape_html2(p,s,0)
AP_DECLARE(char *) ap_escape_html2(apr_pool_t *p, const char *s, int toasc);
AP_DECLARE(char *) ap_escape_logitem(apr_pool_t *p, const char *str);
AP_DECLARE(apr_size_t) ap_escape_errorlog_item(char *dest, const char *source, apr_size_t buflen);
AP_DECLARE(char *) ap_escape_shell_cmd(apr_pool_t *p, const char *s);
AP_DECLARE(char *) ap_escape_quotes(apr_pool_t *p, const char *instring);

/* host[:port], the port only if it is not the scheme's own. */
AP_DECLARE(char *) ap_construct_server(apr_pool_t *p, const char *hostname, apr_port_t port,
                                       const request_rec *r);

/* Directories as text: the number of slashes; the first n components of s into d, which is returned
 * at its end; the directory of a file; a directory and a name joined.
 */
AP_DECLARE(int) ap_count_dirs(const char *path);
AP_DECLARE(char *) ap_make_dirstr_prefix(char *d, const char *s, int n);
AP_DECLARE(char *) ap_make_dirstr_parent(apr_pool_t *p, const char *s);
AP_DECLARE(char *) ap_make_full_path(apr_pool_t *a, const char *dir, const char *f);
AP_DECLARE(int) ap_os_is_path_absolute(apr_pool_t *p, const char *dir);

/* Whether a path is a directory, without and with following links. */
AP_DECLARE(int) ap_is_rdirectory(apr_pool_t *p, const char *name);
AP_DECLARE(int) ap_is_directory(apr_pool_t *p, const char *name);

/* apr_filepath_merge() and apr_stat() for paths which come from configuration or requests; refuse
 * what could leave the machine.
 */
AP_DECLARE(apr_status_t) ap_filepath_merge(char **newpath, const char *rootpath,
                                           const char *addpath, apr_int32_t flags, apr_pool_t *p);
AP_DECLARE(apr_status_t) ap_stat_check(const char *path, apr_pool_t *pool);

/* What separates the components of a path. */
#ifdef CASE_BLIND_FILESYSTEM
#define AP_IS_SLASH(s) ((s == '/') || (s == '\\'))
#define AP_SLASHES "/\\"
#else
#define AP_IS_SLASH(s) (s == '/')
#define AP_SLASHES "/"
#endif

/* ---- Patterns and regular expressions ---- */

/* Shell patterns with * and ?: whether a text is one, and whether it matches (0: yes, 1: no, -1: it
 * cannot, whatever follows).
 */
AP_DECLARE(int) ap_is_matchexp(const char *str);
AP_DECLARE(int) ap_strcmp_match(const char *str, const char *expected);
AP_DECLARE(int) ap_strcasecmp_match(const char *str, const char *expected);

/* The first occurrence regardless of case; what follows a prefix, or the whole text. */
AP_DECLARE(char *) ap_strcasestr(const char *s1, const char *s2);
AP_DECLARE(const char *) ap_stripprefix(const char *bigstring, const char *prefix);

/* Compiles with AP_REG_* flags; freed with the pool, or earlier with ap_pregfree(). NULL:
 * malformed.
 */
AP_DECLARE(ap_regex_t *) ap_pregcomp(apr_pool_t *p, const char *pattern, int cflags);
AP_DECLARE(void) ap_pregfree(apr_pool_t *p, ap_regex_t *reg);

/* Replaces $0 to $9 and & in `input` by the groups found in `source`. NULL or an error status when
 * the result would be longer than maxlen (0: no limit; ap_pregsub() has one of 64 KiB).
 */
AP_DECLARE(char *) ap_pregsub(apr_pool_t *p, const char *input, const char *source,
                              apr_size_t nmatch, ap_regmatch_t pmatch[]);
AP_DECLARE(apr_status_t) ap_pregsub_ex(apr_pool_t *p, char **result, const char *input,
                                       const char *source, apr_size_t nmatch,
                                       ap_regmatch_t pmatch[], apr_size_t maxlen);

/* ---- Small text functions ---- */

/* To lower and upper case in place; ASCII only. content_type leaves parameter values alone. */
AP_DECLARE(void) ap_content_type_tolower(char *s);
AP_DECLARE(void) ap_str_tolower(char *s);
AP_DECLARE(void) ap_str_toupper(char *s);

/* Index of the first and of the last c, or -1. */
AP_DECLARE(int) ap_ind(const char *str, char c);
AP_DECLARE(int) ap_rind(const char *str, char c);

/* Compare in a time that does not tell where the difference is. True: equal. */
AP_DECLARE(int) ap_memeq_timingsafe(const void *buf1, const void *buf2, apr_size_t n);
AP_DECLARE(int) ap_streq_timingsafe(const char *sec1, const char *str2);
AP_DECLARE(int) ap_strneq_timingsafe(const char *sec1, const char *str2, apr_size_t n);

/* Compare ASCII text regardless of case and of the locale. */
AP_DECLARE(int) ap_cstr_casecmp(const char *s1, const char *s2);
AP_DECLARE(int) ap_cstr_casecmpn(const char *s1, const char *s2, apr_size_t n);

/* Base64. */
AP_DECLARE(char *) ap_pbase64decode(apr_pool_t *p, const char *bufcoded);
AP_DECLARE(char *) ap_pbase64encode(apr_pool_t *p, char *string);

/* string, delimiter and the number of this process. */
AP_DECLARE(char *) ap_append_pid(apr_pool_t *p, const char *string, const char *delim);

/* Digits only, no sign, no overflow. False: something else. */
AP_DECLARE(int) ap_parse_strict_length(apr_off_t *len, const char *str);
/* "30", "100ms", "2min" and so on; a bare number has the default unit. */
AP_DECLARE(apr_status_t) ap_timeout_parameter_parse(const char *timeout_parameter,
                                                    apr_interval_time_t *timeout,
                                                    const char *default_time_unit);

/* Copy with every character that is not a letter or digit as an underscore. */
AP_DECLARE(apr_status_t) ap_pstr2_alnum(apr_pool_t *p, const char *src, const char **dest);
AP_DECLARE(apr_status_t) ap_str2_alnum(const char *src, char *dest);

/* Hexadecimal, with a zero byte: dest has room for 2 * srclen + 1. */
AP_DECLARE(void) ap_bin2hex(const void *src, apr_size_t srclen, char *dest);

/* strchr and friends which keep const apart; they are functions only in a debugging build, where
 * they also replace the plain ones.
 */
#include <string.h>
AP_DECLARE(char *) ap_strchr(char *s, int c);
AP_DECLARE(const char *) ap_strchr_c(const char *s, int c);
AP_DECLARE(char *) ap_strrchr(char *s, int c);
AP_DECLARE(const char *) ap_strrchr_c(const char *s, int c);
AP_DECLARE(char *) ap_strstr(char *s, const char *c);
AP_DECLARE(const char *) ap_strstr_c(const char *s, const char *c);
#ifndef AP_DEBUG
#define ap_strchr(s, c) strchr(s, c)
#define ap_strchr_c(s, c) strchr(s, c)
#define ap_strrchr(s, c) strrchr(s, c)
#define ap_strrchr_c(s, c) strrchr(s, c)
#define ap_strstr(s, c) strstr(s, c)
#define ap_strstr_c(s, c) strstr(s, c)
#else
#undef strchr
#define strchr(s, c) ap_strchr(s, c)
#undef strrchr
#define strrchr(s, c) ap_strrchr(s, c)
#undef strstr
#define strstr(s, c) ap_strstr(s, c)
#endif

/* Index of s in an array of const char * from `start` on, or -1; whether it is there. */
AP_DECLARE(int) ap_array_str_index(const apr_array_header_t *array, const char *s, int start);
AP_DECLARE(int) ap_array_str_contains(const apr_array_header_t *array, const char *s);

/* ---- Forms ---- */

/* Whether a body follows the head. */
AP_DECLARE(int) ap_request_has_body(request_rec *r);

/* One field of a submitted form. */
typedef struct {
    const char *name;
    apr_bucket_brigade *value;
} ap_form_pair_t;

/* Reads a body of type application/x-www-form-urlencoded from filter f into an array of
 * ap_form_pair_t: at most num fields (-1: any number) of together `size` bytes. Returns OK or a
 * status.
 */
AP_DECLARE(int) ap_parse_form_data(request_rec *r, struct ap_filter_t *f,
                                   apr_array_header_t **ptr, apr_size_t num, apr_size_t size);

/* ---- Matching files in a directory ---- */

/* Walking the names of a directory which match a pattern, for Include and its like. `cb` is called
 * for every match; a message from it, or of the walk itself, is returned.
 */
#define AP_DIR_FLAG_NONE      0
#define AP_DIR_FLAG_OPTIONAL  1
#define AP_DIR_FLAG_RECURSIVE 2
typedef struct ap_dir_match_t ap_dir_match_t;
struct ap_dir_match_t {
    /* Results, and what is needed meanwhile. */
    apr_pool_t *p;
    apr_pool_t *ptemp;
    /* Begins messages. */
    const char *prefix;
    const char *(*cb)(ap_dir_match_t *w, const char *fname);
    /* For cb. */
    void *ctx;
    /* AP_DIR_FLAG_*, and how deep the walk is. */
    int flags;
    unsigned int depth;
};

AP_DECLARE(const char *) ap_dir_nofnmatch(ap_dir_match_t *w, const char *fname)
    __attribute__((nonnull(1, 2)));
AP_DECLARE(const char *) ap_dir_fnmatch(ap_dir_match_t *w, const char *path, const char *fname)
    __attribute__((nonnull(1, 3)));

/* ---- Processes and threads ---- */

char *ap_get_local_host(apr_pool_t *p);

/* The command, its arguments in argv; returns the first line of what it prints, NULL on failure. */
AP_DECLARE(char *) ap_get_exec_line(apr_pool_t *p, const char *cmd, const char *const *argv);

/* Logs the failed assertion and aborts. AP_DEBUG_ASSERT only in debugging builds. */
AP_DECLARE(void) ap_log_assert(const char *szExp, const char *szFile, int nLine)
    __attribute__((noreturn));
#define ap_assert(exp) ((exp) ? (void)0 : ap_log_assert(#exp,__FILE__,__LINE__))
#ifdef AP_DEBUG
#define AP_DEBUG_ASSERT(exp) ap_assert(exp)
#else
#define AP_DEBUG_ASSERT(exp) ((void)0)
#endif

/* Points where a debugger may stop the server, when it was built for that. */
#define SIGSTOP_DETACH          1
#define SIGSTOP_MAKE_CHILD      2
#define SIGSTOP_SPAWN_CHILD     4
#define SIGSTOP_PIPED_LOG_SPAWN 8
#define SIGSTOP_CGI_CHILD       16
#ifdef DEBUG_SIGSTOP
extern int raise_sigstop_flags;
#define RAISE_SIGSTOP(x)                                                                           \
    do {                                                                                           \
        if (raise_sigstop_flags & SIGSTOP_##x)                                                     \
            raise(SIGSTOP);                                                                        \
    } while (0)
#else
#define RAISE_SIGSTOP(x)
#endif

/* The line below error pages and listings that ServerSignature asks for, behind `prefix`; or "". */
AP_DECLARE(const char *) ap_psignature(const char *prefix, request_rec *r);

/* Random bytes and numbers (min and max included) which are no secret. */
AP_DECLARE(void) ap_random_insecure_bytes(void *buf, apr_size_t size);
AP_DECLARE(apr_uint32_t) ap_random_pick(apr_uint32_t min, apr_uint32_t max);

/* For apr_pool_abort_set(): says so in the log and ends the process. The allocators do that by
 * themselves; their memory is freed with free().
 */
AP_DECLARE(void) ap_abort_on_oom(void) __attribute__((noreturn));
AP_DECLARE(void *) ap_malloc(size_t size) __attribute__((malloc)) AP_FN_ATTR_ALLOC_SIZE(1);
AP_DECLARE(void *) ap_calloc(size_t nelem, size_t size)
    __attribute__((malloc)) AP_FN_ATTR_ALLOC_SIZE2(1, 2);
AP_DECLARE(void *) ap_realloc(void *ptr, size_t size)
    AP_FN_ATTR_WARN_UNUSED_RESULT AP_FN_ATTR_ALLOC_SIZE(2);

/* APR threads which know themselves: ap_thread_current() is the thread that ap_thread_create()
 * made, or to which ap_thread_current_create() gave a name; NULL otherwise. A child calls the
 * after_fork function first. From APR 1.8 on these are APR's own.
 */
#if APR_HAS_THREADS
#if APR_VERSION_AT_LEAST(1, 8, 0) && !defined(AP_NO_THREAD_LOCAL)

#if APR_HAS_THREAD_LOCAL
#define AP_HAS_THREAD_LOCAL 1
#define AP_THREAD_LOCAL APR_THREAD_LOCAL
#else
#define AP_HAS_THREAD_LOCAL 0
#endif
#define ap_thread_create apr_thread_create
#define ap_thread_current apr_thread_current
#define ap_thread_current_create apr_thread_current_create
#define ap_thread_current_after_fork apr_thread_current_after_fork

#else

#ifndef AP_NO_THREAD_LOCAL
#if defined(__cplusplus) && __cplusplus >= 201103L
#define AP_THREAD_LOCAL thread_local
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112
#define AP_THREAD_LOCAL _Thread_local
#elif defined(__GNUC__)
#define AP_THREAD_LOCAL __thread
#endif
#endif

#ifdef AP_THREAD_LOCAL
#define AP_HAS_THREAD_LOCAL 1
AP_DECLARE(apr_status_t) ap_thread_create(apr_thread_t **thread, apr_threadattr_t *attr,
                                          apr_thread_start_t func, void *data, apr_pool_t *pool);
#else
#define AP_HAS_THREAD_LOCAL 0
#define ap_thread_create apr_thread_create
#endif
AP_DECLARE(apr_thread_t *) ap_thread_current(void);
AP_DECLARE(apr_status_t) ap_thread_current_create(apr_thread_t **current, apr_threadattr_t *attr,
                                                  apr_pool_t *pool);
AP_DECLARE(void) ap_thread_current_after_fork(void);

#endif
AP_DECLARE(apr_status_t) ap_thread_main_create(apr_thread_t **thread, apr_pool_t *pool);
#else
#define AP_HAS_THREAD_LOCAL 0
#endif

#ifdef __cplusplus
}
#endif

#endif
