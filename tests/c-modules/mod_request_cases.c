/* Calls functions that need a request with many inputs and sends the results: a test compares what
 * two servers send. The query says which: expr, cookies, xml, form.
 */
#include "httpd.h"
#include "ap_expr.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_cookies.h"
#include "util_script.h"
#include "util_xml.h"

#include <apr_strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *shown(request_rec *r, const char *text)
{
    if (!text)
        return "NULL";
    char *out = apr_palloc(r->pool, 4 * strlen(text) + 3), *at = out;
    *at++ = '"';
    for (; *text; text++) {
        unsigned char c = *text;
        if (c >= ' ' && c < 127 && c != '"')
            *at++ = c;
        else
            at += sprintf(at, "{%02x}", c);
    }
    *at++ = '"';
    *at = 0;
    return out;
}

static const char *const CONDITIONS[] = {
    /* constants and logic */
    "true", "false", "not true", "! false", "!true", "true && false", "true || false", "true and true", "false or true",
    "(true)", "((false) || (true)) && !(false)", "true && false || true", "true || false && false", "not false and true",
    "! ! true", "not not false", "true false", "", "(", ")", "true &&", "&& true", "true & true", "tru", "'x'", "\"\"",
    "TRUE", "true&&true", "true||false", "!(true)", "not(true)", "(true", "true)", "-T", "-n",
    /* strings */
    "'a' == 'a'", "'a' = 'a'", "'a' == 'A'", "'a' != 'b'", "'a' < 'b'", "'b' > 'a'", "'a' <= 'a'", "'a' >= 'b'", "\"a\" == 'a'",
    "a == a", "'a b' == 'a b'", "'it\\'s' == \"it's\"", "\"q\\\"q\" == 'q\"q'", "'\\\\' == '\\\\'", "'\\n' == 'n'", "'a' == 'a' && 'b' == 'b'",
    "'a'=='a'", "'a'.'b' == 'ab'", "'a' . 'b' . 'c' == 'abc'", "'' == ''", "'a' == ", "== 'a'", "'a' 'b'", "'10' < '9'", "'abc' =='abd'",
    "'unterminated == 'a'", "\"unterminated", "'a' lt 'b'", "'a' eq 'a'", "'a' ne 'a'", "'b' gt 'a'", "'a' le 'b'", "'a' ge 'b'",
    /* integers */
    "10 -eq 10", "10 -ne 9", "9 -lt 10", "10 -gt 9", "10 -le 10", "10 -ge 11", "'010' -eq 10", "-1 -lt 1", "x -eq 0", "'' -eq 0", "1 -eq 1 && 2 -eq 2",
    "10 eq 10", "9 lt 10", "10 == 10", "10 < 9", "1 -foo 2", "' 5' -eq 5", "'5x' -eq 5", "99999999999999999999 -gt 1",
    /* variables */
    "%{REQUEST_METHOD} == 'GET'", "%{REQUEST_URI} == '/cases/expr'", "%{QUERY_STRING} == 'expr'", "%{HTTP_HOST} == 'test.example'", "%{SERVER_NAME} == 'test.example'",
    "%{SERVER_PORT} -gt 0", "%{SERVER_PROTOCOL} == 'HTTP/1.1'", "%{THE_REQUEST} =~ /^GET/", "%{REMOTE_ADDR} == '127.0.0.1'", "%{REMOTE_HOST} == '127.0.0.1'",
    "%{HTTPS} == 'off'", "%{IPV6} == 'off'", "%{REQUEST_SCHEME} == 'http'", "%{HTTP_USER_AGENT} == 'tester/1.0'", "%{HTTP_X_UNKNOWN} == ''", "%{NO_SUCH_VARIABLE} == ''",
    "-d %{DOCUMENT_ROOT}", "%{REMOTE_USER} == ''", "%{AUTH_TYPE} == ''", "%{CONN_REMOTE_ADDR} == '127.0.0.1'", "%{CONTENT_TYPE} == ''", "%{IS_SUBREQ} == 'false'",
    "%{TIME_YEAR} -gt 2000", "%{TIME_MON} -le 12", "%{TIME} -gt 20000101000000", "%{HTTP:X-Test} == 'value'", "%{HTTP:X-None} == ''", "%{ENV:NONE} == ''", "%{reqenv:FOO} == 'bar'",
    "%{request_method} == 'GET'", "%{REQUEST_METHOD", "%{} == ''", "%{REQUEST_METHOD:x} == ''", "-z %{HTTP_X_NONE}", "-n %{HTTP_USER_AGENT}", "%{API_VERSION} -gt 20120211", "%{HANDLER} == 'request-cases'",
    "%{REQUEST_STATUS} == ''", "%{LAST_MODIFIED} == ''", "%{SCRIPT_FILENAME} =~ /cases/", "%{PATH_INFO} == ''", "%{REQUEST_FILENAME} =~ /expr/", "%{SERVER_ADMIN} == ''", "%{SERVER_SOFTWARE} =~ /^Apache/",
    "%{CONTEXT_PREFIX} == ''", "%{CONTEXT_DOCUMENT_ROOT} == %{DOCUMENT_ROOT}", "%{REQUEST_LOG_ID} == ''", "%{CONN_LOG_ID} == ''", "%{REMOTE_PORT} -gt 0", "%{HTTP_COOKIE} == 'a=b'", "%{HTTP_ACCEPT} == '*/*'", "%{HTTP_REFERER} == ''", "%{HTTP_FORWARDED} == ''", "%{HTTP_PROXY_CONNECTION} == ''",
    "%{TIME_DAY} -ge 1", "%{TIME_HOUR} -le 23", "%{TIME_MIN} -le 59", "%{TIME_SEC} -le 60", "%{TIME_WDAY} -le 6", "%{REMOTE_IDENT} == ''", "%{DOCUMENT_URI} == ''", "%{UNIQUE_ID} == ''", "%{SERVER_PROTOCOL_VERSION} -eq 1001", "%{SERVER_PROTOCOL_VERSION_MAJOR} -eq 1", "%{SERVER_PROTOCOL_VERSION_MINOR} -eq 1",
    /* functions */
    "req('User-Agent') == 'tester/1.0'", "http('X-Test') == 'value'", "req_novary('X-Test') == 'value'", "resp('X-Out') == 'out'", "resp('X-None') == ''", "reqenv('FOO') == 'bar'", "osenv('NO_SUCH') == ''", "note('N') == 'noted'", "env('FOO') == 'bar'",
    "tolower('ABC') == 'abc'", "toupper('abc') == 'ABC'", "escape('a b/%') == 'a%20b/%25'", "unescape('a%20b') == 'a b'", "unescape('a%2fb') == 'a%2fb'", "unescape('%zz') == ''", "base64('abc') == 'YWJj'", "unbase64('YWJj') == 'abc'",
    "md5('abc') == '900150983cd24fb0d6963f7d28e17f72'", "sha1('abc') == 'a9993e364706816aba3e25717850c26c9cd0d89d'", "file('/etc/hostname') == ''", "filesize('/etc/hostname') -gt 0", "filesize('/nowhere') -eq 0", "filemod('/etc/hostname') -gt 0", "replace('abcabc','b','x') == 'axcaxc'",
    "tolower(toupper('a')) == 'a'", "tolower('A').'b' == 'ab'", "nosuch('x') == ''", "tolower() == ''", "tolower('a','b') == 'a'", "tolower('A' . 'B') == 'ab'", "%{tolower:ABC} == 'abc'", "%{toupper:%{REQUEST_METHOD}} == 'GET'", "tolower(%{REQUEST_METHOD}) == 'get'", "tolower ('A') == 'a'",
    "urldecode('a') == 'a'", "ldap('a*b') == 'a\\2ab'", "base64('') == ''", "md5('') != ''", "replace('abc','b') == ''", "escape('') == ''", "REQ('User-Agent') == 'tester/1.0'", "subst(s/a/b/, 'a') == 'b'", "join({'a','b'}, ',') == 'a,b'", "split(s/,/ /, 'a,b') == ''",
    /* regular expressions */
    "'abc' =~ /b/", "'abc' !~ /b/", "'abc' =~ /^b/", "'ABC' =~ /b/i", "'abc' =~ m#b#", "'a/b' =~ m#a/b#", "'a/b' =~ /a\\/b/", "'abc' =~ /(b)(c)/ && $1 == 'b'", "'abc' =~ /(b)(c)/ && $2$1 == 'cb'", "'abc' =~ /(b)/ && '$1' == 'b'", "'abc' =~ /(b)/ && \"x$1\" == 'xb'",
    "$1 == ''", "'abc' =~ /(x)/ || $1 == ''", "'abc' =~ 'b'", "'abc' =~ /(/", "'abc' =~ /b", "'abc' =~ //", "'a\nb' =~ /^b/m", "'a\nb' =~ /a.b/s", "'a\nb' =~ /a.b/", "'abc' =~ m|b|i", "'abc' =~ m,b,", "'abc' =~ /b/x", "'abc' =~ m(b)", "'' =~ /^$/", "'abc' =~ /B/i && true",
    "'a.b' =~ /a\\.b/", "'abc' == 'abc' && 'abc' =~ /(c)/ && $0 == 'c'", "'xyz' =~ /(y)/ && 'abc' =~ /b/ && $1 == ''", "'abc' =~ /%{REQUEST_METHOD}/", "'x' =~ s/x/y/", "not 'abc' =~ /x/", "!'abc' =~ /x/", "'GET' =~ /^(GET|HEAD)$/ && $1 == 'GET'", "'a b' =~ /a b/", "'#' =~ /#/", "'a' =~ m!a!", "'a' =~ m^a^", "'a' =~ m_a_",
    /* lists */
    "'a' in {'a','b'}", "'c' in {'a','b'}", "'a' -in {'a'}", "'GET' in {'GET', 'HEAD', 'POST'}", "%{REQUEST_METHOD} in {'HEAD','GET'}", "'a' in {a, b}", "'a' in {}", "'a' in 'a'", "'a' in {'a'", "'x' in {'x' . ''}", "'a b' in {'a b'}", "'a' in PeerExtList('x')", "'1' in {1,2}",
    /* operators on files and addresses */
    "-e '/etc'", "-d '/etc'", "-f '/etc'", "-f '/etc/passwd'", "-s '/etc/passwd'", "-L '/bin'", "-h '/bin'", "-d '/bin'", "-e '/nowhere'", "-F '/etc/passwd'", "-U '/nowhere'", "-A '/cases'", "-x '/bin/sh'", "-x '/etc/passwd'", "-F '/nowhere'", "-U '/cases/expr'", "-A '/denied'",
    "-T ''", "-T '0'", "-T 'off'", "-T 'no'", "-T 'false'", "-T 'x'", "-T 'OFF'", "-n 'x'", "-n ''", "-z ''", "-z 'x'", "-R '127.0.0.1'", "-R '127.0.0.0/8'", "-R '10.0.0.0/8'", "-R 'x'", "-R '::1'", "-Q 'x'", "-n", "-e", "! -e '/nowhere'",
    "'127.0.0.1' -ipmatch '127.0.0.0/8'", "'10.1.2.3' -ipmatch '10.1'", "'10.1.2.3' -ipmatch '10.2.0.0/255.255.0.0'", "'::1' -ipmatch '::1'", "'fe80::1' -ipmatch 'fe80::/16'", "'x' -ipmatch '10.0.0.0/8'", "'10.0.0.1' -ipmatch 'x'", "%{REMOTE_ADDR} -ipmatch '127.0.0.0/8'", "'10.1.2.3' -ipmatch '10.1.2.3/32'", "'10.1.2.3' -ipmatch '10.1.2.3/33'",
    "'abc' -strmatch 'a*'", "'abc' -strmatch 'A*'", "'abc' -strcmatch 'A*'", "'a/b' -strmatch 'a*'", "'a/b' -fnmatch 'a*'", "'a/b' -fnmatch 'a/*'", "'abc' -strmatch '[a-c]bc'", "'ABC' -strcmatch 'abc'", "'abc' -strmatch ''", "'.x' -strmatch '*'", "'abc' -fnmatch 'a?c'", "'a/b' -strmatch 'a?b'", "'a/b' -fnmatch 'a?b'",
    /* odd lexing */
    "'a' # comment", "%{REQUEST_METHOD} == GET", "%{REQUEST_METHOD} == 'G'.'ET'", "\"%{REQUEST_METHOD}\" == 'GET'", "'%{REQUEST_METHOD}' == 'GET'", "\"a%{REQUEST_METHOD}b\" == 'aGETb'", "'%' == '%'", "'100%' == '100%'", "'$' == '$'", "'$x' == '$x'", "'a$1b' == 'ab'", "'%{' == ''", "${x} == ''", "'%%{x}' == ''", "\"\\%{REQUEST_METHOD}\" == '%{REQUEST_METHOD}'",
    "a.b == 'ab'", "a-b == 'a-b'", "a_b == 'a_b'", "/x/ == 'x'", "1.5 == 1.5", "a:b == 'a:b'", "a == 'a' \t", "  true  ", "a\n==\na", "GET == %{REQUEST_METHOD}", "%{REQUEST_METHOD}%{SERVER_PROTOCOL} == 'x'", "true # false", "'a' == 'b' == 'c'", "'a' < 'b' < 'c'", "%{QUERY_STRING} == expr", "'\\$1' == '$1'", "'\\%{x}' == '%{x}'",
    "req('X-Test') in {'value'}", "(req('X-Test') == 'value')", "not (req('X-Test') == 'x')", "%{req:X-Test} == 'value'", "%{req:Host} == 'x'", "%{req:host} == 'x'", "%{req:X-Test}%{req:Accept} == 'x'", "\"a\nb\" == 'x'", "%{tolower:a\nb} == 'x'", "req('Host') == 'x'", "%{HTTP:Host} == 'x'", "-T %{req:Host}", "%{req:X-Test} =~ /^(v)(.*)$/ && $2 == 'alue'", "%{resp:X-Out} == 'out'", "%{note:N} == 'noted'", "%{osenv:PATH} != ''", "%{escape:a b} == 'a%20b'", "%{md5:abc} =~ /^9001/", "%{file:/etc/nowhere} == ''", "%{base64:a:b} == 'YTpi'", "%{unbase64:!!} == ''",
    "%{:'a' . 'b':} == 'ab'", "%{:tolower('AB'):} == 'ab'", "'x%{:'a' . 'b':}y' == 'xaby'", "%{:join({'a','b'}, '-'):} == 'a-b'",
};

