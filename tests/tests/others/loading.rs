//! Each binary of a Debian package `libapache2-mod-*` loads (`-t -D DUMP_MODULES`) and, loaded but
//! not configured further, leaves a server as it leaves Apache. A test for each binary; the last one
//! sees to it that none is left out.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use httpd_tests::{
    client::get,
    compatibility,
    differential::{Case, serve},
    host::Kind,
    mpm::Mpm,
    others::{check, compare, start, unpacked},
    site::Site,
};

/// One binary.
struct Binary {
    package: &'static str,
    file: &'static str,
    /// The name that `LoadModule` gives it.
    module: &'static str,
    /// The configuration before it: the modules that it builds on.
    before: &'static str,
    /// The configuration after it that a server needs to start.
    after: &'static str,
}

/// Modules that do not load here, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "mod_netcgi_apache.so",
        "needs OCaml's runtime of the package ocaml, 72 MB to fetch",
    ),
    (
        "mod_rivet.so",
        "reads a file of Tcl code at an absolute path below /usr/lib/tcltk, also under Apache: the \
         package must be installed",
    ),
    (
        "libphp8.2.so",
        "refuses a threaded MPM, also under Apache: the tests in prefork/ run it",
    ),
];

/// Modules whose servers do not answer without a further program, also under Apache, and why.
const LOADS_ONLY: &[(&str, &str)] = &[(
    "mod_shib.so",
    "ends a child that finds no /etc/shibboleth/shibboleth2.xml",
)];

macro_rules! binaries {
    ($($name:ident: $package:literal, $file:literal, $module:literal
       $(, before $before:literal)? $(, after $after:literal)?;)*) => {
        const BINARIES: &[Binary] = &[$(Binary {
            package: $package,
            file: $file,
            module: $module,
            before: concat!($($before)?),
            after: concat!($($after)?),
        }),*];
        $(#[test]
        fn $name() -> Result<()> {
            loads_and_leaves_the_server_as_it_is($file)
        })*
    };
}

