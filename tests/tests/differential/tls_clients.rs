//! mod_ssl and certificates of clients: required by a server or only for a directory (renegotiation
//! in TLS 1.2, authentication after the handshake in TLS 1.3), depth, revocation, and what modules
//! make of them.

use anyhow::Result;
use httpd_tests::{
    certificates::{authority, certificate, openssl},
    differential::serve,
    scripted::{Script, compare},
    site::Site,
};

use super::tls::{curl, engine, site};

/// Clients of our authority, of one below it, of a foreign one, and one that was revoked.
fn clients(site: &Site) -> Result<()> {
    let directory = site.path().join("tls");
    certificate(
        &directory,
        "client",
        "/C=XY/ST=State/L=Town/O=httpd-tests/OU=Clients/OU=Second/CN=Jane/emailAddress=jane@a.example",
        "extendedKeyUsage=clientAuth;subjectAltName=email:jane@a.example",
        "ca",
    )?;
    certificate(
        &directory,
        "revoked",
        "/O=httpd-tests/CN=Revoked",
        "extendedKeyUsage=clientAuth",
        "ca",
    )?;
    certificate(
        &directory,
        "inter",
        "/O=httpd-tests/CN=Inter",
        "basicConstraints=CA:TRUE",
        "ca",
    )?;
    certificate(
        &directory,
        "deep",
        "/O=httpd-tests/CN=Deep",
        "extendedKeyUsage=clientAuth",
        "inter",
    )?;
    let chain = std::fs::read_to_string(directory.join("deep.pem"))?
        + &std::fs::read_to_string(directory.join("inter.pem"))?;
    std::fs::write(directory.join("deep.pem"), chain)?;
    // The files of an authority that nobody here trusts.
    site.file("tls/foreign/.keep", "")?;
    let foreign = directory.join("foreign");
    authority(&foreign)?;
    certificate(
        &foreign,
        "stranger",
        "/O=elsewhere/CN=Stranger",
        "extendedKeyUsage=clientAuth",
        "ca",
    )?;
    site.file(
        "tls/ca.cnf",
        "[ca]\ndefault_ca=ours\n[ours]\ndatabase=index.txt\ncrlnumber=crlnumber\n\
         default_md=sha256\ndefault_crl_days=30\n",
    )?;
    site.file("tls/index.txt", "")?;
    site.file("tls/crlnumber", "01\n")?;
    openssl(
        &directory,
        "ca -config ca.cnf -keyfile ca.key -cert ca.pem -revoke revoked.pem",
    )?;
    openssl(
        &directory,
        "ca -config ca.cnf -keyfile ca.key -cert ca.pem -gencrl -out crl.pem",
    )
}

const DIRECTORIES: [&str; 10] = [
    "open", "need", "may", "any", "fake", "user", "verified", "dn", "deep", "expr",
];

const VARS: &str = "#!/bin/sh\necho 'Content-Type: text/plain'; echo; env | sort | \
    grep -E '^(SSL_CLIENT|SSL_SESSION_RESUMED|REMOTE_USER|AUTH_TYPE|CONTENT_LENGTH|SSL_PROTOCOL)' | \
    grep -vE '^SSL_CLIENT_CERT' | \
    sed -E 's/^(SSL_CLIENT_V_REMAIN)=(29|30)$/\\1=29 or 30/'\n\
    printf 'certificate %s\\n' \"$(printf '%s' \"$SSL_CLIENT_CERT\" | sha1sum)\"\n\
    printf 'chain %s\\n' \"$(printf '%s' \"$SSL_CLIENT_CERT_CHAIN_0\" | sha1sum)\"\n\
    printf 'body %s\\n' \"$(sha1sum)\"\n";

