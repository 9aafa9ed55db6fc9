//! JSON with exact numbers: reading it as values and writing values as it.
//!
//! Numbers never pass through 64-bit floats here, except in [`to_json`].

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::path::Path;
use super::{Data, Name, Number, Value};

/// Deepest nesting of arrays and objects that is read.
const DEPTH_LIMIT: usize = 128;

/// Longest text that is written with [`write_json_escaped`], in bytes.
const TEXT_LIMIT: usize = 64 << 20;

/// Why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct JsonError {
    /// What is wrong.
    pub message: &'static str,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Offset in bytes.
    pub offset: usize,
}

/// Why a value cannot be written as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotWritable {
    /// The part that cannot be written.
    pub path: Path,
    /// Why.
    pub message: &'static str,
}

impl fmt::Display for NotWritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            f.write_str(self.message)
        } else {
            write!(f, "`{}`: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for NotWritable {}

/// Reads a JSON text: arrays become tuples, objects become objects (a repeated name takes the last
/// value), strings are normalised, numbers are exact.
pub fn from_json(text: &str) -> Result<Value, JsonError> {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.error("extra characters after the JSON value"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn error(&self, message: &'static str) -> JsonError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        JsonError {
            message,
            line: before.bytes().filter(|b| *b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            offset: self.at,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, message: &'static str) -> Result<(), JsonError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.error(if self.peek().is_none() { "unexpected end of JSON" } else { message }))
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        match self.peek() {
            None => Err(self.error("unexpected end of JSON")),
            Some(b'"') => Ok(Value::text(&self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'[' | b'{') if depth >= DEPTH_LIMIT => Err(self.error("nesting is too deep")),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(_) => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        for (word, value) in
            [("null", Value::null()), ("true", Value::from(true)), ("false", Value::from(false))]
        {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("a JSON value is required"))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.error("a digit is required")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Number::parse(&self.text[start..self.at])
            .map(Value::from)
            .map_err(|_| self.error("the number is too large or too long"))
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut elements = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::tuple(elements));
        }
        loop {
            self.space();
            elements.push(self.value(depth + 1)?);
            self.space();
            if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                self.expect(b']', "`,` or `]` is required")?;
                return Ok(Value::tuple(elements));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut attributes: BTreeMap<Name, Value> = BTreeMap::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::object(attributes.into()));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a name in double quotes is required"));
            }
            let name = super::normalised(&self.string()?);
            self.space();
            self.expect(b':', "`:` is required")?;
            self.space();
            let value = self.value(depth + 1)?;
            attributes.insert(name, value);
            self.space();
            if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                self.expect(b'}', "`,` or `}` is required")?;
                return Ok(Value::object(attributes.into()));
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b != b'"' && b != b'\\' && b >= b' ') {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(_) => return Err(self.error("control character in a string")),
                None => return Err(self.error("unexpected end of JSON in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                self.surrogates(first)
            }
            _ => {
                self.at -= 1;
                return Err(self.error("unknown escape in a string"));
            }
        })
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let code = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.error("four hexadecimal digits are required"))?;
        self.at += 4;
        Ok(code)
    }

    /// Joins a pair of surrogates; a lone one becomes the replacement character.
    fn surrogates(&mut self, first: u32) -> char {
        if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let here = self.at;
            self.at += 2;
            if let Ok(second @ 0xdc00..0xe000) = self.hex() {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
            self.at = here;
        }
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

/// Writes a value as compact JSON with exact numbers. Marks are lost: the caller has to keep the
/// text secret. Refuses unknown parts and infinities.
pub fn write_json(value: &Value) -> Result<String, NotWritable> {
    write_with(value, false, usize::MAX)
}

/// Like [`write_json`], and writes `<`, `>`, `&`, U+2028 and U+2029 in strings as escapes, as
/// `jsonencode` does. Refuses texts of more than 64 MiB.
pub fn write_json_escaped(value: &Value) -> Result<String, NotWritable> {
    write_with(value, true, TEXT_LIMIT)
}

fn write_with(value: &Value, escaped: bool, limit: usize) -> Result<String, NotWritable> {
    let mut out = String::new();
    write_value(&mut out, value, escaped, limit)
        .map_err(|message| NotWritable { path: culprit(value), message })?;
    Ok(out)
}

const UNKNOWN: &str = "the value is not known before apply";
const TOO_LONG: &str = "the text would be too long";
const INFINITE: &str = "JSON has no infinite numbers";

/// Finds the first part that cannot be written.
fn culprit(value: &Value) -> Path {
    let mut found = None;
    value.walk(&mut |path, part| {
        let bad = part.is_unknown() || part.as_number().is_some_and(Number::is_infinite);
        if bad && found.is_none() {
            found = Some(path.clone());
        }
        found.is_none()
    });
    found.unwrap_or_default()
}

fn write_value(
    out: &mut String,
    value: &Value,
    escaped: bool,
    limit: usize,
) -> Result<(), &'static str> {
    if out.len() > limit {
        return Err(TOO_LONG);
    }
    match value.data() {
        Data::Null => out.push_str("null"),
        Data::Unknown(_) => return Err(UNKNOWN),
        Data::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Data::Number(number) if number.is_infinite() => return Err(INFINITE),
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) => write_string(out, text, escaped),
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
            out.push('[');
            for (i, element) in elements.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write_value(out, element, escaped, limit)?;
            }
            out.push(']');
        }
        Data::Map(_, entries) | Data::Object(entries) => {
            out.push('{');
            for (i, (name, entry)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write_string(out, name, escaped);
                out.push(':');
                write_value(out, entry, escaped, limit)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_string(out: &mut String, text: &str, escaped: bool) {
    out.push('"');
    let special = |c: char| {
        c < ' '
            || c == '"'
            || c == '\\'
            || (escaped && matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'))
    };
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        out.push_str(&rest[..at]);
        let Some(c) = rest[at..].chars().next() else { break };
        rest = &rest[at + c.len_utf8()..];
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c => escape(out, c),
        }
    }
    out.push_str(rest);
    out.push('"');
}

fn escape(out: &mut String, c: char) {
    let written = write!(out, "\\u{:04x}", u32::from(c));
    debug_assert!(written.is_ok());
}

/// Returns a value as JSON tree. Numbers that are neither 64-bit integers nor 64-bit floats are
/// rounded to the nearest float; where that matters, use [`write_json`].
pub fn to_json(value: &Value) -> Result<serde_json::Value, NotWritable> {
    tree(value).map_err(|message| NotWritable { path: culprit(value), message })
}

fn tree(value: &Value) -> Result<serde_json::Value, &'static str> {
    Ok(match value.data() {
        Data::Null => serde_json::Value::Null,
        Data::Unknown(_) => return Err(UNKNOWN),
        Data::Bool(b) => serde_json::Value::Bool(*b),
        Data::Number(number) => serde_json::Value::Number(json_number(number).ok_or(INFINITE)?),
        Data::String(text) => serde_json::Value::from(&**text),
        Data::List(_, elements) | Data::Set(_, elements) | Data::Tuple(elements) => {
            elements.iter().map(tree).collect::<Result<Vec<_>, _>>()?.into()
        }
        Data::Map(_, entries) | Data::Object(entries) => {
            let mut object = serde_json::Map::new();
            for (name, entry) in entries.iter() {
                object.insert(name.to_string(), tree(entry)?);
            }
            object.into()
        }
    })
}

fn json_number(number: &Number) -> Option<serde_json::Number> {
    if let Some(integer) = number.to_i64() {
        return Some(integer.into());
    }
    match number.to_u64() {
        Some(integer) => Some(integer.into()),
        None => serde_json::Number::from_f64(number.to_f64()),
    }
}

/// Returns the value of a JSON tree: arrays become tuples, objects become objects.
pub fn from_json_tree(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::null(),
        serde_json::Value::Bool(b) => Value::from(*b),
        serde_json::Value::Number(number) => {
            // The text of a float is the number that was meant: 0.1, not its binary neighbour.
            Number::parse(&number.to_string()).map_or_else(|_| Value::null(), Value::from)
        }
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(elements) => Value::tuple(elements.iter().map(from_json_tree)),
        serde_json::Value::Object(entries) => Value::object(
            entries.iter().map(|(k, v)| (super::normalised(k), from_json_tree(v))).collect(),
        ),
    }
}
