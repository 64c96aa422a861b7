//! Modules that run programs in other languages: Python (mod_wsgi, mod_python), Perl, and FastCGI programs of mod_fcgid.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::get,
    differential::{Case, serve},
    host::Kind,
    others::{compare, start},
    site::Site,
};

const FORM: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];

/// An application that shows what it was given, and answers in every way that WSGI has.
const WSGI: &str = r#"
import sys
def generate():
    for number in range(5):
        yield b'part %d\n' % number
class Closing:
    def __init__(self, environ): self.environ = environ
    def __iter__(self): return iter([b'closing\n'])
    def close(self): self.environ['wsgi.errors'].write('was closed\n')
def application(environ, start_response):
    path = environ['PATH_INFO']
    plain = [('Content-Type', 'text/plain')]
    if path == '/environ':
        names = ['REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'CONTENT_TYPE',
                 'CONTENT_LENGTH', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL', 'REMOTE_ADDR',
                 'REMOTE_USER', 'HTTP_X_FIELD', 'HTTP_COOKIE', 'SCRIPT_FILENAME', 'DOCUMENT_ROOT',
                 'REQUEST_URI', 'GATEWAY_INTERFACE', 'mod_wsgi.process_group', 'wsgi.url_scheme',
                 'mod_wsgi.application_group', 'wsgi.run_once', 'wsgi.multithread', 'GIVEN']
        start_response('200 OK', plain)
        return [('%s=%s\n' % (name, environ.get(name))).encode() for name in names]
    if path == '/body':
        body = environ['wsgi.input'].read()
        start_response('201 Made', plain + [('X-Length', str(len(body)))])
        return [body[:100]]
    if path == '/lines':
        start_response('200 OK', plain)
        return [str(len(line)).encode() + b'\n' for line in environ['wsgi.input']]
    if path == '/generate':
        start_response('200 OK', plain)
        return generate()
    if path == '/write':
        write = start_response('200 OK', plain)
        write(b'written\n')
        return [b'returned\n']
    if path == '/sized':
        start_response('200 OK', plain + [('Content-Length', '5')])
        return [b'12345']
    if path == '/cookies':
        start_response('200 OK', plain + [('Set-Cookie', 'a=1'), ('Set-Cookie', 'b=2')])
        return [b'']
    if path == '/nothing':
        start_response('204 No Content', [])
        return []
    if path == '/redirect':
        start_response('302 Found', [('Location', '/elsewhere')])
        return [b'gone\n']
    if path == '/raise':
        raise RuntimeError('on purpose')
    if path == '/late':
        start_response('200 OK', plain)
        try: raise RuntimeError('x')
        except RuntimeError: start_response('500 Late', plain, sys.exc_info())
        return [b'late\n']
    if path == '/file':
        start_response('200 OK', plain)
        return environ['wsgi.file_wrapper'](open(environ['DOCUMENT_ROOT'] + '/long.txt', 'rb'))
    if path == '/closing':
        start_response('200 OK', plain)
        return Closing(environ)
    if path == '/unstarted':
        return [b'x']
    start_response('404 Not Found', plain)
    return [b'no such page\n']
def allow_access(environ, host): return False
def check_password(environ, user, password):
    if user == 'ann': return password == 'right'
    return None
def groups_for_user(environ, user): return ['readers'] if user == 'ann' else ['']
"#;

fn wsgi_cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        "/app/environ?a=b&c=%20",
        "/app/generate",
        "/app/write",
        "/app/sized",
        "/app/cookies",
        "/app/nothing",
        "/app/redirect",
        "/app/raise",
        "/app/late",
        "/app/file",
        "/app/closing",
        "/app/unstarted",
        "/app/other",
        "/app",
        "/apple",
    ]
    .into_iter()
    .map(Case::get)
    .collect();
    cases.extend([
        Case::get_with("/app/environ", &[("X-Field", "one"), ("Cookie", "a=b")]),
        Case::with("HEAD", "/app/sized", &[], ""),
        Case::with("POST", "/app/body", FORM, "name=value"),
        Case::with("POST", "/app/body", FORM, &"x".repeat(200_000)),
        Case::with("POST", "/app/lines", FORM, "a\nbb\nccc"),
        Case::with("PUT", "/app/environ", &[("Content-Type", "text/x")], "abc"),
        Case::raw(
            "chunks",
            "POST /app/body HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
        ),
        Case::raw(
            "expectation",
            "POST /app/body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Length: 3\r\n\r\nabc",
        ),
    ]);
    cases
}

