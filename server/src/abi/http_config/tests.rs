//! A small configuration, read and executed with a module of the test's own.

use std::{
    cell::RefCell,
    ffi::{CStr, CString, c_char, c_int, c_void},
    fs,
    mem::zeroed,
    path::{Path, PathBuf},
    ptr::{null, null_mut},
    time::Duration,
};

use httpd_sys::{self as sys, ap_directive_t, apr_pool_t, cmd_parms, command_rec, module};

use super::{
    super::http_request::support,
    htaccess, lossy, pool_text, read, registry,
    testing::{turn, with_pool},
    tree, vectors, walk,
};

thread_local! {
    /// What the module's commands were called with: path, line and text.
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" fn create_dir(p: *mut apr_pool_t, _: *mut c_char) -> *mut c_void {
    // SAFETY: the core gives a live pool.
    unsafe { pool_text(p, "conf").cast() }
}

unsafe extern "C" fn note(
    cmd: *mut cmd_parms,
    conf: *mut c_void,
    word: *const c_char,
) -> *const c_char {
    // SAFETY: called as a command.
    unsafe {
        assert_eq!(CStr::from_ptr(conf.cast()), c"conf");
        let line = (*(*cmd).directive).line_num;
        let word = lossy(word);
        SEEN.with_borrow_mut(|seen| seen.push(format!("{}:{line}:{word}", lossy((*cmd).path))));
        if word == "bad" {
            return c"that is bad".as_ptr();
        }
    }
    null()
}

/// `<TestDir path>`: its directives are executed into a vector of their own.
unsafe extern "C" fn section(
    cmd: *mut cmd_parms,
    _: *mut c_void,
    args: *const c_char,
) -> *const c_char {
    // SAFETY: called as a command.
    unsafe {
        let (path, places) = ((*cmd).path, (*cmd).override_);
        let name = lossy(args);
        (*cmd).path = pool_text((*cmd).pool, name.trim_end_matches('>'));
        (*cmd).override_ = (sys::OR_ALL | sys::ACCESS_CONF) as c_int;
        let vector = vectors::ap_create_per_dir_config((*cmd).pool);
        let error = walk::ap_walk_config((*(*cmd).directive).first_child, cmd, vector);
        ((*cmd).path, (*cmd).override_) = (path, places);
        error
    }
}

/// `<TestIf yes>` or `<TestIf no>`, decided as it is read.
unsafe extern "C" fn decide(
    cmd: *mut cmd_parms,
    place: *mut c_void,
    args: *const c_char,
) -> *const c_char {
    // SAFETY: called as a command that runs at once.
    unsafe {
        let name = (*(*cmd).cmd).name.cast_mut();
        if CStr::from_ptr(args) != c"yes>" {
            *place.cast::<*mut ap_directive_t>() = null_mut();
            return tree::ap_soak_end_container(cmd, name);
        }
        let (mut current, mut parent) = (null_mut(), null_mut());
        let error = tree::ap_build_cont_config(
            (*cmd).pool,
            (*cmd).temp_pool,
            cmd,
            &mut current,
            &mut parent,
            name,
        );
        *place.cast::<*mut ap_directive_t>() = current;
        error
    }
}

unsafe extern "C" fn include(
    cmd: *mut cmd_parms,
    place: *mut c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let mut produced = null_mut();
        let error = read::ap_process_fnmatch_configs(
            (*cmd).server,
            name,
            &mut produced,
            (*cmd).pool,
            (*cmd).temp_pool,
            c_int::from(!(*cmd).info.is_null()),
        );
        *place.cast::<*mut ap_directive_t>() = produced;
        error
    }
}

