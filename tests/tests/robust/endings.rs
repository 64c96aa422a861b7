//! The end of a run: stopped at once or gracefully, with connections kept alive, half a request and a
//! long download under way. No process, shared memory, semaphore or file stays that Apache would not
//! leave too.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::Client,
    differential::serve,
    host::{Host, Kind, PREAMBLE, Place, fill, free_ports, until},
    modules,
    site::Site,
};

const CONFIGURATION: &str = r#"
Mutex sysvsem default
ScriptSock cgid.sock
ScriptAlias /cgi/ "@SITE@/cgi/"
CustomLog "|$/bin/cat >>@PLACE@/logs/piped.log" "%s %r"
KeepAliveTimeout 60
Timeout 60
SSLSessionCache shmcb:run/ssl_cache(64000)
<Proxy balancer://two>
BalancerMember http://127.0.0.1:9
BalancerMember http://127.0.0.1:19
</Proxy>
ProxyPass /balanced balancer://two/
"#;

/// A server with much that could stay behind.
fn start(kind: Kind, site: &Site, more: &str) -> Result<Host> {
    site.file("page.html", "a page\n")?;
    site.file("large.bin", vec![b'x'; 16 << 20])?;
    site.program(
        "cgi/hello",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n",
    )?;
    let configuration = serve(
        site,
        "alias cgid status slotmem_shm proxy proxy_http proxy_balancer lbmethod_byrequests \
         socache_shmcb ssl",
        &format!("{CONFIGURATION}{more}"),
    );
    Host::start(kind, &configuration)
}

/// A process and all that come from it.
fn family(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(&pid) = found.get(at) {
        at += 1;
        for task in fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
        {
            let Ok(task) = task else { continue };
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split(' ')
                    .filter_map(|pid| pid.parse::<i32>().ok()),
            );
        }
    }
    found
}

/// The System V segments and semaphores made by one of these processes.
fn shared(family: &[i32]) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let table = fs::read_to_string("/proc/sysvipc/shm")?;
    let creator = table
        .lines()
        .next()
        .and_then(|head| head.split_whitespace().position(|name| name == "cpid"))
        .context("shm has a column cpid")?;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let pid = fields.get(creator).and_then(|pid| pid.parse().ok());
        if pid.is_some_and(|pid| family.contains(&pid)) {
            found.insert(format!("shm {}", fields[1]));
        }
    }
    Ok(found)
}

/// All semaphores of the machine by number.
fn semaphores() -> Result<BTreeSet<String>> {
    let table = fs::read_to_string("/proc/sysvipc/sem")?;
    let numbers = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1));
    Ok(numbers.map(str::to_owned).collect())
}

/// What is in a server's directory besides configuration and logs.
fn files(host: &Host) -> BTreeSet<String> {
    let here = host.place().path();
    let mut names = BTreeSet::new();
    for part in ["run", "."] {
        for entry in fs::read_dir(here.join(part))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry
                .file_name()
                .to_string_lossy()
                .replace(&host.pid().to_string(), "PID");
            names.insert(format!("{part}/{name}"));
        }
    }
    names
}

/// What a run has left.
#[derive(Debug)]
struct Left {
    took: Duration,
    files: BTreeSet<String>,
    shared: BTreeSet<String>,
}

/// Tells a server to end, lets `meanwhile` happen, and sees what is left.
fn end(mut host: Host, signal: i32, meanwhile: impl FnOnce() -> Result<()>) -> Result<Left> {
    let family = family(host.pid());
    ensure!(family.len() > 2, "children and helpers: {family:?}");
    let begun = Instant::now();
    host.signal(signal);
    meanwhile()?;
    let status = host.wait_for_end()?;
    ensure!(status.success(), "{status}\n{}", host.messages());
    let took = begun.elapsed();
    for pid in &family {
        let process = format!("/proc/{pid}/stat");
        until("its processes are gone", || {
            let stat = fs::read_to_string(&process).unwrap_or_default();
            // A zombie waits for the test's machine to reap it.
            Ok(stat.is_empty() || stat.contains(") Z "))
        })
        .with_context(|| fs::read_to_string(&process).unwrap_or_default())?;
    }
    Ok(Left {
        took,
        files: files(&host),
        shared: shared(&family)?,
    })
}

/// Ends Apache and the server under test, each with connections that `open` makes, and compares what
/// they leave.
fn compare(
    signal: i32,
    more: &str,
    at_most: Duration,
    open: impl Fn(u16) -> Result<Vec<Client>>,
    meanwhile: impl Fn(Vec<Client>) -> Result<()>,
) -> Result<()> {
    let mut left = Vec::new();
    for kind in [Kind::Apache, Kind::under_test()] {
        let site = Site::new()?;
        let host = start(kind, &site, more)?;
        ensure!(httpd_tests::client::get(host.port(), "/cgi/hello")?.text() == "hello\n");
        let clients = open(host.port())?;
        left.push(end(host, signal, || meanwhile(clients))?);
    }
    let (apaches, ours) = (&left[0], &left[1]);
    let more: Vec<_> = ours.files.difference(&apaches.files).collect();
    ensure!(
        more.is_empty() && ours.shared.is_empty() && ours.took < at_most,
        "left besides what Apache leaves: {more:?}; {ours:?}, {apaches:?}"
    );
    Ok(())
}

