//! The walk down the directories of a file: which `<Directory>` sections and `.htaccess` files hold,
//! whether symbolic links on the way may be followed, and where the file ends and its path info
//! begins.
//!
//! Components are only looked at one by one where that is needed: when the whole path was found and
//! links are followed, one stat is all.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null,
};

use httpd_sys as sys;

use super::{
    super::http_config::kept,
    merge::Lasting,
    section_walks::{fits_expression, fits_pattern},
    support::{CORE, bytes, concat, copy, core_dir, core_server, is_blank, log_request},
    symlink,
    walk_cache::{Walk, sections},
};
use crate::request::{
    options::{Options, Switches, Symlinks, symlinks},
    paths,
};

exports! { ap_directory_walk }

const OK: c_int = sys::OK as c_int;
const FORBIDDEN: c_int = sys::HTTP_FORBIDDEN as c_int;
const ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;

const MIN: i32 = sys::APR_FINFO_MIN as i32;
const LINK: i32 = sys::APR_FINFO_LINK as i32;
const NAME: i32 = sys::APR_FINFO_NAME as i32;
const TYPE: i32 = sys::APR_FINFO_TYPE as i32;
const AP_DECLINED: c_int = sys::AP_DECLINED as c_int;
const INCOMPLETE: sys::apr_status_t = sys::APR_INCOMPLETE as sys::apr_status_t;

/// What sections say of links and of `.htaccess` files, added up on the way down.
struct Rules {
    switches: Switches,
    overrides: sys::overrides_t,
    override_options: Options,
    override_list: *mut sys::apr_table_t,
}

impl Rules {
    /// Those of a section.
    ///
    /// # Safety
    /// `core` is the core's part of a live vector.
    unsafe fn of(core: *const sys::core_dir_config) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Self {
                switches: Switches {
                    on: (*core).opts,
                    added: (*core).opts_add,
                    removed: (*core).opts_remove,
                },
                overrides: (*core).override_,
                override_options: (*core).override_opts,
                override_list: (*core).override_list,
            }
        }
    }

    /// Adds those of a section inside; it need not have a part of the core.
    ///
    /// # Safety
    /// `section` is a live vector.
    unsafe fn add(&mut self, section: *const sys::ap_conf_vector_t) {
        // SAFETY: the caller's promise.
        unsafe {
            let core = core_dir(section);
            if core.is_null() {
                return;
            }
            let inner = Self::of(core);
            self.switches = self.switches.then(inner.switches);
            if inner.overrides & sys::OR_UNSET == 0 {
                self.overrides = inner.overrides;
                self.override_options = inner.override_options;
            }
            if !inner.override_list.is_null() {
                self.override_list = inner.override_list;
            }
        }
    }

    fn allow_htaccess(&self) -> bool {
        // SAFETY: NULL or a live table.
        self.overrides != 0 || unsafe { sys::apr_is_empty_table(self.override_list) == 0 }
    }

    fn follow_links(&self) -> bool {
        symlinks(self.switches.on) == Symlinks::Followed
    }
}