static const char *const STRINGS[] = {
    "", "plain", "two words", "%{REQUEST_METHOD}", "a%{REQUEST_METHOD}b", "%{REQUEST_METHOD}%{QUERY_STRING}", "%{NO_SUCH}", "%{tolower:%{REQUEST_METHOD}}", "%{tolower:ABC}", "%{nosuch:ABC}", "%{req:X-Test}", "%{HTTP_HOST} and %{SERVER_NAME}", "$1", "$0", "a$1b", "$x", "$",
    "%", "%%", "100%", "%{", "%{x", "%{REQUEST_METHOD", "}", "{", "\\%{REQUEST_METHOD}", "\\$1", "\\\\", "\\n", "'quoted'", "\"double\"", "it's", "say \"hi\"", "%{escape:a b}", "%{base64:abc}", "%{md5:abc}", "%{sha1:abc}", "%{unescape:a%20b}", "%{toupper:a b c}", "%{env:FOO}", "%{reqenv:FOO}", "%{note:N}", "%{resp:X-Out}",
    "https://%{HTTP_HOST}%{REQUEST_URI}?%{QUERY_STRING}", "%{tolower:A}%{toupper:b}", "%{REQUEST_METHOD}}", "{%{REQUEST_METHOD}}", "%{ REQUEST_METHOD}", "%{REQUEST_METHOD }", "%{tolower: A}", "%{tolower:A }", "%{tolower:}", "%{tolower:a:b}", "%{tolower:a}b}", "tab\there", "caf\xc3\xa9", "%{osenv:NONE}x", "%{:tolower('A'):}", "%{:'a' . 'b':}c", "#", "# x", "/path/", "a==b", "true", "%{TIME_YEAR", "%{req:User-Agent}", "%{HTTP:X-Test}", "%{req:Host}", "a\nb", "%{tolower:a\nb}", "%{ldap:a*b}",
};

