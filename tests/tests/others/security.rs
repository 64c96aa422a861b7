//! Modules that refuse requests: mod_security2 with OWASP's core rule set, mod_evasive and mod_qos.

use anyhow::{Result, ensure};
use httpd_tests::{
    client::get,
    differential::{Case, serve},
    host::{Kind, until},
    others::{compare, start},
    site::Site,
};

/// A site with a page, a form's target and a directory.
fn site() -> Result<Site> {
    let site = Site::new()?;
    site.file("page.html", "<p>A page.</p>\n")?;
    site.file("form.txt", "a form\n")?;
    Ok(site)
}

/// `Content-Type` of a form.
const FORM: &[(&str, &str)] = &[
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("User-Agent", "test"),
    ("Accept", "*/*"),
];

#[test]
fn the_core_rule_set_refuses_attacks_and_lets_the_rest_pass() -> Result<()> {
    let site = site()?;
    // The rules find ServerRoot-relative names beside themselves.
    let configuration = serve(
        &site,
        "unique_id",
        "LoadModule security2_module @OTHER_MODULES@/mod_security2.so\n\
         SecDataDir @PLACE@/run\n\
         SecTmpDir @PLACE@/run\n\
         SecRuleEngine On\n\
         SecRequestBodyAccess On\n\
         SecResponseBodyAccess On\n\
         SecResponseBodyMimeType text/plain text/html\n\
         SecAuditEngine RelevantOnly\n\
         SecAuditLogRelevantStatus ^403\n\
         SecAuditLog logs/audit.log\n\
         SecUnicodeMapFile @OTHERS@/etc/modsecurity/unicode.mapping 20127\n\
         Include @OTHERS@/etc/modsecurity/crs/crs-setup.conf\n\
         Include @OTHERS@/usr/share/modsecurity-crs/rules/*.conf\n",
    );
    let usual: &[(&str, &str)] = &[("User-Agent", "test"), ("Accept", "*/*")];
    let get_as = |path: &str| Case::get_with(path, usual);
    let cases = [
        get_as("/page.html"),
        get_as("/page.html?name=value&other=a%20b"),
        get_as("/none.html"),
        Case::with("POST", "/form.txt", FORM, "name=value&text=Good+morning"),
        Case::with("HEAD", "/page.html", usual, ""),
        // SQL injection, script injection, traversal, a shell command, PHP.
        get_as("/page.html?id=1%27%20OR%20%271%27%3D%271%27%20--%20"),
        get_as("/page.html?q=%3Cscript%3Ealert(1)%3C/script%3E"),
        get_as("/page.html?file=../../../../etc/passwd"),
        get_as("/page.html?run=;cat%20/etc/passwd"),
        Case::with(
            "POST",
            "/form.txt",
            FORM,
            "id=1+UNION+SELECT+password+FROM+users",
        ),
        Case::with("POST", "/form.txt", FORM, "x=<?php+system('id');?>"),
        // A scanner, a method and a type that the rules do not allow, no field that all clients send.
        Case::get_with(
            "/page.html",
            &[("User-Agent", "sqlmap/1.0"), ("Accept", "*/*")],
        ),
        Case::with("TRACK", "/page.html", usual, ""),
        Case::with(
            "POST",
            "/form.txt",
            &[("Content-Type", "text/evil"), ("User-Agent", "test")],
            "x",
        ),
        Case::get_with("/page.html", &[("Host", "127.0.0.1"), ("User-Agent", "t")]),
        get_as("/.git/config"),
        get_as("/page.html?a=%00"),
        // Headers that are attacked.
        Case::get_with(
            "/page.html",
            &[
                ("User-Agent", "() { :; }; echo attacked"),
                ("Accept", "*/*"),
            ],
        ),
        Case::get_with(
            "/page.html",
            &[
                ("Cookie", "a=<script>alert(1)</script>"),
                ("User-Agent", "t"),
            ],
        ),
    ];
    compare("security2", &configuration, &cases)?;
    // The comparison would also hold between two servers that refuse nothing.
    let host = start(Kind::under_test(), &configuration)?;
    let attack = get(
        host.port(),
        "/page.html?id=1%27%20OR%20%271%27%3D%271%27%20--%20",
    )?;
    ensure!(attack.status() == 403, "{}", attack.text());
    ensure!(get(host.port(), "/page.html?a=b")?.status() == 200);
    // It is logged after the answer was sent.
    until("the attack is logged", || {
        Ok(host
            .place()
            .read("logs/audit.log")
            .contains("SQL Injection"))
    })?;
    ensure!(
        host.messages().contains("[security2:error]"),
        "{}",
        host.messages()
    );
    Ok(())
}