binaries! {
    ruwsgi: "libapache2-mod-ruwsgi", "mod_Ruwsgi.so", "uwsgi_module";
    apparmor: "libapache2-mod-apparmor", "mod_apparmor.so", "apparmor_module";
    auth_cas: "libapache2-mod-auth-cas", "mod_auth_cas.so", "auth_cas_module", after "CASCookiePath @PLACE@/run/\nCASLoginURL https://cas.example/login\n\
        CASValidateURL https://cas.example/validate\n";
    auth_gssapi: "libapache2-mod-auth-gssapi", "mod_auth_gssapi.so", "auth_gssapi_module";
    auth_mellon: "libapache2-mod-auth-mellon", "mod_auth_mellon.so", "auth_mellon_module";
    auth_openidc: "libapache2-mod-auth-openidc", "mod_auth_openidc.so", "auth_openidc_module";
    auth_plain: "libapache2-mod-auth-plain", "mod_auth_plain.so", "auth_plain_module";
    auth_pubtkt: "libapache2-mod-auth-pubtkt", "mod_auth_pubtkt.so", "auth_pubtkt_module";
    auth_tkt: "libapache2-mod-auth-tkt", "mod_auth_tkt.so", "auth_tkt_module";
    authn_sasl: "libapache2-mod-authn-sasl", "mod_authn_sasl.so", "authn_sasl_module";
    authn_yolo: "libapache2-mod-authn-yolo", "mod_authn_yolo.so", "authn_yolo_module";
    authn_yubikey: "libapache2-mod-authn-yubikey", "mod_authn_yubikey.so", "authn_yubikey_module",
        after "AuthYubiKeyRequireSecure Off\n";
    authnz_external: "libapache2-mod-authnz-external", "mod_authnz_external.so", "authnz_external_module";
    authnz_pam: "libapache2-mod-authnz-pam", "mod_authnz_pam.so", "authnz_pam_module";
    authz_svn: "libapache2-mod-svn", "mod_authz_svn.so", "authz_svn_module", before "LoadModule dav_module @MODULES@/mod_dav.so\nLoadModule dav_svn_module @OTHER_MODULES@/mod_dav_svn.so\n";
    authz_unixgroup: "libapache2-mod-authz-unixgroup", "mod_authz_unixgroup.so", "authz_unixgroup_module";
    bw: "libapache2-mod-bw", "mod_bw.so", "bw_module";
    dav_svn: "libapache2-mod-svn", "mod_dav_svn.so", "dav_svn_module", before "LoadModule dav_module @MODULES@/mod_dav.so\n";
    dnssd: "libapache2-mod-dnssd", "mod_dnssd.so", "dnssd_module";
    encoding: "libapache2-mod-encoding", "mod_encoding.so", "encoding_module";
    evasive: "libapache2-mod-evasive", "mod_evasive20.so", "evasive20_module";
    fcgid: "libapache2-mod-fcgid", "mod_fcgid.so", "fcgid_module";
    form: "libapache2-mod-form", "mod_form.so", "form_module";
    geoip: "libapache2-mod-geoip", "mod_geoip.so", "geoip_module";
    intercept_form_submit: "libapache2-mod-intercept-form-submit", "mod_intercept_form_submit.so", "intercept_form_submit_module";
    jk: "libapache2-mod-jk", "mod_jk.so", "jk_module";
    ldap_userdir: "libapache2-mod-ldap-userdir", "mod_ldap_userdir.so", "ldap_userdir_module", before "LoadModule ldap_module @MODULES@/mod_ldap.so\n";
    lisp: "libapache2-mod-lisp", "mod_lisp.so", "lisp_module";
    log_slow: "libapache2-mod-log-slow", "mod_log_slow.so", "log_slow_module";
    log_sql: "libapache2-mod-log-sql", "mod_log_sql.so", "log_sql_module";
    log_sql_dbi: "libapache2-mod-log-sql-dbi", "mod_log_sql_dbi.so", "log_sql_dbi_module", before "LoadModule log_sql_module @OTHER_MODULES@/mod_log_sql.so\n";
    log_sql_mysql: "libapache2-mod-log-sql-mysql", "mod_log_sql_mysql.so", "log_sql_mysql_module", before "LoadModule log_sql_module @OTHER_MODULES@/mod_log_sql.so\n";
    log_sql_ssl: "libapache2-mod-log-sql-ssl", "mod_log_sql_ssl.so", "log_sql_ssl_module", before "LoadModule log_sql_module @OTHER_MODULES@/mod_log_sql.so\n";
    lookup_identity: "libapache2-mod-lookup-identity", "mod_lookup_identity.so", "lookup_identity_module";
    mapcache: "libapache2-mod-mapcache", "mod_mapcache.so", "mapcache_module";
    mime_xattr: "libapache2-mod-mime-xattr", "mod_mime_xattr.so", "mime_xattr_module";
    mono: "libapache2-mod-mono", "mod_mono.so", "mono_module";
    musicindex: "libapache2-mod-musicindex", "mod_musicindex.so", "musicindex_module";
    neko: "neko", "../../x86_64-linux-gnu/neko/mod_neko2.ndll", "neko_module";
    oauth2: "libapache2-mod-oauth2", "mod_oauth2.so", "oauth2_module";
    parser3: "libapache2-mod-parser3", "mod_parser3.so", "parser3_module";
    passenger: "libapache2-mod-passenger", "mod_passenger.so", "passenger_module";
    perl: "libapache2-mod-perl2", "mod_perl.so", "perl_module";
    python: "libapache2-mod-python", "mod_python.so", "python_module";
    qos: "libapache2-mod-qos", "mod_qos.so", "qos_module", before "LoadFile libpcre.so.3\n";
    removeip: "libapache2-mod-removeip", "mod_removeip.so", "removeip_module";
    rpaf: "libapache2-mod-rpaf", "mod_rpaf.so", "rpaf_module";
    security2: "libapache2-mod-security2", "mod_security2.so", "security2_module", before "LoadModule unique_id_module @MODULES@/mod_unique_id.so\n";
    shib: "libapache2-mod-shib", "mod_shib.so", "mod_shib";
    tile: "libapache2-mod-tile", "mod_tile.so", "tile_module";
    upload_progress: "libapache2-mod-upload-progress", "mod_upload_progress.so", "upload_progress_module";
    uwsgi: "libapache2-mod-uwsgi", "mod_uwsgi.so", "uwsgi_module";
    vhost_ldap: "libapache2-mod-vhost-ldap", "mod_vhost_ldap.so", "vhost_ldap_module", before "LoadModule ldap_module @MODULES@/mod_ldap.so\n";
    watchcat: "libapache2-mod-watchcat", "mod_watchcat.so", "watchcat_module";
    wsgi: "libapache2-mod-wsgi-py3", "mod_wsgi.so", "wsgi_module";
    xforward: "libapache2-mod-xforward", "mod_xforward.so", "xforward_module";
    xsendfile: "libapache2-mod-xsendfile", "mod_xsendfile.so", "xsendfile_module";
}

