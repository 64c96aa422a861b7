//! Which handlers run off the reactor: seen by the threads they run on, and on the status page.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, get},
    differential::serve,
    host::{Host, Kind, Place, printed, run},
    modules::{compile, source},
    site::Site,
};

/// A server with the module, its handlers, and the status page.
fn start(more: &str) -> Result<(Site, Place, Host)> {
    let site = Site::new()?;
    site.file("page.html", "a page\n")?;
    let place = Place::new()?;
    let module = compile(&source("mod_blocks.c"), place.path())?;
    let configuration = serve(
        &site,
        "",
        &format!(
            "StartServers 1\nMinSpareThreads 1\nMaxSpareThreads 400\nMaxKeepAliveRequests 0\nLoadModule blocks_module {}\n{more}\n\
             <Location /unseen>\nSetHandler blocks-unseen\n</Location>\n\
             <Location /apr>\nSetHandler blocks-apr\n</Location>\n\
             <Location /status>\nSetHandler httpd-rs-status\n</Location>\n",
            module.display()
        ),
    );
    let host = Host::start(Kind::Ours, &configuration)?;
    Ok((site, place, host))
}

/// A line of the status page: `runs`, `calls`, `moved` and `stalled` of a handler.
#[derive(Debug, Default)]
struct Line {
    runs: String,
    numbers: BTreeMap<String, u64>,
}

fn status(host: &Host, kind: &str, name: &str) -> Result<Line> {
    let text = get(host.port(), "/status?auto")?.text();
    let columns = text
        .lines()
        .find_map(|line| line.strip_prefix("Columns: "))
        .with_context(|| format!("no columns: {text}"))?;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        if cells.len() > 3 && cells[0] == kind && cells[1].ends_with(name) {
            let numbers = columns
                .split('\t')
                .zip(&cells)
                .filter_map(|(column, cell)| Some((column.to_owned(), cell.parse().ok()?)));
            return Ok(Line {
                runs: cells[2].to_owned(),
                numbers: numbers.collect(),
            });
        }
    }
    Ok(Line::default())
}

impl Line {
    fn number(&self, column: &str) -> u64 {
        self.numbers.get(column).copied().unwrap_or(0)
    }
}

/// Asks until something holds.
fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !holds()? {
        ensure!(Instant::now() < deadline, "not in time: {what}");
    }
    Ok(())
}

#[test]
fn handlers_are_moved_when_they_turn_slow_and_back_when_they_are_fast() -> Result<()> {
    let (_site, _place, host) = start("")?;
    let line = || status(&host, "handler", "blocks-unseen");
    // Fast at first.
    for _ in 0..50 {
        get(host.port(), "/unseen")?;
    }
    until("all are counted", || Ok(line()?.number("calls") == 50))?;
    let fast = line()?;
    ensure!(fast.runs == "inline", "{fast:?}");
    let moved = fast.number("moved");
    // Then slow: the second request is moved at the latest.
    for _ in 0..4 {
        get(host.port(), "/unseen?90")?;
    }
    let slow = line()?;
    ensure!(slow.runs == "offloaded", "{slow:?}");
    ensure!(slow.number("moved") >= moved + 3, "{slow:?} after {fast:?}");
    ensure!(slow.number("mean_us") > 10_000, "{slow:?}");
    let page = get(host.port(), "/status")?;
    ensure!(page.field("Content-Type") == Some("text/html; charset=utf-8"));
    ensure!(
        page.text()
            .contains("<td>blocks-unseen</td><td>offloaded</td>")
    );
    // And fast again.
    until("it runs on the reactor again", || {
        get(host.port(), "/unseen")?;
        Ok(line()?.runs == "inline")
    })?;
    let before = line()?;
    for _ in 0..20 {
        get(host.port(), "/unseen")?;
    }
    until("all are counted", || {
        Ok(line()?.number("calls") >= before.number("calls") + 20)
    })?;
    let after = line()?;
    ensure!(
        after.number("moved") <= before.number("moved") + 1,
        "{before:?} {after:?}"
    );
    Ok(())
}

#[test]
fn prometheus_is_told_of_all_children() -> Result<()> {
    let (_site, _place, host) = start("ServerLimit 3\nStartServers 3")?;
    for _ in 0..30 {
        ensure!(get(host.port(), "/unseen")?.status() == 200);
    }
    // Whichever child answers knows the requests of all.
    let line = "httpd_rs_execution_calls_total{kind=\"handler\",name=\"blocks-unseen\"} 30\n";
    let told = || {
        Ok(get(host.port(), "/status?prometheus")?
            .text()
            .contains(line))
    };
    until("all are counted", told)?;
    for _ in 0..6 {
        let answer = get(host.port(), "/status?prometheus")?;
        ensure!(answer.text().contains(line), "{answer:?}");
        ensure!(
            answer.field("Content-Type") == Some("text/plain; version=0.0.4; charset=utf-8"),
            "{answer:?}"
        );
    }
    Ok(())
}

