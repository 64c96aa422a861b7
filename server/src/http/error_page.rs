//! What error pages and redirections say when no ErrorDocument is set, word for word what Apache
//! 2.4.71 says: clients and test suites compare. Called by `abi/http_protocol/error_response.rs`.

/// What of a request shows in its error page.
#[derive(Clone, Copy, Default, Debug)]
pub struct Context<'r> {
    /// The method as sent.
    pub method: &'r [u8],
    /// The Location field.
    pub location: &'r [u8],
    /// The Expect field.
    pub expect: Option<&'r [u8]>,
    /// The note `error-notes`, which is HTML.
    pub notes: Option<&'r [u8]>,
    /// The note `variant-list`, which is HTML.
    pub variants: Option<&'r [u8]>,
    /// Whether the notes are for every client, by the note `verbose-error-to`.
    pub verbose: bool,
    /// ServerAdmin.
    pub admin: &'r [u8],
}

/// Everything before the text.
pub fn opening(title: &[u8], heading: &[u8]) -> Vec<u8> {
    join(&[
        b"<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n\
          <html><head>\n<title>",
        title,
        b"</title>\n</head><body>\n<h1>",
        heading,
        b"</h1>\n",
    ])
}

/// What is added when the ErrorDocument failed too; `line` is that failure's status line.
pub fn recursion(line: &str) -> Vec<u8> {
    join(&[
        b"<p>Additionally, a ",
        line.as_bytes(),
        b"\nerror was encountered while trying to use an ErrorDocument to handle the request.</p>\n",
    ])
}

/// Everything after the text and the server's signature.
pub const CLOSING: &[u8] = b"</body></html>\n";

/// The text for a status.
pub fn text(status: i32, of: &Context<'_>) -> Vec<u8> {
    let noted = |before: &[u8], after: &[u8]| join(&[before, of.notes.unwrap_or(b""), after]);
    let method = escape(of.method);
    match status {
        301 | 302 | 307 | 308 => join(&[
            b"<p>The document has moved <a href=\"",
            &escape(of.location),
            b"\">here</a>.</p>\n",
        ]),
        303 => join(&[
            b"<p>The answer to your request is located <a href=\"",
            &escape(of.location),
            b"\">here</a>.</p>\n",
        ]),
        300 => of.variants.unwrap_or(b"").to_vec(),
        400 => noted(
            b"<p>Your browser sent a request that this server could not understand.<br />\n",
            b"</p>\n",
        ),
        403 => noted(
            b"<p>You don't have permission to access this resource.",
            b"</p>\n",
        ),
        405 => join(&[
            b"<p>The requested method ",
            &method,
            b" is not allowed for this URL.</p>\n",
        ]),
        406 => join(&[
            b"<p>An appropriate representation of the requested resource could not be found on this server.</p>\n",
            of.variants.unwrap_or(b""),
        ]),
        411 => join(&[
            b"<p>A request of the requested method ",
            &method,
            b" requires a valid Content-length.<br />\n",
            of.notes.unwrap_or(b""),
            b"</p>\n",
        ]),
        413 => join(&[
            b"The requested resource does not allow request data with ",
            &method,
            b" requests, or the amount of data provided in\nthe request exceeds the capacity limit.\n",
        ]),
        414 => noted(
            b"<p>The requested URL's length exceeds the capacity\nlimit for this server.<br />\n",
            b"</p>\n",
        ),
        417 => expectation_failed(of.expect),
        451 => noted(
            b"<p>Access to this URL has been denied for legal reasons.<br />\n",
            b"</p>\n",
        ),
        501 => join(&[
            b"<p>",
            &method,
            b" not supported for current URL.<br />\n",
            of.notes.unwrap_or(b""),
            b"</p>\n",
        ]),
        502 => noted(
            // These line ends are Apache's.
            b"<p>The proxy server received an invalid\r\nresponse from an upstream server.<br />\r\n",
            b"</p>\n",
        ),
        _ => match fixed(status) {
            Some(text) => text.as_bytes().to_vec(),
            None => internal_error(of),
        },
    }
}

fn expectation_failed(expect: Option<&[u8]>) -> Vec<u8> {
    const END: &[u8] = b"</p><p>Only the 100-continue expectation is supported.</p>\n";
    match expect {
        Some(expect) => join(&[
            b"<p>The expectation given in the Expect request-header\nfield could not be met by this server.\n\
              The client sent<pre>\n    Expect: ",
            &escape(expect),
            b"\n</pre>\n",
            END,
        ]),
        None => join(&[
            b"<p>No expectation was seen, the Expect request-header \nfield was not presented by the client.\n",
            END,
        ]),
    }
}

fn internal_error(of: &Context<'_>) -> Vec<u8> {
    if let (Some(notes), true) = (of.notes, of.verbose) {
        return join(&[notes, b"<p />\n"]);
    }
    join(&[
        b"<p>The server encountered an internal error or\nmisconfiguration and was unable to complete\n\
          your request.</p>\n<p>Please contact the server administrator at \n ",
        &escape(of.admin),
        b" to inform them of the time this error occurred,\n and the actions you performed just before this error.</p>\n\
          <p>More information about this error may be available\nin the server error log.</p>\n",
    ])
}

