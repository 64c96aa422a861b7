/* Calls the text functions of httpd.h, ap_regex.h, util_time.h, util_md5.h, util_varbuf.h,
 * util_cookies.h and util_fcgi.h with many inputs and prints the results when the configuration is
 * tested (-t): a test compares what two servers print.
 */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "util_cookies.h"
#include "util_fcgi.h"
#include "util_md5.h"
#include "util_time.h"
#include "util_varbuf.h"

#include <apr_strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static apr_pool_t *pool;
static request_rec *request;

/* Text for the output: what cannot be shown as hexadecimal. */
static const char *shown_n(const char *text, apr_size_t length)
{
    if (!text)
        return "NULL";
    char *out = apr_palloc(pool, 4 * length + 3), *at = out;
    *at++ = '"';
    for (apr_size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        if (c >= ' ' && c < 127 && c != '"')
            *at++ = c;
        else
            at += sprintf(at, "{%02x}", c);
    }
    *at++ = '"';
    *at = 0;
    return out;
}

static const char *shown(const char *text)
{
    return shown_n(text, text ? strlen(text) : 0);
}

/* A copy to be written to. */
#define COPY(text) apr_pstrdup(pool, text)

static const char *const TEXTS[] = {
    "", "a", "/", "//", "a b", "plain text", "<b>\"x\" & 'y'</b>", "caf\xc3\xa9", "\x01\x02\x7f\xff",
    "tab\there", "line\nfeed\r", "back\\slash \"quote\"", "\\", "\"", "\\\"", "a\\\\\"b",
    "per%cent", "%41", "%2f", "%2F%00", "%zz", "%4", "%", "a%20b+c", "%25%32%35", "%e4%f6", "%7e%2d%41",
    "a+b+%2b", "semi;colon", "a/b/c", "/a/./b/../c", "/a/b/", "a//b///c", "http://host/x?y#z",
    "mailto:x@y", "a:b/c", "./a:b", "/a:b", "$HOME `ls` | rm * ? ~ < > ^ ( ) [ ] { } ; & ' \" \\ #",
    "text/HTML; Charset=\"UTF-8\"", "Text/Plain", " TEXT/x ;a=B", "\v\f\b\a\x1b", "~user/x.y-z_!*'(),@&=:$",
    "100", "0", "007", "-1", "+1", " 1", "1 ", "9223372036854775807", "9223372036854775808", "12ab", "0x10",
};

static const char *const PATHS[] = {
    "", "/", "*", "a", "/a", "a/b", "//", "///a", "/.", "/..", "/./", "/../", "/a/.", "/a/..", "/a/./",
    "/a/../", "/a/./b", "/a/../b", "/a/b/../../c", "/a/../../b", "../a", "./a", "a/..", "a/../..", "a/../../b",
    ".", "..", "...", "/...", "/.../x", "/.a", "/..a", "/a..", "/a.", "/a//b//c/", "/a//../b", "//../a",
    "/%61", "/%2e", "/%2e/x", "/%2e%2e", "/%2e%2e/x", "/a/%2e%2e/b", "/a/.%2e/b", "/a/%2E./b", "/a/.%2E",
    "/%2f", "/a%2fb", "/%zz", "/%", "/%4", "/a;x/b", "/a/;x/../b", "/a;x=1/../b", "/a/..;x/b", "/%7Euser", "/%25",
    "/a/b/c/../../../d", "/a/b/c/../../../../d", "/a/././././b", "/a/b/..//../c", "*x", "/*", "//a/..//b",
};

static const char *const LISTS[] = {
    "", ",", "a", "a,b", " a , b ", "a,,b", "A;Q=1, B", "\"q,r\", s", "\"W/x\", W/\"y\"", "W/\"y\", \"z\"",
    "(com,ment) a, b", "a (x(y)z) , b", "\"a\\\"b\", c", "a b c", "a  =  b ; c", "chunked", "gzip, chunked",
    "chunked, gzip", "gzip,chunked;x", "identity", "CHUNKED", "gzip , Chunked ", "close", "keep-alive, close",
    "close, keep-alive", "closed", "clo", "Keep-Alive", "text/html;level=1, text/html", "a\tb", "a,\tb",
    "unterminated \"q", "back\\slash", "*", "\"*\"", "a@b, c", "x (y, z", "tok1 tok2,tok3", "a/b, c", "a , b\tc , d",
    "\"x\"", "W/\"x\"", "w/\"x\"", "\"a\", \"x\"", "W/\"a\", \"x\"", "\"a\",W/\"x\"", "x", "a, \"x\"", "upgrade,h2c",
    "b  ) a", "a )(b )", "\\ )", " chunked", "\tchunked", "a,\tchunked", "a,  chunked", "a, \tchunked", "chunked\t",
};

