//! The core's network filters, `ap_core_input_filter` and `ap_core_output_filter`: the ends of a
//! connection's filter chains. They translate between brigades and `conn::network`.
//!
//! (No header declares them; Apache exports them all the same.) Below them: the few socket and bucket operations that `conn::network` is built of.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    io,
    mem::MaybeUninit,
    os::fd::RawFd,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
    time::Duration,
};

use httpd_sys as sys;
use module_sdk::raw::{Brigade, Bucket, Pool};
use tokio::io::{Interest, unix::AsyncFd};

use super::http_connection::{duration, network_in};
use crate::conn::network::{Network, Sent, Wait};

const APR_EAGAIN: sys::apr_status_t = libc::EAGAIN;
const APR_EOF: sys::apr_status_t = 70014;
const APR_TIMEUP: sys::apr_status_t = 70007;
const APR_ENOTIMPL: sys::apr_status_t = 70023;
const APR_ECONNABORTED: sys::apr_status_t = libc::ECONNABORTED;

/// The longest line that is handed out in one piece (httpd.h: HUGE_STRING_LEN).
const LONGEST_LINE: usize = sys::HUGE_STRING_LEN as usize;

/// From this on bytes are received into a bucket of their own; who takes fewer gets copies of what
/// was received at once.
const WORTH_A_BUCKET: usize = 4096;

/// How much of a body is received into one bucket.
const BODY_PIECE: usize = 32 * 1024;

/// Below this it is not worth sending before more comes or the request ends.
const WORTH_SENDING: usize = 4096;

/// The filters' handles, for `pre_connection` and for modules that look for them.
#[unsafe(no_mangle)]
pub static mut ap_core_input_filter_handle: *mut sys::ap_filter_rec_t = null_mut();
#[unsafe(no_mangle)]
pub static mut ap_core_output_filter_handle: *mut sys::ap_filter_rec_t = null_mut();

/// The network of a core filter.
///
/// # Safety
/// `f` is one of the core's network filters.
unsafe fn network_of<'a>(f: *mut sys::ap_filter_t) -> &'a mut Network {
    // SAFETY: whoever adds a core filter gives it a `core_net_rec`; filters of one connection run on
    // one thread at a time.
    unsafe { network_in((*f).ctx.cast()) }
}

/// What APR calls an error of the socket.
pub fn status_of(error: &io::Error) -> sys::apr_status_t {
    match error.kind() {
        io::ErrorKind::WouldBlock => APR_EAGAIN,
        io::ErrorKind::TimedOut => APR_TIMEUP,
        _ => error.raw_os_error().unwrap_or(libc::EIO),
    }
}

/// Hands received bytes to the filter above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_core_input_filter(
    f: *mut sys::ap_filter_t,
    bb: *mut sys::apr_bucket_brigade,
    mode: sys::ap_input_mode_t,
    block: sys::apr_read_type_e,
    readbytes: sys::apr_off_t,
) -> sys::apr_status_t {
    // SAFETY: the filter is ours, the brigade live.
    let (network, out) = unsafe { (network_of(f), Brigade::from_ptr(bb)) };
    let wait = if block == sys::APR_NONBLOCK_READ {
        Wait::Never
    } else {
        Wait::Allowed
    };
    match mode {
        sys::AP_MODE_INIT => 0,
        sys::AP_MODE_GETLINE => line(network, out, wait),
        sys::AP_MODE_READBYTES | sys::AP_MODE_SPECULATIVE => {
            let most = usize::try_from(readbytes).unwrap_or(0);
            bytes(network, out, wait, most, mode == sys::AP_MODE_SPECULATIVE)
        }
        sys::AP_MODE_EATCRLF => eat_line_ends(network),
        sys::AP_MODE_EXHAUSTIVE => {
            if network.ended() && network.unread().is_empty() {
                return APR_EOF;
            }
            hand_out(network, out, usize::MAX, true);
            network.set_ended();
            // SAFETY: the socket lives as long as the connection.
            unsafe {
                let socket = sys::ap_get_conn_socket((*f).c);
                out.push(Bucket::from_ptr(sys::apr_bucket_socket_create(
                    socket,
                    out.allocator(),
                )));
            }
            0
        }
        _ => APR_ENOTIMPL,
    }
}

