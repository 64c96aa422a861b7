//! Rights: what only root may is done before the children give root's rights up, and they keep none.
//! Most of this needs root, and says so where it is not.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client,
    differential::serve,
    host::{Host, Kind, Place, fill, free_ports, printed, run, until},
    site::Site,
};

const KINDS: [fn() -> Kind; 2] = [|| Kind::Apache, Kind::under_test];

/// Whether this is root's process; says what is skipped if not.
fn root(skipped: &str) -> bool {
    // SAFETY: a plain system call.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        println!("skipped, for this is not root: {skipped}");
    }
    root
}

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("doc.txt", "document\n")?;
    Ok(site)
}

/// Fields of `/proc/PID/status`.
fn status_of(pid: i32, fields: &[&str]) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    fields
        .iter()
        .map(|field| {
            let line = text.lines().find(|line| line.starts_with(field));
            let line = line.with_context(|| format!("no {field}"))?;
            Ok(line.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// What a child is, once it is nobody special.
fn child_of(host: &Host) -> Result<Vec<String>> {
    const FIELDS: [&str; 7] = [
        "Uid:",
        "Gid:",
        "Groups:",
        "CapInh:",
        "CapPrm:",
        "CapEff:",
        "NoNewPrivs:",
    ];
    let mut seen = Vec::new();
    until("a child has given up its rights", || {
        let Some(&child) = host.children().first() else {
            return Ok(false);
        };
        seen = status_of(child, &FIELDS).unwrap_or_default();
        Ok(seen
            .first()
            .is_some_and(|user| !user.starts_with("Uid: 0 ")))
    })
    .with_context(|| host.messages())?;
    Ok(seen)
}

/// A low port that is free.
fn low_port() -> Result<u16> {
    (600..1000)
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .context("a free port")
}

#[test]
fn low_ports_are_served_by_children_without_rights() -> Result<()> {
    if !root("ports below 1024") {
        return Ok(());
    }
    let site = site()?;
    let mut seen = Vec::new();
    for kind in KINDS {
        let port = low_port()?;
        let host = Host::start(
            kind(),
            &serve(&site, "", &format!("Listen 127.0.0.1:{port}\n")),
        )?;
        let child = child_of(&host)?;
        ensure!(client::get(port, "/doc.txt")?.text() == "document\n");
        for none in ["CapPrm: 0000000000000000", "CapEff: 0000000000000000"] {
            ensure!(child.iter().any(|field| field == none), "{child:?}");
        }
        seen.push(child);
    }
    ensure!(
        seen[0] == seen[1],
        "Apache: {:?}\nhere: {:?}",
        seen[0],
        seen[1]
    );
    Ok(())
}

/// All groups of the user come along, not root's.
#[test]
fn supplementary_groups_are_the_users() -> Result<()> {
    if !root("another user's groups") {
        return Ok(());
    }
    let site = site()?;
    let groups = site.path().join("group");
    fs::write(
        &groups,
        "root:x:0:\nwww-data:x:33:\nfirst:x:4711:www-data\nsecond:x:4712:nobody,www-data\n\
         third:x:4713:nobody\n",
    )?;
    let script = format!(
        "mount --bind {} /etc/group && exec \"$@\"",
        groups.display()
    );
    let wrapper = ["unshare", "-m", "sh", "-c", &script, "sh"];
    if !Command::new("unshare")
        .args(["-m", "true"])
        .status()?
        .success()
    {
        println!("skipped: no name space for mounts is to be had");
        return Ok(());
    }
    for kind in KINDS {
        let host = Host::start_under(kind(), Place::new()?, &serve(&site, "", ""), &wrapper)?;
        let child = child_of(&host)?;
        ensure!(
            child.iter().any(|field| field == "Groups: 33 4711 4712"),
            "{:?}: {child:?}",
            kind()
        );
    }
    Ok(())
}

/// Checks a configuration of one line; its exit code and what is printed.
fn check(kind: Kind, line: &str) -> Result<(Option<i32>, String)> {
    let place = Place::new()?;
    let text = format!(
        "LoadModule mpm_event_module @MODULES@/mod_mpm_event.so\nServerName x\nServerRoot \
         \"@PLACE@\"\nListen 127.0.0.1:@PORT@\nUser www-data\nGroup www-data\n{line}\n"
    );
    let file = place.path().join("conf/httpd.conf");
    fs::write(&file, fill(&text, place.path(), &free_ports(1)?))?;
    let output = run(Command::new(kind.program()).arg("-t").arg("-f").arg(&file))?;
    Ok((output.status.code(), printed(&output)))
}

#[test]
fn what_must_not_be_is_refused_by_both() -> Result<()> {
    for (line, expected) in [
        ("User root", "root"),
        ("User #0", "root"),
        ("User nobody-knows", "AH00543: "),
        ("Group nobody-knows", "AH00544: "),
        (
            "ChrootDir /nowhere/at/all",
            "ChrootDir must be a valid directory",
        ),
        // Apache has it when it is built for it, which Debian's is not.
        (
            "EnableExceptionHook On",
            "Invalid command 'EnableExceptionHook'",
        ),
        ("CoreDumpDirectory /nowhere/at/all", "does not exist"),
    ] {
        for kind in KINDS {
            let (code, said) = check(kind(), line)?;
            ensure!(
                code == Some(1) && said.contains(expected),
                "{:?} {line}: {code:?} {said}",
                kind()
            );
        }
    }
    Ok(())
}

/// Who is not root stays who he is, whatever User says.
#[test]
fn without_root_the_user_stays() -> Result<()> {
    if !root("a user that is not the one of these tests") {
        return Ok(());
    }
    let site = site()?;
    let wrapper = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let place = || -> Result<Place> {
        let place = Place::new()?;
        for part in ["logs", "run"] {
            chown(place.path().join(part), Some(65534), Some(65534))?;
        }
        Ok(place)
    };
    let mut seen = Vec::new();
    for kind in KINDS {
        let host = Host::start_under(kind(), place()?, &serve(&site, "", ""), &wrapper)?;
        ensure!(client::get(host.port(), "/doc.txt")?.text() == "document\n");
        seen.push(child_of(&host)?);
    }
    ensure!(
        seen[0] == seen[1] && seen[1].contains(&"Uid: 65534 65534 65534 65534".to_owned()),
        "Apache: {:?}\nhere: {:?}",
        seen[0],
        seen[1]
    );
    // Another root cannot be had: no child comes to serve.
    for kind in KINDS {
        let host = Host::start_under(
            kind(),
            place()?,
            &serve(&site, "", &format!("ChrootDir {}\n", site.path().display())),
            &wrapper,
        );
        let messages = match host {
            Ok(mut host) => {
                host.wait_for_end()?;
                host.messages()
            }
            Err(error) => format!("{error:#}"),
        };
        ensure!(
            ["AH02158: Cannot chroot", "AH02160: Can't chroot"]
                .iter()
                .any(|text| messages.contains(text)),
            "{:?}: {messages}",
            kind()
        );
    }
    Ok(())
}

/// Logs are opened by root, in directories that are root's alone, with permissions of the umask.
#[test]
fn logs_are_opened_before_rights_are_given_up() -> Result<()> {
    if !root("files that are root's alone") {
        return Ok(());
    }
    let site = site()?;
    for (umask, mode) in [("022", 0o644), ("077", 0o600)] {
        for kind in KINDS {
            let place = Place::new()?;
            let closed = place.path().join("closed");
            fs::create_dir(&closed)?;
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o700))?;
            let script = format!("umask {umask}; exec \"$@\"");
            let host = Host::start_under(
                kind(),
                place,
                &serve(
                    &site,
                    "",
                    "ErrorLog closed/error.log\nCustomLog closed/access.log %r\n",
                ),
                &["sh", "-c", &script, "sh"],
            )?;
            child_of(&host)?;
            ensure!(client::get(host.port(), "/doc.txt")?.status() == 200);
            until("the request is logged", || {
                Ok(host
                    .place()
                    .read("closed/access.log")
                    .contains("GET /doc.txt"))
            })?;
            for name in ["access.log", "error.log"] {
                let about = fs::metadata(host.place().path().join("closed").join(name))?;
                ensure!(
                    about.uid() == 0 && about.permissions().mode() & 0o777 == mode,
                    "{:?} {umask} {name}: {about:?}",
                    kind()
                );
            }
        }
    }
    Ok(())
}

/// With ChrootDir, paths in requests are those within; logs, pid file and modules are outside.
#[test]
fn requests_are_served_from_within_another_root() -> Result<()> {
    if !root("chroot") {
        return Ok(());
    }
    // Apache's threads end with a library that the C library looks for only then, from within.
    let maps = fs::read_to_string("/proc/self/maps")?;
    let library = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|name| name.contains("/libgcc_s."))
        .map_or(String::new(), |name| format!("LoadFile {name}\n"));
    let mut seen = Vec::new();
    for kind in KINDS {
        let place = Place::new()?;
        // The directory must be there outside too, where the configuration is checked.
        let outside = place.path().join("htdocs");
        fs::create_dir(&outside)?;
        fs::write(outside.join("doc.txt"), "outside\n")?;
        let inside = place.path().join("inside");
        let below = inside.join(outside.strip_prefix("/")?);
        fs::create_dir_all(below.join("sub"))?;
        fs::write(below.join("doc.txt"), "within\n")?;
        fs::write(below.join("sub/page.html"), "<p>within\n")?;
        fs::write(
            below.join("sub/.htaccess"),
            "ErrorDocument 404 \"not within\"\n",
        )?;
        std::os::unix::fs::symlink("/etc/passwd", below.join("out"))?;
        let host = Host::start_in(
            kind(),
            place,
            &format!(
                "{library}Listen 127.0.0.1:@PORT@\nChrootDir @PLACE@/inside\n\
                 DocumentRoot @PLACE@/htdocs\nLoadModule mime_module @MODULES@/mod_mime.so\n\
                 TypesConfig /dev/null\nAddType text/x-test .html\n\
                 CustomLog logs/access.log \"%>s %U\"\n<Directory @PLACE@/htdocs>\n\
                 Require all granted\nAllowOverride All\nOptions FollowSymLinks\n</Directory>\n"
            ),
        )?;
        until("the child is within", || {
            let child = host.children().first().copied().unwrap_or_default();
            // Both servers have children of another kind for a moment.
            let root = fs::read_link(format!("/proc/{child}/root"));
            Ok(root.is_ok_and(|root| root != Path::new("/")))
        })?;
        let mut answers = Vec::new();
        for path in [
            "/doc.txt",
            "/sub/page.html",
            "/sub/none",
            "/out",
            "/doc.txt/more",
        ] {
            let answer = client::get(host.port(), path)?;
            let kind = answer.field("Content-Type").unwrap_or_default().to_owned();
            let short = answer.text().lines().next().unwrap_or_default().to_owned();
            answers.push(format!("{path} {} {kind} {short}", answer.status()));
        }
        until("all are logged", || {
            Ok(host.place().read("logs/access.log").lines().count() == answers.len())
        })
        .with_context(|| format!("{:?} {answers:?} {}", kind(), host.messages()))?;
        ensure!(host.place().read("run/httpd.pid").trim() == host.pid().to_string());
        seen.push(answers);
    }
    ensure!(
        seen[0] == seen[1],
        "Apache: {:#?}\nhere: {:#?}",
        seen[0],
        seen[1]
    );
    ensure!(
        seen[1][0].ends_with(" within") && seen[1][2].ends_with("not within"),
        "{:?}",
        seen[1]
    );
    Ok(())
}

