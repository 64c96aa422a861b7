//! The origin of the tests of caches: its paths say of themselves how they may be cached.

use httpd_tests::{
    moments::date_in,
    origin::{Asked, Reply},
};

/// What the origin answers.
pub fn answer(asked: &Asked) -> Reply {
    let name = asked.path.rsplit('/').next().unwrap_or_default();
    let name = name.trim_end_matches(".txt");
    let validated = asked.field("If-None-Match");
    let again = asked.count > 1;
    match name {
        "fresh" => conditional(
            asked,
            "\"fresh\"",
            "Cache-Control: max-age=600\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT",
        ),
        "related" | "posted" | "authorized" | "vary-none" => {
            Reply::with("Cache-Control: max-age=600")
        }
        "changes-related" => Reply::with("Location: http://test.example/related"),
        "public" => Reply::with("Cache-Control: public, max-age=600"),
        "expires" => Reply::with(&format!("Expires: {}", date_in(3600))),
        "past" => Reply::with(
            "Expires: Tue, 14 Nov 2023 22:13:20 GMT\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT",
        ),
        "expires-zero" => Reply::with("Expires: 0\nETag: \"zero\""),
        "no-store" => Reply::with("Cache-Control: no-store, max-age=600"),
        "no-cache" => Reply::with("Cache-Control: no-cache, max-age=600\nETag: \"n\""),
        "no-cache-field" => {
            Reply::with("Cache-Control: no-cache=\"X-Count\", max-age=600\nX-Other: stays")
        }
        "private" => Reply::with("Cache-Control: private, max-age=600"),
        "private-field" => Reply::with("Cache-Control: private=\"X-Count\", max-age=600"),
        "must-revalidate" => {
            Reply::with("Cache-Control: must-revalidate, max-age=600\nETag: \"m\"")
        }
        "s-maxage" => Reply::with("Cache-Control: max-age=0, s-maxage=600"),
        "max-age-zero" => conditional(asked, "\"zero\"", "Cache-Control: max-age=0"),
        "max-age-huge" => Reply::with("Cache-Control: max-age=99999999999"),
        "max-age-bad" => Reply::with("Cache-Control: max-age=soon\nETag: \"bad\""),
        "two-controls" => {
            Reply::with("Cache-Control: max-age=600\nCache-Control: no-store\nVary: a\nVary: b")
        }
        "pragma" => Reply::with("Pragma: no-cache\nCache-Control: max-age=600"),
        "modified" => Reply::with("Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT"),
        "modified-future" => Reply::with(&format!("Last-Modified: {}", date_in(7200))),
        "modified-later" if asked.field("If-Modified-Since").is_empty() => {
            Reply::with("Cache-Control: max-age=0\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT")
        }
        "modified-later" => Reply::of(
            "304 Not Modified",
            "Cache-Control: max-age=600\nX-New: field",
        ),
        "bare-etag" | "etag" => conditional(asked, "\"e\"", ""),
        "etag-changes" => {
            let tag = format!("\"{}\"", asked.count.div_ceil(2));
            conditional(asked, &tag, "Cache-Control: max-age=0")
        }
        "first" | "second" => conditional(asked, "\"v\"", "Cache-Control: max-age=600"),
        "dated" => Reply::with(&format!(
            "Date: {}\nCache-Control: max-age=600",
            date_in(-100)
        )),
        "aged" => Reply::with("Age: 1000\nCache-Control: max-age=600"),
        "cookie" => Reply::with("Set-Cookie: a=b\nCache-Control: max-age=600"),
        "vary-star" => Reply::with("Vary: *\nCache-Control: max-age=600"),
        "vary" => {
            let mut reply = Reply::with("Vary: Accept-Language\nCache-Control: max-age=600");
            reply.body = format!("in {} {}\n", asked.field("Accept-Language"), asked.count);
            reply
        }
        "vary-two" => Reply::with("Vary: Accept-Language, X-Other\nCache-Control: max-age=600"),
        "not-found" => Reply::of("404 Not Found", "Cache-Control: max-age=600"),
        "moved" => Reply::of(
            "301 Moved Permanently",
            "Location: http://test.example/fresh\nCache-Control: max-age=600",
        ),
        "found" => Reply::of("302 Found", "Location: http://test.example/fresh"),
        "found-fresh" => Reply::of(
            "302 Found",
            "Location: http://test.example/fresh\nCache-Control: max-age=600",
        ),
        "gone" => Reply::of("410 Gone", "Cache-Control: max-age=600"),
        "error" => Reply::of("500 Internal Server Error", "Cache-Control: max-age=600"),
        "no-content" => Reply::of("204 No Content", "Cache-Control: max-age=600"),
        "partial" => Reply::of(
            "206 Partial Content",
            "Content-Range: bytes 0-10/100\nCache-Control: max-age=600",
        ),
        "choices" => Reply::of("300 Multiple Choices", "Cache-Control: max-age=600"),
        "chunked" => Reply::with("Transfer-Encoding: chunked\nCache-Control: max-age=600"),
        "hop" => Reply::with(
            "Keep-Alive: timeout=5\nX-Hop: 1\nProxy-Authenticate: Basic\nWarning: 199 x \"odd\"\n\
             Content-Language: de\nContent-Encoding: identity\nCache-Control: max-age=600",
        ),
        "large" => {
            let mut reply = Reply::with("Cache-Control: max-age=600");
            reply.body = "0123456789abcdef".repeat(10_000);
            reply
        }
        "fails-later" | "etag-fails-later" | "fails-must-revalidate" | "fails-proxy-revalidate"
            if again =>
        {
            Reply::of("503 Service Unavailable", "")
        }
        "fails-later" => Reply::with("Cache-Control: max-age=0"),
        "etag-fails-later" => Reply::with("Cache-Control: max-age=0\nETag: \"f\""),
        "fails-must-revalidate" => Reply::with("Cache-Control: max-age=0, must-revalidate"),
        "fails-proxy-revalidate" => Reply::with("Cache-Control: max-age=0, proxy-revalidate"),
        "gone-later" if again => Reply::of("404 Not Found", ""),
        "gone-later" => Reply::with("Cache-Control: max-age=0\nETag: \"g\""),
        _ => Reply::with(&format!("X-Validated: {validated}")),
    }
}

/// 200 with a tag and more fields, or 304 when the request has that tag.
fn conditional(asked: &Asked, tag: &str, more: &str) -> Reply {
    let status = match asked.field("If-None-Match") == tag {
        true => "304 Not Modified",
        false => "",
    };
    Reply::of(status, &format!("ETag: {tag}\n{more}"))
}
