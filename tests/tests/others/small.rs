//! Small modules that change a request or its answer: where a client is, what is sent, who may come.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Result, ensure};
use httpd_tests::{
    client::{get, get_with},
    differential::{Case, serve},
    host::{Kind, until},
    others::{compare, start},
    site::Site,
};

/// ann:right, ann:wrong, bob:right.
const ANN: &[(&str, &str)] = &[("Authorization", "Basic YW5uOnJpZ2h0")];
const ANN_WRONG: &[(&str, &str)] = &[("Authorization", "Basic YW5uOndyb25n")];
const BOB: &[(&str, &str)] = &[("Authorization", "Basic Ym9iOnJpZ2h0")];

fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("page.html", "<p>A page.</p>\n")?;
    site.file("secret/page.html", "secret\n")?;
    Ok(site)
}

/// Requests for the secret page by everybody.
fn visits() -> [Case; 4] {
    [
        Case::get("/secret/page.html"),
        Case::get_with("/secret/page.html", ANN),
        Case::get_with("/secret/page.html", ANN_WRONG),
        Case::get_with("/secret/page.html", BOB),
    ]
}

#[test]
fn mod_xsendfile_and_mod_xforward_take_their_orders_from_fields() -> Result<()> {
    let site = site()?;
    let root = site.path().display();
    site.file("hidden/file.txt", "0123456789\n".repeat(3000))?;
    for (name, fields) in [
        ("send", format!("X-SENDFILE: {root}/hidden/file.txt\n")),
        ("relative", "X-SENDFILE: hidden/file.txt\n".to_owned()),
        ("outside", "X-SENDFILE: /etc/passwd\n".to_owned()),
        ("none", format!("X-SENDFILE: {root}/hidden/none\n")),
        (
            "typed",
            format!("Content-Type: image/x-own\nX-SENDFILE: {root}/hidden/file.txt\n"),
        ),
        ("forward", "X-FORWARD: /page.html\n".to_owned()),
        ("plain", "X-Other: field\n".to_owned()),
    ] {
        site.file(&format!("{name}.asis"), format!("{fields}\nthe body\n"))?;
    }
    let cases: Vec<Case> = [
        "send", "relative", "outside", "none", "typed", "forward", "plain",
    ]
    .iter()
    .map(|name| Case::get(&format!("/{name}.asis")))
    .chain([
        Case::get_with("/send.asis", &[("Range", "bytes=5-14")]),
        Case::get_with("/send.asis", &[("If-None-Match", "*")]),
        Case::with("HEAD", "/send.asis", &[], ""),
        Case::get("/page.html"),
    ])
    .collect();
    let asis = "TypesConfig /etc/mime.types\nAddHandler send-as-is asis\n";
    compare(
        "xsendfile",
        &serve(
            &site,
            "mime asis",
            &format!(
                "LoadModule xsendfile_module @OTHER_MODULES@/mod_xsendfile.so\n{asis}\
                 XSendFile On\nXSendFilePath @SITE@/hidden\n"
            ),
        ),
        &cases,
    )?;
    compare(
        "xforward",
        &serve(
            &site,
            "mime asis",
            &format!(
                "LoadModule xforward_module @OTHER_MODULES@/mod_xforward.so\n{asis}XForward On\n"
            ),
        ),
        &cases,
    )
}

