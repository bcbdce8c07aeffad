//! Classifies `zenml` commands by the attributes and secrets that they can contain.

use crate::document::{Document, NodeId};
use crate::text::source::Span;

/// The kind of a `zenml` command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// `zenml COMPONENT register|update`: its options are the attributes of a component.
    Component,
    /// `zenml code-repository register|update`: its options are attributes.
    CodeRepository,
    /// `zenml stack register|update`: its options name components and whole secrets.
    Stack,
    /// `zenml secret …`: it declares a secret, or refers to a whole one.
    Secret,
    /// `zenml service-connector …`: `ZenML` resolves nothing in it.
    ServiceConnector,
    /// `zenml user …`: `ZenML` resolves nothing in it.
    User,
    /// A command that sets no attribute.
    Other,
}

/// Groups of commands that are not component types, but have the actions of one.
#[rustfmt::skip]
const OTHER_GROUPS: [&str; 24] = [
    "action", "api-key", "artifact", "authorized-device", "deployment", "event-source", "flavor", "integration",
    "model", "pipeline", "project", "resource-pool", "role", "run-template", "schedule", "server",
    "service-account", "snapshot", "step", "tag", "team", "trigger", "webhook", "workspace",
];

/// Returns the kind of a command. `words` are the words after the program, with or without options.
pub(super) fn command_kind<'w>(words: impl IntoIterator<Item = &'w str>) -> CommandKind {
    let mut arguments = words.into_iter().filter(|word| !word.starts_with('-'));
    let group = arguments.next().unwrap_or_default();
    let action = arguments.next().unwrap_or_default();
    let sets_attributes = matches!(action, "register" | "update");
    match group {
        "secret" => CommandKind::Secret,
        "secrets-manager" | "secrets_manager" if action == "secret" => CommandKind::Secret,
        "service-connector" => CommandKind::ServiceConnector,
        "user" => CommandKind::User,
        _ if !sets_attributes => CommandKind::Other,
        "code-repository" => CommandKind::CodeRepository,
        "stack" => CommandKind::Stack,
        _ if is_group(group) && !OTHER_GROUPS.contains(&group) => CommandKind::Component,
        _ => CommandKind::Other,
    }
}

impl Document {
    /// Returns the commands of a script. They are empty for other syntaxes.
    pub fn commands(&self) -> &[NodeId] {
        let root = self.roots.first().filter(|_| self.syntax.is_script());
        root.and_then(|&root| self.items(root)).unwrap_or_default()
    }

    /// Returns the kind of a command.
    pub fn command_kind(&self, command: NodeId) -> CommandKind {
        let words = self.items(command).unwrap_or_default();
        command_kind(words.iter().filter_map(|&word| self.text(word)))
    }

    /// Returns whether a word is an argument of its command, and not an option.
    pub fn is_argument(&self, word: NodeId) -> bool {
        self.text(word).is_some_and(|text| !text.starts_with('-'))
    }

    /// Returns whether an option and its value are one word, such as `--key=value`.
    pub fn is_attached(&self, key: NodeId, value: NodeId) -> bool {
        let (key, value) = (self.node(key).span, self.node(value).span);
        let is_next = key.end <= value.start;
        // The value of a variable is in another place.
        !is_next
            || self
                .source
                .slice(Span::new(key.end, value.start))
                .trim_start_matches(is_quoting)
                .starts_with('=')
    }

    /// Returns whether a key in a command is the name of an option, with dashes before it. A word
    /// such as `c2VjcmV0=` may be a value.
    pub fn is_option(&self, key: NodeId) -> bool {
        let before = Span::new(0, self.node(key).span.start);
        let before = self.source.slice(before).trim_end_matches(is_quoting);
        before.ends_with('-')
    }
}

/// Returns whether a character may be around the name of an option, which a shell removes: `--"key"=`.
fn is_quoting(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\')
}

/// Returns whether a word can be a component type. Newer versions of `ZenML` have types that
/// stackref does not know.
fn is_group(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_classified_by_group_and_action() {
        for (line, kind) in [
            ("metadata-store register x", CommandKind::Component),
            ("--debug orchestrator update x", CommandKind::Component),
            ("secrets-manager register x", CommandKind::Component),
            ("code-repository register x", CommandKind::CodeRepository),
            ("stack update x", CommandKind::Stack),
            ("secret create x", CommandKind::Secret),
            ("secret list", CommandKind::Secret),
            ("secrets-manager secret register x", CommandKind::Secret),
            (
                "service-connector register x",
                CommandKind::ServiceConnector,
            ),
            ("user create x", CommandKind::User),
        ] {
            assert_eq!(command_kind(line.split(' ')), kind, "{line}");
        }
        for line in [
            "login {{zenml_server_url}}",
            "stack set x",
            "stack describe {{a.b}}",
            "orchestrator connect x",
            "orchestrator flavor register x",
            "artifact-store delete x",
            "project register x",
            "tag update x",
            "model register x",
            "integration install x",
            "{{a.b}} register x",
            "",
            "--version",
        ] {
            assert_eq!(command_kind(line.split(' ')), CommandKind::Other, "{line}");
        }
    }
}
