//! What a crash report needs of the machine: memory read without a fault, the callers of the place that
//! failed, the shared object and symbol of an address, and a stack for the handler on each thread.
//!
//! All but `give_thread_a_stack` and `prepare` is called in a signal handler: no allocation, no lock.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int, c_void},
    mem::{MaybeUninit, size_of},
    ptr::null_mut,
    sync::atomic::{AtomicBool, AtomicPtr, Ordering},
};

/// Whether the eight bytes at this address, a multiple of eight, can be read: the system copies a set of
/// signals from there before it finds that it is asked for nonsense. (There are calls that copy memory,
/// but filters of system calls seldom allow them.)
fn is_readable(address: usize) -> bool {
    const NONSENSE: usize = usize::MAX;
    const SIZE: usize = 8;
    // SAFETY: the system checks the address, and changes nothing.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, NONSENSE, address, 0_usize, SIZE);
        *libc::__errno_location() != libc::EFAULT
    }
}

/// Copies memory of this process if it can be read.
pub(super) fn read_bytes(address: usize, into: &mut [MaybeUninit<u8>]) -> bool {
    const PAGE: usize = 4096;
    // To the system NULL is no set of signals, rather than one that cannot be read.
    if address < PAGE {
        return false;
    }
    let Some(end) = address.checked_add(into.len()) else {
        return false;
    };
    let mut at = address & !7;
    while at < end {
        if !is_readable(at) {
            return false;
        }
        at = (at & !(PAGE - 1)) + PAGE;
    }
    // SAFETY: each of the pages could be read a moment ago; if one of them has gone since, the process
    // ends a little earlier. The bytes need not be initialized.
    unsafe {
        libc::memmove(
            into.as_mut_ptr().cast(),
            std::ptr::with_exposed_provenance(address),
            into.len(),
        );
    }
    true
}

/// Copies a plain value if its memory can be read.
///
/// # Safety
/// Any bytes are a `T`.
pub(super) unsafe fn read<T: Copy>(from: *const T) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the bytes of the value, as bytes that need not be set.
    let bytes = unsafe {
        std::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<MaybeUninit<u8>>(), size_of::<T>())
    };
    // SAFETY: all bytes were set, and any will do.
    read_bytes(from.expose_provenance(), bytes).then(|| unsafe { value.assume_init() })
}

/// A string, as far as it can be read, cut at the end of the room.
pub(super) fn read_text(from: *const c_char, room: &mut [u8]) -> &[u8] {
    /// No step crosses the border of a page: text may end right before one that is not mapped.
    const STEP: usize = 64;
    let mut have = 0;
    let from = from.expose_provenance();
    while from != 0 && have < room.len() {
        let at = from.wrapping_add(have);
        let step = (STEP - at % STEP).min(room.len() - have);
        let mut bytes = [MaybeUninit::new(0); STEP];
        if !read_bytes(at, &mut bytes[..step]) {
            break;
        }
        // SAFETY: set from the start, and by the read.
        let bytes = bytes.map(|byte| unsafe { byte.assume_init() });
        match bytes[..step].iter().position(|&byte| byte == 0) {
            Some(end) => {
                room[have..have + end].copy_from_slice(&bytes[..end]);
                have += end;
                break;
            }
            None => {
                room[have..have + step].copy_from_slice(&bytes[..step]);
                have += step;
            }
        }
    }
    &room[..have]
}

/// A function that has not returned.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caller {
    /// Where it is.
    pub(super) at: usize,
    /// The end of its part of the stack; 0: not known.
    pub(super) stack: usize,
    /// `at` is behind a call, not the instruction itself.
    pub(super) returns: bool,
}

/// The functions under way, the innermost first.
pub(super) struct Callers {
    list: [Caller; Self::ROOM],
    count: usize,
    /// How many belong to the handler and come first.
    from: usize,
}

