//! The hover of a secret: its keys, the environments that have it, and its uses.

use super::hover_text::HoverText;
use super::hovered_name::{HoveredName, NamedBy};
use super::secret_states::{NameState, SecretStates};
use super::{HoveredText, touches};
use crate::lsp::checked_document::CheckedDocument;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// The most texts of help that are shown.
const MAX_HELPS: usize = 3;

/// Returns the hover of the name at an offset.
pub fn at(
    checked: &CheckedDocument<'_>,
    offset: usize,
    mut text: HoverText,
) -> Option<HoveredText> {
    let name = HoveredName::at(checked, offset)?;
    let mut states = SecretStates::new(&name, checked.settings);
    states.expand(&name);
    add_title(&name, &states, &mut text);
    add_keys(&name, &states, &mut text);
    add_states(&states, &mut text);
    add_declarations(checked, &name, &mut text);
    let expanded = &states.expanded;
    text.add(count_uses(checked, &name, expanded));
    let findings = checked.findings();
    let helps = findings
        .filter(|finding| touches(finding.span, offset))
        .filter_map(|finding| finding.help.as_deref());
    let helps: BTreeSet<&str> = helps.collect();
    for help in helps.into_iter().take(MAX_HELPS) {
        text.add_literal(&format!("help: {help}"));
    }
    Some((text.finish(), name.span))
}

fn add_title(name: &HoveredName<'_>, states: &SecretStates, text: &mut HoverText) {
    let secret = text.name(&name.secret);
    text.add(match &name.key {
        Some(key) => format!("Secret {secret}, key {}", text.name(key)),
        None => format!("Secret {secret}"),
    });
    if !states.expanded.is_empty() {
        let names = states.expanded.iter().map(String::as_str);
        text.add(format!("Means {}", text.names(names)));
    }
}

/// Adds the keys, each with a note if some environments lack it.
fn add_keys(name: &HoveredName<'_>, states: &SecretStates, text: &mut HoverText) {
    if let NamedBy::Declaration(declaration) = name.by {
        let keys = declaration.keys.iter().map(|key| key.name.as_str());
        let list = text.names(keys);
        let more = if declaration.is_open {
            " and others"
        } else {
            ""
        };
        if !list.is_empty() {
            text.add(format!("Declared with the keys {list}{more}"));
        }
    }
    if states.listed == 0 {
        return;
    }
    let (everywhere, partly): (Vec<_>, Vec<_>) = states
        .keys
        .iter()
        .partition(|&(_, &count)| count == states.listed);
    let keys = |keys: &[(&String, &usize)]| text.names(keys.iter().map(|(key, _)| key.as_str()));
    let (everywhere, partly) = (keys(&everywhere), keys(&partly));
    let more = if states.has_open_keys {
        " and others"
    } else {
        ""
    };
    match (everywhere.is_empty(), partly.is_empty()) {
        (true, true) if states.has_open_keys => {}
        (true, true) => text.add("It has no keys"),
        (false, true) => text.add(format!("Keys: {everywhere}{more}")),
        (true, false) => text.add(format!("Keys in some environments only: {partly}{more}")),
        (false, false) => text.add(format!(
            "Keys: {everywhere}{more}; in some environments only: {partly}"
        )),
    }
}

/// Adds the environments in which the name exists, and those in which it does not.
fn add_states(states: &SecretStates, text: &mut HoverText) {
    if states.states.is_empty() {
        text.add("No inventory is configured for this file");
    }
    for (state, labels) in &states.states {
        let labels = text.names(labels.iter().map(String::as_str));
        text.add(match state {
            NameState::Exists => format!("Exists in {labels}"),
            NameState::KeyUnknown => {
                format!("The secret exists in {labels}; its keys are not known")
            }
            NameState::NoKey => format!("The secret exists without this key in {labels}"),
            NameState::NoSecret => format!("Does not exist in {labels}"),
            NameState::Waiting => format!("No answer yet from {labels}"),
            NameState::Failed => format!("{labels} cannot answer"),
            NameState::NotLookedUp => format!("Not looked up in {labels}"),
            NameState::Dynamic => format!("Known only at run time in {labels}"),
        });
    }
}

/// Adds the files that declare the secret.
fn add_declarations(checked: &CheckedDocument<'_>, name: &HoveredName<'_>, text: &mut HoverText) {
    if matches!(name.by, NamedBy::Declaration(_)) {
        return;
    }
    let declarations = checked.scan.declarations();
    let same = declarations.filter(|it| !it.is_dynamic && it.secret == name.secret);
    let files: BTreeSet<&str> = same.map(|declaration| declaration.source.path()).collect();
    if !files.is_empty() {
        text.add(format!("Declared in {}", text.names(files)));
    }
}

/// Returns the number of uses of a name in the project.
fn count_uses(
    checked: &CheckedDocument<'_>,
    name: &HoveredName<'_>,
    expanded: &BTreeSet<String>,
) -> String {
    let whole = [match &name.key {
        Some(key) => format!("{}.{key}", name.secret),
        None => name.secret.clone(),
    }];
    let wanted: HashSet<&str> = if expanded.is_empty() {
        whole.iter().map(String::as_str).collect()
    } else {
        expanded.iter().map(String::as_str).collect()
    };
    let is_wanted = |secret: &str, key: Option<&str>| match key {
        Some(key) if name.key.is_some() => wanted.contains(format!("{secret}.{key}").as_str()),
        None if name.key.is_some() => false,
        _ => wanted.contains(secret),
    };
    let mut files = HashSet::new();
    let mut count = 0_usize;
    for (reference, answers) in checked.report.references.answered().iter(checked.scan) {
        let is_use = if answers.is_expanded() {
            answers
                .iter(reference)
                .any(|it| is_wanted(&it.lookup.secret, it.lookup.key.as_deref()))
        } else {
            is_wanted(reference.secret(), reference.key())
        };
        if is_use {
            count += 1;
            files.insert(Arc::as_ptr(&reference.source));
        }
    }
    let plural = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    match count {
        0 => "Not used in this project".to_owned(),
        _ => format!(
            "{} in {}",
            plural(count, "use"),
            plural(files.len(), "file")
        ),
    }
}
