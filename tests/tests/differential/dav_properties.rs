//! WebDAV's properties (mod_dav, mod_dav_fs): PROPFIND of all depths and kinds, PROPPATCH, and what
//! becomes of properties when a resource is copied, moved or removed.

use anyhow::Result;
use httpd_tests::dav::{compare, serve};

const ALL: &str = "<?xml version=\"1.0\"?><D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>";
const NAMES: &str = "<D:propfind xmlns:D=\"DAV:\"><D:propname/></D:propfind>";

fn named(properties: &str) -> String {
    format!(
        "<D:propfind xmlns:D=\"DAV:\" xmlns:x=\"http://x.example/\"><D:prop>{properties}</D:prop></D:propfind>"
    )
}

fn update(instructions: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><D:propertyupdate xmlns:D=\"DAV:\" xmlns:x=\"http://x.example/\">{instructions}</D:propertyupdate>"
    )
}

fn set(properties: &str) -> String {
    update(&format!("<D:set><D:prop>{properties}</D:prop></D:set>"))
}

#[test]
fn properties_are_found() -> Result<()> {
    compare("dav dav_fs", &serve("DavDepthInfinity On\n"), |author| {
        for (path, depth) in [
            ("/a.txt", "0"),
            ("/a.txt", "1"),
            ("/col/", "0"),
            ("/col", "0"),
            ("/col/", "1"),
            ("/col/", "infinity"),
            ("/o%20dd/", "1"),
            ("/missing", "0"),
            ("/", "2"),
            ("/", "Infinity"),
            ("/", "x"),
        ] {
            for body in ["", ALL, NAMES] {
                author.find(path, depth, body);
            }
        }
        author.ask("PROPFIND", "/col/", &[], ALL);
        for properties in [
            "<D:getcontentlength/><D:getlastmodified/>",
            "<D:resourcetype/><D:supportedlock/><D:lockdiscovery/>",
            "<D:getetag/><D:creationdate/><D:getcontenttype/><D:getcontentlanguage/>",
            "<D:displayname/><x:mine/><none xmlns=\"\"/>",
            "<x:executable xmlns:x=\"http://apache.org/dav/props/\"/>",
            "<D:supported-method-set/><D:supported-live-property-set/><D:supported-report-set/>",
            "<D:quota-available-bytes/><D:quota-used-bytes/>",
            "",
        ] {
            author.find("/a.txt", "0", &named(properties));
            author.find("/col/", "1", &named(properties));
        }
        for body in [
            "<D:propfind xmlns:D=\"DAV:\"><D:allprop>",
            "<D:propfind xmlns:D=\"DAV:\"/>",
            "<D:propfind xmlns:D=\"DAV:\"><D:strange/></D:propfind>",
            "<D:propfind xmlns:D=\"OTHER:\"><D:allprop/></D:propfind>",
            "<D:prop xmlns:D=\"DAV:\"/>",
            "<propfind xmlns=\"DAV:\"><allprop/></propfind>",
            "<D:propfind><D:allprop/></D:propfind>",
            "<D:propfind xmlns:D=\"\"><D:allprop/></D:propfind>",
            "not xml",
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/></D:prop></D:propfind>",
            "<?xml version=\"1.0\" encoding=\"klingon\"?><D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>",
        ] {
            author.find("/a.txt", "0", body);
        }
        author.ask(
            "PROPFIND",
            "/a.txt",
            &[("Depth", "0"), ("Content-Type", "text/plain")],
            ALL,
        );
        author.ask(
            "PROPFIND",
            "/a.txt",
            &[("Depth", "0"), ("Brief", "t")],
            &named("<x:none/>"),
        );
        author.ask(
            "PROPFIND",
            "/a.txt",
            &[("Depth", "0"), ("Prefer", "return=minimal")],
            &named("<x:none/>"),
        );
        author.ask(
            "PROPFIND",
            "/a.txt",
            &[("Depth", "0"), ("If-Match", "\"no\"")],
            ALL,
        );
        Ok(())
    })
}

