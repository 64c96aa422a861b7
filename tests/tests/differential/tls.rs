//! mod_ssl over our connections: handshakes, the choice of a host by name, protocols and ciphers,
//! what modules see of the connection (`SSL_*`), and large bodies. Client certificates are in
//! `tls_clients`, connections that stall or end badly in `tls_connections`.

use anyhow::Result;
use httpd_tests::{
    certificates::{authority, certificate},
    differential::serve,
    scripted::{Script, compare, shell},
    site::Site,
};

/// A site with certificates in `tls/`, of hosts a.example and b.example and of test.example.
pub(crate) fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("index.html", "<h1>It serves</h1>\n")?;
    site.file("text.txt", "0123456789".repeat(100))?;
    site.file("tls/.keep", "")?;
    let directory = site.path().join("tls");
    authority(&directory)?;
    for host in ["a", "b", "test"] {
        certificate(
            &directory,
            host,
            &format!("/O=httpd-tests/CN={host}.example"),
            &format!("subjectAltName=DNS:{host}.example,DNS:www.{host}.example"),
            "ca",
        )?;
    }
    Ok(site)
}

/// The directives that switch TLS on with a certificate of `site`.
pub(crate) fn engine(name: &str) -> String {
    format!(
        "SSLEngine on\nSSLCertificateFile @SITE@/tls/{name}.pem\n\
         SSLCertificateKeyFile @SITE@/tls/{name}.key\n"
    )
}

/// curl to a.example and b.example at the ports of a server.
pub(crate) fn curl(site: &Site, arguments: &str) -> Script {
    let line = curl_line(site, arguments);
    Script::new(format!("curl {arguments}"), move |host| shell(host, &line))
}

/// The line of shell that `curl` runs.
pub(crate) fn curl_line(site: &Site, arguments: &str) -> String {
    let directory = site.path().join("tls").display().to_string();
    let resolve: String = ["a", "b", "www.a", "test", "other"]
        .iter()
        .flat_map(|host| {
            ["@PORT@", "@PORT2@", "@PORT3@", "@PORT4@"]
                .map(|port| format!("--resolve {host}.example:{port}:127.0.0.1 "))
        })
        .collect();
    format!(
        "cd {directory} && curl -sS --max-time 15 --cacert ca.pem {resolve} {}",
        arguments.replace("curl ", &format!("curl -sS --cacert ca.pem {resolve} "))
    )
}

/// `openssl s_client` to a port, fed with a line of shell, its report filtered.
fn s_client(arguments: &str) -> Script {
    Script::shell(format!(
        "printf 'Q\\n' | openssl s_client -connect 127.0.0.1:@PORT2@ {arguments} 2>&1 \
         | grep -aE '^(subject=|New, |ALPN|No ALPN|Server Temp|.*alert)' \
         | sed 's/^.*:error:/error:/'"
    ))
}

