//! Modules that hand requests to other servers or serve repositories: mod_uwsgi, mod_Ruwsgi, mod_lisp,
//! mod_jk, mod_dav_svn and mod_authz_svn, mod_mapcache, mod_tile.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::exchange,
    differential::{Case, serve},
    host::Kind,
    others::{compare, program, start},
    site::Site,
};

use crate::backend::{self, Backend};

const FORM: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];

fn requests(prefix: &str) -> Vec<Case> {
    let path = |rest: &str| format!("{prefix}{rest}");
    vec![
        Case::get(&path("/path?a=b")),
        Case::get_with(&path("/x%20y"), &[("X-Field", "one")]),
        Case::with("POST", &path("/form"), FORM, "name=value"),
        Case::with("POST", &path("/form"), FORM, &"x".repeat(20_000)),
        Case::with("HEAD", &path("/path"), &[], ""),
    ]
}

#[test]
fn mod_uwsgi_and_mod_ruwsgi_speak_to_an_application_server() -> Result<()> {
    let backend = Backend::start(backend::uwsgi)?;
    let site = Site::new()?;
    let port = backend.port();
    for (name, more) in [
        (
            "mod_uwsgi",
            format!(
                "<Location /app>\nSetHandler uwsgi-handler\nuWSGISocket 127.0.0.1:{port}\n\
                 </Location>\n"
            ),
        ),
        (
            "mod_Ruwsgi",
            format!(
                "<Location /app>\nSetHandler uwsgi-handler\nuWSGIserver 127.0.0.1:{port}\n\
                 </Location>\n"
            ),
        ),
    ] {
        compare(
            name.trim_start_matches("mod_"),
            &serve(
                &site,
                "",
                &format!("LoadModule uwsgi_module @OTHER_MODULES@/{name}.so\n{more}"),
            ),
            &requests("/app"),
        )?;
    }
    Ok(())
}

#[test]
fn mod_lisp_speaks_to_a_lisp_process() -> Result<()> {
    let backend = Backend::start(backend::lisp)?;
    let site = Site::new()?;
    let port = backend.port();
    compare(
        "lisp",
        &serve(
            &site,
            "",
            &format!(
                "LoadModule lisp_module @OTHER_MODULES@/mod_lisp.so\n\
                 LispServer 127.0.0.1 {port} test\n\
                 <Location /app>\nSetHandler lisp-handler\n</Location>\n"
            ),
        ),
        &requests("/app"),
    )
}

#[test]
fn mod_jk_speaks_ajp() -> Result<()> {
    let backend = Backend::start(backend::ajp)?;
    let site = Site::new()?;
    site.file("page.html", "<p>A page.</p>\n")?;
    let port = backend.port();
    let mut cases = requests("/app");
    cases.extend([
        Case::get("/page.html"),
        Case::get("/down/x"),
        Case::get("/balanced/x"),
        Case::get("/apple"),
    ]);
    compare(
        "jk",
        &serve(
            &site,
            "",
            &format!(
                "LoadModule jk_module @OTHER_MODULES@/mod_jk.so\n\
                 JkShmFile @PLACE@/run/jk.shm\nJkLogFile @PLACE@/logs/jk.log\n\
                 JkWorkerProperty worker.list=one,balancer,down\n\
                 JkWorkerProperty worker.one.type=ajp13\n\
                 JkWorkerProperty worker.one.host=127.0.0.1\n\
                 JkWorkerProperty worker.one.port={port}\n\
                 JkWorkerProperty worker.down.type=ajp13\n\
                 JkWorkerProperty worker.down.host=127.0.0.1\n\
                 JkWorkerProperty worker.down.port=@PORT4@\n\
                 JkWorkerProperty worker.down.retries=1\n\
                 JkWorkerProperty worker.balancer.type=lb\n\
                 JkWorkerProperty worker.balancer.balance_workers=one\n\
                 JkMount /app/* one\nJkMount /down/* down\nJkMount /balanced/* balancer\n"
            ),
        ),
        &cases,
    )
}