const GET: &str = "GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n";

/// A connection kept alive, one with half a request, and one with a long download.
fn three(port: u16) -> Result<Vec<Client>> {
    let mut kept = Client::connect(port)?;
    kept.send(GET)?;
    ensure!(kept.receive(false)?.text() == "a page\n");
    let mut half = Client::connect(port)?;
    half.send(&GET[..20])?;
    let mut download = Client::connect(port)?;
    download.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")?;
    download.receive_head()?;
    Ok(vec![kept, half, download])
}

#[test]
fn a_stop_leaves_nothing() -> Result<()> {
    // Semaphores do not say who made them; other tests make and remove theirs at the same time.
    let before = semaphores()?;
    let made = RefCell::new(BTreeSet::new());
    compare(
        libc::SIGTERM,
        "",
        Duration::from_secs(10),
        |port| {
            let now = semaphores()?;
            made.borrow_mut().extend(now.difference(&before).cloned());
            three(port)
        },
        |clients| {
            drop(clients);
            Ok(())
        },
    )?;
    let made = made.into_inner();
    ensure!(!made.is_empty(), "semaphores are used");
    until(
        "no semaphore stays",
        || Ok(semaphores()?.is_disjoint(&made)),
    )
}

#[test]
fn a_stop_does_not_wait_for_clients() -> Result<()> {
    // Apache takes some ten seconds for it.
    let patience = match Kind::under_test() {
        Kind::Ours => Duration::from_secs(5),
        Kind::Apache => Duration::from_secs(20),
    };
    let site = Site::new()?;
    let host = start(Kind::under_test(), &site, "")?;
    let clients = three(host.port())?;
    let left = end(host, libc::SIGTERM, || Ok(()))?;
    ensure!(left.took < patience, "{left:?}");
    drop(clients);
    Ok(())
}

#[test]
fn a_graceful_stop_finishes_what_is_under_way() -> Result<()> {
    compare(
        libc::SIGWINCH,
        "",
        Duration::from_secs(15),
        three,
        |mut clients| {
            let mut download = clients.pop().context("a download")?;
            let mut half = clients.pop().context("half a request")?;
            let mut kept = clients.pop().context("a kept connection")?;
            ensure!(kept.is_closed(), "a connection kept alive is closed");
            half.send(&GET[20..])?;
            let answer = half.receive(false)?;
            ensure!(
                answer.text() == "a page\n" && answer.field("Connection") == Some("close"),
                "{answer:?}"
            );
            ensure!(download.receive_rest()?.len() == 16 << 20);
            Ok(())
        },
    )
}

#[test]
fn a_graceful_stop_ends_after_its_timeout() -> Result<()> {
    if Kind::under_test() == Kind::Apache {
        // It takes ten seconds more.
        return Ok(());
    }
    let site = Site::new()?;
    let host = start(Kind::under_test(), &site, "GracefulShutdownTimeout 1\n")?;
    let clients = three(host.port())?;
    // Nobody takes the download, and the client stays until the server is gone.
    let left = end(host, libc::SIGWINCH, || Ok(()))?;
    drop(clients);
    ensure!(
        left.took > Duration::from_millis(900) && left.took < Duration::from_secs(8),
        "{left:?}"
    );
    ensure!(left.shared.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn a_single_process_obeys_a_stop_that_came_while_it_started() -> Result<()> {
    let place = Place::new()?;
    let module = modules::compile(&modules::source("mod_early_stop.c"), place.path())?;
    let site = Site::new()?;
    let kind = Kind::under_test();
    let mpm = match kind {
        Kind::Apache => "LoadModule mpm_event_module @MODULES@/mod_mpm_event.so\n",
        Kind::Ours => "",
    };
    let configuration = serve(
        &site,
        "authz_core",
        &format!("LoadModule early_stop_module {}", module.display()),
    );
    let configuration = fill(
        &format!("{mpm}{PREAMBLE}{configuration}"),
        place.path(),
        &free_ports(1)?,
    );
    let file = place.path().join("conf/httpd.conf");
    fs::write(&file, configuration)?;
    let mut server = Command::new(kind.program())
        .arg("-X")
        .arg("-d")
        .arg(place.path())
        .arg("-f")
        .arg(&file)
        .spawn()?;
    let ended = until("it has ended", || Ok(server.try_wait()?.is_some()));
    if ended.is_err() {
        server.kill()?;
        server.wait()?;
    }
    ended.with_context(|| place.read("logs/error.log"))
}
