//! The directives that all MPMs share, and others about processes and files: what an outsider sees of
//! them (children, users, sockets' options, files, what ends when) is the same with both servers.

use std::{
    ffi::c_int,
    fs,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{self, Client},
    compatibility,
    differential::serve,
    host::{Host, Kind, Place, fill, printed, run, until},
    modules::{compile, source},
    mpm::Mpm,
    site::Site,
    streams::compare_traces,
};

const KINDS: [fn() -> Kind; 2] = [|| Kind::Apache, Kind::under_test];

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    Ok(site)
}

#[test]
fn numbers_of_children() -> Result<()> {
    let site = site()?;
    let settings = [
        ("StartServers 1", 1),
        ("StartServers 3", 3),
        ("ServerLimit 2\nStartServers 2", 2),
        ("ServerLimit 1\nStartServers 3", 1),
    ];
    for kind in KINDS {
        for (lines, wanted) in settings {
            // Few enough spare threads that no further children are asked for.
            let more = if Mpm::under_test().is_threaded() {
                format!("{lines}\nThreadsPerChild 5\nMinSpareThreads 1\nMaxSpareThreads 100\n")
            } else {
                format!("{lines}\nMinSpareServers 1\n")
            };
            let host = Host::start(kind(), &serve(&site, "", &more))?;
            until("all children run", || Ok(host.children().len() == wanted))
                .with_context(|| format!("{lines}: {:?}", host.children()))?;
        }
    }
    compatibility::behaves("core mpm_event", settings.len())
}

/// How many requests may block at once: threads times children, not above the limit.
#[test]
fn requests_that_block_at_once() -> Result<()> {
    let place = Place::new()?;
    let module = compile(&source("mod_nap.c"), place.path())?;
    let site = site()?;
    // Each request takes 200 ms. Where requests are served by the threads that accept, those come on
    // top (`data/differences.toml`).
    let settings = [
        ("ThreadsPerChild 2\nServerLimit 1\nMaxRequestWorkers 2", 2),
        ("ThreadsPerChild 6\nServerLimit 1\nMaxRequestWorkers 6", 6),
        ("ThreadLimit 1\nThreadsPerChild 5\nServerLimit 1", 1),
    ];
    let children = [
        ("MaxRequestWorkers 2\nMinSpareServers 2", 2),
        ("StartServers 6", 6),
        ("ServerLimit 1", 1),
    ];
    let settings = if Mpm::under_test().is_threaded() {
        settings
    } else {
        children
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    for kind in KINDS {
        for (lines, threads) in settings {
            let more = format!(
                "LoadModule nap_module {}\nStartServers 1\n{lines}\n<Location /nap>\nSetHandler nap\n</Location>\n",
                module.display()
            );
            let host = Host::start(kind(), &serve(&site, "", &more))?;
            // A handler that is known to block.
            client::get(host.port(), "/nap")?;
            let begun = Instant::now();
            std::thread::scope(|scope| -> Result<()> {
                let threads: Vec<_> = (0..6)
                    .map(|_| scope.spawn(|| client::get(host.port(), "/nap")))
                    .collect();
                for thread in threads {
                    let answer = thread.join().ok().context("the client panicked")??;
                    ensure!(answer.text() == "rested\n");
                }
                Ok(())
            })?;
            let took = begun.elapsed();
            let at_once = match kind() {
                Kind::Ours if Mpm::under_test() == Mpm::Event => threads + processors,
                _ => threads,
            };
            let rounds = 6_usize.div_ceil(at_once) as u64;
            let least = Duration::from_millis(200 * rounds - 20);
            ensure!(took >= least, "{:?} {lines}: {took:?}", kind());
        }
    }
    compatibility::behaves("core mpm_event", settings.len())
}

#[test]
fn children_leave_after_their_connections() -> Result<()> {
    let site = site()?;
    for name in ["MaxConnectionsPerChild", "MaxRequestsPerChild"] {
        for kind in KINDS {
            let more = format!("StartServers 1\nMinSpareThreads 1\nMaxSpareThreads 25\n{name} 3\n");
            let host = Host::start(kind(), &serve(&site, "", &more))?;
            let first = host.children();
            until("another child has taken over", || {
                // Each on a connection of its own.
                ensure!(client::get(host.port(), "/doc.txt")?.status() == 200);
                Ok(host.children().iter().all(|child| !first.contains(child)))
            })?;
        }
    }
    compatibility::behaves("core mpm_event", 2)
}

/// A field of `/proc/PID/status`.
fn status_of(pid: i32, field: &str) -> Result<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    Ok(line.context("no such field")?.trim().to_owned())
}

