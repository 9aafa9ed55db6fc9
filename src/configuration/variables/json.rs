//! Files of variables in JSON.

use super::Given;
use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::value::{Name, from_json};

/// Reads an object of values. Keys called `//` are comments.
pub(super) fn read(file: FileId, text: &str) -> Result<Vec<(Name, Span, Given)>, Box<Diagnostic>> {
    let start = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = from_json(start).map_err(|error| {
        let at = text.len() - start.len() + error.offset;
        Box::new(
            Diagnostic::error("syntax", "file is not valid JSON")
                .detail(crate::configuration::sentence(error.message))
                .at(span(file, at, at + 1)),
        )
    })?;
    let Some(entries) = value.as_entries() else {
        return Err(Box::new(
            Diagnostic::error("syntax", "file holds no JSON object")
                .at(span(file, 0, text.len()))
                .help("write `{ \"name\": value }`"),
        ));
    };
    let places = places(text);
    let place_of = |name: &str| {
        places
            .iter()
            .rev()
            .find(|(key, _)| *key == name)
            .map_or(span(file, 0, 0), |(_, range)| span(file, range.start, range.end))
    };
    Ok(entries
        .iter()
        .filter(|(name, _)| &***name != "//")
        .map(|(name, value)| {
            let place = place_of(name);
            (name.clone(), place, Given { value: value.clone(), place })
        })
        .collect())
}

fn span(file: FileId, start: usize, end: usize) -> Span {
    let offset = |n| u32::try_from(n).unwrap_or(u32::MAX);
    Span { file, start: offset(start), end: offset(end) }
}

/// Finds the keys of the outermost object of a valid JSON text, with the range of each key.
fn places(text: &str) -> Vec<(&str, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let (mut depth, mut at, mut wants_key) = (0_usize, 0, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                wants_key = depth == 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => wants_key = true,
            b'"' => {
                let start = at + 1;
                at = start;
                while let Some(&inside) = bytes.get(at).filter(|b| **b != b'"') {
                    at += if inside == b'\\' { 2 } else { 1 };
                }
                if wants_key && depth == 1 {
                    wants_key = false;
                    if let Some(key) = text.get(start..at) {
                        found.push((key, start - 1..at + 1));
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}
