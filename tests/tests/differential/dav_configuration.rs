//! Where WebDAV is on and for whom: `Dav`, `DavDepthInfinity`, `DavBasePath`, limits on bodies,
//! `<Limit>` with authentication, a server without a database of locks, and mod_dav_lock's own.

use anyhow::Result;
use httpd_tests::{
    conversation::basic,
    dav::{compare, serve},
    differential::load,
};

const ALL: &str = "<D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>";

#[test]
fn webdav_is_on_where_the_configuration_says() -> Result<()> {
    let configuration = format!(
        "{}{}",
        load("dir autoindex alias"),
        serve(
            "DirectoryIndex page.html\n\
             <Location /col>\nDav Off\n</Location>\n\
             <Location /empty>\nLimitXMLRequestBody 100\nLimitRequestBody 150\n</Location>\n\
             <LocationMatch ^/o.*>\nDav filesystem\n</LocationMatch>\n\
             Alias /plain @STATE@/plain\n\
             <Directory @STATE@/plain>\nRequire all granted\nDav Off\n</Directory>\n\
             <Location /plain/on>\nDav On\n</Location>\n\
             Alias /based @STATE@/www\n\
             <LocationMatch ^/based/(.*)$>\nDav On\nDavBasePath /based\n</LocationMatch>\n"
        )
    );
    compare("dav dav_fs", &configuration, |author| {
        for path in [
            "/col/",
            "/col/one.txt",
            "/",
            "/o%20dd/",
            "/based/",
            "/based/a.txt",
            "/base",
        ] {
            author.ask("OPTIONS", path, &[], "");
            author.find(path, "0", ALL);
            author.ask("GET", path, &[], "");
        }
        for (method, fields) in [
            ("PUT", &[][..]),
            ("DELETE", &[]),
            ("MKCOL", &[]),
            ("LOCK", &[]),
            ("UNLOCK", &[("Lock-Token", "<x>")]),
            ("PROPPATCH", &[]),
            ("COPY", &[("Destination", "/x.txt")]),
            ("MOVE", &[("Destination", "/x.txt")]),
        ] {
            author.ask(method, "/col/one.txt", fields, "");
        }
        author.transfer("COPY", "/a.txt", "/col/a.txt", &[]);
        author.transfer("COPY", "/a.txt", "/plain/a.txt", &[]);
        author.transfer("COPY", "/a.txt", "/based/b.txt", &[]);
        author.transfer("COPY", "/based/a.txt", "/based/c.txt", &[]);
        author.find("/", "infinity", ALL);
        author.ask("PROPFIND", "/", &[], "");
        author.find("/based/", "1", ALL);
        author.find("/empty/", "0", &format!("{ALL}{}", " ".repeat(60)));
        author.find("/empty/", "0", &format!("{ALL}{}", " ".repeat(160)));
        author.ask("PUT", "/empty/x", &[], &"x".repeat(120));
        author.ask("PUT", "/empty/y", &[], &"x".repeat(170));
        author.lock("/empty/x", "exclusive", &[]);
        author.note_files()
    })
}

#[test]
fn webdav_is_for_those_who_may() -> Result<()> {
    let configuration = format!(
        "{}{}",
        load("authn_core authn_file auth_basic authz_user authz_host"),
        serve(
            "<Location />\nAuthType Basic\nAuthName dav\nAuthUserFile @STATE@/passwords\n\
             <LimitExcept GET HEAD OPTIONS PROPFIND>\nRequire valid-user\n</LimitExcept>\n</Location>\n\
             <Location /col>\nRequire all denied\n</Location>\n\
             <Location /empty>\n<Limit DELETE MOVE>\nRequire user alice\n</Limit>\n</Location>\n"
        )
    );
    compare("dav dav_fs", &configuration, |author| {
        // Both have the password "secret".
        author.visitor.state().file(
            "passwords",
            "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n",
        )?;
        let (alice, bob) = (basic("alice", "secret"), basic("bob", "secret"));
        author.find("/", "1", ALL);
        author.find("/col/", "0", ALL);
        author.ask("PUT", "/new.txt", &[], "nobody\n");
        author.ask("PUT", "/new.txt", &[("Authorization", &alice)], "alice\n");
        let authorized = [("Authorization", alice.as_str())];
        let token = author.lock("/new.txt", "exclusive", &authorized);
        let held = format!("(<{token}>)");
        author.ask(
            "PUT",
            "/new.txt",
            &[("Authorization", &bob), ("If", &held)],
            "bob\n",
        );
        author.ask(
            "PUT",
            "/new.txt",
            &[("Authorization", &alice), ("If", &held)],
            "alice again\n",
        );
        let token = format!("<{token}>");
        author.ask(
            "UNLOCK",
            "/new.txt",
            &[("Authorization", &bob), ("Lock-Token", &token)],
            "",
        );
        author.ask(
            "UNLOCK",
            "/new.txt",
            &[("Authorization", &alice), ("Lock-Token", &token)],
            "",
        );
        author.ask("PUT", "/empty/x", &[("Authorization", &bob)], "bob\n");
        author.ask("DELETE", "/empty/x", &[("Authorization", &bob)], "");
        author.transfer("COPY", "/new.txt", "/col/new.txt", &authorized);
        author.transfer(
            "MOVE",
            "/new.txt",
            "/empty/new.txt",
            &[("Authorization", &bob)],
        );
        author.transfer(
            "MOVE",
            "/empty/new.txt",
            "/back.txt",
            &[("Authorization", &bob)],
        );
        author.ask("DELETE", "/empty/x", &[("Authorization", &alice)], "");
        author.ask("DELETE", "/", &[("Authorization", &alice)], "");
        author.note_files()
    })
}

#[test]
fn webdav_without_locks_and_with_the_generic_ones() -> Result<()> {
    let configuration = serve(
        "<Directory \"@STATE@/www\">\nDavGenericLockDB @STATE@/locks/generic\n</Directory>\n",
    )
    .replace("DavLockDB \"@STATE@/locks/db\"\n", &load("dav_lock"));
    compare("dav dav_fs dav_lock", &configuration, |author| {
        author.ask("OPTIONS", "/", &[], "");
        author.find("/a.txt", "0", ALL);
        author.lock("/a.txt", "exclusive", &[]);
        author.ask("PUT", "/a.txt", &[("If", "(<opaquelocktoken:1>)")], "x\n");
        author.ask("PUT", "/a.txt", &[], "x\n");
        author.transfer("MOVE", "/a.txt", "/b.txt", &[]);
        author.ask("DELETE", "/col/", &[], "");
        author.note_files()
    })
}