/// Looks a file up for a walk; modules may look elsewhere.
///
/// # Safety
/// `r` is live and has a file name.
unsafe fn stat(
    r: *mut sys::request_rec,
    info: *mut sys::apr_finfo_t,
    wanted: i32,
) -> sys::apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        match sys::ap_run_dirwalk_stat(info, r, wanted) {
            AP_DECLINED | sys::DECLINED if wanted == MIN => {
                super::super::stat::stat(info, CStr::from_ptr((*r).filename), (*r).pool)
            }
            AP_DECLINED | sys::DECLINED => sys::apr_stat(info, (*r).filename, wanted, (*r).pool),
            status => status,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_directory_walk(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request; sections do not change while the server runs.
    unsafe {
        if (*r).filename.is_null() {
            let format: &CStr = c"AH00029: Module bug?  Request filename is missing for URI %s";
            log_request!(CORE, APLOG_INFO, 0, r, format, (*r).uri);
            return OK;
        }
        let mut whole = std::ptr::null_mut();
        let status = sys::apr_filepath_merge(
            &mut whole,
            null(),
            (*r).filename,
            sys::APR_FILEPATH_NOTRELATIVE as i32,
            (*r).pool,
        );
        if status != 0 {
            let format: &CStr = c"AH00030: Module bug?  Request filename path %s is invalid or \
                or not absolute for uri %s";
            log_request!(CORE, APLOG_INFO, status, r, format, (*r).filename, (*r).uri);
            return OK;
        }
        (*r).filename = whole;
        let Some(mut walk) = Walk::begin(r, sys::AP_NOTE_DIRECTORY_WALK) else {
            return ERROR;
        };
        stat_whole(r);

        let path = bytes((*r).filename);
        let kind = (*r).finfo.filetype;
        let directory = match kind {
            sys::APR_REG => paths::parent(path).to_vec(),
            _ if path.ends_with(b"/") => path.to_vec(),
            _ => [path, b"/"].concat(),
        };
        let conf = core_server((*r).server);
        let list = sections((*conf).sec_dir);
        let is_whole = kind == sys::APR_REG || (kind == sys::APR_DIR && is_blank((*r).path_info));
        if is_whole && walk.knows(&directory, list.as_ptr()) {
            if walk.is_familiar() {
                return check_known_link(r);
            }
            walk.take_known();
        } else {
            walk.look();
            let answer = walk_down(r, &mut walk, list, (*conf).access_name);
            if answer != OK {
                return answer;
            }
            walk.looked();
        }
        (*r).canonical_filename = (*r).filename;
        let path = bytes((*r).filename);
        let subject = if (*r).finfo.filetype != sys::APR_DIR {
            copy((*r).pool, paths::parent(path))
        } else if path.ends_with(b"/") {
            copy((*r).pool, path)
        } else {
            concat((*r).pool, &[path, b"/"])
        };
        walk.finish(subject, list.as_ptr());
        OK
    }
}

/// Looks the whole path up, unless that has been done: with luck it is all there.
///
/// # Safety
/// `r` is live and has a file name.
unsafe fn stat_whole(r: *mut sys::request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        let info = &raw mut (*r).finfo;
        if !matches!((*info).filetype, sys::APR_NOFILE | sys::APR_LNK) {
            return;
        }
        let status = stat(r, info, MIN);
        let is_file_with_slash = !matches!((*info).filetype, sys::APR_NOFILE | sys::APR_DIR)
            && bytes((*r).filename).ends_with(b"/");
        if status != 0 || is_file_with_slash {
            (*info).filetype = sys::APR_NOFILE;
        }
    }
}

/// The directories are known and allowed; the file itself may still be a link.
///
/// # Safety
/// `r` is live and has a file name.
unsafe fn check_known_link(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let options = (*core_dir((*r).per_dir_config)).opts;
        if symlinks(options) == Symlinks::Followed {
            return OK;
        }
        let mut info: sys::apr_finfo_t = std::mem::zeroed();
        let status = stat(r, &mut info, MIN | NAME | LINK);
        if status != 0 && status != INCOMPLETE {
            let format: &CStr = c"AH00031: access to %s failed; stat of '%s' failed.";
            log_request!(CORE, APLOG_ERR, status, r, format, (*r).uri, (*r).filename);
            (*r).status = FORBIDDEN;
            return FORBIDDEN;
        }
        if info.filetype == sys::APR_LNK {
            let answer = symlink::follow((*r).filename, &mut info, options, (*r).pool);
            if answer != OK {
                let format =
                    c"AH00032: Symbolic link not allowed or link target not accessible: %s";
                return refuse_link(r, answer, format);
            }
        }
        OK
    }
}

/// Logs a link that is not followed.
///
/// # Safety
/// `r` is live and has a file name, which `format` takes.
unsafe fn refuse_link(r: *mut sys::request_rec, answer: c_int, format: &CStr) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        log_request!(CORE, APLOG_ERR, 0, r, format, (*r).filename);
        (*r).status = answer;
    }
    answer
}

