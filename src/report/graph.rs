//! Graphs in DOT: the resources of a configuration, or the operations of a plan.

use crate::plan::document::PlanDocument;

/// Renders nodes and edges; an edge points from what depends to what it depends on.
pub fn dot(name: &str, nodes: &[String], edges: &[(String, String)]) -> String {
    let mut out =
        format!("digraph {} {{\n  rankdir = \"RL\";\n  node [shape = box];\n", quote(name));
    for node in nodes {
        out.push_str(&format!("  {};\n", quote(node)));
    }
    for (from, to) in edges {
        out.push_str(&format!("  {} -> {};\n", quote(from), quote(to)));
    }
    out.push_str("}\n");
    out
}

/// Renders the operations of a plan; an edge points to what must be settled before.
pub fn operations(document: &PlanDocument) -> String {
    let name = |index: usize| {
        document
            .operations
            .get(index)
            .map_or_else(|| index.to_string(), |o| format!("{index}: {} {}", o.action, o.address))
    };
    let nodes: Vec<String> = (0..document.operations.len()).map(name).collect();
    let edges: Vec<(String, String)> = document
        .operations
        .iter()
        .flat_map(|o| o.after.iter().map(move |before| (o.index, *before)))
        .map(|(from, to)| (name(from), name(to)))
        .collect();
    dot("operations", &nodes, &edges)
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