#[test]
fn users_groups_and_roots_of_children() -> Result<()> {
    let site = site()?;
    let root = site.path().display().to_string();
    fs::create_dir_all(site.path().join("etc"))?;
    let settings = [
        "User nobody\nGroup nogroup",
        "User #65534\nGroup #33",
        "User www-data\nGroup www-data\nCoreDumpDirectory /tmp",
        &format!("ChrootDir {root}"),
    ];
    for lines in settings {
        let mut seen = Vec::new();
        for kind in KINDS {
            let host = Host::start(
                kind(),
                &serve(&site, "", &format!("StartServers 1\n{lines}\n")),
            )?;
            let mut shown = String::new();
            until("a child has its user", || {
                let look = || -> Result<String> {
                    let child = *host.children().first().context("no child")?;
                    let user = status_of(child, "Uid:")?;
                    ensure!(!user.starts_with('0'), "not yet");
                    // Whether it may leave a core shows in who owns its files there.
                    let dumps = fs::metadata(format!("/proc/{child}/io"))?.uid();
                    Ok(format!(
                        "uid {user} gid {} groups {} root {:?} dumps {dumps}",
                        status_of(child, "Gid:")?,
                        status_of(child, "Groups:")?,
                        fs::read_link(format!("/proc/{child}/root"))?,
                    ))
                };
                shown = look().unwrap_or_default();
                Ok(!shown.is_empty())
            })
            .with_context(|| format!("{:?} {lines}: {}", kind(), host.messages()))?;
            seen.push(shown);
        }
        ensure!(
            seen[0] == seen[1],
            "{lines}\napache: {}\nours:   {}",
            seen[0],
            seen[1]
        );
    }
    compatibility::behaves("core unixd", settings.len())
}

/// The server's own listening sockets on its first port, as copies.
fn listeners(host: &Host) -> Result<Vec<OwnedFd>> {
    let pid = host.pid();
    let wanted = format!(":{:04X}", host.port());
    let mut sockets = Vec::new();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp"))?;
    let inodes: Vec<&str> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|columns| columns.len() > 9 && columns[1].ends_with(&wanted) && columns[3] == "0A")
        .map(|columns| columns[9])
        .collect();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let target = target.to_string_lossy();
        let is_wanted = inodes
            .iter()
            .any(|inode| target == format!("socket:[{inode}]"));
        if !is_wanted {
            continue;
        }
        let number: c_int = entry.file_name().to_string_lossy().parse()?;
        // SAFETY: plain system calls; what they answer is a new descriptor of this process.
        unsafe {
            let process = libc::syscall(libc::SYS_pidfd_open, pid, 0) as c_int;
            ensure!(process >= 0, "pidfd_open");
            let process = OwnedFd::from_raw_fd(process);
            let copy =
                libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) as c_int;
            ensure!(copy >= 0, "pidfd_getfd");
            sockets.push(OwnedFd::from_raw_fd(copy));
        }
    }
    Ok(sockets)
}

fn option(socket: &OwnedFd, level: c_int, name: c_int) -> c_int {
    let mut value: c_int = -1;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the value has room for what is asked.
    unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw mut value).cast(),
            &raw mut length,
        );
    }
    value
}

/// How long the queue of a listening socket may be.
fn backlog(socket: &OwnedFd) -> u32 {
    // SAFETY: zero is a value of the record, which has room for what is asked.
    unsafe {
        let mut record: libc::tcp_info = std::mem::zeroed();
        let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut record).cast(),
            &raw mut length,
        );
        record.tcpi_sacked
    }
}

