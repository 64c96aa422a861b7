//! An FTP server with a few files: enough of RFC 959 and RFC 2428 for a proxy that lists and fetches.

use std::{
    io::{self, Write},
    net::TcpListener,
};

use super::{Backend, Peer};

/// What a directory looks like.
const LISTING: &str = "total 3\r\n\
    drwxr-xr-x   2 ftp      ftp          4096 Nov 14  2023 sub\r\n\
    -rw-r--r--   1 ftp      ftp             6 Nov 14  2023 hello.txt\r\n\
    -rw-r--r--   1 ftp      ftp          2048 Nov 14  2023 a <odd> name.bin\r\n\
    lrwxrwxrwx   1 ftp      ftp             9 Nov 14  2023 link -> hello.txt\r\n";

fn transfer(peer: &mut Peer, listener: Option<TcpListener>, content: &[u8]) -> io::Result<()> {
    let Some(listener) = listener else {
        return peer.send("425 no data connection\r\n");
    };
    peer.send("150 here it comes\r\n")?;
    let (mut data, _) = listener.accept()?;
    data.write_all(content)?;
    drop(data);
    peer.send("226 done\r\n")
}

fn serve(peer: &mut Peer) -> io::Result<()> {
    peer.send("220 scripted\r\n")?;
    let mut listener = None;
    let mut directory = String::from("/");
    let mut user = String::new();
    while let Some(line) = peer.take_until(b"\n")? {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
        match command.to_ascii_uppercase().as_str() {
            "USER" => {
                user = argument.to_owned();
                peer.send("331 and the password?\r\n")?;
            }
            "PASS" if user == "wrong" => peer.send("530 no\r\n")?,
            "PASS" => peer.send("230-welcome\r\n230 in\r\n")?,
            "PWD" => peer.send(format!("257 \"{directory}\" is it\r\n"))?,
            "CWD" if argument.ends_with("sub") || argument == "/" => {
                directory = argument.to_owned();
                peer.send("250 there\r\n")?;
            }
            "CWD" => peer.send("550 no such directory\r\n")?,
            "TYPE" => peer.send("200 so be it\r\n")?,
            "SIZE" if argument.ends_with("hello.txt") => peer.send("213 6\r\n")?,
            "MDTM" if argument.ends_with("hello.txt") => peer.send("213 20231114221320\r\n")?,
            "SIZE" | "MDTM" => peer.send("550 no\r\n")?,
            "EPSV" => {
                let new = TcpListener::bind(("127.0.0.1", 0))?;
                peer.send(format!(
                    "229 Entering Extended Passive Mode (|||{}|)\r\n",
                    new.local_addr()?.port()
                ))?;
                listener = Some(new);
            }
            "PASV" => {
                let new = TcpListener::bind(("127.0.0.1", 0))?;
                let port = new.local_addr()?.port();
                peer.send(format!(
                    "227 Entering Passive Mode (127,0,0,1,{},{})\r\n",
                    port / 256,
                    port % 256
                ))?;
                listener = Some(new);
            }
            "LIST" => transfer(peer, listener.take(), LISTING.as_bytes())?,
            "RETR" if argument.ends_with("hello.txt") => {
                transfer(peer, listener.take(), b"hello\n")?;
            }
            "RETR" => peer.send("550 no such file\r\n")?,
            "QUIT" => return peer.send("221 bye\r\n"),
            _ => peer.send("502 not here\r\n")?,
        }
    }
    Ok(())
}

/// Starts one on a port.
///
/// # Errors
/// When the system has none.
pub fn start() -> io::Result<Backend> {
    Backend::tcp(serve)
}