static void expressions(request_rec *r)
{
    apr_table_setn(r->headers_out, "X-Out", "out");
    apr_table_setn(r->notes, "N", "noted");
    apr_table_setn(r->subprocess_env, "FOO", "bar");
    for (int kind = 0; kind < 2; kind++)
        for (int i = 0; i < (kind ? COUNT(STRINGS) : COUNT(CONDITIONS)); i++)
            for (int flags = 0; flags < (kind ? 1 : 3); flags++) {
                static const int FLAGS[] = {0, AP_EXPR_FLAG_SSL_EXPR_COMPAT, AP_EXPR_FLAG_RESTRICTED};
                ap_expr_info_t info;
                memset(&info, 0, sizeof info);
                info.filename = "file";
                info.line_number = 7;
                info.flags = FLAGS[flags] | (kind ? AP_EXPR_FLAG_STRING_RESULT : 0);
                const char *text = kind ? STRINGS[i] : CONDITIONS[i];
                ap_rprintf(r, "%s %d %s: ", kind ? "string" : "condition", flags, shown(r, text));
                const char *message = ap_expr_parse(r->pool, r->pool, &info, text, NULL);
                if (message) {
                    ap_rprintf(r, "malformed: %s\n", shown(r, message));
                    continue;
                }
                ap_regmatch_t groups[AP_MAX_REG_MATCH];
                const char *source = NULL;
                memset(groups, 0, sizeof groups);
                if (kind) {
                    const char *result = ap_expr_str_exec(r, &info, &message);
                    ap_rprintf(r, "%s %s\n", shown(r, result), message ? "failed" : "");
                    result = ap_expr_str_exec_re(r, &info, AP_MAX_REG_MATCH, groups, &source, &message);
                    ap_rprintf(r, "again %s %s\n", shown(r, result), message ? "failed" : "");
                    source = "sample";
                    groups[0].rm_eo = 6;
                    groups[1].rm_so = 1;
                    groups[1].rm_eo = 4;
                    result = ap_expr_str_exec_re(r, &info, AP_MAX_REG_MATCH, groups, &source, &message);
                    ap_rprintf(r, "groups %s %s\n", shown(r, result), message ? "failed" : "");
                }
                else {
                    apr_table_unset(r->headers_out, "Vary");
                    int result = ap_expr_exec(r, &info, &message);
                    ap_rprintf(r, "%d %s vary %s\n", result, message ? "failed" : "",
                               shown(r, apr_table_get(r->headers_out, "Vary")));
                    if (message)
                        ap_rprintf(r, "message %s\n", shown(r, message));
                    result = ap_expr_exec_re(r, &info, AP_MAX_REG_MATCH, groups, &source, &message);
                    ap_rprintf(r, "groups %d %s %s", result, message ? "failed" : "", shown(r, source));
                    for (int n = 0; n < 4 && source; n++)
                        ap_rprintf(r, " %d-%d", groups[n].rm_so, groups[n].rm_eo);
                    ap_rprintf(r, "\n");
                }
            }
}

