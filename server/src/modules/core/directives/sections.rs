//! Containers whose content holds for a part of the site: `<Directory>`, `<Files>`, `<Location>`,
//! their `...Match` forms, `<If>`, `<Limit>` and `<VirtualHost>`.

use std::ffi::{CStr, c_char};

use httpd_sys::{self as sys, core_dir_config};

use super::{missing_argument, section_argument, section_arguments};
use crate::modules::core::{
    command::{Cmd, Outcome, Refusal, answer, shown},
    options::is_pattern,
};

/// The row number of a `...Match` container.
pub(in crate::modules::core) const MATCH: usize = 1;

/// Everything of `.htaccess` and of `<Directory>` is allowed in a section.
const ALL_OVERRIDES: u32 = sys::OR_ALL | sys::ACCESS_CONF;

/// The path and the overrides of the surrounding context, given back when the section ends.
struct Context<'a> {
    cmd: Cmd<'a>,
    path: *mut c_char,
    overrides: i32,
}

impl<'a> Context<'a> {
    /// Remembers them.
    fn save(cmd: Cmd<'a>) -> Self {
        // SAFETY: the command is live.
        unsafe {
            let parms = cmd.as_ptr();
            Self {
                cmd,
                path: (*parms).path,
                overrides: (*parms).override_,
            }
        }
    }

    /// The content stands in a section for `path`.
    fn enter(&self, path: *mut c_char, in_htaccess_too: bool) {
        // SAFETY: the command is live.
        unsafe {
            let parms = self.cmd.as_ptr();
            (*parms).path = path;
            // In .htaccess what it may override does not grow.
            if !in_htaccess_too || self.path.is_null() {
                (*parms).override_ = ALL_OVERRIDES as i32;
            }
        }
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: the command is live.
        unsafe {
            let parms = self.cmd.as_ptr();
            (*parms).path = self.path;
            (*parms).override_ = self.overrides;
        }
    }
}

/// What a section is for.
struct Target {
    path: *mut c_char,
    regex: *mut sys::ap_regex_t,
}

/// Reads the path or pattern: `~ pattern`, the pattern of a `...Match`, or a path that `canonical`
/// brings into the form it is compared in.
fn target<'a>(
    cmd: Cmd<'a>,
    arguments: &mut &'a CStr,
    canonical: impl FnOnce(&'a CStr) -> Result<*mut c_char, Refusal>,
) -> Result<Target, Refusal> {
    let mut path = cmd.word(arguments);
    let tilde = path == c"~" && cmd.data() != MATCH;
    if tilde {
        path = cmd.word(arguments);
    }
    if tilde || cmd.data() == MATCH {
        let flags = sys::AP_REG_EXTENDED as i32;
        // SAFETY: the pool is live; the pattern is a string.
        let regex = unsafe { sys::ap_pregcomp(cmd.pool().as_ptr(), path.as_ptr(), flags) };
        if regex.is_null() {
            return Err("Regex could not be compiled".into());
        }
        return Ok(Target {
            path: cmd.keep(path.to_bytes()),
            regex,
        });
    }
    Ok(Target {
        path: canonical(path)?,
        regex: std::ptr::null_mut(),
    })
}

/// The record of a new section with its content read into it, and the vector around it.
fn read_section(
    cmd: Cmd<'_>,
    target: &Target,
    prepare: impl FnOnce(&mut core_dir_config) -> Outcome,
) -> Result<(*mut sys::ap_conf_vector_t, *mut core_dir_config), Refusal> {
    // SAFETY: the engine's functions are given live objects; the record is the core's, made by
    // `ap_set_config_vectors` when it was not there.
    unsafe {
        let parms = cmd.as_ptr();
        let pool = (*parms).pool;
        let vector = sys::ap_create_per_dir_config(pool);
        let conf = sys::ap_set_config_vectors(
            (*parms).server,
            vector,
            target.path,
            &raw mut super::super::core_module,
            pool,
        )
        .cast::<core_dir_config>();
        prepare(&mut *conf)?;
        answer(sys::ap_walk_config(
            (*(*parms).directive).first_child,
            parms,
            vector,
        ))?;
        (*conf).d = target.path;
        (*conf).r = target.regex;
        let pattern = is_pattern(CStr::from_ptr(target.path).to_bytes());
        (*conf).set_d_is_fnmatch(u32::from(pattern));
        if !target.regex.is_null() {
            (*conf).refs = cmd.pool().array::<*mut c_char>(8).as_ptr();
            sys::ap_regname(
                target.regex,
                (*conf).refs,
                sys::AP_REG_MATCH.as_ptr().cast(),
                1,
            );
        }
        Ok((vector, conf))
    }
}