fn configuration(site: &Site) -> String {
    let users = "/C=XY/ST=State/L=Town/O=httpd-tests/OU=Clients/OU=Second/CN=Jane/emailAddress=jane@a.example";
    // What FakeBasicAuth gives as the password, encrypted: "password".
    let password = "xxj31ZMTZzkVA";
    let directory = site.path().display();
    std::fs::write(
        site.path().join("tls/passwords"),
        format!(
            "{users}:{password}\n\
             emailAddress=jane@a.example,CN=Jane,OU=Second,OU=Clients,O=httpd-tests,L=Town,ST=State,C=XY:{password}\n"
        ),
    )
    .unwrap_or_default();
    let directories = format!(
        "<Location /need>\nSSLVerifyClient require\nSSLVerifyDepth 1\nSSLRenegBufferSize 1000\n</Location>\n\
         <Location /may>\nSSLVerifyClient optional\n</Location>\n\
         <Location /any>\nSSLVerifyClient optional_no_ca\n</Location>\n\
         <Location /fake>\nSSLVerifyClient require\nSSLOptions +FakeBasicAuth\nAuthName certificates\n\
         AuthType Basic\nAuthBasicProvider file\nAuthUserFile {directory}/tls/passwords\n\
         Require valid-user\n</Location>\n\
         <Location /user>\nSSLVerifyClient require\nSSLUserName SSL_CLIENT_S_DN_CN\n</Location>\n\
         <Location /verified>\nSSLVerifyClient optional\nRequire ssl-verify-client\n</Location>\n\
         <Location /dn>\nSSLVerifyClient optional\n\
         SSLRequire %{{SSL_CLIENT_S_DN_O}} eq \"httpd-tests\" and %{{SSL_CLIENT_S_DN_CN}} in \
         {{\"Jane\", \"Deep\"}} and %{{SSL_CLIENT_VERIFY}} eq \"SUCCESS\"\n</Location>\n\
         <Location /deep>\nSSLVerifyClient require\nSSLVerifyDepth 2\n</Location>\n\
         <Location /expr>\nSSLVerifyClient optional\n\
         Require expr \"%{{SSL_CLIENT_S_DN_OU_1}} == 'Second' && 'jane@a.example' in \
         PeerExtList('2.5.29.17')\"\n\
         Require expr \"%{{SSL_CLIENT_S_DN_CN}} == 'Deep'\"\n</Location>\n"
    );
    serve(
        site,
        "socache_shmcb ssl headers dir mime env cgid authn_core authn_file auth_basic authz_user http2",
        &format!(
            "TypesConfig /etc/mime.types\nDirectoryIndex index.html\nScriptSock cgid\n\
             AddHandler cgi-script .cgi\nSSLCACertificateFile {directory}/tls/ca.pem\n\
             <Directory {directory}>\nOptions +ExecCGI\n\
             SSLOptions +StdEnvVars +ExportCertData\n</Directory>\n\
             {directories}\
             Listen 127.0.0.1:@PORT2@ https\nListen 127.0.0.1:@PORT3@ https\n\
             Listen 127.0.0.1:@PORT4@ https\nSSLSessionCache shmcb:run/cache(65536)\n\
             <VirtualHost *:@PORT2@>\nServerName a.example\n{engine}\
             SSLCACertificateFile {directory}/tls/ca.pem\n\
             SSLVerifyClient require\nSSLVerifyDepth 2\n\
             SSLCARevocationFile {directory}/tls/crl.pem\nSSLCARevocationCheck leaf \
             no_crl_for_cert_ok\n</VirtualHost>\n\
             <VirtualHost *:@PORT3@>\nServerName a.example\n{engine}\
             SSLCACertificateFile {directory}/tls/ca.pem\nProtocols h2 http/1.1\n</VirtualHost>\n\
             <VirtualHost *:@PORT4@>\nServerName a.example\n{engine}\
             SSLCACertificateFile {directory}/tls/ca.pem\nSSLVerifyClient optional\n\
             SSLOptions +LegacyDNStringFormat\nLogLevel ssl:debug\n</VirtualHost>\n",
            engine = engine("a"),
        )
        .replace("@SITE@", &directory.to_string()),
    )
}

/// Errors of TLS as libraries of all versions name them.
fn tidy(line: &str) -> String {
    format!("{line} 2>&1 | sed -E 's/error:[0-9A-F]+:/error:/; s/, errno 0//'")
}

#[test]
fn certificates_of_clients() -> Result<()> {
    let site = site()?;
    clients(&site)?;
    for name in DIRECTORIES {
        site.program(&format!("{name}/vars.cgi"), VARS)?;
    }
    let configuration = configuration(&site);
    let who = [
        "",
        "--cert client.pem --key client.key",
        "--cert revoked.pem --key revoked.key",
        "--cert deep.pem --key deep.key",
        "--cert foreign/stranger.pem --key foreign/stranger.key",
    ];
    let mut scripts: Vec<Script> = Vec::new();
    for version in ["1.2", "1.3"] {
        for certificate in who {
            for (port, path) in [
                (2, "open"),
                (3, "open"),
                (3, "need"),
                (3, "any"),
                (4, "open"),
                (4, "verified"),
            ] {
                scripts.push(curl(
                    &site,
                    &tidy(&format!(
                        "-i --http1.1 --tlsv{version} --tls-max {version} {certificate} \
                         https://a.example:@PORT{port}@/{path}/vars.cgi"
                    )),
                ));
            }
        }
        for certificate in [who[0], who[1], who[3]] {
            for path in ["may", "fake", "user", "verified", "dn", "deep", "expr"] {
                scripts.push(curl(
                    &site,
                    &tidy(&format!(
                        "-i --http1.1 --tlsv{version} --tls-max {version} {certificate} \
                         https://a.example:@PORT3@/{path}/vars.cgi"
                    )),
                ));
            }
        }
        for request in [
            // A body that comes before the certificate is kept for later, up to SSLRenegBufferSize.
            "-d 'a small body' https://a.example:@PORT3@/need/vars.cgi",
            "--data-binary @big https://a.example:@PORT3@/need/vars.cgi",
            "-H 'Transfer-Encoding: chunked' -d 'a small body' https://a.example:@PORT3@/need/vars.cgi",
            // Asked once for a connection.
            "https://a.example:@PORT3@/open/vars.cgi https://a.example:@PORT3@/need/vars.cgi \
             https://a.example:@PORT3@/need/vars.cgi https://a.example:@PORT3@/open/vars.cgi",
        ] {
            scripts.push(curl(
                &site,
                &tidy(&format!(
                    "-s -H Expect: --http1.1 --tlsv{version} --tls-max {version} {} \
                     -w '%{{http_code}} %{{num_connects}}\\n' {request}",
                    who[1]
                )),
            ));
        }
        // HTTP/2 allows neither of the two.
        scripts.push(curl(
            &site,
            &tidy(&format!(
                "-i --http2 --tlsv{version} --tls-max {version} {} \
                 https://a.example:@PORT3@/need/vars.cgi",
                who[1]
            )),
        ));
    }
    site.file("tls/big", "x".repeat(5000))?;
    compare("ssl", &configuration, &scripts)
}
