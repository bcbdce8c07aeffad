//! A graph from files to secrets in the language of Graphviz.
//!
//! Nodes have generated names. Labels are quoted strings, in which Graphviz interprets quotes,
//! backslashes and HTML entities.

use crate::lint::reference_list::{EdgeKind, SecretGraph};
use std::io::{self, Write};

/// The attributes of a missing secret, and of an edge to it.
const MISSING: &str = ", color=\"#cc0000\", fontcolor=\"#cc0000\"";

/// Writes a graph.
pub fn write_dot(graph: &SecretGraph, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph secrets {{")?;
    writeln!(out, "  rankdir=LR;")?;
    for (index, file) in graph.files.iter().enumerate() {
        writeln!(out, "  f{index} [label=\"{}\", shape=box];", escape(file))?;
    }
    for (index, secret) in graph.secrets.iter().enumerate() {
        let label = escape(&secret.label);
        let missing = if secret.is_missing { MISSING } else { "" };
        let style = if secret.is_dynamic {
            ", style=dashed"
        } else {
            ""
        };
        writeln!(out, "  s{index} [label=\"{label}\"{style}{missing}];")?;
    }
    for edge in &graph.edges {
        let label = escape(&edge.label);
        let style = match edge.kind {
            EdgeKind::Declares => ", style=bold",
            EdgeKind::Uses => "",
            EdgeKind::MayUse => ", style=dashed",
        };
        let missing = if edge.is_missing { MISSING } else { "" };
        writeln!(
            out,
            "  f{} -> s{} [label=\"{label}\"{style}{missing}];",
            edge.file, edge.secret
        )?;
    }
    writeln!(out, "}}")
}

/// Escapes the characters that have a meaning in a quoted label.
fn escape(label: &str) -> String {
    label
        .replace('&', "&amp;")
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_contain_no_syntax() {
        for (label, expected) in [
            ("mlflow.password", "mlflow.password"),
            ("a\"]; x [label=\"", "a\\\"]; x [label=\\\""),
            ("\\", "\\\\"),
            ("\\N\\l", "\\\\N\\\\l"),
            ("&#60;", "&amp;#60;"),
            ("<b>", "<b>"),
        ] {
            assert_eq!(escape(label), expected);
        }
    }
}