/// One container, one path.
fn no_more(cmd: Cmd<'_>, arguments: &CStr) -> Outcome {
    if arguments.is_empty() {
        Ok(())
    } else {
        Err(format!("Multiple {}> arguments not (yet) supported.", cmd.name()).into())
    }
}

/// `<Directory>` and `<DirectoryMatch>`
pub(in crate::modules::core) fn directory(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let mut arguments = section_argument(cmd, line)?;
    let context = Context::save(cmd);
    let target = target(cmd, &mut arguments, |path| {
        if path == c"/" {
            return Ok(cmd.keep("/"));
        }
        let mut merged = std::ptr::null_mut();
        // SAFETY: the pool is live; the result is a string in it.
        unsafe {
            let status = sys::apr_filepath_merge(
                &mut merged,
                std::ptr::null(),
                path.as_ptr(),
                sys::APR_FILEPATH_TRUENAME as i32,
                cmd.pool().as_ptr(),
            );
            if merged.is_null() || (status != 0 && status != APR_EPATHWILD) {
                let path = shown(path);
                return Err(format!("<Directory \"{path}\"> path is invalid.").into());
            }
            let mut merged = CStr::from_ptr(merged).to_bytes().to_vec();
            if merged.last() != Some(&b'/') {
                merged.push(b'/');
            }
            Ok(cmd.keep(merged))
        }
    })?;
    context.enter(target.path, false);
    let (vector, conf) = read_section(cmd, &target, |_| Ok(()))?;
    // SAFETY: the record was just made; its path is a string.
    unsafe {
        // The root has no components: it comes before all others and always holds.
        let path = CStr::from_ptr(target.path).to_bytes();
        let slashes = path.iter().filter(|&&byte| byte == b'/').count();
        (*conf).d_components = if path == b"/" { 0 } else { slashes as u32 };
        sys::ap_add_per_dir_conf(cmd.server(), vector.cast());
    }
    no_more(cmd, arguments)
}

/// A path with wildcards, which APR reports when it looks for the true name.
const APR_EPATHWILD: sys::apr_status_t = 20025;

/// `<Location>` and `<LocationMatch>`
pub(in crate::modules::core) fn location(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    let mut arguments = section_argument(cmd, line)?;
    let context = Context::save(cmd);
    let target = target(cmd, &mut arguments, |path| Ok(cmd.keep(path.to_bytes())))?;
    context.enter(target.path, false);
    let (vector, _) = read_section(cmd, &target, |_| Ok(()))?;
    // SAFETY: the server is live.
    unsafe { sys::ap_add_per_url_conf(cmd.server(), vector.cast()) };
    no_more(cmd, arguments)
}

/// `<Files>` and `<FilesMatch>`
pub(in crate::modules::core) fn files(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_LOCATION | sys::NOT_IN_LIMIT)?;
    let mut arguments = section_argument(cmd, line)?;
    let context = Context::save(cmd);
    let target = target(cmd, &mut arguments, |path| {
        let mut merged = std::ptr::null_mut();
        // SAFETY: the pool is live.
        let status = unsafe {
            sys::apr_filepath_merge(
                &mut merged,
                c"".as_ptr(),
                path.as_ptr(),
                0,
                cmd.pool().as_ptr(),
            )
        };
        if status != 0 {
            return Err(format!("<Files \"{}\"> is invalid.", shown(path)).into());
        }
        Ok(merged)
    })?;
    context.enter(target.path, true);
    let (vector, _) = read_section(cmd, &target, |_| Ok(()))?;
    // SAFETY: the surrounding record is live.
    unsafe { sys::ap_add_file_conf(cmd.pool().as_ptr(), cmd.dir(), vector.cast()) };
    no_more(cmd, arguments)
}