#[link(name = "gcc_s")]
unsafe extern "C" {
    fn _Unwind_Backtrace(
        visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIPInfo(context: *mut c_void, before: *mut c_int) -> usize;
    fn _Unwind_GetCFA(context: *mut c_void) -> usize;
}

impl Callers {
    const ROOM: usize = 96;

    /// Those of the place where the signal came.
    pub(super) fn of(place: &Registers) -> Self {
        let mut callers = Self {
            list: [Caller::default(); Self::ROOM],
            count: 0,
            from: 0,
        };
        // SAFETY: the unwinder calls `visit` with the data it is given; it has been used once before
        // (`prepare`), so it has all it needs.
        unsafe { _Unwind_Backtrace(visit, (&raw mut callers).cast()) };
        let found = callers.list[..callers.count]
            .iter()
            .position(|caller| caller.at == place.at);
        match found {
            Some(from) => callers.from = from,
            None => {
                callers.count = 0;
                callers.push(Caller {
                    at: place.at,
                    stack: place.stack,
                    returns: false,
                });
            }
        }
        // Whoever calls what is no code has left a return address on the stack, and that only.
        if callers.list().len() <= 1
            && object_of(place.at).is_none()
            // SAFETY: any bytes are a number.
            && let Some(back) = unsafe { read(std::ptr::with_exposed_provenance::<usize>(place.stack)) }
        {
            callers.push(Caller {
                at: back,
                stack: 0,
                returns: true,
            });
        }
        callers
    }

    fn push(&mut self, caller: Caller) -> bool {
        let Some(room) = self.list.get_mut(self.count) else {
            return false;
        };
        *room = caller;
        self.count += 1;
        true
    }

    pub(super) fn list(&self) -> &[Caller] {
        &self.list[self.from..self.count]
    }
}

extern "C" fn visit(context: *mut c_void, callers: *mut c_void) -> c_int {
    const GO_ON: c_int = 0;
    const END: c_int = 5;
    // SAFETY: the unwinder passes a frame that it stands at, and what `of` gave it.
    unsafe {
        let mut before = 0;
        let at = _Unwind_GetIPInfo(context, &raw mut before);
        let caller = Caller {
            at,
            stack: _Unwind_GetCFA(context),
            returns: before == 0,
        };
        if at != 0 && (*callers.cast::<Callers>()).push(caller) {
            GO_ON
        } else {
            END
        }
    }
}

/// Where a thread was when a signal came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Registers {
    pub(super) at: usize,
    pub(super) stack: usize,
}

impl Registers {
    /// # Safety
    /// `context` is what a signal handler is called with.
    pub(super) unsafe fn of(context: *const c_void) -> Self {
        let context = context.cast::<libc::ucontext_t>();
        // SAFETY: the caller's promise.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            {
                let registers = &(*context).uc_mcontext.gregs;
                Self {
                    at: registers[libc::REG_RIP as usize] as usize,
                    stack: registers[libc::REG_RSP as usize] as usize,
                }
            }
            #[cfg(target_arch = "aarch64")]
            {
                let machine = &(*context).uc_mcontext;
                Self {
                    at: machine.pc as usize,
                    stack: machine.sp as usize,
                }
            }
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            {
                let _ = context;
                Self::default()
            }
        }
    }
}

/// A shared object, or the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    /// From where on it is mapped.
    pub(super) start: usize,
    /// What is added to the addresses in its file.
    base: usize,
    name: *const c_char,
    dynamic: *const Dynamic,
}

/// `struct dl_find_object` of <dlfcn.h>.
#[repr(C)]
struct FoundObject {
    flags: u64,
    start: *mut c_void,
    end: *mut c_void,
    map: *const LinkMap,
    frames: *mut c_void,
    reserved: [u64; 7],
}

/// The public part of `struct link_map`.
#[repr(C)]
#[derive(Clone, Copy)]
struct LinkMap {
    base: usize,
    name: *const c_char,
    dynamic: *const Dynamic,
    next: *const LinkMap,
    previous: *const LinkMap,
}

/// `Elf64_Dyn`
#[repr(C)]
#[derive(Clone, Copy)]
struct Dynamic {
    tag: i64,
    value: usize,
}

type FindObject = unsafe extern "C" fn(*mut c_void, *mut FoundObject) -> c_int;

/// `_dl_find_object`, which takes no lock; NULL before glibc 2.35.
static FIND_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The object that has this address.
pub(super) fn object_of(address: usize) -> Option<Object> {
    let find = FIND_OBJECT.load(Ordering::Relaxed);
    if find.is_null() {
        return None;
    }
    // SAFETY: the symbol has this type; the record is zeroed and as large as the header says. What it
    // finds stays mapped: nobody unloads modules while a child runs.
    unsafe {
        let find = std::mem::transmute::<*mut c_void, FindObject>(find);
        let mut found: FoundObject = std::mem::zeroed();
        let address = std::ptr::with_exposed_provenance_mut(address);
        if find(address, &raw mut found) != 0 {
            return None;
        }
        let map = read(found.map)?;
        Some(Object {
            start: found.start.expose_provenance(),
            base: map.base,
            name: map.name,
            dynamic: map.dynamic,
        })
    }
}

