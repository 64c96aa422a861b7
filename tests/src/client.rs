//! An HTTP/1 client that sends what it is given and shows what came back.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    time::Duration,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// `HTTP/1.1 200 OK`; empty when there was none (HTTP/0.9, or a closed connection).
    pub status_line: String,
    /// Header fields in their order, as sent.
    pub fields: Vec<(String, String)>,
    /// The body, its transfer coding removed.
    pub body: Vec<u8>,
}

impl Answer {
    /// The status, 0 when there was no status line.
    pub fn status(&self) -> u16 {
        let mut words = self.status_line.split(' ');
        words.nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection to a server on this machine.
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(port: u16) -> io::Result<Self> {
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let stream = TcpStream::connect_timeout(&address.into(), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::new(),
        })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the server has gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Closes the sending side.
    ///
    /// # Errors
    /// When the server has gone.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)
    }

    /// The port on this side, by which a server's log can tell connections apart.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_port(&self) -> io::Result<u16> {
        Ok(self.stream.local_addr()?.port())
    }

    /// Makes the window for what the server sends as small as the system allows.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn receive_little(&self) -> io::Result<()> {
        self.set_option(libc::SO_RCVBUF, &1_i32)
    }

    /// Ends the connection with a reset in place of a proper close.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn reset(self) -> io::Result<()> {
        self.set_option(
            libc::SO_LINGER,
            &libc::linger {
                l_onoff: 1,
                l_linger: 0,
            },
        )
    }

    fn set_option<T>(&self, option: libc::c_int, value: &T) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        // SAFETY: the value lives for the call and is as long as is said.
        let set = unsafe {
            libc::setsockopt(
                self.stream.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        if set == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Receives up to `count` bytes as they are; fewer when the server closes first.
    ///
    /// # Errors
    /// When nothing comes in time, or the server resets the connection.
    pub fn receive_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < count && self.fill()? > 0 {}
        let count = count.min(self.received.len());
        Ok(self.received.drain(..count).collect())
    }

    /// Receives one answer; `head` says that it was to a HEAD request and has no body.
    ///
    /// # Errors
    /// When the connection ends within the answer or nothing comes in time.
    pub fn receive(&mut self, head: bool) -> io::Result<Answer> {
        let mut answer = loop {
            let answer = self.receive_head()?;
            // Interim answers but for 101 are passed over.
            if !(100..200).contains(&answer.status()) || answer.status() == 101 {
                break answer;
            }
        };
        if head || matches!(answer.status(), 101 | 204 | 304) {
            return Ok(answer);
        }
        let chunked = answer
            .field("Transfer-Encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        let length = answer.field("Content-Length").map(str::parse::<usize>);
        answer.body = match length {
            _ if chunked => self.receive_chunks()?,
            Some(Ok(length)) => self.take(length)?,
            Some(Err(_)) => return Err(invalid("Content-Length is no number")),
            None => self.receive_rest()?,
        };
        Ok(answer)
    }

    /// Receives the head of an answer and nothing behind it.
    ///
    /// # Errors
    /// As `receive`.
    pub fn receive_head(&mut self) -> io::Result<Answer> {
        let mut answer = Answer {
            status_line: self.line()?,
            ..Answer::default()
        };
        if !answer.status_line.starts_with("HTTP/") {
            // HTTP/0.9: no head at all.
            let mut all = std::mem::take(&mut answer.status_line).into_bytes();
            all.push(b'\n');
            all.append(&mut self.received);
            self.received = all;
            return Ok(answer);
        }
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(answer);
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| invalid("a field without colon"))?;
            answer
                .fields
                .push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// Receives until the server closes.
    ///
    /// # Errors
    /// When it does not, in time.
    pub fn receive_rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.received))
    }

    /// Receives until the server closes and forgets it; answers how many bytes there were.
    ///
    /// # Errors
    /// When it does not close in time.
    pub fn discard_rest(&mut self) -> io::Result<u64> {
        let mut buffer = vec![0; 256 * 1024];
        let mut seen = std::mem::take(&mut self.received).len() as u64;
        loop {
            match self.stream.read(&mut buffer)? {
                0 => return Ok(seen),
                got => seen += got as u64,
            }
        }
    }

    /// Whether the server closes without another byte.
    pub fn is_closed(&mut self) -> bool {
        self.received.is_empty() && matches!(self.fill(), Ok(0) | Err(_))
    }

    /// Whether the server has closed already, without waiting for it.
    ///
    /// # Errors
    /// When it has sent something that nobody asked for, or the system fails.
    pub fn has_been_closed(&mut self) -> io::Result<bool> {
        if !self.received.is_empty() {
            return Err(invalid("there are bytes that nobody asked for"));
        }
        self.stream.set_nonblocking(true)?;
        let seen = self.stream.peek(&mut [0; 1]);
        self.stream.set_nonblocking(false)?;
        match seen {
            Ok(0) => Ok(true),
            Ok(_) => Err(invalid("there are bytes that nobody asked for")),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(_) => Ok(true),
        }
    }

    fn receive_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid("chunk size"))?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            body.extend(self.take(size)?);
            if !self.line()?.is_empty() {
                return Err(invalid("a chunk longer than said"));
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let end = loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                break end;
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let line: Vec<u8> = self.received.drain(..=end).collect();
        let line = String::from_utf8_lossy(&line);
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Receives so many bytes.
    ///
    /// # Errors
    /// When the connection ends before, or nothing comes in time.
    pub fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < length {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.received.drain(..length).collect())
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let got = self.stream.read(&mut buffer)?;
        self.received.extend_from_slice(&buffer[..got]);
        Ok(got)
    }
}

/// Sends one request on a connection of its own and receives the answer.
///
/// # Errors
/// As `Client`.
pub fn exchange(port: u16, request: impl AsRef<[u8]>) -> io::Result<Answer> {
    let request = request.as_ref();
    let mut client = Client::connect(port)?;
    client.send(request)?;
    client.receive(request.starts_with(b"HEAD "))
}

/// GET with `Connection: close`.
///
/// # Errors
/// As `Client`.
pub fn get(port: u16, path: &str) -> io::Result<Answer> {
    get_with(port, path, &[])
}

/// GET with fields and `Connection: close`.
///
/// # Errors
/// As `Client`.
pub fn get_with(port: u16, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n");
    for (name, value) in fields {
        request += &format!("{name}: {value}\r\n");
    }
    request += "\r\n";
    exchange(port, request)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
