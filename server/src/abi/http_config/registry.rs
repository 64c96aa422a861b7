//! The list of modules: adding, removing and finding them.
//!
//! Modules are added while the configuration is read, when the server is single-threaded; from then
//! on the list only changes when the next configuration is read.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, command_rec, module};

use crate::modules::{self, MAX_MODULES};

exports! {
    ap_add_module, ap_remove_module, ap_add_loaded_module, ap_remove_loaded_module,
    ap_register_hooks, ap_find_module_name, ap_find_module_short_name, ap_find_linked_module,
    ap_find_command, ap_find_command_in_modules,
}

/// The module added last; `next` leads to the others.
#[unsafe(no_mangle)]
pub static mut ap_top_module: *mut module = null_mut();

/// All modules in the order in which they were added, ended by NULL.
#[unsafe(no_mangle)]
pub static mut ap_loaded_modules: *mut *mut module = (&raw mut LOADED).cast();

static mut LOADED: [*mut module; MAX_MODULES + 1] = [null_mut(); MAX_MODULES + 1];

/// Whether an index is taken; a static module keeps its own for ever.
static mut TAKEN: [bool; MAX_MODULES] = [false; MAX_MODULES];

/// The modules of the list, the last added first.
///
/// # Safety
/// The list does not change while the iterator lives.
pub unsafe fn modules() -> impl Iterator<Item = *mut module> {
    // SAFETY: the list is ended by NULL, and its modules stay mapped while they are in it.
    unsafe {
        let first = ap_top_module;
        std::iter::successors((!first.is_null()).then_some(first), |m| {
            let next = (**m).next;
            (!next.is_null()).then_some(next)
        })
    }
}

/// An error text in `pool`.
///
/// # Safety
/// `pool` is live.
pub unsafe fn error(pool: *mut sys::apr_pool_t, text: &str) -> *const c_char {
    // SAFETY: the caller's promise; `apr_pstrmemdup` copies the bytes and adds the NUL.
    unsafe { sys::apr_pstrmemdup(pool, text.as_ptr().cast(), text.len()) }
}

/// Adds a module: numbers it, puts it into the list and lets it register its hooks. NULL, or why it
/// cannot be added. `symbol` is the name of its structure; NULL when that is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_module(
    m: *mut module,
    pool: *mut sys::apr_pool_t,
    symbol: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for a module structure that stays mapped, and a live pool.
    unsafe {
        let name = CStr::from_ptr((*m).name);
        let host = sys::MODULE_MAGIC_NUMBER_MAJOR as c_int;
        if (*m).version != host {
            let text = format!(
                "module \"{}\" is not compatible with this server: it was built for magic number \
                 {}, this server provides {host}; compile it anew with apxs-rs",
                name.to_string_lossy(),
                (*m).version
            );
            return error(pool, &text);
        }
        if (*m).module_index == -1 {
            let taken = &mut *(&raw mut TAKEN);
            let Some(index) = taken.iter().position(|taken| !taken) else {
                let text = format!(
                    "module \"{}\" could not be loaded: this server holds {MAX_MODULES} modules \
                     at most",
                    name.to_string_lossy()
                );
                return error(pool, &text);
            };
            taken[index] = true;
            (*m).module_index = index as c_int;
        }
        // Some build systems leave the source's path in the name; logs and <IfModule> want the file.
        let bytes = name.to_bytes();
        if let Some(slash) = bytes.iter().rposition(|&byte| byte == b'/') {
            (*m).name = (*m).name.add(slash + 1);
        }
        let called = if symbol.is_null() { (*m).name } else { symbol };
        modules::set_short_name((*m).module_index, CStr::from_ptr(called).to_str().ok());
        (*m).next = ap_top_module;
        ap_top_module = m;
        ap_register_hooks(m, pool);
    }
    null()
}

/// Takes a module out of the list; its index is free again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_remove_module(m: *mut module) {
    // SAFETY: the header asks for a module of the list, when the server is single-threaded.
    unsafe {
        let mut link = &raw mut ap_top_module;
        while !(*link).is_null() && *link != m {
            link = &raw mut (**link).next;
        }
        if (*link).is_null() {
            return;
        }
        *link = (*m).next;
        modules::set_short_name((*m).module_index, None);
        let taken = &mut *(&raw mut TAKEN);
        if let Some(place) = taken.get_mut((*m).module_index as usize) {
            *place = false;
        }
        (*m).module_index = -1;
        (*m).next = null_mut();
    }
}

/// `ap_add_module`, and an entry in `ap_loaded_modules`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_loaded_module(
    m: *mut module,
    pool: *mut sys::apr_pool_t,
    symbol: *const c_char,
) -> *const c_char {
    // SAFETY: as `ap_add_module`; it has refused what would not fit.
    unsafe {
        let refusal = ap_add_module(m, pool, symbol);
        if !refusal.is_null() {
            return refusal;
        }
        let loaded = &mut *(&raw mut LOADED);
        if let Some(free) = loaded[..MAX_MODULES]
            .iter()
            .position(|entry| entry.is_null())
        {
            loaded[free] = m;
        }
    }
    null()
}

