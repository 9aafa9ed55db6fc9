//! `csvdecode`: comma-separated values with a header line, as RFC 4180 has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Call, Failure, Outcome};
use crate::value::{Name, Type, Value, normalised};

pub(super) fn csvdecode(call: &Call<'_>) -> Outcome {
    let mut reader = Reader { rest: call.text(0), line: 1 };
    let header = reader.record()?.ok_or_else(|| Failure::at(0, "missing header line"))?;
    let mut names: Vec<Name> = Vec::new();
    let mut seen: BTreeSet<Name> = BTreeSet::new();
    for name in &header {
        let name = normalised(name);
        if !seen.insert(Arc::clone(&name)) {
            return Err(Failure::at(0, format!("duplicate column name {name:?}")).quoting());
        }
        names.push(name);
    }
    let mut rows = Vec::new();
    loop {
        let line = reader.next_line();
        let Some(record) = reader.record()? else { break };
        if record.len() != names.len() {
            return Err(parse_error(line, "wrong number of fields"));
        }
        let row: BTreeMap<Name, Value> =
            names.iter().map(Arc::clone).zip(record.iter().map(|text| Value::text(text))).collect();
        rows.push(Value::object(row.into()));
    }
    let element = Type::object(names.iter().map(|name| (Arc::clone(name), Type::String)));
    Ok(Value::list(element, rows))
}

/// A list of objects whose attributes are not known before the text is.
pub(super) fn result_type(_: &[Value]) -> Type {
    Type::list(Type::Any)
}

fn parse_error(line: usize, why: &str) -> Failure {
    Failure::at(0, format!("CSV parse error on line {line}: {why}"))
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    /// Passes over empty lines and returns the number of the next one.
    fn next_line(&mut self) -> usize {
        loop {
            let empty = self.rest.strip_prefix('\n').or_else(|| self.rest.strip_prefix("\r\n"));
            let Some(rest) = empty else { return self.line };
            self.rest = rest;
            self.line += 1;
        }
    }

    /// Reads one record; none at the end.
    fn record(&mut self) -> Result<Option<Vec<String>>, Failure> {
        self.next_line();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut fields = Vec::new();
        loop {
            let field = if self.rest.starts_with('"') { self.quoted()? } else { self.plain()? };
            fields.push(field);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            let after = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix('\n'));
            if let Some(after) = after {
                self.rest = after;
                self.line += 1;
            }
            return Ok(Some(fields));
        }
    }

    fn plain(&mut self) -> Result<String, Failure> {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let field = &self.rest[..end];
        let line_end = self.rest[end..].starts_with('\n') || end == self.rest.len();
        let field = if line_end { field.strip_suffix('\r').unwrap_or(field) } else { field };
        if field.contains('"') {
            return Err(parse_error(self.line, "bare \" in non-quoted-field"));
        }
        self.rest = &self.rest[end..];
        Ok(field.to_owned())
    }

    fn quoted(&mut self) -> Result<String, Failure> {
        let extraneous = "extraneous or missing \" in quoted-field";
        let mut field = String::new();
        let mut rest = &self.rest[1..];
        loop {
            let Some(end) = rest.find('"') else {
                let lines = self.rest.matches('\n').count();
                return Err(parse_error(self.line + lines, extraneous));
            };
            field.push_str(&rest[..end].replace("\r\n", "\n"));
            rest = &rest[end + 1..];
            if let Some(after) = rest.strip_prefix('"') {
                field.push('"');
                rest = after;
                continue;
            }
            let ends = rest.is_empty()
                || rest.starts_with([',', '\n'])
                || rest.starts_with("\r\n")
                || rest == "\r";
            if !ends {
                let read = self.rest.len() - rest.len();
                let lines = self.rest[..read].matches('\n').count();
                return Err(parse_error(self.line + lines, extraneous));
            }
            self.line += field.matches('\n').count();
            self.rest = if rest == "\r" { "" } else { rest };
            return Ok(field);
        }
    }
}
