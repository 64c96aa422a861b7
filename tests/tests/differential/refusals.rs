//! Configurations of content and mapping modules that are wrong: both servers refuse them, with the
//! same words (ours add the text and a remedy), or warn alike.

use std::{fmt::Write, fs, process::Command};

use anyhow::{Result, ensure};
use httpd_tests::{
    compatibility,
    differential::load,
    host::{Kind, Place, fill, printed, run},
    mpm::Mpm,
};

#[test]
fn macros() -> Result<()> {
    refused_alike(
        "macro headers",
        &[
            "Use Unknown",
            "Use",
            "UndefMacro Unknown",
            "UndefMacro",
            "<Macro>\n</Macro>",
            "<Macro M\n</Macro>",
            "<Macro M $a\n>\nServerAdmin $a\n</Macro>",
            "<Macro M $a $a>\nServerAdmin $a\n</Macro>\nUse M x y",
            "<Macro M $a>\nServerAdmin $a\n</Macro>\nUse M",
            "<Macro M $a>\nServerAdmin $a\n</Macro>\nUse M x y",
            "<Macro M $a>\n</Macro>\nUse M x",
            "<Macro M $a $b>\nServerAdmin $a\n</Macro>\nUse M x y",
            "<Macro M>\nServerAdmin x",
            "<Macro M>\nUse M\n</Macro>\nUse M",
            "<Macro M>\nServerAdmin one\n</Macro>\n<Macro M>\nServerAdmin two\n</Macro>\nUse M",
            "<Macro M a>\nServerAdmin a\n</Macro>\nUse M x",
            "<Macro M>\nNonsense here\n</Macro>\nUse M",
            "<Macro M>\n<Location />\nHeader set X\n</Location>\n</Macro>\nUse M",
            "<Macro M>\n<Location />\n</Macro>\nUse M",
            "<Macro Outer>\nUse Inner\n</Macro>\n<Macro Inner>\nHeader bogus X y\n</Macro>\nUse Outer",
            "<Macro M $n>\n<Macro N $m>\nHeader set $n $m\n</Macro>\nUse N y\n</Macro>\nUse M x",
            "<Macro M $ $>\nServerAdmin $\n</Macro>\nUse M x y",
            "</Macro>",
            "<Macro M> extra\nServerAdmin x\n</Macro>",
            "<Macro %m>\nServerAdmin x\n</Macro>",
        ],
    )
}

#[test]
fn rewriting() -> Result<()> {
    refused_alike(
        "rewrite",
        &[
            "RewriteRule",
            "RewriteRule ^/x",
            "RewriteRule ( /y",
            "RewriteRule ^/x /y [NOSUCH]",
            "RewriteRule ^/x /y [R=9999]",
            "RewriteRule ^/x /y [L",
            "RewriteRule ^/x /y L]",
            "RewriteRule ^/x /y [S=a]",
            "RewriteRule ^/x /y [CO=a]",
            "RewriteRule ^/x /y [E=]",
            "RewriteCond %{X}",
            "RewriteCond %{X} (",
            "RewriteCond expr \"((\"",
            "RewriteCond %{X} -f [BAD]",
            "RewriteMap m",
            "RewriteMap m nosuch:/x",
            "RewriteMap m txt:/no/such/file",
            "RewriteMap m int:nosuch",
            "RewriteMap m prg:/no/such/program",
            "RewriteMap m dbm=nosuch:/x",
            "RewriteBase /x",
            "<Location />\nRewriteBase\n</Location>",
            "<Directory />\nRewriteBase relative\n</Directory>",
            "RewriteOptions Nonsense",
            "RewriteEngine maybe",
        ],
    )
}

#[test]
fn fields_and_filters() -> Result<()> {
    refused_alike(
        "headers expires env setenvif filter deflate mime",
        &[
            "Header",
            "Header set",
            "Header nosuch X y",
            "Header set X %{unclosed",
            "Header set X \"%q\"",
            "Header set X y env",
            "Header set X y \"expr=((\"",
            "Header edit X ( y",
            "Header edit X y",
            "Header unset X y z w",
            "Header set X \"expr=%{nofunction:x}\"",
            "<Location />\nRequestHeader set X y early\n</Location>",
            "RequestHeader echo X",
            "ExpiresActive maybe",
            "ExpiresByType text/html nonsense",
            "ExpiresByType text/html \"access plus\"",
            "ExpiresByType text/html \"access plus 5 fortnights\"",
            "ExpiresDefault X60",
            "SetEnvIf Remote_Addr",
            "SetEnvIf Remote_Addr ( X",
            "SetEnvIfExpr \"((\" X",
            "SetEnvIf \"(\" x Y",
            "BrowserMatch (",
            "FilterProvider NONE DEFLATE",
            "FilterProvider A DEFLATE \"((\"",
            "FilterProtocol NONE DEFLATE change=yes",
            "FilterDeclare A nosuch",
            "FilterChain",
            "DeflateCompressionLevel 10",
            "DeflateMemLevel 0",
            "DeflateWindowSize 99",
            "DeflateBufferSize -1",
            "DeflateAlterETag Sometimes",
            "AddOutputFilterByType",
            "AddType text/html",
            "ModMimeUsePathInfo perhaps",
            "MultiviewsMatch Nothing",
            "TypesConfig /no/such/types",
        ],
    )
}

