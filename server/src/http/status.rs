//! The statuses the server knows: their lines, and their places in the tables that modules and
//! ErrorDocument settings index.

/// How many places the table of statuses has (`RESPONSE_CODES` of httpd.h).
pub const PLACES: usize = 104;

/// The place of 500, which stands for every status that is not known.
pub const UNKNOWN: usize = 92;

/// The first place of each hundred; between them lie the statuses of that hundred.
const FIRST_PLACES: [usize; 6] = [0, 4, 31, 40, UNKNOWN, PLACES];

/// The status line of a place, code and words, for status lines and titles.
pub fn line_at(place: usize) -> &'static str {
    line_c(place).trim_end_matches('\0')
}

/// The same ended by a NUL, for C.
pub fn line_c(place: usize) -> &'static str {
    let hundred = FIRST_PLACES[1..]
        .iter()
        .position(|&next| place < next)
        .unwrap_or(4);
    let code = (hundred + 1) * 100 + place.saturating_sub(FIRST_PLACES[hundred]);
    known(code as i32).unwrap_or("500 Internal Server Error\0")
}

/// The place of a status; that of 500 when it is not known.
pub fn place(status: i32) -> usize {
    let (Ok(code), true) = (usize::try_from(status), known(status).is_some()) else {
        return UNKNOWN;
    };
    FIRST_PLACES[code / 100 - 1] + code % 100
}

/// Whether it has a place of its own.
pub fn is_known(status: i32) -> bool {
    known(status).is_some()
}

/// Whether a response of this status never has a body.
pub fn has_no_body(status: i32) -> bool {
    matches!(status, 204 | 304)
}

/// Whether the connection must not be used again after this status, because what the client sent
/// was not understood or not taken.
pub fn drops_connection(status: i32) -> bool {
    matches!(status, 400 | 408 | 411 | 413 | 414 | 500 | 501 | 503)
}

fn known(status: i32) -> Option<&'static str> {
    Some(match status {
        100 => "100 Continue\0",
        101 => "101 Switching Protocols\0",
        102 => "102 Processing\0",
        103 => "103 Early Hints\0",
        200 => "200 OK\0",
        201 => "201 Created\0",
        202 => "202 Accepted\0",
        203 => "203 Non-Authoritative Information\0",
        204 => "204 No Content\0",
        205 => "205 Reset Content\0",
        206 => "206 Partial Content\0",
        207 => "207 Multi-Status\0",
        208 => "208 Already Reported\0",
        226 => "226 IM Used\0",
        300 => "300 Multiple Choices\0",
        301 => "301 Moved Permanently\0",
        302 => "302 Found\0",
        303 => "303 See Other\0",
        304 => "304 Not Modified\0",
        305 => "305 Use Proxy\0",
        307 => "307 Temporary Redirect\0",
        308 => "308 Permanent Redirect\0",
        400 => "400 Bad Request\0",
        401 => "401 Unauthorized\0",
        402 => "402 Payment Required\0",
        403 => "403 Forbidden\0",
        404 => "404 Not Found\0",
        405 => "405 Method Not Allowed\0",
        406 => "406 Not Acceptable\0",
        407 => "407 Proxy Authentication Required\0",
        408 => "408 Request Timeout\0",
        409 => "409 Conflict\0",
        410 => "410 Gone\0",
        411 => "411 Length Required\0",
        412 => "412 Precondition Failed\0",
        413 => "413 Request Entity Too Large\0",
        414 => "414 Request-URI Too Long\0",
        415 => "415 Unsupported Media Type\0",
        416 => "416 Requested Range Not Satisfiable\0",
        417 => "417 Expectation Failed\0",
        421 => "421 Misdirected Request\0",
        422 => "422 Unprocessable Entity\0",
        423 => "423 Locked\0",
        424 => "424 Failed Dependency\0",
        426 => "426 Upgrade Required\0",
        428 => "428 Precondition Required\0",
        429 => "429 Too Many Requests\0",
        431 => "431 Request Header Fields Too Large\0",
        451 => "451 Unavailable For Legal Reasons\0",
        500 => "500 Internal Server Error\0",
        501 => "501 Not Implemented\0",
        502 => "502 Bad Gateway\0",
        503 => "503 Service Unavailable\0",
        504 => "504 Gateway Timeout\0",
        505 => "505 HTTP Version Not Supported\0",
        506 => "506 Variant Also Negotiates\0",
        507 => "507 Insufficient Storage\0",
        508 => "508 Loop Detected\0",
        510 => "510 Not Extended\0",
        511 => "511 Network Authentication Required\0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_lines_agree() {
        for status in 0..700 {
            let at = place(status);
            assert!(at < PLACES);
            if is_known(status) {
                assert_eq!(line_at(at)[..3], status.to_string());
            } else {
                assert_eq!(at, UNKNOWN);
            }
        }
        assert_eq!(line_at(UNKNOWN), "500 Internal Server Error");
        assert_eq!(place(511), PLACES - 1);
        // A gap between two known statuses.
        assert_eq!(line_at(place(226) - 1), "500 Internal Server Error");
    }
}
