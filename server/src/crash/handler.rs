//! The signal handler: tells the error log which module, hook and request a crash is about and who
//! called whom, leaves word for the control process, and lets the process die by the same signal.
//!
//! Everything here may run at any moment, on any thread, in a process whose memory is no longer what it
//! should be: no allocation, no lock, every foreign pointer is read through the system. A fault in the
//! handler ends the process at once, for the signals are blocked in it; one that hangs is ended by an
//! alarm; a second thread that crashes meanwhile waits for the first.

use std::{
    ffi::{c_char, c_int, c_void},
    fmt::Write,
    ptr::{null, null_mut},
    sync::atomic::{AtomicI32, AtomicI64, AtomicPtr, AtomicUsize, Ordering},
};

use httpd_sys as sys;

use super::{
    machine::{self, Callers, Registers, read, read_text},
    policy, shared,
    text::{self, Line, SIGNALS, Time},
    trail::{self, Copied, Kind, Phase, Place, Step},
};

/// The thread whose crash is being told; 0: none.
static REPORTER: AtomicI32 = AtomicI32::new(0);
/// The signal it died by.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
/// This process, when it is a child of the control process.
static CHILD: AtomicI32 = AtomicI32::new(0);
/// The number of a child's connections.
static CONNECTIONS: AtomicPtr<AtomicUsize> = AtomicPtr::new(null_mut());
/// Seconds that local time is ahead of UTC.
static ZONE: AtomicI64 = AtomicI64::new(0);

/// How long a report may take.
const PATIENCE: u32 = 5;
/// How many callers are told.
const CALLERS: usize = 24;
/// How much is told of a path.
const LONGEST_PATH: usize = 512;

/// Reports crashes of this process from now on. A module that installs a handler of its own keeps it.
pub fn begin() {
    machine::prepare();
    // SAFETY: localtime_r fills the record; the time is a number.
    unsafe {
        let now = libc::time(null_mut());
        let mut local: libc::tm = std::mem::zeroed();
        if !libc::localtime_r(&raw const now, &raw mut local).is_null() {
            ZONE.store(local.tm_gmtoff, Ordering::Relaxed);
        }
    }
    machine::give_thread_a_stack();
    for signal in SIGNALS {
        // SAFETY: the record is zeroed but for what is set, and the handler has the form that
        // SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = crashed as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            for other in SIGNALS {
                libc::sigaddset(&raw mut action.sa_mask, other);
            }
            libc::sigaction(signal, &raw const action, null_mut());
        }
    }
}

/// This process is a child.
pub fn begin_child() {
    CHILD.store(std::process::id() as i32, Ordering::Relaxed);
}

/// Where the number of this child's connections stands.
pub fn count_connections(count: &'static AtomicUsize) {
    CONNECTIONS.store(std::ptr::from_ref(count).cast_mut(), Ordering::Relaxed);
}

extern "C" fn crashed(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: plain system calls; the system passes records that live for the call.
    unsafe {
        let thread = libc::gettid();
        match REPORTER.compare_exchange(0, thread, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                SIGNAL.store(signal, Ordering::Relaxed);
                limit_time();
                report(signal, &*info, &Registers::of(context));
                go_to_dump_directory();
            }
            Err(other) if other == thread => {}
            // The process dies with the other thread.
            Err(_) => {
                for _ in 0..PATIENCE * 40 {
                    let moment = libc::timespec {
                        tv_sec: 0,
                        tv_nsec: 50_000_000,
                    };
                    libc::nanosleep(&raw const moment, null_mut());
                }
            }
        }
        die(signal, info);
    }
}

/// Lets the signal have its effect when the handler returns: again, with all that it said, so that a
/// core file shows the fault itself.
///
/// # Safety
/// Called in the handler of this signal.
unsafe fn die(signal: c_int, info: *const libc::siginfo_t) {
    // SAFETY: the default is a valid disposition; the system copies the record.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let (process, thread) = (libc::getpid(), libc::gettid());
        let queued = libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, signal, info);
        if queued != 0 {
            libc::syscall(libc::SYS_tgkill, process, thread, signal);
        }
    }
}

/// Ends the process when the report takes too long.
fn limit_time() {
    extern "C" fn too_long(_: c_int) {
        let signal = SIGNAL.load(Ordering::Relaxed);
        // SAFETY: plain system calls, allowed in a handler; the set is filled.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigaddset(&raw mut set, signal);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, null_mut());
            libc::raise(signal);
            libc::_exit(128 + signal);
        }
    }
    // SAFETY: as above; the handler has the form that is asked for.
    unsafe {
        libc::signal(libc::SIGALRM, too_long as *const () as usize);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGALRM);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, null_mut());
        libc::alarm(PATIENCE);
    }
}

