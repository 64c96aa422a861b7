/* http_config.h: what a module is: its structure, its directives, its configuration records; and
 * how the core reads configuration and finds modules.
 */

#ifndef APACHE_HTTP_CONFIG_H
#define APACHE_HTTP_CONFIG_H

#include "httpd.h"
#include "util_cfgtree.h"
#include "ap_config.h"
#include "apr_tables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Directives ---- */

/* How many arguments a directive takes, and so which member of cmd_func the core calls. RAW_ARGS:
 * the rest of the line as it stands. ITERATE: take1 for each argument; ITERATE2: take2 for the
 * first with each of the others. FLAG: On or Off. TAKE12 and so on: either number, NULL for what is
 * missing.
 */
enum cmd_how {
    RAW_ARGS,
    TAKE1,
    TAKE2,
    ITERATE,
    ITERATE2,
    FLAG,
    NO_ARGS,
    TAKE12,
    TAKE3,
    TAKE23,
    TAKE123,
    TAKE13,
    TAKE_ARGV
};

typedef struct cmd_parms_struct cmd_parms;

/* A directive's function. `mconfig` is the module's record of the section the directive stands in
 * (per directory), whatever kind of directive it is; server records are had by
 * ap_get_module_config() from parms->server. Returns NULL, a message for the user, or DECLINE_CMD.
 * Strings must be copied if they are kept beyond parms->pool.
 */
#if defined(AP_HAVE_DESIGNATED_INITIALIZER)
typedef union {
    const char *(*no_args)(cmd_parms *parms, void *mconfig);
    const char *(*raw_args)(cmd_parms *parms, void *mconfig, const char *args);
    const char *(*take_argv)(cmd_parms *parms, void *mconfig, int argc, char *const argv[]);
    const char *(*take1)(cmd_parms *parms, void *mconfig, const char *w);
    const char *(*take2)(cmd_parms *parms, void *mconfig, const char *w, const char *w2);
    const char *(*take3)(cmd_parms *parms, void *mconfig, const char *w, const char *w2,
                         const char *w3);
    const char *(*flag)(cmd_parms *parms, void *mconfig, int on);
} cmd_func;

/* Names of the members for code that must also work without designated initialisers. */
#define AP_NO_ARGS func.no_args
#define AP_RAW_ARGS func.raw_args
#define AP_TAKE_ARGV func.take_argv
#define AP_TAKE1 func.take1
#define AP_TAKE2 func.take2
#define AP_TAKE3 func.take3
#define AP_FLAG func.flag

/* An entry of a table of directives: its name, its function (of the form the name of the macro
 * says), a pointer for the function's parms->cmd->cmd_data, where it may stand (OR_*, RSRC_CONF
 * ...), and a line of help. The table ends with { NULL }.
 */
#define AP_INIT_NO_ARGS(directive, func, mconfig, where, help)                                     \
    { directive, { .no_args=func }, mconfig, where, RAW_ARGS, help }
#define AP_INIT_RAW_ARGS(directive, func, mconfig, where, help)                                    \
    { directive, { .raw_args=func }, mconfig, where, RAW_ARGS, help }
#define AP_INIT_TAKE_ARGV(directive, func, mconfig, where, help)                                   \
    { directive, { .take_argv=func }, mconfig, where, TAKE_ARGV, help }
#define AP_INIT_TAKE1(directive, func, mconfig, where, help)                                       \
    { directive, { .take1=func }, mconfig, where, TAKE1, help }
#define AP_INIT_TAKE2(directive, func, mconfig, where, help)                                       \
    { directive, { .take2=func }, mconfig, where, TAKE2, help }
#define AP_INIT_TAKE12(directive, func, mconfig, where, help)                                      \
    { directive, { .take2=func }, mconfig, where, TAKE12, help }
#define AP_INIT_TAKE3(directive, func, mconfig, where, help)                                       \
    { directive, { .take3=func }, mconfig, where, TAKE3, help }
#define AP_INIT_TAKE13(directive, func, mconfig, where, help)                                      \
    { directive, { .take3=func }, mconfig, where, TAKE13, help }
#define AP_INIT_TAKE23(directive, func, mconfig, where, help)                                      \
    { directive, { .take3=func }, mconfig, where, TAKE23, help }
#define AP_INIT_TAKE123(directive, func, mconfig, where, help)                                     \
    { directive, { .take3=func }, mconfig, where, TAKE123, help }
