//! From lines to the directive tree (`ap_directive_t`): `ap_build_config` and its kin.
//!
//! Directives marked EXEC_ON_READ (`Include`, `LoadModule`, `<IfModule>`) run as soon as they are
//! read and put what they produce in their place; all others become nodes that `walk` executes.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int, c_void},
    mem::size_of,
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, ap_directive_t, apr_pool_t, cmd_parms};

use super::{
    invoke, pool_text,
    reader::{self, c_string, next_line},
    registry,
};
use crate::config::line::{self, HTACCESS_LINE_MAX, LINE_MAX, Shape};

exports! { ap_build_config, ap_build_cont_config, ap_soak_end_container }

/// How deep sections may nest. Commands of sections call each other, so without a limit a hostile
/// `.htaccess` file could use up the stack.
const NESTING_MAX: usize = 200;

thread_local! {
    /// How many sections are open around the text that is being read.
    static NESTING: Cell<usize> = const { Cell::new(0) };
    /// Whether the reading ran a directive whose result may be another one next time.
    static VOLATILE: Cell<bool> = const { Cell::new(false) };
    /// Whether the reading ran any directive at once.
    static EXECUTED: Cell<bool> = const { Cell::new(false) };
}

/// What `watch` saw.
pub(super) struct Seen {
    /// The text may read differently although its file is the same.
    pub(super) volatile: bool,
    /// A directive ran at once.
    pub(super) executed: bool,
}

/// Reads with `read` and says on what the result depends.
pub(super) fn watch<T>(read: impl FnOnce() -> T) -> (T, Seen) {
    VOLATILE.set(false);
    EXECUTED.set(false);
    let result = read();
    let seen = Seen {
        volatile: VOLATILE.get(),
        executed: EXECUTED.get(),
    };
    (result, seen)
}

/// Restores the count of open sections when a directive has run.
struct Inside(usize);

impl Inside {
    fn sections(count: usize) -> Self {
        let before = NESTING.get();
        NESTING.set(before + count);
        Self(before)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        NESTING.set(self.0);
    }
}

/// The place in the tree where the next directive goes.
struct Place<'a> {
    current: &'a mut *mut ap_directive_t,
    parent: &'a mut *mut ap_directive_t,
    /// The first node, once there is one.
    tree: &'a mut *mut ap_directive_t,
}

impl Place<'_> {
    /// Puts `node` behind the current one, or into the open section as its first.
    ///
    /// # Safety
    /// The nodes are live.
    unsafe fn put(&mut self, node: *mut ap_directive_t) {
        // SAFETY: the caller's promise.
        unsafe {
            (*node).parent = *self.parent;
            if !(*self.current).is_null() {
                (**self.current).next = node;
            } else if !(*self.parent).is_null() {
                (**self.parent).first_child = node;
            }
            *self.current = node;
            if (*self.tree).is_null() {
                *self.tree = node;
            }
        }
    }

    /// Puts a section's node and enters the section.
    ///
    /// # Safety
    /// As `put`.
    unsafe fn open(&mut self, node: *mut ap_directive_t) {
        // SAFETY: as promised.
        unsafe { self.put(node) };
        *self.parent = node;
        *self.current = null_mut();
    }

    /// Puts a list of nodes.
    ///
    /// # Safety
    /// As `put`.
    unsafe fn append(&mut self, mut node: *mut ap_directive_t) {
        // SAFETY: as promised; `put` does not touch `next` of the node it is given.
        unsafe {
            while !node.is_null() {
                self.put(node);
                node = (*node).next;
            }
        }
    }

    /// How many sections are open, those around the text included.
    ///
    /// # Safety
    /// As `put`.
    unsafe fn depth(&self) -> usize {
        let mut depth = NESTING.get();
        let mut section = *self.parent;
        // SAFETY: as promised.
        unsafe {
            while !section.is_null() {
                depth += 1;
                section = (*section).parent;
            }
        }
        depth
    }
}

/// The longest line that may be read: `.htaccess` files are read with one pool for both purposes.
fn line_max(p: *mut apr_pool_t, temp: *mut apr_pool_t) -> usize {
    if p == temp {
        HTACCESS_LINE_MAX
    } else {
        LINE_MAX
    }
}

