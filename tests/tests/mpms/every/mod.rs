//! Tests that run under each MPM: functions, of which `tests!` makes a test in the module of an MPM.

pub mod children;
pub mod programs;
pub mod scoreboard;

use std::path::PathBuf;

use anyhow::Result;
use httpd_tests::{
    client::Client,
    differential::serve,
    host::Place,
    modules::{compile, source},
    site::Site,
};

/// Makes a test of each.
macro_rules! tests {
    () => {
        $crate::every::tests! {
            children: follow_the_load, wait_in_the_queue_beyond_the_limit,
                leave_after_their_connections, end_at_once_or_in_order, alone_in_the_foreground;
            scoreboard: letters_of_connections, items_of_logs;
            programs: signals_that_programs_inherit;
        }
    };
    ($($room:ident: $($test:ident),*;)*) => {$($(
        #[test]
        fn $test() -> anyhow::Result<()> {
            $crate::every::$room::$test()
        }
    )*)*};
}
pub(crate) use tests;

/// A site with `mod_gate`: `/gate?x` waits for a file `x`.
pub struct Gates {
    pub site: Site,
    module: PathBuf,
    _place: Place,
}

impl Gates {
    pub fn new() -> Result<Self> {
        let (site, place) = (Site::new()?, Place::new()?);
        let module = compile(&source("mod_gate.c"), place.path())?;
        site.file("page.html", "a page\n")?;
        Ok(Self {
            site,
            module,
            _place: place,
        })
    }

    /// Opens a gate.
    pub fn open(&self, name: &str) -> Result<()> {
        self.site.file(name, "")?;
        Ok(())
    }

    /// A client that waits behind a gate.
    pub fn wait(&self, port: u16, name: &str) -> Result<Client> {
        let mut client = Client::connect(port)?;
        client.send(format!(
            "GET /gate?{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ))?;
        Ok(client)
    }

    /// A configuration with the status page and gates.
    pub fn configuration(&self, modules: &str, more: &str) -> String {
        serve(
            &self.site,
            &format!("status {modules}"),
            &format!(
                "LoadModule gate_module {}\n<Location /gate>\nSetHandler gate\n</Location>\n\
                 <Location /server-status>\nSetHandler server-status\n</Location>\n{more}\n",
                self.module.display()
            ),
        )
    }
}
