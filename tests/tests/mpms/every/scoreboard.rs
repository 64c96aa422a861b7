//! What the scoreboard and logs show of connections and of the threads that have them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, get},
    compatibility,
    host::{Host, Kind, until},
    mpm::Mpm,
};

use super::Gates;

/// The letters of threads that do something, with their numbers.
fn letters(port: u16) -> Result<BTreeMap<char, usize>> {
    let text = get(port, "/server-status?auto")?.text();
    let board = text
        .lines()
        .find_map(|line| line.strip_prefix("Scoreboard: "));
    let board = board.with_context(|| format!("no scoreboard in {text}"))?;
    let mut letters = BTreeMap::new();
    for letter in board.chars().filter(|letter| !"_.".contains(*letter)) {
        *letters.entry(letter).or_default() += 1;
    }
    Ok(letters)
}

/// The row of the status page of a request, without what is different each time: which child, times.
fn row(port: u16, what: &str) -> Result<String> {
    let text = get(port, "/server-status")?.text();
    let text = text.replace('\n', "");
    let row = text.split("<tr>").find(|row| row.contains(what));
    let row = row.with_context(|| format!("no {what} in {text}"))?;
    let cells: Vec<&str> = row.split("<td>").skip(1).collect();
    let plain = |cell: &&str| {
        let cell = cell
            .replace("</td>", "")
            .replace("<b>", "")
            .replace("</b>", "");
        cell.trim()
            .replace("</tr>", "")
            .split("</table>")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let cells: Vec<String> = cells.iter().map(plain).collect();
    // Srv PID Acc M CPU SS Req Dur Conn Child Slot Client Protocol VHost Request
    let kept = [2, 3, 8, 11, 12, 13, 14];
    let shown = kept.iter().filter_map(|&at| cells.get(at)).cloned();
    Ok(shown.collect::<Vec<_>>().join(" | "))
}

fn look(kind: Kind) -> Result<(String, BTreeMap<char, usize>)> {
    let gates = Gates::new()?;
    let host = Host::start(
        kind,
        &gates.configuration(
            "",
            "StartServers 1\nMaxRequestWorkers 10\nServerLimit 10\nThreadsPerChild 10\n\
             KeepAliveTimeout 15\nExtendedStatus On\nServerTokens Prod\nAcceptFilter http none\nTimeout 15\n",
        ),
    )?;
    let port = host.port();
    let _waiting = gates.wait(port, "open")?;
    let mut half = Client::connect(port)?;
    half.send("GET /half HTTP/1.1\r\nHo")?;
    let mut kept = Client::connect(port)?;
    for _ in 0..2 {
        kept.send("GET /page.html?kept HTTP/1.1\r\nHost: a\r\n\r\n")?;
        ensure!(kept.receive(false)?.status() == 200);
    }
    // The client does not close: the server waits a while for that.
    let mut closing = Client::connect(port)?;
    closing.send("GET /page.html?closing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    ensure!(closing.receive(false)?.status() == 200);
    let wanted = match Mpm::under_test() {
        // A connection that waits has no thread.
        Mpm::Event => vec![('W', 2)],
        _ => vec![('C', 1), ('K', 1), ('R', 1), ('W', 2)],
    };
    let wanted: BTreeMap<char, usize> = wanted.into_iter().collect();
    let mut seen = BTreeMap::new();
    // A connection that has just been closed is not gone yet.
    let settled = until("the letters are right", || {
        seen = letters(port)?;
        let busy: BTreeMap<_, _> = seen
            .clone()
            .into_iter()
            .filter(|(l, _)| Mpm::under_test() != Mpm::Event || *l == 'W')
            .collect();
        Ok(busy == wanted)
    });
    settled.with_context(|| format!("{kind:?}: {seen:?}"))?;
    let mut rows = Vec::new();
    // Which thread serves which request of a connection is not fixed under event.
    if Mpm::under_test() != Mpm::Event {
        rows.push(row(port, "/gate?open")?);
        rows.push(row(port, "?kept")?);
        rows.push(row(port, "?closing")?);
    }
    gates.open("open")?;
    drop((half, kept, closing));
    until("all are idle", || {
        Ok(letters(port)? == BTreeMap::from([('W', 1)]))
    })?;
    Ok((rows.join("\n").replace(&port.to_string(), "PORT"), seen))
}

pub fn letters_of_connections() -> Result<()> {
    let (theirs, ours) = (look(Kind::Apache)?, look(Kind::under_test())?);
    ensure!(
        theirs.0 == ours.0,
        "--- apache:\n{}\n--- ours:\n{}",
        theirs.0,
        ours.0
    );
    compatibility::behaves("status", 5)
}

/// `%P`, `%{tid}P` and `%k`: which process and thread serve which requests of a connection.
pub fn items_of_logs() -> Result<()> {
    let gates = Gates::new()?;
    let more = "LogFormat \"%P %{pid}P %{tid}P %{hextid}P %k %{remote}p\" threads\n\
                CustomLog logs/threads.log threads\nThreadsPerChild 8\nServerLimit 1\n";
    let host = Host::start(Kind::under_test(), &gates.configuration("", more))?;
    let child = *host.children().first().context("no child")?;
    // Three connections at once, each with three requests.
    let wanted = if Mpm::under_test().is_threaded() {
        3
    } else {
        1
    };
    for _ in 0..3 / wanted {
        let mut clients = Vec::new();
        for _ in 0..wanted {
            clients.push(Client::connect(host.port())?);
        }
        for _ in 0..3 {
            for client in &mut clients {
                client.send("GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n")?;
                ensure!(client.receive(false)?.status() == 200);
            }
        }
    }
    let mut lines = Vec::new();
    until("all is logged", || {
        let text = host.place().read("logs/threads.log");
        lines = text.lines().map(str::to_owned).collect();
        Ok(lines.len() == 9)
    })?;
    let mut connections: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for line in &lines {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let remote = words.pop().context("an empty line")?;
        connections.entry(remote).or_default().push(words);
    }
    ensure!(connections.len() == 3, "{lines:?}");
    let mut threads = std::collections::BTreeSet::new();
    for requests in connections.values() {
        for (number, words) in requests.iter().enumerate() {
            ensure!(
                words[0] == child.to_string() && words[1] == words[0],
                "{words:?}"
            );
            ensure!(words[4] == number.to_string(), "{words:?}");
            ensure!(
                words[3].trim_start_matches("0x") == format!("{:x}", words[2].parse::<u64>()?),
                "{words:?}"
            );
            if Mpm::under_test() != Mpm::Event {
                ensure!(
                    words[2] == requests[0][2],
                    "a connection changed its thread: {lines:?}"
                );
            }
            threads.insert(words[2].clone());
        }
    }
    match Mpm::under_test() {
        Mpm::Prefork => ensure!(threads.len() == 1, "{threads:?}"),
        Mpm::Worker => ensure!(threads.len() == 3, "{threads:?}"),
        Mpm::Event => {}
    }
    compatibility::behaves("log_config", 9)
}