impl Object {
    /// The name of its file without directories, cut to the room.
    pub(super) fn name<'a>(&self, room: &'a mut [u8; 256]) -> &'a [u8] {
        let path = read_text(self.name, room);
        match path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => &path[slash + 1..],
            None if path.is_empty() => b"httpd-rs",
            None => path,
        }
    }

    /// How far behind its beginning an address is: what addr2line asks for.
    pub(super) fn offset(&self, address: usize) -> usize {
        address.wrapping_sub(self.base)
    }

    /// The exported function that an address is in.
    pub(super) fn symbol(&self, address: usize) -> Option<*const c_char> {
        const STRINGS: i64 = 5;
        const SYMBOLS: i64 = 6;
        const GNU_HASH: i64 = 0x6fff_fef5;
        let (mut strings, mut symbols, mut hash) = (0, 0, 0);
        for at in 0..256 {
            // SAFETY: any bytes are two numbers.
            let entry = unsafe { read(self.dynamic.wrapping_add(at)) }?;
            // The linker has made addresses of most of them.
            let value = if entry.value < self.base {
                self.base + entry.value
            } else {
                entry.value
            };
            match entry.tag {
                0 => break,
                STRINGS => strings = value,
                SYMBOLS => symbols = value,
                GNU_HASH => hash = value,
                _ => {}
            }
        }
        if strings == 0 || symbols == 0 || hash == 0 {
            return None;
        }
        let offset = self.offset(address);
        // SAFETY: as that function says.
        let count = unsafe { count_of_symbols(hash) }? as usize;
        let symbols = std::ptr::with_exposed_provenance::<Symbol>(symbols);
        // Many at a time: each read is a system call.
        const MANY: usize = 64;
        let mut number = 1;
        while number < count {
            let first = symbols.wrapping_add(number);
            // SAFETY: any bytes are numbers.
            let (some, length) = match unsafe { read(first.cast::<[Symbol; MANY]>()) } {
                Some(many) if number + MANY <= count => (many, MANY),
                // SAFETY: as above.
                _ => ([unsafe { read(first) }?; MANY], 1),
            };
            let found = some[..length].iter().find(|symbol| {
                let is_function = symbol.info & 0xf == 2 && symbol.section != 0;
                let begins = symbol.value as usize;
                is_function && offset >= begins && offset - begins < symbol.size as usize
            });
            if let Some(symbol) = found {
                let name = strings + symbol.name as usize;
                return Some(std::ptr::with_exposed_provenance(name));
            }
            number += length;
        }
        None
    }
}