#[test]
fn handshakes_and_hosts() -> Result<()> {
    let site = site()?;
    let host = |port: &str, name: &str, more: &str| {
        format!(
            "<VirtualHost *:{port}>\nServerName {name}.example\n{}Header always set X-Host \
             \"%{{SSL_TLS_SNI}}s {name}\"\n{more}</VirtualHost>\n",
            engine(name)
        )
    };
    let configuration = serve(
        &site,
        "socache_shmcb ssl headers dir mime rewrite http2",
        &[
            "TypesConfig /etc/mime.types\nDirectoryIndex index.html\n\
             Listen 127.0.0.1:@PORT2@ https\nListen 127.0.0.1:@PORT3@ https\n\
             Listen 127.0.0.1:@PORT4@ https\n\
             SSLSessionCache shmcb:run/cache(65536)\n"
                .to_owned(),
            host(
                "@PORT2@",
                "a",
                "ServerAlias www.a.example\nProtocols h2 http/1.1\n",
            ),
            host(
                "@PORT2@",
                "b",
                "SSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384\n\
                 SSLHonorCipherOrder on\nProtocols http/1.1\n",
            ),
            host(
                "@PORT3@",
                "a",
                "SSLStrictSNIVHostCheck on\nSSLProtocol -all +TLSv1.3\n",
            ),
            host("@PORT3@", "b", ""),
            host(
                "@PORT4@",
                "test",
                "SSLOpenSSLConfCmd Curves X25519\nRedirect /x /y\n",
            ),
        ]
        .concat()
        .replace(
            "Redirect /x /y\n",
            "RewriteEngine on\nRewriteRule ^/away$ /text.txt [R]\n",
        ),
    )
    .replace("@SITE@", &site.path().display().to_string());
    let mut scripts = vec![
        s_client("-servername a.example -tls1_3"),
        s_client("-servername a.example -tls1_2"),
        s_client("-servername a.example -tls1_1 -cipher DEFAULT@SECLEVEL=0"),
        s_client("-servername b.example -tls1_3"),
        s_client("-servername b.example"),
        s_client("-servername b.example -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256"),
        s_client("-servername www.a.example"),
        s_client("-servername unknown.example"),
        s_client("-noservername"),
        s_client("-servername a.example -alpn h2,http/1.1"),
        s_client("-servername a.example -alpn http/1.1,h2"),
        s_client("-servername a.example -alpn spdy/3"),
        s_client("-servername b.example -alpn h2,http/1.1"),
        s_client("-servername b.example -alpn h2"),
        s_client("-servername a.example -status"),
        s_client("-servername a.example -tls1_2 -no_ticket"),
        s_client("-servername a.example -curves P-384"),
        Script::shell(
            "printf 'Q\\n' | openssl s_client -connect 127.0.0.1:@PORT4@ -curves P-256 2>&1 \
             | grep -E 'New, |alert' | sed 's/^.*:error:/error:/'",
        ),
        Script::shell(
            "printf 'Q\\n' | openssl s_client -connect 127.0.0.1:@PORT3@ -tls1_2 \
             -servername a.example 2>&1 | grep -E 'New, |alert' | sed 's/^.*:error:/error:/'",
        ),
    ];
    let requests = [
        "-i --http1.1 https://a.example:@PORT2@/",
        "-i --http1.1 https://b.example:@PORT2@/",
        "-i --http1.1 https://www.a.example:@PORT2@/",
        "-i https://other.example:@PORT2@/",
        "-i -k --http1.1 https://other.example:@PORT2@/",
        "-i -k --http1.1 https://127.0.0.1:@PORT2@/",
        "-i -k --http1.1 -H 'Host: b.example' https://127.0.0.1:@PORT2@/",
        // Another host than SNI said, whose TLS settings are others: 421.
        "-i --http1.1 -H 'Host: b.example' https://a.example:@PORT2@/",
        "-i --http1.1 -H 'Host: a.example' https://b.example:@PORT2@/",
        "-i --http1.1 -H 'Host: www.a.example' https://a.example:@PORT2@/",
        "-i --http1.1 -H 'Host: other.example' https://a.example:@PORT2@/",
        "-i --http1.1 -H 'Host:' --http1.0 https://a.example:@PORT2@/",
        "-i --http2 https://a.example:@PORT2@/",
        "-i --http2 -H 'Host: b.example' https://a.example:@PORT2@/",
        "-i --http2 https://b.example:@PORT2@/",
        "-i --http1.1 https://a.example:@PORT3@/",
        "-i -k --http1.1 https://127.0.0.1:@PORT3@/",
        "-i -k --http1.1 https://other.example:@PORT3@/",
        "-i --http1.1 https://b.example:@PORT3@/",
        // Plain HTTP where TLS is spoken.
        "-i http://a.example:@PORT2@/",
        "-i --http1.0 http://a.example:@PORT2@/",
        "-i -I http://b.example:@PORT2@/missing",
        "-i -X POST -d x=1 http://b.example:@PORT2@/",
        // TLS where plain HTTP is spoken.
        "-i https://a.example:@PORT@/ 2>&1 | sed 's/error:[0-9A-F]*:/error:/'",
        "-i http://a.example:@PORT@/",
        // Redirections name the scheme and the port.
        "-i --http1.1 https://test.example:@PORT4@/away",
        "-i --http1.1 -H 'Host: elsewhere.example:444' -k https://test.example:@PORT4@/away",
        // Keep-alive and what follows on the same connection.
        "-s --http1.1 -w '%{num_connects} %{http_version}\\n' https://a.example:@PORT2@/ \
         https://a.example:@PORT2@/text.txt https://a.example:@PORT2@/missing",
        "-s --http1.1 -r 10-19 -w '%{num_connects}\\n' https://a.example:@PORT2@/text.txt \
         https://a.example:@PORT2@/text.txt",
        "-i --http1.1 --tls-max 1.2 https://a.example:@PORT2@/",
    ];
    scripts.extend(requests.iter().map(|request| curl(&site, request)));
    compare("ssl", &configuration, &scripts)
}

