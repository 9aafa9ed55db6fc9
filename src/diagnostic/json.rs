//! Diagnostics as JSON, with ranges and snippets, as `validate -json` and the event stream show them.

use serde_json::{Map, Value, json};

use super::excerpt::{block_header, line_end, line_start, safe_range};
use super::{Diagnostic, Diagnostics, Severity, SourceFile, SourceMap, Span};

/// Returns one JSON object per diagnostic, warnings first and errors last: `severity`, `code`,
/// `summary`, `detail`, `address`, `also` (further
/// instances with the same mistake), `range` and `snippet` of the main place, `labels`, `values`,
/// `help` and `fix`. What there is none of is left out, except for the lists.
///
/// Lines and columns count from 1, columns in characters; `byte` counts from 0. The snippet's
/// highlight is in bytes of its `code`.
pub fn to_json(diagnostics: &Diagnostics, sources: &SourceMap) -> Vec<Value> {
    let mut sorted = diagnostics.clone();
    sorted.sort();
    sorted.iter().map(|diagnostic| one(diagnostic, sources)).collect()
}

fn one(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let mut object = Map::new();
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    object.insert("severity".into(), severity.into());
    object.insert("code".into(), diagnostic.code.into());
    object.insert("summary".into(), diagnostic.summary.clone().into());
    object.insert("detail".into(), diagnostic.detail.clone().into());
    if let Some(address) = &diagnostic.address {
        object.insert("address".into(), address.clone().into());
    }
    if !diagnostic.also.is_empty() {
        object.insert("also".into(), diagnostic.also.iter().cloned().collect());
    }
    if let Some((file, span)) = diagnostic.span().and_then(|s| Some((sources.get(s.file)?, s))) {
        object.insert("range".into(), range(file, span));
        object.insert("snippet".into(), snippet(file, span));
    }
    let labels = diagnostic.labels.iter().filter_map(|label| {
        let file = sources.get(label.span.file)?;
        let range = range(file, label.span);
        Some(json!({ "range": range, "text": label.text, "primary": label.primary }))
    });
    object.insert("labels".into(), labels.collect());
    let values = diagnostic
        .values
        .iter()
        .map(|(reference, value)| json!({ "reference": reference, "value": value }));
    object.insert("values".into(), values.collect());
    if let Some(help) = &diagnostic.help {
        object.insert("help".into(), help.clone().into());
    }
    if let Some((file, fix)) =
        diagnostic.fix.as_ref().and_then(|fix| Some((sources.get(fix.span.file)?, fix)))
    {
        let range = range(file, fix.span);
        object.insert("fix".into(), json!({ "range": range, "replacement": fix.replacement }));
    }
    Value::Object(object)
}

fn range(file: &SourceFile, span: Span) -> Value {
    let range = safe_range(&file.text, span);
    json!({
        "filename": &*file.name,
        "start": position(file, range.start),
        "end": position(file, range.end),
    })
}

fn position(file: &SourceFile, offset: usize) -> Value {
    let column = file.text[line_start(&file.text, offset)..offset].chars().count() + 1;
    json!({ "line": file.line_number(offset), "column": column, "byte": offset })
}

fn snippet(file: &SourceFile, span: Span) -> Value {
    let range = safe_range(&file.text, span);
    let (from, to) = (line_start(&file.text, range.start), line_end(&file.text, range.end));
    let mut object = Map::new();
    if let Some(header) = block_header(file, range.start) {
        object.insert("context".into(), file.text[header].into());
    }
    let code = &file.text[from..to];
    // The carriage return of the line's end is no part of the line.
    let code = code.strip_suffix('\r').filter(|_| range.end < to).unwrap_or(code);
    object.insert("code".into(), code.into());
    object.insert("start_line".into(), file.line_number(from).into());
    object.insert("highlight_start_offset".into(), (range.start - from).into());
    object.insert("highlight_end_offset".into(), (range.end - from).into());
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;

    #[test]
    fn snippets_end_before_the_end_of_the_line() {
        let mut sources = SourceMap::default();
        let file = sources.add("main.nat.hcl", "a = 1\r\nb = x\r\n");
        let diagnostic = Diagnostic::error("c", "s").at(Span { file, start: 11, end: 12 });
        let json = to_json(&diagnostic.into(), &sources).remove(0);
        assert_eq!(json["snippet"]["code"], "b = x");
        assert_eq!(json["snippet"]["highlight_end_offset"], 5);
    }

    #[test]
    fn everything_is_there() {
        let mut sources = SourceMap::default();
        let file = sources.add("main.nat.hcl", "a \"é\" {\n  é = x.y\n}\n");
        let span = Span { file, start: 16, end: 19 };
        let diagnostic = Diagnostic::error("unsupported-attribute", "object has no attribute `y`")
            .detail("It has `z`.")
            .at_with(span, "here")
            .address("a.é")
            .value("x", "object with 1 attribute")
            .help("did you mean `z`?")
            .fix(span, "x.z");
        let place = json!({
            "filename": "main.nat.hcl",
            "start": {"line": 2, "column": 7, "byte": 16},
            "end": {"line": 2, "column": 10, "byte": 19},
        });
        let expected = json!({
            "severity": "error",
            "code": "unsupported-attribute",
            "summary": "object has no attribute `y`",
            "detail": "It has `z`.",
            "address": "a.é",
            "range": place,
            "snippet": {
                "context": "a \"é\"",
                "code": "  é = x.y",
                "start_line": 2,
                "highlight_start_offset": 7,
                "highlight_end_offset": 10,
            },
            "labels": [{"range": place, "text": "here", "primary": true}],
            "values": [{"reference": "x", "value": "object with 1 attribute"}],
            "help": "did you mean `z`?",
            "fix": {"range": place, "replacement": "x.z"},
        });
        assert_eq!(to_json(&diagnostic.into(), &sources), [expected]);
    }

    #[test]
    fn a_bare_one_has_empty_lists() {
        let diagnostics = Diagnostics::from(Diagnostic::warning("w", "summary"));
        let expected = json!({
            "severity": "warning", "code": "w", "summary": "summary", "detail": "",
            "labels": [], "values": [],
        });
        assert_eq!(to_json(&diagnostics, &SourceMap::default()), [expected]);
    }
}