/// `<If>`, `<ElseIf>` and `<Else>`; the row's number is its `AP_CONDITION_*`.
pub(in crate::modules::core) fn if_section(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_LIMIT)?;
    let mut arguments = section_arguments(cmd, line)?;
    let kind = cmd.data() as u32;
    let context = Context::save(cmd);
    // Other directives learn from the path that they stand in a section.
    let target = Target {
        path: cmd.keep("*If"),
        regex: std::ptr::null_mut(),
    };
    context.enter(target.path, true);
    let (vector, _) = read_section(cmd, &target, |conf| {
        conf.set_condition_ifelse(kind);
        if kind == sys::AP_CONDITION_ELSE {
            if !arguments.is_empty() {
                return Err("<Else> does not take an argument".into());
            }
            return Ok(());
        }
        if arguments.is_empty() {
            return Err(missing_argument(cmd));
        }
        // One word, mostly in quotes.
        let condition = cmd.word(&mut arguments);
        conf.condition = cmd
            .expression(condition, 0)
            .map_err(|error| format!("Cannot parse condition clause: {error}"))?;
        if !arguments.is_empty() {
            return Err(format!("Multiple {}> arguments not supported.", cmd.name()).into());
        }
        Ok(())
    })?;
    // SAFETY: the path holds no wildcard although it starts with a star; the surrounding record is
    // live.
    unsafe {
        let conf = sys::ap_get_core_module_config(vector).cast::<core_dir_config>();
        (*conf).set_d_is_fnmatch(0);
        answer(sys::ap_add_if_conf(
            cmd.pool().as_ptr(),
            cmd.dir(),
            vector.cast(),
        ))
    }
}

/// `<VirtualHost>`
pub(in crate::modules::core) fn virtual_host(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    cmd.not_in(sys::GLOBAL_ONLY)?;
    let addresses = section_argument(cmd, line)?;
    // SAFETY: the engine's functions are given live objects; the new server is put into the list
    // behind the main one.
    unsafe {
        let parms = cmd.as_ptr();
        let main = (*parms).server;
        if (*main).is_virtual != 0 {
            return Err("<VirtualHost> doesn't nest!".into());
        }
        let mut host = std::ptr::null_mut();
        answer(sys::ap_init_virtual_host(
            (*parms).pool,
            addresses.as_ptr(),
            main,
            &mut host,
        ))?;
        (*host).next = (*main).next;
        (*main).next = host;
        (*host).defn_name = (*(*parms).directive).filename;
        (*host).defn_line_number = (*(*parms).directive).line_num as u32;

        (*parms).server = host;
        let outcome = answer(sys::ap_walk_config(
            (*(*parms).directive).first_child,
            parms,
            (*host).lookup_defaults,
        ));
        (*parms).server = main;
        outcome
    }
}

/// The row number of `<LimitExcept>`.
pub(in crate::modules::core) const EXCEPT: usize = 1;

/// `<Limit>` and `<LimitExcept>`: the content holds for some methods only.
pub(in crate::modules::core) fn limit(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    let mut methods = section_argument(cmd, line)?;
    let except = cmd.data() == EXCEPT;
    let mut limited: u64 = 0;
    while !methods.is_empty() {
        let method = cmd.word(&mut methods);
        limited |= 1 << method_number(cmd, method, except)?;
    }
    if except {
        limited = !limited;
    }
    // SAFETY: the command is live; the directive has its children.
    unsafe {
        let parms = cmd.as_ptr();
        let before = (*parms).limited as u64;
        if before & limited == 0 {
            return Err(format!("{}> directive excludes all methods", cmd.name()).into());
        }
        if before & limited == before {
            return Err(format!(
                "{}> directive specifies methods already excluded",
                cmd.name()
            )
            .into());
        }
        (*parms).limited = (before & limited) as i64;
        let outcome = answer(sys::ap_walk_config(
            (*(*parms).directive).first_child,
            parms,
            (*parms).context,
        ));
        (*parms).limited = before as i64;
        outcome
    }
}

/// The number of a method, which is registered when it is new.
fn method_number(cmd: Cmd<'_>, method: &CStr, except: bool) -> Result<u32, Refusal> {
    // SAFETY: the name is a string; a registered one lives as long as the configuration.
    unsafe {
        let number = sys::ap_method_number_of(method.as_ptr()) as u32;
        if number == sys::M_TRACE && !except {
            return Err("TRACE cannot be controlled by <Limit>, see TraceEnable".into());
        }
        if number != sys::M_INVALID {
            return Ok(number);
        }
        // .htaccess is read for one request: what it says must not outlive that.
        if cmd.pool().as_ptr() == cmd.temp_pool().as_ptr() {
            return Err(format!(
                "Could not register method '{}' for {} from .htaccess configuration",
                shown(method),
                cmd.name()
            )
            .into());
        }
        let name = cmd.keep(method.to_bytes());
        Ok(sys::ap_method_register(cmd.pool().as_ptr(), name) as u32)
    }
}
