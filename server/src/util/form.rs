//! Bodies of type `application/x-www-form-urlencoded`, decoded as they arrive.

/// A form's limits are exceeded, or an escape in it is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// More fields, a longer name or more bytes than allowed.
    TooLarge,
    /// `%` without two hexadecimal digits.
    Malformed,
}

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
    pub fn feed(&mut self, text: &[u8], mut take: impl FnMut(Field)) -> Result<(), Fault> {
        for &byte in text {
            if let Some(left) = &mut self.bytes_left {
                *left = left.checked_sub(1).ok_or(Fault::TooLarge)?;
            }
            match (self.escape, byte) {
                (Escape::No, b'&') => self.end_field(&mut take)?,
                (Escape::No, b'=') if self.value.is_none() => self.value = Some(Vec::new()),
                (Escape::No, b'%') => self.escape = Escape::First,
                (Escape::No, b'+') => self.push(b' ')?,
                (Escape::No, _) => self.push(byte)?,
                (Escape::First, _) => self.escape = Escape::Second(digit(byte)?),
                (Escape::Second(high), _) => {
                    self.escape = Escape::No;
                    self.push(high << 4 | digit(byte)?)?;
                }
            }
        }
        Ok(())
    }

    /// The body has ended.
    pub fn finish(mut self, mut take: impl FnMut(Field)) -> Result<(), Fault> {
        self.end_field(&mut take)
    }

    fn push(&mut self, byte: u8) -> Result<(), Fault> {
        match &mut self.value {
            Some(value) => value.push(byte),
            None if self.name.len() >= LONGEST_NAME => return Err(Fault::TooLarge),
            None => self.name.push(byte),
        }
        Ok(())
    }

    fn end_field(&mut self, take: &mut impl FnMut(Field)) -> Result<(), Fault> {
        if !matches!(self.escape, Escape::No) {
            return Err(Fault::Malformed);
        }
        let (name, value) = (std::mem::take(&mut self.name), self.value.take());
        // `a&&b` has two fields; a name without "=" has an empty value.
        if name.is_empty() && value.is_none() {
            return Ok(());
        }
        if let Some(left) = &mut self.fields_left {
            *left = left.checked_sub(1).ok_or(Fault::TooLarge)?;
        }
        take((name, value.unwrap_or_default()));
        Ok(())
    }
}

fn digit(byte: u8) -> Result<u8, Fault> {
    let digit = char::from(byte).to_digit(16).ok_or(Fault::Malformed)?;
    // Below sixteen, so it fits.
    Ok(digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, fields: Option<usize>, bytes: Option<usize>) -> Result<String, Fault> {
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
        assert_eq!(all("a=1&b=x+y%3D%26z=&c&&=d"), "a:1;b:x y=&z=;c:;:d;");
        assert_eq!(all(""), "");
        assert_eq!(all("a%3Db=c"), "a=b:c;");
    }

    #[test]
    fn limits_hold() {
        assert_eq!(read("a=1&b=2", Some(2), Some(7)).unwrap(), "a:1;b:2;");
        assert_eq!(read("a=1&b=2", Some(1), None), Err(Fault::TooLarge));
        assert_eq!(read("a=1&b=2", None, Some(6)), Err(Fault::TooLarge));
        assert_eq!(read(&"n".repeat(8193), None, None), Err(Fault::TooLarge));
        assert_eq!(read("a=%4", None, None), Err(Fault::Malformed));
        assert_eq!(read("a=%zz", None, None), Err(Fault::Malformed));
    }
}
