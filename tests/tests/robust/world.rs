//! A server that does a bit of everything (files, CGI, a proxied backend that is slow, includes,
//! compression), and the means to see whether it has lost something: its descriptors, its pools
//! (`mod_poolcount.c`), its scoreboard and its access log.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use httpd_tests::{
    client::{Client, get},
    differential::serve,
    host::{Host, Kind, Place, until},
    modules::{compile, source},
    site::Site,
};

/// A server, its documents and its backend.
pub struct World {
    pub host: Host,
    _site: Site,
    _backend: Arc<()>,
}

const CONFIGURATION: &str = r#"
LogFormat "%{remote}p %>s %X %b %B %I %O %k \"%r\"" cut
LogFormat "%{remote}p %>s %X %b %B \"%r\"" sent
LoadModule poolcount_module @POOLCOUNT@
TypesConfig /etc/mime.types
ServerTokens Prod
MinSpareThreads 1
MaxMemFree 16
Timeout 10
KeepAliveTimeout 10
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
ProxyPass /backend http://127.0.0.1:@BACKEND@/ disablereuse=On
<Directory "@SITE@">
Options +Includes +ExecCGI
</Directory>
<Location /deflated>
SetOutputFilter DEFLATE
</Location>
CustomLog logs/access.log @FORMAT@
Listen 127.0.0.1:@PORT2@
<VirtualHost *:@PORT2@>
CustomLog /dev/null cut
<Location /server-status>
SetHandler server-status
</Location>
<Location /pools>
SetHandler poolcount
</Location>
</VirtualHost>
"#;

impl World {
    /// Starts one. `format` is `cut` (with every count of bytes) or `sent` (without those that
    /// depend on how much the sockets' buffers hold).
    pub fn start(kind: Kind, format: &str) -> Result<Self> {
        let site = Site::new()?;
        site.file("page.html", "<p>a page of a few words</p>\n".repeat(20))?;
        site.file("large.bin", vec![b'x'; 8 << 20])?;
        site.file("deflated/text.txt", "0123456789 and so on\n".repeat(500))?;
        site.file(
            "include.shtml",
            "<!--#include virtual=\"/page.html\" --> and <!--#echo var=\"REQUEST_METHOD\" -->\n",
        )?;
        site.program(
            "cgi/echo",
            "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nexec cat\n",
        )?;
        site.program(
            "cgi/endless",
            "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nexec yes 'line after line'\n",
        )?;
        let place = Place::new()?;
        let module = compile(&source("mod_poolcount.c"), place.path())?;
        let backend = Arc::new(());
        let port = slow_backend(&backend)?;
        let configuration = serve(
            &site,
            "mime alias authz_host cgid status include deflate filter proxy proxy_http",
            CONFIGURATION,
        )
        .replace("@POOLCOUNT@", &module.display().to_string())
        .replace("@SITE@", &site.path().display().to_string())
        .replace("@BACKEND@", &port.to_string())
        .replace("@FORMAT@", format);
        let host = Host::start_in(kind, place, &configuration)?;
        Ok(Self {
            host,
            _site: site,
            _backend: backend,
        })
    }

    /// How many descriptors the control process and its descendants have open.
    pub fn descriptors(&self) -> BTreeMap<String, usize> {
        let mut open = BTreeMap::new();
        for pid in self.host.children() {
            for entry in fs::read_dir(format!("/proc/{pid}/fd"))
                .into_iter()
                .flatten()
            {
                let Ok(entry) = entry else { continue };
                let Ok(target) = fs::read_link(entry.path()) else {
                    continue;
                };
                let target = target.to_string_lossy();
                let kind = target.split(':').next().unwrap_or_default();
                *open.entry(format!("{pid} {kind}")).or_default() += 1;
            }
        }
        open
    }

    /// Resident memory of the children in KiB.
    pub fn resident(&self) -> usize {
        let children = self.host.children();
        let pages = children.iter().filter_map(|pid| {
            let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
            statm.split(' ').nth(1)?.parse::<usize>().ok()
        });
        pages.sum::<usize>() * 4
    }

