//! Modules that work in the background, on the threads of mod_watchdog: mod_md with a certificate
//! authority that cannot be reached, mod_heartbeat, and mod_heartmonitor with the balancer that
//! listens to it.

use std::{fs, net::UdpSocket, time::Duration};

use anyhow::{Context, Result};
use httpd_tests::{
    client::{Answer, exchange},
    conversation::converse,
    dav::open_to_all,
    differential::{Case, load},
    host::until,
    origin::{Origin, Reply},
    refusal::refuse_alike,
    site::Site,
};

/// Asks for the status of managed domains.
const STATUS: &str = "GET /md HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n";

fn prepare(state: &Site) -> Result<()> {
    state.file("www/index.html", "home\n")?;
    fs::create_dir(state.path().join("monitor"))?;
    open_to_all(&state.path().join("monitor"))
}

/// Without when mod_md will try again, which it draws by lot.
fn without_the_next_run(answer: &mut Answer) {
    let text = answer.text();
    let lines = text.lines().filter(|line| !line.contains("next-run"));
    answer.body = lines.collect::<Vec<_>>().join("\n").into_bytes();
    answer.fields.retain(|(name, _)| name != "Content-Length");
}

/// What mod_md adds to the page of mod_status.
fn managed_domains_only(answer: &mut Answer) {
    let text = answer.text();
    let from = text
        .find("<h3>Managed")
        .or_else(|| text.find("ManagedCert"));
    let from = from.unwrap_or(text.len());
    let lines = text[from..].lines().filter(|line| {
        !line.contains("<address>")
            && !["Next run", "next run", "MD_"]
                .iter()
                .any(|it| line.contains(it))
    });
    answer.body = lines.collect::<Vec<_>>().join("\n").into_bytes();
    answer.fields.retain(|(name, _)| name != "Content-Length");
}

#[test]
fn managed_domains_without_an_authority() -> Result<()> {
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nListen 127.0.0.1:@PORT2@\nDocumentRoot @STATE@/www\n\
         DirectoryIndex index.html\n<Directory @STATE@/www>\nRequire all granted\n</Directory>\n\
         MDStoreDir @STATE@/md\nMDCertificateAuthority http://127.0.0.1:1/directory\n\
         MDCertificateAgreement accepted\nMDContactEmail admin@managed.example\n\
         MDPortMap http:@PORT@ https:@PORT2@\nMDRetryDelay 1h\nMDPrivateKeys RSA 3072 secp256r1\n\
         MDMessageCmd /bin/true\nMDRenewWindow 25%\nMDWarnWindow 5d\n\
         MDomain managed.example www.managed.example\n\
         <MDomainSet secure.example>\nMDMember more.example\nMDRequireHttps permanent\n\
         MDRenewMode manual\nMDMustStaple on\n</MDomainSet>\n\
         <MDomainSet soon.example>\nMDRequireHttps temporary\nMDRenewMode manual\n</MDomainSet>\n\
         <Location /st>\nSetHandler server-status\n</Location>\n\
         <Location /md>\nSetHandler md-status\n</Location>\n\
         <VirtualHost *:@PORT@>\nServerName other.example\n</VirtualHost>\n\
         <VirtualHost *:@PORT@>\nServerName managed.example\nServerAlias www.managed.example\n</VirtualHost>\n\
         <VirtualHost *:@PORT@>\nServerName secure.example\nServerAlias more.example\n</VirtualHost>\n\
         <VirtualHost *:@PORT@>\nServerName soon.example\n</VirtualHost>\n",
        load("md dir status"),
    );
    converse("md", &configuration, &[], prepare, |visitor| {
        let port = visitor.host().port();
        until("the authority has been asked in vain", || {
            let answer = exchange(port, STATUS)?;
            Ok(answer.text().contains("Connection refused"))
        })?;
        for path in [
            "/md",
            "/md/managed.example",
            "/md/secure.example",
            "/md/none.example",
        ] {
            let case = Case::get_with(path, &[("Host", "other.example")]);
            visitor.exchange_edited(&case, without_the_next_run);
        }
        for path in ["/st", "/st?auto"] {
            let case = Case::get_with(path, &[("Host", "other.example")]);
            visitor.exchange_edited(&case, managed_domains_only);
        }
        for kind in ["managed.example", "secure.example"] {
            let challenge = format!("md/challenges/{kind}/acme-http-01.txt");
            visitor.state().file(&challenge, "token.of-the-account")?;
        }
        open_to_all(&visitor.state().path().join("md/challenges"))?;
        for host in [
            "managed.example",
            "www.managed.example",
            "secure.example",
            "more.example",
            "soon.example",
            "other.example",
        ] {
            for path in [
                "/",
                "/a/b?c",
                "/.well-known/acme-challenge/token",
                "/.well-known/acme-challenge/other",
                "/.well-known/acme-challenge/",
                "/.well-known/acme-challenge",
                "/.httpd/certificate-status",
            ] {
                visitor.send("GET", path, &[("Host", host)], "");
            }
            visitor.send("HEAD", "/", &[("Host", host)], "");
            visitor.send("POST", "/", &[("Host", host)], "x");
        }
        let mut kept = Vec::new();
        for directory in ["domains", "staging", "accounts"] {
            for entry in fs::read_dir(visitor.state().path().join("md").join(directory))? {
                let entry = entry?;
                kept.push(format!(
                    "{directory}/{}",
                    entry.file_name().to_string_lossy()
                ));
            }
        }
        kept.sort();
        visitor.note("what is kept", &kept.join("\n"));
        Ok(())
    })
}