/// CoreDumpDirectory, or ServerRoot without one.
fn go_to_dump_directory() {
    // SAFETY: a string in a static; a directory that cannot be entered means no core file.
    unsafe {
        let directory = (&raw const sys::ap_coredump_dir).cast::<c_char>();
        if *directory != 0 {
            libc::chdir(directory);
        }
    }
}

/// A module, hook and all, as the chain of steps has it.
#[derive(Clone, Copy)]
struct Known {
    step: usize,
    place: Place,
    module: *const c_char,
    origin: *const c_void,
}

/// What is found out before the first word.
struct Found {
    steps: [Option<Known>; 12],
    request: Option<sys::request_rec>,
    connection: Option<sys::conn_rec>,
}

fn look_at_steps(own: usize) -> Found {
    let mut found = Found {
        steps: [None; 12],
        request: None,
        connection: None,
    };
    let mut at: *const Step = trail::innermost();
    for known in &mut found.steps {
        // SAFETY: any bytes are such a record.
        let Some(step) = (unsafe { read(at.cast::<Copied>()) }) else {
            break;
        };
        let within = machine::object_of(step.place.addr());
        if within.is_none_or(|object| object.start != own) {
            break;
        }
        // SAFETY: lies within the program, where there are no places but whole ones.
        let place = unsafe { *step.place };
        // SAFETY: the records are plain: numbers, pointers, and functions that may be missing.
        unsafe {
            match step.subject_kind {
                1 if found.request.is_none() => {
                    found.request = read(step.subject.cast::<sys::request_rec>());
                    if let Some(r) = &found.request {
                        found.connection = read(r.connection);
                    }
                }
                2 if found.connection.is_none() => {
                    found.connection = read(step.subject.cast::<sys::conn_rec>());
                }
                _ => {}
            }
        }
        let module = match place.kind {
            Kind::Hook | Kind::Call | Kind::Directive => step.origin.cast(),
            Kind::InputFilter | Kind::OutputFilter => trail::filters::module_of(step.origin.cast()),
            Kind::Server => null(),
        };
        *known = Some(Known {
            step: at.addr(),
            place,
            module,
            origin: step.origin,
        });
        at = step.outer;
    }
    found
}

/// The module whose shared object is mapped from here on; NULL when there is none.
fn module_of_object(start: usize) -> *const c_char {
    // SAFETY: the list changes while there is one thread only; what it holds is read with care.
    unsafe {
        let mut module: *const sys::module = sys::ap_top_module;
        for _ in 0..crate::modules::MAX_MODULES {
            let Some(record) = read(module) else {
                break;
            };
            if machine::object_of(module.addr()).is_some_and(|object| object.start == start) {
                return record.name;
            }
            module = record.next;
        }
    }
    null()
}

/// The module whose own code comes first among the callers, and has been called after the innermost
/// step was made.
fn module_of_callers(callers: &Callers, step: Option<Known>, own: usize) -> *const c_char {
    let until = step.map_or(usize::MAX, |known| known.step);
    for caller in callers.list() {
        if caller.stack != 0 && caller.stack > until {
            break;
        }
        if let Some(object) = machine::object_of(caller.at)
            && object.start != own
        {
            let module = module_of_object(object.start);
            if !module.is_null() {
                return module;
            }
        }
    }
    null()
}