#[test]
fn options_of_sockets() -> Result<()> {
    let site = site()?;
    let settings = [
        "",
        "ListenBacklog 77\nSendBufferSize 40000",
        "ReceiveBufferSize 50000\nListenTCPDeferAccept 10",
        "AcceptFilter http none\nSendBufferSize 0\nReceiveBufferSize 0",
        "AcceptFilter http data\nListenTCPDeferAccept 5\nListenCoresBucketsRatio 99",
    ];
    for lines in settings {
        let mut seen = Vec::new();
        for kind in KINDS {
            // The options count for the Listen lines behind them.
            let host = Host::start(kind(), &format!("{lines}\n{}", serve(&site, "", "")))?;
            let sockets = listeners(&host)?;
            let shown: Vec<String> = sockets
                .iter()
                .map(|socket| {
                    format!(
                        "send {} receive {} defer {} backlog {} keep {} reuse {}",
                        option(socket, libc::SOL_SOCKET, libc::SO_SNDBUF),
                        option(socket, libc::SOL_SOCKET, libc::SO_RCVBUF),
                        option(socket, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT),
                        backlog(socket),
                        option(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE),
                        option(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR),
                    )
                })
                .collect();
            ensure!(!shown.is_empty(), "{:?} has no listening socket", kind());
            seen.push(shown);
        }
        ensure!(
            seen[0] == seen[1],
            "{lines}\napache: {:?}\nours:   {:?}",
            seen[0],
            seen[1]
        );
    }
    compatibility::behaves("core mpm_event", settings.len())
}

/// Addresses and ports in all forms.
#[test]
fn addresses_to_listen_on() -> Result<()> {
    let site = site()?;
    let settings = [
        "Listen 127.0.0.1:@PORT2@",
        "Listen 127.0.0.1:@PORT2@ http",
        "Listen [::1]:@PORT2@",
        "Listen localhost:@PORT2@",
    ];
    for lines in settings {
        for kind in KINDS {
            let host = Host::start(kind(), &serve(&site, "", lines))?;
            let port = host.port_number(2);
            let reached = if lines.contains("::1") {
                std::net::TcpStream::connect(("::1", port)).is_ok()
            } else {
                client::get(port, "/doc.txt")?.status() == 200
            };
            ensure!(reached, "{:?} {lines}", kind());
        }
    }
    compatibility::behaves("core", settings.len())
}

#[test]
fn files_that_a_server_makes() -> Result<()> {
    let site = site()?;
    let more =
        "PidFile run/other.pid\nScoreBoardFile score\nExtendedStatus On\nErrorLog logs/other.log\n";
    for kind in KINDS {
        let host = Host::start(kind(), &serve(&site, "", more))?;
        let text = host.place().read("run/other.pid");
        ensure!(
            text.trim() == host.pid().to_string(),
            "{:?}: pid file {text:?}",
            kind()
        );
        // APR makes a file of the system's for shared memory, named after this one.
        let maps = fs::read_to_string(format!("/proc/{}/maps", host.pid()))?;
        ensure!(
            maps.contains("/dev/shm/ShM."),
            "{:?} has no scoreboard file",
            kind()
        );
        until("the server has said so", || {
            Ok(host.place().read("logs/other.log").contains("configured"))
        })?;
    }
    compatibility::behaves("core", 3)
}

/// A graceful stop waits no longer for a client than GracefulShutdownTimeout allows.
#[test]
fn graceful_stops_have_a_limit() -> Result<()> {
    let site = site()?;
    site.file("large.bin", vec![b'x'; 30_000_000])?;
    // Apache's children take ten seconds more to be killed.
    let mut host = Host::start(
        Kind::under_test(),
        &serve(&site, "", "GracefulShutdownTimeout 1\nStartServers 1\n"),
    )?;
    let mut client = Client::connect(host.port())?;
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")?;
    client.receive_head()?;
    let begun = Instant::now();
    host.signal(libc::SIGWINCH);
    host.wait_for_end()?;
    let took = begun.elapsed();
    ensure!(
        took > Duration::from_millis(700) && took < Duration::from_secs(15),
        "{took:?}"
    );
    compatibility::behaves("core mpm_event", 1)
}