/// Appends a copy of up to `most` unread bytes to `out`.
fn hand_out(network: &mut Network, out: Brigade<'_>, most: usize, consume: bool) {
    let count = network.unread().len().min(most);
    if count == 0 {
        return;
    }
    let unread = &network.unread()[..count];
    // SAFETY: the bytes are copied into memory of the brigade's allocator.
    unsafe {
        out.push(Bucket::from_ptr(sys::apr_bucket_heap_create(
            unread.as_ptr().cast(),
            count,
            None,
            out.allocator(),
        )));
    }
    if consume {
        network.consume(count);
    }
}

/// A bucket of no bytes.
fn empty_bucket(brigade: Brigade<'_>) -> Bucket<'_> {
    // SAFETY: the text is static, the allocator the brigade's.
    unsafe {
        let bucket = sys::apr_bucket_immortal_create(c"".as_ptr(), 0, brigade.allocator());
        Bucket::from_ptr(bucket)
    }
}

fn line(network: &mut Network, out: Brigade<'_>, wait: Wait) -> sys::apr_status_t {
    network.set_gave_lines();
    let mut searched = 0;
    loop {
        let unread = network.unread();
        let end = unread[searched..].iter().position(|&byte| byte == b'\n');
        if let Some(end) = end.map(|end| searched + end + 1) {
            hand_out(network, out, end.min(LONGEST_LINE), true);
            return 0;
        }
        searched = unread.len();
        if searched >= LONGEST_LINE {
            hand_out(network, out, LONGEST_LINE, true);
            return 0;
        }
        match network.receive(wait) {
            Ok(0) if searched == 0 => return APR_EOF,
            Ok(0) => {
                hand_out(network, out, usize::MAX, true);
                return 0;
            }
            Ok(_) => {}
            // As the header says: a line that is not there yet is an empty brigade, not an error.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                hand_out(network, out, usize::MAX, true);
                return 0;
            }
            Err(error) => return status_of(&error),
        }
    }
}

fn bytes(
    network: &mut Network,
    out: Brigade<'_>,
    wait: Wait,
    most: usize,
    speculative: bool,
) -> sys::apr_status_t {
    if network.unread().is_empty() {
        if network.ended() {
            return APR_EOF;
        }
        // Whoever only looks ahead after the socket was emptied learns that without a system call.
        if speculative && wait == Wait::Never && network.drained() {
            return APR_EAGAIN;
        }
        if !speculative && most >= WORTH_A_BUCKET {
            return receive_bucket(network, out, wait, most);
        }
        match network.receive(wait) {
            Ok(0) if speculative && wait == Wait::Never => return APR_EOF,
            Ok(0) if speculative => return 0,
            Ok(0) => return say_end(out, wait),
            Ok(_) => {}
            Err(error) => return status_of(&error),
        }
    }
    hand_out(network, out, most, !speculative);
    0
}

/// What the end of the stream looks like to who may wait and who may not.
fn say_end(out: Brigade<'_>, wait: Wait) -> sys::apr_status_t {
    // Without waiting only the next read says so: mod_proxy_http forgets what it has in hand (the
    // first line of an HTTP/0.9 answer) when its first read does.
    out.push(if wait == Wait::Never {
        empty_bucket(out)
    } else {
        // SAFETY: a new bucket of the brigade's allocator.
        unsafe { Bucket::from_ptr(sys::apr_bucket_eos_create(out.allocator())) }
    });
    0
}

/// Receives straight into the memory of a new bucket; nothing is unread.
fn receive_bucket(
    network: &mut Network,
    out: Brigade<'_>,
    wait: Wait,
    most: usize,
) -> sys::apr_status_t {
    let size = most.clamp(1, BODY_PIECE);
    // SAFETY: the memory is the allocator's, which outlives its buckets; it is given to a bucket or
    // back, once.
    unsafe {
        let memory = sys::apr_bucket_alloc(size, out.allocator());
        let buffer = std::slice::from_raw_parts_mut(memory.cast::<MaybeUninit<u8>>(), size);
        let received = network.receive_into(buffer, wait);
        let got = *received.as_ref().unwrap_or(&0);
        // A few bytes are copied, so that keeping them does not keep all of the memory.
        let fits = got > size / 2;
        if got > 0 {
            let free = fits.then_some(sys::apr_bucket_free as unsafe extern "C" fn(_));
            let text = memory.cast::<c_char>();
            let bucket = sys::apr_bucket_heap_create(text, got, free, out.allocator());
            out.push(Bucket::from_ptr(bucket));
        }
        if !fits {
            sys::apr_bucket_free(memory);
        }
        match received {
            Ok(0) => say_end(out, wait),
            Ok(_) => 0,
            Err(error) => status_of(&error),
        }
    }
}