#[test]
fn mod_dav_svn_serves_a_repository() -> Result<()> {
    let site = Site::new()?;
    let repository = site.path().join("repository");
    let path = repository.display().to_string();
    program("usr/bin/svnadmin", &["create", &path])?;
    let url = format!("file://{path}");
    site.file("import/trunk/one.txt", "one\n")?;
    site.file("import/trunk/more/two.txt", "two\n")?;
    let import = site.path().join("import").display().to_string();
    let svn = "usr/bin/svn";
    let config = format!("--config-dir={path}/none");
    program(
        svn,
        &[&config, "import", "-q", "-m", "first", &import, &url],
    )?;
    program(
        "usr/bin/svn",
        &[
            &config,
            "mkdir",
            "-q",
            "-m",
            "second",
            &format!("{url}/branches"),
        ],
    )?;
    // The identity would differ between two repositories; both servers serve this one, and their
    // children are not root.
    open_to_all(&repository)?;
    site.file("rules", "[/]\n* = r\n[/trunk/more]\n* =\n")?;
    let configuration = serve(
        &site,
        "dav",
        "LoadModule dav_svn_module @OTHER_MODULES@/mod_dav_svn.so\n\
             LoadModule authz_svn_module @OTHER_MODULES@/mod_authz_svn.so\n\
             <Location /svn>\nDAV svn\nSVNPath @SITE@/repository\n</Location>\n\
             <Location /guarded>\nDAV svn\nSVNPath @SITE@/repository\n\
             AuthzSVNAccessFile @SITE@/rules\n</Location>\n",
    );
    compare(
        "dav_svn authz_svn",
        &configuration,
        &[
            Case::get("/svn/"),
            Case::get("/svn/trunk/one.txt"),
            Case::get("/svn/trunk/more/"),
            Case::get("/svn/none"),
            Case::get("/svn/trunk/one.txt?p=1"),
            Case::get("/svn/!svn/rvr/1/trunk/one.txt"),
            Case::with("OPTIONS", "/svn/", &[("Content-Type", "text/xml")], OPTIONS),
            Case::with("MKACTIVITY", "/svn/!svn/act/a@PORT@", &[], ""),
            Case::with("DELETE", "/svn/trunk/none", &[], ""),
            Case::get("/guarded/trunk/one.txt"),
            Case::get("/guarded/trunk/more/two.txt"),
            Case::with("PUT", "/guarded/trunk/one.txt", &[], "changed"),
        ],
    )?;
    // Name spaces and properties come in the order of a hash with a seed of its own in every process.
    let words = |kind| -> Result<Vec<String>> {
        let host = start(kind, &configuration)?;
        let mut words = Vec::new();
        for (method, path, body) in [
            ("PROPFIND", "/svn/trunk", PROPFIND),
            ("REPORT", "/svn/!svn/rvr/2", LOG),
        ] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: test.example\r\nDepth: 1\r\n\
                 Content-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = exchange(host.port(), request)?;
            ensure!([200, 207].contains(&answer.status()), "{}", answer.text());
            let text = answer.text().replace(['<', '>'], " ");
            words.extend(text.split_whitespace().map(str::to_owned));
        }
        words.sort_unstable();
        Ok(words)
    };
    let (expected, got) = (words(Kind::Apache)?, words(Kind::under_test())?);
    ensure!(expected == got, "{expected:#?}\n{got:#?}");
    Ok(())
}

fn open_to_all(path: &std::path::Path) -> Result<()> {
    let directory = path.is_dir();
    fs::set_permissions(
        path,
        fs::Permissions::from_mode(if directory { 0o777 } else { 0o666 }),
    )?;
    if directory {
        for entry in fs::read_dir(path)? {
            open_to_all(&entry?.path())?;
        }
    }
    Ok(())
}

const OPTIONS: &str = "<?xml version=\"1.0\"?><D:options xmlns:D=\"DAV:\">\
    <D:activity-collection-set/></D:options>";
const PROPFIND: &str = "<?xml version=\"1.0\"?><propfind xmlns=\"DAV:\"><prop><resourcetype/>\
    <version-name/><baseline-relative-path xmlns=\"http://subversion.tigris.org/xmlns/dav/\"/>\
    <getcontentlength/></prop></propfind>";
const LOG: &str = "<S:log-report xmlns:S=\"svn:\"><S:start-revision>2</S:start-revision>\
    <S:end-revision>1</S:end-revision><S:path></S:path></S:log-report>";

#[test]
fn mod_mapcache_and_mod_tile_describe_their_layers() -> Result<()> {
    let site = Site::new()?;
    let cache = site.path().join("cache");
    fs::create_dir(&cache)?;
    open_to_all(&cache)?;
    site.file(
        "mapcache.xml",
        format!(
            "<mapcache><source name=\"none\" type=\"dummy\"/>\
             <cache name=\"disk\" type=\"disk\"><base>{}</base></cache>\
             <tileset name=\"test\"><source>none</source><cache>disk</cache><grid>WGS84</grid>\
             <format>PNG</format></tileset>\
             <service type=\"wms\" enabled=\"true\"/><service type=\"wmts\" enabled=\"true\"/>\
             <service type=\"tms\" enabled=\"true\"/><service type=\"demo\" enabled=\"true\"/>\
             <errors>report</errors></mapcache>\n",
            cache.display()
        ),
    )?;
    compare(
        "mapcache",
        &serve(
            &site,
            "",
            "LoadModule mapcache_module @OTHER_MODULES@/mod_mapcache.so\n\
             MapCacheAlias /maps @SITE@/mapcache.xml\n",
        ),
        &[
            Case::get("/maps/tms"),
            Case::get("/maps/tms/1.0.0/"),
            Case::get("/maps/tms/1.0.0/test@WGS84/0/0/0.png"),
            Case::get("/maps/tms/1.0.0/none/0/0/0.png"),
            Case::get("/maps/wmts/1.0.0/WMTSCapabilities.xml"),
            Case::get("/maps/?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1"),
            Case::get("/maps/demo"),
            Case::get("/maps/none"),
        ],
    )?;
    compare(
        "tile",
        &serve(
            &site,
            "",
            "LoadModule tile_module @OTHER_MODULES@/mod_tile.so\n\
             ModTileTileDir @SITE@/cache\nModTileRenderdSocketName @PLACE@/run/none.sock\n\
             AddTileConfig /tiles/ default\nModTileEnableStats On\nModTileRequestTimeout 0\n\
             ModTileMissingRequestTimeout 0\n",
        ),
        &[
            Case::get("/tiles/tile-layer.json"),
            Case::get("/tiles/0/0/0.png/status"),
            Case::get("/tiles/0/0/0.png"),
            Case::get("/tiles/99/0/0.png"),
            Case::get("/mod_tile"),
        ],
    )
}