/// The thread that answered.
fn thread_of(client: &mut Client, path: &str) -> Result<i64> {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
    Ok(client.receive(false)?.text().trim().parse()?)
}

/// The threads that answer `count` requests one after the other.
fn threads(host: &Host, path: &str, count: usize) -> Result<Vec<i64>> {
    let mut client = Client::connect(host.port())?;
    (0..count).map(|_| thread_of(&mut client, path)).collect()
}

#[test]
fn an_inline_module_keeps_its_reactor_however_long_it_takes() -> Result<()> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (_site, _place, host) = start("ModuleExecution mod_blocks.c inline")?;
    // Sleeps that would be seen, and others.
    for path in ["/apr?300", "/unseen?300"] {
        // All reactor threads are kept busy at once.
        let begun = Instant::now();
        let mut sleepers = Vec::new();
        for _ in 0..2 * processors {
            let mut sleeper = Client::connect(host.port())?;
            sleeper.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
            sleepers.push(sleeper);
        }
        for mut sleeper in sleepers {
            ensure!(sleeper.receive(false)?.status() == 200);
        }
        let took = begun.elapsed();
        // One after the other on each thread; bounded by what they sleep.
        ensure!(took >= Duration::from_millis(580), "{path}: {took:?}");
        ensure!(took < Duration::from_millis(300 * 2 * processors as u64 + 3000));
    }
    let line = status(&host, "handler", "blocks-apr")?;
    ensure!(
        line.number("moved") == 0 && line.number("gave_way") == 0,
        "{line:?}"
    );
    let line = status(&host, "handler", "blocks-unseen")?;
    ensure!(
        line.number("moved") == 0 && line.number("stalled") == 0,
        "{line:?}"
    );
    let text = get(host.port(), "/status?auto")?.text();
    ensure!(
        text.contains("ModuleExecution: mod_blocks.c inline\n"),
        "{text}"
    );
    Ok(())
}

#[test]
fn an_offloaded_module_never_runs_on_the_reactor() -> Result<()> {
    let (_site, _place, host) = start("ModuleExecution blocks_module offload")?;
    let threads = threads(&host, "/unseen", 40)?;
    ensure!(threads.len() == 40);
    until("all are counted", || {
        let line = status(&host, "handler", "blocks-unseen")?;
        Ok(line.number("moved") == 40 && line.number("calls") == 40)
    })?;
    // Others pass its handler, which declines, where they are.
    for _ in 0..40 {
        get(host.port(), "/page.html")?;
    }
    // What is sent with the last call may arrive before that has been counted.
    until("all are counted", || {
        let line = status(&host, "handler", "default-handler")?;
        // A few may have been slow by themselves on a busy machine.
        ensure!(line.number("moved") < 20, "{line:?}");
        Ok(line.number("calls") >= 40)
    })?;
    Ok(())
}

#[test]
fn wrong_names_of_modules_are_errors_with_the_nearest() -> Result<()> {
    let cases = [
        (
            "ModuleExecution mod_sso.c offload",
            "no module mod_sso.c is loaded; did you mean mod_so.c?",
        ),
        (
            "ModuleExecution nothing_like_it auto",
            "no module nothing_like_it is loaded",
        ),
        (
            "ModuleExecution mod_so.c sometimes",
            "ModuleExecution takes auto, inline or offload for a module, not \"sometimes\"",
        ),
        (
            "ModuleExecution mod_so.c",
            "ModuleExecution takes two arguments",
        ),
        (
            "<VirtualHost *>\nModuleExecution mod_so.c auto\n</VirtualHost>",
            "ModuleExecution cannot occur within <VirtualHost> section",
        ),
    ];
    for (lines, wanted) in cases {
        let place = Place::new()?;
        let file = place.path().join("conf/httpd.conf");
        std::fs::write(
            &file,
            format!("ServerName a\nListen 127.0.0.1:1\n{lines}\n"),
        )?;
        let output = run(std::process::Command::new(Kind::Ours.program())
            .arg("-t")
            .arg("-d")
            .arg(place.path())
            .arg("-f")
            .arg(&file))?;
        let text = printed(&output);
        ensure!(
            !output.status.success() && text.contains(wanted),
            "{lines}: {text}"
        );
    }
    Ok(())
}

#[test]
fn what_was_set_is_shown_behind_the_hooks() -> Result<()> {
    let place = Place::new()?;
    let file = place.path().join("conf/httpd.conf");
    std::fs::write(
        &file,
        "ServerName a\nListen 127.0.0.1:1\nModuleExecution mod_so.c auto\n\
         ModuleExecution core_module inline\n",
    )?;
    let output = run(std::process::Command::new(Kind::Ours.program())
        .args(["-D", "DUMP_HOOKS", "-d"])
        .arg(place.path())
        .arg("-f")
        .arg(&file))?;
    let text = printed(&output);
    let mut of_core = text.lines().filter(|line| line.contains("  core.c "));
    ensure!(
        of_core.all(|line| line.ends_with("ModuleExecution inline")),
        "{text}"
    );
    ensure!(text.contains("  ModuleExecution inline"), "{text}");
    Ok(())
}
