/* ap_expr.h: the expressions of <If>, Require expr, SetEnvIfExpr, Header ... expr= and others.
 *
 * A module parses when a directive is read and evaluates for each request. It may add functions and
 * variables in the expr_lookup hook.
 */

#ifndef AP_EXPR_H
#define AP_EXPR_H

#include "httpd.h"
#include "http_config.h"
#include "ap_regex.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ap_expr_node ap_expr_t;

/* A parsed expression. */
typedef struct {
    ap_expr_t *root_node;
    /* Where it stands, for messages. */
    const char *filename;
    unsigned int line_number;
    /* AP_EXPR_FLAG_*, and the module for log messages. */
    unsigned int flags;
    int module_index;
} ap_expr_info_t;

/* Words of mod_ssl's old language too; do not touch Vary; none of the functions that reach outside
 * of the request, or only not those that look at files (.htaccess); the whole is a string with
 * %{...} instead of a condition.
 */
#define AP_EXPR_FLAG_SSL_EXPR_COMPAT      1
#define AP_EXPR_FLAG_DONT_VARY            2
#define AP_EXPR_FLAG_RESTRICTED           4
#define AP_EXPR_FLAG_STRING_RESULT        8
#define AP_EXPR_FLAG_RESTRICTED_FILE_FUNC 16

/* ---- Evaluating ---- */

/* > 0: true, 0: false, < 0: failure, with a message in *err (set to NULL otherwise). _re keeps
 * groups of regular expressions in pmatch, whose offsets are into *source, from one call to the
 * next.
 */
AP_DECLARE(int) ap_expr_exec(request_rec *r, const ap_expr_info_t *expr, const char **err);
AP_DECLARE(int) ap_expr_exec_re(request_rec *r, const ap_expr_info_t *expr, apr_size_t nmatch,
                                ap_regmatch_t *pmatch, const char **source, const char **err);
/* Strings; NULL on failure. */
AP_DECLARE(const char *) ap_expr_str_exec(request_rec *r, const ap_expr_info_t *expr,
                                          const char **err);
AP_DECLARE(const char *) ap_expr_str_exec_re(request_rec *r, const ap_expr_info_t *expr,
                                             apr_size_t nmatch, ap_regmatch_t *pmatch,
                                             const char **source, const char **err);

/* Everything an evaluation has; the functions below get it. */
typedef struct {
    /* r may be NULL; p is for results. */
    request_rec *r;
    conn_rec *c;
    server_rec *s;
    apr_pool_t *p;
    /* Where to put a message. */
    const char **err;
    const ap_expr_info_t *info;
    /* Groups of the last match, their number, and the string they are in. */
    ap_regmatch_t *re_pmatch;
    apr_size_t re_nmatch;
    const char **re_source;
    /* If not NULL: header fields the result depends on are added, for Vary. */
    const char **vary_this;
    /* If not NULL: where to put the result of a string expression. */
    const char **result_string;
    /* For the caller. */
    void *data;
    /* Depth of nesting, which is limited. */
    int reclvl;
} ap_expr_eval_ctx_t;

/* Evaluates with a context the caller has filled. */
AP_DECLARE(int) ap_expr_exec_ctx(ap_expr_eval_ctx_t *ctx);

/* ---- Functions and variables of modules ---- */

/* `-X arg` and `arg1 -xx arg2`; `name(arg)`; `name(arg)` as a list of const char *; %{NAME}. `data`
 * is what the look-up gave. Results live as long as ctx->p.
 */
typedef int ap_expr_op_unary_t(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg);
typedef int ap_expr_op_binary_t(ap_expr_eval_ctx_t *ctx, const void *data, const char *arg1,
                                const char *arg2);
typedef const char *(ap_expr_string_func_t)(ap_expr_eval_ctx_t *ctx, const void *data,
                                            const char *arg);
typedef apr_array_header_t *(ap_expr_list_func_t)(ap_expr_eval_ctx_t *ctx, const void *data,
                                                  const char *arg);
typedef const char *(ap_expr_var_func_t)(ap_expr_eval_ctx_t *ctx, const void *data);

/* What the look-up is asked. */
typedef struct {
    /* What is wanted (one of the constants below), and the name in the expression. */
    int type;
#define AP_EXPR_FUNC_VAR 0
#define AP_EXPR_FUNC_STRING 1
#define AP_EXPR_FUNC_LIST 2
#define AP_EXPR_FUNC_OP_UNARY 3
#define AP_EXPR_FUNC_OP_BINARY 4
    const char *name;
    /* AP_EXPR_FLAG_*. */
    int flags;
    /* For what lives as long as the expression, and meanwhile. */
    apr_pool_t *pool;
    apr_pool_t *ptemp;
    /* Where to put the function, and its data. */
    const void **func;
    const void **data;
    /* Where to put a message. */
    const char **err;
    /* The argument if it is constant, else NULL. */
    const char *arg;
} ap_expr_lookup_parms;

/* OK, or DECLINED for an unknown name; anything else with a message. The default one runs the hook.
 */
typedef int (ap_expr_lookup_fn_t)(ap_expr_lookup_parms *parms);
AP_DECLARE_NONSTD(int) ap_expr_lookup_default(ap_expr_lookup_parms *parms);
AP_DECLARE_HOOK(int, expr_lookup, (ap_expr_lookup_parms *parms))

/* ---- Parsing ---- */

/* For a directive's argument; the result is in cmd->pool, NULL with a message in *err. lookup_fn
 * NULL: the hook.
 */
AP_DECLARE(ap_expr_info_t *) ap_expr_parse_cmd_mi(const cmd_parms *cmd, const char *expr,
                                                  unsigned int flags, const char **err,
                                                  ap_expr_lookup_fn_t *lookup_fn, int module_index);
#define ap_expr_parse_cmd(cmd, expr, flags, err, lookup_fn) \
    ap_expr_parse_cmd_mi(cmd, expr, flags, err, lookup_fn, APLOG_MODULE_INDEX)
/* Into *info, which the caller has filled but for root_node; returns a message or NULL. */
AP_DECLARE(const char *) ap_expr_parse(apr_pool_t *pool, apr_pool_t *ptemp, ap_expr_info_t *info,
                                       const char *expr, ap_expr_lookup_fn_t *lookup_fn);

void ap_expr_init(apr_pool_t *pool);

#ifdef __cplusplus
}
#endif

#endif
