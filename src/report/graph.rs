//! Graphs in DOT: the resources of a configuration, or the operations of a plan.

use std::io::{self, Write};

use crate::address::ResourceAddress;
use crate::plan::document::{Operations, PlanDocument};

/// Writes blocks and what each depends on; an edge points from what depends to what it depends on.
///
/// # Errors
/// Returns the first error of `out`.
pub fn resources(
    blocks: &[ResourceAddress],
    needs: impl Fn(&ResourceAddress) -> Vec<ResourceAddress>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(head("resources").as_bytes())?;
    for block in blocks {
        writeln!(out, "  {};", quote(&block.to_string()))?;
    }
    for from in blocks {
        for to in needs(from) {
            writeln!(out, "  {} -> {};", quote(&from.to_string()), quote(&to.to_string()))?;
        }
    }
    out.write_all(b"}\n")
}

/// Writes the operations of a plan; an edge points to what must be settled before.
///
/// # Errors
/// Returns the first error of `out`.
pub fn operations<C, O: Operations>(
    document: &PlanDocument<C, O>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(head("operations").as_bytes())?;
    document.operations.each(&mut |operation| {
        let index = operation.index;
        let label = format!("{index}: {} {}", operation.action, operation.address);
        writeln!(out, "  {index} [label = {}];", quote(&label))?;
        operation.after.iter().try_for_each(|before| writeln!(out, "  {index} -> {before};"))
    })?;
    out.write_all(b"}\n")
}

fn head(name: &str) -> String {
    format!("digraph {} {{\n  rankdir = \"RL\";\n  node [shape = box];\n", quote(name))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_with_quotes_stay_one_word() {
        let web: crate::address::Address = "module.m[\"80\"].forward_entry.web".parse().unwrap();
        let mut out = Vec::new();
        super::resources(&[web.resource], |block| vec![block.clone()], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let quoted = r#""module.m[\"80\"].forward_entry.web""#;
        assert!(text.contains(&format!("  {quoted};\n  {quoted} -> {quoted};\n")), "{text}");
    }
}