/// Reads the lines of `parms->config_file` into `conftree`, behind what is there already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_build_config(
    parms: *mut cmd_parms,
    conf_pool: *mut apr_pool_t,
    temp_pool: *mut apr_pool_t,
    conftree: *mut *mut ap_directive_t,
) -> *const c_char {
    let mut text = Vec::new();
    let max = line_max(conf_pool, temp_pool);
    // SAFETY: the header asks for filled-in parameters, live pools and a place for the tree.
    unsafe {
        let mut current = last_of(*conftree);
        let mut parent = null_mut();
        let status = loop {
            match next_line(&mut *(*parms).config_file, &mut text, max) {
                0 => {}
                status => break status,
            }
            let mut place = Place {
                current: &mut current,
                parent: &mut parent,
                tree: &mut *conftree,
            };
            let error = add_line(conf_pool, temp_pool, &text, parms, &mut place);
            if !error.is_null() {
                return error;
            }
        };
        if status != reader::EOF {
            return reader::ap_pcfg_strerror(temp_pool, (*parms).config_file, status);
        }
        unclosed(conf_pool, parms, parent)
    }
}

/// The last of a list of nodes; later readings begin there.
///
/// # Safety
/// `first` is NULL or a live node.
unsafe fn last_of(first: *mut ap_directive_t) -> *mut ap_directive_t {
    if first.is_null() {
        return first;
    }
    // SAFETY: the caller's promise; `last` is NULL or a node of the list.
    unsafe {
        let mut at = if (*first).last.is_null() {
            first
        } else {
            (*first).last
        };
        while !(*at).next.is_null() {
            at = (*at).next;
        }
        (*first).last = at;
        at
    }
}

/// The error for sections that are still open at the end of a file; NULL when there are none.
///
/// # Safety
/// As `ap_build_config`.
unsafe fn unclosed(
    p: *mut apr_pool_t,
    parms: *mut cmd_parms,
    mut section: *mut ap_directive_t,
) -> *const c_char {
    let mut lines = Vec::new();
    // SAFETY: the caller's promise.
    unsafe {
        while !section.is_null() {
            lines.push(format!(
                "{}:{}: {}> was not closed.",
                super::lossy((*section).filename),
                (*section).line_num,
                super::lossy((*section).directive)
            ));
            (*parms).err_directive = section;
            section = (*section).parent;
        }
        if lines.is_empty() {
            return null();
        }
        pool_text(p, lines.join("\n"))
    }
}

/// Reads the lines up to the end of the section `orig_directive`, whose command calls this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_build_cont_config(
    p: *mut apr_pool_t,
    temp_pool: *mut apr_pool_t,
    parms: *mut cmd_parms,
    current: *mut *mut ap_directive_t,
    curr_parent: *mut *mut ap_directive_t,
    orig_directive: *mut c_char,
) -> *const c_char {
    let mut text = Vec::new();
    let max = line_max(p, temp_pool);
    // SAFETY: the header asks for filled-in parameters, live pools, places and a name.
    unsafe {
        let name = CStr::from_ptr(orig_directive).to_bytes();
        let end = [b"</", name.get(1..).unwrap_or_default(), b">"].concat();
        let mut tree = null_mut();
        loop {
            match next_line(&mut *(*parms).config_file, &mut text, max) {
                0 => {}
                // Apache takes a section as closed by the end of its file.
                reader::EOF => break,
                status => {
                    return reader::ap_pcfg_strerror(temp_pool, (*parms).config_file, status);
                }
            }
            if line::trim(&text).eq_ignore_ascii_case(&end) {
                break;
            }
            let mut place = Place {
                current: &mut *current,
                parent: &mut *curr_parent,
                tree: &mut tree,
            };
            let error = add_line(p, temp_pool, &text, parms, &mut place);
            if !error.is_null() {
                return error;
            }
        }
        *current = tree;
    }
    null()
}

/// Adds one line to the tree, or runs it.
///
/// # Safety
/// As `ap_build_config`.
unsafe fn add_line(
    p: *mut apr_pool_t,
    temp: *mut apr_pool_t,
    text: &[u8],
    parms: *mut cmd_parms,
    place: &mut Place<'_>,
) -> *const c_char {
    let text = line::trim(text);
    if text.is_empty() || text[0] == b'#' {
        return null();
    }
    // SAFETY: the caller's promise; the words are cut from a copy in the pool.
    unsafe {
        let mut rest = pool_text(temp, text).cast_const();
        if text.windows(2).any(|pair| pair == b"${") {
            rest = sys::ap_resolve_env(temp, rest);
        }
        let word = CStr::from_ptr(sys::ap_getword_conf(temp, &mut rest)).to_bytes();
        if word.is_empty() {
            return null();
        }
        let head = line::head(word, *rest != 0);
        let args = if head.bare { c">".as_ptr() } else { rest };
        let file = (*parms).config_file;
        let node = sys::apr_palloc(p, size_of::<ap_directive_t>()).cast::<ap_directive_t>();
        node.write_bytes(0, 1);
        (*node).directive = pool_text(p, head.name);
        (*node).args = sys::apr_pstrdup(p, args);
        (*node).filename = (*file).name;
        (*node).line_num = (*file).line_number as c_int;

        if let Some(&(_, cmd)) = registry::commands_named(head.name).first() {
            // Modules compare names, and errors show them, as the command's table writes them.
            (*node).directive = (*cmd).name;
            if (*cmd).req_override & sys::EXEC_ON_READ as c_int != 0 {
                return run_now(cmd, parms, node, place);
            }
        }
        match head.shape {
            Shape::Directive => place.put(node),
            Shape::Open if place.depth() >= NESTING_MAX => {
                (*parms).err_directive = node;
                return too_deep(p);
            }
            Shape::Open => place.open(node),
            Shape::Close => {
                let section = (!(*place.parent).is_null())
                    .then(|| CStr::from_ptr((**place.parent).directive).to_bytes());
                if let Err(text) = line::closes(head.name, section) {
                    (*parms).err_directive = node;
                    return pool_text(p, text);
                }
                *place.current = *place.parent;
                *place.parent = (**place.current).parent;
            }
        }
    }
    null()
}

