//! The hover of a comment for stackref: the page of a rule.

use super::{HoveredText, touches};
use crate::diagnostics::rule_id::RuleId;
use crate::document::directives::{Directive, DirectiveKind};
use crate::lint::rules;
use crate::lsp::checked_document::CheckedDocument;
use crate::text::source::Span;

/// The text about a `literal` comment.
const LITERAL: &str = "`# stackref: literal` marks the braces of one scalar as plain text: `check` reports nothing about them, and \
                       `render` keeps them. The scalar starts on the line of the comment or on the next line.";

/// Returns the hover of the comment at an offset.
pub fn at(checked: &CheckedDocument<'_>, offset: usize) -> Option<HoveredText> {
    let directives: &[Directive] = match checked.analysis() {
        Some(file) => &file.directives,
        None => checked.inventory_comments()?.directives,
    };
    let mut directives = directives.iter();
    let directive = directives.find(|it| touches(it.directive_span, offset))?;
    let text = match &directive.kind {
        DirectiveKind::Literal => LITERAL.to_owned(),
        DirectiveKind::MissingRules => rules::get(RuleId::BareIgnore).page(),
        DirectiveKind::Ignore(names) => {
            let name = name_at(checked, directive.directive_span, offset);
            let rule = match name.and_then(rules::find) {
                Some(rule) => rule,
                // Not at a name: the first rule.
                None => names.iter().find_map(|name| rules::find(name))?,
            };
            rule.page()
        }
    };
    Some((text, directive.directive_span))
}

/// Returns the name at an offset in the brackets of a directive.
fn name_at<'d>(checked: &'d CheckedDocument<'_>, span: Span, offset: usize) -> Option<&'d str> {
    let text = checked.document.text.get(span.start..span.end)?;
    let open = text.find('[')? + 1;
    let at = offset.checked_sub(span.start + open)?;
    let list = text.get(open..)?;
    let list = list.get(..list.find(']')?)?;
    let before = list.get(..at)?;
    let start = before.rfind(',').map_or(0, |comma| comma + 1);
    let rest = list.get(start..)?;
    Some(rest.split(',').next().unwrap_or_default().trim())
}
