//! mod_lua: handlers, hooks of every phase, filters, authorization, and what scripts may ask of a
//! request and of the server.

use anyhow::Result;
use httpd_tests::{
    differential::{Case, Log, compare, compare_with_logs, serve},
    site::Site,
};

/// Functions that handle requests; the cases call them by name.
const HANDLERS: &str = include_str!("../../data/lua/handlers.lua");

const HOOKS: &str = include_str!("../../data/lua/hooks.lua");

fn with_scripts() -> Result<(Site, String)> {
    let site = Site::new()?;
    site.file("index.html", "home\n")?;
    site.file("data.txt", "some data\n")?;
    site.file("listed/a.txt", "a\n")?;
    site.file("listed/b.odd", "b\n")?;
    site.file("filtered/page.txt", "text to filter\n")?;
    site.file("filtered/declined.txt", "left alone\n")?;
    site.file("filtered/long.txt", "0123456789 abcdef\n".repeat(2000))?;
    site.file("role/x.txt", "role\n")?;
    site.file("user/x.txt", "user\n")?;
    site.file("scripts/handlers.lua", HANDLERS)?;
    site.file("scripts/hooks.lua", HOOKS)?;
    site.file("scripts/plain.lua", "function handle(r)\n r:puts('plain ' .. r.filename:match('[^/]*$'))\n return apache2.OK\nend\n")?;
    site.file("scripts/syntax.lua", "function handle(r\n")?;
    site.file("scripts/nofunction.lua", "x = 1\n")?;
    site.file(
        "scripts/package.lua",
        "local m = require 'lib'\nfunction handle(r)\n r:puts(m.text)\n return apache2.OK\nend\n",
    )?;
    site.file("libs/lib.lua", "return { text = 'from a package' }\n")?;
    let configuration = serve(
        &site,
        "dir mime alias lua env headers setenvif reflector authn_core authz_user auth_basic",
        r#"
TypesConfig /etc/mime.types
DirectoryIndex index.html
Define DEFINED
LogLevel lua:debug
SetEnv FROM_CONF conf
LuaPackagePath @SITE@/libs/?.lua
LuaMapHandler ^/h/(\w+) @SITE@/scripts/handlers.lua $1
LuaHookTranslateName @SITE@/scripts/hooks.lua translate early
LuaHookMapToStorage @SITE@/scripts/hooks.lua maps
LuaHookAccessChecker @SITE@/scripts/hooks.lua access
LuaHookTypeChecker @SITE@/scripts/hooks.lua types
LuaHookFixups @SITE@/scripts/hooks.lua fixup
LuaQuickHandler @SITE@/scripts/hooks.lua quick
LuaHookLog @SITE@/scripts/hooks.lua log
LuaOutputFilter UPPER @SITE@/scripts/hooks.lua upper
LuaInputFilter SHOUT @SITE@/scripts/hooks.lua shout
LuaAuthzProvider lua-role @SITE@/scripts/hooks.lua may
<Directory "@SITE@/scripts">
AddHandler lua-script .lua
LuaScope thread
LuaCodeCache stat
</Directory>
<Location /role>
Require lua-role admin
</Location>
<Location /user>
AuthType Basic
AuthName lua
LuaHookCheckUserID @SITE@/scripts/hooks.lua authenticate early
Require user lua-user
</Location>
<Location /filtered>
SetOutputFilter UPPER
</Location>
<Location /back>
SetHandler reflector
SetInputFilter SHOUT
</Location>
"#,
    );
    Ok((site, configuration))
}

#[test]
fn handlers() -> Result<()> {
    let (_site, configuration) = with_scripts()?;
    let mut cases = Case::gets(&[
        "/h/hello",
        "/h/hello/path/info?q=1",
        "/h/fields?x=1",
        "/h/headers",
        "/h/arguments?b=2&a=1&a=3&c=%20x+y&d&e=%2Fx&f=%zz&g=%&=h",
        "/h/codes?404",
        "/h/codes/set?404",
        "/h/codes?301",
        "/h/codes?-1",
        "/h/codes/set?204",
        "/h/tools?x",
        "/h/files",
        "/h/cookies",
        "/h/server",
        "/h/broken",
        "/h/text",
        "/h/wide",
        "/h/missing",
        "/h/redirect",
        "/h/logs",
        "/scripts/plain.lua",
        "/scripts/syntax.lua",
        "/scripts/nofunction.lua",
        "/scripts/package.lua",
        "/scripts/none.lua",
    ]);
    cases.push(Case::get_with("/h/headers", &[("X-In", "sent")]));
    cases.push(Case::get_with("/h/cookies", &[("Cookie", "a=1; b=2")]));
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    cases.push(Case::with(
        "POST",
        "/h/body",
        &form,
        "one=1&two=a%20b&three=",
    ));
    cases.push(Case::with(
        "POST",
        "/h/body",
        &[("Content-Type", "multipart/form-data; boundary=BB")],
        "--BB\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nvalue\r\n--BB--\r\n",
    ));
    cases.push(Case::with("POST", "/h/raw", &[], "raw body"));
    cases.push(Case::with("PUT", "/h/raw", &[], &"x".repeat(20_000)));
    cases.push(Case::with("HEAD", "/h/hello", &[], ""));
    cases.push(Case::with("OPTIONS", "/h/hello", &[], ""));
    cases.push(Case::raw("chunked", "POST /h/raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    compare("lua", &configuration, &cases)
}

#[test]
fn hooks_and_filters() -> Result<()> {
    let (_site, configuration) = with_scripts()?;
    let mut cases = Case::gets(&[
        "/",
        "/translated",
        "/renamed/a.txt",
        "/forbidden",
        "/listed/b.odd",
        "/listed/a.txt",
        "/quick",
        "/role/x.txt",
        "/user/x.txt",
        "/filtered/page.txt",
        "/filtered/declined.txt",
        "/filtered/long.txt",
        "/filtered/none.txt",
        "/missing",
    ]);
    cases.push(Case::get_with("/listed/a.txt", &[("X-Deny", "1")]));
    cases.push(Case::get_with("/role/x.txt", &[("X-Role", "admin")]));
    cases.push(Case::get_with("/role/x.txt", &[("X-Role", "user")]));
    cases.push(Case::get_with(
        "/filtered/page.txt",
        &[("Range", "bytes=0-3")],
    ));
    cases.push(Case::with("HEAD", "/filtered/page.txt", &[], ""));
    cases.push(Case::raw("filtered input", "POST /back HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nquiet\r\n0\r\n\r\n"));
    compare_with_logs(
        "lua",
        &configuration,
        &cases,
        &[Log {
            file: "logs/error.log",
            line: |line| Some(line.split_once("logged ")?.1.to_owned()),
        }],
    )
}
