//! The socket of a connection, what was received ahead of its use, and what waits to be sent.

use std::{io, mem::MaybeUninit, os::fd::RawFd};

use httpd_sys as sys;
use module_sdk::raw::{Brigade, Bucket};

use super::wait::{Readiness, wait_blocking};
use crate::abi::network_filters::{self as raw, KeepPool};

/// How much is asked of the socket at once.
pub const RECEIVE_SIZE: usize = 16 * 1024;

/// Files up to this size are read and sent together with the head; larger ones go by sendfile.
const SENDFILE_MIN: usize = 16 * 1024;

/// How many pieces go into one writev.
const MAX_PIECES: usize = 64;

/// From so many bytes on no further piece is added: parts of files that are mapped into memory (4 MiB
/// each) would stay there until the socket has taken them all.
const MOST_GATHERED: usize = 1 << 20;

/// Whether an operation may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It may, on this thread.
    Allowed,
    /// It returns `WouldBlock` instead.
    Never,
}

/// How far sending has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing is left.
    All,
    /// The socket takes no more for now.
    Blocked,
}

/// A socket and its buffers. It lives as long as its connection's pool.
pub struct Network {
    socket: RawFd,
    connection: *mut sys::conn_rec,
    received: Vec<u8>,
    /// So many of `received` have been used.
    used: usize,
    /// So many after those are not shown: filters have seen them already.
    hidden: usize,
    /// The client has closed its side.
    ended: bool,
    /// The last receive left nothing in the socket: another would find nothing.
    drained: bool,
    /// The time for receiving is over.
    expired: bool,
    /// Lines were asked for, so that a filter may hold a brigade for them.
    gave_lines: bool,
    /// How many bytes the socket has taken in all.
    sent: u64,
    pending: Brigade<'static>,
    /// Where what is kept of `pending` lives until it is sent.
    keep: Option<KeepPool>,
    /// How many bytes of output may wait before the producer has to.
    pub threshold: usize,
}

impl Network {
    /// `pending` is empty and lives as long as the connection.
    pub fn new(socket: RawFd, connection: *mut sys::conn_rec, pending: Brigade<'static>) -> Self {
        Self {
            socket,
            connection,
            received: Vec::new(),
            used: 0,
            hidden: 0,
            ended: false,
            drained: false,
            expired: false,
            gave_lines: false,
            sent: 0,
            pending,
            keep: None,
            threshold: 64 * 1024,
        }
    }

    /// The socket's descriptor.
    pub fn socket(&self) -> RawFd {
        self.socket
    }

    /// The connection this is the network of.
    pub fn connection(&self) -> *mut sys::conn_rec {
        self.connection
    }

    /// What was received and not yet used.
    pub fn unread(&self) -> &[u8] {
        &self.received[self.used + self.hidden..]
    }

    /// Hides the first `count` unread bytes, until the next call.
    pub fn hide(&mut self, count: usize) {
        self.hidden = 0;
        self.hidden = count.min(self.unread().len());
    }

    /// Whether the client has closed its side; bytes may still be unread.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Whether nothing can be had without waiting, as far as is known.
    pub fn drained(&self) -> bool {
        self.drained && self.unread().is_empty()
    }

    /// Forgets that the socket was empty: it may have received since.
    pub fn look_again(&mut self) {
        self.drained = false;
    }

    /// Takes in bytes that were received elsewhere; fewer than asked for mean a drained socket.
    pub fn take_in(&mut self, bytes: &[u8], drained: bool) {
        self.received.extend_from_slice(bytes);
        self.drained = drained;
    }

    /// Notes that the client has closed its side.
    pub fn set_ended(&mut self) {
        self.ended = true;
    }

    /// Ends the time for receiving: who asks for more than there is gets `TimedOut`.
    pub fn set_expired(&mut self) {
        self.expired = true;
    }

    /// How many bytes the socket has taken in all.
    pub fn bytes_sent(&self) -> u64 {
        self.sent
    }

    /// Notes that lines were asked for.
    pub fn set_gave_lines(&mut self) {
        self.gave_lines = true;
    }

    /// Whether lines were ever asked for.
    pub fn gave_lines(&self) -> bool {
        self.gave_lines
    }

    /// Marks the first `count` unread bytes as used.
    pub fn consume(&mut self, count: usize) {
        self.used += count;
        debug_assert!(self.used <= self.received.len());
        if self.used >= self.received.len() {
            self.used = 0;
            // An idle connection keeps no buffer.
            self.received = Vec::new();
        }
    }

    /// Takes the first `length` unread bytes, a request's head, off the input.
    pub fn take_head(&mut self, length: usize) -> Vec<u8> {
        let end = self.used + length;
        debug_assert!(end <= self.received.len());
        if self.used == 0 && end == self.received.len() {
            return std::mem::take(&mut self.received);
        }
        let head = self.received[self.used..end].to_vec();
        self.consume(length);
        head
    }

    /// Receives more. `Ok(0)` is the end.
    ///
    /// # Errors
    /// `WouldBlock` when waiting is not allowed, `TimedOut`, or the socket's error.
    pub fn receive(&mut self, wait: Wait) -> io::Result<usize> {
        let mut received = std::mem::take(&mut self.received);
        let result = raw::fill_spare(&mut received, RECEIVE_SIZE, |buffer| {
            self.receive_into(buffer, wait)
        });
        self.received = received;
        result
    }

