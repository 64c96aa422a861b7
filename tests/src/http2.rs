//! A client of HTTP/2 that sends the frames it is told to and shows those that come, for what curl
//! and nghttp would never do. It understands no header compression: heads are sent literally, and
//! only counted when they are received.

use std::{
    fmt, io,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Types of frames (RFC 9113 section 6).
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;

/// Flags.
pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// How long a frame may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Whether it is the last of its stream.
    pub fn ends(&self, stream: u32) -> bool {
        self.stream == stream
            && (self.kind == RST_STREAM || (self.kind <= HEADERS && self.flags & END_STREAM != 0))
    }

    /// The number in an RST_STREAM, GOAWAY or WINDOW_UPDATE that matters most.
    fn code(&self) -> Option<u32> {
        let at = usize::from(self.kind == GOAWAY) * 4;
        let bytes = self.payload.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flags, stream, .. } = self;
        match self.kind {
            DATA => write!(
                f,
                "DATA {stream} flags {flags} {} bytes",
                self.payload.len()
            ),
            HEADERS => write!(f, "HEADERS {stream} flags {flags}"),
            RST_STREAM => write!(f, "RST_STREAM {stream} code {:?}", self.code()),
            SETTINGS => write!(f, "SETTINGS flags {flags} {:?}", self.payload),
            PING => write!(f, "PING flags {flags} {:?}", self.payload),
            GOAWAY => {
                let last = self.payload.get(..4).unwrap_or_default();
                write!(f, "GOAWAY last {last:?} code {:?}", self.code())
            }
            WINDOW_UPDATE => write!(f, "WINDOW_UPDATE {stream} {:?}", self.code()),
            kind => write!(f, "frame of type {kind}, {stream} flags {flags}"),
        }
    }
}

/// A connection with prior knowledge.
pub struct Http2 {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Http2 {
    /// Connects and sends the preface with settings.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(port: u16, settings: &[(u16, u32)]) -> io::Result<Self> {
        let mut connection = Self::raw(port)?;
        connection
            .stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend_from_slice(&name.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        connection.send(SETTINGS, 0, 0, &payload)?;
        Ok(connection)
    }

    /// Connects and sends nothing.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn raw(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::new(),
        })
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the server has gone.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.send_bytes(&frame)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the server has gone.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends the head of a request, and with `flags` its end.
    ///
    /// # Errors
    /// When the server has gone.
    pub fn request(&mut self, stream: u32, method: &str, path: &str, flags: u8) -> io::Result<()> {
        self.send(HEADERS, END_HEADERS | flags, stream, &head(method, path))
    }

    /// The next frame; `None` when the server has closed the connection, or reset it.
    ///
    /// # Errors
    /// When none comes in time.
    pub fn receive(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if self.received.len() >= 9 {
                let length = usize::from(self.received[0]) << 16
                    | usize::from(self.received[1]) << 8
                    | usize::from(self.received[2]);
                if self.received.len() >= 9 + length {
                    let frame: Vec<u8> = self.received.drain(..9 + length).collect();
                    let stream = [frame[5] & 0x7f, frame[6], frame[7], frame[8]];
                    return Ok(Some(Frame {
                        kind: frame[3],
                        flags: frame[4],
                        stream: u32::from_be_bytes(stream),
                        payload: frame[9..].to_vec(),
                    }));
                }
            }
            let mut buffer = [0; 16 * 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(got) => self.received.extend_from_slice(&buffer[..got]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// The frames up to one of which `last` is true, or the end of the connection; but for updates
    /// of windows, whose number is a matter of taste.
    ///
    /// # Errors
    /// When they do not come in time.
    pub fn until(&mut self, last: impl Fn(&Frame) -> bool) -> io::Result<Vec<Frame>> {
        let mut frames = Vec::new();
        while let Some(frame) = self.receive()? {
            let done = last(&frame);
            if frame.kind != WINDOW_UPDATE {
                frames.push(frame);
            }
            if done {
                break;
            }
        }
        Ok(frames)
    }
}

/// The head of a request, literally.
pub fn head(method: &str, path: &str) -> Vec<u8> {
    let mut head = Vec::new();
    field(&mut head, ":method", method);
    field(&mut head, ":scheme", "http");
    field(&mut head, ":path", path);
    field(&mut head, ":authority", "a.example");
    head
}

/// Appends a field, literally.
pub fn field(head: &mut Vec<u8>, name: &str, value: &str) {
    head.push(0);
    for text in [name, value] {
        debug_assert!(text.len() < 127, "lengths fit into a byte");
        head.push(text.len() as u8);
        head.extend_from_slice(text.as_bytes());
    }
}

/// A line for each frame.
pub fn shown(frames: &[Frame]) -> String {
    frames.iter().map(|frame| format!("{frame:?}\n")).collect()
}