/// `ap_remove_module`, and out of `ap_loaded_modules`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_remove_loaded_module(m: *mut module) {
    // SAFETY: as `ap_remove_module`.
    unsafe {
        ap_remove_module(m);
        let loaded = &mut *(&raw mut LOADED);
        if let Some(at) = loaded.iter().position(|&entry| entry == m) {
            loaded[at..].rotate_left(1);
            loaded[MAX_MODULES] = null_mut();
        }
    }
}

/// Lets a module register its hooks, under its name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_hooks(m: *mut module, pool: *mut sys::apr_pool_t) {
    // SAFETY: the header asks for a module and a live pool; the server is single-threaded.
    unsafe {
        if let Some(register) = (*m).register_hooks {
            sys::apr_hook_debug_current = (*m).name;
            register(pool);
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_module_name(m: *mut module) -> *const c_char {
    // SAFETY: the header asks for a module.
    unsafe { (*m).name }
}

/// The short name of the module with this index; NULL when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_module_short_name(index: c_int) -> *const c_char {
    // SAFETY: the list does not change meanwhile; the name lasts as long as its module's index.
    unsafe {
        modules()
            .find(|&m| (*m).module_index == index)
            .map_or(null(), |_| modules::short_name_c(index))
    }
}

/// The module with this source name (`mod_so.c`); NULL when it is not in the list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_linked_module(name: *const c_char) -> *mut module {
    // SAFETY: the header asks for a NUL-terminated name.
    unsafe {
        let name = CStr::from_ptr(name);
        modules()
            .find(|&m| CStr::from_ptr((*m).name) == name)
            .unwrap_or(null_mut())
    }
}

/// The command with this name, in any case, in a module's table; NULL when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_command(
    name: *const c_char,
    mut commands: *const command_rec,
) -> *const command_rec {
    // SAFETY: the header asks for a name and a table that ends with a nameless entry.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes();
        while !(*commands).name.is_null() {
            if CStr::from_ptr((*commands).name)
                .to_bytes()
                .eq_ignore_ascii_case(name)
            {
                return commands;
            }
            commands = commands.add(1);
        }
    }
    null()
}

/// The command with this name in `*m` or the first module behind it that has one; `*m` becomes that
/// module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_command_in_modules(
    name: *const c_char,
    m: *mut *mut module,
) -> *const command_rec {
    // SAFETY: the header asks for a name and a place that holds a module of the list or NULL.
    unsafe {
        let mut at = *m;
        while !at.is_null() {
            if !(*at).cmds.is_null() {
                let command = ap_find_command(name, (*at).cmds);
                if !command.is_null() {
                    *m = at;
                    return command;
                }
            }
            at = (*at).next;
        }
    }
    null()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &'static CStr) -> module {
        // SAFETY: a module is numbers, pointers and options of functions: zero is a value of each.
        let mut m: module = unsafe { std::mem::zeroed() };
        m.version = sys::MODULE_MAGIC_NUMBER_MAJOR as c_int;
        m.module_index = -1;
        m.name = name.as_ptr();
        m
    }

    #[test]
    fn modules_are_added_found_refused_and_removed() {
        // SAFETY: the only test that touches the list; the modules outlive their stay in it.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            assert_eq!(
                sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
                0
            );
            let mut one = named(c"modules/x/mod_one.c");
            let mut two = named(c"mod_two.c");
            assert!(ap_add_loaded_module(&mut one, pool, c"one_module".as_ptr()).is_null());
            assert!(ap_add_loaded_module(&mut two, pool, c"two_module".as_ptr()).is_null());
            assert_eq!(ap_find_linked_module(c"mod_one.c".as_ptr()), &raw mut one);
            assert_ne!(one.module_index, two.module_index);
            let short = ap_find_module_short_name(two.module_index);
            assert_eq!(CStr::from_ptr(short), c"two");

            let mut old = named(c"mod_old.c");
            old.version = 20051115;
            let refusal = CStr::from_ptr(ap_add_module(&mut old, pool, null()));
            assert!(
                refusal
                    .to_string_lossy()
                    .contains("20051115, this server provides 20120211")
            );

            ap_remove_loaded_module(&mut one);
            assert!(ap_find_linked_module(c"mod_one.c".as_ptr()).is_null());
            assert_eq!(*ap_loaded_modules, &raw mut two);
            assert!((*ap_loaded_modules.add(1)).is_null());
            ap_remove_loaded_module(&mut two);
            sys::apr_pool_destroy(pool);
        }
    }
}