/// Goes down from the root, segment by segment. Leaves the file in `filename`, the rest in
/// `path_info` and what was found in `finfo`.
///
/// # Safety
/// `r` is live with an absolute file name; `list` are the server's sections, ordered by their depth,
/// expressions last; `access_name` lists the names of access files.
unsafe fn walk_down(
    r: *mut sys::request_rec,
    walk: &mut Walk,
    list: &[*mut sys::ap_conf_vector_t],
    access_name: *const c_char,
) -> c_int {
    // SAFETY: the caller's promise; `buffer` has room for the longest path, a slash and the NUL, and
    // `length` never passes the path's.
    unsafe {
        let pool = (*r).pool;
        let mut rules = Rules::of(core_dir((*r).per_dir_config));

        // Directories have no path info: what looks like it may be the rest of the path.
        let saved_path_info;
        let whole = if (*r).finfo.filetype == sys::APR_DIR && !is_blank((*r).path_info) {
            saved_path_info = null();
            let mut merged = std::ptr::null_mut();
            let status = sys::apr_filepath_merge(
                &mut merged,
                (*r).filename,
                (*r).path_info
                    .add(usize::from(*(*r).path_info == b'/' as c_char)),
                sys::APR_FILEPATH_NOTABOVEROOT as i32,
                pool,
            );
            if status != 0 {
                let format: &CStr =
                    c"AH00033: dir_walk error, path_info %s is not relative to the \
                    filename path %s for uri %s";
                let (info, name) = ((*r).path_info, (*r).filename);
                log_request!(CORE, APLOG_ERR, status, r, format, info, name, (*r).uri);
                return ERROR;
            }
            // Whether that is there is to be found out anew.
            (*r).finfo.filetype = sys::APR_NOFILE;
            merged
        } else {
            saved_path_info = (*r).path_info.cast_const();
            (*r).filename
        };
        let whole = bytes(whole);
        if whole.first() != Some(&b'/') {
            let format: &CStr = c"AH00034: dir_walk error, could not determine the root path of \
                filename %s for uri %s";
            log_request!(CORE, APLOG_ERR, 0, r, format, (*r).filename, (*r).uri);
            return ERROR;
        }
        let buffer = sys::apr_palloc(pool, whole.len() + 2).cast::<u8>();
        buffer.write(b'/');
        buffer.add(1).write(0);
        (*r).filename = buffer.cast();
        let mut length = 1;
        let mut rest = &whole[1..];
        let mut info: sys::apr_finfo_t = std::mem::zeroed();
        info.valid = TYPE;
        info.filetype = sys::APR_DIR;
        // How deep the directory is: 1 for the root.
        let mut depth = 1;
        let mut next_section = 0;
        let mut is_file = false;

        loop {
            // Sections and access files want the slash of a directory.
            let adds_slash = *buffer.add(length - 1) != b'/';
            if adds_slash {
                buffer.add(length).write(b'/');
                buffer.add(length + 1).write(0);
            }
            next_section =
                add_sections(r, walk, &mut rules, &list[next_section..], depth) + next_section;
            if !is_file && rules.allow_htaccess() {
                let answer = add_htaccess(r, walk, &mut rules, access_name);
                if answer != OK {
                    return answer;
                }
            }
            if adds_slash {
                buffer.add(length).write(0);
            }
            if rest.is_empty() {
                break;
            }
            let segment = paths::next_segment(rest);
            rest = &rest[segment.len()..];
            // Behind the root's slash a segment brings none of its own.
            let segment = match segment.strip_prefix(b"/") {
                Some(name) if *buffer.add(length - 1) == b'/' => name,
                _ => segment,
            };
            buffer
                .add(length)
                .copy_from_nonoverlapping(segment.as_ptr(), segment.len());
            length += segment.len();
            buffer.add(length).write(0);
            if segment.is_empty() || segment == b"/" {
                break;
            }
            if (*r).finfo.filetype != sys::APR_NOFILE && rules.follow_links() {
                // The whole path is there, so this is a directory, or the file itself. A section
                // named like the file holds for it too; it has no access file.
                is_file = rest.is_empty() && (*r).finfo.filetype != sys::APR_DIR;
                depth += 1;
                continue;
            }
            match look_at(r, &mut info, rules.switches.on) {
                Found::Directory => depth += 1,
                Found::Else => break,
                Found::Refused(answer) => return answer,
            }
        }

        if matches!((*r).finfo.filetype, sys::APR_NOFILE | sys::APR_LNK) {
            (*r).finfo = info;
        }
        (*r).path_info = if is_blank(saved_path_info) {
            copy(pool, rest)
        } else if rest.is_empty() {
            saved_path_info.cast_mut()
        } else {
            copy(pool, &paths::join(rest, bytes(saved_path_info)))
        };

        for &section in &list[next_section..] {
            let core = core_dir(section);
            if !(*core).r.is_null() && fits_expression(r, core, (*r).filename) {
                walk.add(section, Lasting::Configuration);
            }
        }
        OK
    }
}