static void cookies(request_rec *r)
{
    static const char *const FIELDS[] = {
        "", "sid=1", "a=b; sid=1; c=d", "sid=1; sid=1", "sid=1; sid=2", "sid=1, sid=2", "a=b,sid=x y ;c", "sid", "sid=", " sid = 1", "xsid=1; sid=2", "sid=a=b=c", "SID=1", "a=b;;sid=1;", "sid=\"a;b\"", ";", ",",
    };
    static const char *const NAMES[] = {"sid", "a", "none", ""};
    for (int i = 0; i < COUNT(FIELDS); i++)
        for (int n = 0; n < COUNT(NAMES); n++)
            for (int remove = 0; remove < 2; remove++) {
                apr_table_t *headers = r->headers_in;
                const char *value = "untouched";
                r->headers_in = apr_table_make(r->pool, 3);
                apr_table_setn(r->headers_in, "Accept", "x");
                apr_table_setn(r->headers_in, "cookie", FIELDS[i]);
                if (i % 3 == 2)
                    apr_table_addn(r->headers_in, "Cookie2", "two=2; sid=1");
                int status = ap_cookie_read(r, NAMES[n], &value, remove);
                ap_rprintf(r, "cookie_read %s %s %d: %d %s left %s %s\n", shown(r, FIELDS[i]), NAMES[n], remove, status, shown(r, value),
                           shown(r, apr_table_get(r->headers_in, "Cookie")), shown(r, apr_table_get(r->headers_in, "Cookie2")));
                r->headers_in = headers;
            }
    for (int i = 0; i < 8; i++) {
        apr_table_t *one = apr_table_make(r->pool, 1), *two = apr_table_make(r->pool, 1);
        const char *attributes = i & 1 ? "path=/;Secure" : i & 2 ? "" : NULL;
        int status[] = {ap_cookie_write(r, "n", "v", attributes, i & 4 ? 3600 : 0, one, two, NULL),
                        ap_cookie_write2(r, "n2", "v2", attributes, i & 4 ? -5 : 0, one, NULL),
                        ap_cookie_remove(r, "gone", attributes, one, two, NULL),
                        ap_cookie_remove2(r, "gone2", attributes, two, NULL), ap_cookie_write(r, "n", "", attributes, 1, NULL)};
        for (int t = 0; t < 2; t++) {
            const apr_array_header_t *array = apr_table_elts(t ? two : one);
            const apr_table_entry_t *entries = (const apr_table_entry_t *)array->elts;
            for (int n = 0; n < array->nelts; n++)
                ap_rprintf(r, "cookie %d %d %s: %s\n", i, t, entries[n].key, entries[n].val);
        }
        ap_rprintf(r, "%d %d %d %d %d\n", status[0], status[1], status[2], status[3], status[4]);
    }
}

