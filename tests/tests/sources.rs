//! Apache's own module sources compile unmodified with apxs-rs, and work.

use std::{collections::HashSet, process::Command, thread};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::{Client, get, get_with},
    host::{Host, Kind, Place, built, printed, run, until},
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

#[test]
fn most_of_apaches_modules_compile_with_apxs_rs() -> Result<()> {
    let mut compiled = Vec::new();
    let mut failed = Vec::new();
    let sources = source::modules()?;
    for source in &sources {
        let place = Place::new()?;
        let name = source
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // Beside its own headers, as they are in the source tree.
        let directory = source.parent().context("a file is in a directory")?;
        let output = run(Command::new(built("apxs-rs"))
            .arg("-c")
            .arg("-I")
            .arg(directory)
            .arg("-o")
            .arg(place.path().join(&name).with_extension("la"))
            .arg(source)
            .current_dir(place.path()))?;
        if output.status.success() {
            compiled.push(name);
        } else {
            failed.push(format!(
                "{name}: {}",
                printed(&output).lines().last().unwrap_or_default()
            ));
        }
    }
    ensure!(
        compiled.len() >= 60,
        "only {} of {} compile:\n{}",
        compiled.len(),
        sources.len(),
        failed.join("\n")
    );
    Ok(())
}
