//! Graphs in DOT: the resources of a configuration, or the operations of a plan.

use std::io::{self, Write};

use crate::plan::document::{Operations, PlanDocument};

/// Renders nodes and edges; an edge points from what depends to what it depends on.
pub fn dot(name: &str, nodes: &[String], edges: &[(String, String)]) -> String {
    let mut out = head(name);
    for node in nodes {
        out.push_str(&format!("  {};\n", quote(node)));
    }
    for (from, to) in edges {
        out.push_str(&format!("  {} -> {};\n", quote(from), quote(to)));
    }
    out.push_str("}\n");
    out
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
        let node = "forward_entry.web[\"80\"]".to_owned();
        let text =
            super::dot("resources", std::slice::from_ref(&node), &[(node.clone(), node.clone())]);
        assert!(text.contains(r#"  "forward_entry.web[\"80\"]";"#), "{text}");
    }
}