/// Runs a directive that acts while the text is read, and puts what it produced into the tree.
///
/// # Safety
/// As `ap_build_config`; `node` is the directive, `cmd` its command.
unsafe fn run_now(
    cmd: *const sys::command_rec,
    parms: *mut cmd_parms,
    node: *mut ap_directive_t,
    place: &mut Place<'_>,
) -> *const c_char {
    // SAFETY: the caller's promise. What a command of this kind gets as its configuration is the
    // place for the nodes that it produces.
    unsafe {
        let depth = place.depth();
        if depth >= NESTING_MAX {
            (*parms).err_directive = node;
            return too_deep((*parms).pool);
        }
        EXECUTED.set(true);
        if !is_steady(CStr::from_ptr((*cmd).name).to_bytes()) {
            VOLATILE.set(true);
        }
        let _inside = Inside::sections(depth - NESTING.get() + 1);
        let mut produced: *mut ap_directive_t = null_mut();
        let before = std::mem::replace(&mut (*parms).err_directive, node);
        let answer = invoke::invoke(
            cmd,
            parms,
            (&raw mut produced).cast::<c_void>(),
            (*node).args,
        );
        place.append(produced);
        if invoke::is_error(answer) {
            return answer;
        }
        (*parms).err_directive = before;
    }
    null()
}

/// Whether a directive run at once gives the same result as long as the server's modules and
/// definitions stay the same.
fn is_steady(name: &[u8]) -> bool {
    [
        &b"<IfModule"[..],
        b"<IfDefine",
        b"<IfVersion",
        b"<IfDirective",
        b"<IfSection",
    ]
    .iter()
    .any(|steady| steady.eq_ignore_ascii_case(name))
}

/// # Safety
/// `p` is live.
unsafe fn too_deep(p: *mut apr_pool_t) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        pool_text(
            p,
            format!("sections are nested more than {NESTING_MAX} deep"),
        )
    }
}

/// Skips the lines of a section up to its end. Sections within it must be closed too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_soak_end_container(
    cmd: *mut cmd_parms,
    directive: *mut c_char,
) -> *const c_char {
    let mut text = Vec::new();
    // SAFETY: the header asks for filled-in parameters and the section's name.
    unsafe {
        let (pool, temp) = ((*cmd).pool, (*cmd).temp_pool);
        let max = line_max(pool, temp);
        let mut open = vec![CStr::from_ptr(directive).to_bytes().to_vec()];
        loop {
            match next_line(&mut *(*cmd).config_file, &mut text, max) {
                0 => {}
                reader::EOF => {
                    let inner = open.pop().unwrap_or_default();
                    let inner = inner.get(1..).unwrap_or_default();
                    let text = [b"Expected </", inner, b"> before end of configuration"].concat();
                    return pool_text(pool, text);
                }
                status => return reader::ap_pcfg_strerror(temp, (*cmd).config_file, status),
            }
            let text = line::trim(&text);
            if text
                .first()
                .is_none_or(|&byte| !matches!(byte, b'<' | b'"' | b'\''))
            {
                continue;
            }
            let copy = c_string(text);
            let mut rest = copy.as_ptr();
            let word = CStr::from_ptr(sys::ap_getword_conf(temp, &mut rest)).to_bytes();
            if word.first() != Some(&b'<') {
                continue;
            }
            if word.get(1) != Some(&b'/') {
                open.push(line::head(word, *rest != 0).name.to_vec());
                continue;
            }
            let wanted = open
                .last()
                .and_then(|name| name.get(1..))
                .unwrap_or_default();
            let name = word[2..].strip_suffix(b">").unwrap_or(&word[2..]);
            if !name.eq_ignore_ascii_case(wanted) {
                let text = [b"Expected </", wanted, b"> but saw </", name, b">"].concat();
                return pool_text(pool, text);
            }
            open.pop();
            if open.is_empty() {
                return null();
            }
        }
    }
}