fn eat_line_ends(network: &mut Network) -> sys::apr_status_t {
    loop {
        let unread = network.unread();
        let ends = unread
            .iter()
            .take_while(|&&byte| byte == b'\r' || byte == b'\n')
            .count();
        let all = ends == unread.len();
        if ends > 0 {
            network.consume(ends);
        }
        if !all || network.drained() {
            return 0;
        }
        match network.receive(Wait::Never) {
            Ok(0) => return 0,
            Ok(_) => {}
            Err(_) => return 0,
        }
    }
}

/// Sends what the filter above hands down, or keeps it for later when it is little.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_core_output_filter(
    f: *mut sys::ap_filter_t,
    bb: *mut sys::apr_bucket_brigade,
) -> sys::apr_status_t {
    // SAFETY: the filter is ours.
    let (network, c) = unsafe { (network_of(f), (*f).c) };
    // SAFETY: a brigade of the caller, or NULL to send what is pending.
    let brigade = (!bb.is_null()).then(|| unsafe { Brigade::from_ptr(bb) });
    // SAFETY: the connection is live.
    if unsafe { (*c).aborted } != 0 {
        brigade.inspect(|brigade| brigade.clear());
        return APR_ECONNABORTED;
    }
    let (mut flush, mut ends, mut total) = (brigade.is_none(), false, 0);
    if let Some(brigade) = brigade {
        for bucket in brigade.iter() {
            flush |= bucket.is_flush();
            ends |= bucket.is_eos() || bucket.kind() == &raw const sys::ap_bucket_type_eoc;
            // A pipe's length shows on reading; it is read in its turn.
            total += bucket.len().unwrap_or(WORTH_SENDING);
        }
        network.pending().append(brigade);
    }
    // SAFETY: the connection is live.
    let kept = unsafe { (*c).data_in_output_filters } != 0;
    let pipelined = !network.unread().is_empty();
    let result = if flush && brigade.is_some() {
        network.send(Wait::Allowed)
    } else if flush || (ends && !pipelined) || total >= WORTH_SENDING || kept {
        network.send(Wait::Never)
    } else {
        Ok(Sent::Blocked)
    };
    match result.and_then(|sent| keep_rest(network, c, sent)) {
        Ok(()) => 0,
        Err(error) => {
            // SAFETY: the connection is live.
            unsafe { (*c).aborted = 1 };
            network.discard_pending();
            status_of(&error)
        }
    }
}

/// Keeps what was not sent, or waits until it is little enough to be kept.
fn keep_rest(network: &mut Network, c: *mut sys::conn_rec, sent: Sent) -> io::Result<()> {
    let kept = if sent == Sent::All {
        false
    } else {
        if network.set_aside()? >= network.threshold {
            network.send(Wait::Allowed)?;
        }
        !network.pending().is_empty()
    };
    // SAFETY: the connection is live.
    unsafe { (*c).data_in_output_filters = c_int::from(kept) };
    Ok(())
}

/// Lets a task wait for a socket that stays open for as long as the task watches it: a connection's
/// until its session is dropped, a listening one until the child ends.
///
/// # Errors
/// When the reactor cannot take it.
pub fn watch(socket: RawFd, interest: Interest) -> io::Result<AsyncFd<RawFd>> {
    // SAFETY: as said above; both callers drop the watch first.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(Into::into)
}

/// Receives into `buffer` without waiting.
///
/// # Errors
/// The socket's error, `WouldBlock` among them.
pub fn receive(socket: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: bytes are bytes; only such are written.
    receive_uninit(socket, unsafe {
        &mut *(&raw mut *buffer as *mut [MaybeUninit<u8>])
    })
}

/// The same into memory that holds nothing yet; the first bytes, so many as it answers, do then.
///
/// # Errors
/// As `receive`.
pub fn receive_uninit(socket: RawFd, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // A socket that a module has made, to a backend, may be one that blocks.
    let flags = libc::MSG_DONTWAIT;
    // SAFETY: the buffer is as long as is said.
    let got = unsafe { libc::recv(socket, buffer.as_mut_ptr().cast(), buffer.len(), flags) };
    usize::try_from(got).map_err(|_| io::Error::last_os_error())
}