/// The texts that are the same for every request.
fn fixed(status: i32) -> Option<&'static str> {
    Some(match status {
        305 => {
            "<p>This resource is only accessible through the proxy\n<br />\n\
             You will need to configure your client to use that proxy.</p>\n"
        }
        401 | 407 => {
            "<p>This server could not verify that you\nare authorized to access the document\n\
             requested.  Either you supplied the wrong\ncredentials (e.g., bad password), or your\n\
             browser doesn't understand how to supply\nthe credentials required.</p>\n"
        }
        404 => "<p>The requested URL was not found on this server.</p>\n",
        408 => "<p>Server timeout waiting for the HTTP request from the client.</p>\n",
        410 => {
            "<p>The requested resource is no longer available on this server and there is no forwarding address.\n\
             Please remove all references to this resource.</p>\n"
        }
        412 => "<p>The precondition on the request for this URL evaluated to false.</p>\n",
        415 => {
            "<p>The supplied request data is not in a format\nacceptable for processing by this resource.</p>\n"
        }
        416 => {
            "<p>None of the range-specifier values in the Range\nrequest-header field overlap the current extent\n\
             of the selected resource.</p>\n"
        }
        421 => {
            "<p>The client needs a new connection for this\nrequest as the requested host name does not match\n\
             the Server Name Indication (SNI) in use for this\nconnection.</p>\n"
        }
        422 => {
            "<p>The server understands the media type of the\nrequest entity, but was unable to process the\n\
             contained instructions.</p>\n"
        }
        423 => {
            "<p>The requested resource is currently locked.\nThe lock must be released or proper identification\n\
             given before the method can be applied.</p>\n"
        }
        424 => {
            "<p>The method could not be performed on the resource\nbecause the requested action depended on another\n\
             action and that other action failed.</p>\n"
        }
        426 => {
            "<p>The requested resource can only be retrieved\nusing SSL.  The server is willing to upgrade the current\n\
             connection to SSL, but your client doesn't support it.\n\
             Either upgrade your client, or try requesting the page\nusing https://\n"
        }
        428 => "<p>The request is required to be conditional.</p>\n",
        429 => "<p>The user has sent too many requests\nin a given amount of time.</p>\n",
        431 => {
            "<p>The server refused this request because\nthe request header fields are too large.</p>\n"
        }
        503 => {
            "<p>The server is temporarily unable to service your\nrequest due to maintenance downtime or capacity\n\
             problems. Please try again later.</p>\n"
        }
        504 => {
            "<p>The gateway did not receive a timely response\nfrom the upstream server or application.</p>\n"
        }
        506 => {
            "<p>A variant for the requested resource\n<pre>\n\n</pre>\n\
             is itself a negotiable resource. This indicates a configuration error.</p>\n"
        }
        507 => {
            "<p>The method could not be performed on the resource\nbecause the server is unable to store the\n\
             representation needed to successfully complete the\nrequest.  There is insufficient free space left in\n\
             your storage allocation.</p>\n"
        }
        508 => {
            "<p>The server terminated an operation because\nit encountered an infinite loop.</p>\n"
        }
        510 => {
            "<p>A mandatory extension policy in the request is not\naccepted by the server for this resource.</p>\n"
        }
        511 => "<p>The client needs to authenticate to gain\nnetwork access.</p>\n",
        _ => return None,
    })
}

/// What must not be markup is written as entities.
fn escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            _ => out.push(byte),
        }
    }
    out
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(status: i32, title: &str, context: &Context<'_>) -> usize {
        [
            opening(title.as_bytes(), &title.as_bytes()[4..]),
            text(status, context),
            CLOSING.to_vec(),
        ]
        .concat()
        .len()
    }

    // The Content-Length of Apache 2.4.71's answers, with ServerSignature Off.
    #[test]
    fn pages_have_the_length_of_apaches() {
        let get = Context {
            method: b"GET",
            ..Context::default()
        };
        assert_eq!(page(400, "400 Bad Request", &get), 266);
        assert_eq!(page(404, "404 Not Found", &get), 236);
        assert_eq!(page(403, "403 Forbidden", &get), 239);
        assert_eq!(page(414, "414 Request-URI Too Long", &get), 288);
        assert_eq!(
            page(416, "416 Requested Range Not Satisfiable", &get),
            0x162
        );
        let noted = Context {
            notes: Some(b"Size of a request header field exceeds server limit."),
            ..get
        };
        assert_eq!(page(400, "400 Bad Request", &noted), 318);
        let expecting = Context {
            expect: Some(b"foo"),
            ..get
        };
        assert_eq!(page(417, "417 Expectation Failed", &expecting), 395);
        let moved = Context {
            location: b"http://x.example/n",
            ..get
        };
        assert_eq!(page(301, "301 Moved Permanently", &moved), 266);
        let method = Context {
            method: b"DELETE",
            ..get
        };
        assert_eq!(page(405, "405 Method Not Allowed", &method), 263);
        let unknown = Context {
            method: b"FOO",
            ..get
        };
        assert_eq!(page(501, "501 Not Implemented", &unknown), 242);
    }

    #[test]
    fn what_the_client_sent_is_no_markup() {
        let context = Context {
            method: b"<b>\"&",
            ..Context::default()
        };
        let text = text(405, &context);
        assert!(text.windows(24).any(|w| w == b"&lt;b&gt;&quot;&amp; is "));
    }

    #[test]
    fn notes_replace_the_text_of_500_only_when_meant_for_all() {
        let mut context = Context {
            notes: Some(b"why"),
            admin: b"me@example",
            ..Context::default()
        };
        assert!(text(500, &context).starts_with(b"<p>The server encountered"));
        context.verbose = true;
        assert_eq!(text(500, &context), b"why<p />\n");
    }
}
