//! An SCGI server: answers what its table of routes says, or shows the variables and the body.

use std::{fmt::Write, io};

use super::{Backend, Peer};

/// A request made of variables, as SCGI and uwsgi carry it.
pub struct Received {
    /// In the order in which they came.
    pub variables: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// A request whose body is as long as its variables say.
    ///
    /// # Errors
    /// When the body is incomplete.
    pub fn with_body(variables: Vec<(String, String)>, peer: &mut Peer) -> io::Result<Self> {
        let mut received = Self {
            variables,
            body: Vec::new(),
        };
        received.body = peer.take(received.length())?;
        Ok(received)
    }

    /// The value of a variable; empty when there is none.
    pub fn variable(&self, name: &str) -> &str {
        let mut variables = self.variables.iter();
        variables
            .find(|(variable, _)| variable == name)
            .map_or("", |(_, value)| value)
    }

    /// How long the body is said to be.
    pub fn length(&self) -> usize {
        self.variable("CONTENT_LENGTH").parse().unwrap_or(0)
    }

    /// All of it as text, without what differs from request to request.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.variables {
            if !["REMOTE_PORT", "SERVER_SOFTWARE"].contains(&name.as_str()) {
                let _ = writeln!(text, "{name}={value}");
            }
        }
        let start = String::from_utf8_lossy(&self.body[..self.body.len().min(100)]);
        let _ = writeln!(text, "body of {} bytes: {start}", self.body.len());
        text
    }
}

/// The next request; `None` when the proxy closes instead.
///
/// # Errors
/// When it is malformed or incomplete.
pub fn receive(peer: &mut Peer) -> io::Result<Option<Received>> {
    let Some(length) = peer.take_until(b":")? else {
        return Ok(None);
    };
    let length = String::from_utf8_lossy(&length[..length.len() - 1]).into_owned();
    let block = peer.take(length.parse().map_err(io::Error::other)?)?;
    if peer.take(1)? != b"," {
        return Err(io::Error::other("a netstring without its end"));
    }
    let words: Vec<String> = block
        .split(|&byte| byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    Received::with_body(pairs(&words), peer).map(Some)
}

/// Names and values that follow each other.
pub fn pairs(words: &[String]) -> Vec<(String, String)> {
    let pairs = words.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

/// Answers requests with what a table of routes says for their `PATH_INFO`; else shows them, behind
/// a status line of the protocol.
///
/// # Errors
/// When the system has no port.
pub fn serve(
    routes: Vec<(&'static str, Vec<u8>)>,
    receive: impl Fn(&mut Peer) -> io::Result<Option<Received>> + Send + Sync + 'static,
    status: &'static str,
) -> io::Result<Backend> {
    Backend::tcp(move |peer| {
        if let Some(request) = receive(peer)? {
            let path = request.variable("PATH_INFO");
            match routes.iter().find(|(route, _)| *route == path) {
                Some((_, answer)) => peer.send(answer)?,
                None => peer.send(format!(
                    "{status}\r\nContent-Type: text/plain\r\n\r\n{}",
                    request.shown()
                ))?,
            }
        }
        Ok(())
    })
}

/// Starts one on a port; a route is a value of `PATH_INFO` and the bytes to send.
///
/// # Errors
/// When the system has no port.
pub fn start(routes: Vec<(&'static str, Vec<u8>)>) -> io::Result<Backend> {
    serve(routes, receive, "Status: 200 OK")
}
