//! Exports of `util_fcgi.h`: the records of FastCGI, for mod_proxy_fcgi and mod_authnz_fcgi.
//!
//! Safe functions write into byte slices; the exports turn C's arrays and tables into those.

use std::{
    ffi::{CStr, c_int, c_uchar, c_void},
    slice,
};

use httpd_sys as sys;
use sys::{ap_fcgi_begin_request_body as BeginRequest, ap_fcgi_header as Header};

exports! {
    ap_fcgi_header_to_array, ap_fcgi_header_from_array, ap_fcgi_header_fields_from_array,
    ap_fcgi_begin_request_body_to_array, ap_fcgi_fill_in_header, ap_fcgi_fill_in_request_body,
    ap_fcgi_encoded_env_len, ap_fcgi_encode_env,
}

const HEADER_LEN: usize = sys::AP_FCGI_HEADER_LEN as usize;
const BEGIN_REQUEST_LEN: usize = 8;
/// Lengths from here on take four bytes, of which the first has its top bit set.
const LONG_LENGTH: usize = 0x80;

/// A variable's name and value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// How many bytes a length takes.
fn length_size(length: usize) -> usize {
    if length < LONG_LENGTH { 1 } else { 4 }
}

/// How many bytes a variable takes.
fn pair_size((name, value): Pair<'_>) -> usize {
    length_size(name.len()) + length_size(value.len()) + name.len() + value.len()
}

/// How many of `pairs` fit into `room`, and how many bytes they take.
fn fitting<'a>(pairs: impl Iterator<Item = Pair<'a>>, room: usize) -> (usize, usize) {
    let (mut count, mut size) = (0, 0);
    for pair in pairs {
        let more = size + pair_size(pair);
        if more > room {
            break;
        }
        (count, size) = (count + 1, more);
    }
    (count, size)
}

/// Writes a variable to the start of `room`; how many bytes, or `None` if it does not fit.
fn encode(pair: Pair<'_>, room: &mut [u8]) -> Option<usize> {
    let size = pair_size(pair);
    let room = room.get_mut(..size)?;
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        room[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    for length in [pair.0.len(), pair.1.len()] {
        if length < LONG_LENGTH {
            put(&[length as u8]);
        } else {
            put(&(length as u32 | 1 << 31).to_be_bytes());
        }
    }
    put(pair.0);
    put(pair.1);
    Some(size)
}

/// The variables of a table from the given one on.
///
/// # Safety
/// The table is live and not changed during `'a`.
unsafe fn pairs_from<'a>(
    env: *mut sys::apr_table_t,
    first: c_int,
) -> impl Iterator<Item = Pair<'a>> {
    // SAFETY: the array holds `nelts` entries with NUL-terminated strings.
    unsafe {
        let array = &*sys::apr_table_elts(env);
        let entries = if array.nelts > 0 {
            slice::from_raw_parts(
                array.elts.cast::<sys::apr_table_entry_t>(),
                array.nelts as usize,
            )
        } else {
            &[]
        };
        entries.iter().skip(first.max(0) as usize).map(|entry| {
            let bytes = |text| module_sdk::raw::text(text).map_or(&[][..], CStr::to_bytes);
            (bytes(entry.key), bytes(entry.val))
        })
    }
}

/// A header as it goes over the wire.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_header_to_array(header: *mut Header, array: *mut c_uchar) {
    // SAFETY: the header asks for a structure and for room of HEADER_LEN bytes.
    unsafe {
        let h = &*header;
        array.cast::<[u8; HEADER_LEN]>().write([
            h.version,
            h.type_,
            h.requestIdB1,
            h.requestIdB0,
            h.contentLengthB1,
            h.contentLengthB0,
            h.paddingLength,
            h.reserved,
        ]);
    }
}

/// A header as it came over the wire.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_header_from_array(header: *mut Header, array: *mut c_uchar) {
    // SAFETY: as above, with HEADER_LEN bytes to read.
    unsafe {
        let [
            version,
            type_,
            id1,
            id0,
            length1,
            length0,
            padding,
            reserved,
        ] = array.cast::<[u8; HEADER_LEN]>().read();
        *header = Header {
            version,
            type_,
            requestIdB1: id1,
            requestIdB0: id0,
            contentLengthB1: length1,
            contentLengthB0: length0,
            paddingLength: padding,
            reserved,
        };
    }
}

/// The fields of a header as it came over the wire.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_header_fields_from_array(
    version: *mut c_uchar,
    type_: *mut c_uchar,
    request_id: *mut u16,
    content_len: *mut u16,
    padding_len: *mut c_uchar,
    array: *mut c_uchar,
) {
    // SAFETY: the header asks for HEADER_LEN bytes and a place for each field.
    unsafe {
        let bytes = array.cast::<[u8; HEADER_LEN]>().read();
        *version = bytes[0];
        *type_ = bytes[1];
        *request_id = u16::from_be_bytes([bytes[2], bytes[3]]);
        *content_len = u16::from_be_bytes([bytes[4], bytes[5]]);
        *padding_len = bytes[6];
    }
}

/// The body of a BEGIN_REQUEST record as it goes over the wire.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_begin_request_body_to_array(
    body: *mut BeginRequest,
    array: *mut c_uchar,
) {
    // SAFETY: the header asks for a structure and for room of its eight bytes.
    unsafe {
        let b = &*body;
        let mut bytes = [0; BEGIN_REQUEST_LEN];
        bytes[..3].copy_from_slice(&[b.roleB1, b.roleB0, b.flags]);
        bytes[3..].copy_from_slice(&b.reserved);
        array.cast::<[u8; BEGIN_REQUEST_LEN]>().write(bytes);
    }
}

