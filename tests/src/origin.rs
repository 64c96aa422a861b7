//! An origin server behind a cache: answers by what a test's function says, counts how often each
//! path was asked for, and can be made to wait.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How long the origin waits for a cache, or for the test.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as the origin received it.
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, empty without one.
    pub query: String,
    /// How often the path has been asked for, this time included.
    pub count: usize,
    fields: Vec<(String, String)>,
}

impl Asked {
    /// A field; empty when it was not sent.
    pub fn field(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// What the origin answers.
#[derive(Default)]
pub struct Reply {
    /// Code and reason; empty for 200.
    pub status: &'static str,
    /// Lines of the head but for those of the body.
    pub fields: Vec<String>,
    /// The body; empty for one that tells the count.
    pub body: String,
}

impl Reply {
    /// 200 with fields, one a line.
    pub fn with(fields: &str) -> Self {
        Self::of("", fields)
    }

    /// A status with fields, one a line.
    pub fn of(status: &'static str, fields: &str) -> Self {
        Self {
            status,
            fields: fields.lines().map(str::to_owned).collect(),
            body: String::new(),
        }
    }
}

/// A running origin. It stops when this is dropped.
pub struct Origin {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    answer: fn(&Asked) -> Reply,
    counts: Mutex<HashMap<String, usize>>,
    held: Mutex<bool>,
    released: Condvar,
    stopping: AtomicBool,
}

impl Origin {
    /// Starts one. Its answers carry `X-Count`, and a date unless they have one.
    ///
    /// # Errors
    /// When the system has no port.
    pub fn start(answer: fn(&Asked) -> Reply) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            answer,
            counts: Mutex::default(),
            held: Mutex::new(false),
            released: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let of_listener = Arc::clone(&shared);
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if of_listener.stopping.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&of_listener);
                // A cache that goes away while it is answered is no concern of ours.
                std::thread::spawn(move || shared.serve(stream).is_ok());
            }
        });
        Ok(Self {
            port,
            shared,
            listening: Some(listening),
        })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Begins to count afresh.
    pub fn reset(&self) {
        lock(&self.shared.counts).clear();
    }

    /// How often a path has been asked for.
    pub fn count(&self, path: &str) -> usize {
        lock(&self.shared.counts).get(path).copied().unwrap_or(0)
    }

    /// Lets requests wait for their answers, or gives them.
    pub fn hold(&self, hold: bool) {
        *lock(&self.shared.held) = hold;
        self.shared.released.notify_all();
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.hold(false);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let mut fields = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => fields.push((name.to_owned(), value.trim().to_owned())),
                None => break,
            }
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let count = {
            let mut counts = lock(&self.counts);
            let count = counts.entry(path.to_owned()).or_default();
            *count += 1;
            *count
        };
        let asked = Asked {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            count,
            fields,
        };
        let length = asked.field("Content-Length").parse().unwrap_or(0);
        io::copy(&mut reader.take(length), &mut io::sink())?;
        let held = lock(&self.held);
        let wait = self
            .released
            .wait_timeout_while(held, PATIENCE, |held| *held);
        drop(wait.unwrap_or_else(PoisonError::into_inner));
        stream.write_all(&text(&asked, (self.answer)(&asked)))
    }
}

/// The reply as bytes.
fn text(asked: &Asked, reply: Reply) -> Vec<u8> {
    let status = match reply.status {
        "" => "200 OK",
        status => status,
    };
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    text += &format!("X-Count: {}\r\n", asked.count);
    for field in &reply.fields {
        text += &format!("{field}\r\n");
    }
    let has = |name: &str| {
        let mut fields = reply.fields.iter();
        fields.any(|field| field.starts_with(name))
    };
    if !has("Date:") {
        text += &format!("Date: {}\r\n", crate::moments::date_in(0));
    }
    let body = match reply.body.as_str() {
        "" => format!(
            "{} {}?{} {}\n",
            asked.method, asked.path, asked.query, asked.count
        ),
        body => body.to_owned(),
    };
    if status.starts_with("304") || status.starts_with("204") {
        text += "\r\n";
    } else if has("Transfer-Encoding:") {
        text += &format!("\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    } else {
        if !has("Content-Type:") {
            text += "Content-Type: text/plain\r\n";
        }
        text += &format!("Content-Length: {}\r\n\r\n", body.len());
        if asked.method != "HEAD" {
            text += &body;
        }
    }
    text.into_bytes()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