#define AP_INIT_ITERATE(directive, func, mconfig, where, help)                                     \
    { directive, { .take1=func }, mconfig, where, ITERATE, help }
#define AP_INIT_ITERATE2(directive, func, mconfig, where, help)                                    \
    { directive, { .take2=func }, mconfig, where, ITERATE2, help }
#define AP_INIT_FLAG(directive, func, mconfig, where, help)                                        \
    { directive, { .flag=func }, mconfig, where, FLAG, help }

#else

typedef const char *(*cmd_func)();

#define AP_NO_ARGS func
#define AP_RAW_ARGS func
#define AP_TAKE_ARGV func
#define AP_TAKE1 func
#define AP_TAKE2 func
#define AP_TAKE3 func
#define AP_FLAG func

#define AP_INIT_NO_ARGS(directive, func, mconfig, where, help)                                     \
    { directive, func, mconfig, where, RAW_ARGS, help }
#define AP_INIT_RAW_ARGS(directive, func, mconfig, where, help)                                    \
    { directive, func, mconfig, where, RAW_ARGS, help }
#define AP_INIT_TAKE_ARGV(directive, func, mconfig, where, help)                                   \
    { directive, func, mconfig, where, TAKE_ARGV, help }
#define AP_INIT_TAKE1(directive, func, mconfig, where, help)                                       \
    { directive, func, mconfig, where, TAKE1, help }
#define AP_INIT_TAKE2(directive, func, mconfig, where, help)                                       \
    { directive, func, mconfig, where, TAKE2, help }
#define AP_INIT_TAKE12(directive, func, mconfig, where, help)                                      \
    { directive, func, mconfig, where, TAKE12, help }
#define AP_INIT_TAKE3(directive, func, mconfig, where, help)                                       \
    { directive, func, mconfig, where, TAKE3, help }
#define AP_INIT_TAKE13(directive, func, mconfig, where, help)                                      \
    { directive, func, mconfig, where, TAKE13, help }
#define AP_INIT_TAKE23(directive, func, mconfig, where, help)                                      \
    { directive, func, mconfig, where, TAKE23, help }
#define AP_INIT_TAKE123(directive, func, mconfig, where, help)                                     \
    { directive, func, mconfig, where, TAKE123, help }
#define AP_INIT_ITERATE(directive, func, mconfig, where, help)                                     \
    { directive, func, mconfig, where, ITERATE, help }
#define AP_INIT_ITERATE2(directive, func, mconfig, where, help)                                    \
    { directive, func, mconfig, where, ITERATE2, help }
#define AP_INIT_FLAG(directive, func, mconfig, where, help)                                        \
    { directive, func, mconfig, where, FLAG, help }

#endif

typedef struct command_struct command_rec;
/* One directive of a module. */
struct command_struct {
    const char *name;
    cmd_func func;
    /* For the function; the ap_set_*_slot() functions expect the offset of a member here. */
    void *cmd_data;
    /* OR_* and RSRC_CONF, ACCESS_CONF, EXEC_ON_READ. */
    int req_override;
    enum cmd_how args_how;
    /* Shown when the arguments do not fit. */
    const char *errmsg;
};

/* Where a directive may stand. OR_*: also in .htaccess files, if AllowOverride names that class.
 * ACCESS_CONF: in sections of the main files; RSRC_CONF: in the main files outside of sections.
 */
#define OR_NONE     0
#define OR_LIMIT    1
#define OR_OPTIONS  2
#define OR_FILEINFO 4
#define OR_AUTHCFG  8
#define OR_INDEXES  16
#define OR_ALL      (OR_LIMIT|OR_OPTIONS|OR_FILEINFO|OR_AUTHCFG|OR_INDEXES)
#define OR_UNSET    32
#define ACCESS_CONF 64
#define RSRC_CONF   128
#define PROXY_CONF  2048
/* Call the function while the file is read, not when the tree is walked afterwards. */
#define EXEC_ON_READ 256
/* AllowOverrideList and `Nonfatal=`: what in a .htaccess file is ignored instead of being an error.
 */
#define NONFATAL_OVERRIDE 512
#define NONFATAL_UNKNOWN  1024
#define NONFATAL_ALL      (NONFATAL_OVERRIDE|NONFATAL_UNKNOWN)

/* Returned by a directive's function: not mine after all, ask the next module with this name. */
#define DECLINE_CMD "\a\b"