/// Fills in a header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_fill_in_header(
    header: *mut Header,
    type_: c_uchar,
    request_id: u16,
    content_len: u16,
    padding_len: c_uchar,
) {
    let [id1, id0] = request_id.to_be_bytes();
    let [length1, length0] = content_len.to_be_bytes();
    // SAFETY: the header asks for a structure to write.
    unsafe {
        header.write(Header {
            version: sys::AP_FCGI_VERSION_1 as c_uchar,
            type_,
            requestIdB1: id1,
            requestIdB0: id0,
            contentLengthB1: length1,
            contentLengthB0: length0,
            paddingLength: padding_len,
            reserved: 0,
        });
    }
}

/// Fills in the body of a BEGIN_REQUEST record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_fill_in_request_body(
    body: *mut BeginRequest,
    role: c_int,
    flags: c_uchar,
) {
    let [role1, role0] = (role as u16).to_be_bytes();
    // SAFETY: as above.
    unsafe {
        body.write(BeginRequest {
            roleB1: role1,
            roleB0: role0,
            flags,
            reserved: [0; 5],
        });
    }
}

/// How many bytes the variables take that fit into `room`; moves on past them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_encoded_env_len(
    env: *mut sys::apr_table_t,
    room: usize,
    starting_elem: *mut c_int,
) -> usize {
    // SAFETY: the header asks for a live table and an index to change.
    unsafe {
        let (count, size) = fitting(pairs_from(env, *starting_elem), room);
        *starting_elem += count as c_int;
        size
    }
}

/// Encodes variables into a buffer that `ap_fcgi_encoded_env_len` has measured.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fcgi_encode_env(
    r: *mut sys::request_rec,
    env: *mut sys::apr_table_t,
    buffer: *mut c_void,
    length: usize,
    starting_elem: *mut c_int,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a live table, a buffer of `length` bytes to write, which is no
    // part of the table, and an index to change.
    unsafe {
        let mut room = match length {
            0 => &mut [][..],
            _ => slice::from_raw_parts_mut(buffer.cast::<u8>(), length),
        };
        for pair in pairs_from(env, *starting_elem) {
            let Some(size) = encode(pair, room) else {
                // The next call goes on where this one has filled its buffer.
                if room.is_empty() && length > 0 {
                    break;
                }
                notice!(
                    Core,
                    ERR,
                    0,
                    r,
                    "AH02492: ap_fcgi_encode_env: out of space encoding environment"
                );
                return sys::APR_ENOSPC as sys::apr_status_t;
            };
            room = &mut room[size..];
            *starting_elem += 1;
        }
    }
    sys::APR_SUCCESS as sys::apr_status_t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_lengths_are_encoded() {
        let mut room = [0; 16];
        assert_eq!(encode((b"AB", b"c"), &mut room), Some(5));
        assert_eq!(&room[..5], b"\x02\x01ABc");
        let long = [b'x'; 0x80];
        let mut room = [0; 200];
        let size = 1 + 4 + 1 + 0x80;
        assert_eq!(encode((b"N", &long), &mut room), Some(size));
        assert_eq!(&room[..6], b"\x01\x80\0\0\x80N");
        assert_eq!(encode((b"N", &long), &mut room[..size - 1]), None);
        assert_eq!(length_size(127), 1);
    }

    #[test]
    fn variables_are_counted_while_they_fit() {
        let pairs: [Pair<'_>; 3] = [(b"A", b"1"), (b"B", b"22"), (b"C", b"")];
        assert_eq!(fitting(pairs.into_iter(), 9), (2, 9));
        assert_eq!(fitting(pairs.into_iter(), 8), (1, 4));
        assert_eq!(fitting(pairs.into_iter(), 3), (0, 0));
        assert_eq!(fitting(pairs.into_iter(), 100), (3, 12));
    }

    #[test]
    fn headers_survive_the_wire() {
        // SAFETY: the arrays have the lengths of what is written to them.
        unsafe {
            let mut header = std::mem::zeroed::<Header>();
            ap_fcgi_fill_in_header(&mut header, 6, 0x0102, 0xfffe, 3);
            let mut wire = [0; HEADER_LEN];
            ap_fcgi_header_to_array(&mut header, wire.as_mut_ptr());
            assert_eq!(wire, [1, 6, 1, 2, 0xff, 0xfe, 3, 0]);
            let (mut version, mut kind, mut id, mut length, mut padding) = (0, 0, 0, 0, 0);
            ap_fcgi_header_fields_from_array(
                &mut version,
                &mut kind,
                &mut id,
                &mut length,
                &mut padding,
                wire.as_mut_ptr(),
            );
            assert_eq!(
                (version, kind, id, length, padding),
                (1, 6, 0x0102, 0xfffe, 3)
            );
            let mut body = std::mem::zeroed::<BeginRequest>();
            ap_fcgi_fill_in_request_body(&mut body, sys::AP_FCGI_AUTHORIZER as c_int, 1);
            let mut wire = [9; BEGIN_REQUEST_LEN];
            ap_fcgi_begin_request_body_to_array(&mut body, wire.as_mut_ptr());
            assert_eq!(wire, [0, 2, 1, 0, 0, 0, 0, 0]);
        }
    }
}
