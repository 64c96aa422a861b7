//! WebDAV's locks (mod_dav, mod_dav_fs, mod_dav_lock): exclusive and shared, of resources, of
//! collections and of names without a resource; who may write, with which `If`.

use anyhow::Result;
use httpd_tests::dav::{compare, serve};

const DISCOVER: &str =
    "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:lockdiscovery/></D:prop></D:propfind>";

#[test]
fn locks_keep_others_out() -> Result<()> {
    compare("dav dav_fs", &serve(""), |author| {
        let token = author.lock("/a.txt", "exclusive", &[("Timeout", "Second-600")]);
        author.find("/a.txt", "0", DISCOVER);
        author.lock("/a.txt", "exclusive", &[]);
        author.lock("/a.txt", "shared", &[]);
        author.ask("PUT", "/a.txt", &[], "without the token\n");
        author.ask("DELETE", "/a.txt", &[], "");
        author.transfer("MOVE", "/a.txt", "/b.txt", &[]);
        author.transfer("COPY", "/page.html", "/a.txt", &[]);
        author.ask("PROPPATCH", "/a.txt", &[], "<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop><x/></D:prop></D:set></D:propertyupdate>");
        author.ask("GET", "/a.txt", &[], "");
        author.transfer("COPY", "/a.txt", "/free.txt", &[]);
        author.find("/free.txt", "0", DISCOVER);
        let held = format!("(<{token}>)");
        author.ask("PUT", "/a.txt", &[("If", &held)], "with the token\n");
        let tag = author.ask("HEAD", "/a.txt", &[], "");
        let tag = tag.field("ETag").unwrap_or_default().to_owned();
        for condition in [
            format!("(<{token}> [{tag}])"),
            format!("(<{token}> [\"other\"])"),
            format!("(<{token}>) (Not <DAV:no-lock>)"),
            "(<DAV:no-lock>)".to_owned(),
            "(Not <DAV:no-lock>)".to_owned(),
            format!("(Not <{token}>)"),
            format!("<http://test.example/a.txt> (<{token}>)"),
            format!("<http://test.example/page.html> (<{token}>)"),
            format!("</a.txt> (<{token}>)"),
            "(<opaquelocktoken:00000000-0000-0000-0000-000000000000>)".to_owned(),
            format!("(<{token}>"),
            format!("<{token}>"),
            "nonsense".to_owned(),
            "()".to_owned(),
            String::new(),
        ] {
            author.ask("PUT", "/a.txt", &[("If", &condition)], "on a condition\n");
        }
        // Refreshed.
        author.ask(
            "LOCK",
            "/a.txt",
            &[("If", &held), ("Timeout", "Second-1200")],
            "",
        );
        author.ask(
            "LOCK",
            "/a.txt",
            &[("If", &held), ("Timeout", "Infinite, Second-5")],
            "",
        );
        author.ask("LOCK", "/a.txt", &[], "");
        author.ask("LOCK", "/page.html", &[("If", &held)], "");
        author.unlock(
            "/a.txt",
            "opaquelocktoken:00000000-0000-0000-0000-000000000000",
        );
        author.unlock("/a.txt", "nonsense");
        author.ask("UNLOCK", "/a.txt", &[], "");
        author.ask("UNLOCK", "/a.txt", &[("Lock-Token", &token)], "");
        author.unlock("/page.html", &token);
        author.unlock("/a.txt", &token);
        author.unlock("/a.txt", &token);
        author.ask("PUT", "/a.txt", &[], "free again\n");

        let one = author.lock("/a.txt", "shared", &[]);
        let two = author.lock("/a.txt", "shared", &[("Timeout", "Infinite")]);
        author.lock("/a.txt", "exclusive", &[]);
        author.find("/a.txt", "0", DISCOVER);
        author.ask(
            "PUT",
            "/a.txt",
            &[("If", &format!("(<{one}>)"))],
            "as one\n",
        );
        author.ask(
            "PUT",
            "/a.txt",
            &[("If", &format!("(<{two}>)"))],
            "as two\n",
        );
        author.unlock("/a.txt", &one);
        author.ask(
            "PUT",
            "/a.txt",
            &[("If", &format!("(<{one}>)"))],
            "as one\n",
        );
        author.transfer(
            "MOVE",
            "/a.txt",
            "/moved.txt",
            &[("If", &format!("(<{two}>)"))],
        );
        author.find("/moved.txt", "0", DISCOVER);
        author.find("/a.txt", "0", DISCOVER);
        author.note_files()
    })
}

