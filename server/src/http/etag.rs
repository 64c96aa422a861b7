//! How an entity tag is put together from what is known of a file. Called by
//! `abi/http_protocol/etag.rs`.

/// The parts of a tag.
#[derive(Clone, Copy, Default, Debug)]
pub struct Parts<'v> {
    /// The file's inode, when wanted.
    pub inode: Option<u64>,
    /// Its size, when wanted.
    pub size: Option<u64>,
    /// Its time of modification in microseconds, when wanted.
    pub mtime: Option<u64>,
    /// Whether only weak comparison is sound.
    pub weak: bool,
    /// The tag of the list of variants, when the file was chosen by negotiation.
    pub variants: Option<&'v [u8]>,
}

impl Parts<'_> {
    /// The tag, quotes included.
    pub fn tag(&self) -> Vec<u8> {
        let numbers: Vec<String> = [self.inode, self.size, self.mtime]
            .into_iter()
            .flatten()
            .map(|number| format!("{number:x}"))
            .collect();
        combine(numbers.join("-").as_bytes(), self.weak, self.variants)
    }
}

/// A tag of `text`, joined with that of the list of variants; weak when either is.
pub fn combine(text: &[u8], weak: bool, variants: Option<&[u8]>) -> Vec<u8> {
    let list_is_weak = variants.is_some_and(|list| list.starts_with(b"W/"));
    let list = variants.map(|list| {
        let list = list.strip_prefix(b"W/").unwrap_or(list);
        list.strip_prefix(b"\"").unwrap_or(list)
    });
    let mut tag = Vec::with_capacity(text.len() + list.map_or(0, <[u8]>::len) + 5);
    if weak || list_is_weak {
        tag.extend_from_slice(b"W/");
    }
    tag.push(b'"');
    tag.extend_from_slice(text);
    match list {
        // The list's tag brings the closing quote along.
        Some(list) => {
            tag.push(b';');
            tag.extend_from_slice(list);
        }
        None => tag.push(b'"'),
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_parts_are_joined() {
        let parts = Parts {
            size: Some(0x3b),
            mtime: Some(0x6_6102_3cbc_4ed5),
            ..Parts::default()
        };
        assert_eq!(parts.tag(), b"\"3b-661023cbc4ed5\"");
        let all = Parts {
            inode: Some(0),
            weak: true,
            ..parts
        };
        assert_eq!(all.tag(), b"W/\"0-3b-661023cbc4ed5\"");
    }

    #[test]
    fn negotiated_files_carry_the_tag_of_the_list() {
        let parts = Parts {
            size: Some(1),
            variants: Some(b"\"abc\""),
            ..Parts::default()
        };
        assert_eq!(parts.tag(), b"\"1;abc\"");
        let weak = Parts {
            variants: Some(b"W/\"abc\""),
            ..parts
        };
        assert_eq!(weak.tag(), b"W/\"1;abc\"");
    }
}
