//! Finds the values of a big JSON text without building them.
//!
//! The text has been checked to be JSON by whoever received it; here it is only walked
//! through once. A text that is none after all ends in an error, never in a panic.

use std::ops::Range;

/// Where the text stopped making sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is no JSON at byte {0}")]
pub(in crate::backend::kea) struct Broken(pub usize);

/// A place in a JSON text.
pub(in crate::backend::kea) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the beginning of the text.
    pub(in crate::backend::kea) fn new(text: &'a [u8]) -> Self {
        Scanner { text, at: 0 }
    }

    /// The bytes of a span.
    pub(in crate::backend::kea) fn slice(&self, span: &Range<usize>) -> &'a [u8] {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Walks through the members of the object that begins here; `each` gets the key as
    /// it stands in the text and must consume the value.
    pub(in crate::backend::kea) fn object<E: From<Broken>>(
        &mut self,
        mut each: impl FnMut(&'a [u8], &mut Self) -> Result<(), E>,
    ) -> Result<Range<usize>, E> {
        let start = self.open(b'{')?;
        if !self.closes(b'}') {
            loop {
                let key = self.key()?;
                self.expect(b':')?;
                each(key, self)?;
                if self.ends(b'}')? {
                    break;
                }
            }
        }
        Ok(start..self.at)
    }

    /// Walks through the elements of the list that begins here; `each` must consume the element.
    pub(in crate::backend::kea) fn list<E: From<Broken>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'[')?;
        if !self.closes(b']') {
            loop {
                each(self)?;
                if self.ends(b']')? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Consumes one value of any kind.
    pub(in crate::backend::kea) fn value(&mut self) -> Result<Range<usize>, Broken> {
        self.blanks();
        let start = self.at;
        match self.text.get(self.at) {
            Some(b'"') => self.string()?,
            Some(b'{' | b'[') => self.container()?,
            Some(_) => {
                while let Some(byte) = self.text.get(self.at) {
                    if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                        break;
                    }
                    self.at += 1;
                }
                if self.at == start {
                    return Err(Broken(start));
                }
            }
            None => return Err(Broken(start)),
        }
        Ok(start..self.at)
    }

    /// Whether the next value is an object or a list.
    pub(in crate::backend::kea) fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.text.get(self.at).copied()
    }

    fn container(&mut self) -> Result<(), Broken> {
        let mut depth = 0_usize;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(Broken(self.at))
    }

    /// Consumes a string, from quote to quote.
    fn string(&mut self) -> Result<(), Broken> {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        Err(Broken(self.text.len()))
    }

    fn key(&mut self) -> Result<&'a [u8], Broken> {
        self.blanks();
        let start = self.at;
        if self.text.get(start) != Some(&b'"') {
            return Err(Broken(start));
        }
        self.string()?;
        Ok(self.slice(&(start + 1..self.at - 1)))
    }

    fn open(&mut self, bracket: u8) -> Result<usize, Broken> {
        self.blanks();
        let start = self.at;
        self.expect(bracket)?;
        Ok(start)
    }

    fn closes(&mut self, bracket: u8) -> bool {
        self.blanks();
        let closes = self.text.get(self.at) == Some(&bracket);
        self.at += usize::from(closes);
        closes
    }

    /// After a value: a comma goes on, the bracket ends.
    fn ends(&mut self, bracket: u8) -> Result<bool, Broken> {
        if self.closes(bracket) {
            return Ok(true);
        }
        self.expect(b',').map(|()| false)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        self.blanks();
        if self.text.get(self.at) != Some(&byte) {
            return Err(Broken(self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Result<Vec<(String, String)>, Broken> {
        let mut found = Vec::new();
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.object::<Broken>(|key, at| {
            let value = at.value()?;
            found.push((String::from_utf8_lossy(key).into(), text[value].into()));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn finds_the_members_of_an_object() {
        let text = r#" { "a" : [1,{"b":"]\"}"}] , "c":"\\", "d":-1.5e3,"e":{} } "#;
        let found = members(text).unwrap();
        let want = [("a", r#"[1,{"b":"]\"}"}]"#), ("c", r#""\\""#), ("d", "-1.5e3"), ("e", "{}")];
        assert_eq!(found, want.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(members("{ }").unwrap(), []);
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for text in
            ["", "{", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":[1", "{\"a\":\"x", "{\"a\":1 \"b\":2}", "[]", "{\"\\"]
        {
            assert!(members(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}\",:a\\\\ 1]{0,40}") {
            let _ = members(&text);
        }
    }
}
