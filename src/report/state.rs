//! The state and output values as text.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::diff::{self, Options, Side};
use super::paint::Paint;
use super::text::header;
use crate::state::Status;
use crate::state::document::{InstanceDocument, OutputValue, RecordedObjects, StateDocument};

/// Writes a whole state, object by object.
///
/// # Errors
/// Returns the first error of `out`.
pub fn state(
    document: &StateDocument<RecordedObjects<'_>>,
    paint: Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    if document.resources.is_empty() && document.outputs.is_empty() {
        out.write_all(b"The state records nothing.\n")?;
    }
    for resource in document.resources.iter() {
        writeln!(out, "{}", instance(&resource, paint))?;
    }
    if !document.outputs.is_empty() {
        write!(out, "Outputs:\n\n{}", outputs(&document.outputs))?;
    }
    if document.unfinished > 0 {
        let (are, them) = if document.unfinished == 1 {
            ("operation of an earlier run is", "it")
        } else {
            ("operations of an earlier run are", "them")
        };
        let text = format!(
            "\n{} {are} not finished; the next apply finishes {them} first.\n",
            document.unfinished
        );
        out.write_all(paint.yellow(&text).as_bytes())?;
    }
    Ok(())
}

/// Renders one object.
pub fn instance(instance: &InstanceDocument, paint: Paint) -> String {
    let mut out = format!("# {}", paint.bold(&instance.address));
    if let Some(key) = &instance.deposed {
        out.push_str(&format!(" (set aside as {key})"));
    }
    out.push_str(match instance.status {
        Status::Ready => "",
        Status::Creating => " (its create is not finished)",
        Status::Tainted => " (tainted: its create did not finish)",
    });
    out.push_str(&format!(":\n{} {{\n", header(&instance.address)));
    let side = Side {
        value: &instance.attributes,
        unknown: &Json::Null,
        sensitive: &instance.sensitive_attributes,
    };
    for line in diff::object(side, side, Options { replace: &[], always: &[], hide: false }) {
        out.push_str(&format!("{}{}\n", " ".repeat(4 * (line.depth + 1)), line.text));
    }
    out.push_str("}\n");
    out
}

/// Renders output values, one after another, as configuration would spell them.
pub fn outputs(outputs: &BTreeMap<String, OutputValue>) -> String {
    let all = |pick: fn(&OutputValue) -> Json| {
        Json::Object(outputs.iter().map(|(name, o)| (name.clone(), pick(o))).collect())
    };
    let value = all(|o| o.value.clone());
    let hidden = all(|o| Json::Bool(o.sensitive && o.value == crate::value::SENSITIVE));
    let side = Side { value: &value, unknown: &Json::Null, sensitive: &hidden };
    diff::object(side, side, Options { replace: &[], always: &[], hide: false })
        .iter()
        .map(|line| format!("{}{}\n", " ".repeat(4 * line.depth), line.text))
        .collect()
}
