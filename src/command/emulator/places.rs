//! Where in a JSON text something is: by path, or by line and column.

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap, Span};
use crate::emulator::document::Problem;

/// Turns the problems of a document into errors that point into its text.
pub(super) fn diagnostics(
    code: &'static str,
    name: &str,
    text: &str,
    problems: &[Problem],
    count: usize,
    help: &str,
) -> (Diagnostics, SourceMap) {
    let mut sources = SourceMap::default();
    let file = sources.add(name, text);
    let mut all = Diagnostics::new();
    for problem in problems {
        let (why, position) = without_position(&problem.why);
        let by_position = || position.and_then(|(line, column)| at(text, line, column));
        let named = !problem.path.is_empty();
        let by_path = || by_path(text, &problem.path, why.starts_with("unknown field"));
        let place = if named { by_path() } else { None }.or_else(by_position);
        let subject = if problem.path.is_empty() { name } else { &problem.path };
        let mut diagnostic = Diagnostic::error(code, format!("`{subject}`: {why}"));
        if let Some(span) = place.and_then(|(start, end)| span(file, start, end)) {
            diagnostic = diagnostic.at(span);
        }
        all.push(diagnostic.help(help));
    }
    if count > problems.len() {
        let more = format!("there are {} more such errors", count - problems.len());
        all.push(Diagnostic::error(code, more).help(help));
    }
    (all, sources)
}

fn span(file: FileId, start: usize, end: usize) -> Option<Span> {
    Some(Span { file, start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
}

/// Takes ` at line L column C` off the end of a message.
fn without_position(why: &str) -> (&str, Option<(usize, usize)>) {
    let parse = || {
        let (before, position) = why.rsplit_once(" at line ")?;
        let (line, column) = position.split_once(" column ")?;
        Some((before, (line.parse().ok()?, column.parse().ok()?)))
    };
    parse().map_or((why, None), |(before, position)| (before, Some(position)))
}

/// Returns the last character before a line and column, which is where reading stopped.
fn at(text: &str, line: usize, column: usize) -> Option<(usize, usize)> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let mut end = (start + column).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let last = text.get(start..end)?.chars().next_back();
    Some((end - last.map_or(0, char::len_utf8), end))
}

/// Returns where the value at a path such as `gateways[0].vpc` stands: the whole of a text or number,
/// the bracket that opens an array or object. The nearest one around it where it does not exist.
/// With `name`, the name of the field is meant rather than its value.
fn by_path(text: &str, path: &str, name: bool) -> Option<(usize, usize)> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0, name: None };
    scan.blank();
    for step in path.replace('[', ".[").split('.').filter(|step| !step.is_empty()) {
        let before = scan.at;
        let found = match step.strip_prefix('[').and_then(|s| s.strip_suffix(']')) {
            Some(number) => scan.item(number.parse().ok()?),
            None => scan.field(step),
        };
        if found.is_none() {
            scan.at = before;
            break;
        }
    }
    if let Some(place) = scan.name.filter(|_| name) {
        return Some(place);
    }
    let start = scan.at;
    if matches!(scan.bytes.get(start), Some(b'{' | b'[')) {
        return Some((start, start + 1));
    }
    scan.value()?;
    Some((start, scan.at))
}

/// Goes through the text of a JSON document that was found to be one.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the name of the field that was last gone to stands.
    name: Option<(usize, usize)>,
}

impl Scan<'_> {
    fn blank(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        self.blank();
        if self.bytes.get(self.at) != Some(&wanted) {
            return None;
        }
        self.at += 1;
        self.blank();
        Some(())
    }

    /// Goes behind a text, and returns it as it is written, without its quotes.
    fn string(&mut self) -> Option<&[u8]> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        self.at = start;
        while *self.bytes.get(self.at)? != b'"' {
            self.at += if self.bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        Some(&self.bytes[start..self.at - 1])
    }

    /// Goes behind a value.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                byte if byte.is_ascii_whitespace() || matches!(byte, b',' | b':') => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    let ends = |b: &u8| b.is_ascii_whitespace() || b",:]}".contains(b);
                    while self.bytes.get(self.at).is_some_and(|b| !ends(b)) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes to the value of a field of the object here.
    fn field(&mut self, name: &str) -> Option<()> {
        self.take(b'{')?;
        loop {
            let start = self.at;
            let found = self.string()? == name.as_bytes();
            let end = self.at;
            self.take(b':')?;
            if found {
                self.name = Some((start, end));
                return Some(());
            }
            self.value()?;
            self.take(b',')?;
        }
    }

    /// Goes to an item of the array here.
    fn item(&mut self, number: usize) -> Option<()> {
        self.take(b'[')?;
        for _ in 0..number {
            self.value()?;
            self.take(b',')?;
        }
        (self.bytes.get(self.at) != Some(&b']')).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "{\n \"a\": [1, {\"b\\\"c\": [], \"ü\": \"x, ]\", \"d\": -2.5}],\n \"e\": {}\n}";

    fn found(path: &str) -> &'static str {
        let (start, end) = by_path(TEXT, path, false).unwrap();
        &TEXT[start..end]
    }

    #[test]
    fn values_are_found_by_path() {
        for (path, wanted) in
            [("a[0]", "1"), ("a[1].ü", "\"x, ]\""), ("a[1].d", "-2.5"), ("a", "["), ("e", "{")]
        {
            assert_eq!(found(path), wanted, "{path}");
        }
        let (start, end) = by_path(TEXT, "a[1].d", true).unwrap();
        assert_eq!(&TEXT[start..end], "\"d\"");
        // What does not exist is looked for around.
        assert_eq!(by_path(TEXT, "e.f.g", false), by_path(TEXT, "e", false));
        assert_eq!(by_path(TEXT, "a[7]", false), by_path(TEXT, "a", false));
        assert_eq!(by_path("", "a", false), None);
        assert_eq!(by_path("{\"a\": \"", "a", false), None);
    }

    #[test]
    fn positions_are_taken_off_messages() {
        assert_eq!(without_position("no x at line 2 column 7"), ("no x", Some((2, 7))));
        assert_eq!(without_position("look at line x"), ("look at line x", None));
        assert_eq!(at("ab\ncü", 2, 3), Some((4, 6)));
        assert_eq!(at("ab", 1, 0), Some((0, 0)));
        assert_eq!(at("", 0, 0), None);
    }
}