typedef struct ap_configfile_t ap_configfile_t;
/* Configuration text being read, from a file or from functions of a module. */
struct ap_configfile_t {
    /* Read a byte, a line of less than bufsiz; close. All get `param`. */
    apr_status_t (*getch)(char *ch, void *param);
    apr_status_t (*getstr)(void *buf, apr_size_t bufsiz, void *param);
    apr_status_t (*close)(void *param);
    void *param;
    /* For messages. */
    const char *name;
    unsigned line_number;
};

/* What a directive's function is told. */
struct cmd_parms_struct {
    /* cmd_data of the directive. */
    void *info;
    /* Which classes may be used where it stands, the options that may be, and single directives. */
    int override;
    int override_opts;
    apr_table_t *override_list;
    /* Methods of the enclosing <Limit>: as mask (-1: all), as names, and both. */
    apr_int64_t limited;
    apr_array_header_t *limited_xmethods;
    ap_method_list_t *xlimited;
    /* The text being read (NULL while the tree is walked) and the node of the tree. */
    ap_configfile_t *config_file;
    ap_directive_t *directive;
    /* What is allocated here lives as long as the configuration, or until it has been read. */
    apr_pool_t *pool;
    apr_pool_t *temp_pool;
    server_rec *server;
    /* The directory, location or file of the section; NULL outside. */
    char *path;
    /* The entry in the table. */
    const command_rec *cmd;
    /* Records of the section. */
    struct ap_conf_vector_t *context;
    /* The node to be blamed for an error, if it is another one. */
    const ap_directive_t *err_directive;
};

/* For modules without need of a function: store the argument in the member of the module's record
 * at offset cmd_data: an integer; a string, as it is, in lower case, or as a path below ServerRoot;
 * On or Off in an int or a char.
 */
