//! `pip install mod_wsgi`: a build script of other people's, made for apxs, that asks apxs-rs for
//! everything, and what it builds against our headers.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::get,
    differential::{Case, compare, serve},
    host::{Host, Kind, built, printed, run, workspace},
    site::Site,
};

const APPLICATION: &str = "\
def application(environ, start_response):
    body = environ['wsgi.input'].read()
    start_response('200 OK', [('Content-Type', 'text/plain'), ('X-Own', 'yes')])
    return [('%s %s %s\\n' % (environ['REQUEST_METHOD'], environ['PATH_INFO'],
                             environ['mod_wsgi.process_group'])).encode(), body]
";

fn good(command: &mut Command) -> Result<String> {
    let output = run(command)?;
    ensure!(output.status.success(), "{command:?}\n{}", printed(&output));
    Ok(printed(&output))
}

#[test]
fn mod_wsgi_from_the_package_index_builds_with_apxs_rs_and_runs() -> Result<()> {
    let site = Site::new()?;
    let environment = site.path().join("environment");
    good(
        Command::new("/usr/bin/python3")
            .args(["-m", "venv"])
            .arg(&environment),
    )?;
    let program = |name: &str| Command::new(environment.join("bin").join(name));
    let built_it = good(
        program("pip")
            .args([
                "install",
                "--verbose",
                "--no-cache-dir",
                "--no-binary",
                "mod_wsgi",
            ])
            .args(["--disable-pip-version-check", "mod_wsgi"])
            .env("APXS", built("apxs-rs")),
    )?;
    let headers = format!("-I{}", workspace().join("include").display());
    ensure!(built_it.contains(&headers), "not our headers: {built_it}");

    let printed = good(program("mod_wsgi-express").arg("module-config"))?;
    let load_it = printed
        .lines()
        .find(|line| line.starts_with("LoadModule wsgi_module"))
        .context("no LoadModule line")?;
    let object = load_it.split('"').nth(1).context("a quoted path")?;
    ensure!(Path::new(object).starts_with(&environment), "{printed}");

    site.file("app.wsgi", APPLICATION)?;
    let configuration = serve(
        &site,
        "",
        &format!(
            "{printed}\nWSGISocketPrefix @PLACE@/run/wsgi\n\
             WSGIDaemonProcess pool processes=1 threads=2\n\
             WSGIScriptAlias /daemon @SITE@/app.wsgi process-group=pool \
             application-group=%{{GLOBAL}}\n\
             WSGIScriptAlias /inside @SITE@/app.wsgi application-group=%{{GLOBAL}}\n"
        ),
    );
    let form = &[("Content-Type", "application/x-www-form-urlencoded")];
    compare(
        "wsgi",
        &configuration,
        &[
            Case::get("/inside/path"),
            Case::get("/daemon/path"),
            Case::with("POST", "/inside", form, "name=value"),
            Case::with("POST", "/daemon", form, &"x".repeat(50_000)),
        ],
    )?;
    let host = Host::start(Kind::under_test(), &configuration)?;
    let answer = get(host.port(), "/daemon/x")?;
    ensure!(
        answer.text() == "GET /x pool\n",
        "{}\n{}",
        answer.text(),
        host.messages()
    );
    Ok(())
}