static void element(request_rec *r, apr_xml_elem *e, int depth)
{
    for (; e; e = e->next) {
        ap_rprintf(r, "%*s%s ns %d lang %s text %s", depth, "", e->name, e->ns, shown(r, e->lang), shown(r, e->first_cdata.first ? e->first_cdata.first->text : NULL));
        for (apr_xml_attr *a = e->attr; a; a = a->next)
            ap_rprintf(r, " %s=%s", a->name, shown(r, a->value));
        ap_rprintf(r, "\n");
        element(r, e->first_child, depth + 1);
    }
}

static int handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "request-cases"))
        return DECLINED;
    ap_set_content_type(r, "text/plain");
    const char *what = r->args ? r->args : "";
    if (!strcmp(what, "expr"))
        expressions(r);
    if (!strcmp(what, "cookies"))
        cookies(r);
    if (!strcmp(what, "xml")) {
        apr_xml_doc *document = (apr_xml_doc *)1;
        int status = ap_xml_parse_input(r, &document);
        if (status != OK)
            return status;
        ap_rprintf(r, "%d %s\n", status, document ? "a document" : "none");
        if (document)
            element(r, document->root, 0);
    }
    if (!strncmp(what, "form", 4)) {
        apr_array_header_t *pairs = NULL;
        int status = ap_parse_form_data(r, NULL, &pairs, what[4] ? atoi(what + 4) : -1, HUGE_STRING_LEN);
        ap_rprintf(r, "%d", status);
        for (int n = 0; status == OK && pairs && n < pairs->nelts; n++) {
            ap_form_pair_t *pair = &APR_ARRAY_IDX(pairs, n, ap_form_pair_t);
            char *value = NULL;
            apr_size_t length;
            apr_off_t size;
            apr_brigade_length(pair->value, 1, &size);
            apr_brigade_pflatten(pair->value, &value, &length, r->pool);
            value = apr_pstrmemdup(r->pool, value, length);
            ap_rprintf(r, " %s=%s", shown(r, pair->name), shown(r, value));
        }
        ap_rprintf(r, "\n");
    }
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA request_cases_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks
};