AP_DECLARE_NONSTD(const char *) ap_set_int_slot(cmd_parms *cmd, void *struct_ptr, const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_string_slot(cmd_parms *cmd, void *struct_ptr,
                                                   const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_string_slot_lower(cmd_parms *cmd, void *struct_ptr,
                                                         const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_file_slot(cmd_parms *cmd, void *struct_ptr, const char *arg);
AP_DECLARE_NONSTD(const char *) ap_set_flag_slot(cmd_parms *cmd, void *struct_ptr, int arg);
AP_DECLARE_NONSTD(const char *) ap_set_flag_slot_char(cmd_parms *cmd, void *struct_ptr, int arg);
/* Refuses a directive that is no longer there. */
AP_DECLARE_NONSTD(const char *) ap_set_deprecated(cmd_parms *cmd, void *struct_ptr,
                                                  const char *arg);

/* Messages for directives in the wrong place: ap_check_cmd_context() returns one if the directive
 * stands in a section of `forbidden`, else NULL.
 */
#define NOT_IN_VIRTUALHOST  0x01
#define NOT_IN_LIMIT        0x02
#define NOT_IN_DIRECTORY    0x04
#define NOT_IN_LOCATION     0x08
#define NOT_IN_FILES        0x10
#define NOT_IN_HTACCESS     0x20
#define NOT_IN_PROXY        0x40
#define NOT_IN_DIR_LOC_FILE (NOT_IN_DIRECTORY|NOT_IN_LOCATION|NOT_IN_FILES)
#define NOT_IN_DIR_CONTEXT  (NOT_IN_LIMIT|NOT_IN_DIR_LOC_FILE|NOT_IN_PROXY)
#define GLOBAL_ONLY         (NOT_IN_VIRTUALHOST|NOT_IN_DIR_CONTEXT)
AP_DECLARE(const char *) ap_check_cmd_context(cmd_parms *cmd, unsigned forbidden);

/* Whether the enclosing <Limit> names this method. */
AP_DECLARE(int) ap_method_is_limited(cmd_parms *cmd, const char *method);

/* The number of a level's name (LogLevel); returns a message or NULL. */
AP_DECLARE(const char *) ap_parse_log_level(const char *str, int *val);

/* Paths of the configuration: below ServerRoot, and below DefaultRuntimeDir. NULL: not a path. */
AP_DECLARE(char *) ap_server_root_relative(apr_pool_t *p, const char *fname);
AP_DECLARE(char *) ap_runtime_dir_relative(apr_pool_t *p, const char *fname);

/* ---- The module structure ---- */

/* Merge server records even if a virtual host has none of its own. */
#define AP_MODULE_FLAG_NONE         (0)
#define AP_MODULE_FLAG_ALWAYS_MERGE (1 << 0)

typedef struct module_struct module;
/* A module. Every module defines one as `NAME_module`, beginning with STANDARD20_MODULE_STUFF. */
struct module_struct {
    /* Numbers of the ABI it was compiled with. */
    int version;
    int minor_version;
    /* Its place in vectors of configurations; the core sets it. */
    int module_index;
    /* The name of its main source; modules name each other by it in hook orders and <IfModule>. */
    const char *name;
    /* The library it came from (NULL: static), and the list of modules. */
    void *dynamic_load_handle;
    struct module_struct *next;
    /* MODULE_MAGIC_COOKIE. */
    unsigned long magic;
    /* For MPMs: adjusts the command line before the configuration is read. */
    void (*rewrite_args)(process_rec *process);

    /* Make and merge the module's records: per directory (dir is NULL for the server's default) and
     * per server. A NULL function: no record; without a merge function, the more specific one wins.
     * Merging returns a new record and leaves both arguments alone: they serve other requests too.
     */
    void *(*create_dir_config)(apr_pool_t *p, char *dir);
    void *(*merge_dir_config)(apr_pool_t *p, void *base_conf, void *new_conf);
    void *(*create_server_config)(apr_pool_t *p, server_rec *s);
    void *(*merge_server_config)(apr_pool_t *p, void *base_conf, void *new_conf);
    /* The table of directives. */
    const command_rec *cmds;
    /* Adds the module's functions to the hooks; called once for each reading of the configuration.
     */
    void (*register_hooks)(apr_pool_t *p);
    /* AP_MODULE_FLAG_*. */
    int flags;
};

/* The first members of a module, of an MPM, and a mark that stops sources for 1.3. */
#define STANDARD20_MODULE_STUFF                                                                    \
    MODULE_MAGIC_NUMBER_MAJOR, MODULE_MAGIC_NUMBER_MINOR, -1, __FILE__, NULL, NULL,                \
        MODULE_MAGIC_COOKIE, NULL
#define MPM20_MODULE_STUFF                                                                         \
    MODULE_MAGIC_NUMBER_MAJOR, MODULE_MAGIC_NUMBER_MINOR, -1, __FILE__, NULL, NULL,                \
        MODULE_MAGIC_COOKIE
#define STANDARD_MODULE_STUFF this_module_needs_to_be_ported_to_apache_2_0

/* Something that need not be used. */
#ifndef AP_MAYBE_UNUSED
#if defined(__GNUC__)
#define AP_MAYBE_UNUSED(x) x __attribute__((unused))
#else
#define AP_MAYBE_UNUSED(x) x
#endif
#endif

/* APLOG_USE_MODULE(name), in a source of a module: log calls that follow belong to name_module.
 * AP_DECLARE_MODULE(name) = { ... }; does that and begins the definition of the structure.
 */
#define APLOG_USE_MODULE(foo)                                                                      \
    extern module AP_MODULE_DECLARE_DATA foo##_module;                                             \
    AP_MAYBE_UNUSED(static int *const aplog_module_index) = &(foo##_module.module_index)
#define AP_DECLARE_MODULE(foo)                                                                     \
    APLOG_USE_MODULE(foo);                                                                         \
    module AP_MODULE_DECLARE_DATA foo##_module

/* ---- Configuration records ---- */

/* One record (void *) for each module, at its module_index. */
typedef struct ap_conf_vector_t ap_conf_vector_t;

/* A module's record in a vector, NULL if there is none. */
AP_DECLARE(void *) ap_get_module_config(const ap_conf_vector_t *cv, const module *m);
AP_DECLARE(void) ap_set_module_config(ap_conf_vector_t *cv, const module *m, void *val);
#if !defined(AP_DEBUG)
#define ap_get_module_config(v, m) (((void **)(v))[(m)->module_index])
#define ap_set_module_config(v, m, val) ((((void **)(v))[(m)->module_index]) = (val))
#endif

/* The flags of a module, 0 for binaries from before there were any. */
#define AP_MODULE_FLAGS_MMN_MAJOR 20120211
#define AP_MODULE_FLAGS_MMN_MINOR 70
#define AP_MODULE_HAS_FLAGS(m) \
    AP_MODULE_MAGIC_AT_LEAST(AP_MODULE_FLAGS_MMN_MAJOR, AP_MODULE_FLAGS_MMN_MINOR)
AP_DECLARE(int) ap_get_module_flags(const module *m);

/* Vectors for the core: of a request, a connection, a section; and one of two sections merged. */
AP_DECLARE(ap_conf_vector_t *) ap_create_request_config(apr_pool_t *p);
AP_CORE_DECLARE(ap_conf_vector_t *) ap_create_conn_config(apr_pool_t *p);
AP_CORE_DECLARE(ap_conf_vector_t *) ap_create_per_dir_config(apr_pool_t *p);
AP_CORE_DECLARE(ap_conf_vector_t *) ap_merge_per_dir_configs(apr_pool_t *p,
        ap_conf_vector_t *base, ap_conf_vector_t *new_conf);

/* Data that outlives readings of the configuration: get finds it, create makes it, zeroed. */
AP_DECLARE(void *) ap_retained_data_create(const char *key, apr_size_t size);
AP_DECLARE(void *) ap_retained_data_get(const char *key);

/* ---- Log levels of modules ---- */

/* The level in force for module `index`. Macros take their place outside of debugging builds. */
AP_DECLARE(int) ap_get_server_module_loglevel(const server_rec *s, int index);
AP_DECLARE(int) ap_get_conn_module_loglevel(const conn_rec *c, int index);
AP_DECLARE(int) ap_get_conn_server_module_loglevel(const conn_rec *c, const server_rec *s,
                                                   int index);
AP_DECLARE(int) ap_get_request_module_loglevel(const request_rec *r, int index);
#if !defined(AP_DEBUG)

/* The levels that apply to a connection, to it within a virtual host, and to a request. */
#define ap_get_conn_logconf(c) ((c)->log ? (c)->log : &(c)->base_server->log)
#define ap_get_conn_server_logconf(c, s)                                                           \
    (((c)->log != NULL && (c)->log != &(c)->base_server->log) ? (c)->log : &(s)->log)
#define ap_get_request_logconf(r)                                                                  \
    ((r)->log ? (r)->log : (r)->connection->log ? (r)->connection->log : &(r)->server->log)

#define ap_get_module_loglevel(l, i)                                                               \
    (((i) < 0 || (l)->module_levels == NULL || (l)->module_levels[i] < 0)                          \
         ? (l)->level                                                                              \
         : (l)->module_levels[i])
#define ap_get_server_module_loglevel(s, i) (ap_get_module_loglevel(&(s)->log, i))
#define ap_get_conn_module_loglevel(c, i) (ap_get_module_loglevel(ap_get_conn_logconf(c), i))
#define ap_get_conn_server_module_loglevel(c, s, i)                                                \
    (ap_get_module_loglevel(ap_get_conn_server_logconf(c, s), i))
#define ap_get_request_module_loglevel(r, i) (ap_get_module_loglevel(ap_get_request_logconf(r), i))

#endif

/* Set one level, set all to val, copy, and take over what new_conf leaves unset. */
AP_DECLARE(void) ap_set_module_loglevel(apr_pool_t *p, struct ap_logconf *l, int index, int level);
AP_DECLARE(void) ap_reset_module_loglevels(struct ap_logconf *l, int val);
AP_DECLARE(struct ap_logconf *) ap_new_log_config(apr_pool_t *p, const struct ap_logconf *old);
AP_DECLARE(void) ap_merge_log_config(const struct ap_logconf *old_conf,
                                     struct ap_logconf *new_conf);

/* ---- Finding and adding modules ---- */

/* The file name, the short name ("mime" of mime_module), the module of a file name; or NULL. */
AP_DECLARE(const char *) ap_find_module_name(module *m);
AP_DECLARE(const char *) ap_find_module_short_name(int module_index);
AP_DECLARE(module *) ap_find_linked_module(const char *name);

/* Enter a module into the list, and, for LoadModule, into ap_loaded_modules; returns a message or
 * NULL. `s` is the name of its symbol.
 */
AP_DECLARE(const char *) ap_add_module(module *m, apr_pool_t *p, const char *s);
AP_DECLARE(const char *) ap_add_loaded_module(module *mod, apr_pool_t *p, const char *s);
AP_DECLARE(void) ap_remove_module(module *m);
AP_DECLARE(void) ap_remove_loaded_module(module *mod);

/* Names of static modules, for their short names. */
typedef struct {
    const char *name;
    module *modp;
} ap_module_symbol_t;

/* The modules in use, as a list; the static ones; those which are used from the start, all ending
 * with NULL; and all in use as an array.
 */
AP_DECLARE_DATA extern module *ap_top_module;
AP_DECLARE_DATA extern module *ap_prelinked_modules[];
AP_DECLARE_DATA extern ap_module_symbol_t ap_prelinked_module_symbols[];
AP_DECLARE_DATA extern module *ap_preloaded_modules[];
AP_DECLARE_DATA extern module **ap_loaded_modules;

/* Steps of the start, in the core: enter the static modules; let modules change the command line
 * and register hooks; make the server records of a module added later.
 */
AP_DECLARE(const char *) ap_setup_prelinked_modules(process_rec *process);
AP_DECLARE(void) ap_run_rewrite_args(process_rec *process);
AP_DECLARE(void) ap_register_hooks(module *m, apr_pool_t *p);
AP_DECLARE(void) ap_single_module_configure(apr_pool_t *p, server_rec *s, module *m);

/* Reserve places in the vectors for modules that a directive will load. */
AP_DECLARE(void) ap_reserve_module_slots(int count);
AP_DECLARE(void) ap_reserve_module_slots_directive(const char *directive);

/* Print directives (-L), modules (-l); name the MPM; whether a directive is known. */
AP_DECLARE(void) ap_show_directives(void);
AP_DECLARE(void) ap_show_modules(void);
AP_DECLARE(const char *) ap_show_mpm(void);
AP_DECLARE(int) ap_exists_directive(apr_pool_t *p, const char *name);

/* The entry of a directive in one table, or in the modules from *mod on, which becomes its owner.
 */
AP_CORE_DECLARE(const command_rec *) ap_find_command(const char *name, const command_rec *cmds);
AP_CORE_DECLARE(const command_rec *) ap_find_command_in_modules(const char *cmd_name, module **mod);
/* The module's record for a section, made if need be. */
AP_CORE_DECLARE(void *) ap_set_config_vectors(server_rec *server,
                                              ap_conf_vector_t *section_vector,
                                              const char *section, module *mod, apr_pool_t *pconf);

/* ---- Reading text ---- */

/* Open a file (a directory is refused), or text that functions deliver. */
AP_DECLARE(apr_status_t) ap_pcfg_openfile(ap_configfile_t **ret_cfg, apr_pool_t *p,
                                          const char *name);
AP_DECLARE(ap_configfile_t *) ap_pcfg_open_custom(apr_pool_t *p, const char *descr, void *param,
        apr_status_t (*getc_func) (char *ch, void *param),
        apr_status_t (*gets_func) (void *buf, apr_size_t bufsiz, void *param),
        apr_status_t (*close_func) (void *param));
/* Read a line, without leading and trailing space and with continuations joined, or a byte. APR_EOF
 * at the end; ap_pcfg_strerror() explains other errors.
 */
AP_DECLARE(apr_status_t) ap_cfg_getline(char *buf, apr_size_t bufsize, ap_configfile_t *cfp);
AP_DECLARE(apr_status_t) ap_cfg_getc(char *ch, ap_configfile_t *cfp);
AP_DECLARE(int) ap_cfg_closefile(ap_configfile_t *cfp);
AP_DECLARE(const char *) ap_pcfg_strerror(apr_pool_t *p, ap_configfile_t *cfp, apr_status_t rc);

/* Skip to the end of a container, without making anything of its content. */
AP_DECLARE(const char *) ap_soak_end_container(cmd_parms *cmd, char *directive);

/* Make the tree of a file, of a container. Return a message or NULL. */
AP_DECLARE(const char *) ap_build_cont_config(apr_pool_t *p, apr_pool_t *temp_pool,
                                              cmd_parms *parms, ap_directive_t **current,
                                              ap_directive_t **curr_parent, char *orig_directive);
AP_DECLARE(const char *) ap_build_config(cmd_parms *parms, apr_pool_t *conf_pool,
                                         apr_pool_t *temp_pool, ap_directive_t **conftree);
/* Call the functions of the directives in a tree, for the records of a section. */
AP_DECLARE(const char *) ap_walk_config(ap_directive_t *conftree, cmd_parms *parms,
                                        ap_conf_vector_t *section_vector);

/* As ap_dir_nofnmatch() and its sister, with the pools of a directive. */
AP_DECLARE(ap_dir_match_t *) ap_dir_cfgmatch(cmd_parms *cmd, int flags,
        const char *(*cb)(ap_dir_match_t *w, const char *fname), void *ctx)
    __attribute__((nonnull(1, 3)));

/* Read a file, or all that match a pattern (optional: there may be none); process the tree. */
AP_DECLARE(const char *) ap_process_resource_config(server_rec *s, const char *fname,
                                                    ap_directive_t **conftree, apr_pool_t *p,
                                                    apr_pool_t *ptemp);
AP_DECLARE(const char *) ap_process_fnmatch_configs(server_rec *s, const char *fname,
                                                    ap_directive_t **conftree, apr_pool_t *p,
                                                    apr_pool_t *ptemp, int optional);
AP_DECLARE(int) ap_process_config_tree(server_rec *s, ap_directive_t *conftree, apr_pool_t *p,
                                       apr_pool_t *ptemp);

/* The whole configuration: returns the main server, NULL after an error that has been logged. */
AP_DECLARE(server_rec *) ap_read_config(process_rec *process, apr_pool_t *temp_pool,
                                        const char *config_name, ap_directive_t **conftree);
/* A record for <VirtualHost hostname>; and, at the end, defaults and merged records for all of
 * them.
 */
AP_CORE_DECLARE(const char *) ap_init_virtual_host(apr_pool_t *p, const char *hostname,
                                                   server_rec *main_server, server_rec **ps);
AP_DECLARE(void) ap_fixup_virtual_hosts(apr_pool_t *p, server_rec *main_server);

/* Read the .htaccess file of a directory for a request, or take it from the request's cache: OK,
 * DECLINED or a status.
 */
AP_CORE_DECLARE(int) ap_parse_htaccess(ap_conf_vector_t **result, request_rec *r, int override,
                                       int override_opts, apr_table_t *override_list,
                                       const char *path, const char *access_name);

/* Runs the handler hook; a request nobody handles becomes an error. */
AP_CORE_DECLARE(int) ap_invoke_handler(request_rec *r);

/* ---- Hooks ---- */

/* For main requests only: the records for the directory are known, access is not yet checked. */
AP_DECLARE_HOOK(int, header_parser, (request_rec *r))

/* In this order, twice before the server serves (once to check): pre_config before the files are
 * read, check_config after it, test_config only for -t, open_logs, post_config. An answer other
 * than OK or DECLINED stops the server. What `ptemp` holds is freed afterwards.
 */
AP_DECLARE_HOOK(int, pre_config, (apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp))
AP_DECLARE_HOOK(int, check_config, (apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                    server_rec *s))
AP_DECLARE_HOOK(void, test_config, (apr_pool_t *pconf, server_rec *s))
AP_DECLARE_HOOK(int, open_logs, (apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s))
AP_DECLARE_HOOK(int, post_config, (apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                   server_rec *s))

/* In every new child, before it serves; pchild lives as long as the child. */
AP_DECLARE_HOOK(void, child_init, (apr_pool_t *pchild, server_rec *s))

/* Produces the response: look at r->handler first, and return DECLINED if it is not yours. */
AP_DECLARE_HOOK(int, handler, (request_rec *r))
/* The same before the URI is mapped or anybody is authorised (lookup_uri: for a sub-request which
 * only looks); for caches.
 */
AP_DECLARE_HOOK(int, quick_handler, (request_rec *r, int lookup_uri))

/* All modules have registered: take functions of others with APR_RETRIEVE_OPTIONAL_FN(). */
AP_DECLARE_HOOK(void, optional_fn_retrieve, (void))

/* Opens the .htaccess file of a directory; APR_ENOENT: there is none. ap_open_htaccess() is what
 * the core does.
 */
AP_DECLARE_HOOK(apr_status_t, open_htaccess, (request_rec *r, const char *dir_name,
                                              const char *access_name, ap_configfile_t **conffile,
                                              const char **full_name))
apr_status_t ap_open_htaccess(request_rec *r, const char *dir_name, const char *access_name,
                              ap_configfile_t **conffile, const char **full_name);

/* Sets a pointer, given by its address, to NULL when a pool is cleared. */
AP_DECLARE_NONSTD(apr_status_t) ap_pool_cleanup_set_null(void *data);

#ifdef __cplusplus
}
#endif

#endif
