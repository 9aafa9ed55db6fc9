//! `yamldecode`: one YAML document as a value. Plain scalars are read as YAML 1.1 reads them (`yes`
//! is true), but for octal numbers, which need `0o`; timestamps become strings in RFC 3339.

use std::collections::BTreeMap;

use base64::Engine as _;
use dashu_int::UBig;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{Call, ELEMENT_LIMIT, Failure, Outcome, dates};
use crate::value::{Data, Name, Number, Value, normalised};

/// Deepest nesting.
const DEPTH_LIMIT: usize = 128;
/// Longest text, in bytes.
const INPUT_LIMIT: usize = 16 << 20;

pub(super) fn yamldecode(call: &Call<'_>) -> Outcome {
    let text = call.text(0);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > INPUT_LIMIT {
        return Err(Failure::at(0, "the YAML text is too long"));
    }
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        elements: 0,
        line: 1,
        column: 1,
    };
    reader.document().map_err(|why| {
        let message = format!("on line {}, column {}: {why}", reader.line, reader.column);
        Failure::at(0, message).quoting()
    })
}

/// A value that an anchor names, with how many values it consists of; none while it is being read.
type Anchor = Option<(Value, usize)>;

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Anchor>,
    /// How many values there are so far, those behind aliases counted each time.
    elements: usize,
    line: usize,
    column: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        loop {
            let (event, span): (Event<'a>, Span) = match self.parser.next_event() {
                None => return Ok(Event::StreamEnd),
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    let error: ScanError = error;
                    self.line = error.marker().line();
                    self.column = error.marker().col() + 1;
                    return Err(error.info().to_owned());
                }
            };
            self.line = span.start.line();
            self.column = span.start.col() + 1;
            if !matches!(event, Event::Nothing | Event::StreamStart) {
                return Ok(event);
            }
        }
    }

    fn document(&mut self) -> Result<Value, String> {
        if !matches!(self.next()?, Event::DocumentStart(_)) {
            return Err(String::from("missing start of document"));
        }
        let first = self.next()?;
        let value = self.node(first, 0)?;
        if !matches!(self.next()?, Event::DocumentEnd) {
            return Err(String::from("unexpected extra content after value"));
        }
        if !matches!(self.next()?, Event::StreamEnd) {
            return Err(String::from("unexpected extra content after value"));
        }
        Ok(value)
    }

    fn count(&mut self, more: usize) -> Result<(), String> {
        self.elements = self.elements.saturating_add(more);
        if self.elements > ELEMENT_LIMIT {
            return Err(format!("the document has more than {ELEMENT_LIMIT} values"));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_LIMIT {
            return Err(String::from("nesting is too deep"));
        }
        self.count(1)?;
        let before = self.elements;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, scalar(&text, style, tag.as_deref())?)
            }
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), "seq", "sequence")?;
                self.anchors.insert(anchor, None);
                (anchor, self.sequence(depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), "map", "mapping")?;
                self.anchors.insert(anchor, None);
                (anchor, self.mapping(depth)?)
            }
            Event::Alias(anchor) => {
                return match self.anchors.get(&anchor) {
                    Some(Some((value, size))) => {
                        let (value, size) = (value.clone(), *size);
                        self.count(size)?;
                        Ok(value)
                    }
                    Some(None) => Err(String::from(
                        "cannot refer to an anchor from inside its own definition",
                    )),
                    None => Err(String::from("reference to undefined anchor")),
                };
            }
            _ => return Err(String::from("did not find expected node content")),
        };
        if anchor != 0 {
            let size = self.elements - before + 1;
            self.anchors.insert(anchor, Some((value.clone(), size)));
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, String> {
        let mut elements = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::tuple(elements)),
                event => elements.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, String> {
        let mut attributes: BTreeMap<Name, Value> = BTreeMap::new();
        let mut merged: BTreeMap<Name, Value> = BTreeMap::new();
        loop {
            let event = self.next()?;
            let merge = match &event {
                Event::MappingEnd => break,
                Event::Scalar(text, ScalarStyle::Plain, _, None) => text == "<<",
                _ => false,
            };
            let key = self.node(event, depth + 1)?;
            let key_place = (self.line, self.column);
            let value_event = self.next()?;
            let value = self.node(value_event, depth + 1)?;
            if merge {
                let Some(entries) = value.as_entries() else {
                    let name = value.type_of().friendly_name();
                    return Err(format!("cannot merge {name} into mapping"));
                };
                for (name, entry) in entries {
                    merged.entry(Name::clone(name)).or_insert_with(|| entry.clone());
                }
                continue;
            }
            let name = key_name(&key).inspect_err(|_| (self.line, self.column) = key_place)?;
            attributes.insert(name, value);
        }
        for (name, value) in merged {
            attributes.entry(name).or_insert(value);
        }
        Ok(Value::object(attributes.into()))
    }
}

