//! A graph from files to secrets as a Mermaid flowchart.
//!
//! Nodes have generated names. A label is quoted, and each character of it that may have a meaning
//! in Mermaid, Markdown or HTML is an entity code such as `#35;`.

use crate::lint::reference_list::{EdgeKind, GraphEdge, SecretGraph};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes a graph.
pub fn write_mermaid(graph: &SecretGraph, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "flowchart LR")?;
    for (index, file) in graph.files.iter().enumerate() {
        writeln!(out, "  f{index}[\"{}\"]", escape(file))?;
    }
    for (index, secret) in graph.secrets.iter().enumerate() {
        writeln!(out, "  s{index}([\"{}\"])", escape(&secret.label))?;
    }
    for edge in &graph.edges {
        write_edge(edge, out)?;
    }
    write_styles(graph, out)
}

fn write_edge(edge: &GraphEdge, out: &mut dyn Write) -> io::Result<()> {
    let arrow = match edge.kind {
        EdgeKind::Declares => "==>",
        EdgeKind::Uses => "-->",
        EdgeKind::MayUse => "-.->",
    };
    let label = if edge.label.is_empty() {
        String::new()
    } else {
        format!("|\"{}\"|", escape(&edge.label))
    };
    writeln!(out, "  f{} {arrow}{label} s{}", edge.file, edge.secret)
}

/// Writes the colors of missing secrets, and of the edges to them.
fn write_styles(graph: &SecretGraph, out: &mut dyn Write) -> io::Result<()> {
    let secrets = graph.secrets.iter().enumerate();
    let secrets = secrets.filter(|(_, secret)| secret.is_missing);
    let secrets: Vec<String> = secrets.map(|(index, _)| format!("s{index}")).collect();
    if !secrets.is_empty() {
        writeln!(
            out,
            "  classDef missing stroke:#c00,color:#c00,stroke-width:2px"
        )?;
        writeln!(out, "  class {} missing", secrets.join(","))?;
    }
    let edges = graph.edges.iter().enumerate();
    let edges = edges.filter(|(_, edge)| edge.is_missing);
    let edges: Vec<String> = edges.map(|(index, _)| index.to_string()).collect();
    if !edges.is_empty() {
        writeln!(
            out,
            "  linkStyle {} stroke:#c00,color:#c00",
            edges.join(",")
        )?;
    }
    Ok(())
}

/// Replaces all characters except letters, digits and some punctuation by entity codes.
fn escape(label: &str) -> String {
    let mut escaped = String::with_capacity(label.len());
    let mut is_start = true;
    for c in label.chars() {
        // At the start, `1.`, `1)` and `-` would begin a list.
        let is_plain = c.is_alphanumeric()
            || matches!(c, ' ' | ',')
            || (!is_start && matches!(c, '.' | '-' | '_' | '/' | '(' | ')'));
        if is_plain {
            escaped.push(c);
        } else {
            // Writing to a string never fails.
            let _ = write!(escaped, "#{};", u32::from(c));
        }
        is_start = is_start && (c.is_ascii_digit() || c == ' ');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_contain_no_syntax() {
        for (label, expected) in [
            ("mlflow", "mlflow"),
            ("stacks/my-prod.yaml", "stacks/my-prod.yaml"),
            ("prod (a.yaml)", "prod (a.yaml)"),
            ("a\"] click b", "a#34;#93; click b"),
            ("#quot;", "#35;quot#59;"),
            ("`x`", "#96;x#96;"),
            ("<img src=x>", "#60;img src#61;x#62;"),
            ("${ENV}_db", "#36;#123;ENV#125;_db"),
            ("a\\nb", "a#92;nb"),
            ("%%{init}", "#37;#37;#123;init#125;"),
            ("- x", "#45; x"),
            ("1. x", "1#46; x"),
            ("1) x", "1#41; x"),
            (" - x", " #45; x"),
            ("é…", "é#8230;"),
        ] {
            assert_eq!(escape(label), expected);
        }
    }
}
