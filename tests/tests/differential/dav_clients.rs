//! Clients of WebDAV that others wrote: litmus, the suite that checks servers, and cadaver. They
//! must find of httpd-rs what they find of Apache.

use std::{
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    compatibility, dav,
    host::{Host, Kind, printed, until},
    moments,
    site::Site,
};

/// A server with a tree of its own, what it is told by `client` in an empty directory, and the tree
/// afterwards.
fn told(kind: Kind, client: impl Fn(&Host, &Site) -> Result<String>) -> Result<String> {
    let state = Site::new()?;
    dav::tree(&state)?;
    let root = state.path().display().to_string();
    let configuration = dav::serve("DavDepthInfinity On\n").replace("@STATE@", &root);
    let host = Host::start(kind, &configuration)?;
    let told = client(&host, &Site::new()?)?;
    let told = told.replace(&host.port().to_string(), "PORT");
    // litmus leaves before the answer to its last request.
    let mut files = Vec::new();
    until("what was sent is stored", || {
        files = dav::files(&state.path().join("www"))?;
        Ok(!files.iter().any(|file| file.contains("/.davfs.tmp")))
    })?;
    Ok(format!(
        "{}\n{}",
        moments::relative(&told),
        files.join("\n")
    ))
}

#[test]
fn litmus_finds_the_same() -> Result<()> {
    let litmus = |host: &Host, directory: &Site| {
        let output = Command::new("litmus")
            .args(["-k", &format!("http://127.0.0.1:{}/", host.port())])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .output()
            .context("cannot run litmus")?;
        ensure!(output.status.success(), "{}", printed(&output));
        Ok(printed(&output))
    };
    let expected = told(Kind::Apache, litmus)?;
    let got = told(Kind::under_test(), litmus)?;
    let passed = expected.matches(" pass").count();
    ensure!(passed > 90, "litmus does not run: {expected}");
    assert_eq!(expected, got);
    compatibility::behaves("dav dav_fs", passed)
}

#[test]
fn cadaver_sees_and_does_the_same() -> Result<()> {
    const COMMANDS: &[&str] = &[
        "ls",
        "ls col",
        "cat a.txt",
        "get page.html got.html",
        "put sent.txt",
        "put sent.txt col/sent.txt",
        "put sent.txt missing/sent.txt",
        "mkcol made",
        "mkcol made",
        "cd made",
        "pwd",
        "mput *.txt",
        "copy sent.txt copy.txt",
        "move copy.txt moved.txt",
        "delete moved.txt",
        "delete moved.txt",
        "cd ..",
        "copy col copied/",
        "rmcol made",
        "propset a.txt colour green",
        "propget a.txt colour",
        "propnames a.txt",
        "set quiet",
        "lock a.txt",
        "put sent.txt a.txt",
        "showlocks",
        "discover a.txt",
        "unlock a.txt",
        "describe lock",
        "mget *.html",
        "ls copied",
        "quit",
    ];
    let cadaver = |host: &Host, directory: &Site| {
        directory.file("sent.txt", "sent by cadaver\n")?;
        let mut process = Command::new("cadaver")
            .arg(format!("http://127.0.0.1:{}/", host.port()))
            .current_dir(directory.path())
            .env("HOME", directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run cadaver")?;
        let stdin = process.stdin.take().context("it is a pipe")?;
        std::io::Write::write_all(&mut { stdin }, (COMMANDS.join("\n") + "\n").as_bytes())?;
        let output = process.wait_with_output()?;
        let got = fs::read_to_string(directory.path().join("got.html"))?;
        Ok(without_tokens(&printed(&output)) + &got)
    };
    let expected = told(Kind::Apache, cadaver)?;
    println!("{expected}");
    let got = told(Kind::under_test(), cadaver)?;
    assert_eq!(expected, got);
    compatibility::behaves("dav dav_fs", COMMANDS.len())
}

/// Without tokens of locks, and without dates, which cadaver writes in its own way, and without
/// progress, which depends on the pace.
fn without_tokens(text: &str) -> String {
    let mut shown = String::new();
    for line in text.split(['\n', '\r']) {
        let line = line
            .split_whitespace()
            .filter(|word| !word.contains("opaquelocktoken:"))
            .filter(|word| !word.contains(':') || word.contains('/'))
            .collect::<Vec<_>>()
            .join(" ");
        if !line.contains("Progress") {
            shown += &line;
            shown.push('\n');
        }
    }
    shown
}
