//! Servers behind a proxy, scripted by tests: a listener on TCP or a Unix socket with a thread for
//! each connection. One file for each protocol spoken.

pub mod ajp;
pub mod fdpass;
pub mod ftp;
pub mod http;
pub mod php;
pub mod scgi;
pub mod uwsgi;
pub mod websocket;

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How long a backend waits for a proxy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that a proxy has made, and what has been received of it.
pub struct Peer {
    socket: Socket,
    received: Vec<u8>,
    /// Its number: the first to a backend has 1.
    pub number: usize,
    stopping: Arc<AtomicBool>,
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Peer {
    fn new(socket: Socket, number: usize, stopping: Arc<AtomicBool>) -> io::Result<Self> {
        // Short waits, so that a test that has ended is noticed.
        let slice = Some(Duration::from_millis(200));
        match &socket {
            Socket::Tcp(stream) => {
                stream.set_read_timeout(slice)?;
                stream.set_nodelay(true)?;
            }
            Socket::Unix(stream) => stream.set_read_timeout(slice)?,
        }
        Ok(Self {
            socket,
            received: Vec::new(),
            number,
            stopping,
        })
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the proxy has gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        match &mut self.socket {
            Socket::Tcp(stream) => stream.write_all(bytes.as_ref()),
            Socket::Unix(stream) => stream.write_all(bytes.as_ref()),
        }
    }

    /// Closes the sending side.
    ///
    /// # Errors
    /// When the proxy has gone.
    pub fn finish(&mut self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Socket::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Receives more; 0 at the end.
    ///
    /// # Errors
    /// When nothing comes in time or the test is over.
    pub fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let got = self.read(&mut buffer)?;
        self.received.extend_from_slice(&buffer[..got]);
        Ok(got)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let got = match &mut self.socket {
                Socket::Tcp(stream) => stream.read(buffer),
                Socket::Unix(stream) => stream.read(buffer),
            };
            let over =
                self.stopping.load(Ordering::Relaxed) || std::time::Instant::now() > deadline;
            match got {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !over => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// When the connection ends before.
    pub fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < length {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.received.drain(..length).collect())
    }

    /// What comes up to and with `end`; `None` when the connection ends before its first byte.
    ///
    /// # Errors
    /// When the connection ends within it.
    pub fn take_until(&mut self, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            let found = self
                .received
                .windows(end.len())
                .position(|part| part == end);
            if let Some(at) = found {
                return Ok(Some(self.received.drain(..at + end.len()).collect()));
            }
            if self.fill()? == 0 {
                return if self.received.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// What has been received and not taken.
    pub fn take_all(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// Receives `length` bytes, or to the end, and forgets them; answers how many there were.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub fn discard(&mut self, length: Option<u64>) -> io::Result<u64> {
        let mut buffer = vec![0; 256 * 1024];
        let mut seen = std::mem::take(&mut self.received).len() as u64;
        while length.is_none_or(|length| seen < length) {
            match self.read(&mut buffer)? {
                0 => break,
                got => seen += got as u64,
            }
        }
        Ok(seen)
    }

    /// Waits until the proxy closes, or the test is over.
    pub fn wait_for_end(&mut self) {
        while matches!(self.fill(), Ok(got) if got > 0) {}
    }
}

/// A running backend; it ends when this is dropped.
pub struct Backend {
    address: Address,
    connections: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

enum Address {
    Port(u16),
    File(std::path::PathBuf),
}

impl Backend {
    /// One that serves each connection to a port of its own with `serve`.
    ///
    /// # Errors
    /// When the system has no port.
    pub fn tcp(
        serve: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        Ok(Self::start(
            Address::Port(port),
            move || Ok(Socket::Tcp(listener.accept()?.0)),
            serve,
        ))
    }

    /// One on a Unix socket that everybody may use.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn unix(
        path: &Path,
        serve: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777))?;
        Ok(Self::start(
            Address::File(path.to_owned()),
            move || Ok(Socket::Unix(listener.accept()?.0)),
            serve,
        ))
    }

    fn start(
        address: Address,
        accept: impl Fn() -> io::Result<Socket> + Send + 'static,
        serve: impl Fn(&mut Peer) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicUsize::new(0));
        let (ends, counter) = (stopping.clone(), connections.clone());
        let acceptor = std::thread::spawn(move || {
            let serve = Arc::new(serve);
            let mut threads = Vec::new();
            while let Ok(socket) = accept() {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
                let (serve, stopping) = (serve.clone(), ends.clone());
                threads.push(std::thread::spawn(move || {
                    if let Ok(mut peer) = Peer::new(socket, number, stopping) {
                        // A proxy that goes away is no failure of the backend.
                        let _ = serve(&mut peer);
                    }
                }));
            }
            for thread in threads {
                let _ = thread.join();
            }
        });
        Self {
            address,
            connections,
            stopping,
            acceptor: Some(acceptor),
        }
    }

    /// Its port; 0 on a Unix socket.
    pub fn port(&self) -> u16 {
        match self.address {
            Address::Port(port) => port,
            Address::File(_) => 0,
        }
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the acceptor.
        match &self.address {
            Address::Port(port) => drop(TcpStream::connect(("127.0.0.1", *port))),
            Address::File(path) => drop(UnixStream::connect(path)),
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}
