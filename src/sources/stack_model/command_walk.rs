//! The components in the commands of a script, for example
//! `zenml metadata-store register NAME --flavor=mysql --password=…`.

use super::walker::{WalkContext, Walker};
use super::whole_secret_name::is_literal_name;
use super::{Component, Role, Stack, truncated_name};
use crate::document::NodeId;
use crate::zenml::flavors::{self, Refusal, Version};
use crate::zenml::keywords::FileKind;

/// The facts about a command that its options need.
struct Command<'a> {
    /// The component type.
    kind: &'a str,
    flavor: Option<&'a str>,
    /// Whether the option `--secret` names a whole secret.
    attaches_secret: bool,
}

impl<'d> Walker<'d> {
    /// Walks the commands of a script. They are the components of one stack, which has the name of
    /// the file. The options of a command are the attributes of its component.
    pub(super) fn walk_script(&mut self, root: NodeId) {
        let document = self.document;
        self.model.stacks.push(Stack {
            name: Some(document.source().path().into()),
            version: Version::NEWEST,
            kind: Some(FileKind::Script),
            components: Vec::new(),
        });
        for &command in document.items(root).unwrap_or_default() {
            self.walk_command(document.items(command).unwrap_or_default());
        }
    }

    fn walk_command(&mut self, words: &[NodeId]) {
        let document = self.document;
        let mut options = words
            .iter()
            .filter_map(|&word| document.entries(word)?.first());
        let flavor = options.find(|&&(key, _)| matches!(document.text(key), Some("flavor" | "f")));
        let flavor = flavor.and_then(|&(_, value)| document.text(value));
        // The arguments are the component type, the action and the name.
        let is_argument = |word: &NodeId| {
            document
                .text(*word)
                .is_some_and(|text| !text.starts_with('-'))
        };
        let mut arguments = words.iter().copied().filter(is_argument);
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
        };
        let Some(context) = self.add_component(component) else {
            return;
        };
        let kind = kind.replace('-', "_");
        // `--secret` attaches a whole secret, unless the flavor may have an attribute of that name.
        let attaches_secret = matches!(action, Some("register" | "update"))
            && !Version::NEWEST.may_be_listed_sensitive(&kind, flavor, "secret");
        let command = Command {
            kind: &kind,
            flavor,
            attaches_secret,
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
        } = command;
        let attribute = document.text(key);
        let name = attribute.unwrap_or_default().replace('-', "_");
        let version = Version::NEWEST;
        let names_whole_secret = (name == "secret" && attaches_secret)
            || flavors::names_whole_secret(kind, flavor, &name);
        if names_whole_secret || matches!(name.as_str(), "secret" | "remove_secret") {
            self.record_whole_secret(value);
        }
        let is_whole_secret = names_whole_secret
            && document.text(value).is_some_and(is_literal_name)
            && self.is_whole_secret(value);
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