/// Appends what `receive` puts into up to `size` bytes behind the end, without clearing them first.
/// `receive` answers how many it has written, as `receive_uninit` does.
///
/// # Errors
/// Those of `receive`.
pub fn fill_spare(
    bytes: &mut Vec<u8>,
    size: usize,
    receive: impl FnOnce(&mut [MaybeUninit<u8>]) -> io::Result<usize>,
) -> io::Result<usize> {
    bytes.reserve(size);
    let got = receive(&mut bytes.spare_capacity_mut()[..size])?;
    debug_assert!(got <= size);
    // SAFETY: there is room for `size`, and `receive` has written the first `got` of them.
    unsafe { bytes.set_len(bytes.len() + got) };
    Ok(got)
}

/// Sends pieces without waiting; `more` says that more follows at once.
///
/// # Errors
/// The socket's error, `WouldBlock` among them.
pub fn send(socket: RawFd, pieces: &[io::IoSlice<'_>], more: bool) -> io::Result<usize> {
    // SAFETY: zero is a valid value for every field; IoSlice has the layout of iovec.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = pieces.as_ptr().cast_mut().cast();
        message.msg_iovlen = pieces.len();
        let more = if more { libc::MSG_MORE } else { 0 };
        libc::sendmsg(
            socket,
            &raw const message,
            libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT | more,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// The file record of a file bucket.
fn file_of(bucket: Bucket<'_>) -> *mut sys::apr_bucket_file {
    debug_assert!(bucket.is_file());
    // SAFETY: the bucket is live; a file bucket's data is this record.
    unsafe { (*bucket.as_ptr()).data.cast() }
}

/// Whether a bucket is a part of a file, `least` bytes or more, that may be sent by the kernel.
pub fn goes_by_sendfile(bucket: Bucket<'_>, least: usize) -> bool {
    if !bucket.is_file() || bucket.len().unwrap_or(0) < least {
        return false;
    }
    // SAFETY: the file is open as long as its bucket lives.
    let flags = unsafe { sys::apr_file_flags_get((*file_of(bucket)).fd) };
    flags & sys::APR_FOPEN_SENDFILE_ENABLED as i32 != 0
}

/// Lets the kernel send (a part of) a file bucket, without waiting.
///
/// # Errors
/// The socket's error; `UnexpectedEof` when the file has become shorter.
pub fn sendfile(socket: RawFd, bucket: Bucket<'_>) -> io::Result<usize> {
    let mut descriptor = -1;
    // SAFETY: the file is open as long as its bucket lives; sendfile only reads `offset`'s place.
    let sent = unsafe {
        sys::apr_os_file_get(&raw mut descriptor, (*file_of(bucket)).fd);
        let mut offset = (*bucket.as_ptr()).start;
        libc::sendfile(
            socket,
            descriptor,
            &raw mut offset,
            (*bucket.as_ptr()).length,
        )
    };
    match usize::try_from(sent) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(sent) => Ok(sent),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// Turns a small file bucket into one that holds its bytes: one pread, where APR would map or seek.
///
/// # Errors
/// The file's error; `UnexpectedEof` when it has become shorter.
pub fn read_small_file(bucket: Bucket<'_>, most: usize) -> io::Result<()> {
    let Some(length) = bucket
        .len()
        .filter(|&length| bucket.is_file() && length > 0 && length <= most)
    else {
        return Ok(());
    };
    // SAFETY: the memory is as large as asked for; the bucket gives up its file before it takes
    // the bytes, as apr_bucket_heap_make expects of the bucket it is given.
    unsafe {
        let mut descriptor = -1;
        sys::apr_os_file_get(&raw mut descriptor, (*file_of(bucket)).fd);
        let raw = bucket.as_ptr();
        let memory = sys::apr_bucket_alloc(length, (*raw).list);
        let mut got = 0;
        while got < length {
            let at = (*raw).start + got as i64;
            match libc::pread(descriptor, memory.byte_add(got), length - got, at) {
                0 => {
                    sys::apr_bucket_free(memory);
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                read if read > 0 => got += read as usize,
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        sys::apr_bucket_free(memory);
                        return Err(error);
                    }
                }
            }
        }
        let (file_data, file_kind) = ((*raw).data, (*raw).type_);
        sys::apr_bucket_heap_make(raw, memory.cast(), length, Some(sys::apr_bucket_free));
        if let Some(destroy) = (*file_kind).destroy {
            destroy(file_data);
        }
    }
    Ok(())
}

/// Reads a bucket; a pipe's read may wait when that is allowed.
///
/// # Errors
/// `WouldBlock`, or what the bucket's type says.
pub fn bucket_read<'b>(bucket: Bucket<'b>, wait: Wait) -> io::Result<&'b [u8]> {
    let result = match bucket.read(sys::APR_NONBLOCK_READ) {
        Err(APR_EAGAIN) if wait == Wait::Allowed => {
            crate::conn::wait::blocking(|| bucket.read(sys::APR_BLOCK_READ))
        }
        other => other,
    };
    result.map_err(|status| match status {
        APR_TIMEUP => io::ErrorKind::TimedOut.into(),
        status if status < sys::APR_OS_START_ERROR as i32 => io::Error::from_raw_os_error(status),
        status => io::Error::other(format!("reading a bucket: APR status {status}")),
    })
}

/// A pool of a connection for what it keeps until the socket takes it; destroyed with this.
pub struct KeepPool(*mut sys::apr_pool_t);

impl KeepPool {
    /// A pool of its own below the connection's.
    pub fn new(network: &Network) -> Self {
        let mut pool = null_mut();
        let c = network.connection();
        // SAFETY: a network's connection is live; APR ends the process when memory runs out.
        unsafe { sys::apr_pool_create_ex(&raw mut pool, (*c).pool, None, null_mut()) };
        Self(pool)
    }

    /// The pool.
    pub fn pool(&self) -> Pool<'_> {
        // SAFETY: lives as long as this.
        unsafe { Pool::from_ptr(self.0) }
    }
}