#[test]
fn files_and_names() -> Result<()> {
    refused_alike(
        "autoindex dir alias userdir include substitute sed imagemap negotiation actions",
        &[
            "IndexOptions Nonsense",
            "IndexOptions IconWidth=x",
            "IndexOptions NameWidth=1",
            "IndexOptions +FancyIndexing -None",
            "IndexOptions None FancyIndexing",
            "IndexOrderDefault Up Name",
            "IndexOrderDefault Ascending Colour",
            "AddIcon",
            "AddIcon (x) .y",
            "AddIcon (x,/y .z",
            "AddDescription only",
            "IndexIgnoreReset sometimes",
            "DirectorySlash perhaps",
            "DirectoryIndexRedirect 500",
            "DirectoryIndexRedirect maybe",
            "FallbackResource",
            "Alias /x",
            "<Location /x>\nAlias /a /b\n</Location>",
            "AliasMatch ( /x",
            "Redirect 999999 /x /y",
            "Redirect gone /x http://y/",
            "Redirect 301 /x",
            "Redirect nonsense",
            "RedirectMatch ( http://x/",
            "Redirect seeother /x relative",
            "UserDir",
            "UserDir enabled",
            "SSIUndefinedEcho",
            "XBitHack half",
            "Substitute x/a/b/",
            "Substitute s/a/b",
            "Substitute s/(/b/",
            "Substitute s/a/b/z",
            "SubstituteMaxLineLength lots",
            "<Location />\nOutputSed \"s/a/b\"\n</Location>",
            "<Location />\nOutputSed \"k\"\n</Location>",
            "<Location />\nInputSed \"y/ab/c/\"\n</Location>",
            "ForceLanguagePriority Maybe",
            "CacheNegotiatedDocs perhaps",
            "Action x",
            "Action x y z",
            "Script NOSUCH /cgi",
        ],
    )
}

#[test]
fn characters_and_clients() -> Result<()> {
    refused_alike(
        "ext_filter charset_lite usertrack remoteip buffer reflector data brotli log_forensic dumpio speling proxy proxy_html",
        &[
            "ExtFilterDefine",
            "ExtFilterDefine x",
            "ExtFilterDefine x mode=sideways cmd=/bin/cat",
            "ExtFilterDefine x nosuch=1 cmd=/bin/cat",
            "ExtFilterDefine x ftype=a cmd=/bin/cat",
            "ExtFilterOptions Nonsense",
            "CharsetOptions Nonsense",
            "CharsetSourceEnc",
            "CookieExpires",
            "CookieExpires \"3 fortnights\"",
            "CookieStyle Nonsense",
            "CookieName \"a b\"",
            "CookieDomain nodot",
            "RemoteIPTrustedProxy nonsense",
            "RemoteIPTrustedProxyList /no/such/list",
            "RemoteIPInternalProxy 1.2.3.4/99",
            "BufferSize x",
            "BufferSize -5",
            "ReflectorHeader",
            "BrotliCompressionQuality 12",
            "BrotliCompressionWindow 1",
            "BrotliCompressionMaxInputBlock 99",
            "BrotliAlterETag Perhaps",
            "CheckSpelling perhaps",
            "ProxyHTMLURLMap",
            "ProxyHTMLURLMap ( x R",
            "ProxyHTMLFixups nonsense",
            "ProxyHTMLBufSize x",
            "ProxyHTMLDocType",
            "ForensicLog",
            "DumpIOInput perhaps",
        ],
    )
}

/// Compares what both servers say of each configuration, which needs these modules.
fn refused_alike(modules: &str, configurations: &[&str]) -> Result<()> {
    let mut report = String::new();
    for configuration in configurations {
        let apache = judged(Kind::Apache, modules, configuration)?;
        let ours = judged(Kind::under_test(), modules, configuration)?;
        if std::env::var_os("SHOW_ANSWERS").is_some() {
            println!("== {configuration}\n  apache: {apache:?}");
        }
        let same_words = apache.1.iter().all(|line| ours.1.contains(line));
        if apache.0 != ours.0 || !same_words {
            let _ = writeln!(
                report,
                "== {configuration}\n  apache: {apache:?}\n  ours:   {ours:?}"
            );
        }
    }
    ensure!(report.is_empty(), "{report}");
    compatibility::behaves(modules, configurations.len())
}

/// Whether the configuration test passes, and what it says.
fn judged(kind: Kind, modules: &str, configuration: &str) -> Result<(bool, Vec<String>)> {
    let place = Place::new()?;
    let mpm = match Mpm::under_test().load(kind) {
        none if none.is_empty() => "# ours has it\n".to_owned(),
        line => line,
    };
    let types = if modules.contains("mime") {
        "TypesConfig /etc/mime.types\n"
    } else {
        ""
    };
    let text = format!(
        "{mpm}ServerRoot @PLACE@\nServerName test.example\nListen 127.0.0.1:1\nDefaultRuntimeDir run\nErrorLog logs/error.log\n{}{types}{configuration}\n",
        load(&format!("authz_core {modules}"))
    );
    let file = place.path().join("conf/httpd.conf");
    fs::write(&file, fill(&text, place.path(), &[]))?;
    let output = run(Command::new(kind.program())
        .arg("-t")
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file))?;
    let lines = printed(&output)
        .lines()
        .map(|line| line.replace(&place.path().display().to_string(), "PLACE"))
        // The time, the process and the like stand before the last bracket of a log line.
        .map(|line| match line.strip_prefix('[') {
            Some(logged) => logged
                .split_once(":tid ")
                .and_then(|(_, rest)| rest.split_once("] "))
                .map_or(line.clone(), |(_, text)| text.to_owned()),
            None => line,
        })
        .map(|line| match line.split_once(": ") {
            Some(("apache2" | "httpd-rs", rest)) => rest.to_owned(),
            _ => line,
        })
        .collect();
    Ok((output.status.success(), lines))
}