/// A child that crashes is told of, with the directory for its memory.
#[test]
fn crashes_are_told() -> Result<()> {
    let site = site()?;
    let lines = compare_traces(
        &serve(
            &site,
            "",
            "StartServers 1\nCoreDumpDirectory /tmp\nMinSpareThreads 1\nErrorLogFormat \"%m|%l|%M\"\n",
        ),
        |host| {
            let child = *host.children().first().context("no child")?;
            until("the child serves", || {
                Ok(client::get(host.port(), "/doc.txt")?.status() == 200)
            })?;
            // SAFETY: a plain system call on a child of the server started here.
            unsafe { libc::kill(child, libc::SIGSEGV) };
            until("the log tells", || {
                Ok(host.place().read("logs/error.log").contains("exit signal"))
            })?;
            until("there is another", || {
                Ok(host.children().iter().any(|&other| other != child))
            })
        },
        |host| {
            let log = host.place().read("logs/error.log");
            let lines = log.lines().filter(|line| line.contains("exit signal"));
            Ok(lines
                .map(|line| {
                    let words = line.split(' ');
                    words
                        .filter(|word| word.parse::<u32>().is_err())
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect())
        },
    )?;
    compatibility::behaves("core mpm_event", lines)
}

/// What `-t -D DUMP_RUN_CFG` says about directories, users, mutexes and names.
#[test]
fn settings_as_dumped() -> Result<()> {
    let settings = [
        "RewriteEngine On",
        "Mutex default",
        "Mutex none default",
        "Mutex fcntl:run rewrite-map",
        "Mutex flock:run watchdog-callback",
        "Mutex sysvsem default",
        "Mutex posixsem default",
        "Mutex pthread rewrite-map",
        "Mutex file:@PLACE@/logs default OmitPID",
        "Mutex sem rewrite-map watchdog-callback",
        "DefaultRuntimeDir logs",
        "PidFile logs/x.pid",
        "User nobody\nGroup nogroup",
        "ErrorLog logs/x.log",
        "DocumentRoot @PLACE@/conf",
        "Define A b\nDefine C",
        "ServerRoot /tmp",
        "<VirtualHost *:80>\nServerName a.example\n</VirtualHost>",
    ];
    for lines in settings {
        let mut seen = Vec::new();
        for kind in KINDS {
            let place = Place::new()?;
            let text = format!(
                "ServerRoot \"@PLACE@\"\nServerName x\nDefaultRuntimeDir run\nErrorLog logs/error.log\n\
                 Listen 127.0.0.1:1\nPidFile run/pid\nLoadModule mpm_event_module @MODULES@/mod_mpm_event.so\n\
                 LoadModule authz_core_module @MODULES@/mod_authz_core.so\n\
                 LoadModule rewrite_module @MODULES@/mod_rewrite.so\nUser www-data\nGroup www-data\n{lines}\n"
            );
            let file = place.path().join("conf/httpd.conf");
            fs::write(&file, fill(&text, place.path(), &[]))?;
            let output = run(Command::new(kind().program())
                .arg("-t")
                .arg("-DDUMP_RUN_CFG")
                .arg("-DDUMP_VHOSTS")
                .arg("-f")
                .arg(&file))?;
            let text = printed(&output).replace(&place.path().display().to_string(), "PLACE");
            // Mutexes come in any order.
            let lines = text.lines().map(str::to_owned);
            // What httpd-rs adds to a message is left out.
            let mut lines: Vec<String> = lines
                .filter(|line| !line.contains(" | ") && !line.starts_with("help:"))
                .collect();
            lines.sort();
            seen.push(lines.join("\n"));
        }
        ensure!(
            seen[0] == seen[1],
            "{lines}\n--- apache:\n{}\n--- ours:\n{}",
            seen[0],
            seen[1]
        );
    }
    compatibility::behaves("core unixd", settings.len())
}

/// Stacks of threads: mappings of the size asked for.
#[test]
fn sizes_of_stacks() -> Result<()> {
    if !Mpm::under_test().is_threaded() {
        return Ok(());
    }
    let site = site()?;
    for kind in KINDS {
        let more = "StartServers 1\nThreadsPerChild 2\nThreadStackSize 3145728\n";
        let host = Host::start(kind(), &serve(&site, "", more))?;
        let child = *host.children().first().context("no child")?;
        until("a thread has such a stack", || {
            let maps = fs::read_to_string(format!("/proc/{child}/maps"))?;
            Ok(maps.lines().any(|line| {
                let range = line.split(' ').next().unwrap_or_default();
                let (from, to) = range.split_once('-').unwrap_or(("0", "0"));
                let number = |hex| u64::from_str_radix(hex, 16).unwrap_or(0);
                let size = number(to) - number(from);
                // With the thread's own record and rounded to pages.
                (3_145_728..3_145_728 + 16_384).contains(&size)
            }))
        })
        .with_context(|| format!("{:?}", kind()))?;
    }
    compatibility::behaves("core", 1)
}

/// What the access log holds, by all the directives that make one.
#[test]
fn access_logs() -> Result<()> {
    let site = site()?;
    let sets = [
        "CustomLog logs/a.log \"%h %l %u %r %>s %b %U%q %{User-Agent}i %v\"",
        "LogFormat \"%m %U %s\" short\nCustomLog logs/a.log short\nCustomLog logs/b.log \"%s\" env=!none",
        "LogFormat \"%m %U default\"\nTransferLog logs/a.log",
        "CustomLog logs/a.log \"%U %s\" \"expr=%{REQUEST_STATUS} -ge 400\"",
        "GlobalLog logs/b.log \"global %U\"\n<VirtualHost *:@PORT@>\nCustomLog logs/a.log \"host %U\"\n</VirtualHost>",
        "BufferedLogs On\nCustomLog logs/a.log \"%U %s\"",
        "LogIOTrackTTFB On\nCustomLog logs/a.log \"%I %O %S %U\"",
    ];
    let mut cases = 0;
    for more in sets {
        cases += compare_traces(
            &serve(&site, "", more),
            |host| {
                // Each is logged before the next on its connection is answered: the last does not
                // count.
                let mut client = Client::connect(host.port())?;
                for path in ["/doc.txt", "/none?x=y", "/doc.txt?q", "/last"] {
                    client.send(format!("GET {path} HTTP/1.1\r\nHost: test.example\r\n\r\n"))?;
                    client.receive(false)?;
                }
                Ok(())
            },
            |host| {
                let text =
                    host.place().read("logs/a.log") + "--\n" + &host.place().read("logs/b.log");
                // Banners are of different lengths.
                let lines = text.lines().map(|line| {
                    match line.strip_prefix(|c: char| c.is_ascii_digit()) {
                        Some(_) if more.contains("%O") => {
                            line.rsplit(' ').next().unwrap_or_default().to_owned()
                        }
                        _ => line.to_owned(),
                    }
                });
                // Which thread writes first is up to the system.
                let mut lines: Vec<String> = lines.collect();
                lines.retain(|line| !line.contains("/last"));
                lines.sort();
                Ok(lines)
            },
        )
        .map_err(|error| error.context(more))?;
    }
    compatibility::behaves("log_config logio", cases)
}

/// Long request lines in the scoreboard: their beginning, or their end.
#[test]
fn request_lines_in_the_scoreboard() -> Result<()> {
    let site = site()?;
    let path = format!("/status?begins{}ends", "x".repeat(150));
    for (lines, begins, ends) in [
        ("SeeRequestTail Off", true, false),
        ("SeeRequestTail On", false, true),
        ("ExtendedStatus Off", false, false),
    ] {
        for kind in KINDS {
            let more = format!(
                "ExtendedStatus On\n{lines}\n<Location /status>\nSetHandler server-status\n</Location>\n"
            );
            let host = Host::start(kind(), &serve(&site, "status", &more))?;
            let text = client::get(host.port(), &path)?.text();
            ensure!(
                text.contains("begins") == begins && text.contains("xxends") == ends,
                "{:?} {lines}: {text}",
                kind()
            );
        }
    }
    compatibility::behaves("core status", 3)
}