fn loads_and_leaves_the_server_as_it_is(file: &str) -> Result<()> {
    let binary = BINARIES.iter().find(|binary| binary.file == file);
    let binary = binary.context("it is in the table")?;
    let Binary {
        package,
        module,
        before,
        after,
        ..
    } = binary;
    let load = format!("{before}LoadModule {module} @OTHER_MODULES@/{file}\n");
    let (good, text) = check(Kind::under_test(), &load)?;
    ensure!(good, "{text}");
    ensure!(text.contains(&format!("\n {module} (shared)\n")), "{text}");
    let name = module
        .trim_end_matches("_module")
        .trim_start_matches("mod_");
    compatibility::loads(package, name)?;
    if LOADS_ONLY.iter().any(|(only, _)| *only == file) {
        return Ok(());
    }
    let site = Site::new()?;
    site.file("page.html", "<p>A page.</p>\n")?;
    let configuration = serve(&site, "", &format!("{load}{after}"));
    let host = start(Kind::under_test(), &configuration)?;
    let answer = get(host.port(), "/page.html")?;
    ensure!(
        answer.status() == 200 && answer.text() == "<p>A page.</p>\n",
        "{}\n{}\n{}",
        answer.status_line,
        answer.text(),
        host.messages()
    );
    drop(host);
    compare(
        name,
        &configuration,
        &[
            Case::get("/page.html?a=b&c=%64"),
            Case::get("/none"),
            Case::with(
                "POST",
                "/page.html",
                &[("Content-Type", "text/plain")],
                "word",
            ),
        ],
    )
}

#[test]
fn php_refuses_threads() -> Result<()> {
    if !Mpm::under_test().is_threaded() {
        return Ok(());
    }
    let load = "LoadModule php_module @OTHER_MODULES@/libphp8.2.so\n";
    for kind in [Kind::Apache, Kind::under_test()] {
        let (good, text) = check(kind, load)?;
        ensure!(!good, "{kind:?}: {text}");
        for word in ["[php:crit]", "threaded MPM", "Pre-configuration failed"] {
            ensure!(text.contains(word), "{kind:?}: no {word:?} in {text}");
        }
    }
    compatibility::loads("libapache2-mod-php8.2", "php")
}

#[test]
fn no_binary_is_left_out() -> Result<()> {
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(unpacked()?.join("usr/lib/apache2/modules"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // mod_mono.so.0.0.0 and the like are reached by a link of the plain name.
        if name.ends_with(".so") {
            there.insert(name);
        }
    }
    let known: BTreeSet<String> = BINARIES
        .iter()
        .map(|binary| binary.file)
        .chain(LEFT_OUT.iter().map(|(file, _)| *file))
        .filter(|file| !file.contains('/'))
        .map(str::to_owned)
        .collect();
    let untested: Vec<_> = there.difference(&known).collect();
    ensure!(untested.is_empty(), "no test loads {untested:?}");
    let gone: Vec<_> = known.difference(&there).collect();
    ensure!(gone.is_empty(), "the packages no longer have {gone:?}");
    ensure!(BINARIES.len() >= 50, "only {} load", BINARIES.len());
    Ok(())
}
