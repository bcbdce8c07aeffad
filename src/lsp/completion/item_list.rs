//! Completion items in the form of the protocol.

use crate::lsp::client_support::ClientSupport;
use crate::lsp::text_positions::TextPositions;
use crate::text::source::Span;
use gen_lsp_types as lsp;

/// An item of a completion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// The text that the user sees, and that is compared with what is typed.
    pub label: String,
    /// The text that replaces what is typed, if it is not the label.
    pub text: Option<String>,
    /// A short text next to the label.
    pub detail: Option<String>,
    /// A description.
    pub documentation: Option<String>,
    /// Whether it comes before the others.
    pub is_first: bool,
}

/// The items of a completion, which all replace the same text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletedItems {
    /// The items.
    pub items: Vec<Completed>,
    /// The text that they replace.
    pub span: Span,
    /// The offset of a quote that they insert, too.
    pub opening: Option<usize>,
    /// Whether there may be more items.
    pub is_incomplete: bool,
}

impl CompletedItems {
    /// Returns the list for a client.
    pub fn into_list(
        self,
        kind: lsp::CompletionItemKind,
        positions: &TextPositions<'_>,
        support: &ClientSupport,
    ) -> lsp::CompletionList {
        let range = positions.range(self.span);
        let opening = self.opening.map(|at| {
            let range = positions.range(Span::new(at, at));
            vec![lsp::TextEdit::new(range, "\"".to_owned())]
        });
        let has_default = support.completion_item_defaults;
        let items = self.items.into_iter().map(|item| {
            let order = if item.is_first { '0' } else { '1' };
            let edit = || {
                let text = item.text.clone().unwrap_or_else(|| item.label.clone());
                lsp::TextEdit::new(range, text).into()
            };
            lsp::CompletionItem {
                sort_text: Some(format!("{order}{}", item.label)),
                text_edit: (!has_default).then(edit),
                text_edit_text: item.text.filter(|_| has_default),
                detail: item.detail,
                documentation: item.documentation.map(Into::into),
                kind: Some(kind),
                additional_text_edits: opening.clone(),
                label: item.label,
                ..lsp::CompletionItem::default()
            }
        });
        lsp::CompletionList {
            is_incomplete: self.is_incomplete,
            items: items.collect(),
            item_defaults: has_default.then(|| lsp::CompletionItemDefaults {
                edit_range: Some(range.into()),
                ..lsp::CompletionItemDefaults::default()
            }),
            apply_kind: None,
        }
    }
}

/// Returns whether the characters that are typed occur in a name in this order, in lower or upper
/// case. Clients filter in the same way or more strictly.
pub fn fits(typed: &str, name: &str) -> bool {
    let mut rest = name.chars().flat_map(char::to_lowercase);
    let mut typed = typed.chars().flat_map(char::to_lowercase);
    typed.all(|wanted| rest.any(|c| c == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_the_typed_characters_in_their_order() {
        for (typed, name, expected) in [
            ("", "db", true),
            ("dp", "Db_Prod", true),
            ("PD", "db_prod", true),
            ("dbx", "db_prod", false),
            ("ÜB", "übung", true),
        ] {
            assert_eq!(fits(typed, name), expected, "{typed} {name}");
        }
    }
}