#[test]
fn properties_are_set_and_removed() -> Result<()> {
    compare("dav dav_fs", &serve(""), |author| {
        for (path, body) in [
            ("/a.txt", set("<x:mine>my value</x:mine>")),
            (
                "/a.txt",
                set(
                    "<x:mine>another</x:mine><x:other><x:deep at=\"1\">é &amp; &lt;</x:deep></x:other>",
                ),
            ),
            ("/a.txt", set("<plain xmlns=\"\">no namespace</plain>")),
            (
                "/a.txt",
                set("<y:far xmlns:y=\"urn:far\" xml:lang=\"de\">fern</y:far>"),
            ),
            ("/a.txt", set("<D:getetag>\"mine\"</D:getetag>")),
            ("/a.txt", set("<D:displayname>A name</D:displayname>")),
            (
                "/a.txt",
                set("<x:good>1</x:good><D:getcontentlength>1</D:getcontentlength>"),
            ),
            (
                "/a.txt",
                set("<x:executable xmlns:x=\"http://apache.org/dav/props/\">T</x:executable>"),
            ),
            (
                "/a.txt",
                set(
                    "<x:executable xmlns:x=\"http://apache.org/dav/props/\">perhaps</x:executable>",
                ),
            ),
            (
                "/a.txt",
                set("<x:executable xmlns:x=\"http://apache.org/dav/props/\">F</x:executable>"),
            ),
            (
                "/a.txt",
                set("<D:getcontenttype>text/x-mine</D:getcontenttype>"),
            ),
            ("/a.txt", set("<D:lockdiscovery/><D:supportedlock/>")),
            ("/col/", set("<x:mine>of a collection</x:mine>")),
            ("/col/one.txt", set("<x:mine>of a member</x:mine>")),
            ("/missing", set("<x:mine>of nothing</x:mine>")),
            ("/a.txt", set("")),
            ("/a.txt", update("")),
            ("/a.txt", update("<D:set/>")),
            ("/a.txt", update("<D:strange><D:prop/></D:strange>")),
            ("/a.txt", "<D:propfind xmlns:D=\"DAV:\"/>".to_owned()),
            ("/a.txt", "<broken".to_owned()),
            ("/a.txt", String::new()),
        ] {
            author.ask("PROPPATCH", path, &[], &body);
        }
        for path in ["/a.txt", "/col/"] {
            author.find(path, "1", ALL);
            author.find(path, "1", NAMES);
            author.find(
                path,
                "0",
                &named("<x:mine/><x:other/><plain xmlns=\"\"/><D:displayname/>"),
            );
        }
        author.transfer("COPY", "/a.txt", "/copy.txt", &[]);
        author.find("/copy.txt", "0", ALL);
        author.transfer("MOVE", "/copy.txt", "/col/moved.txt", &[]);
        author.find("/col/moved.txt", "0", ALL);
        author.find("/copy.txt", "0", ALL);
        author.transfer("COPY", "/col/", "/col2/", &[]);
        author.find("/col2/", "1", ALL);
        author.transfer("MOVE", "/col2/", "/col3/", &[]);
        author.find("/col3/", "1", &named("<x:mine/>"));
        author.ask("DELETE", "/col/moved.txt", &[], "");
        author.ask("PUT", "/col/moved.txt", &[], "again\n");
        author.find("/col/moved.txt", "0", &named("<x:mine/>"));
        for body in [
            update("<D:remove><D:prop><x:mine/></D:prop></D:remove>"),
            update("<D:remove><D:prop><x:never/></D:prop></D:remove>"),
            update("<D:remove><D:prop><D:getetag/></D:prop></D:remove>"),
            update(
                "<D:set><D:prop><x:a>1</x:a></D:prop></D:set><D:remove><D:prop><x:a/></D:prop></D:remove><D:set><D:prop><x:b>2</x:b></D:prop></D:set>",
            ),
        ] {
            author.ask("PROPPATCH", "/a.txt", &[], &body);
            author.find("/a.txt", "0", &named("<x:mine/><x:a/><x:b/>"));
        }
        let tag = author.ask("HEAD", "/a.txt", &[], "");
        let tag = format!("([{}])", tag.field("ETag").unwrap_or_default());
        author.ask(
            "PROPPATCH",
            "/a.txt",
            &[("If", &tag)],
            &set("<x:conditional>1</x:conditional>"),
        );
        author.ask(
            "PROPPATCH",
            "/a.txt",
            &[("If", "([\"no\"])")],
            &set("<x:conditional>2</x:conditional>"),
        );
        author.note_files()
    })
}