    /// The figures of server-status.
    pub fn status(&self) -> Result<HashMap<String, String>> {
        let text = get(self.host.port_number(2), "/server-status?auto")?.text();
        Ok(text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    /// What `mod_poolcount` counted: connections and requests still alive, and requests logged.
    pub fn pools(&self) -> Result<(i64, i64, i64)> {
        let text = get(self.host.port_number(2), "/pools")?.text();
        let number = |name: &str, nth: usize| -> Result<i64> {
            let line = text.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split(' ').nth(nth));
            number.context(text.clone())?.parse().context("a number")
        };
        Ok((
            number("connections", 1)? - number("connections", 2)?,
            number("requests", 1)? - number("requests", 2)?,
            number("logged", 1)?,
        ))
    }

    /// Waits until nothing of any request is left but what was open before. (Apache starts children
    /// as it needs them, of which nothing is known before.)
    pub fn is_quiet(&self, before: &BTreeMap<String, usize>) -> Result<()> {
        let mut now = self.descriptors();
        until("the descriptors are closed", || {
            now = self.descriptors();
            Ok(now
                .iter()
                .all(|(kind, count)| count <= before.get(kind).unwrap_or(count)))
        })
        .with_context(|| format!("open before: {before:?}, now: {now:?}"))?;
        let mut pools = (0, 0, 0);
        until("only the asking connection and request are alive", || {
            pools = self.pools()?;
            Ok((pools.0, pools.1) == (1, 1))
        })
        .with_context(|| {
            format!(
                "{:?}: pools of connections, requests; logged: {pools:?}\n{}",
                self.host.kind(),
                self.host.messages()
            )
        })?;
        let mut status = HashMap::new();
        until("the scoreboard is free", || {
            status = self.status()?;
            let is = |name: &str, most: i64| {
                status
                    .get(name)
                    .and_then(|value| value.parse::<i64>().ok())
                    .is_none_or(|value| value <= most)
            };
            Ok(is("BusyWorkers", 1)
                && is("ConnsTotal", 1)
                && is("ConnsAsyncWriting", 0)
                && is("ConnsAsyncKeepAlive", 0)
                && is("ConnsAsyncClosing", 1))
        })
        .with_context(|| format!("{status:?}"))
    }

    /// The lines of the access log by the port of the client.
    pub fn log(&self) -> BTreeMap<u16, Vec<String>> {
        let mut lines: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for line in self.host.place().read("logs/access.log").lines() {
            if let Some((port, rest)) = line.split_once(' ') {
                let port = port.parse().unwrap_or(0);
                lines.entry(port).or_default().push(rest.to_owned());
            }
        }
        lines
    }

    /// Does everything once, so that what is made on first use is there, and answers what is open.
    pub fn warm_up(&self, work: impl FnOnce() -> Result<()>) -> Result<BTreeMap<String, usize>> {
        work()?;
        self.status()?;
        let mut before = self.descriptors();
        // Quiet when nothing has changed for a while.
        let mut same = 0;
        until("the server is at rest", || {
            let now = self.descriptors();
            same = if now == before { same + 1 } else { 0 };
            before = now;
            Ok(same > 40)
        })?;
        Ok(before)
    }
}

/// Connects with a port that was not used before in this test.
pub fn connect(port: u16, used: &mut std::collections::HashSet<u16>) -> Result<Client> {
    let mut kept = Vec::new();
    for _ in 0..50 {
        let client = Client::connect(port)?;
        if used.insert(client.local_port()?) {
            return Ok(client);
        }
        kept.push(client);
    }
    bail!("no port that was not used before")
}

/// An HTTP server whose answers come in pieces, as long as the world that `life` belongs to.
fn slow_backend(life: &Arc<()>) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    listener.set_nonblocking(true)?;
    let life = Arc::downgrade(life);
    std::thread::spawn(move || {
        while life.strong_count() > 0 {
            match listener.accept() {
                Ok((stream, _)) => {
                    std::thread::spawn(move || {
                        let _ = answer_slowly(stream);
                    });
                }
                Err(_) => std::thread::park_timeout(Duration::from_millis(2)),
            }
        }
    });
    Ok(port)
}

fn answer_slowly(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while !received.windows(4).any(|window| window == b"\r\n\r\n") {
        let got = stream.read(&mut buffer)?;
        if got == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..got]);
    }
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
    )?;
    for _ in 0..3 {
        std::thread::park_timeout(Duration::from_millis(1));
        stream.write_all(b"5\r\nslow \r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}