#[test]
fn mod_rpaf_removeip_and_geoip_change_who_asks() -> Result<()> {
    let site = site()?;
    let echo = "Header always set X-Addr \"expr=%{REMOTE_ADDR} %{HTTP_HOST}\"\n";
    let from = |address: &str| Case::get_with("/page.html", &[("X-Forwarded-For", address)]);
    let cases = [
        Case::get("/page.html"),
        from("192.0.2.1"),
        from("8.8.8.8, 192.0.2.7"),
        from("nonsense"),
        from("2001:db8::1"),
        Case::get_with(
            "/page.html",
            &[
                ("X-Forwarded-For", "192.0.2.2"),
                ("X-Forwarded-Host", "other.example"),
            ],
        ),
    ];
    for (names, more) in [
        (
            "rpaf",
            "RPAFenable On\nRPAFsethostname On\nRPAFproxy_ips 127.0.0.1 192.0.2.7\n\
             RPAFheader X-Forwarded-For\n",
        ),
        ("removeip", "REMOVEIPenable On\n"),
        (
            "geoip",
            "GeoIPEnable On\nGeoIPScanProxyHeaders On\nGeoIPOutput All\n\
             GeoIPDBFile @OTHERS@/usr/share/GeoIP/GeoIP.dat Standard\n\
             Header always set X-Country \"%{GEOIP_COUNTRY_CODE}e %{GEOIP_ADDR}e\"\n",
        ),
    ] {
        let load = format!("LoadModule {names}_module @OTHER_MODULES@/mod_{names}.so\n");
        compare(
            names,
            &serve(&site, "headers", &format!("{load}{more}{echo}")),
            &cases,
        )?;
    }
    Ok(())
}

#[test]
fn password_providers_of_other_packages_let_the_right_ones_in() -> Result<()> {
    let site = site()?;
    site.program(
        "check",
        "#!/bin/sh\nread user; read password; test \"$user:$password\" = ann:right\n",
    )?;
    site.program(
        "check-environment",
        "#!/bin/sh\ntest \"$USER:$PASS\" = ann:right\n",
    )?;
    site.program(
        "group",
        "#!/bin/sh\nread user; read group; test \"$user:$group\" = ann:staff\n",
    )?;
    site.file("passwords", "ann:right\nbob:other\n")?;
    site.file("groups", "staff: ann\n")?;
    let basic = "AuthType Basic\nAuthName secrets\n";
    for (modules, load, inside, outside) in [
        (
            "authnz_external",
            "authnz_external",
            "AuthBasicProvider external\nAuthExternal pipe\nRequire valid-user\n",
            "DefineExternalAuth pipe pipe @SITE@/check\n",
        ),
        (
            "authnz_external",
            "authnz_external",
            "AuthBasicProvider external\nAuthExternal environment\nGroupExternal group\n\
             Require external-group staff\n",
            "DefineExternalAuth environment environment @SITE@/check-environment\n\
             DefineExternalGroup group pipe @SITE@/group\n",
        ),
        (
            "authn_yolo authz_unixgroup",
            "authn_yolo authz_unixgroup",
            "AuthBasicProvider yolo\nRequire unix-group daemon\n",
            "",
        ),
        (
            "authn_yolo",
            "authn_yolo",
            "AuthBasicProvider yolo\nRequire valid-user\n",
            "",
        ),
        (
            "auth_plain",
            "auth_plain",
            "AuthBasicProvider plain\nAuthPlainUserFile @SITE@/passwords\nRequire valid-user\n",
            "",
        ),
    ] {
        let load: String = load
            .split_whitespace()
            .map(|name| format!("LoadModule {name}_module @OTHER_MODULES@/mod_{name}.so\n"))
            .collect();
        let configuration =
            format!("{load}{outside}<Location /secret>\n{basic}{inside}</Location>\n");
        compare(
            modules,
            &serve(&site, "auth_basic authn_core authz_user", &configuration),
            &visits(),
        )?;
    }
    Ok(())
}