static const char *const TOKENS[] = {
    "a", "b", "chunked", "close", "\"x\"", "W/\"x\"", "x", "*", "\"*\"", "a;q=1", "\"q,r\"", "text/html", "c",
    "a=b;c", "b c", "text/html;level=1", "\"a\\\"b\"", "(com,ment) a",
};

static void escapes(void)
{
    for (int i = 0; i < COUNT(TEXTS); i++) {
        const char *t = TEXTS[i];
        char *c, buffer[64];
        printf("== %s\n", shown(t));
        printf("escape_path_segment %s\n", shown(ap_escape_path_segment(pool, t)));
        printf("os_escape_path 0 %s\n", shown(ap_os_escape_path(pool, t, 0)));
        printf("os_escape_path 1 %s\n", shown(ap_os_escape_path(pool, t, 1)));
        printf("escape_urlencoded %s\n", shown(ap_escape_urlencoded(pool, t)));
        printf("escape_html2 0 %s\n", shown(ap_escape_html2(pool, t, 0)));
        printf("escape_html2 1 %s\n", shown(ap_escape_html2(pool, t, 1)));
        printf("escape_logitem %s\n", shown(ap_escape_logitem(pool, t)));
        for (int size = 1; size < 50; size += (size < 12 ? 1 : 13)) {
            apr_size_t length = ap_escape_errorlog_item(buffer, t, size);
            printf("escape_errorlog_item %d %s %d\n", size, shown(buffer), (int)length);
        }
        printf("escape_shell_cmd %s\n", shown(ap_escape_shell_cmd(pool, t)));
        printf("escape_quotes %s\n", shown(ap_escape_quotes(pool, t)));
#define IN_PLACE(call)                                                                             \
    do {                                                                                           \
        c = COPY(t);                                                                               \
        int result = call;                                                                         \
        printf("%s %d %s\n", #call, result, shown(c));                                                \
    } while (0)
        IN_PLACE(ap_unescape_url(c));
        IN_PLACE(ap_unescape_all(c));
        IN_PLACE(ap_unescape_url_keep2f(c, 0));
        IN_PLACE(ap_unescape_url_keep2f(c, 1));
        IN_PLACE(ap_unescape_urlencoded(c));
        for (int flags = 0; flags < 8; flags++)
            IN_PLACE((printf("%d ", flags), ap_unescape_url_ex(c, flags)));
        IN_PLACE((ap_content_type_tolower(c), 0));
        IN_PLACE((ap_str_tolower(c), 0));
        IN_PLACE((ap_str_toupper(c), 0));
        printf("field_noparam %s\n", shown(ap_field_noparam(pool, t)));
        printf("is_url %d\n", ap_is_url(t));
        printf("scan %d %d %d\n", (int)(ap_scan_http_field_content(t) - t),
               (int)(ap_scan_http_token(t) - t), (int)(ap_scan_vchar_obstext(t) - t));
        printf("ind %d %d %d %d\n", ap_ind(t, 'a'), ap_rind(t, 'a'), ap_ind(t, 0), ap_rind(t, 'z'));
        apr_off_t length = 77;
        int good = ap_parse_strict_length(&length, t);
        printf("parse_strict_length %d %ld\n", !!good, (long)length);
        const char *name;
        int status = ap_pstr2_alnum(pool, t, &name);
        printf("pstr2_alnum %d %s\n", status, shown(name));
        ap_bin2hex(t, strlen(t) > 20 ? 20 : strlen(t), buffer);
        printf("bin2hex %s\n", shown(buffer));
        printf("base64 %s %s\n", shown(ap_pbase64encode(pool, COPY(t))),
               shown(ap_pbase64decode(pool, ap_pbase64encode(pool, COPY(t)))));
        printf("base64 decode %s\n", shown(ap_pbase64decode(pool, t)));
        printf("md5 %s %s\n", ap_md5(pool, (const unsigned char *)t),
               ap_md5_binary(pool, (const unsigned char *)t, strlen(t) / 2));
        printf("cookie_check_string %d\n", ap_cookie_check_string(t));
        printf("is_matchexp %d\n", ap_is_matchexp(t));
        printf("os_is_path_absolute %d\n", ap_os_is_path_absolute(pool, t));
        printf("resolve_env %s\n", shown(ap_resolve_env(pool, t)));
    }
}

static void paths(void)
{
    for (int i = 0; i < COUNT(PATHS); i++) {
        const char *t = PATHS[i];
        char *c;
        printf("== %s\n", shown(t));
        for (unsigned flags = 0; flags < 16; flags++)
            IN_PLACE((printf("%d ", flags), ap_normalize_path(c, flags)));
        IN_PLACE((ap_getparents(c), 0));
        IN_PLACE((ap_no2slash(c), 0));
        IN_PLACE((ap_no2slash_ex(c, 0), 0));
        IN_PLACE((ap_no2slash_ex(c, 1), 0));
        printf("count_dirs %d\n", ap_count_dirs(t));
        for (int n = 1; n < 5; n++) {
            char d[100];
            memset(d, 'X', sizeof d);
            char *end = ap_make_dirstr_prefix(d, t, n);
            printf("make_dirstr_prefix %d %s %d\n", n, shown(d), (int)(end - d));
        }
        printf("make_dirstr_parent %s\n", shown(ap_make_dirstr_parent(pool, t)));
        printf("make_full_path %s %s %s\n", shown(ap_make_full_path(pool, t, "x")),
               shown(ap_make_full_path(pool, "/y", t)), shown(ap_make_full_path(pool, "y/", t)));
        char *merged = NULL;
        int status = ap_filepath_merge(&merged, "/root", t, 0, pool);
        printf("filepath_merge %d %s\n", status, shown(merged));
        printf("stat_check %d\n", ap_stat_check(t, pool));
        printf("is_directory %d %d\n", ap_is_directory(pool, t), ap_is_rdirectory(pool, t));
    }
    printf("%d %d\n", ap_is_directory(pool, "/etc"), ap_is_rdirectory(pool, "/etc"));
    printf("%d %d\n", ap_is_directory(pool, "/bin"), ap_is_rdirectory(pool, "/bin"));
    printf("%d %d\n", ap_is_directory(pool, "/etc/passwd"), ap_is_rdirectory(pool, "/etc/passwd"));
}

static void lists(void)
{
    for (int i = 0; i < COUNT(LISTS); i++) {
        const char *t = LISTS[i], *line;
        int length = -5;
        printf("== %s\n", shown(t));
        line = t;
        for (int n = 0; n < 5; n++) {
            const char *item = ap_size_list_item(&line, &length);
            printf("size_list_item %s %d %s\n", item ? shown_n(item, length) : "NULL", length,
                   shown(line));
            if (!item)
                break;
        }
        line = t;
        for (int n = 0; n < 5; n++) {
            const char *item = ap_get_list_item(pool, &line);
            printf("get_list_item %s %s\n", shown(item), shown(line));
            if (!item)
                break;
        }
        for (int white = 0; white < 2; white++) {
            line = t;
            for (int n = 0; n < 4 && *line; n++) {
                const char *item = ap_get_token(pool, &line, white);
                printf("get_token %d %s %s\n", white, shown(item), shown(line));
                if (*line == ',' || *line == ';')
                    line++;
            }
        }
        for (int n = 0; n < COUNT(TOKENS); n++) {
            const char *k = TOKENS[n];
            printf("find %s %d %d %d %d\n", shown(k), ap_find_list_item(pool, t, k),
                   ap_find_etag_weak(pool, t, k), ap_find_etag_strong(pool, t, k),
                   !!ap_find_last_token(pool, t, k));
            /* Apache takes the start of what is looked for as a match: httpd-rs does not. */
            if (strlen(k) == 1)
                printf("find_token %s %d\n", shown(k), !!ap_find_token(pool, t, k));
        }
        printf("is_chunked %d\n", ap_is_chunked(pool, t));
        for (int skip = 0; skip < 2; skip++) {
            apr_array_header_t *tokens = NULL;
            const char *message = ap_parse_token_list_strict(pool, t, &tokens, skip);
            printf("parse_token_list_strict %d %s", skip, shown(message));
            for (int n = 0; tokens && n < tokens->nelts; n++)
                printf(" %s", shown(APR_ARRAY_IDX(tokens, n, char *)));
            printf("\n");
        }
    }
    apr_array_header_t *tokens = NULL;
    ap_parse_token_list_strict(pool, "a, b", &tokens, 0);
    ap_parse_token_list_strict(pool, "b, a, A, c, c", &tokens, 0);
    printf("tokens %d index", tokens->nelts);
    for (int n = -1; n < 4; n++)
        printf(" %d", ap_array_str_index(tokens, "b", n));
    printf(" %d %d %d\n", ap_array_str_contains(tokens, "c"), ap_array_str_contains(tokens, "A"),
           ap_array_str_contains(tokens, "x"));
    printf("%d %d %d %d\n", ap_find_list_item(pool, NULL, "a"), ap_find_token(pool, NULL, "a"),
           ap_find_last_token(pool, NULL, "a"), ap_is_chunked(pool, NULL));
}

static void words(void)
{
    static const char *const LINES[] = {
        "", "a b", "  a  b  ", "\"a b\" c", "'a \"b' c", "\"a\\\"b\" c", "a\\\\b c", "{a b} c", "{a {b} c} d", "{a b",
        "{} x", "a{b c}d e", "\"\" x", "a,b,,c", ",a", "a,", "a\tb\nc", "\"open", "{\"a}\"} b", "x\\ y", "\\\\x",
        "\"a\\\\b\\x\" z", "a\"b c\"", "{a\\\\b} c", "{a}b c",
    };
    for (int i = 0; i < COUNT(LINES); i++) {
        const char *line;
        printf("== %s\n", shown(LINES[i]));
#define WORDS(call)                                                                                \
    do {                                                                                           \
        line = LINES[i];                                                                           \
        for (int n = 0; n < 4 && *line; n++) {                                                     \
            const char *word = call;                                                               \
            printf("%s %s %s\n", #call, shown(word), shown(line));                                    \
        }                                                                                          \
    } while (0)
        WORDS(ap_getword(pool, &line, ','));
        WORDS(ap_getword(pool, &line, ' '));
        WORDS(ap_getword_nulls(pool, &line, ','));
        WORDS(ap_getword_white(pool, &line));
        WORDS(ap_getword_conf(pool, &line));
        WORDS(ap_getword_conf2(pool, &line));
    }
    static const char *const PATTERNS[] = {"", "*", "a", "a*", "*a", "?", "a?c", "*b*", "**", "*.c", "a*c*e", "A*", "[a]"};
    static const char *const NAMES[] = {"", "a", "b", "ab", "abc", "abcde", "a.c", "x.c", "ABC", "[a]", "aXcYe"};
    for (int i = 0; i < COUNT(PATTERNS); i++)
        for (int n = 0; n < COUNT(NAMES); n++)
            printf("match %s %s %d %d\n", NAMES[n], PATTERNS[i], ap_strcmp_match(NAMES[n], PATTERNS[i]),
                   ap_strcasecmp_match(NAMES[n], PATTERNS[i]));
    static const char *const PAIRS[][2] = {
        {"abc", "b"}, {"abc", "BC"}, {"abc", ""}, {"", ""}, {"", "a"}, {"aab", "ab"}, {"abc", "x"}, {"AbC", "bc"},
        {"abc", "abc"}, {"abc", "abcd"}, {"/a/b", "/a"}, {"secret", "secret"}, {"secret", "secreT"}, {"ab", "abc"},
    };
    for (int i = 0; i < COUNT(PAIRS); i++) {
        const char *a = PAIRS[i][0], *b = PAIRS[i][1];
        printf("pair %s %s: %s %s %d %d %d %d %d\n", a, b, shown(ap_strcasestr(a, b)),
               shown(ap_stripprefix(a, b)), (ap_cstr_casecmp(a, b) > 0) - (ap_cstr_casecmp(a, b) < 0),
               (ap_cstr_casecmpn(a, b, 2) > 0) - (ap_cstr_casecmpn(a, b, 2) < 0),
               !!ap_streq_timingsafe(a, b), !!ap_strneq_timingsafe(a, b, 2), !!ap_memeq_timingsafe(a, b, 1));
    }
    static const char *const TIMES[] = {"", "0", "1", "30", "30s", "5S", "100ms", "2mi", "2MIN", "1h", "1H", "1m", "1x", "-1",
        "10 s", "ms", "s", " 7", "99999999999999999999", "9223372036854775807", "9223372036854", "9223372036855", "153722867280912931mi",
        "1us", "1d", "1minute", "1hour", "1 ms", "+3", "0x5"};
    static const char *const UNITS[] = {"s", "ms", "mi", "h", "x", ""};
    for (int i = 0; i < COUNT(TIMES); i++)
        for (int n = 0; n < COUNT(UNITS); n++) {
            apr_interval_time_t t = -7;
            int status = ap_timeout_parameter_parse(TIMES[i], &t, UNITS[n]);
            printf("timeout %s %s %d %" APR_TIME_T_FMT "\n", TIMES[i], UNITS[n], status, t);
        }
}

static void times(void)
{
    static const apr_time_t SECONDS[] = {1, 951782400, 1700000000, 1700000001, 4102444800, 1709210096, 784111777};
    static const char *const FORMATS[] = {"%Y-%m-%d %H:%M:%S %Z", "%z %%Z %%%Z", "", "%a %b %c", "%Z", "no format %", "%Ez %e|%j"};
    for (int i = 0; i < COUNT(SECONDS); i++) {
        apr_time_t t = SECONDS[i] * APR_USEC_PER_SEC + 123456;
        char text[64];
        for (int twice = 0; twice < 2; twice++) {
            memset(text, 0, sizeof text);
            int status = ap_recent_rfc822_date(text, t);
            printf("rfc822 %d %s\n", status, text);
            status = ap_recent_ctime(text, t);
            printf("ctime %d %s\n", status, text);
        }
        for (int option = 0; option < 16; option++)
            for (int size = 20; size < 64; size += 3) {
                int length = size;
                memset(text, 0, sizeof text);
                int status = ap_recent_ctime_ex(text, t, option, &length);
                printf("ctime_ex %d %d: %d %d %s\n", option, size, status, length, status ? "" : text);
            }
        apr_time_exp_t x;
        ap_explode_recent_gmt(&x, t);
        printf("gmt %d %d %d %d %d %d %d %d %d %d %d\n", x.tm_usec, x.tm_sec, x.tm_min, x.tm_hour, x.tm_mday,
               x.tm_mon, x.tm_year, x.tm_wday, x.tm_yday, x.tm_isdst, x.tm_gmtoff);
        ap_explode_recent_localtime(&x, t);
        printf("lt %d %d %d %d %d %d %d %d %d %d %d\n", x.tm_usec, x.tm_sec, x.tm_min, x.tm_hour, x.tm_mday,
               x.tm_mon, x.tm_year, x.tm_wday, x.tm_yday, x.tm_isdst, x.tm_gmtoff);
        for (int n = 0; n < COUNT(FORMATS); n++)
            printf("ht_time %s %s\n", shown(ap_ht_time(pool, t, FORMATS[n], 1)),
                   shown(ap_ht_time(pool, t, FORMATS[n], 0)));
    }
}

static void expressions(void)
{
    static const char *const PATTERNS[] = {"a(b)?(c)?", "^x", "(", "[a", "a{2,1}", "(?<n>a)(?<m>b)", ".*", "x*", "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "B", "*", "a$", "^b", ""};
    static const char *const SUBJECTS[] = {"", "abc", "ab", "xyz", "aab", "abcdefghijk", "a\n", "a\nb", "zab"};
    static const int FLAGS[] = {0, AP_REG_ICASE, AP_REG_NEWLINE, AP_REG_NO_DEFAULT, AP_REG_NO_DEFAULT | AP_REG_DOTALL};
    static const char *const SUBSTITUTES[] = {"", "$0", "<$1>", "$1$2$9", "&", "\\$1", "\\\\$1", "\\&x", "$", "$a", "\\", "a\\b", "$$0", "$10"};
    for (int i = 0; i < COUNT(PATTERNS); i++)
        for (int f = 0; f < COUNT(FLAGS); f++) {
            ap_regex_t rx;
            char text[80];
            memset(&rx, 0, sizeof rx);
            int status = ap_regcomp(&rx, PATTERNS[i], FLAGS[f]);
            printf("== regcomp %s %x %d\n", shown(PATTERNS[i]), FLAGS[f], status);
            if (status) {
                printf("error %d %d\n", status, (int)rx.re_erroffset);
                int size = ap_regerror(status, &rx, text, sizeof text);
                printf("regerror %d %s\n", size, shown(text));
                continue;
            }
            printf("nsub %d\n", rx.re_nsub);
            for (int s = 0; s < COUNT(SUBJECTS); s++)
                for (int e = 0; e < 3; e++) {
                    ap_regmatch_t m[10];
                    for (int n = 0; n < 10; n++)
                        m[n].rm_so = m[n].rm_eo = -77;
                    int places = e == 2 ? 3 : 10;
                    status = ap_regexec(&rx, SUBJECTS[s], places, m, e == 1 ? AP_REG_NOTBOL | AP_REG_NOTEOL : 0);
                    printf("regexec %s %d %d:", shown(SUBJECTS[s]), e, status);
                    for (int n = 0; !status && n < places; n++)
                        printf(" %d-%d", m[n].rm_so, m[n].rm_eo);
                    printf("\n");
                    if (!status && f == 0 && e == 0)
                        for (int n = 0; n < COUNT(SUBSTITUTES); n++) {
                            char *result = (char *)"?";
                            printf("pregsub %s %s %s\n", shown(SUBSTITUTES[n]),
                                   shown(ap_pregsub(pool, SUBSTITUTES[n], SUBJECTS[s], 10, m)),
                                   shown(ap_pregsub(pool, SUBSTITUTES[n], SUBJECTS[s], 2, m)));
                            status = ap_pregsub_ex(pool, &result, SUBSTITUTES[n], SUBJECTS[s], 10, m, 3);
                            printf("pregsub_ex %d %s\n", status, status ? "" : shown(result));
                            status = ap_pregsub_ex(pool, &result, SUBSTITUTES[n], SUBJECTS[s], 0, m, 3);
                            printf("pregsub_ex %d %s\n", status, status ? "" : shown(result));
                            status = 0;
                            struct ap_varbuf vb;
                            ap_varbuf_init(pool, &vb, n);
                            ap_varbuf_strmemcat(&vb, "before", 6);
                            status = ap_varbuf_regsub(&vb, SUBSTITUTES[n], SUBJECTS[s], 10, m, 20);
                            printf("varbuf_regsub %d %s\n", status, status ? "" : shown(vb.buf));
                            ap_varbuf_free(&vb);
                            status = 0;
                        }
                }
            apr_array_header_t *names = apr_array_make(pool, 1, sizeof(char *));
            for (int n = 0; n < 2; n++) {
                status = ap_regname(&rx, names, n ? "MATCH_" : NULL, n);
                printf("regname %d:", status);
                for (int k = 0; k < names->nelts; k++)
                    printf(" %s", shown(APR_ARRAY_IDX(names, k, char *)));
                printf("\n");
            }
            ap_regfree(&rx);
        }
    char text[60];
    for (int code = 0; code < 8; code++)
        for (int size = 0; size < 60; size += 9) {
            strcpy(text, "?");
            int needed = ap_regerror(code, NULL, text, size);
            printf("regerror %d %d %d %s\n", code, size, needed, shown(text));
        }
    static const char *const NAMES[] = {"ICASE", "icase", "DOTALL", "DOLLAR_ENDONLY", "EXTENDED", "NONE", ""};
    for (int n = 0; n < COUNT(NAMES); n++)
        printf("flag %s %d\n", NAMES[n], ap_regcomp_default_cflag_by_name(NAMES[n]));
    printf("default %d\n", ap_regcomp_get_default_cflags());
    int lengths[] = {8190, 8191, 8192, 8193, 65534, 65535, 65536, 65537};
    for (int n = 0; n < COUNT(lengths); n++) {
        char *longer = apr_palloc(pool, lengths[n] + 1);
        memset(longer, 'x', lengths[n]);
        longer[lengths[n]] = 0;
        ap_regmatch_t m[1] = {{0, lengths[n]}};
        char *result = ap_pregsub(pool, "$0", longer, 1, m);
        printf("pregsub of %d %d\n", lengths[n], result ? (int)strlen(result) : -1);
        result = NULL;
        int status = ap_pregsub_ex(pool, &result, "$0", longer, 1, m, 0);
        printf("pregsub_ex of %d %d %d\n", lengths[n], status, result ? (int)strlen(result) : -1);
    }
    ap_regex_t *deep = ap_pregcomp(pool, "^(?:(a)|b)*$", 0);
    char *longer = apr_palloc(pool, 200001);
    memset(longer, 'a', 200000);
    longer[200000] = 0;
    ap_regmatch_t m[2];
    printf("deep %d\n", ap_regexec(deep, longer, 2, m, 0));
    ap_pregfree(pool, deep);
    printf("malformed %d\n", ap_pregcomp(pool, "(", 0) != NULL);
    static const char *const PLUS[] = {"s/b/x/", "s/B/x/i", "s/b/x/g", "m/b/", "/b/", "s/b/x", "s|(b)|<$1>|g", "m#(a)(x)?(b)#", "s/b//", "s,b,\\$0,"};
    for (int i = 0; i < COUNT(PLUS); i++) {
        ap_rxplus_t *rx = ap_rxplus_compile(pool, PLUS[i]);
        printf("rxplus %s %d\n", PLUS[i], rx != NULL);
        if (!rx)
            continue;
        for (int s = 0; s < COUNT(SUBJECTS); s++) {
            char *result = NULL;
            int count = ap_rxplus_exec(pool, rx, SUBJECTS[s], &result);
            printf("rxplus_exec %s %d %s", shown(SUBJECTS[s]), count, shown(result));
            for (int n = -1; n < 5 && rx->match && !(rx->flags & AP_REG_MULTI); n++) {
                int length;
                const char *match;
                if (rx->nmatch && n < (int)rx->nmatch && n >= 0 && rx->pmatch[n].rm_so < 0)
                    continue;
                ap_rxplus_match(rx, n, &length, &match);
                printf(" %d %s", length, match ? shown_n(match, length) : "NULL");
            }
            printf("\n");
        }
    }
}

static void buffers(void)
{
    struct ap_varbuf vb;
    for (int size = 0; size < 5000; size += 1234) {
        ap_varbuf_init(pool, &vb, size);
        printf("varbuf %d %d %s\n", size, (int)vb.avail >= size, shown(vb.buf));
        for (int n = 0; n < 3000; n++)
            ap_varbuf_strmemcat(&vb, "0123456789", 1 + n % 10);
        printf("strlen %d %d avail %d\n", (int)vb.strlen, (int)strlen(vb.buf), vb.avail >= vb.strlen);
        vb.strlen = AP_VARBUF_UNKNOWN;
        ap_varbuf_strcat(&vb, "end");
        ap_varbuf_strmemcat(&vb, "none", 0);
        printf("strlen %d %s\n", (int)vb.strlen, vb.buf + vb.strlen - 8);
        apr_size_t length = 0;
        char *copy = ap_varbuf_pdup(pool, &vb, "<", 1, ">>", 2, &length);
        printf("pdup %d %.4s %s\n", (int)length, copy, copy + length - 4);
        vb.strlen = AP_VARBUF_UNKNOWN;
        copy = ap_varbuf_pdup(pool, &vb, NULL, 0, NULL, 0, &length);
        printf("pdup %d %d\n", (int)length, strcmp(copy, vb.buf));
        ap_varbuf_free(&vb);
    }
    apr_table_t *env = apr_table_make(pool, 4);
    apr_table_addn(env, "A", "1");
    apr_table_addn(env, "LONGER_NAME", "");
    char *value = apr_palloc(pool, 301);
    memset(value, 'v', 300);
    value[300] = 0;
    apr_table_addn(env, "V", value);
    apr_table_addn(env, value + 170, "x");
    for (int room = 0; room < 500; room += 7) {
        int start = 0, again = 0;
        unsigned char bytes[500];
        apr_size_t length = ap_fcgi_encoded_env_len(env, room, &start);
        int status = ap_fcgi_encode_env(request, env, bytes, length, &again);
        printf("fcgi %d %d %d %d %d %s\n", room, (int)length, start, status, again,
               ap_md5_binary(pool, bytes, length));
        again = 0;
        status = ap_fcgi_encode_env(request, env, bytes, room, &again);
        printf("fcgi %d %d %d\n", room, status, again);
    }
}

static void print_all(apr_pool_t *p, server_rec *s)
{
    pool = p;
    request = apr_pcalloc(p, sizeof(*request));
    request->connection = apr_pcalloc(p, sizeof(conn_rec));
    request->server = s;
    static const struct ap_logconf quiet = {NULL, 0};
    request->log = &quiet;
    request->pool = p;
    escapes();
    paths();
    lists();
    words();
    times();
    buffers();
    expressions();
    fflush(stdout);

}


static void register_hooks(apr_pool_t *p)
{
    ap_hook_test_config(print_all, NULL, NULL, APR_HOOK_LAST);
}

module AP_MODULE_DECLARE_DATA text_cases_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks
};
