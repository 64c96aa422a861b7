//! The list of modules: adding, removing and finding them.
//!
//! Modules are added while the configuration is read, when the server is single-threaded; from then
//! on the list only changes when the next configuration is read.

use std::{
    collections::HashMap,
    ffi::{CStr, c_char, c_int},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, command_rec, module};

use super::pool_text;
use crate::crash::trail::{Kind, Place, Step, Subject};
use crate::modules::{self, MAX_MODULES, static_modules};

exports! {
    ap_add_module, ap_remove_module, ap_add_loaded_module, ap_remove_loaded_module,
    ap_register_hooks, ap_find_module_name, ap_find_module_short_name, ap_find_linked_module,
    ap_find_command, ap_find_command_in_modules, ap_exists_directive, ap_reserve_module_slots,
    ap_reserve_module_slots_directive, ap_setup_prelinked_modules, ap_run_rewrite_args,
    ap_single_module_configure,
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

/// A module and a command of its table.
pub(super) type Command = (*mut module, *const command_rec);

/// The commands by name in small letters; of several modules, the one added last stands first.
static mut COMMANDS: Option<HashMap<Vec<u8>, Vec<Command>>> = None;

/// How many indices are kept for modules that come when vectors have their size.
static mut RESERVED: usize = 0;

/// The commands with this name, in any case.
///
/// # Safety
/// The slice is not used when a module has been added or removed meanwhile.
pub(super) unsafe fn commands_named<'a>(name: &[u8]) -> &'a [Command] {
    let mut small = [0; 64];
    // SAFETY: commands are only added while the server is single-threaded.
    let Some(commands) = (unsafe { &*(&raw const COMMANDS) }) else {
        return &[];
    };
    let found = match small.get_mut(..name.len()) {
        Some(small) => {
            small.copy_from_slice(name);
            small.make_ascii_lowercase();
            commands.get(&*small)
        }
        None => commands.get(&name.to_ascii_lowercase()),
    };
    found.map_or(&[], Vec::as_slice)
}

/// The names of all commands, as their modules write them.
///
/// # Safety
/// As `modules`.
pub(super) unsafe fn command_names() -> Vec<Vec<u8>> {
    // SAFETY: the caller's promise.
    unsafe {
        modules()
            .flat_map(|m| table((*m).cmds))
            .map(|cmd| CStr::from_ptr((*cmd).name).to_bytes().to_vec())
            .collect()
    }
}

/// The entries of a command table.
///
/// # Safety
/// `first` is NULL or a table that ends with a nameless entry and outlives the iterator.
pub(super) unsafe fn table(first: *const command_rec) -> impl Iterator<Item = *const command_rec> {
    // SAFETY: the caller's promise.
    let named = |cmd: *const command_rec| unsafe { !(*cmd).name.is_null() };
    let first = (!first.is_null() && named(first)).then_some(first);
    std::iter::successors(first, move |&cmd| {
        // SAFETY: an entry with a name has another behind it.
        let next = unsafe { cmd.add(1) };
        named(next).then_some(next)
    })
}

/// How many places a vector needs: as many as indices are taken or reserved.
pub(super) fn slots() -> usize {
    // SAFETY: single-threaded, as all that changes the list.
    unsafe {
        let taken = &*(&raw const TAKEN);
        let used = taken.iter().rposition(|&taken| taken).map_or(0, |i| i + 1);
        (used + RESERVED).min(MAX_MODULES)
    }
}

/// Makes a module's commands known.
///
/// # Safety
/// `m` is being added, the server is single-threaded.
unsafe fn add_commands(m: *mut module) {
    // SAFETY: the caller's promise.
    unsafe {
        let commands = (*(&raw mut COMMANDS)).get_or_insert_default();
        let entries: Vec<_> = table((*m).cmds).collect();
        // Backwards, so that of two entries of one table the first is found first.
        for cmd in entries.into_iter().rev() {
            let name = CStr::from_ptr((*cmd).name).to_bytes();
            commands
                .entry(name.to_ascii_lowercase())
                .or_default()
                .insert(0, (m, cmd));
        }
    }
}

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
            return pool_text(pool, text);
        }
        if (*m).module_index == -1 {
            let taken = &mut *(&raw mut TAKEN);
            // What vectors have no place for cannot be added any more.
            let room = super::vectors::length();
            let Some(index) = taken[..room].iter().position(|taken| !taken) else {
                let text = format!(
                    "module \"{}\" could not be loaded: there is no place for more than {room} \
                     modules (one that is added after the configuration was read must have been \
                     announced with ap_reserve_module_slots)",
                    name.to_string_lossy()
                );
                return pool_text(pool, text);
            };
            taken[index] = true;
            (*m).module_index = index as c_int;
        }
        // Some build systems leave the source's path in the name; logs and <IfModule> want the file.
        let bytes = name.to_bytes();
        if let Some(slash) = bytes.iter().rposition(|&byte| byte == b'/') {
            (*m).name = (*m).name.add(slash + 1);
        }
        let called = match symbol.is_null() {
            true => static_modules::symbol_of(m).unwrap_or((*m).name),
            false => symbol,
        };
        modules::set_short_name((*m).module_index, CStr::from_ptr(called).to_str().ok());
        (*m).next = ap_top_module;
        ap_top_module = m;
        add_commands(m);
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
            let text = format!(
                "AH00525: Cannot remove module {}: not found in module list",
                super::lossy((*m).name)
            );
            super::log_plain(sys::APLOG_ERR, &text);
            return;
        }
        *link = (*m).next;
        if let Some(commands) = &mut *(&raw mut COMMANDS) {
            commands.retain(|_, commands| {
                commands.retain(|&(of, _)| of != m);
                !commands.is_empty()
            });
        }
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
            if std::env::var_os("SHOW_HOOKS").is_some() {
                println!("Registering hooks for {}", super::lossy((*m).name));
                sys::apr_hook_debug_enabled = 1;
            }
            sys::apr_hook_debug_current = (*m).name;
            static PLACE: Place = Place::call(Kind::Call, "register_hooks");
            let step = Step::of(&PLACE, (*m).name, Subject::None);
            let _on = step.enter();
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

