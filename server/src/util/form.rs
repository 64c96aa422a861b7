//! Bodies of type `application/x-www-form-urlencoded`, decoded as they arrive.

/// More fields, a longer name or more bytes than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// A field with its decoded name and value.
pub type Field = (Vec<u8>, Vec<u8>);

/// The longest name.
const LONGEST_NAME: usize = 8192;

/// A form that is being read.
pub struct Form {
    /// How many fields are still allowed.
    fields_left: Option<usize>,
    bytes_left: Option<usize>,
    name: Vec<u8>,
    /// `None` while the name is being read.
    value: Option<Vec<u8>>,
    escape: Escape,
}

/// Where in an escape the text is.
#[derive(Clone, Copy)]
enum Escape {
    No,
    First,
    Second(u8),
}

impl Form {
    /// At most `fields` fields of together `bytes` bytes; `None`: any number.
    pub fn new(fields: Option<usize>, bytes: Option<usize>) -> Self {
        Self {
            fields_left: fields,
            bytes_left: bytes,
            name: Vec::new(),
            value: None,
            escape: Escape::No,
        }
    }

    /// Reads on, and hands complete fields to `take`.
    pub fn feed(&mut self, text: &[u8], mut take: impl FnMut(Field)) -> Result<(), TooLarge> {
        for &byte in text {
            if let Some(left) = &mut self.bytes_left {
                *left = left.checked_sub(1).ok_or(TooLarge)?;
            }
            match self.escape {
                Escape::No => {}
                Escape::First if byte.is_ascii_hexdigit() => {
                    self.escape = Escape::Second(byte);
                    continue;
                }
                Escape::Second(first) if byte.is_ascii_hexdigit() => {
                    self.escape = Escape::No;
                    self.push(digit(first) << 4 | digit(byte))?;
                    continue;
                }
                Escape::First | Escape::Second(_) => self.end_escape()?,
            }
            match byte {
                b'&' => self.end_field(&mut take)?,
                b'=' if self.value.is_none() => self.value = Some(Vec::new()),
                b'%' => self.escape = Escape::First,
                b'+' => self.push(b' ')?,
                _ => self.push(byte)?,
            }
        }
        Ok(())
    }

    /// The body has ended.
    pub fn finish(mut self, mut take: impl FnMut(Field)) -> Result<(), TooLarge> {
        self.end_escape()?;
        self.end_field(&mut take)
    }

    fn push(&mut self, byte: u8) -> Result<(), TooLarge> {
        match &mut self.value {
            Some(value) => value.push(byte),
            None if self.name.len() >= LONGEST_NAME => return Err(TooLarge),
            None => self.name.push(byte),
        }
        Ok(())
    }

    /// What began like an escape was none: it is text.
    fn end_escape(&mut self) -> Result<(), TooLarge> {
        match std::mem::replace(&mut self.escape, Escape::No) {
            Escape::No => Ok(()),
            Escape::First => self.push(b'%'),
            Escape::Second(digit) => {
                self.push(b'%')?;
                self.push(digit)
            }
        }
    }

    /// Every `&` ends a field that counts, but without a `=` there is nothing to tell, as in Apache.
    fn end_field(&mut self, take: &mut impl FnMut(Field)) -> Result<(), TooLarge> {
        if let Some(left) = &mut self.fields_left {
            *left = left.checked_sub(1).ok_or(TooLarge)?;
        }
        let name = std::mem::take(&mut self.name);
        if let Some(value) = self.value.take() {
            take((name, value));
        }
        Ok(())
    }
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> u8 {
    char::from(byte).to_digit(16).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, fields: Option<usize>, bytes: Option<usize>) -> Result<String, TooLarge> {
        let mut form = Form::new(fields, bytes);
        let mut seen = Vec::new();
        let mut take = |(name, value): Field| {
            seen.extend(name);
            seen.push(b':');
            seen.extend(value);
            seen.push(b';');
        };
        // Byte by byte: fields and escapes may be cut anywhere.
        for byte in text.bytes() {
            form.feed(&[byte], &mut take)?;
        }
        form.finish(&mut take)?;
        Ok(String::from_utf8(seen).unwrap())
    }

    #[test]
    fn fields_are_decoded() {
        let all = |text| read(text, None, None).unwrap();
        assert_eq!(all("a=1&b=x+y%3D%26z=&c&&=d"), "a:1;b:x y=&z=;:d;");
        assert_eq!(all(""), "");
        assert_eq!(all("a%3Db=c"), "a=b:c;");
        assert_eq!(all("a=%4&b=%zz%&c=%"), "a:%4;b:%zz%;c:%;");
    }

    #[test]
    fn limits_hold() {
        assert_eq!(read("a=1&b=2", Some(2), Some(7)).unwrap(), "a:1;b:2;");
        assert_eq!(read("a=1&b=2", Some(1), None), Err(TooLarge));
        assert_eq!(read("a=1&&b", Some(2), None), Err(TooLarge));
        assert_eq!(read("a=1&b=2", None, Some(6)), Err(TooLarge));
        assert_eq!(read(&"n".repeat(8193), None, None), Err(TooLarge));
    }
}
