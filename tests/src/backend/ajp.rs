//! An AJP13 container: answers CPING, reads forward requests with their bodies, and sends what its
//! table of routes says, packet by packet, or the request as it came.

use std::{fmt::Write, io};

use super::{Backend, Peer};

/// What a route sends after it has read the request and its body.
#[derive(Clone, Debug)]
pub enum Packet {
    /// Status, reason, fields.
    Headers(u16, &'static str, Vec<(&'static str, &'static str)>),
    /// A part of the body.
    Body(Vec<u8>),
    /// The end; whether the connection may carry another request.
    End(bool),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// Close the connection.
    Close,
    /// Nothing more until the proxy closes.
    Hold,
}

const METHODS: [&str; 10] = [
    "?",
    "OPTIONS",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
];

const FIELDS: [&str; 15] = [
    "?",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-type",
    "content-length",
    "cookie",
    "cookie2",
    "host",
    "pragma",
    "referer",
    "user-agent",
];

/// Reads the parts of a packet.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> io::Result<u8> {
        let (&first, rest) = self.0.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(first)
    }

    fn number(&mut self) -> io::Result<u16> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    fn string(&mut self) -> io::Result<String> {
        let length = match self.number()? {
            0xffff => return Ok("(null)".to_owned()),
            length => usize::from(length),
        };
        let end = self.0.get(length).copied();
        if end != Some(0) {
            return Err(io::Error::other("a string without its end"));
        }
        let text = String::from_utf8_lossy(&self.0[..length]).into_owned();
        self.0 = &self.0[length + 1..];
        Ok(text)
    }
}

/// A forward request as it came.
struct Request {
    path: String,
    length: Option<usize>,
    head: bool,
    shown: String,
}

impl Request {
    fn parse(payload: &[u8]) -> io::Result<Self> {
        let mut reader = Reader(payload);
        // The packet's type, which the caller has looked at.
        reader.byte()?;
        let code = usize::from(reader.byte()?);
        let method = METHODS
            .get(code)
            .map_or_else(|| code.to_string(), |it| (*it).to_owned());
        let mut shown = format!("method {method}\n");
        let mut path = String::new();
        for name in ["protocol", "uri", "remote address", "remote host", "server"] {
            let value = reader.string()?;
            let _ = writeln!(shown, "{name} {value}");
            if name == "uri" {
                path = value;
            }
        }
        let (port, tls) = (reader.number()?, reader.byte()?);
        let _ = writeln!(shown, "port {port}, tls {tls}");
        let mut length = None;
        for _ in 0..reader.number()? {
            let name = match reader.0 {
                [0xa0, code, ..] => {
                    let name = FIELDS.get(usize::from(*code)).copied().unwrap_or("?");
                    reader.number()?;
                    name.to_owned()
                }
                _ => reader.string()?,
            };
            let value = reader.string()?;
            let _ = writeln!(shown, "{name}: {value}");
            if name == "content-length" {
                length = value.parse().ok();
            }
        }
        loop {
            match reader.byte()? {
                0xff => break,
                10 => {
                    let (name, value) = (reader.string()?, reader.string()?);
                    // The client's port differs from request to request.
                    if name != "AJP_REMOTE_PORT" {
                        let _ = writeln!(shown, "attribute {name} = {value}");
                    }
                }
                11 => {
                    let _ = writeln!(shown, "attribute 11 = {}", reader.number()?);
                }
                code => {
                    let _ = writeln!(shown, "attribute {code} = {}", reader.string()?);
                }
            }
        }
        Ok(Self {
            path,
            length,
            head: method == "HEAD",
            shown,
        })
    }
}

/// The next packet of the proxy; `None` when it closes.
fn receive(peer: &mut Peer) -> io::Result<Option<Vec<u8>>> {
    while peer.received.len() < 4 {
        if peer.fill()? == 0 {
            return Ok(None);
        }
    }
    let head = peer.take(4)?;
    if head[..2] != [0x12, 0x34] {
        return Err(io::Error::other("no AJP packet"));
    }
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    peer.take(length).map(Some)
}

