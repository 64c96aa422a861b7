/* ap_regex.h: regular expressions of Perl's kind with functions like those of POSIX. */

#ifndef AP_REGEX_H
#define AP_REGEX_H

#include "apr.h"
#include "ap_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Flags ---- */

/* For compiling: ignore case; ^ and $ match at lines too; dot matches a newline; $ matches only at
 * the very end; replace all matches (ap_rxplus_exec). RegexDefaultOptions apply too unless
 * NO_DEFAULT is set. Two flags of POSIX have no effect.
 */
#define AP_REG_ICASE          0x01
#define AP_REG_NEWLINE        0x02
#define AP_REG_DOTALL         0x40
#define AP_REG_DOLLAR_ENDONLY 0x200
#define AP_REG_MULTI          0x10
#define AP_REG_NO_DEFAULT     0x400
#define AP_REG_EXTENDED       (0)
#define AP_REG_NOSUB          (0)
/* For matching: the text does not begin or end where the string does. */
#define AP_REG_NOTBOL 0x04
#define AP_REG_NOTEOL 0x08
/* Prefix of the environment variables for named groups. */
#define AP_REG_MATCH "MATCH_"
/* RegexDefaultOptions as long as nobody changes them. */
#define AP_REG_DEFAULT (AP_REG_DOTALL|AP_REG_DOLLAR_ENDONLY)

/* ---- Errors ---- */

/* Beside these, AP_REG_NOMEM: memory ran out. */
enum {
    AP_REG_ASSERT = 1,
    AP_REG_ESPACE,
    AP_REG_INVARG,
    AP_REG_NOMATCH
};
#define AP_REG_NOMEM 0x20

/* Which version ap_pcre_version_string() tells: of the build or of the library in use. */
enum {
    AP_REG_PCRE_COMPILED = 0,
    AP_REG_PCRE_LOADED
};
AP_DECLARE(const char *) ap_pcre_version_string(int which);

/* ---- Compiling and matching ---- */

/* A compiled expression; the number of its groups is in re_nsub. */
typedef struct {
    void *re_pcre;
    int re_nsub;
    /* Where an error is. */
    apr_size_t re_erroffset;
} ap_regex_t;

/* Where a group matched: from rm_so up to rm_eo; -1: it took no part. */
typedef struct {
    int rm_so;
    int rm_eo;
} ap_regmatch_t;

/* RegexDefaultOptions; a flag by its name, 0 if unknown. */
AP_DECLARE(int) ap_regcomp_get_default_cflags(void);
AP_DECLARE(void) ap_regcomp_set_default_cflags(int cflags);
AP_DECLARE(int) ap_regcomp_default_cflag_by_name(const char *name);

/* 0 on success, else an error. Free with ap_regfree(); ap_pregcomp() does that with a pool. */
AP_DECLARE(int) ap_regcomp(ap_regex_t *preg, const char *regex, int cflags);
AP_DECLARE(void) ap_regfree(ap_regex_t *preg);
/* 0 on a match, AP_REG_NOMATCH, or another error. nmatch places in pmatch are filled: [0] is the
 * whole match.
 */
AP_DECLARE(int) ap_regexec(const ap_regex_t *preg, const char *string, apr_size_t nmatch,
                           ap_regmatch_t *pmatch, int eflags);
AP_DECLARE(int) ap_regexec_len(const ap_regex_t *preg, const char *buff, apr_size_t len,
                               apr_size_t nmatch, ap_regmatch_t *pmatch, int eflags);
/* Copies the text of an error; returns its length with the zero byte. */
AP_DECLARE(apr_size_t) ap_regerror(int errcode, const ap_regex_t *preg, char *errbuf,
                                   apr_size_t errbuf_size);
/* Names of the groups: at index n of `names`, prefixed, in upper case if wanted; returns the
 * number.
 */
AP_DECLARE(int) ap_regname(const ap_regex_t *preg, apr_array_header_t *names, const char *prefix,
                           int upper);

/* ---- Matching and substituting in Perl's notation ---- */

/* "m/pattern/flags" or "s/pattern/replacement/flags". */
typedef struct {
    ap_regex_t rx;
    apr_uint32_t flags;
    /* The replacement, NULL for a match. */
    const char *subs;
    /* The string last matched and its groups. */
    const char *match;
    apr_size_t nmatch;
    ap_regmatch_t *pmatch;
} ap_rxplus_t;

/* NULL: malformed. */
AP_DECLARE(ap_rxplus_t *) ap_rxplus_compile(apr_pool_t *pool, const char *pattern);
/* The number of matches; for s///, the result in *newpattern. */
AP_DECLARE(int) ap_rxplus_exec(apr_pool_t *pool, ap_rxplus_t *rx, const char *pattern,
                               char **newpattern);
/* Groups of the last match: how many, group n without copying, group n as a copy. */
#define ap_rxplus_nmatch(rx) (((rx)->match != NULL) ? (rx)->nmatch : 0)
AP_DECLARE(void) ap_rxplus_match(ap_rxplus_t *rx, int n, int *len, const char **match);
AP_DECLARE(char *) ap_rxplus_pmatch(apr_pool_t *pool, ap_rxplus_t *rx, int n);

#ifdef __cplusplus
}
#endif

#endif
