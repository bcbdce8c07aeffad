//! The components in the commands of a script, for example
//! `zenml metadata-store register NAME --flavor=mysql --password=…`.

use super::walker::{WalkContext, Walker};
use super::whole_secret_name::is_literal_name;
use super::{Component, OutlineSpans, Purpose, Role, Stack, truncated_name};
use crate::document::{CommandKind, NodeId};
use crate::sources::declarations::SecretCommand;
use crate::zenml::flavors::{self, Refusal, Version, has_sensitive_name};
use crate::zenml::keywords::FileKind;

/// The facts about a command that its options need.
struct Command<'a> {
    /// The component type.
    kind: &'a str,
    flavor: Option<&'a str>,
    /// Whether the option `--secret` attaches a whole secret to the component.
    attaches_secret: bool,
    /// Whether the flavor may have an attribute `secret`. Before ZenML had the option, `--secret=x`
    /// was its value.
    may_have_secret: bool,
}

impl<'d> Walker<'d> {
    /// Walks the commands of a script. They are the components of one stack, which has the name of
    /// the file. The options of a command are the attributes of its component.
    pub(super) fn walk_script(&mut self) {
        let document = self.document;
        self.model.stacks.push(Stack {
            name: Some(document.source().path().into()),
            version: Version::NEWEST,
            kind: Some(FileKind::Script),
            components: Vec::new(),
            outline: OutlineSpans::default(),
        });
        for &command in document.commands() {
            let words = document.items(command).unwrap_or_default();
            match document.command_kind(command) {
                CommandKind::Component | CommandKind::CodeRepository => self.walk_command(words),
                CommandKind::Stack => self.walk_stack_command(words),
                CommandKind::Secret => self.walk_secret_command(words),
                CommandKind::ServiceConnector | CommandKind::User => {
                    self.walk_unresolved_command(words);
                }
                CommandKind::Other => {}
            }
        }
        self.walk_calls();
    }

    /// Walks `zenml stack register|update`, whose options `--secret` and `--remove-secret` name whole
    /// secrets. The others name components.
    fn walk_stack_command(&mut self, words: &[NodeId]) {
        let Some(context) = self.add_command_component(words) else {
            return;
        };
        for &word in words {
            let option = self
                .document
                .entries(word)
                .and_then(|entries| entries.first());
            if let Some(&(key, value)) = option
                && matches!(self.document.text(key), Some("secret" | "remove-secret"))
            {
                self.walk_secret_name(
                    value,
                    WalkContext {
                        attribute: self.document.text(key),
                        ..context
                    },
                );
            }
        }
    }

    /// Walks `zenml secret …`. Its values are not references, but they may be plain text in a
    /// script. A command that does not create a secret refers to it.
    fn walk_secret_command(&mut self, words: &[NodeId]) {
        let document = self.document;
        let Some(command) = SecretCommand::parse(document, words) else {
            return;
        };
        let Some(context) = self.add_command_component(words) else {
            return;
        };
        if let Some(name) = command.used_secret() {
            let attribute = Some("name");
            self.walk_secret_name(
                name,
                WalkContext {
                    attribute,
                    ..context
                },
            );
        }
        for &(key, value) in &command.options {
            let attribute = document.text(key);
            let is_literal = document.expansions(value).is_empty()
                && document
                    .text(value)
                    .is_some_and(|text| !text.contains("{{") && !text.starts_with('@'));
            if is_literal && attribute.is_some_and(has_sensitive_name) {
                let context = WalkContext {
                    attribute,
                    role: Role::Attribute,
                    is_sensitive: true,
                    purpose: Purpose::StoredValue,
                    ..context
                };
                self.walk_value(value, context);
            }
        }
    }

    /// Walks a command in which `ZenML` resolves no reference.
    fn walk_unresolved_command(&mut self, words: &[NodeId]) {
        let document = self.document;
        let Some(context) = self.add_command_component(words) else {
            return;
        };
        let context = WalkContext {
            role: Role::Attribute,
            refusal: Some(Refusal::Unresolved),
            ..context
        };
        for &word in words {
            match document.entries(word).and_then(|entries| entries.first()) {
                Some(&(key, value)) => {
                    let attribute = document.text(key);
                    self.walk_value(
                        value,
                        WalkContext {
                            attribute,
                            ..context
                        },
                    );
                }
                None => self.walk_value(word, context),
            }
        }
    }

