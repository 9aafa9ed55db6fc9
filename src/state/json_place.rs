//! Finds places in a JSON text, for messages that point into it.

use std::fmt;
use std::ops::Range;

/// One step into a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into an object.
    Key(String),
    /// Into an array, from 0.
    Index(usize),
}

/// Shows a path as `instances[3].attributes.name`.
pub(super) struct Path<'a>(pub(super) &'a [Step]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if number == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Returns the range of what a path leads to in a valid JSON text, or of the last step on the way that
/// is there.
pub(super) fn locate(text: &str, path: &[Step]) -> Range<usize> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.blanks();
    let mut range = scan.at..scan.end_of_value();
    for step in path {
        scan.at = range.start;
        match scan.enter(step) {
            Some(inner) => range = inner,
            None => break,
        }
    }
    range
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    fn blanks(&mut self) {
        while self.byte().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    /// Passes over a string and returns it without its quotes.
    fn string(&mut self) -> &[u8] {
        self.at += 1;
        let start = self.at;
        while !matches!(self.byte(), b'"' | 0) {
            self.at += if self.byte() == b'\\' { 2 } else { 1 };
        }
        let end = self.at.min(self.bytes.len());
        self.at += 1;
        &self.bytes[start.min(end)..end]
    }

    /// Returns where the value that begins here ends.
    fn end_of_value(&self) -> usize {
        let mut scan = Scan { bytes: self.bytes, at: self.at };
        let mut depth = 0_usize;
        loop {
            match scan.byte() {
                b'"' => {
                    scan.string();
                }
                b'{' | b'[' => {
                    depth += 1;
                    scan.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    scan.at += 1;
                }
                _ if depth > 0 => scan.at += 1,
                _ => {
                    while !matches!(scan.byte(), b',' | b'}' | b']' | 0)
                        && !scan.byte().is_ascii_whitespace()
                    {
                        scan.at += 1;
                    }
                }
            }
            if depth == 0 || scan.at >= scan.bytes.len() {
                return scan.at.min(scan.bytes.len());
            }
        }
    }

    /// Goes into the object or array that begins here; the last of several equal keys counts.
    fn enter(&mut self, step: &Step) -> Option<Range<usize>> {
        let opened = self.byte();
        let mut found = None;
        let mut number = 0;
        self.at += 1;
        loop {
            self.blanks();
            if matches!(self.byte(), b'}' | b']' | 0) {
                return found;
            }
            let mut wanted = matches!(step, Step::Index(index) if *index == number);
            if opened == b'{' {
                let key = self.string();
                wanted = matches!(step, Step::Key(name) if name.as_bytes() == key);
                self.blanks();
                self.at += 1;
                self.blanks();
            }
            let range = self.at..self.end_of_value();
            self.at = range.end;
            if wanted {
                found = Some(range);
            }
            number += 1;
            self.blanks();
            if self.byte() == b',' {
                self.at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_values() {
        let text = "{ \"a\\\"\": [1, {\"b\": \"x,]\"} , true],\n \"c\": {} }";
        let key = |name: &str| Step::Key(name.to_owned());
        let find = |path: &[Step]| &text[locate(text, path)];
        assert_eq!(find(&[key("c")]), "{}");
        assert_eq!(find(&[key("a\\\""), Step::Index(0)]), "1");
        assert_eq!(find(&[key("a\\\""), Step::Index(2)]), "true");
        let path = [key("a\\\""), Step::Index(1), key("b")];
        assert_eq!(find(&path), "\"x,]\"");
        assert_eq!(find(&[key("c"), key("none")]), "{}", "as far as it is there");
        assert_eq!(find(&[]), text);
        assert_eq!(
            Path(&[key("instances"), Step::Index(3), key("id")]).to_string(),
            "instances[3].id"
        );
    }

    #[test]
    fn texts_that_end_early_do_no_harm() {
        for text in ["", "{", "[", "{\"a\"", "{\"a\":", "\"", "[1,", "{\"a\":\"\\"] {
            for path in [&[Step::Key("a".into())][..], &[Step::Index(0)], &[Step::Index(1)]] {
                assert!(locate(text, path).end <= text.len(), "{text}");
            }
        }
    }
}