fn send(peer: &mut Peer, payload: &[u8]) -> io::Result<()> {
    let mut packet = vec![b'A', b'B'];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend(payload);
    peer.send(packet)
}

fn put(payload: &mut Vec<u8>, text: &str) {
    payload.extend((text.len() as u16).to_be_bytes());
    payload.extend(text.as_bytes());
    payload.push(0);
}

impl Packet {
    /// A plain answer.
    pub fn text(text: &str) -> Vec<Self> {
        vec![
            Self::Headers(200, "OK", vec![("Content-Type", "text/plain")]),
            Self::Body(text.as_bytes().to_vec()),
            Self::End(true),
        ]
    }

    fn send(&self, peer: &mut Peer) -> io::Result<()> {
        match self {
            Self::Headers(status, reason, fields) => {
                let mut payload = vec![4];
                payload.extend(status.to_be_bytes());
                put(&mut payload, reason);
                payload.extend((fields.len() as u16).to_be_bytes());
                for (name, value) in fields {
                    let code = match name.to_ascii_lowercase().as_str() {
                        "content-type" => Some(1),
                        "content-length" => Some(4),
                        "location" => Some(6),
                        "set-cookie" => Some(7),
                        _ => None,
                    };
                    match code {
                        Some(code) => payload.extend([0xa0, code]),
                        None => put(&mut payload, name),
                    }
                    put(&mut payload, value);
                }
                send(peer, &payload)
            }
            Self::Body(bytes) => {
                for part in bytes.chunks(8000) {
                    let mut payload = vec![3];
                    payload.extend((part.len() as u16).to_be_bytes());
                    payload.extend(part);
                    payload.push(0);
                    send(peer, &payload)?;
                }
                Ok(())
            }
            Self::End(again) => send(peer, &[5, u8::from(*again)]),
            Self::Raw(bytes) => peer.send(bytes),
            Self::Close => peer.finish(),
            Self::Hold => {
                peer.wait_for_end();
                Ok(())
            }
        }
    }
}

/// The whole body: the first packet comes unasked, the others when they are asked for.
fn receive_body(peer: &mut Peer, length: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() < length {
        let packet = receive(peer)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let part = packet.get(2..).unwrap_or_default();
        if part.is_empty() {
            break;
        }
        body.extend(part);
        if body.len() < length {
            let wanted = (length - body.len()).min(8186) as u16;
            let mut ask = vec![6];
            ask.extend(wanted.to_be_bytes());
            send(peer, &ask)?;
        }
    }
    Ok(body)
}

/// Starts a container on a port. `pongs` says whether it answers CPING.
///
/// # Errors
/// When the system has no port.
pub fn start(pongs: bool, routes: Vec<(&'static str, Vec<Packet>)>) -> io::Result<Backend> {
    Backend::tcp(move |peer| {
        while let Some(payload) = receive(peer)? {
            match payload.first() {
                Some(10) if pongs => send(peer, &[9])?,
                Some(2) => {
                    let request = Request::parse(&payload)?;
                    let body = match request.length {
                        Some(length) if length > 0 => receive_body(peer, length)?,
                        _ => Vec::new(),
                    };
                    let route = routes.iter().find(|(path, _)| *path == request.path);
                    let packets = match route {
                        Some((_, packets)) => packets.clone(),
                        None => {
                            let start = String::from_utf8_lossy(&body[..body.len().min(100)]);
                            let mut packets = Packet::text(&format!(
                                "{}\nbody of {} bytes: {start}\n",
                                request.shown,
                                body.len()
                            ));
                            if request.head {
                                packets.remove(1);
                            }
                            packets
                        }
                    };
                    for packet in packets {
                        packet.send(peer)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })
}
