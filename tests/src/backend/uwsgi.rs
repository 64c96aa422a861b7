//! A uwsgi server (the protocol, not the program): answers what its table of routes says, or shows
//! the variables and the body.

use std::io;

use super::{
    Backend, Peer,
    scgi::{self, Received},
};

fn receive(peer: &mut Peer) -> io::Result<Option<Received>> {
    while peer.received.len() < 4 {
        if peer.fill()? == 0 {
            return Ok(None);
        }
    }
    let head = peer.take(4)?;
    let size = usize::from(u16::from_le_bytes([head[1], head[2]]));
    let block = peer.take(size)?;
    let mut words = Vec::new();
    let mut rest = &block[..];
    while let [low, high, more @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let (word, more) = more
            .split_at_checked(length)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        words.push(String::from_utf8_lossy(word).into_owned());
        rest = more;
    }
    let mut variables = vec![("modifiers".to_owned(), format!("{} {}", head[0], head[3]))];
    variables.extend(scgi::pairs(&words));
    Received::with_body(variables, peer).map(Some)
}

/// Starts one on a port; a route is a value of `PATH_INFO` and the bytes to send.
///
/// # Errors
/// When the system has no port.
pub fn start(routes: Vec<(&'static str, Vec<u8>)>) -> io::Result<Backend> {
    scgi::serve(routes, receive, "HTTP/1.1 200 OK")
}
