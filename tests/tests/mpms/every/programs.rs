//! What programs inherit that modules start in a child: which signals they ignore, which are blocked.

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::get,
    compatibility,
    differential::serve,
    host::{Host, Kind, until},
    mpm::Mpm,
    site::Site,
};

const PROGRAM: &str = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n\
    grep -E '^Sig(Blk|Ign)' /proc/self/status\n\
    trap 'echo caught TERM' TERM\ntrap 'echo caught HUP' HUP\ntrap 'echo caught USR1' USR1\n\
    trap 'echo caught INT' INT\ntrap 'echo caught PIPE' PIPE\n\
    for signal in TERM HUP USR1 INT PIPE; do kill -$signal $$; done\necho end\n";

const FILTER: &str = "#!/bin/sh\ncat > /dev/null\ngrep -E '^Sig(Blk|Ign)' /proc/self/status\n";

/// What is said of masks, without the signals beyond the usual 31, which the C library has for itself.
fn usual(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let (name, mask) = line.split_once(':').unwrap_or((line, ""));
        match u64::from_str_radix(mask.trim(), 16) {
            Ok(mask) if name.starts_with("Sig") => format!("{name} {:x}\n", mask & 0x7fff_ffff),
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// A rewriting map and a log that are programs of the control process.
const MAP: &str = "#!/bin/sh\nwhile read word; do \
    grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t' | tr '\\n' '-'; echo; done\n";
const LOG: &str =
    "#!/bin/sh\nread line\ngrep -E '^Sig(Blk|Ign)' /proc/self/status > \"$1\"\ncat > /dev/null\n";

fn inherited(kind: Kind, cgi: &str) -> Result<Vec<String>> {
    let site = Site::new()?;
    site.program("cgi/signals", PROGRAM)?;
    site.program("filter", FILTER)?;
    site.program("map", MAP)?;
    site.program("log", LOG)?;
    site.file("filtered/page.html", "a page\n")?;
    let socket = if cgi == "cgid" {
        "ScriptSock cgid.sock\n"
    } else {
        ""
    };
    let more = format!(
        "{socket}ScriptAlias /cgi/ @SITE@/cgi/\nExtFilterDefine shown mode=output cmd=@SITE@/filter\n\
         <Location /filtered>\nSetOutputFilter shown\n</Location>\n\
         RewriteEngine On\nRewriteMap map prg:@SITE@/map\n\
         RewriteRule ^/map/(.*) /mapped?${{map:$1}} [R]\n\
         CustomLog \"|@SITE@/log @PLACE@/logs/signals\" %h\n"
    )
    .replace("@SITE@", &site.path().display().to_string());
    let host = Host::start(
        kind,
        &serve(&site, &format!("alias ext_filter rewrite {cgi}"), &more),
    )?;
    let mut seen = Vec::new();
    for path in ["/cgi/signals", "/filtered/page.html", "/map/x"] {
        let answer = get(host.port(), path)?;
        let text = match answer.field("Location") {
            Some(location) => location
                .split_once('?')
                .map_or("", |(_, query)| query)
                .replace('-', "\n"),
            None => answer.text(),
        };
        seen.push(format!("{cgi} {path}\n{}", usual(&text)));
    }
    until("the log's program has written", || {
        Ok(host.place().read("logs/signals").lines().count() == 2)
    })?;
    seen.push(format!(
        "log\n{}",
        usual(&host.place().read("logs/signals"))
    ));
    Ok(seen)
}

pub fn signals_that_programs_inherit() -> Result<()> {
    for cgi in ["cgi", "cgid"] {
        let (theirs, ours) = (
            inherited(Kind::Apache, cgi)?,
            inherited(Kind::under_test(), cgi)?,
        );
        for (expected, got) in theirs.iter().zip(&ours) {
            ensure!(got.contains("SigIgn "), "nothing to compare: {got}");
            ensure!(
                expected == got,
                "{:?}\n--- apache:\n{expected}\n--- ours:\n{got}",
                Mpm::under_test()
            );
        }
    }
    compatibility::behaves("cgi cgid ext_filter rewrite log_config", 8)
        .context("cannot be recorded")
}