fn report(signal: c_int, info: &libc::siginfo_t, place: &Registers) {
    let own = machine::own_start();
    let found = look_at_steps(own);
    let innermost = found.steps[0];
    let callers = Callers::of(place);
    let noted = found
        .steps
        .iter()
        .flatten()
        .find(|known| known.place.kind != Kind::Server)
        .map_or(null(), |known| known.module);
    let by_code = module_of_callers(&callers, innermost, own);
    let blamed = if by_code.is_null() { noted } else { by_code };

    // SAFETY: plain system call.
    let pid = unsafe { libc::getpid() };
    let is_child = pid == CHILD.load(Ordering::Relaxed);
    // First of all, lest it is not counted.
    if is_child {
        // A module that is disabled, but called all the same: by one that knows it as a provider.
        let charged = if policy::is_disabled(blamed) && !noted.is_null() {
            noted
        } else {
            blamed
        };
        learn(&found, charged);
        shared::shared().leave(pid, charged);
    }

    let log = Log::new(&found);
    let mut line = log.line();
    let _ = write!(line, "crash: {}", text::signal_name(signal));
    add_cause(&mut line, signal, info, place);
    line.add(b" in ");
    add_module(&mut line, blamed);
    for known in found.steps.iter().flatten() {
        if known.place.kind == Kind::Server {
            continue;
        }
        if known.module != blamed {
            line.add(b", called by ");
            add_module(&mut line, known.module);
        }
        add_place(&mut line, known);
        break;
    }
    match innermost {
        None => line.add(b" outside any hook"),
        Some(known) if known.place.kind == Kind::Server && noted.is_null() => {
            let _ = write!(line, " during {}", known.place.name);
        }
        Some(_) => {}
    }
    add_request(&mut line, &found);
    log.write(&mut line);

    let outer = found.steps.iter().flatten().skip(1);
    for known in outer.filter(|known| known.place.kind != Kind::Server) {
        let mut line = log.line();
        line.add(b"crash: within ");
        add_module(&mut line, known.module);
        add_place(&mut line, known);
        log.write(&mut line);
    }
    tell_callers(&log, &callers);

    if !is_child {
        return;
    }
    let mut line = log.line();
    let _ = write!(line, "crash: child pid {pid} ends");
    let connections = CONNECTIONS.load(Ordering::Relaxed);
    // SAFETY: a static's address, or NULL.
    if let Some(count) = unsafe { connections.as_ref() } {
        let count = count.load(Ordering::Relaxed);
        let _ = write!(line, ", and with it all its connections: {count}");
    }
    log.write(&mut line);
}

/// Who called whom, down from the place of the crash.
fn tell_callers(log: &Log, callers: &Callers) {
    for (number, caller) in callers.list().iter().enumerate().take(CALLERS) {
        let mut line = log.line();
        let _ = write!(line, "crash: #{number} ");
        // A return address may be behind the end of its function.
        let within = caller.at - usize::from(caller.returns && caller.at > 0);
        match machine::object_of(within) {
            Some(object) => {
                line.add_foreign(object.name(&mut [0; 256]));
                let _ = write!(line, "+{:#x}", object.offset(within));
                if let Some(symbol) = object.symbol(within) {
                    line.add(b" (");
                    line.add_foreign(read_text(symbol, &mut [0; 256]));
                    line.add(b")");
                }
            }
            None => {
                let _ = write!(line, "{within:#x}");
            }
        }
        log.write(&mut line);
    }
    if callers.list().len() > CALLERS {
        let mut line = log.line();
        line.add(b"crash: and so on");
        log.write(&mut line);
    }
}

/// Remembers that requests for this handler are the module's, even if it has never answered one.
fn learn(found: &Found, blamed: *const c_char) {
    let in_handler = found
        .steps
        .iter()
        .flatten()
        .any(|known| known.place.phase == Phase::Handler && known.module == blamed);
    if in_handler && let Some(r) = &found.request {
        let mut room = [0; 256];
        let key = policy::key(blamed, read_text(r.handler, &mut room));
        shared::shared().note_served(key);
    }
}

fn add_cause(line: &mut Line, signal: c_int, info: &libc::siginfo_t, place: &Registers) {
    // SAFETY: the record is that of a signal; which part is set depends on its code.
    let (address, sender) = unsafe { (info.si_addr().addr(), info.si_pid()) };
    // SAFETY: plain system call.
    let own = unsafe { libc::getpid() };
    if info.si_code > 0 {
        const PAGES: usize = 1 << 20;
        let on_stack = address > place.stack.saturating_sub(PAGES)
            && address < place.stack.saturating_add(PAGES >> 7);
        if signal == libc::SIGSEGV && on_stack {
            line.add(b" (stack overflow)");
        } else {
            let _ = write!(line, " ({})", text::cause(signal, info.si_code));
        }
        let _ = write!(line, " at address {address:#x}");
    } else if sender == own {
        line.add(b" (raised by the process itself)");
    } else {
        let _ = write!(line, " (sent by process {sender})");
    }
}

/// A module's name.
fn add_module(line: &mut Line, name: *const c_char) {
    let mut room = [0; 128];
    let name = read_text(name, &mut room);
    if name.is_empty() {
        line.add(b"the server itself");
    } else {
        line.add_foreign(name);
    }
}