    /// Receives into a buffer, as `receive` does, and not into its own; what is unread stays so.
    ///
    /// # Errors
    /// As `receive`.
    pub fn receive_into(
        &mut self,
        buffer: &mut [MaybeUninit<u8>],
        wait: Wait,
    ) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if self.expired {
            return Err(io::ErrorKind::TimedOut.into());
        }
        loop {
            match raw::receive_uninit(self.socket, buffer) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(0);
                }
                Ok(got) => {
                    self.drained = got < buffer.len();
                    return Ok(got);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.drained = true;
                    if wait == Wait::Never {
                        return Err(error);
                    }
                    wait_blocking(self.socket, Readiness::Readable, raw::timeout(self))?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What waits to be sent.
    pub fn pending(&self) -> Brigade<'static> {
        self.pending
    }

    /// Sends what is pending, from the first bucket on.
    ///
    /// # Errors
    /// The socket's error, or `TimedOut`; the client is gone then.
    pub fn send(&mut self, wait: Wait) -> io::Result<Sent> {
        loop {
            match self.send_some() {
                Ok(Sent::All) => return Ok(Sent::All),
                Ok(Sent::Blocked) if wait == Wait::Never => return Ok(Sent::Blocked),
                Ok(Sent::Blocked) => {
                    wait_blocking(self.socket, Readiness::Writable, raw::timeout(self))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends until nothing is left or the socket is full.
    fn send_some(&mut self) -> io::Result<Sent> {
        loop {
            let mut pieces = [io::IoSlice::new(&[]); MAX_PIECES];
            let (mut count, mut total) = (0, 0);
            let mut more = false;
            let mut file = None;
            let mut next = self.pending.first();
            while let Some(bucket) = next {
                if bucket.is_metadata() {
                    // What ends a request (EOR) frees its memory, so what stands before it has to
                    // be sent first.
                    if total == 0 && file.is_none() {
                        next = self.pending.next(bucket);
                        bucket.delete();
                        continue;
                    }
                } else if raw::goes_by_sendfile(bucket, SENDFILE_MIN) {
                    if total == 0 {
                        file = Some(bucket);
                    } else {
                        more = true;
                    }
                    break;
                } else {
                    if count == MAX_PIECES || total >= MOST_GATHERED {
                        more = true;
                        break;
                    }
                    let data = self.data_of(bucket, total > 0)?;
                    let Some(data) = data else {
                        break;
                    };
                    if !data.is_empty() {
                        pieces[count] = io::IoSlice::new(data);
                        count += 1;
                        total += data.len();
                    }
                }
                next = self.pending.next(bucket);
            }
            if let Some(bucket) = file {
                match raw::sendfile(self.socket, bucket) {
                    Ok(sent) => {
                        self.drop_sent(sent);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Ok(Sent::Blocked);
                    }
                    Err(error) => return Err(error),
                }
                continue;
            }
            if total == 0 {
                if self.pending.is_empty() {
                    self.keep = None;
                }
                return Ok(Sent::All);
            }
            match raw::send(self.socket, &pieces[..count], more) {
                Ok(sent) => {
                    self.drop_sent(sent);
                    if sent < total {
                        return Ok(Sent::Blocked);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Sent::Blocked);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The bytes of a data bucket; `None` when they are to come (a pipe) and others can go first.
    fn data_of(&self, bucket: Bucket<'static>, others: bool) -> io::Result<Option<&'static [u8]>> {
        raw::read_small_file(bucket, SENDFILE_MIN)?;
        if bucket.len().is_some() || !others {
            return raw::bucket_read(bucket, Wait::Allowed).map(Some);
        }
        match raw::bucket_read(bucket, Wait::Never) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            other => other.map(Some),
        }
    }

    /// Removes `sent` bytes from the front, and the metadata among them.
    fn drop_sent(&mut self, mut sent: usize) {
        self.sent += sent as u64;
        // Before the bucket that ends the request is reached: its deletion writes the log.
        raw::count_sent(self, sent);
        while let Some(bucket) = self.pending.first() {
            if bucket.is_metadata() {
                bucket.delete();
                continue;
            }
            // Everything that was sent has a known length.
            let length = bucket.len().unwrap_or(0);
            if sent == 0 && length > 0 {
                return;
            }
            if length > sent {
                if bucket.split(sent).is_err() {
                    return;
                }
                bucket.delete();
                return;
            }
            sent -= length;
            bucket.delete();
        }
    }

    /// Makes what is pending independent of the memory it was made from, and says how many bytes
    /// it is. Called when the caller's brigade ends before the socket took everything.
    ///
    /// # Errors
    /// When a bucket can be neither kept nor read.
    pub fn set_aside(&mut self) -> io::Result<usize> {
        if self.pending.iter().all(|bucket| bucket.is_metadata()) {
            return Ok(0);
        }
        let keep = self.keep.take().unwrap_or_else(|| KeepPool::new(self));
        let pool = self.keep.insert(keep).pool();
        let mut total = 0;
        let mut next = self.pending.first();
        while let Some(bucket) = next {
            if !bucket.is_metadata() {
                if bucket.set_aside(pool).is_err() {
                    // Pipes and the like cannot be kept: reading makes a copy.
                    raw::bucket_read(bucket, Wait::Allowed)?;
                }
                total += bucket.len().unwrap_or(0);
            }
            next = self.pending.next(bucket);
        }
        Ok(total)
    }

    /// Throws away what is pending: the client is gone.
    pub fn discard_pending(&mut self) {
        self.pending.clear();
        self.keep = None;
    }
}