/// Adds the `<Directory>` sections that fit the directory at this depth. Answers how many sections
/// are done with.
///
/// # Safety
/// `r` is live, its file name is the directory with its slash.
unsafe fn add_sections(
    r: *mut sys::request_rec,
    walk: &mut Walk,
    rules: &mut Rules,
    list: &[*mut sys::ap_conf_vector_t],
    depth: u32,
) -> usize {
    for (at, &section) in list.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let core = core_dir(section);
            let components = (*core).d_components;
            if !(*core).r.is_null() || components > depth {
                return at;
            }
            // Sections without a component are for every directory: the root's and "".
            let fits = components == 0
                || (components == depth
                    && if (*core).d_is_fnmatch() != 0 {
                        fits_pattern((*core).d, (*r).filename)
                    } else {
                        bytes((*core).d) == bytes((*r).filename)
                    });
            if fits {
                rules.add(section);
                walk.add(section, Lasting::Configuration);
            }
        }
    }
    list.len()
}

/// Adds what the access file of the directory says, if there is one.
///
/// # Safety
/// As above.
unsafe fn add_htaccess(
    r: *mut sys::request_rec,
    walk: &mut Walk,
    rules: &mut Rules,
    access_name: *const c_char,
) -> c_int {
    // SAFETY: the caller's promise; the directory's name is copied, for it is kept.
    unsafe {
        let mut section = std::ptr::null_mut();
        let answer = sys::ap_parse_htaccess(
            &mut section,
            r,
            rules.overrides as c_int,
            c_int::from(rules.override_options),
            rules.override_list,
            copy((*r).pool, bytes((*r).filename)),
            access_name,
        );
        if answer == OK && !section.is_null() {
            rules.add(section);
            let held = kept::in_use(r).is_some_and(|store| store.holds(section));
            walk.add(section, if held { Lasting::Store } else { Lasting::Not });
        }
        answer
    }
}

/// What a component of the path is.
enum Found {
    Directory,
    /// A file, or nothing: the walk ends here.
    Else,
    /// The answer to the request.
    Refused(c_int),
}

