//! An HTTP/1.1 backend: answers what its table of routes says, byte for byte, and otherwise shows
//! the request as it came, field by field, with its body and how that was framed.

use std::{collections::HashMap, fmt::Write, io, path::Path};

use super::{Backend, Peer};

/// What a route does after it has read the request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Close the connection.
    Close,
    /// Send nothing more, and keep the connection until the proxy closes it.
    Hold,
    /// From now on send back whatever is received.
    Echo,
}

/// Routes by path, without the query.
pub type Routes = HashMap<String, Vec<Step>>;

/// A route that sends `answer` and goes on with the next request.
pub fn route(path: &str, answer: impl AsRef<[u8]>) -> (String, Vec<Step>) {
    (path.to_owned(), vec![Step::Send(answer.as_ref().to_vec())])
}

/// A route that sends `answer` and closes.
pub fn last(path: &str, answer: impl AsRef<[u8]>) -> (String, Vec<Step>) {
    let send = Step::Send(answer.as_ref().to_vec());
    (path.to_owned(), vec![send, Step::Close])
}

/// A request as the backend has received it.
pub struct Received {
    /// The lines of the head.
    pub head: Vec<String>,
    /// The body, its transfer coding removed.
    pub body: Vec<u8>,
    framing: &'static str,
    trailer: Vec<String>,
}

impl Received {
    /// Receives one; `None` when the proxy closes instead.
    ///
    /// # Errors
    /// When it is malformed or incomplete.
    pub fn from(peer: &mut Peer) -> io::Result<Option<Self>> {
        let Some(mut received) = Self::head(peer)? else {
            return Ok(None);
        };
        if received
            .field("Expect")
            .is_some_and(|it| it == "100-continue")
        {
            peer.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        received.receive_body(peer)?;
        Ok(Some(received))
    }

    /// Receives the head only.
    ///
    /// # Errors
    /// As `from`.
    pub fn head(peer: &mut Peer) -> io::Result<Option<Self>> {
        let Some(head) = peer.take_until(b"\r\n\r\n")? else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(&head);
        Ok(Some(Self {
            head: head.trim_end().lines().map(str::to_owned).collect(),
            body: Vec::new(),
            framing: "no body",
            trailer: Vec::new(),
        }))
    }

    fn receive_body(&mut self, peer: &mut Peer) -> io::Result<()> {
        if self.field("Transfer-Encoding").is_some() {
            self.framing = "chunked";
            loop {
                let size = take_line(peer)?;
                let size = size.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
                if size == 0 {
                    break;
                }
                self.body.extend(peer.take(size)?);
                peer.take(2)?;
            }
            loop {
                match take_line(peer)? {
                    line if line.is_empty() => break,
                    line => self.trailer.push(line),
                }
            }
        } else if let Some(length) = self.field("Content-Length") {
            let length = length.parse().map_err(io::Error::other)?;
            self.framing = "length";
            self.body = peer.take(length)?;
        }
        Ok(())
    }

    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.iter().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        let target = self.target();
        target.split('?').next().unwrap_or_default()
    }

    /// The request's target.
    pub fn target(&self) -> &str {
        let line = self.head.first().map_or("", String::as_str);
        line.split(' ').nth(1).unwrap_or_default()
    }

    fn shown(&self) -> String {
        let mut text = self.head.join("\n");
        let body = String::from_utf8_lossy(&self.body);
        let beginning: String = body.chars().take(200).collect();
        let _ = write!(
            text,
            "\n\n{}, {} bytes: {beginning}\n",
            self.framing,
            self.body.len()
        );
        for line in &self.trailer {
            let _ = writeln!(text, "trailer {line}");
        }
        text
    }
}

fn take_line(peer: &mut Peer) -> io::Result<String> {
    let line = peer.take_until(b"\r\n")?;
    let line = line.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// `200 OK` with a text.
pub fn answer(fields: &str, text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{fields}Content-Length: {}\r\n\r\n{text}",
        text.len()
    )
}

/// Starts a backend on a port. Its answers to requests without a route carry `X-Backend: name`, and
/// how many requests the connection has carried.
///
/// # Errors
/// When the system has no port.
pub fn start(
    name: &str,
    routes: impl IntoIterator<Item = (String, Vec<Step>)>,
) -> io::Result<Backend> {
    let name = name.to_owned();
    let routes: Routes = routes.into_iter().collect();
    Backend::tcp(move |peer| serve(peer, &name, &routes))
}

/// The same on a Unix socket.
///
/// # Errors
/// When the socket cannot be made.
pub fn start_at(
    path: &Path,
    name: &str,
    routes: impl IntoIterator<Item = (String, Vec<Step>)>,
) -> io::Result<Backend> {
    let name = name.to_owned();
    let routes: Routes = routes.into_iter().collect();
    Backend::unix(path, move |peer| serve(peer, &name, &routes))
}

fn serve(peer: &mut Peer, name: &str, routes: &Routes) -> io::Result<()> {
    let mut requests = 0;
    while let Some(request) = Received::from(peer)? {
        requests += 1;
        let Some(steps) = routes.get(request.path()) else {
            let mut answer = answer(
                &format!("X-Backend: {name}\r\nX-Requests: {requests}\r\n"),
                &request.shown(),
            );
            if request.head[0].starts_with("HEAD ") {
                answer.truncate(answer.find("\r\n\r\n").map_or(0, |end| end + 4));
            }
            peer.send(answer)?;
            continue;
        };
        for step in steps {
            match step {
                Step::Send(bytes) => peer.send(bytes)?,
                Step::Close => return Ok(()),
                Step::Hold => {
                    peer.wait_for_end();
                    return Ok(());
                }
                Step::Echo => loop {
                    let received = std::mem::take(&mut peer.received);
                    peer.send(received)?;
                    if peer.fill()? == 0 {
                        return Ok(());
                    }
                },
            }
        }
    }
    Ok(())
}