#[test]
fn rules_of_all_phases_read_and_change_requests_and_answers() -> Result<()> {
    let site = site()?;
    site.file("secret.txt", "the secret is 42\n")?;
    site.file("big.txt", "0123456789\n".repeat(20_000))?;
    compare(
        "security2",
        &serve(
            &site,
            "unique_id headers",
            "LoadModule security2_module @OTHER_MODULES@/mod_security2.so\n\
             SecDataDir @PLACE@/run\nSecTmpDir @PLACE@/run\nSecUploadDir @PLACE@/run\n\
             SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n\
             SecRequestBodyLimit 20000\nSecRequestBodyNoFilesLimit 10000\n\
             SecResponseBodyMimeType text/plain text/html null\n\
             SecResponseBodyLimit 1000000\nSecContentInjection On\nSecStreamOutBodyInspection On\n\
             SecServerSignature \"Something\"\n\
             SecRule REQUEST_HEADERS:X-Phase1 \"@streq bad\" \"id:1,phase:1,deny,status:406\"\n\
             SecRule ARGS:word \"@pm apple pear\" \"id:2,phase:2,deny,status:409\"\n\
             SecRule RESPONSE_BODY \"secret is \\d+\" \"id:3,phase:4,deny,status:410\"\n\
             SecRule ARGS:to \"@rx .\" \
             \"id:5,phase:2,redirect:http://elsewhere.example/%{ARGS.to},status:302\"\n\
             SecRule ARGS:set \"@rx ^(.*)$\" \"id:6,phase:1,pass,capture,setenv:CAUGHT=%{TX.1}\"\n\
             SecRule ARGS:drop \"@streq yes\" \"id:7,phase:1,drop\"\n\
             SecRule REQUEST_FILENAME \"@endsWith .allowed\" \"id:8,phase:1,allow\"\n\
             SecRule &FILES \"@gt 0\" \"id:9,phase:2,deny,status:415\"\n\
             SecRule XML:/* \"@contains forbidden\" \"id:10,phase:2,deny,status:422\"\n\
             SecRule REQUEST_HEADERS:Content-Type \"xml\" \
             \"id:11,phase:1,pass,ctl:requestBodyProcessor=XML\"\n\
             SecRule ARGS:inject \"@streq yes\" \"id:12,phase:3,pass,append:'<hr>'\"\n\
             Header always set X-Caught %{CAUGHT}e env=CAUGHT\n",
        ),
        &[
            Case::get("/page.html"),
            Case::get_with("/page.html", &[("X-Phase1", "bad")]),
            Case::get("/page.html?word=apple"),
            Case::with("POST", "/form.txt", FORM, "word=a+pear+tree"),
            Case::with("POST", "/form.txt", FORM, "word=plum"),
            Case::get("/secret.txt"),
            Case::get("/page.html?to=here"),
            Case::get("/page.html?set=abc"),
            Case::get("/page.html?drop=yes"),
            Case::get("/secret.txt.allowed"),
            Case::get("/page.html?inject=yes"),
            Case::get("/big.txt"),
            Case::with(
                "POST",
                "/form.txt",
                FORM,
                &format!("x={}", "y".repeat(12_000)),
            ),
            Case::with(
                "POST",
                "/form.txt",
                FORM,
                &format!("x={}", "y".repeat(30_000)),
            ),
            Case::with(
                "POST",
                "/form.txt",
                &[("Content-Type", "multipart/form-data; boundary=XX")],
                "--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nc\r\n--XX--\r\n",
            ),
            Case::with(
                "POST",
                "/form.txt",
                &[("Content-Type", "text/xml")],
                "<a>something forbidden</a>",
            ),
            Case::with(
                "POST",
                "/form.txt",
                &[("Content-Type", "text/xml")],
                "<a>fine</a>",
            ),
        ],
    )
}

#[test]
fn mod_evasive_refuses_who_asks_too_often() -> Result<()> {
    let site = site()?;
    let cases: Vec<Case> = (0..8).map(|_| Case::get("/page.html")).collect();
    // An interval that no run of the test crosses.
    compare(
        "evasive20",
        &serve(
            &site,
            "",
            "LoadModule evasive20_module @OTHER_MODULES@/mod_evasive20.so\n\
             DOSHashTableSize 3097\nDOSPageCount 4\nDOSPageInterval 1000\nDOSSiteCount 100\n\
             DOSSiteInterval 1000\nDOSBlockingPeriod 1000\nDOSHTTPResponseCode 429\n\
             DOSLogDir @PLACE@/run\nThreadsPerChild 25\nServerLimit 1\nMaxRequestWorkers 25\n",
        ),
        &cases,
    )
}

#[test]
fn mod_qos_denies_by_line_path_and_count() -> Result<()> {
    let site = site()?;
    let mut cases = vec![
        Case::get("/page.html"),
        Case::get("/page.html?ok=1"),
        Case::get("/page.html?evil=1"),
        Case::get("/hidden/page.html"),
        Case::get("/none"),
        Case::get_with("/page.html", &[("X-Strange", "1")]),
        Case::with("POST", "/form.txt", FORM, &"x".repeat(2000)),
        Case::with("POST", "/form.txt", FORM, "x=y"),
    ];
    cases.extend((0..4).map(|_| Case::get("/page.html?block")));
    compare(
        "qos",
        &serve(
            &site,
            "setenvif",
            "LoadFile libpcre.so.3\n\
             LoadModule qos_module @OTHER_MODULES@/mod_qos.so\n\
             QS_ClientEntries 1000\nQS_SrvMaxConnPerIP 50\nQS_LocRequestLimit / 100\n\
             QS_SetEnvIfQuery block Blocked=yes\nQS_EventLimitCount Blocked 2 600\n\
             <Location />\nQS_LimitRequestBody 1000\nQS_DenyPath +hide deny \"/hidden/\"\n\
             QS_DenyQuery +evil deny \"evil\"\n</Location>\n",
        ),
        &cases,
    )
}
