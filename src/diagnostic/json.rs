//! Diagnostics as JSON, with ranges and snippets, as `validate -json` and the event stream show them.

use serde_json::{Map, Value, json};

use super::excerpt::{block_header, line_end, line_number, line_start, safe_range};
use super::{Diagnostic, Diagnostics, Severity, SourceFile, SourceMap, Span};

/// Returns one JSON object per diagnostic, warnings first and errors last: `severity`, `code`,
/// `summary`, `detail`, `address`, `range` and `snippet` of the main place, `labels`, `values`,
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
        "start": position(&file.text, range.start),
        "end": position(&file.text, range.end),
    })
}

fn position(text: &str, offset: usize) -> Value {
    let column = text[line_start(text, offset)..offset].chars().count() + 1;
    json!({ "line": line_number(text, offset), "column": column, "byte": offset })
}

fn snippet(file: &SourceFile, span: Span) -> Value {
    let range = safe_range(&file.text, span);
    let (from, to) = (line_start(&file.text, range.start), line_end(&file.text, range.end));
    let mut object = Map::new();
    if let Some(header) = block_header(file, range.start) {
        object.insert("context".into(), file.text[header].into());
    }
    object.insert("code".into(), file.text[from..to].into());
    object.insert("start_line".into(), line_number(&file.text, from).into());
    object.insert("highlight_start_offset".into(), (range.start - from).into());
    object.insert("highlight_end_offset".into(), (range.end - from).into());
    Value::Object(object)
}