fn key_name(key: &Value) -> Result<Name, &'static str> {
    match key.data() {
        Data::String(text) => Ok(Name::clone(text)),
        Data::Number(number) => Ok(number.to_string().into()),
        Data::Bool(b) => Ok(b.to_string().into()),
        Data::Null => Err("mapping key cannot be null"),
        _ => Err("only strings are allowed as mapping keys"),
    }
}

/// Returns the name of a tag of YAML's own, such as `str`; none for an explicitly plain `!`.
fn core_tag(tag: &Tag) -> Result<&str, String> {
    if tag.handle == "tag:yaml.org,2002:" {
        return Ok(&tag.suffix);
    }
    let whole = format!("{}{}", tag.handle, tag.suffix);
    match tag.suffix.strip_prefix("tag:yaml.org,2002:") {
        Some(name) if tag.handle.is_empty() => Ok(name),
        _ => Err(format!("unsupported tag {whole:?}")),
    }
}

fn check_tag(tag: Option<&Tag>, wanted: &str, what: &str) -> Result<(), String> {
    match tag.map(core_tag).transpose()? {
        None => Ok(()),
        Some(name) if name == wanted => Ok(()),
        Some(name) => Err(format!("can't interpret {what} as tag:yaml.org,2002:{name}")),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let tag = tag.map(core_tag).transpose()?;
    let plain = style == ScalarStyle::Plain;
    let resolved = if plain { resolve(text)? } else { Value::text(text) };
    let cannot = |name: &str| format!("cannot parse {text:?} as tag:yaml.org,2002:{name}");
    match tag {
        None => Ok(resolved),
        Some("str") => Ok(Value::text(text)),
        Some("binary") => {
            let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            match base64::engine::general_purpose::STANDARD.decode(joined) {
                Ok(_) => Ok(Value::text(text)),
                Err(_) => Err(format!("{}: not valid base64", cannot("binary"))),
            }
        }
        Some(name @ ("int" | "float" | "bool" | "null" | "timestamp")) => {
            let fits = !plain
                || match (name, resolved.data()) {
                    ("int", Data::Number(number)) => number.is_integer(),
                    ("float", Data::Number(_))
                    | ("bool", Data::Bool(_))
                    | ("null", Data::Null)
                    | ("timestamp", Data::String(_)) => true,
                    _ => false,
                };
            if fits { Ok(resolved) } else { Err(cannot(name)) }
        }
        Some(name) => Err(format!("unsupported tag \"tag:yaml.org,2002:{name}\"")),
    }
}

/// Finds out what a plain scalar means.
fn resolve(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::null(),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Value::from(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Value::from(false)
        }
        ".nan" | ".NaN" | ".NAN" => {
            return Err(String::from("floating point NaN is not supported"));
        }
        _ => {
            if let Some(number) = number(text)? {
                Value::from(number)
            } else if let Some(timestamp) = dates::from_yaml(text) {
                Value::from(timestamp)
            } else {
                Value::new(Data::String(normalised(text)))
            }
        }
    })
}

/// Reads an integer or a float in one of YAML's spellings; none for other texts.
fn number(text: &str) -> Result<Option<Number>, String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Ok(Some(Number::infinity(text.starts_with('-'))));
    }
    let radix = [("0x", 16), ("0o", 8)];
    for (prefix, radix) in radix {
        if let Some(digits) = text.strip_prefix(prefix) {
            let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            if !valid || digits.len() > 10_000 {
                return Ok(None);
            }
            let integer = UBig::from_str_radix(digits, radix).ok();
            return Ok(integer.map(|integer| Number::from_integer(integer.into())));
        }
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let valid = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        });
    if !valid {
        return Ok(None);
    }
    Number::parse(text).map(Some).map_err(|error| format!("cannot parse {text:?}: {error}"))
}
