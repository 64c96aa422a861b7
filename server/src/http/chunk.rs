//! The chunked coding: a state machine for what frames the data of a request, and the framing of a
//! response. `abi/http_protocol/body.rs` feeds it the lines between chunks; data is counted there.

/// What is wrong with a chunk's framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not what the coding allows.
    Malformed,
    /// A size that does not fit, or a line beyond the limit.
    TooLarge,
}

/// Where the decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Before a size.
    Start,
    /// Within a size.
    Size,
    /// Within an extension.
    Extension,
    /// In white space behind a size.
    Space,
    /// Behind the CR of a size line.
    SizeLf,
    /// Within data: so many bytes are to come.
    Data(u64),
    /// Behind the data, before CR.
    End,
    /// Behind the data's CR.
    EndLf,
    /// Behind the last chunk.
    Trailer,
}

/// The decoder.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    state: State,
    size: u64,
    /// Bits of a size that are left.
    bits: i32,
    /// White space seen behind a size.
    spaces: u32,
    /// Bytes of framing since the last data.
    used: usize,
    strict: bool,
}

/// How much white space may stand behind a size.
const MAX_SPACES: u32 = 10;

impl Decoder {
    /// Before the first chunk. `strict` asks for CR LF where lines end.
    pub fn new(strict: bool) -> Self {
        Self {
            state: State::Start,
            size: 0,
            bits: 0,
            spaces: 0,
            used: 0,
            strict,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Counts data that was read.
    pub fn take_data(&mut self, length: u64) {
        if let State::Data(left) = self.state {
            self.state = match left.saturating_sub(length) {
                0 => {
                    self.used = 0;
                    State::End
                }
                left => State::Data(left),
            };
        }
    }

    /// Takes in framing, a line at most; answers how many bytes of it belonged to the framing (all,
    /// unless data or trailers begin within).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn take_framing(&mut self, text: &[u8], line_limit: usize) -> Result<usize, Fault> {
        let mut taken = 0;
        for &byte in text {
            if matches!(self.state, State::Data(_) | State::Trailer) {
                break;
            }
            self.step(byte)?;
            taken += 1;
        }
        self.used += taken;
        if self.used > line_limit {
            return Err(Fault::TooLarge);
        }
        Ok(taken)
    }

    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        self.state = match (self.state, byte) {
            (State::End, b'\r') => State::EndLf,
            (State::End, b'\n') if !self.strict => State::Start,
            (State::EndLf, b'\n') => State::Start,
            (State::End | State::EndLf, _) => return Err(Fault::Malformed),

            (State::Start, _) if byte.is_ascii_hexdigit() => {
                (self.size, self.bits, self.spaces, self.used) = (0, 64, 0, 0);
                self.digit(byte)?
            }
            (State::Start, _) => return Err(Fault::Malformed),

            (State::SizeLf, b'\n') => self.behind_size(),
            (State::SizeLf, _) => return Err(Fault::Malformed),
            (_, b'\n') if self.strict => return Err(Fault::Malformed),
            (_, b'\n') => self.behind_size(),
            (_, b'\r') => State::SizeLf,
            (_, b';') => State::Extension,
            (State::Extension, b'\t') => State::Extension,
            (State::Extension, _) if byte.is_ascii_control() => return Err(Fault::Malformed),
            (State::Extension, _) => State::Extension,
            (_, b' ' | b'\t') if self.spaces < MAX_SPACES => {
                self.spaces += 1;
                State::Space
            }
            (State::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte)?,
            _ => return Err(Fault::Malformed),
        };
        Ok(())
    }

    fn behind_size(&self) -> State {
        match self.size {
            0 => State::Trailer,
            size => State::Data(size),
        }
    }

    /// Adds a digit to the size, which must stay below 2^63.
    fn digit(&mut self, digit: u8) -> Result<State, Fault> {
        let value = match digit {
            b'0' if self.size == 0 => return Ok(State::Size),
            b'0'..=b'9' => digit - b'0',
            _ => (digit | 0x20) - b'a' + 10,
        };
        self.bits -= 4;
        if self.bits < 0 {
            return Err(Fault::TooLarge);
        }
        self.size = self.size << 4 | u64::from(value);
        if self.size >> 63 != 0 {
            return Err(Fault::TooLarge);
        }
        Ok(State::Size)
    }
}

/// The line before a chunk of a response.
pub fn size_line(length: u64) -> String {
    format!("{length:x}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes a whole body; answers its data, or the fault.
    fn decode(strict: bool, mut body: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut decoder = Decoder::new(strict);
        let mut data = Vec::new();
        loop {
            match decoder.state() {
                State::Trailer => return Ok(data),
                State::Data(left) => {
                    let length = body.len().min(left as usize);
                    data.extend_from_slice(&body[..length]);
                    decoder.take_data(length as u64);
                    body = &body[length..];
                }
                _ => {
                    assert!(!body.is_empty(), "the body ends within framing");
                    body = &body[decoder.take_framing(body, 100)?..];
                }
            }
        }
    }

    #[test]
    fn chunks_are_joined() {
        let body = b"3;x=\"y\"\r\nabc\r\n010 \t\r\n0123456789abcdef\r\n0\r\n";
        assert_eq!(decode(true, body).unwrap(), b"abc0123456789abcdef");
    }

    // What each body gets is what Apache 2.4.71 answers.
    #[test]
    fn malformed_framing_is_refused() {
        for body in [
            &b"3\nabc\n0\n\n"[..],
            b" 3\r\nabc\r\n0\r\n",
            b"3;\x01\r\nabc\r\n0\r\n",
            b"3\r\nabcd\r\n0\r\n",
            b"0x3\r\nabc\r\n0\r\n",
            b"\r\n3\r\nabc\r\n0\r\n",
            b"-3\r\nabc\r\n0\r\n",
            b"3\rabc\r\n0\r\n",
            b"3 x\r\nabc\r\n0\r\n",
            b"3 4\r\nabc\r\n0\r\n",
            b"3\r\nabc0\r\n\r\n",
            b"3\r\nabc\r\r\n0\r\n",
            b"3           \r\nabc\r\n0\r\n",
        ] {
            assert_eq!(
                decode(true, body),
                Err(Fault::Malformed),
                "{}",
                body.escape_ascii()
            );
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for body in [
            &b"fffffffffffffffff\r\n"[..],
            b"8000000000000000\r\n",
            &[b"3;".as_slice(), &[b'a'; 200]].concat(),
        ] {
            assert_eq!(decode(true, body), Err(Fault::TooLarge));
        }
        let mut decoder = Decoder::new(true);
        assert!(
            decoder
                .take_framing(b"00007fffffffffffffff\r\n", 100)
                .is_ok()
        );
        assert_eq!(decoder.state(), State::Data(i64::MAX as u64));
    }

    #[test]
    fn unsafe_mode_takes_bare_line_feeds() {
        assert_eq!(decode(false, b"3\nabc\n0\n").unwrap(), b"abc");
    }

    #[test]
    fn a_size_line_is_hexadecimal() {
        assert_eq!(size_line(4096), "1000\r\n");
    }
}
