//! TLS as a connection lives: sessions taken up again, proxying to an
//! encrypted backend, large bodies, pipelines, how a connection ends, clients that stall in the
//! handshake, and what configuration tests say of wrong certificates and keys.

use std::process::Command;

use anyhow::{Result, ensure};
use httpd_tests::{
    certificates::{certificate, openssl},
    client::{Client, get},
    compatibility,
    differential::serve,
    host::{Host, Kind, Place, fill, printed, run},
    mpm::Mpm,
    scripted::{Script, compare, shell},
    site::Site,
};

use super::tls::{curl, curl_line, engine, site};

/// Bytes that do not repeat soon.
pub(crate) fn large(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn prepare() -> Result<Site> {
    let site = site()?;
    site.file("large.bin", large(10_000_000))?;
    site.file("tls/upload.bin", large(10_000_000))?;
    site.program(
        "sum.cgi",
        "#!/bin/sh\necho 'Content-Type: text/plain'; echo; sha1sum; \
         echo \"$SSL_PROTOCOL $SSL_CLIENT_S_DN_CN $HTTPS $HTTP_X_FORWARDED_HOST\"\n",
    )?;
    let directory = site.path().join("tls");
    certificate(
        &directory,
        "proxy",
        "/O=httpd-tests/CN=Proxy",
        "extendedKeyUsage=clientAuth",
        "ca",
    )?;
    let both = std::fs::read_to_string(directory.join("proxy.pem"))?
        + &std::fs::read_to_string(directory.join("proxy.key"))?;
    site.file("tls/proxy-both.pem", both)?;
    Ok(site)
}

fn configuration(site: &Site, more: &str) -> String {
    let directory = site.path().display();
    serve(
        site,
        "socache_shmcb ssl headers dir mime env cgid proxy proxy_http reqtimeout",
        &format!(
            "TypesConfig /etc/mime.types\nDirectoryIndex index.html\nScriptSock cgid\n\
             AddHandler cgi-script .cgi\n\
             <Directory {directory}>\nOptions +ExecCGI\nSSLOptions +StdEnvVars\n</Directory>\n\
             RequestReadTimeout handshake=0 header=0 body=0\n\
             Listen 127.0.0.1:@PORT2@ https\nListen 127.0.0.1:@PORT3@\nListen 127.0.0.1:@PORT4@ https\n\
             SSLSessionCache shmcb:run/cache(65536)\n\
             <VirtualHost *:@PORT2@>\nServerName a.example\n{a}\
             Header always set X-Resumed %{{SSL_SESSION_RESUMED}}s\n</VirtualHost>\n\
             <VirtualHost *:@PORT3@>\nServerName a.example\n{optional}\
             Header always set X-Https %{{HTTPS}}s\n</VirtualHost>\n\
             <VirtualHost *:@PORT4@>\nServerName b.example\n{b}\
             SSLCACertificateFile {directory}/tls/ca.pem\nSSLVerifyClient optional\n\
             SSLSessionTickets off\nRequestReadTimeout handshake=1\nHeader always set X-Resumed %{{SSL_SESSION_RESUMED}}s\n\
             </VirtualHost>\n{more}",
            a = engine("a"),
            b = engine("b"),
            optional = engine("a").replace("SSLEngine on", "SSLEngine optional"),
        )
        .replace("@SITE@", &directory.to_string()),
    )
}

/// The proxies of the plain port: to the encrypted hosts, with more or less trust.
fn proxies(site: &Site) -> String {
    let directory = site.path().join("tls");
    let directory = directory.display();
    let host = |name: &str, lines: &str| {
        format!(
            "<VirtualHost *:@PORT@>\nServerName {name}.example\nSSLProxyEngine on\n\
             ProxyPass /a https://127.0.0.1:@PORT2@\nProxyPass /b https://127.0.0.1:@PORT4@\n\
             ProxyPassReverse /a https://127.0.0.1:@PORT2@\nProxyPass /plain https://127.0.0.1:@PORT@\n\
             {lines}\n</VirtualHost>\n"
        )
    };
    let trust = format!("SSLProxyCACertificateFile {directory}/ca.pem\n");
    host(
        "test",
        &format!(
            "{trust}SSLProxyCheckPeerName off\nSSLProxyCheckPeerCN off\nProxyPreserveHost On\n\
             SSLProxyMachineCertificateFile {directory}/proxy-both.pem"
        ),
    ) + &host("other", &format!("{trust}SSLProxyVerify require"))
        + &host(
            "www.a",
            &format!(
                "SSLProxyCACertificateFile {directory}/b.pem\nSSLProxyVerify require\n\
                 SSLProxyCheckPeerName off\nSSLProxyCheckPeerCN off\nSSLProxyCheckPeerExpire on"
            ),
        )
        + &host(
            "b",
            &format!(
                "{trust}SSLProxyCheckPeerName off\nSSLProxyProtocol TLSv1.2\n\
                 SSLProxyCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256"
            ),
        )
}

/// A line that talks TLS by `openssl s_client` and feeds it `request`, with CR LF for each `\n`.
fn talk(port: &str, arguments: &str, request: &str) -> Script {
    let request = request.replace('\n', "\\r\\n");
    Script::shell(format!(
        "printf '{request}' | openssl s_client -connect 127.0.0.1:{port} -servername a.example \
         -ign_eof -quiet {arguments} 2>/dev/null"
    ))
}

#[test]
fn a_connection_from_start_to_end() -> Result<()> {
    let site = prepare()?;
    let configuration = configuration(&site, &proxies(&site));
    let close = "Host: a.example\nConnection: close\n\n";
    let keep = "Host: a.example\n\n";
    let mut scripts = vec![
        // Pipelined requests, bodies among them; the end is told (close notify).
        talk(
            "@PORT2@",
            "",
            &format!("GET /text.txt HTTP/1.1\n{keep}GET / HTTP/1.1\n{close}"),
        ),
        talk(
            "@PORT2@",
            "-tls1_2",
            &format!("GET / HTTP/1.1\n{keep}HEAD / HTTP/1.1\n{keep}GET /missing HTTP/1.1\n{close}"),
        ),
        talk(
            "@PORT2@",
            "",
            &format!(
                "POST /text.txt HTTP/1.1\nContent-Length: 5\n{keep}12345POST /text.txt HTTP/1.1\n\
                 Transfer-Encoding: chunked\n{keep}3\nabc\n0\n\nGET / HTTP/1.1\n{close}"
            ),
        ),
        talk("@PORT2@", "", &format!("GET / HTTP/1.0\n{keep}")),
        talk("@PORT2@", "", "GET /\n"),
        talk("@PORT2@", "", &format!("BROKEN\n{keep}")),
        Script::shell(
            "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:@PORT2@ -ign_eof -msg 2>&1 \
             | grep -aE '^(<<<|>>>).*Alert' | sort",
        ),
        // The client goes first.
        Script::shell(
            "printf 'Q\\n' | openssl s_client -connect 127.0.0.1:@PORT2@ -tls1_2 -msg 2>&1 | grep -aE '^<<<.*Alert'",
        ),
    ];
    // Sessions: by tickets and by the cache that processes share.
    for (port, version) in [
        ("@PORT2@", "-tls1_3"),
        ("@PORT2@", "-tls1_2"),
        ("@PORT2@", "-tls1_2 -no_ticket"),
        ("@PORT4@", "-tls1_3"),
        ("@PORT4@", "-tls1_2"),
    ] {
        scripts.push(Script::shell(format!(
            "cd @PLACE@/run; \
             printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:{port} {version} -sess_out s \
             -ign_eof 2>/dev/null | grep -aE '^(New|Reused|X-Resumed)'; \
             printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:{port} {version} -sess_in s \
             -ign_eof 2>/dev/null | grep -aE '^(New|Reused|X-Resumed)'"
        )));
    }
    // `SSLEngine optional`.
    for request in [
        "-i http://a.example:@PORT3@/",
        "-i -X OPTIONS http://a.example:@PORT3@/",
        "-i -H 'Upgrade: TLS/1.0' http://a.example:@PORT3@/",
        "-i -H 'Connection: Upgrade' -H 'Upgrade: TLS/9.0' http://a.example:@PORT3@/",
        // To backends.
        "-i http://test.example:@PORT@/a/text.txt",
        "-i http://test.example:@PORT@/a/missing",
        "-i http://test.example:@PORT@/a/text.txt http://test.example:@PORT@/a/",
        "-i http://test.example:@PORT@/b/text.txt",
        "-i -d 'a body' http://test.example:@PORT@/b/sum.cgi",
        "-i -d 'a body' http://test.example:@PORT@/a/sum.cgi",
        "-i http://other.example:@PORT@/a/",
        "-i http://www.a.example:@PORT@/a/",
        "-i http://b.example:@PORT@/a/sum.cgi",
        "-i http://test.example:@PORT@/plain/",
        "http://test.example:@PORT@/a/large.bin | sha1sum",
        "--data-binary @upload.bin http://test.example:@PORT@/a/sum.cgi",
        // Ten megabytes each way.
        "https://a.example:@PORT2@/large.bin | sha1sum",
        "--tls-max 1.2 https://a.example:@PORT2@/large.bin | sha1sum",
        "-r 1000000-8999999 https://a.example:@PORT2@/large.bin | sha1sum",
        "--data-binary @upload.bin https://a.example:@PORT2@/sum.cgi",
        "--tls-max 1.2 --data-binary @upload.bin https://a.example:@PORT2@/sum.cgi",
        "-T - https://a.example:@PORT2@/sum.cgi -X POST < upload.bin",
        "-w '%{num_connects} %{http_code} %{size_download}\\n' -o /dev/null -o /dev/null -o /dev/null \
         https://a.example:@PORT2@/large.bin https://a.example:@PORT2@/ https://a.example:@PORT2@/large.bin",
        "--limit-rate 8M https://a.example:@PORT2@/large.bin | sha1sum",
    ] {
        scripts.push(curl(&site, request));
    }
    // Since 2.4.64 there is no upgrade of RFC 2817 any more, whatever SSLEngine says.
    scripts.push(Script::new("Upgrade: TLS/1.0", |host| {
        let mut client = Client::connect(host.port_number(3))?;
        client.send(
            "OPTIONS * HTTP/1.1\r\nHost: a.example\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n",
        )?;
        let head = client.receive_head()?;
        let fields = head.fields.iter();
        Ok(fields.fold(head.status_line.clone(), |all, (name, value)| {
            format!("{all}\n{name}: {value}")
        }))
    }));
    scripts.push(Script::new("a handshake that takes too long", |host| {
        let mut client = Client::connect(host.port_number(4))?;
        client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")?;
        Ok(client.is_closed().to_string())
    }));
    compare("ssl", &configuration, &scripts)
}

/// Whoever stalls in the middle of a handshake, or after it, keeps nobody else from being served.
#[test]
fn stalling_clients_hold_nobody_up() -> Result<()> {
    let site = prepare()?;
    let host = Host::start(Kind::under_test(), &configuration(&site, ""))?;
    let port = host.port_number(2);
    let mut stalled = Vec::new();
    for number in 0..40 {
        let mut client = Client::connect(port)?;
        // Nothing; the first bytes of a ClientHello; a record that is never completed.
        let begun: &[u8] = match number % 3 {
            0 => b"",
            1 => b"\x16\x03\x01",
            _ => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        };
        client.send(begun)?;
        stalled.push(client);
    }
    for _ in 0..10 {
        let shown = shell(
            &host,
            &curl_line(
                &site,
                "https://a.example:@PORT2@/text.txt -o /dev/null -w %{http_code}",
            ),
        )?;
        ensure!(shown.starts_with("200"), "{shown}");
        ensure!(get(host.port(), "/text.txt")?.status() == 200);
    }
    drop(stalled);
    compatibility::behaves("ssl", 20)
}

/// `-t` says of wrong certificates and keys what Apache says.
#[test]
fn wrong_certificates_and_keys() -> Result<()> {
    let site = site()?;
    let directory = site.path().join("tls");
    openssl(
        &directory,
        "pkey -in a.key -aes128 -passout pass:secret -out locked.key",
    )?;
    site.file("tls/garbage.pem", "no certificate\n")?;
    site.file("tls/empty.pem", "")?;
    let a = |file: &str| directory.join(file).display().to_string();
    let host = |lines: &str| {
        format!(
            "<VirtualHost *:@PORT2@>\nServerName a.example\nSSLEngine on\n{lines}\n</VirtualHost>\n"
        )
    };
    let pair = |certificate: &str, key: &str| {
        host(&format!(
            "SSLCertificateFile {}\nSSLCertificateKeyFile {}",
            a(certificate),
            a(key)
        ))
    };
    let good = pair("a.pem", "a.key");
    let with = |line: &str| good.replace("</VirtualHost>", &format!("{line}\n</VirtualHost>"));
    let cases = [
        good.clone(),
        host(""),
        pair("missing.pem", "a.key"),
        pair("a.pem", "missing.key"),
        pair("a.pem", "b.key"),
        pair("garbage.pem", "a.key"),
        pair("a.pem", "garbage.pem"),
        pair("empty.pem", "a.key"),
        host(&format!("SSLCertificateFile {}", a("a.pem"))),
        with("SSLProtocol TLSv9"),
        with("SSLProtocol -all"),
        with("SSLCipherSuite NOSUCHCIPHER"),
        with("SSLVerifyClient perhaps"),
        with("SSLVerifyDepth -1"),
        with("SSLVerifyDepth many"),
        with("SSLOptions +NoSuchOption"),
        with(&format!("SSLCACertificateFile {}", a("missing.pem"))),
        with(&format!("SSLCACertificateFile {}", a("garbage.pem"))),
        with(&format!("SSLCACertificatePath {}", a("nowhere"))),
        with("SSLVerifyClient require"),
        with(&format!("SSLCARevocationFile {}", a("garbage.pem"))),
        with("SSLRequire %{"),
        with("SSLRequire"),
        with("SSLOpenSSLConfCmd NoSuch x"),
        with("SSLOpenSSLConfCmd MinProtocol TLSv7"),
        with("SSLProxyEngine perhaps"),
        with(&format!("SSLProxyMachineCertificateFile {}", a("a.pem"))),
        with("SSLProxyCipherSuite NOSUCHCIPHER"),
        with("SSLUseStapling on"),
        with("SSLStrictSNIVHostCheck maybe"),
        with("SSLSessionTicketKeyFile /dev/null"),
        with("SSLHonorCipherOrder on\nSSLCompression on"),
        with("SSLSessionCacheTimeout x"),
        with("SSLEngine maybe"),
        with("SSLRandomSeed startup builtin"),
        with("Require ssl yes"),
        "SSLSessionCache nosuch:thing\n".to_owned(),
        "SSLSessionCache shmcb:run/cache(1)\n".to_owned(),
        "SSLPassPhraseDialog exec:/nowhere\n".to_owned() + &pair("a.pem", "locked.key"),
        format!("SSLPassPhraseDialog \"exec:{}\"\n", a("pass")) + &pair("a.pem", "locked.key"),
        "SSLRandomSeed never builtin\n".to_owned(),
        "SSLCryptoDevice nosuch\n".to_owned(),
        "<Location />\nSSLEngine on\n</Location>\n".to_owned(),
        "<Directory />\nSSLCertificateFile x\n</Directory>\n".to_owned(),
        "<Location />\nSSLRenegBufferSize -1\n</Location>\n".to_owned(),
    ];
    site.program("tls/pass", "#!/bin/sh\necho secret\n")?;
    let mut differing = Vec::new();
    for case in &cases {
        let said = |kind| configuration_test(kind, &site, case);
        let (apache, ours) = (said(Kind::Apache)?, said(Kind::under_test())?);
        if apache != ours {
            differing.push(format!("== {case}\n  apache: {apache}\n  ours:   {ours}"));
        }
    }
    ensure!(differing.is_empty(), "{}", differing.join("\n"));
    compatibility::behaves("ssl", cases.len())
}

/// What `-t` prints and logs of a configuration, without what tells the servers apart.
fn configuration_test(kind: Kind, site: &Site, lines: &str) -> Result<String> {
    let place = Place::new()?;
    let mpm = Mpm::under_test();
    let text = format!(
        "{}LoadModule authz_core_module @MODULES@/mod_authz_core.so\n{}{}",
        mpm.load(kind),
        mpm.preamble(),
        serve(
            site,
            "socache_shmcb ssl",
            &format!("Listen @PORT2@ https\n{lines}")
        )
    );
    let file = place.path().join("conf/httpd.conf");
    std::fs::write(&file, fill(&text, place.path(), &[8080, 8443, 8081, 8082]))?;
    let output = run(Command::new(kind.program())
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file)
        .arg("-t"))?;
    let all = printed(&output) + &place.read("logs/error.log");
    let first = all
        .lines()
        .filter(|line| !line.contains("AH00515") && !line.contains("MaxRequestWorkers"))
        // Our messages go on to show the line and to help.
        .filter(|line| !line.contains(" | ") && !line.starts_with("help:"))
        .map(|line| match line.split_once("] AH") {
            Some((_, rest)) => format!("AH{rest}"),
            None => line.to_owned(),
        })
        .filter(|line| !line.starts_with("AH01882"))
        .collect::<Vec<_>>()
        .join("\n    ");
    // The order of names is that of a table with a random seed.
    let first = first.replace("shmcb,default", "default,shmcb");
    let first = first.replace(&place.path().display().to_string(), "PLACE");
    // Lines of the file differ by the one that loads the MPM.
    let number = |text: &str| match text.split_once("on line ") {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}on line N{rest}")
        }
        None => text.to_owned(),
    };
    Ok(format!("{:?} {}", output.status.code(), number(&first)))
}