fn commands() -> Vec<command_rec> {
    let command = |name: &'static CStr, func, how, places: u32| command_rec {
        name: name.as_ptr(),
        func,
        cmd_data: null_mut(),
        req_override: places as c_int,
        args_how: how,
        errmsg: c"usage".as_ptr(),
    };
    let now = sys::RSRC_CONF | sys::OR_ALL | sys::EXEC_ON_READ;
    let raw = |f| sys::cmd_func { raw_args: Some(f) };
    let take1 = |f| sys::cmd_func { take1: Some(f) };
    let mut optional = command(c"TestTry", take1(include), sys::TAKE1, now);
    optional.cmd_data = std::ptr::dangling_mut();
    vec![
        command(
            c"Test",
            take1(note),
            sys::TAKE1,
            sys::RSRC_CONF | sys::OR_FILEINFO,
        ),
        command(c"TestHost", take1(note), sys::TAKE1, sys::RSRC_CONF),
        command(
            c"<TestDir",
            raw(section),
            sys::RAW_ARGS,
            sys::RSRC_CONF | sys::ACCESS_CONF,
        ),
        command(c"<TestIf", raw(decide), sys::RAW_ARGS, now),
        command(c"<IfVersion", raw(decide), sys::RAW_ARGS, now),
        command(c"TestInclude", take1(include), sys::TAKE1, now),
        optional,
        // SAFETY: the nameless entry at the end.
        unsafe { zeroed() },
    ]
}

