//! Apache's own module sources compile unmodified with apxs-rs, and work.

use std::{
    collections::HashSet,
    env,
    ffi::OsStr,
    fmt::Write,
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use httpd_tests::{
    client::{Client, get, get_with},
    host::{Host, Kind, Place, built, printed, run, until, workspace},
    modules::compile,
    site::Site,
    source,
};

#[test]
fn mod_imagemap_redirects_clicks_to_the_right_targets() -> Result<()> {
    let place = Place::new()?;
    let object = compile(&source::module("mod_imagemap.c")?, place.path())?;
    let site = Site::new()?;
    site.file(
        "all.map",
        "default /default.html\nrect /rect.html 0,0 10,10\ncircle /circle.html 50,50 60,50\n\
         poly /poly.html 100,100 120,100 110,120\n",
    )?;
    site.file(
        "point.map",
        "point /one.html 10,10\npoint /two.html 90,90\n",
    )?;
    site.file(
        "base.map",
        "base http://other.example/dir/\nrect page.html 0,0 9,9\ndefault nocontent\n",
    )?;
    site.file(
        "menu.map",
        "base map\nrect one.html \"The first\" 0,0 9,9\nrect two.html \"The second\" 10,10 19,19\n",
    )?;
    let root = site.path().display();
    let host = Host::start(
        Kind::Ours,
        &format!(
            "LoadModule mime_module @MODULES@/mod_mime.so\nTypesConfig /etc/mime.types\n\
             LoadModule imagemap_module {}\nListen 127.0.0.1:@PORT@\nDocumentRoot \"{root}\"\n\
             AddHandler imap-file map\n<Directory \"{root}\">\nRequire all granted\n</Directory>\n",
            object.display()
        ),
    )?;
    let here = |path: &str| format!("http://test.example:{}{path}", host.port());
    let own = format!("test.example:{}", host.port());
    let click = |path: &str| -> Result<(u16, String)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n");
        let answer = httpd_tests::client::exchange(host.port(), request)?;
        let target = answer.field("Location").unwrap_or_default().to_owned();
        Ok((answer.status(), target))
    };
    for (map, target) in [
        ("/all.map?5,5", here("/rect.html")),
        ("/all.map?55,50", here("/circle.html")),
        ("/all.map?110,105", here("/poly.html")),
        ("/all.map?400,400", here("/default.html")),
        ("/point.map?20,20", here("/one.html")),
        ("/point.map?80,70", here("/two.html")),
        (
            "/base.map?5,5",
            "http://other.example/dir/page.html".to_owned(),
        ),
    ] {
        let got = click(map)?;
        ensure!(got == (302, target.clone()), "{map}: {got:?}, not {target}");
    }
    ensure!(click("/base.map?50,50")?.0 == 204);
    let menu = get(host.port(), "/menu.map")?;
    ensure!(menu.status() == 200, "{menu:?}");
    ensure!(
        menu.text().contains("The first") && menu.text().contains("two.html"),
        "{}",
        menu.text()
    );
    Ok(())
}

#[test]
fn mod_unique_id_is_unique_over_children_and_needs_no_host_name() -> Result<()> {
    const CLIENTS: usize = 8;
    const REQUESTS: usize = 12_500;
    const AT_ONCE: usize = 50;
    let place = Place::new()?;
    let object = compile(&source::module("mod_unique_id.c")?, place.path())?;
    let site = Site::new()?;
    site.file("page.html", "")?;
    let root = site.path().display();
    let configuration = format!(
        "LoadModule headers_module @MODULES@/mod_headers.so\nLoadModule unique_id_module {}\n\
         Listen 127.0.0.1:@PORT@\nDocumentRoot \"{root}\"\nMaxKeepAliveRequests 0\nStartServers 3\n\
         <Directory \"{root}\">\nRequire all granted\n</Directory>\n\
         Header set X-Unique \"%{{UNIQUE_ID}}e\"\nHeader set X-Pid \"%{{PID}}e\"\n",
        object.display()
    );
    // In a name space of its own the machine has a name that nobody resolves.
    let nameless = [
        "unshare",
        "--uts",
        "sh",
        "-c",
        "hostname nowhere.invalid; exec \"$0\" \"$@\"",
    ];
    let host = Host::start_under(Kind::Ours, Place::new()?, &configuration, &nameless)?;
    until(
        "there are three children",
        || Ok(host.children().len() == 3),
    )?;
    let port = host.port();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            thread::spawn(move || -> Result<Vec<String>> {
                let mut seen = Vec::with_capacity(REQUESTS);
                let request = "GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n".repeat(AT_ONCE);
                let mut client = Client::connect(port)?;
                while seen.len() < REQUESTS {
                    client.send(&request)?;
                    for _ in 0..AT_ONCE {
                        let answer = client.receive(false)?;
                        seen.push(answer.field("X-Unique").context("an id")?.to_owned());
                    }
                }
                Ok(seen)
            })
        })
        .collect();
    let mut all = HashSet::new();
    for client in clients {
        let seen = client
            .join()
            .map_err(|_| anyhow::anyhow!("a client panicked"))??;
        for id in seen {
            ensure!(id.len() >= 24 && !id.contains("null"), "no id: {id:?}");
            ensure!(all.insert(id.clone()), "{id} came twice");
        }
    }
    ensure!(all.len() == CLIENTS * REQUESTS);
    // The same request does not get its id from the client.
    let given = get_with(port, "/page.html", &[("UNIQUE_ID", "mine")])?;
    ensure!(given.field("X-Unique") != Some("mine"));
    Ok(())
}