#[test]
fn single_sign_on_modules_send_visitors_to_their_log_in() -> Result<()> {
    let site = site()?;
    let mut cases = Vec::from(visits());
    cases.extend([
        Case::get_with("/secret/page.html?a=b", &[("Cookie", "auth_tkt=nonsense")]),
        Case::get_with(
            "/secret/page.html",
            &[("Cookie", "auth_pubtkt=uid%3Dann%3Bsig%3Dx")],
        ),
        Case::get_with(
            "/secret/page.html",
            &[("Cookie", "MOD_AUTH_CAS=0123456789")],
        ),
        Case::get_with("/secret/page.html", &[("Authorization", "Bearer nonsense")]),
        Case::get_with(
            "/secret/page.html",
            &[("Authorization", "Negotiate bm9uc2Vuc2U=")],
        ),
        Case::with("POST", "/secret/page.html", &[], "a=b"),
        Case::get("/page.html"),
    ]);
    site.file("key.pem", PUBLIC_KEY)?;
    for (module, inside, outside) in [
        (
            "auth_tkt",
            "AuthType None\nTKTAuthLoginURL http://login.example/\nTKTAuthTimeoutURL /timeout\n\
             Require valid-user\n",
            "TKTAuthSecret secret\n",
        ),
        (
            "auth_pubtkt",
            "AuthType mod_auth_pubtkt\nTKTAuthLoginURL http://login.example/\n\
             TKTAuthToken staff\nTKTAuthRequireSSL off\nRequire valid-user\n",
            "TKTAuthPublicKey @SITE@/key.pem\n",
        ),
        (
            "auth_cas",
            "AuthType CAS\nRequire valid-user\n",
            "CASCookiePath @PLACE@/run/\nCASLoginURL https://cas.example/login\n\
             CASValidateURL https://cas.example/validate\n",
        ),
        (
            "auth_gssapi",
            "AuthType GSSAPI\nAuthName secrets\nRequire valid-user\n",
            "",
        ),
        (
            "oauth2",
            "AuthType oauth2\nOAuth2TokenVerify plain 01234567890123456789012345678901\n\
             Require valid-user\n",
            "",
        ),
    ] {
        let configuration = format!(
            "LoadModule {module}_module @OTHER_MODULES@/mod_{module}.so\n{outside}\
             <Location /secret>\n{inside}</Location>\n"
        );
        compare(
            module,
            &serve(&site, "authn_core authz_user", &configuration),
            &cases,
        )?;
    }
    Ok(())
}

/// Nobody has its private half any more.
const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsZlicVReXxEbGEe+t1qN
u7P3tOQDrRS1rKy/k9/h7EBqFNgi4iRAIhvUpW5YOppgudpWncTZwNjyzZy5haz1
GUOmpP2Tq5nsHlNV+M0i4vYPBdTF5ePbwDZE0iWDB6Bm4Re4nP1tVcXgscLzIpkn
zmJlK3/h9RimHT/eIoeZqCmjBGPm3kG9wDNjVOuU0QEORiGhdMKlIVcN8mWVbSfQ
oJKyUJ7AURP25UingN+NAfKny15scrrmL4FGb5ZsLXu5eB4kkdUtqXo+/AkZYXlg
dLvvfZ2n19kKYdWnlXabRzWr4q9v92KuMhyuDRELFzo8zHo7OOGrZLqz51mL9YH4
/wIDAQAB
-----END PUBLIC KEY-----
";

#[test]
fn mod_auth_openidc_sends_visitors_to_the_provider() -> Result<()> {
    let site = site()?;
    let configuration = serve(
        &site,
        "authn_core authz_user",
        "LoadModule auth_openidc_module @OTHER_MODULES@/mod_auth_openidc.so\n\
         OIDCProviderIssuer https://provider.example\n\
         OIDCProviderAuthorizationEndpoint https://provider.example/authorize\n\
         OIDCProviderJwksUri https://provider.example/keys\n\
         OIDCProviderTokenEndpoint https://provider.example/token\n\
         OIDCClientID client\nOIDCClientSecret secret\nOIDCCryptoPassphrase passphrase\n\
         OIDCRedirectURI http://test.example/secret/redirect\n\
         <Location /secret>\nAuthType openid-connect\nRequire valid-user\n</Location>\n",
    );
    // State and nonce are new in every answer.
    for kind in [Kind::Apache, Kind::under_test()] {
        let host = start(kind, &configuration)?;
        let answer = get_with(host.port(), "/secret/page.html", &[("Accept", "text/html")])?;
        let target = answer.field("Location").unwrap_or_default();
        ensure!(
            answer.status() == 302
                && target.starts_with("https://provider.example/authorize?response_type=code&")
                && target.contains("client_id=client")
                && answer
                    .fields
                    .iter()
                    .any(|(name, value)| name == "Set-Cookie"
                        && value.starts_with("mod_auth_openidc_state_")),
            "{kind:?}: {} {target}\n{}",
            answer.status_line,
            host.messages()
        );
        let wrong = get(host.port(), "/secret/redirect?code=a&state=b")?;
        ensure!(
            wrong.status() == 400 || wrong.status() == 302,
            "{}",
            wrong.status_line
        );
        ensure!(get(host.port(), "/page.html")?.status() == 200);
    }
    compare(
        "auth_openidc",
        &configuration,
        &[
            Case::get_with(
                "/secret/page.html",
                &[("X-Requested-With", "XMLHttpRequest")],
            ),
            Case::get("/secret/redirect?code=a&state=b"),
            Case::get("/page.html"),
        ],
    )
}