/// Looks at the component the walk has come to.
///
/// # Safety
/// `r` is live, its file name is the component.
unsafe fn look_at(
    r: *mut sys::request_rec,
    info: &mut sys::apr_finfo_t,
    options: Options,
) -> Found {
    // SAFETY: the caller's promise.
    unsafe {
        let status = stat(r, info, MIN | NAME | LINK);
        let refuse = || {
            (*r).status = FORBIDDEN;
            Found::Refused(FORBIDDEN)
        };
        match status as u32 {
            sys::APR_ENOENT => {
                info.filetype = sys::APR_NOFILE;
                return Found::Else;
            }
            sys::APR_EACCES => {
                let format: &CStr = c"AH00035: access to %s denied (filesystem path '%s') because \
                    search permissions are missing on a component of the path";
                log_request!(CORE, APLOG_ERR, status, r, format, (*r).uri, (*r).filename);
                return refuse();
            }
            0 | sys::APR_INCOMPLETE if info.valid & TYPE != 0 => {}
            _ => {
                let format: &CStr = c"AH00036: access to %s failed (filesystem path '%s')";
                log_request!(CORE, APLOG_ERR, status, r, format, (*r).uri, (*r).filename);
                return refuse();
            }
        }
        if info.filetype == sys::APR_LNK {
            let answer = symlink::follow((*r).filename, info, options, (*r).pool);
            if answer != OK {
                let format =
                    c"AH00037: Symbolic link not allowed or link target not accessible: %s";
                return Found::Refused(refuse_link(r, answer, format));
            }
        }
        match info.filetype {
            sys::APR_DIR => Found::Directory,
            sys::APR_REG | sys::APR_NOFILE => Found::Else,
            _ => {
                let format: &CStr = c"AH00038: Forbidden: %s doesn't point to a file or directory";
                log_request!(CORE, APLOG_ERR, 0, r, format, (*r).filename);
                refuse()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::CString, fs, os::unix::fs::symlink as make_link, path::PathBuf};

    use super::*;
    use crate::abi::{http_protocol::testing::TestRequest, http_request::support::zeroed};

    /// A directory of the test's own, which goes with it.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("httpd-rs-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.join("site/sub")).expect("the temporary directory is writable");
            fs::write(path.join("site/sub/page.html"), "page").expect("it is ours");
            make_link("sub", path.join("site/link")).expect("it is ours");
            Self(path)
        }

        /// Walks to a file below it under these options of all directories; the answer, the file's
        /// name, path info and whether the section for `site/` was found.
        fn walk(&self, file: &str, options: u32) -> (c_int, String, String, bool) {
            let request = TestRequest::new();
            let path = |name: &str| {
                CString::new(format!("{}/{name}", self.0.display())).expect("names hold no NUL")
            };
            // SAFETY: all lives in the request's pool.
            unsafe {
                let r = request.r;
                let pool = (*r).pool;
                (*core_dir((*(*r).server).lookup_defaults)).opts = options as Options;
                let core = (*r).request_config.cast::<*mut sys::core_request_config>();
                (**core).notes = zeroed::<[*mut std::ffi::c_void; 8]>(pool).cast();
                let section = sys::ap_create_request_config(pool);
                let dir = zeroed::<sys::core_dir_config>(pool);
                (*dir).d = copy(pool, path("site/").to_bytes());
                (*dir).d_components = sys::ap_count_dirs((*dir).d) as u32;
                (*dir).opts = sys::OPT_UNSET as Options;
                (*dir).override_ = sys::OR_UNSET;
                section.cast::<*mut sys::core_dir_config>().write(dir);
                let conf = core_server((*r).server);
                (*conf).sec_dir = sys::apr_array_make(pool, 1, 8);
                sys::apr_array_push((*conf).sec_dir)
                    .cast::<*mut sys::ap_conf_vector_t>()
                    .write(section);
                (*conf).access_name = copy(pool, b".htaccess");
                (*r).per_dir_config = (*(*r).server).lookup_defaults;
                (*r).uri = copy(pool, b"/");
                (*r).filename = copy(pool, path(file).to_bytes());
                let answer = ap_directory_walk(r);
                let text = |text: *const c_char| String::from_utf8_lossy(bytes(text)).into_owned();
                let name = text((*r).filename).replace(&format!("{}/", self.0.display()), "");
                let found = (*r).per_dir_config != (*(*r).server).lookup_defaults;
                (answer, name, text((*r).path_info), found)
            }
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn is(name: &str, path_info: &str) -> (c_int, String, String, bool) {
        (OK, name.into(), path_info.into(), true)
    }

    #[test]
    fn a_file_is_found_and_the_rest_is_path_info() {
        let root = Root::new("walk-files");
        for options in [0, sys::OPT_SYM_LINKS] {
            let walk = |file| root.walk(file, options);
            assert_eq!(walk("site/sub/page.html"), is("site/sub/page.html", ""));
            assert_eq!(
                walk("site/sub/page.html/a/b"),
                is("site/sub/page.html", "/a/b")
            );
            assert_eq!(walk("site/sub/none/a/b"), is("site/sub/none", "/a/b"));
            assert_eq!(walk("site/sub"), is("site/sub", ""));
            assert_eq!(walk("site/sub/"), is("site/sub/", ""));
            assert_eq!(walk("site"), is("site", ""));
            assert!(!walk("other").3);
        }
    }

    #[test]
    fn links_are_followed_where_the_options_say_so() {
        let root = Root::new("walk-links");
        let through = "site/link/page.html";
        assert_eq!(root.walk(through, sys::OPT_SYM_LINKS), is(through, ""));
        assert_eq!(root.walk(through, sys::OPT_SYM_OWNER), is(through, ""));
        assert_eq!(root.walk(through, sys::OPT_INDEXES).0, FORBIDDEN);
        let both = sys::OPT_SYM_LINKS | sys::OPT_SYM_OWNER;
        assert_eq!(root.walk(through, both), is(through, ""));
        // To a file of another user: root's, or, run as root, one that is given away.
        make_link("/etc/passwd", root.0.join("site/foreign")).expect("it is ours");
        // SAFETY: asks for a number.
        if unsafe { libc::geteuid() } == 0 {
            std::os::unix::fs::lchown(root.0.join("site/foreign"), Some(12345), None)
                .expect("root may");
        }
        assert_eq!(
            root.walk("site/foreign", sys::OPT_SYM_LINKS),
            is("site/foreign", "")
        );
        assert_eq!(root.walk("site/foreign", both).0, FORBIDDEN);
    }
}