impl Drop for KeepPool {
    fn drop(&mut self) {
        // SAFETY: nothing refers to it any more: what was kept in it has been sent or thrown away.
        unsafe { sys::apr_pool_destroy(self.0) }
    }
}

/// How long a wait for a connection's socket may last; `None`: for ever. Modules set it on the
/// socket: mod_proxy for its backends, mod_reqtimeout for clients.
pub fn timeout(network: &Network) -> Option<Duration> {
    // SAFETY: the connection outlives its network, and has a socket since `pre_connection`.
    unsafe {
        let socket = sys::ap_get_conn_socket(network.connection());
        let mut interval = -1;
        sys::apr_socket_timeout_get(socket, &raw mut interval);
        duration(interval)
    }
}

/// mod_logio's counters of bytes, when it is there.
struct ByteCounter(AtomicPtr<c_void>);

impl ByteCounter {
    const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// Looks for the function of this name.
    fn find(&self, name: &CStr) {
        // SAFETY: the name ends with NUL.
        let function = unsafe { sys::apr_dynamic_fn_retrieve(name.as_ptr()) };
        let address = function.map_or(null_mut(), |function| function as *mut c_void);
        self.0.store(address, Ordering::Relaxed);
    }

    /// Tells mod_logio of `bytes` bytes.
    ///
    /// # Safety
    /// `c` is live.
    unsafe fn add(&self, c: *mut sys::conn_rec, bytes: usize) {
        let function = self.0.load(Ordering::Relaxed);
        if function.is_null() {
            return;
        }
        // SAFETY: registered under its name by mod_logio with this very type (mod_logio's
        // contract); the connection is live.
        unsafe {
            let function = std::mem::transmute::<
                *mut c_void,
                unsafe extern "C" fn(*mut sys::conn_rec, sys::apr_off_t),
            >(function);
            function(c, bytes as sys::apr_off_t);
        }
    }
}

static BYTES_OUT: ByteCounter = ByteCounter::new();
static BYTES_IN: ByteCounter = ByteCounter::new();

/// Looks for mod_logio's counters; called when all modules have offered their functions.
pub fn find_byte_counters() {
    BYTES_OUT.find(c"ap_logio_add_bytes_out");
    BYTES_IN.find(c"ap_logio_add_bytes_in");
}

/// Tells mod_logio how many bytes left.
pub fn count_sent(network: &Network, bytes: usize) {
    // SAFETY: the connection outlives its network.
    unsafe { BYTES_OUT.add(network.connection(), bytes) }
}

/// Tells mod_logio how many bytes came without passing its filter.
///
/// # Safety
/// `c` is live.
pub unsafe fn count_received(c: *mut sys::conn_rec, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { BYTES_IN.add(c, bytes) }
}