fn wsgi_site() -> Result<Site> {
    let site = Site::new()?;
    site.file("app.wsgi", WSGI)?;
    site.file("long.txt", "0123456789\n".repeat(10_000))?;
    site.file("secret/page.html", "secret\n")?;
    Ok(site)
}

#[test]
fn mod_wsgi_runs_applications_inside_the_server() -> Result<()> {
    let site = wsgi_site()?;
    let mut cases = wsgi_cases();
    cases.extend([
        Case::get("/secret/page.html"),
        // ann:wrong, ann:right, bob:x
        Case::get_with(
            "/secret/page.html",
            &[("Authorization", "Basic YW5uOndyb25n")],
        ),
        Case::get_with(
            "/secret/page.html",
            &[("Authorization", "Basic YW5uOnJpZ2h0")],
        ),
        Case::get_with("/secret/page.html", &[("Authorization", "Basic Ym9iOng=")]),
        Case::get("/script.py/environ"),
    ]);
    site.file("script.py", WSGI)?;
    compare(
        "wsgi",
        &serve(
            &site,
            "env mime auth_basic authz_user authn_core authz_host access_compat",
            "TypesConfig /etc/mime.types\nLoadModule wsgi_module @OTHER_MODULES@/mod_wsgi.so\n\
             WSGIScriptAlias /app @SITE@/app.wsgi\nSetEnv GIVEN value\n\
             WSGIApplicationGroup %{GLOBAL}\nAddHandler wsgi-script .py\n\
             <Directory @SITE@>\nOptions ExecCGI\n</Directory>\n\
             <Location /secret>\nAuthType Basic\nAuthName secrets\nAuthBasicProvider wsgi\n\
             WSGIAuthUserScript @SITE@/app.wsgi application-group=%{GLOBAL}\n\
             WSGIAuthGroupScript @SITE@/app.wsgi application-group=%{GLOBAL}\n\
             Require wsgi-group readers\n</Location>\n",
        ),
        &cases,
    )
}

#[test]
fn mod_wsgi_runs_applications_in_daemon_processes() -> Result<()> {
    let site = wsgi_site()?;
    let configuration = serve(
        &site,
        "env",
        "LoadModule wsgi_module @OTHER_MODULES@/mod_wsgi.so\n\
         WSGISocketPrefix @PLACE@/run/wsgi\n\
         WSGIDaemonProcess pool processes=2 threads=3 display-name=%{GROUP} \
         maximum-requests=1000\nWSGIChunkedRequest On\n\
         WSGIScriptAlias /app @SITE@/app.wsgi process-group=pool application-group=%{GLOBAL}\n\
         SetEnv GIVEN value\n",
    );
    compare("wsgi", &configuration, &wsgi_cases())?;
    // They are processes of their own, restarted when they die.
    let host = start(Kind::under_test(), &configuration)?;
    ensure!(get(host.port(), "/app/sized")?.text() == "12345");
    ensure!(host.children().len() >= 3, "{:?}", host.children());
    Ok(())
}