fn add_place(line: &mut Line, known: &Known) {
    let place = &known.place;
    match place.kind {
        Kind::Hook if place.phase == Phase::Handler => line.add(b" in its handler"),
        Kind::Hook => {
            let _ = write!(line, " in its hook {}", place.short_name());
        }
        Kind::InputFilter | Kind::OutputFilter => {
            let direction = match place.kind {
                Kind::InputFilter => "input",
                _ => "output",
            };
            let _ = write!(line, " in its {direction} filter ");
            let record = known.origin.cast::<sys::ap_filter_rec_t>();
            // SAFETY: the record is plain.
            if let Some(record) = unsafe { read(record) } {
                line.add_foreign(read_text(record.name, &mut [0; 64]));
            }
        }
        Kind::Call | Kind::Directive | Kind::Server => {
            let _ = write!(line, " in {}", place.name);
        }
    }
}

/// Method, path and protocol: what follows the `?` may be secret.
fn add_request(line: &mut Line, found: &Found) {
    let Some(r) = &found.request else {
        if let Some(c) = &found.connection {
            line.add(b", connection of ");
            add_client(line, c, null());
        }
        return;
    };
    line.add(b", request \"");
    add_request_line(line, r);
    line.add(b"\"");
    // SAFETY: the record is plain.
    if let Some(main) = unsafe { read(r.main) } {
        line.add(b" for \"");
        add_request_line(line, &main);
        line.add(b"\"");
    }
    if let Some(c) = &found.connection {
        line.add(b", client ");
        add_client(line, c, r.useragent_ip);
    }
}

fn add_request_line(line: &mut Line, r: &sys::request_rec) {
    let mut room = [0; LONGEST_PATH];
    line.add_foreign(read_text(r.method, &mut [0; 32]));
    line.add(b" ");
    if r.uri.is_null() {
        line.add(b"...");
    } else {
        line.add_foreign(read_text(r.uri, &mut room));
        if !r.args.is_null() {
            line.add(b"?...");
        }
    }
    line.add(b" ");
    line.add_foreign(read_text(r.protocol, &mut [0; 16]));
}

fn add_client(line: &mut Line, c: &sys::conn_rec, agent: *const c_char) {
    let ip = if agent.is_null() { c.client_ip } else { agent };
    line.add_foreign(read_text(ip, &mut [0; 64]));
    // SAFETY: the record is plain.
    if let Some(address) = unsafe { read(c.client_addr) } {
        let _ = write!(line, ":{}", address.port);
    }
}

/// Where the report goes: the main server's log stands in the place of standard error. The log of the
/// request's virtual host gets it too, if it is another.
struct Log {
    host: Option<c_int>,
}

impl Log {
    fn new(found: &Found) -> Self {
        // SAFETY: the records are plain; the file is only asked for its number, if it can be read.
        let host = unsafe {
            found
                .request
                .as_ref()
                .map(|r| r.server)
                .or_else(|| found.connection.as_ref().map(|c| c.base_server))
                .and_then(|server| read(server.cast_const()))
                .map(|server| server.error_log)
                .filter(|&log| {
                    let main = read(sys::ap_server_conf.cast_const());
                    main.is_some_and(|main| main.error_log != log)
                        && read(log.cast_const().cast::<[u8; 32]>()).is_some()
                })
                .and_then(|log| {
                    let mut descriptor = -1;
                    let status = sys::apr_os_file_get(&raw mut descriptor, log);
                    (status == 0 && descriptor > 2).then_some(descriptor)
                })
        };
        Self { host }
    }

    /// The beginning of a line.
    fn line(&self) -> Line {
        let mut line = Line::new();
        // SAFETY: the clock is written to a place of our own; plain system calls.
        let (time, pid, thread) = unsafe {
            let mut now: libc::timespec = std::mem::zeroed();
            libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now);
            let time = Time {
                seconds: now.tv_sec + ZONE.load(Ordering::Relaxed),
                micros: now.tv_nsec / 1000,
            };
            (time, libc::getpid(), libc::pthread_self())
        };
        let _ = write!(line, "[{time}] [core:crit] [pid {pid}:tid {thread}] ");
        line
    }

    fn write(&self, line: &mut Line) {
        let bytes = line.end();
        for descriptor in [Some(libc::STDERR_FILENO), self.host].into_iter().flatten() {
            // SAFETY: bytes of ours. Whoever does not take all of them gets less of a report.
            unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
        }
    }
}