#[test]
fn collections_and_names_are_locked() -> Result<()> {
    compare("dav dav_fs", &serve("DavDepthInfinity On\n"), |author| {
        let deep = author.lock("/col/", "exclusive", &[("Depth", "infinity")]);
        author.find("/col/", "infinity", DISCOVER);
        author.lock("/col/one.txt", "exclusive", &[]);
        author.lock("/col/one.txt", "shared", &[]);
        author.ask("PUT", "/col/one.txt", &[], "x");
        author.ask("PUT", "/col/new.txt", &[], "x");
        author.ask("MKCOL", "/col/newcol", &[], "");
        author.ask("DELETE", "/col/sub/", &[], "");
        author.transfer("MOVE", "/a.txt", "/col/a.txt", &[]);
        author.transfer("MOVE", "/col/one.txt", "/out.txt", &[]);
        let tagged = format!("<http://test.example/col/> (<{deep}>)");
        author.ask(
            "PUT",
            "/col/new.txt",
            &[("If", &tagged)],
            "by whoever has the collection\n",
        );
        let held = format!("(<{deep}>)");
        author.ask("PUT", "/col/new2.txt", &[("If", &held)], "the same\n");
        author.ask("MKCOL", "/col/newcol", &[("If", &held)], "");
        author.find("/col/", "infinity", DISCOVER);
        author.transfer("COPY", "/a.txt", "/col/copied.txt", &[("If", &tagged)]);
        author.ask("DELETE", "/col/new.txt", &[("If", &tagged)], "");
        author.unlock("/col/sub/two.txt", &deep);
        author.find("/col/", "1", DISCOVER);

        let flat = author.lock("/col/", "exclusive", &[("Depth", "0")]);
        author.ask("PUT", "/col/one.txt", &[], "a member is free\n");
        author.ask("PUT", "/col/another.txt", &[], "a new member is not\n");
        author.ask("DELETE", "/col/one.txt", &[], "");
        author.lock("/", "exclusive", &[("Depth", "infinity")]);
        author.lock("/", "shared", &[("Depth", "infinity")]);
        author.unlock("/col/", &flat);
        author.lock("/col/", "exclusive", &[("Depth", "1")]);
        author.lock("/col/", "exclusive", &[("Depth", "x")]);

        // A name without a resource.
        let null = author.lock("/later.txt", "exclusive", &[]);
        author.ask("GET", "/later.txt", &[], "");
        author.find("/later.txt", "0", DISCOVER);
        author.find("/", "1", DISCOVER);
        author.ask("PUT", "/later.txt", &[], "x");
        author.ask(
            "PUT",
            "/later.txt",
            &[("If", &format!("(<{null}>)"))],
            "now there\n",
        );
        author.find("/later.txt", "0", DISCOVER);
        author.unlock("/later.txt", &null);
        let null = author.lock("/never.txt", "shared", &[]);
        author.ask("MKCOL", "/never.txt", &[], "");
        author.unlock("/never.txt", &null);
        author.ask("GET", "/never.txt", &[], "");
        let null = author.lock("/becomes-collection", "exclusive", &[]);
        author.ask(
            "MKCOL",
            "/becomes-collection",
            &[("If", &format!("(<{null}>)"))],
            "",
        );
        author.find("/becomes-collection/", "0", DISCOVER);
        author.lock("/missing/deep.txt", "exclusive", &[]);
        for body in [
            "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/></D:lockscope></D:lockinfo>",
            "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:odd/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>",
            "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:read/></D:locktype></D:lockinfo>",
            "<D:lockinfo xmlns:D=\"DAV:\"><D:locktype><D:write/></D:locktype><D:extra/><D:lockscope><D:shared/></D:lockscope></D:lockinfo>",
            "<D:other xmlns:D=\"DAV:\"/>",
            "<broken",
        ] {
            author.ask("LOCK", "/page.html", &[], body);
        }
        author.lock("/page.html", "exclusive", &[("Timeout", "nonsense")]);
        author.lock(
            "/o%20dd/",
            "exclusive",
            &[("Timeout", "Second-x, Second-77")],
        );
        author.note_files()
    })
}

#[test]
fn locks_have_their_timeouts_and_may_be_hidden() -> Result<()> {
    let configuration = serve(
        "DavMinTimeout 900\nDavLockDiscovery Off\n\
         <Location /page.html>\nDavLockDiscovery On\nDavMinTimeout 30\n</Location>\n",
    );
    compare("dav dav_fs", &configuration, |author| {
        for timeout in ["Second-5", "Second-900", "Second-2000", "Infinite", "x"] {
            for path in ["/a.txt", "/page.html"] {
                let token = author.lock(path, "exclusive", &[("Timeout", timeout)]);
                author.find(path, "0", DISCOVER);
                author.unlock(path, &token);
            }
        }
        Ok(())
    })
}