/// Runs `test` with the module in the list and a server to configure.
fn with_server(test: impl FnOnce(*mut apr_pool_t, *mut sys::server_rec, &Path)) {
    let _turn = turn();
    SEEN.take();
    let dir = std::env::temp_dir().join(format!("httpd-rs-cfg-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let table = commands();
    // SAFETY: the module and the server outlive their use; zero is a value of their members.
    with_pool(|pool| unsafe {
        let mut m: module = zeroed();
        m.version = sys::MODULE_MAGIC_NUMBER_MAJOR as c_int;
        m.module_index = -1;
        m.name = c"mod_test.c".as_ptr();
        m.cmds = table.as_ptr();
        m.create_dir_config = Some(create_dir);
        registry::forget_sizes();
        assert!(registry::ap_add_loaded_module(&mut m, pool, c"test_module".as_ptr()).is_null());
        let mut server: sys::server_rec = zeroed();
        server.module_config = vectors::empty(pool);
        server.lookup_defaults = vectors::empty(pool);
        test(pool, &mut server, &dir);
        registry::ap_remove_loaded_module(&mut m);
    });
    fs::remove_dir_all(&dir).unwrap();
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn c_path(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

/// Reads and executes a text: what the commands saw, or the error of the reading.
fn run(
    pool: *mut apr_pool_t,
    server: *mut sys::server_rec,
    dir: &Path,
    text: &str,
) -> Result<Vec<String>, String> {
    let file = c_path(&write(dir, "main.conf", text));
    // SAFETY: the callers pass what `with_server` made.
    unsafe {
        let mut tree = null_mut();
        let error = read::ap_process_resource_config(server, file.as_ptr(), &mut tree, pool, pool);
        if !error.is_null() {
            return Err(lossy(error).replace(&dir.display().to_string(), "DIR"));
        }
        let mut parms = read::server_parms(pool, pool, server);
        let error = walk::ap_walk_config(tree, &mut parms, (*server).lookup_defaults);
        if !error.is_null() {
            let line = (*parms.err_directive).line_num;
            return Err(format!("{line}: {}", lossy(error)));
        }
    }
    Ok(SEEN.take())
}

#[test]
fn a_configuration_is_read_and_executed_in_order() {
    with_server(|pool, server, dir| {
        let extra = write(
            dir,
            "extra.conf",
            "Test extra\n<TestDir /e>\nTest inner\n</TestDir>\n",
        );
        let text = format!(
            "# comment\n\n  Test 'one two'\n<testdir /a>\n  test \\\n  three\n  <TestDir /b>\n    \
             Test four\n  </TestDir>\n</TestDir>\n<TestIf yes>\nTest five\n<TestIf no>\nTest \
             never\n<Any x>\n</Any>\n</TestIf>\n</TestIf>\nTestInclude {}\nTestTry /none.conf\n\
             Test six",
            extra.display()
        );
        let seen = run(pool, server, dir, &text).unwrap();
        assert_eq!(
            seen,
            [
                ":3:one two",
                "/a:6:three",
                "/b:8:four",
                ":12:five",
                ":1:extra",
                "/e:3:inner",
                ":21:six"
            ]
        );
    });
}

#[test]
fn errors_name_file_and_line() {
    with_server(|pool, server, dir| {
        let fails = |text: &str, expected: &str| {
            let error = run(pool, server, dir, text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        };
        fails(
            "Test a\nTset b\n",
            "2: Invalid command 'Tset', perhaps misspelled or defined by a module not included in \
             the server configuration",
        );
        fails("<TestDir /a>\n\nTest bad\n</TestDir>", "3: that is bad");
        fails(
            "<TestDir /a>\nTestHost x\n</TestDir>",
            "2: TestHost not allowed in <TestDir> context",
        );
        // The name is the table's, whatever its case in the text.
        fails(
            "<testdir /a>\nTestHost x\n</testdir>",
            "2: TestHost not allowed in <TestDir> context",
        );
        fails("Test", "1: Test takes one argument, usage");
        fails(
            "\n</TestDir>",
            "Syntax error on line 2 of DIR/main.conf: </TestDir> without matching <TestDir> section",
        );
        fails(
            "<TestDir /a>\n</Other>",
            "Syntax error on line 2 of DIR/main.conf: Expected </TestDir> but saw </Other>",
        );
        fails(
            "<TestDir /a>\n<Other>\n",
            "Syntax error on line 1 of DIR/main.conf: DIR/main.conf:2: <Other> was not closed.\n\
             DIR/main.conf:1: <TestDir> was not closed.",
        );
        fails(
            "\n<TestIf no>\n",
            "Syntax error on line 2 of DIR/main.conf: Expected </TestIf> before end of \
             configuration",
        );
        fails(
            "<TestIf no>\n<X>\n</TestIf>",
            "line 1 of DIR/main.conf: Expected </X> but saw </TestIf>",
        );
        fails(
            "TestInclude /none.conf",
            "Could not open configuration file /none.conf: No such file or directory",
        );
        fails(
            "TestInclude rel*.conf",
            "Include must have an absolute path, rel*.conf",
        );
        // The error of an included file names both places.
        let inner = write(dir, "inner.conf", "\n</X>");
        fails(
            &format!("Test a\nTestInclude {}", inner.display()),
            "Syntax error on line 2 of DIR/main.conf: Syntax error on line 2 of DIR/inner.conf: \
             </X> without",
        );
        let itself = dir.join("main.conf");
        fails(
            &format!("TestInclude {}", itself.display()),
            "Exceeded maximum include depth of 128",
        );
    });
}

#[test]
fn hostile_text_is_refused_without_harm() {
    with_server(|pool, server, dir| {
        let fails = |text: &str, expected: &str| {
            let error = run(pool, server, dir, text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        fails(&"<TestDir /a>\n".repeat(5000), "nested more than");
        fails(&"<TestIf yes>\n".repeat(5000), "nested more than");
        fails(
            &"<TestIf yes>\n<TestDir>\n".repeat(5000),
            "nested more than",
        );
        fails(&"<TestIf no>\n".repeat(5000), "before end of configuration");
        fails(&format!("Test {}", "x".repeat(20_000)), "Line too long");
        let odd = [
            "<",
            ">",
            "</",
            "</>",
            "<>",
            "\"",
            "'",
            "\\",
            "<\"",
            "</\"x",
            "\"<TestDir\" /",
            "Test \"",
            "Test \\",
            "\u{0}",
            "Test a\u{0}b",
            "<TestDir",
            "<TestDir>",
            "<testif yes",
            "\u{ff}\u{fe}",
            "Test \r",
            "${",
            "<TestIf yes>\n</TestDir>",
            "<TestIf \"yes>",
            "</TestIf>",
        ];
        for text in odd {
            // Whatever it says, it returns.
            let _ = run(pool, server, dir, text);
            let _ = run(pool, server, dir, &format!("{text}\n{text}\nTest a"));
        }
    });
}

/// Reads the `.htaccess` file of `dir` for a new request.
fn request(pool: *mut apr_pool_t, server: *mut sys::server_rec, dir: &Path, places: u32) -> c_int {
    let dir = CString::new(format!("{}/", dir.display())).unwrap();
    // SAFETY: the records are filled in as far as the reading goes.
    unsafe {
        let mut connection: sys::conn_rec = zeroed();
        connection.base_server = server;
        let mut r: sys::request_rec = zeroed();
        r.pool = pool;
        r.server = server;
        r.connection = &mut connection;
        r.notes = sys::apr_table_make(pool, 1);
        // Requests without the core's record, and so without notes, keep nothing.
        let record = support::zeroed::<sys::core_request_config>(pool);
        (*record).notes = support::zeroed::<[*mut std::ffi::c_void; 8]>(pool).cast();
        r.request_config = sys::ap_create_request_config(pool);
        sys::ap_set_core_module_config(r.request_config, record.cast());
        let mut vector = null_mut();
        htaccess::ap_parse_htaccess(
            &mut vector,
            &mut r,
            places as c_int,
            0,
            null_mut(),
            dir.as_ptr(),
            c"none .htaccess".as_ptr(),
        )
    }
}

#[test]
fn an_htaccess_file_is_executed_once_until_it_changes() {
    with_server(|pool, server, dir| {
        let places = sys::OR_FILEINFO | sys::OR_LIMIT;
        assert_eq!(request(pool, server, dir, places), 0);
        assert!(SEEN.take().is_empty());

        let text = "<IfVersion yes>\nTest a\n</IfVersion>\n\n<TestIf no>\n</TestIf>\nTest b\n";
        let path = write(dir, ".htaccess", text);
        let expected = [
            format!("{}/:2:a", dir.display()),
            format!("{}/:7:b", dir.display()),
        ];
        // Changed just now, and with a section that decides anew: executed for each request.
        for _ in 0..3 {
            assert_eq!(request(pool, server, dir, places), 0);
            assert_eq!(SEEN.take(), expected);
        }
        let write_settled = |text: &str| {
            write(dir, ".htaccess", text);
            std::thread::sleep(Duration::from_millis(150));
        };
        write_settled("<IfVersion yes>\nTest c\n</IfVersion>\nTest d");
        assert_eq!(request(pool, server, dir, places), 0);
        assert_eq!(SEEN.take().len(), 2);
        for _ in 0..2 {
            assert_eq!(request(pool, server, dir, places), 0);
            assert!(SEEN.take().is_empty());
        }
        // Under other overrides it is another matter.
        assert_eq!(request(pool, server, dir, places | sys::OR_INDEXES), 0);
        assert_eq!(SEEN.take().len(), 2);
        write_settled("<TestIf yes>\nTest e\n</TestIf>");
        for _ in 0..2 {
            assert_eq!(request(pool, server, dir, places), 0);
            assert_eq!(SEEN.take().len(), 1);
        }
        write_settled("Test changed\n");
        assert_eq!(request(pool, server, dir, places), 0);
        assert_eq!(SEEN.take(), [format!("{}/:1:changed", dir.display())]);

        // What is allowed is asked each time.
        assert_eq!(request(pool, server, dir, sys::OR_LIMIT), 500);
        assert!(SEEN.take().is_empty());
        write_settled("Nonsense\n");
        assert_eq!(request(pool, server, dir, places), 500);
        fs::remove_file(&path).unwrap();
        assert_eq!(request(pool, server, dir, places), 0);
        // A directory of that name cannot be read: access is denied.
        fs::create_dir(&path).unwrap();
        assert_eq!(request(pool, server, dir, places), 403);
    });
}