#[test]
fn malformed_managed_domains() -> Result<()> {
    refuse_alike(
        "md",
        &load("md"),
        &[
            "MDomain",
            "MDomain not_a_domain",
            "MDomain a.example\nMDomain a.example b.example",
            "MDomain a.example auto\nMDCertificateFile x.pem",
            "MDRenewMode sometimes",
            "MDRequireHttps perhaps",
            "MDPortMap http:x",
            "MDRenewWindow 200%",
            "MDPrivateKeys RSA 512",
            "MDPrivateKeys nonsense",
            "MDStapling perhaps",
            "MDRetryDelay soon",
            "MDBaseServer maybe",
            "<MDomainSet>\n</MDomainSet>",
            "<MDomainSet a.example>\nMDomain b.example\n</MDomainSet>",
        ],
    )
}

#[test]
fn hearts_beat() -> Result<()> {
    let listener = UdpSocket::bind(("127.0.0.1", 0))?;
    listener.set_read_timeout(Some(Duration::from_secs(10)))?;
    let port = listener.local_addr()?.port();
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nHeartbeatAddress 127.0.0.1:{port}\nStartServers 1\n",
        load("heartbeat status"),
    );
    let begin = |_: &Site| {
        // What the first server has still sent.
        listener.set_nonblocking(true)?;
        while listener.recv(&mut [0; 100]).is_ok() {}
        Ok(listener.set_nonblocking(false)?)
    };
    converse(
        "heartbeat watchdog",
        &configuration,
        &[],
        begin,
        |visitor| {
            for turn in ["first", "second"] {
                let mut buffer = [0; 100];
                let length = listener.recv(&mut buffer).context("no heart beats")?;
                let beat = String::from_utf8_lossy(&buffer[..length]).into_owned();
                // How many threads are ready depends on how many there are, which is the MPM's affair.
                let beat: String = beat
                    .chars()
                    .map(|it| if it.is_ascii_digit() { 'N' } else { it })
                    .collect();
                let beat = beat.replace("NNN", "N").replace("NN", "N");
                visitor.note(turn, &beat);
            }
            Ok(())
        },
    )
}

#[test]
fn balancers_listen_to_hearts() -> Result<()> {
    let origin = Origin::start(|_| Reply::with(""))?;
    let configuration = format!(
        "{}Listen 127.0.0.1:@PORT@\nHeartbeatListen 127.0.0.1:@PORT2@\nHeartbeatMaxServers 10\n\
         HeartbeatStorage monitored\n<Location /beat>\nSetHandler heartbeat\n</Location>\n\
         ProxyPass /beat !\n\
         <Proxy balancer://hearts>\nBalancerMember http://127.0.0.1:{}\nProxySet lbmethod=heartbeat\n\
         </Proxy>\nProxyPass / balancer://hearts/\n",
        load(
            "slotmem_shm heartmonitor proxy proxy_http proxy_balancer lbmethod_heartbeat \
             lbmethod_byrequests"
        ),
        origin.port(),
    );
    let begin = |_: &Site| {
        origin.reset();
        Ok(())
    };
    let modules = "heartmonitor lbmethod_heartbeat watchdog";
    converse(modules, &configuration, &[], begin, |visitor| {
        visitor.get("/before");
        visitor.get("/beat");
        for beat in [
            "",
            "nonsense",
            "v=1",
            "v=1&ready=0&busy=3",
            "v=1&ready=75&busy=3",
            "v=2&ready=75&busy=3",
            "v=1&ready=75&busy=3&port=80",
        ] {
            visitor.send("POST", "/beat", &[], beat);
            visitor.get("/after");
        }
        visitor.send("PUT", "/beat", &[], "v=1&ready=1&busy=1");
        visitor.send("POST", "/beat", &[], &"x".repeat(5000));
        Ok(())
    })
}
