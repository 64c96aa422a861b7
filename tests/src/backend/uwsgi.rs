//! A uwsgi server (the protocol, not the program): answers what its table of routes says, or shows
//! the variables and the body.

use std::io;

use super::{Backend, Peer, scgi::Received};

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
    variables.extend(
        words
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone())),
    );
    let mut received = Received {
        variables,
        body: Vec::new(),
    };
    received.body = peer.take(received.length())?;
    Ok(Some(received))
}

/// Starts one on a port; a route is a value of `PATH_INFO` and the bytes to send.
///
/// # Errors
/// When the system has no port.
pub fn start(routes: Vec<(&'static str, Vec<u8>)>) -> io::Result<Backend> {
    Backend::tcp(move |peer| {
        if let Some(request) = receive(peer)? {
            let path = request.variable("PATH_INFO");
            match routes.iter().find(|(route, _)| *route == path) {
                Some((_, answer)) => peer.send(answer)?,
                None => peer.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{}",
                    request.shown()
                ))?,
            }
        }
        Ok(())
    })
}
