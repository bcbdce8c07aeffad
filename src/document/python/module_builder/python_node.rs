//! The kinds and the fields of syntax nodes by their ids.
//!
//! `tree-sitter` converts and compares names at each call, which takes longer than all other work on
//! a node.

use std::sync::LazyLock;
use tree_sitter::{Language, Node};

/// The names of kinds and fields, by their ids.
struct Names {
    kinds: Vec<&'static str>,
    fields: Vec<&'static str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let language: Language = tree_sitter_python::LANGUAGE.into();
    let kinds = 0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
    let fields = 0..=u16::try_from(language.field_count()).unwrap_or(u16::MAX);
    Names {
        kinds: kinds
            .map(|id| language.node_kind_for_id(id).unwrap_or_default())
            .collect(),
        fields: fields
            .map(|id| language.field_name_for_id(id).unwrap_or_default())
            .collect(),
    }
});

/// A node of a Python syntax tree.
pub(super) trait PythonNode<'t> {
    /// Returns the name of the node's kind.
    fn kind_name(self) -> &'static str;

    /// Returns the first child in a field.
    fn field(self, name: &'static str) -> Option<Node<'t>>;
}

impl<'t> PythonNode<'t> for Node<'t> {
    fn kind_name(self) -> &'static str {
        let known = NAMES.kinds.get(usize::from(self.kind_id())).copied();
        // Errors are not in the table.
        known.unwrap_or_else(|| self.kind())
    }

    fn field(self, name: &'static str) -> Option<Node<'t>> {
        let id = NAMES.fields.iter().position(|known| *known == name)?;
        self.child_by_field_id(u16::try_from(id).ok()?)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tree_sitter::Parser;

    #[test]
    fn names_are_those_of_the_parser() {
        let mut parser = Parser::new();
        parser
            .set_language(&tree_sitter_python::LANGUAGE.into())
            .unwrap();
        let code = "a = b.c(d=1)\nx ) y\n";
        let tree = parser.parse(code, None).unwrap();
        let mut nodes = vec![tree.root_node()];
        let mut kinds = 0;
        while let Some(node) = nodes.pop() {
            assert_eq!(node.kind_name(), node.kind());
            kinds += 1;
            for name in [
                "left",
                "right",
                "function",
                "arguments",
                "attribute",
                "value",
                "body",
            ] {
                assert_eq!(node.field(name), node.child_by_field_name(name));
            }
            nodes.extend(
                (0..node.child_count())
                    .filter_map(|at| node.child(u32::try_from(at).unwrap_or_default())),
            );
        }
        assert!(kinds > 15);
    }
}