#[test]
fn mod_upload_progress_encoding_bw_and_mime_xattr_answer_as_under_apache() -> Result<()> {
    let site = site()?;
    site.file("\u{e9}t\u{e9}.txt", "summer\n")?;
    site.file("long.txt", "0123456789\n".repeat(3000))?;
    for (module, more, cases) in [
        (
            "upload_progress",
            "<Location /page.html>\nTrackUploads On\n</Location>\n\
             <Location /progress>\nReportUploads On\n</Location>\n",
            vec![
                Case::get("/progress?X-Progress-ID=0123456789"),
                Case::get("/progress?X-Progress-ID=0123456789&callback=call"),
                Case::get("/progress"),
                Case::with("POST", "/page.html?X-Progress-ID=abcdefghij", &[], "a=b"),
            ],
        ),
        (
            "encoding",
            "EncodingEngine On\nSetServerEncoding UTF-8\nDefaultClientEncoding ISO-8859-1\n\
             AddClientEncoding \"old.*\" ISO-8859-1 EUC-JP\n",
            vec![
                Case::get("/%E9t%E9.txt"),
                Case::get_with("/%E9t%E9.txt", &[("User-Agent", "old client")]),
                Case::get("/%C3%A9t%C3%A9.txt"),
                Case::get("/page.html"),
            ],
        ),
        (
            "bw",
            "BandwidthModule On\nForceBandWidthModule On\nBandWidth all 100000000\n\
             BandWidthError 503\nMaxConnection all 20\n\
             <Location /modbw>\nSetHandler modbw-handler\n</Location>\n",
            vec![
                Case::get("/page.html"),
                Case::get("/long.txt"),
                Case::get_with("/long.txt", &[("Range", "bytes=1-5")]),
                Case::get("/none"),
            ],
        ),
        (
            "mime_xattr",
            "XAttrMimeType On\nXAttrHandler On\n",
            vec![Case::get("/page.html"), Case::get("/long.txt")],
        ),
    ] {
        let load = format!("LoadModule {module}_module @OTHER_MODULES@/mod_{module}.so\n");
        compare(module, &serve(&site, "", &format!("{load}{more}")), &cases)?;
    }
    Ok(())
}

#[test]
fn mod_log_slow_logs_what_takes_longer() -> Result<()> {
    let site = site()?;
    let logs = site.path().join("logs");
    fs::create_dir(&logs)?;
    fs::set_permissions(&logs, fs::Permissions::from_mode(0o777))?;
    let lines = |kind, threshold: &str| -> Result<String> {
        let host = start(
            kind,
            &serve(
                &site,
                "",
                &format!(
                    "LoadModule log_slow_module @OTHER_MODULES@/mod_log_slow.so\n\
                     LogSlowEnabled On\nLogSlowLongRequestTime {threshold}\n\
                     LogSlowFileName @PLACE@/logs/slow.log\n"
                ),
            ),
        )?;
        get_with(host.port(), "/page.html?a=b", &[("User-Agent", "test")])?;
        if threshold == "0" {
            until("it is logged", || {
                Ok(host
                    .place()
                    .read("logs/slow.log")
                    .contains("/page.html?a=b"))
            })?;
        }
        Ok(host.place().read("logs/slow.log"))
    };
    for kind in [Kind::Apache, Kind::under_test()] {
        let line = lines(kind, "0")?;
        ensure!(
            line.lines().count() == 1 && line.contains("GET") && line.contains("elapsed"),
            "{kind:?}: {line}"
        );
        let line = lines(kind, "30000")?;
        ensure!(line.is_empty(), "{kind:?}: {line}");
    }
    httpd_tests::compatibility::behaves("log_slow", 2)
}
