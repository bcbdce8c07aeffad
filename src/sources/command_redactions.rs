//! What a scan has to know of scripts: their text, whether there is anything in it, and what of it may be shown.

use crate::document::Document;
use crate::text::source::Span;
use crate::zenml::grammar::{ParsedValue, parse_word};

/// Whether no command is in it.
pub(crate) fn is_without_commands(document: &Document) -> bool {
    document.roots().iter().all(|&root| document.items(root).is_none_or(<[_]>::is_empty))
}

/// All but the commands' own words; of those the values of options, unless they are one reference, and what comes behind
/// the name.
pub(crate) fn masks(document: &Document) -> Vec<Span> {
    let commands = document.roots().iter().flat_map(|&root| document.items(root).unwrap_or_default());
    let mut masks: Vec<Span> = Vec::new();
    let mut at = 0;
    let mut hide = |from: usize, to: usize, at: &mut usize| {
        let from = from.max(*at);
        match masks.last_mut() {
            Some(last) if from < to && last.end == from => last.end = to,
            _ if from < to => masks.push(Span::new(from, to)),
            _ => {}
        }
        *at = to.max(*at);
    };
    for &command in commands {
        let span = document.node(command).span;
        hide(at, span.start, &mut at);
        let mut plain = 0;
        for &word in document.items(command).unwrap_or_default() {
            let value = document.entries(word).and_then(|entries| entries.first()).map(|&(_, value)| value);
            let text = document.text(value.unwrap_or(word)).unwrap_or_default();
            let is_option = text.starts_with("--");
            plain += usize::from(!is_option);
            let stuck = text.starts_with('-') && !is_option && text.len() > 2;
            let is_word = !stuck && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            let whole = matches!(parse_word(text), ParsedValue::Reference(_));
            if !whole && (value.is_some() || !is_word || (plain > 3 && !is_option)) {
                let span = document.node(value.unwrap_or(word)).span;
                hide(span.start, span.end, &mut at);
            }
        }
        at = at.max(span.end);
    }
    hide(at, document.source().text().len(), &mut at);
    masks
}