/// The file of ScoreBoardFile is there while the server runs, and is gone when it has stopped.
#[test]
fn the_scoreboards_file_goes_with_the_server() -> Result<()> {
    let site = site()?;
    for kind in KINDS {
        let mut host = Host::start(kind(), &serve(&site, "", "ScoreBoardFile run/score\n"))?;
        let maps = fs::read_to_string(format!("/proc/{}/maps", host.pid()))?;
        let file = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5))
            .find(|name| name.starts_with("/dev/shm/ShM.") || name.ends_with("run/score"))
            .with_context(|| format!("{:?}: no file is mapped: {maps}", kind()))?
            .to_owned();
        ensure!(fs::exists(&file)?, "{:?}: {file}", kind());
        host.signal(libc::SIGTERM);
        host.wait_for_end()?;
        ensure!(!fs::exists(&file)?, "{:?}: {file} is left", kind());
    }
    Ok(())
}

/// Children that have changed their user leave their memory in CoreDumpDirectory.
#[test]
fn a_crash_leaves_its_memory_where_it_was_told() -> Result<()> {
    if !root("a change of users") {
        return Ok(());
    }
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern")?;
    if pattern.starts_with(['|', '/']) {
        println!(
            "skipped: the system puts memory elsewhere ({})",
            pattern.trim()
        );
        return Ok(());
    }
    let site = site()?;
    for kind in KINDS {
        let place = Place::new()?;
        let cores = place.path().join("cores");
        fs::create_dir(&cores)?;
        chown(&cores, Some(33), Some(33))?;
        let host = Host::start_under(
            kind(),
            place,
            &serve(&site, "", "CoreDumpDirectory cores\n"),
            &["sh", "-c", "ulimit -c 1000000 && exec \"$@\"", "sh"],
        )?;
        child_of(&host)?;
        until("the child serves", || {
            Ok(client::get(host.port(), "/doc.txt")?.status() == 200)
        })?;
        let child = *host.children().first().context("a child")?;
        // SAFETY: a plain system call on a child of the server started here.
        unsafe { libc::kill(child, libc::SIGSEGV) };
        until("there is a file", || {
            Ok(fs::read_dir(&cores)?.next().is_some())
        })
        .with_context(|| format!("{:?}: {}", kind(), host.messages()))?;
    }
    Ok(())
}
