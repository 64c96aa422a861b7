//! A process that takes a client's socket over (mod_proxy_fdpass) and answers on it itself.

use std::{
    fs::File,
    io::{self, Read, Write},
    mem::size_of,
    os::{
        fd::{AsRawFd, FromRawFd, RawFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    thread::JoinHandle,
};

/// A taker of sockets; it ends when this is dropped.
pub struct Taker {
    listener: UnixListener,
    thread: Option<JoinHandle<()>>,
}

/// Receives bytes and the descriptor that came with them.
fn receive(stream: &UnixStream, buffer: &mut [u8]) -> io::Result<(usize, Option<RawFd>)> {
    let mut control = [0_u64; 8];
    let mut piece = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all zeros is a valid message.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<[u64; 8]>();
    // SAFETY: the message names buffers that live for the call, with their lengths.
    let got = unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut message, 0) };
    let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has filled the control buffer; the first record is read where it is.
    let descriptor = unsafe {
        let first = libc::CMSG_FIRSTHDR(&raw const message);
        (!first.is_null() && (*first).cmsg_type == libc::SCM_RIGHTS)
            .then(|| libc::CMSG_DATA(first).cast::<RawFd>().read_unaligned())
    };
    Ok((got, descriptor))
}

fn take(mut stream: UnixStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let (_, descriptor) = receive(&stream, &mut buffer)?;
    let Some(descriptor) = descriptor else {
        return Ok(());
    };
    // SAFETY: the descriptor has just come and belongs to nobody else.
    let mut client = unsafe { File::from_raw_fd(descriptor) };
    // The head follows the descriptor; its first line is shown to the client.
    let mut head = Vec::new();
    while !head.windows(4).any(|part| part == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => break,
            got => head.extend_from_slice(&buffer[..got]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let text = head.lines().next().unwrap_or_default();
    write!(
        client,
        "HTTP/1.1 200 OK\r\nX-Taken: yes\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}

impl Taker {
    /// Starts one on a Unix socket that everybody may use.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777))?;
        let own = listener.try_clone()?;
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = own.accept() {
                // A proxy that goes away is no failure here.
                let _ = take(stream);
            }
        });
        Ok(Self {
            listener,
            thread: Some(thread),
        })
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        // Wakes the thread: accepting fails from now on.
        // SAFETY: a plain system call on a descriptor of this object.
        unsafe { libc::shutdown(self.listener.as_raw_fd(), libc::SHUT_RDWR) };
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
