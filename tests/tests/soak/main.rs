//! Two minutes, a third of it for each MPM, of what `bench/soak.py` does for twenty each: mixed requests,
//! restarts, new configurations, crashes, clients that stall and that go away. Every request that no
//! crash and no restart at once took down is answered, rightly and completely, and is one line of the
//! log; and in the end the server holds what it held in the beginning.

mod book;
mod clients;
mod events;
mod held;

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    differential::serve,
    host::{Host, Kind, Place, until},
    modules,
    site::Site,
};

use book::Book;
use events::Driver;
use held::Held;

/// How long one MPM is at it, besides coming to rest.
const WHILE: Duration = Duration::from_secs(30);

/// Of that, before the first look at what the server holds.
const WARM: Duration = Duration::from_secs(8);

const CONFIGURATION: &str = r#"
LoadModule soak_module @MODULE@
User @USER@
LogLevel notice
ListenBacklog 1024
Timeout 3
KeepAliveTimeout 2
MaxKeepAliveRequests 0
RequestReadTimeout header=2 body=2
Mutex sysvsem default
SSLSessionCache shmcb:run/ssl_cache(512000)
Include conf/changing.conf
LogFormat "%{n}i %>s %P" soak
CustomLog logs/access.log soak
CustomLog "|$/bin/cat >>@PLACE@/logs/piped.log" soak
ScriptAlias /cgi/ "@SITE@/cgi/"
<Directory "@SITE@">
    AllowOverride All
</Directory>
<Location /echo>
    SetHandler soak-echo
</Location>
<Location /count>
    SetHandler soak-count
</Location>
<Location /crash>
    SetHandler soak-crash
</Location>
"#;

/// An MPM with settings, and a user whose semaphores nobody else makes.
struct Mpm {
    name: &'static str,
    settings: &'static str,
    cgi: &'static str,
    user: &'static str,
}

const THREADS: &str = "StartServers 2\nServerLimit 8\nThreadsPerChild 25\nMaxRequestWorkers 200\n\
     MinSpareThreads 10\nMaxSpareThreads 200\nScriptSock cgid.sock\n";

#[test]
fn event() -> Result<()> {
    soak(&Mpm {
        name: "event",
        settings: THREADS,
        cgi: "cgid",
        user: "games",
    })
}

#[test]
fn worker() -> Result<()> {
    soak(&Mpm {
        name: "worker",
        settings: THREADS,
        cgi: "cgid",
        user: "news",
    })
}

#[test]
fn prefork() -> Result<()> {
    soak(&Mpm {
        name: "prefork",
        settings: "StartServers 6\nServerLimit 64\nMaxRequestWorkers 64\nMinSpareServers 6\n\
                   MaxSpareServers 64\n",
        cgi: "cgi",
        user: "uucp",
    })
}

fn start(site: &Site, mpm: &Mpm) -> Result<Host> {
    let place = Place::new()?;
    let module = modules::compile(&modules::source("mod_soak.c"), place.path())?;
    events::configure(&place, 0, None)?;
    site.file("small.txt", clients::SMALL)?;
    site.file("large.bin", clients::large())?;
    site.file("secret/page.txt", clients::SMALL)?;
    let users = place.path().join("conf/users");
    std::fs::write(&users, "ann:{SHA}0nofEXcSAJSXFLGvmfBIpBb11vQ=\n")?;
    site.file(
        "secret/.htaccess",
        format!(
            "AuthType Basic\nAuthName soak\nAuthUserFile {}\nRequire valid-user\n",
            users.display()
        ),
    )?;
    site.program(
        "cgi/hello",
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\nexec cat\n",
    )?;
    let name = mpm.name;
    let choice = match Kind::under_test() {
        Kind::Ours => format!("LoadModule mpm_{name}_module @MODULES@/mod_mpm_{name}.so\n"),
        Kind::Apache => String::new(),
    };
    let modules = format!(
        "alias headers {} reqtimeout auth_basic authn_core authn_file authz_user socache_shmcb ssl",
        mpm.cgi
    );
    let configuration = CONFIGURATION
        .replace("@MODULE@", &module.display().to_string())
        .replace("@USER@", mpm.user);
    let more = format!("{}{configuration}", mpm.settings);
    Host::start_in(
        Kind::under_test(),
        place,
        &format!("{choice}{}", serve(site, &modules, &more)),
    )
}

fn soak(mpm: &Mpm) -> Result<()> {
    if Kind::under_test() == Kind::Apache && mpm.name != "event" {
        // The harness starts it with its event MPM.
        return Ok(());
    }
    let site = Site::new()?;
    let host = start(&site, mpm)?;
    let book = Book::default();
    let mut driver = Driver::new(&host, &book)?;
    let before = thread::scope(|scope| {
        clients::start(scope, host.port(), &book);
        // Clients end with the scope, also when something fails here.
        let over = book.over_at_the_end();
        driver.drive(WARM)?;
        book.resting.store(true, Ordering::Relaxed);
        book.wait_for_rest()?;
        let before = at_rest(&mut driver, mpm)?;
        book.resting.store(false, Ordering::Relaxed);
        driver.drive(WHILE - WARM)?;
        drop(over);
        anyhow::Ok(before)
    })?;
    let after = at_rest(&mut driver, mpm)?;
    ensure!(
        before.semaphores > 0,
        "the server has semaphores: {before:?}"
    );
    let grown = before.growth(&after);
    ensure!(
        grown.is_empty(),
        "{grown:?}\nbefore {before:?}\nafter {after:?}"
    );
    until("all is logged", || {
        Ok(book.not_logged(&host.place().read("logs/access.log")) == 0)
    })
    .ok();
    book.verdict(
        &host.place().read("logs/access.log"),
        Kind::under_test() == Kind::Apache,
    )?;
    // A child that is killed may have written one of its two logs.
    let (log, piped) = ("logs/access.log", "logs/piped.log");
    let missing = || {
        let piped = host.place().read(piped);
        book.not_in(&host.place().read(log), &piped)
    };
    until("the piped log has all lines, too", || {
        Ok(missing().is_empty())
    })
    .with_context(|| format!("{:?}", missing()))
}

/// What the server holds after a restart without clients.
fn at_rest(driver: &mut Driver<'_>, mpm: &Mpm) -> Result<Held> {
    driver.last_restart()?;
    let look = || Held::look(driver.host(), mpm.user);
    // Children and helpers of before leave, and those that a burst has called.
    let mut last = look()?;
    let mut since = Instant::now();
    until("the server comes to rest", || {
        let now = look()?;
        if !now.is_like(&last) || now.zombies > 0 {
            since = Instant::now();
        }
        last = now;
        Ok(since.elapsed() > Duration::from_secs(2))
    })?;
    look()
}