/// `Elf64_Sym`
#[repr(C)]
#[derive(Clone, Copy)]
struct Symbol {
    name: u32,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

/// How many symbols there are: one more than the last of the longest chain of the hash table.
///
/// # Safety
/// May be called with any address; a wrong one is answered with nonsense or nothing.
unsafe fn count_of_symbols(hash: usize) -> Option<u32> {
    let word = |at: usize| {
        // SAFETY: any bytes are a number.
        unsafe { read(std::ptr::with_exposed_provenance::<u32>(at)) }
    };
    let (buckets, first, bloom) = (word(hash)?, word(hash + 4)?, word(hash + 8)?);
    let at_buckets = hash + 16 + bloom as usize * size_of::<usize>();
    let at_chains = at_buckets + buckets as usize * 4;
    let mut last = 0;
    // Many at a time, as above.
    const MANY: usize = 128;
    let (mut bucket, end) = (0, buckets.min(1 << 20) as usize);
    while bucket < end {
        let at = at_buckets + bucket * 4;
        // SAFETY: any bytes are numbers.
        match unsafe { read(std::ptr::with_exposed_provenance::<[u32; MANY]>(at)) } {
            Some(many) if bucket + MANY <= end => {
                last = many.into_iter().fold(last, u32::max);
                bucket += MANY;
            }
            _ => {
                last = last.max(word(at)?);
                bucket += 1;
            }
        }
    }
    if last < first {
        return Some(first);
    }
    while word(at_chains + (last - first) as usize * 4)? & 1 == 0 {
        last += 1;
    }
    Some(last + 1)
}

/// The size of a handler's stack.
const STACK: usize = 64 << 10;

/// Whether this process reports crashes, so that its threads need a stack for the handler.
static ARMED: AtomicBool = AtomicBool::new(false);

/// Whether this process reports crashes.
pub fn is_armed() -> bool {
    ARMED.load(Ordering::Relaxed)
}

/// A stack for the handler: a thread may have used up its own.
struct HandlerStack(Cell<*mut c_void>);

thread_local! {
    static STACK_OF_THREAD: HandlerStack = const { HandlerStack(Cell::new(null_mut())) };
}

impl Drop for HandlerStack {
    fn drop(&mut self) {
        let memory = self.0.get();
        if memory.is_null() {
            return;
        }
        // SAFETY: the memory is this thread's, and no handler runs on it now.
        unsafe {
            let mut none: libc::stack_t = std::mem::zeroed();
            none.ss_flags = libc::SS_DISABLE;
            libc::sigaltstack(&raw const none, null_mut());
            libc::munmap(memory, STACK);
        }
    }
}

/// Gives the thread that calls a stack for the handler, for its life.
pub fn give_thread_a_stack() {
    if !is_armed() {
        return;
    }
    // A thread that is ending needs none.
    let _ = STACK_OF_THREAD.try_with(|stack| {
        if !stack.0.get().is_null() {
            return;
        }
        // SAFETY: new memory, which the system is told of; its lowest page is left without access, so
        // that the handler's own overflow harms nobody.
        unsafe {
            let memory = libc::mmap(
                null_mut(),
                STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            );
            if memory == libc::MAP_FAILED {
                return;
            }
            libc::mprotect(memory, 4096, libc::PROT_NONE);
            let new = libc::stack_t {
                ss_sp: memory.byte_add(4096),
                ss_flags: 0,
                ss_size: STACK - 4096,
            };
            if libc::sigaltstack(&raw const new, null_mut()) == 0 {
                stack.0.set(memory);
            } else {
                libc::munmap(memory, STACK);
            }
        }
    });
}

/// Finds what the handler needs, and uses the unwinder once.
pub(super) fn prepare() {
    // SAFETY: a name; the answer is NULL or a function of the type that it is given above.
    let find = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
    FIND_OBJECT.store(find, Ordering::Relaxed);
    let here = Registers {
        at: prepare as *const () as usize,
        stack: 0,
    };
    std::hint::black_box(Callers::of(&here).list().len());
    ARMED.store(true, Ordering::Relaxed);
}

/// The path of the object that has this address; for dumps, not for handlers.
pub fn path_of(address: usize) -> Option<String> {
    let address = std::ptr::with_exposed_provenance(address);
    // SAFETY: dladdr fills the record; the name lasts as long as the object.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(address, &raw mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        Some(
            CStr::from_ptr(info.dli_fname)
                .to_string_lossy()
                .into_owned(),
        )
    }
}

/// Where the program itself is mapped.
pub(super) fn own_start() -> usize {
    object_of(prepare as *const () as usize).map_or(0, |object| object.start)
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;

    #[test]
    fn memory_is_read_or_refused() {
        let value = 77_u64;
        // SAFETY: any bytes are a number.
        unsafe {
            assert_eq!(read(&raw const value), Some(77));
            assert_eq!(read(null::<u64>()), None);
            assert_eq!(read(std::ptr::without_provenance::<u64>(8)), None);
        }
        let mut room = [0; 80];
        let long = [c"x".as_ptr(), c"".as_ptr()];
        assert_eq!(read_text(long[0], &mut room), b"x");
        assert_eq!(read_text(long[1], &mut room), b"");
        let text = std::ffi::CString::new([b'y'; 200]).unwrap();
        assert_eq!(read_text(text.as_ptr(), &mut room), [b'y'; 80]);
        assert_eq!(read_text(null(), &mut room), b"");
    }

    #[test]
    fn addresses_belong_to_objects_and_functions() {
        prepare();
        let address = httpd_sys::apr_pool_create_ex as *const () as usize;
        let object = object_of(address).expect("APR is loaded");
        assert!(object.name(&mut [0; 256]).starts_with(b"libapr-1.so"));
        let mut room = [0; 64];
        let symbol = object.symbol(address + 3).expect("it is exported");
        assert_eq!(read_text(symbol, &mut room), b"apr_pool_create_ex");
        assert!(object_of(4096).is_none());
        assert!(path_of(address).is_some());
    }

    #[test]
    fn callers_are_found() {
        prepare();
        let nowhere = Registers { at: 1, stack: 0 };
        assert_eq!(Callers::of(&nowhere).list().len(), 1);
    }
}