/// Whether any module has a directive of this name now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_exists_directive(
    _p: *mut sys::apr_pool_t,
    name: *const c_char,
) -> c_int {
    // SAFETY: the header asks for a name; a table is not looked into.
    unsafe { c_int::from(!commands_named(CStr::from_ptr(name).to_bytes()).is_empty()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_reserve_module_slots(count: c_int) {
    // SAFETY: called in pre_config, when the server is single-threaded.
    unsafe { RESERVED = RESERVED.saturating_add_signed(count as isize) }
}

/// Reserves a slot for each time that a directive stands in the configuration, sections included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_reserve_module_slots_directive(directive: *const c_char) {
    unsafe fn count(mut node: *const sys::ap_directive_t, name: &[u8]) -> usize {
        let mut found = 0;
        // SAFETY: the tree is not changed meanwhile; its depth is limited.
        unsafe {
            while !node.is_null() {
                let same = CStr::from_ptr((*node).directive).to_bytes();
                found += usize::from(same.eq_ignore_ascii_case(name));
                found += count((*node).first_child, name);
                node = (*node).next;
            }
        }
        found
    }
    // SAFETY: the header asks for a name; the tree is what was read, or NULL.
    unsafe {
        let name = CStr::from_ptr(directive).to_bytes();
        RESERVED += count(sys::ap_conftree, name);
    }
}

/// Adds the static modules to the list. They stay in it for ever: where the hooks have been
/// forgotten for another reading of the configuration, they only register those again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_setup_prelinked_modules(
    process: *mut sys::process_rec,
) -> *const c_char {
    // SAFETY: the header asks for the process; it is single-threaded.
    unsafe {
        sys::apr_hook_global_pool = (*process).pconf;
        forget_sizes();
        for m in static_modules::all() {
            if modules().any(|known| known == m) {
                ap_register_hooks(m, (*process).pconf);
                continue;
            }
            let refusal = ap_add_loaded_module(m, (*process).pconf, null());
            if !refusal.is_null() {
                return refusal;
            }
        }
        sys::apr_hook_sort_all();
    }
    null()
}

/// Begins a reading of the configuration: any number of modules may come.
///
/// # Safety
/// The server is single-threaded, and no vector of the last reading is used any more.
pub(super) unsafe fn forget_sizes() {
    // SAFETY: the caller's promise.
    unsafe { RESERVED = 0 };
    super::vectors::fit(MAX_MODULES);
}

/// Lets the modules look at the command line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_run_rewrite_args(process: *mut sys::process_rec) {
    // SAFETY: the header asks for the process; it is single-threaded.
    unsafe {
        for m in modules() {
            if let Some(rewrite) = (*m).rewrite_args {
                rewrite(process);
            }
        }
    }
}

/// Gives a module that has just been loaded its configurations of the server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_single_module_configure(
    p: *mut sys::apr_pool_t,
    s: *mut sys::server_rec,
    m: *mut module,
) {
    // SAFETY: the header asks for a live pool and server and a module of the list.
    unsafe {
        if let Some(create) = (*m).create_server_config {
            super::vectors::ap_set_module_config((*s).module_config, m, create(p, s));
        }
        if let Some(create) = (*m).create_dir_config {
            let config = create(p, null_mut());
            super::vectors::ap_set_module_config((*s).lookup_defaults, m, config);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing;

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
        let _turn = testing::turn();
        // SAFETY: tests that touch the list take turns; the modules outlive their stay in it.
        testing::with_pool(|pool| unsafe {
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
        });
    }
}