/// Sources that do not compile, and why; stock apxs does not compile them either.
const NOT_COMPILED: &[(&str, &str)] = &[(
    "mod_socache_dc.c",
    "needs dc_client.h of distcache, which Debian has not",
)];

/// Directories of libraries' headers that stock apxs does not know either.
const INCLUDES: &[&str] = &["/usr/include/libxml2", "/usr/include/lua5.3"];

/// What became of one source.
struct Attempt {
    name: String,
    family: String,
    compiled: bool,
    /// What apxs-rs remarked, or why it failed.
    said: String,
}

/// Compiles a source, beside its own headers as they are in the source tree.
fn attempt(source: &Path, program: &Path, generated: &Path) -> Result<Attempt> {
    let place = Place::new()?;
    let text = |path: Option<&OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
    let name = text(source.file_name());
    let directory = source.parent().context("a file is in a directory")?;
    let mut command = Command::new(program);
    // Whether it compiles does not depend on how far it is optimised.
    command.arg("-c").arg("-Wc,-O0").arg("-I").arg(directory);
    for include in INCLUDES.iter().map(Path::new).chain([generated]) {
        command.arg("-I").arg(include);
    }
    let object = place.path().join(&name).with_extension("la");
    let output = run(command
        .arg("-o")
        .arg(object)
        .arg(source)
        .current_dir(place.path()))?;
    Ok(Attempt {
        name,
        family: text(directory.file_name()),
        compiled: output.status.success(),
        said: printed(&output),
    })
}

/// docs/module-sources.md.
fn document(attempts: &[Attempt]) -> String {
    let mut text = String::from(SOURCES);
    for Attempt {
        name,
        family,
        compiled,
        said,
    } in attempts
    {
        let why = NOT_COMPILED.iter().find(|(known, _)| known == name);
        let remark = match why {
            Some((_, why)) => *why,
            None if said.contains("undefined symbol") => {
                "a part: to load it, its module's other sources or a library (`-l`) are needed"
            }
            None => "",
        };
        let compiled = if *compiled { "yes" } else { "no" };
        let _ = writeln!(text, "| {family}/{name} | {compiled} | {remark} |");
    }
    let compiled = attempts.iter().filter(|it| it.compiled).count();
    let _ = writeln!(text, "\n{compiled} of {} compile.", attempts.len());
    text
}

const SOURCES: &str = "\
# Apache's module sources

Made by `UPDATE_DOCS=1 cargo nextest run -p httpd-tests --test sources`; do not edit.

Each `modules/*/mod_*.c` of Apache's source package by itself, unmodified: `apxs-rs -c -I DIRECTORY
SOURCE`, with the headers of libxml2 and Lua, and with `test_char.h`, which Apache's build generates.
Every source that stock `apxs` compiles with these arguments compiles; the test compares.

| source | compiles | remark |
| --- | --- | --- |
";

#[test]
fn all_sources_that_apxs_compiles_compile_with_apxs_rs() -> Result<()> {
    let place = Place::new()?;
    source::generate_test_char(place.path())?;
    let sources = source::modules()?;
    let program = built("apxs-rs");
    let compile = |program: &Path, chosen: &[PathBuf]| -> Result<Vec<Attempt>> {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            let started: Vec<_> = (0..workers)
                .map(|worker| {
                    let mine = chosen.iter().skip(worker).step_by(workers);
                    let generated = place.path();
                    scope.spawn(move || {
                        mine.map(|source| attempt(source, program, generated))
                            .collect::<Result<Vec<_>>>()
                    })
                })
                .collect();
            let mut all = Vec::new();
            for worker in started {
                let attempts = worker.join();
                all.extend(attempts.map_err(|_| anyhow!("a worker panicked"))??);
            }
            all.sort_by(|a, b| (&a.family, &a.name).cmp(&(&b.family, &b.name)));
            Ok(all)
        })
    };
    let attempts = compile(&program, &sources)?;
    let last = |said: &str| said.lines().last().unwrap_or_default().to_owned();
    let failed: Vec<String> = attempts
        .iter()
        .filter(|it| !it.compiled && NOT_COMPILED.iter().all(|(name, _)| *name != it.name))
        .map(|it| format!("{}: {}", it.name, last(&it.said)))
        .collect();
    ensure!(failed.is_empty(), "do not compile:\n{}", failed.join("\n"));
    // Those that are known not to compile do not with Apache's own tool.
    let known = |source: &PathBuf| {
        let name = source.file_name().unwrap_or_default();
        NOT_COMPILED.iter().any(|(known, _)| *known == name)
    };
    let known: Vec<PathBuf> = sources.iter().filter(|it| known(it)).cloned().collect();
    ensure!(known.len() == NOT_COMPILED.len());
    for stock in compile(Path::new("apxs"), &known)? {
        ensure!(!stock.compiled, "stock apxs compiles {}", stock.name);
    }
    ensure!(
        sources.len() - known.len() >= 115,
        "{} sources",
        sources.len()
    );
    let file = workspace().join("docs/module-sources.md");
    let text = document(&attempts);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &text)?;
    }
    ensure!(
        fs::read_to_string(&file)? == text,
        "docs/module-sources.md is out of date: run this test with UPDATE_DOCS=1"
    );
    Ok(())
}
