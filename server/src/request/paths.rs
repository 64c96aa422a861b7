//! Cutting and joining paths of URIs and files, as bytes: directories, bases, path infos, the words
//! of a request line. Called by the walks, the look-up of sub-requests and the variables of scripts.

/// White space as C's `isspace` has it in the C locale.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What stands behind the last slash.
pub fn base(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => &path[slash + 1..],
        None => path,
    }
}

/// The directory of a path with its slash; empty for a name without directory.
pub fn parent(path: &[u8]) -> &[u8] {
    &path[..path.len() - base(path).len()]
}

/// `directory` and `name` with exactly one slash added when the first has none at its end.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(directory.len() + name.len() + 2);
    joined.extend_from_slice(directory);
    if directory.last() != Some(&b'/') && !directory.is_empty() {
        joined.push(b'/');
    } else if directory.is_empty() {
        // A name in no directory is one of the root, as ap_make_full_path has it.
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
    joined
}

/// The path of a URI with each run of slashes made one.
pub fn merge_slashes(path: &[u8]) -> Vec<u8> {
    let mut merged = Vec::with_capacity(path.len());
    for &byte in path {
        if byte != b'/' || merged.last() != Some(&b'/') {
            merged.push(byte);
        }
    }
    merged
}

/// Whether there is a run of slashes in a path.
pub fn has_double_slash(path: &[u8]) -> bool {
    path.windows(2).any(|pair| pair == b"//")
}

/// Where in `uri` the path info begins, that is where the part for the script ends. Both are
/// compared from their ends; several slashes of the URI count as the one they became on the way to
/// the file system.
pub fn path_info_start(uri: &[u8], path_info: &[u8]) -> usize {
    let mut left = uri.len();
    let mut right = path_info.len();
    // `left` and `right` are how many bytes are still to be compared.
    loop {
        if left == 0 {
            break;
        }
        if right == 0 || uri[left - 1] != path_info[right - 1] {
            left -= 1;
            break;
        }
        left -= 1;
        right -= 1;
        if path_info[right] == b'/' {
            while left > 0 && uri[left - 1] == b'/' {
                left -= 1;
            }
        }
    }
    let rest = uri[left..].iter().position(|&byte| byte == b'/');
    rest.map_or(uri.len(), |slash| left + slash)
}

/// The second word of a request line: the URI as the client sent it.
pub fn request_target(line: &[u8]) -> &[u8] {
    let method = line.iter().take_while(|&&byte| !is_space(byte)).count();
    let gap = line[method..]
        .iter()
        .take_while(|&&byte| is_space(byte))
        .count();
    let target = &line[method + gap..];
    &target[..target.iter().take_while(|&&byte| !is_space(byte)).count()]
}

/// Whether a `<Location>` of plain text covers a URI: it is the whole of it, or ends where a segment
/// of it does.
pub fn location_covers(location: &[u8], uri: &[u8]) -> bool {
    uri.starts_with(location)
        && match (location.last(), uri.get(location.len())) {
            (None | Some(b'/'), _) | (_, None | Some(b'/')) => true,
            (Some(_), Some(_)) => false,
        }
}

/// One step of the walk down a path: what of `rest` makes up the next segment, with the slash before
/// it, if there is one.
pub fn next_segment(rest: &[u8]) -> &[u8] {
    let lead = usize::from(rest.first() == Some(&b'/'));
    let name = rest[lead..]
        .iter()
        .take_while(|&&byte| byte != b'/')
        .count();
    &rest[..lead + name]
}

/// How a custom response (`ErrorDocument`) is to be given.
#[derive(Debug, PartialEq, Eq)]
pub enum CustomResponse {
    /// It is the text of the response.
    Text,
    /// The client is redirected to another server's URL.
    Elsewhere,
    /// A path of this server answers, by internal redirect.
    Here,
    /// It is none of these.
    Invalid,
}

/// Tells the kinds of custom responses apart. `is_url`: whether it begins with a scheme.
pub fn custom_response(text: &[u8], is_url: bool) -> CustomResponse {
    match text.first() {
        Some(b'"') => CustomResponse::Text,
        _ if is_url => CustomResponse::Elsewhere,
        Some(b'/') => CustomResponse::Here,
        _ => CustomResponse::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_info_is_found_from_the_end() {
        assert_eq!(path_info_start(b"/cgi-bin/a.cgi/x/y", b"/x/y"), 14);
        assert_eq!(path_info_start(b"/cgi-bin/a.cgi//x", b"/x"), 14);
        assert_eq!(path_info_start(b"/a.cgi", b""), 6);
        assert_eq!(path_info_start(b"/x", b"/x"), 0);
        assert_eq!(path_info_start(b"/alias/other", b"/different"), 12);
    }

    #[test]
    fn a_location_covers_whole_segments() {
        assert!(location_covers(b"/", b"/anything"));
        assert!(location_covers(b"/a", b"/a"));
        assert!(location_covers(b"/a", b"/a/b"));
        assert!(location_covers(b"/a/", b"/a/b"));
        assert!(location_covers(b"", b"*"));
        assert!(!location_covers(b"/a", b"/ab"));
        assert!(!location_covers(b"/a/", b"/a"));
    }

    #[test]
    fn paths_are_cut_at_slashes() {
        assert_eq!(base(b"/a/b.html"), b"b.html");
        assert_eq!(base(b"b"), b"b");
        assert_eq!(parent(b"/a/b.html"), b"/a/");
        assert_eq!(parent(b"b"), b"");
        assert_eq!(join(b"/a", b"b"), b"/a/b");
        assert_eq!(join(b"/a/", b"b"), b"/a/b");
        assert_eq!(next_segment(b"/var/www"), b"/var");
        assert_eq!(next_segment(b"var"), b"var");
        assert_eq!(next_segment(b"/"), b"/");
        assert_eq!(merge_slashes(b"//a///b/"), b"/a/b/");
    }

    #[test]
    fn the_target_of_a_request_line_is_its_second_word() {
        assert_eq!(request_target(b"GET  /a?b HTTP/1.1"), b"/a?b");
        assert_eq!(request_target(b"GET /a"), b"/a");
        assert_eq!(request_target(b""), b"");
    }

    #[test]
    fn custom_responses_are_told_apart() {
        assert_eq!(custom_response(b"\"Sorry", false), CustomResponse::Text);
        assert_eq!(
            custom_response(b"http://x/", true),
            CustomResponse::Elsewhere
        );
        assert_eq!(custom_response(b"/e.html", false), CustomResponse::Here);
        assert_eq!(custom_response(b"e.html", false), CustomResponse::Invalid);
    }
}
