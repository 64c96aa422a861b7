//! Servers of other protocols for the modules that speak to them. Each takes one connection after the
//! other until it is dropped.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result};

/// A running backend.
pub struct Backend {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    /// Starts one that gives each connection to `serve`.
    pub fn start(serve: fn(&mut TcpStream) -> Result<()>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut connection) = connection else {
                    continue;
                };
                // A connection may be kept open for more, so each has a thread.
                thread::spawn(move || {
                    if let Err(error) = serve(&mut connection) {
                        eprintln!("backend: {error:#}");
                    }
                });
            }
        });
        Ok(Self {
            port,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener up.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum, &byte| sum << 8 | usize::from(byte))
}

/// The uwsgi protocol: shows the variables that matter and the length of the body.
pub fn uwsgi(connection: &mut TcpStream) -> Result<()> {
    let mut head = [0; 4];
    connection.read_exact(&mut head)?;
    let mut given = vec![0; usize::from(u16::from_le_bytes([head[1], head[2]]))];
    connection.read_exact(&mut given)?;
    let mut words = Vec::new();
    let mut rest = &given[..];
    while let [low, high, more @ ..] = rest {
        let (word, after) = more
            .split_at_checked(usize::from(u16::from_le_bytes([*low, *high])))
            .context("a word is cut")?;
        words.push(String::from_utf8_lossy(word).into_owned());
        rest = after;
    }
    let find = |name: &str| {
        let mut pairs = words.chunks(2);
        pairs.find_map(|pair| (pair.first()? == name).then(|| pair.get(1).cloned())?)
    };
    let length = find("CONTENT_LENGTH").and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body)?;
    let names = [
        "REQUEST_METHOD",
        "REQUEST_URI",
        "PATH_INFO",
        "QUERY_STRING",
        "SERVER_NAME",
        "REMOTE_ADDR",
        "HTTP_X_FIELD",
        "CONTENT_TYPE",
    ];
    let shown: String = names
        .iter()
        .map(|name| format!("{name}={}\n", find(name).unwrap_or_default()))
        .collect();
    write!(
        connection,
        "HTTP/1.0 201 Made\r\nContent-Type: text/plain\r\nX-Own: yes\r\n\r\n{shown}{}\n",
        body.len()
    )?;
    Ok(())
}

/// The protocol of mod_lisp: pairs of lines, then `end`.
pub fn lisp(connection: &mut TcpStream) -> Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    loop {
        let (mut shown, mut length) = (String::new(), 0);
        loop {
            let (mut name, mut value) = (String::new(), String::new());
            if reader.read_line(&mut name)? == 0 {
                return Ok(());
            }
            if name == "end\n" {
                break;
            }
            reader.read_line(&mut value)?;
            if ["method", "url", "script-filename", "X-Field"].contains(&name.trim()) {
                shown += &format!("{}={value}", name.trim());
            }
            if name.trim() == "content-length" {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        shown += &format!("{length}\n");
        write!(
            connection,
            "Status\n201 Made\nContent-Type\ntext/plain\nX-Own\nyes\nContent-Length\n{}\n\
             Keep-Socket\n1\nend\n{shown}",
            shown.len()
        )?;
    }
}

/// AJP 1.3: shows the method, the address asked for, and the length of the body.
pub fn ajp(connection: &mut TcpStream) -> Result<()> {
    let packet = |connection: &mut TcpStream| -> Result<Option<Vec<u8>>> {
        let mut head = [0; 4];
        if connection.read(&mut head[..1])? == 0 {
            return Ok(None);
        }
        connection.read_exact(&mut head[1..])?;
        let mut content = vec![0; number(&head[2..])];
        connection.read_exact(&mut content)?;
        Ok(Some(content))
    };
    let answer = |connection: &mut TcpStream, content: &[u8]| -> Result<()> {
        let mut whole = vec![b'A', b'B'];
        whole.extend(u16::try_from(content.len())?.to_be_bytes());
        whole.extend(content);
        Ok(connection.write_all(&whole)?)
    };
    let text = |out: &mut Vec<u8>, text: &str| -> Result<()> {
        out.extend(u16::try_from(text.len())?.to_be_bytes());
        out.extend(text.as_bytes());
        out.push(0);
        Ok(())
    };
    while let Some(content) = packet(connection)? {
        match content.first() {
            // CPing.
            Some(10) => answer(connection, &[9])?,
            Some(2) => {
                let method = *content.get(1).context("a method")?;
                let word = |at: usize| -> Result<(String, usize)> {
                    let length = number(content.get(at..at + 2).context("a length")?);
                    let bytes = content.get(at + 2..at + 2 + length).context("a word")?;
                    Ok((String::from_utf8_lossy(bytes).into_owned(), at + 3 + length))
                };
                let (protocol, at) = word(2)?;
                let (path, _) = word(at)?;
                // POST sends the first part of the body unasked; it asks for the rest.
                let mut length = 0;
                if method == 4 {
                    loop {
                        let part = packet(connection)?.context("a body")?;
                        let size = part.get(..2).map_or(0, number);
                        if size == 0 {
                            break;
                        }
                        length += size;
                        answer(connection, &[6, 0x1f, 0xfa])?;
                    }
                }
                let shown = format!("{method} {protocol} {path} {length}\n");
                let mut head = vec![4, 0, 201];
                text(&mut head, "Made")?;
                head.extend([0, 2]);
                text(&mut head, "Content-Type")?;
                text(&mut head, "text/plain")?;
                text(&mut head, "X-Own")?;
                text(&mut head, "yes")?;
                answer(connection, &head)?;
                let mut chunk = vec![3];
                text(&mut chunk, &shown)?;
                answer(connection, &chunk)?;
                answer(connection, &[5, 1])?;
            }
            _ => return Ok(()),
        }
    }
    Ok(())
}