    /// Adds a component for a command, named by its first argument.
    fn add_command_component(&mut self, words: &[NodeId]) -> Option<WalkContext<'d>> {
        let document = self.document;
        let kind = words.iter().find(|&&word| document.is_argument(word));
        let outline = OutlineSpans::of_words(document, words, kind.copied());
        let kind = kind.and_then(|&kind| document.text(kind));
        self.add_component(Component {
            kind: truncated_name(kind.unwrap_or_default()),
            name: None,
            flavor: None,
            outline,
        })
    }

    /// Walks a value that names a whole secret.
    pub(super) fn walk_secret_name(&mut self, value: NodeId, context: WalkContext<'d>) {
        self.record_whole_secret(value);
        if let Some(context) = self.secret_name_context(value, context) {
            self.walk_value(value, context);
        }
    }

    /// Returns the context of a value that names a whole secret. Returns `None` if it is neither a
    /// name nor an expression that yields one.
    fn secret_name_context(
        &self,
        value: NodeId,
        context: WalkContext<'d>,
    ) -> Option<WalkContext<'d>> {
        let document = self.document;
        let text = document.text(value)?;
        // A reference with a variable is listed as a reference.
        let is_expanded = !document.expansions(value).is_empty() && !text.contains("{{");
        if is_expanded || self.is_dynamic_secret(value) {
            let purpose = Purpose::DynamicSecret;
            return Some(WalkContext {
                role: Role::Attribute,
                purpose,
                ..context
            });
        }
        let is_name = is_literal_name(text) && self.is_whole_secret(value);
        is_name.then_some(WalkContext {
            role: Role::WholeSecret,
            ..context
        })
    }

    fn walk_command(&mut self, words: &[NodeId]) {
        let document = self.document;
        let mut options = words
            .iter()
            .filter_map(|&word| document.entries(word)?.first());
        let flavor = options.find(|&&(key, _)| matches!(document.text(key), Some("flavor" | "f")));
        let flavor = flavor.and_then(|&(_, value)| document.text(value));
        // The arguments are the component type, the action and the name.
        let mut arguments = words
            .iter()
            .copied()
            .filter(|&word| document.is_argument(word));
        let kind = arguments
            .next()
            .and_then(|word| document.text(word))
            .unwrap_or_default();
        let action = arguments.next().and_then(|word| document.text(word));
        let name = arguments.next();
        let component = Component {
            kind: truncated_name(kind),
            name: name
                .and_then(|name| document.text(name))
                .map(truncated_name),
            flavor: flavor.map(Into::into),
            outline: OutlineSpans::of_words(document, words, name),
        };
        let Some(context) = self.add_component(component) else {
            return;
        };
        let kind = kind.replace('-', "_");
        let command = Command {
            kind: &kind,
            flavor,
            attaches_secret: matches!(action, Some("register" | "update")),
            may_have_secret: Version::NEWEST.may_be_listed_sensitive(&kind, flavor, "secret"),
        };
        for &word in words {
            if let Some(&option) = document.entries(word).and_then(|entries| entries.first()) {
                self.walk_option(&command, option, context);
            } else if Some(word) == name {
                let attribute = Some("name");
                self.walk_value(
                    word,
                    WalkContext {
                        attribute,
                        role: Role::Attribute,
                        refusal: Some(Refusal::Identity),
                        ..context
                    },
                );
            } else {
                self.walk_value(word, context);
            }
        }
    }

    fn walk_option(
        &mut self,
        command: &Command<'_>,
        (key, value): (NodeId, NodeId),
        context: WalkContext<'d>,
    ) {
        let document = self.document;
        let &Command {
            kind,
            flavor,
            attaches_secret,
            may_have_secret,
        } = command;
        let attribute = document.text(key);
        let name = attribute.unwrap_or_default().replace('-', "_");
        let version = Version::NEWEST;
        // Attributes are always written with `=`.
        let is_option = name == "secret"
            && attaches_secret
            && !(may_have_secret && document.is_attached(key, value));
        let names_whole_secret = is_option || flavors::names_whole_secret(kind, flavor, &name);
        if names_whole_secret || matches!(name.as_str(), "secret" | "remove_secret") {
            self.record_whole_secret(value);
        }
        let secret_name = if names_whole_secret {
            self.secret_name_context(value, context)
        } else {
            None
        };
        let context = secret_name.unwrap_or(context);
        let is_whole_secret = context.role == Role::WholeSecret;
        let context = WalkContext {
            attribute,
            role: if is_whole_secret {
                Role::WholeSecret
            } else {
                Role::Attribute
            },
            refusal: if matches!(name.as_str(), "name" | "flavor") {
                Some(Refusal::Identity)
            } else {
                version.refusal(kind, flavor, &name)
            },
            is_sensitive: !is_whole_secret && version.is_sensitive(kind, flavor, &name),
            ..context
        };
        self.add_key(key, context);
        self.walk_value(value, context);
    }
}
