//! Both ends of a websocket (RFC 6455): a backend that answers texts in capitals, pings and closes,
//! and the frames that a client sends.

use std::io;

use super::{Backend, Peer, http};

/// A key and what belongs to it (RFC 6455, section 1.3).
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Kinds of frames.
pub const TEXT: u8 = 1;
/// The end.
pub const CLOSE: u8 = 8;
/// A question whether the other side is there.
pub const PING: u8 = 9;
/// The answer to it.
pub const PONG: u8 = 10;

/// A whole message in one frame; those of clients are masked.
pub fn frame(kind: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let bit = if masked { 0x80 } else { 0 };
    let mut frame = vec![0x80 | kind];
    match payload.len() {
        length @ 0..126 => frame.push(bit | length as u8),
        length => {
            frame.push(bit | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    if masked {
        frame.extend(mask);
    }
    let key = if masked { mask } else { [0; 4] };
    frame.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// Takes a frame from a source of bytes; answers its kind and payload.
///
/// # Errors
/// Those of `take`.
pub fn receive(mut take: impl FnMut(usize) -> io::Result<Vec<u8>>) -> io::Result<(u8, Vec<u8>)> {
    let head = take(2)?;
    let length = match head[1] & 0x7f {
        126 => {
            let length = take(2)?;
            usize::from(u16::from_be_bytes([length[0], length[1]]))
        }
        length => usize::from(length),
    };
    let mask = if head[1] & 0x80 != 0 {
        take(4)?
    } else {
        vec![0; 4]
    };
    let payload = take(length)?;
    let payload = payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, key)| byte ^ key);
    Ok((head[0] & 0x0f, payload.collect()))
}

fn serve(peer: &mut Peer) -> io::Result<()> {
    while let Some(request) = http::Received::from(peer)? {
        if request.field("Upgrade") != Some("websocket") {
            peer.send(http::answer("", &(request.head.join("\n") + "\n")))?;
            continue;
        }
        peer.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
        ))?;
        loop {
            let (kind, payload) = receive(|length| peer.take(length))?;
            match kind {
                TEXT => peer.send(frame(TEXT, &payload.to_ascii_uppercase(), false))?,
                PING => peer.send(frame(PONG, &payload, false))?,
                _ => {
                    peer.send(frame(CLOSE, &payload, false))?;
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Starts a backend on a port.
///
/// # Errors
/// When the system has none.
pub fn start() -> io::Result<Backend> {
    Backend::tcp(serve)
}
