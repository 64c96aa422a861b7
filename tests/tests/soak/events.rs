//! What happens to the server meanwhile: restarts, new configurations, crashes.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use httpd_tests::{
    client::{Client, get},
    host::{Host, Kind, Place, until},
};

use crate::book::Book;

/// From one event to the next.
const PERIOD: Duration = Duration::from_millis(1200);

/// Writes the part of the configuration that changes, as a whole.
pub fn configure(place: &Place, number: u32, port: Option<u16>) -> Result<()> {
    let mut text = format!("Header always set X-Configuration {number}\n");
    if let Some(port) = port {
        text += &format!("Listen 127.0.0.1:{port}\n");
    }
    write(place, &text)
}

fn write(place: &Place, text: &str) -> Result<()> {
    let directory = place.path().join("conf");
    fs::write(directory.join("changing.new"), text)?;
    fs::rename(
        directory.join("changing.new"),
        directory.join("changing.conf"),
    )?;
    Ok(())
}

pub struct Driver<'a> {
    host: &'a Host,
    book: &'a Book,
    number: u32,
    turn: usize,
    second_port: bool,
}

impl<'a> Driver<'a> {
    pub fn new(host: &'a Host, book: &'a Book) -> Result<Self> {
        let driver = Self {
            host,
            book,
            number: 0,
            turn: 0,
            second_port: false,
        };
        driver.wait_for_configuration()?;
        Ok(driver)
    }

    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// Lets one thing after the other happen.
    pub fn drive(&mut self, time: Duration) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            let event = Instant::now();
            match self.turn % 7 {
                0 | 3 => self.restart(libc::SIGUSR1)?,
                1 => self.crash(true)?,
                2 => self.burst()?,
                4 => self.crash(false)?,
                5 => self.at_once()?,
                _ => self.bad_configuration()?,
            }
            self.turn += 1;
            while event.elapsed() < PERIOD {
                thread::park_timeout(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// A restart after which everything is as in the beginning.
    pub fn last_restart(&mut self) -> Result<()> {
        self.second_port = true;
        self.restart(libc::SIGUSR1)
    }

    fn change(&mut self) -> Result<()> {
        self.number += 1;
        let port = self.second_port.then(|| self.host.port_number(2));
        configure(self.host.place(), self.number, port)
    }

    fn wait_for_configuration(&self) -> Result<()> {
        let number = self.number.to_string();
        until("the new configuration holds", || {
            let answer = get(self.host.port(), "/small.txt");
            Ok(answer.is_ok_and(|answer| answer.field("X-Configuration") == Some(&number)))
        })
    }

    /// With another socket than before.
    fn restart(&mut self, signal: i32) -> Result<()> {
        self.second_port = !self.second_port;
        self.change()?;
        self.host.signal(signal);
        self.wait_for_configuration()?;
        let port = self.host.port_number(2);
        until("the second port is as configured", || {
            Ok(Client::connect(port).is_ok() == self.second_port)
        })
    }

    /// Several, without waiting for one before the next.
    fn burst(&mut self) -> Result<()> {
        for _ in 0..3 {
            self.change()?;
            self.host.signal(libc::SIGUSR1);
            thread::park_timeout(Duration::from_millis(80));
        }
        self.wait_for_configuration()
    }

    fn at_once(&mut self) -> Result<()> {
        let children = self.host.children();
        let blow = self.book.strike(None);
        self.book.went_down(blow, &children);
        self.restart(libc::SIGHUP)?;
        until("the children before are gone", || {
            let now = self.host.children();
            Ok(!now.iter().any(|child| children.contains(child)))
        })?;
        self.book.struck(blow, &self.host.children());
        Ok(())
    }

    fn bad_configuration(&mut self) -> Result<()> {
        if self.host.kind() == Kind::Apache {
            // It would end.
            return Ok(());
        }
        let refusals = || {
            self.host
                .messages()
                .matches("ThereIsNoSuchDirective")
                .count()
        };
        let before = refusals();
        write(self.host.place(), "ThereIsNoSuchDirective on\n")?;
        self.host.signal(libc::SIGUSR1);
        until("the refusal is logged", || Ok(refusals() > before))?;
        let port = self.second_port.then(|| self.host.port_number(2));
        configure(self.host.place(), self.number, port)
    }

    /// A handler that crashes, or a child that is killed.
    fn crash(&mut self, kill: bool) -> Result<()> {
        let mut client = Client::connect(self.host.port())?;
        client.send("HEAD /small.txt HTTP/1.1\r\nHost: test.example\r\n\r\n")?;
        let answer = client.receive(true)?;
        let child = answer.field("X-Child").context("the child's number")?;
        let child: i32 = child.parse()?;
        let blow = self.book.strike(Some([child].into()));
        if kill {
            // SAFETY: a plain system call on a child of the server.
            unsafe { libc::kill(child, libc::SIGKILL) };
        } else {
            client.send("GET /crash HTTP/1.1\r\nHost: test.example\r\n\r\n")?;
        }
        until("the child is gone", || {
            Ok(!self.host.children().contains(&child))
        })?;
        self.book.struck(blow, &self.host.children());
        Ok(())
    }
}