#[test]
fn what_modules_see() -> Result<()> {
    let site = site()?;
    site.program(
        "vars.cgi",
        "#!/bin/sh\necho 'Content-Type: text/plain'; echo; env | sort | \
         grep -E '^(SSL_|HTTPS|SERVER_(NAME|PORT)=|REQUEST_SCHEME)' | \
         grep -vE '^SSL_(SESSION_ID|SERVER_CERT)='\n\
         printf 'certificate %s\\n' \"$(printf '%s' \"$SSL_SERVER_CERT\" | sha1sum)\"\n\
         printf 'session %s\\n' \"$SSL_SESSION_ID\" | wc -c\n",
    )?;
    site.file(
        "page.shtml",
        "<!--#echo var=\"SSL_PROTOCOL\" -->|<!--#echo var=\"HTTPS\" -->|\
         <!--#if expr='%{HTTPS} == \"on\"' -->secure<!--#else -->plain<!--#endif -->|\
         <!--#if expr='-T osenv(\"NOSUCH\") || %{SSL:SSL_CIPHER_USEKEYSIZE} -ge 128' -->strong\
         <!--#endif -->\n",
    )?;
    for directory in [
        "std", "export", "plain", "only", "required", "ssl", "weak", "strict", "any",
    ] {
        site.file(&format!("{directory}/index.html"), format!("{directory}\n"))?;
        std::fs::copy(
            site.path().join("vars.cgi"),
            site.path().join(directory).join("vars.cgi"),
        )?;
    }
    let configuration = serve(
        &site,
        "socache_shmcb ssl headers dir mime rewrite env setenvif cgid include access_compat",
        &format!(
            "TypesConfig /etc/mime.types\nDirectoryIndex index.html\n\
             AddHandler cgi-script .cgi\nAddType text/html .shtml\n\
             AddOutputFilter INCLUDES .shtml\n\
             ScriptSock cgid\n\
             <Directory @SITE@>\nOptions +ExecCGI +Includes\nAllowOverride All\n</Directory>\n\
             Listen 127.0.0.1:@PORT2@ https\nSSLSessionCache shmcb:run/cache(65536)\n\
             LogFormat \"%r %>s %{{SSL_PROTOCOL}}x %{{SSL_CIPHER}}x %{{HTTPS}}x %{{SSL_CLIENT_VERIFY}}x \
             %{{version}}c %{{cipher}}c %{{SSL_PROTOCOL}}e %b\" tls\n\
             CustomLog logs/tls.log tls\n\
             <Location /std>\nSSLOptions +StdEnvVars\n</Location>\n\
             <Location /export>\nSSLOptions +StdEnvVars +ExportCertData\n</Location>\n\
             <Location /only>\nSSLRequireSSL\n</Location>\n\
             <Location /ssl>\nRequire ssl\n</Location>\n\
             <Location /required>\n\
             SSLRequire %{{SSL_CIPHER_USEKEYSIZE}} >= 128 and %{{HTTP_HOST}} =~ m/^a\\.example/ \
             and %{{SSL_PROTOCOL}} in {{\"TLSv1.2\", \"TLSv1.3\"}}\n</Location>\n\
             <Location /weak>\nSSLRequire %{{SSL_CIPHER_USEKEYSIZE}} >= 512\n\
             ErrorDocument 403 \"too weak\"\n</Location>\n\
             <Location /strict>\nSatisfy Any\nSSLOptions +StrictRequire\nSSLRequireSSL\n\
             </Location>\n\
             <Location /any>\nRequire expr %{{HTTPS}} == 'on' && %{{REQUEST_SCHEME}} == 'https'\n\
             </Location>\n\
             RewriteEngine on\n\
             RewriteCond %{{HTTPS}} !=on\nRewriteRule ^/secure/(.*) \
             https://%{{HTTP_HOST}}/$1 [R=301,L]\n\
             <VirtualHost *:@PORT2@>\nServerName a.example\n{}\
             RewriteEngine on\n\
             RewriteCond %{{SSL:SSL_PROTOCOL}} ^TLSv1\\.2$\nRewriteRule ^/which$ /old.txt [R]\n\
             RewriteCond %{{SSL:SSL_PROTOCOL}}-%{{HTTPS}}-%{{REQUEST_SCHEME}} (.*)\n\
             RewriteRule ^/which$ /is-%1 [R]\n\
             Header always set X-Protocol %{{SSL_PROTOCOL}}s\n\
             Header always set X-Cipher \"expr=%{{SSL_CIPHER}} %{{SSL_CIPHER_EXPORT}}\"\n\
             Header always set X-Resumed %{{SSL_SESSION_RESUMED}}s\n\
             RequestHeader set X-Sni %{{SSL_TLS_SNI}}s\n\
             Header set X-Back expr=%{{req:X-Sni}}\n\
             Header set X-Server-DN %{{SSL_SERVER_S_DN}}s \
             \"expr=-T reqenv('HTTPS') || %{{REQUEST_URI}} == '/'\"\n\
             Header always set Strict-Transport-Security \"max-age=1\" env=HTTPS\n\
             </VirtualHost>\n",
            engine("a")
        )
        .replace("@SITE@", &site.path().display().to_string()),
    )
;
    let a = "https://a.example:@PORT2@";
    let mut scripts: Vec<Script> = [
        "std/vars.cgi",
        "export/vars.cgi",
        "plain/vars.cgi",
        "page.shtml",
        "which",
        "only/",
        "ssl/",
        "required/",
        "weak/",
        "strict/",
        "any/",
        "secure/x",
        "",
    ]
    .iter()
    .flat_map(|path| {
        [
            curl(&site, &format!("-i {a}/{path}")),
            curl(&site, &format!("-i --tls-max 1.2 {a}/{path}")),
            curl(&site, &format!("-i http://a.example:@PORT@/{path}")),
        ]
    })
    .collect();
    scripts.push(Script::new("the log", |host| {
        let lines = || host.place().read("logs/tls.log").lines().count();
        httpd_tests::host::until("all requests are logged", || Ok(lines() >= 39))?;
        // Apache's processes write their lines as they find time.
        let log = host.place().read("logs/tls.log");
        let mut lines: Vec<&str> = log.lines().collect();
        lines.sort_unstable();
        Ok(lines.join("\n"))
    }));
    compare("ssl", &configuration, &scripts)
}