const PERL: &str = r#"
BEGIN { $INC{"$_.pm"} = 1 for qw(Shown Trans Access Authen Upper) }
package Shown;
use strict;
use Apache2::RequestRec (); use Apache2::RequestIO (); use Apache2::RequestUtil ();
use Apache2::Const -compile => qw(OK DECLINED FORBIDDEN NOT_FOUND HTTP_CREATED AUTH_REQUIRED);
use Apache2::Access (); use Apache2::Filter (); use Apache2::Connection (); use Apache2::ServerUtil ();
use Apache2::SubRequest (); use Apache2::Log (); use Apache2::Response ();
use APR::Table (); use APR::Pool (); use APR::URI (); use Apache2::URI ();
sub handler {
    my $r = shift;
    my $path = $r->path_info;
    $r->content_type('text/plain');
    if ($path eq '/about') {
        $r->print(join("\n", $r->method, $r->uri, $r->args // '', $r->protocol, $r->hostname,
            $r->connection->client_ip // '', $r->dir_config('Given') // '', $r->notes->get('note') // '',
            $r->headers_in->get('X-Field') // '', $r->the_request, $r->parsed_uri->path), "\n");
        return Apache2::Const::OK;
    }
    if ($path eq '/body') {
        my $body = '';
        while ($r->read(my $part, 4000)) { $body .= $part }
        $r->headers_out->set('X-Length' => length $body);
        $r->status(Apache2::Const::HTTP_CREATED);
        $r->print(substr($body, 0, 100));
        return Apache2::Const::OK;
    }
    if ($path eq '/file') { $r->sendfile($r->document_root . '/long.txt'); return Apache2::Const::OK; }
    if ($path eq '/sub') { $r->lookup_uri('/long.txt')->run; return Apache2::Const::OK; }
    if ($path eq '/inside') { $r->internal_redirect('/long.txt'); return Apache2::Const::OK; }
    if ($path eq '/die') { die "on purpose" }
    if ($path eq '/custom') { $r->custom_response(403, "own words\n"); return Apache2::Const::FORBIDDEN; }
    return Apache2::Const::NOT_FOUND;
}
package Trans;
use Apache2::Const -compile => qw(DECLINED);
sub handler {
    my $r = shift;
    $r->notes->set(note => 'noted');
    if ($r->uri =~ m{^/moved/(.*)}) { $r->uri("/$1") }
    return Apache2::Const::DECLINED;
}
package Access;
use Apache2::Const -compile => qw(OK FORBIDDEN);
sub handler { ($_[0]->args // '') =~ /deny/ ? Apache2::Const::FORBIDDEN : Apache2::Const::OK }
package Authen;
use Apache2::Const -compile => qw(OK AUTH_REQUIRED);
sub handler {
    my $r = shift;
    my ($status, $password) = $r->get_basic_auth_pw;
    return $status unless $status == Apache2::Const::OK;
    return Apache2::Const::OK if $password eq 'right';
    $r->note_basic_auth_failure;
    return Apache2::Const::AUTH_REQUIRED;
}
package Upper;
use base qw(Apache2::Filter);
use Apache2::Const -compile => qw(OK);
sub handler : FilterRequestHandler {
    my $f = shift;
    unless ($f->ctx) { $f->r->headers_out->unset('Content-Length'); $f->ctx(1) }
    while ($f->read(my $buffer, 1024)) { $f->print(uc $buffer) }
    return Apache2::Const::OK;
}
1;
"#;

#[test]
fn mod_perl_runs_scripts_handlers_and_filters() -> Result<()> {
    let site = Site::new()?;
    site.file("startup.pl", PERL)?;
    site.file("long.txt", "0123456789\n".repeat(5_000))?;
    site.file("page.html", "<p>A page</p>\n")?;
    site.file("secret/page.html", "secret\n")?;
    site.file(
        "perl/script.pl",
        "#!/usr/bin/perl\nprint \"Content-type: text/plain\\nX-Own: yes\\n\\n\";\n\
         print \"$ENV{REQUEST_METHOD} $ENV{QUERY_STRING} $ENV{MOD_PERL_API_VERSION}\\n\";\n\
         print \"$_\\n\" for <STDIN>;\n",
    )?;
    site.file(
        "perl/status.pl",
        "print \"Status: 402 Pay\\nContent-Type: text/plain\\n\\npay\\n\";\n",
    )?;
    site.file("perl/broken.pl", "this is not Perl\n")?;
    compare(
        "perl",
        &serve(
            &site,
            "alias auth_basic authn_core authz_user",
            "LoadModule perl_module @OTHER_MODULES@/mod_perl.so\n\
             PerlConfigRequire @SITE@/startup.pl\nPerlModule ModPerl::Registry\n\
             PerlTransHandler Trans\n\
             <Perl>\n$Location{'/configured'} = { SetHandler => 'perl-script', \
             PerlResponseHandler => 'Shown', PerlSetVar => 'Given configured', Require => 'all granted' };\n</Perl>\n\
             <Location /shown>\nSetHandler modperl\nPerlResponseHandler Shown\n\
             PerlSetVar Given value\nPerlAccessHandler Access\n</Location>\n\
             <Location /perl>\nSetHandler perl-script\nPerlResponseHandler ModPerl::Registry\n\
             PerlOptions +ParseHeaders\nOptions +ExecCGI\n</Location>\n\
             <Location /page.html>\nPerlOutputFilterHandler Upper\n</Location>\n\
             <Location /secret>\nAuthType Basic\nAuthName secrets\nPerlAuthenHandler Authen\n\
             Require valid-user\n</Location>\n",
        ),
        &[
            Case::get("/shown/about?a=b"),
            Case::get_with("/shown/about", &[("X-Field", "one")]),
            Case::get("/configured/about"),
            Case::get("/moved/shown/about"),
            Case::get("/shown/about?deny"),
            Case::with("POST", "/shown/body", FORM, "name=value"),
            Case::with("POST", "/shown/body", FORM, &"x".repeat(100_000)),
            Case::get("/shown/file"),
            Case::get("/shown/sub"),
            Case::get("/shown/inside"),
            Case::get("/shown/die"),
            Case::get("/shown/custom"),
            Case::get("/shown/none"),
            Case::get("/perl/script.pl?x=y"),
            Case::with("POST", "/perl/script.pl", FORM, "one\ntwo"),
            Case::with("HEAD", "/perl/script.pl", &[], ""),
            Case::get("/perl/status.pl"),
            Case::get("/perl/broken.pl"),
            Case::get("/perl/none.pl"),
            Case::get("/page.html"),
            Case::get("/secret/page.html"),
            Case::get_with(
                "/secret/page.html",
                &[("Authorization", "Basic YW5uOnJpZ2h0")],
            ),
            Case::get_with(
                "/secret/page.html",
                &[("Authorization", "Basic YW5uOndyb25n")],
            ),
        ],
    )
}

#[test]
fn mod_python_runs_handlers_pages_and_filters() -> Result<()> {
    let site = Site::new()?;
    site.file(
        "handlers.py",
        r#"
from mod_python import apache, util, Cookie
def handler(req):
    if req.uri.endswith('/raise'): raise RuntimeError('on purpose')
    if req.uri.endswith('/forbid'): return apache.HTTP_FORBIDDEN
    if req.uri.endswith('/file'):
        req.content_type = 'text/plain'
        req.sendfile(req.document_root() + '/page.html')
        return apache.OK
    if req.uri.endswith('/inside'):
        req.internal_redirect('/plain.html')
        return apache.OK
    req.content_type = 'text/plain'
    req.headers_out['X-Own'] = 'yes'
    Cookie.add_cookie(req, 'name', 'value')
    req.write('%s %s %s %s\n' % (req.method, req.uri, req.args, req.hostname))
    req.write('%s\n' % req.get_options().get('given'))
    if req.method == 'POST':
        form = util.FieldStorage(req)
        for name in sorted(form.keys()): req.write('%s=%s\n' % (name, form.getfirst(name)))
    return apache.OK
def authenhandler(req):
    password = req.get_basic_auth_pw()
    return apache.OK if password == 'right' else apache.HTTP_UNAUTHORIZED
kept = []
def upper(filter):
    text = filter.read()
    while text:
        # mod_python hands on the very memory of what is written, and sends garbage if that has been
        # freed by then, also under Apache.
        kept.append(text.upper())
        filter.write(kept[-1])
        text = filter.read()
    if text is None: filter.close()
"#,
    )?;
    site.file("plain.html", "<p>Plain</p>\n")?;
    site.file("page.html", "<p>A page</p>\n")?;
    site.file("secret/page.html", "secret\n")?;
    site.file(
        "published.py",
        "def hello(req, name='nobody'): return 'Hello, %s' % name\ndef _hidden(req): return 'no'\n\
         def index(req): return 'index'\n",
    )?;
    site.file("page.psp", "<p><%= 1 + 2 %></p>\n")?;
    compare(
        "python",
        &serve(
            &site,
            "mime authn_core authz_user",
            "TypesConfig /etc/mime.types\n\
             LoadModule python_module @OTHER_MODULES@/mod_python.so\n\
             PythonPath \"sys.path + ['@SITE@']\"\n\
             <Location /own>\nSetHandler mod_python\nPythonHandler handlers\n\
             PythonOption given value\n</Location>\n\
             <Directory @SITE@>\nAddHandler mod_python .psp\nPythonHandler mod_python.psp | .psp\n\
             AddHandler mod_python .py\nPythonHandler mod_python.publisher | .py\n</Directory>\n\
             <Location /page.html>\nPythonOutputFilter handlers::upper UPPER\n\
             SetOutputFilter UPPER\n</Location>\n\
             <Location /secret>\nAuthType Basic\nAuthName secrets\nPythonAuthenHandler handlers\n\
             Require valid-user\n</Location>\n",
        ),
        &[
            Case::get("/own/path?a=b"),
            Case::with("POST", "/own/path", FORM, "name=value&b=c%20d"),
            Case::get("/own/raise"),
            Case::get("/own/forbid"),
            Case::get("/own/file"),
            Case::get("/own/inside"),
            Case::get("/published.py/hello?name=Ann"),
            Case::get("/published.py/hello"),
            Case::get("/published.py/_hidden"),
            Case::get("/published.py"),
            Case::get("/page.psp"),
            Case::get("/page.html"),
            Case::get("/secret/page.html"),
            Case::get_with(
                "/secret/page.html",
                &[("Authorization", "Basic YW5uOnJpZ2h0")],
            ),
            Case::get_with(
                "/secret/page.html",
                &[("Authorization", "Basic YW5uOndyb25n")],
            ),
        ],
    )
}

/// A FastCGI responder without a library: it answers with what it was given, and its process.
const FASTCGI: &str = r#"#!/usr/bin/python3
import os, socket, struct, sys
listening = socket.socket(fileno=0)
def exact(connection, count):
    data = b''
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part: return None
        data += part
    return data
def send(connection, kind, request, content):
    for start in range(0, len(content) or 1, 60000):
        part = content[start:start + 60000]
        connection.sendall(struct.pack('>BBHHBB', 1, kind, request, len(part), 0, 0) + part)
def length(data, at):
    if data[at] < 128: return data[at], at + 1
    return struct.unpack('>I', data[at:at + 4])[0] & 0x7fffffff, at + 4
def serve(connection):
    given, body, role = b'', b'', 0
    while True:
        head = exact(connection, 8)
        if head is None: break
        _, kind, request, size, padding, _ = struct.unpack('>BBHHBB', head)
        content = exact(connection, size) if size else b''
        if padding: exact(connection, padding)
        if kind == 1: role, = struct.unpack('>H', content[:2])
        if kind == 4: given += content
        if kind == 5 and size: body += content
        if kind == 5 and not size or (role == 2 and kind == 4 and not size):
            names, at = {}, 0
            while at < len(given):
                n, at = length(given, at)
                v, at = length(given, at)
                names[given[at:at + n].decode()] = given[at + n:at + n + v].decode()
                at += n + v
            query = names.get('QUERY_STRING', '')
            if role == 2:
                allowed = names.get('REMOTE_USER') == 'ann' and names.get('REMOTE_PASSWD') == 'right'
                status = '200 OK\r\nVariable-SEEN: yes' if allowed else '401 Unauthorized'
                text = 'Status: %s\r\nContent-Type: text/plain\r\n\r\n' % status
            elif query == 'status': text = 'Status: 418 Teapot\r\nContent-Type: text/plain\r\n\r\nx\n'
            elif query == 'redirect': text = 'Location: http://elsewhere.example/\r\n\r\n'
            elif query == 'inside': text = 'Location: /page.html\r\n\r\n'
            elif query == 'malformed': text = 'no field\r\n\r\n'
            elif query == 'exit': os._exit(1)
            elif query == 'long': text = 'Content-Type: text/plain\r\n\r\n' + 'x' * 300000
            else:
                shown = ['REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'CONTENT_LENGTH',
                         'SERVER_PROTOCOL', 'HTTP_X_FIELD', 'GIVEN', 'SEEN', 'INITIAL']
                names['INITIAL'] = os.environ.get('INITIAL', '')
                text = 'Content-Type: text/plain\r\nX-Own: yes\r\n\r\n'
                text += ''.join('%s=%s\n' % (name, names.get(name)) for name in shown)
                text += '%d %s\n' % (len(body), body[:50].decode())
            if query == 'errors': send(connection, 7, request, b'said on purpose\n')
            send(connection, 6, request, text.encode())
            send(connection, 6, request, b'')
            send(connection, 3, request, b'\0' * 8)
            break
while True:
    connection, _ = listening.accept()
    try: serve(connection)
    except OSError: pass  # The server closes when it knows enough.
    connection.close()
"#;

#[test]
fn mod_fcgid_runs_programs_and_php() -> Result<()> {
    let site = Site::new()?;
    site.program("program.fcgi", FASTCGI)?;
    // The children that make the sockets are not root.
    let sockets = site.path().join("sockets");
    fs::create_dir(&sockets)?;
    fs::set_permissions(&sockets, fs::Permissions::from_mode(0o777))?;
    site.file("page.html", "<p>A page.</p>\n")?;
    site.file("secret/page.html", "secret\n")?;
    site.file(
        "page.php",
        "<?php header('X-Own: yes'); if (isset($_GET['status'])) http_response_code(402);\n\
         echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['PATH_INFO'] ?? '-', ' ', \
         $_GET['a'] ?? '-', ' ', $_POST['b'] ?? '-', ' ', strlen(file_get_contents('php://input'));\n",
    )?;
    compare(
        "fcgid",
        &serve(
            &site,
            "env mime authn_core authz_user",
            "TypesConfig /etc/mime.types\n\
             LoadModule fcgid_module @OTHER_MODULES@/mod_fcgid.so\n\
             FcgidIPCDir @SITE@/sockets\nFcgidProcessTableFile @PLACE@/run/fcgid_shm\n\
             FcgidInitialEnv INITIAL value\nFcgidMaxProcesses 6\nFcgidMaxRequestLen 200000\n\
             FcgidConnectTimeout 20\nSetEnv GIVEN value\n\
             <Directory @SITE@>\nOptions ExecCGI\nAddHandler fcgid-script .fcgi .php\n\
             FcgidWrapper /usr/bin/php-cgi .php\n</Directory>\n\
             <Location /secret>\nAuthType Basic\nAuthName secrets\n\
             FcgidAuthenticator @SITE@/program.fcgi\nFcgidAuthenticatorAuthoritative On\n\
             Require valid-user\n</Location>\n",
        ),
        &[
            Case::get("/program.fcgi"),
            Case::get_with("/program.fcgi/more?a=b", &[("X-Field", "one")]),
            Case::with("POST", "/program.fcgi", FORM, "name=value"),
            Case::with("POST", "/program.fcgi", FORM, &"x".repeat(100_000)),
            Case::with("POST", "/program.fcgi", FORM, &"x".repeat(300_000)),
            Case::with("HEAD", "/program.fcgi", &[], ""),
            Case::get("/program.fcgi?status"),
            Case::get("/program.fcgi?redirect"),
            Case::get("/program.fcgi?inside"),
            Case::get("/program.fcgi?malformed"),
            Case::get("/program.fcgi?exit"),
            Case::get("/program.fcgi?long"),
            Case::get("/program.fcgi?errors"),
            Case::get("/none.fcgi"),
            Case::get("/page.php?a=1"),
            Case::get("/page.php/info?status"),
            Case::with("POST", "/page.php", FORM, "b=2"),
            Case::get("/none.php"),
            Case::get("/secret/page.html"),
            Case::get_with(
                "/secret/page.html",
                &[("Authorization", "Basic YW5uOnJpZ2h0")],
            ),
            Case::get_with(
                "/secret/page.html",
                &[("Authorization", "Basic YW5uOndyb25n")],
            ),
        ],
    )
}
