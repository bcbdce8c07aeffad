//! The commands of a script as components: `zenml metadata-store register NAME --flavor=mysql --password=…`.

use super::{Component, Role, Stack, WalkContext, Walker, truncated_name};
use crate::document::NodeId;
use crate::zenml::flavors::{self, Version};
use crate::zenml::keywords::FileKind;

impl<'d> Walker<'d> {
    /// The one stack of a script, which is called like the file. Each command is a component of the type that it names, its
    /// options are the attributes.
    pub(super) fn script(&mut self, root: NodeId) {
        let document = self.document;
        self.model.stacks.push(Stack {
            name: Some(document.source().path().into()),
            version: Version::NEWEST,
            kind: Some(FileKind::Script),
            components: Vec::new(),
        });
        for &command in document.items(root).unwrap_or_default() {
            self.command(document.items(command).unwrap_or_default());
        }
    }

    fn command(&mut self, words: &[NodeId]) {
        let document = self.document;
        let options = words.iter().filter_map(|&word| document.entries(word)?.first());
        let flavor = options.clone().find(|&&(key, _)| matches!(document.text(key), Some("flavor" | "f")));
        let flavor = flavor.and_then(|&(_, value)| document.text(value));
        let plain = |word: &&NodeId| document.text(**word).is_some_and(|text| !text.starts_with('-'));
        // The type, what is to be done with it, and its name.
        let mut plain = words.iter().filter(plain).copied();
        let kind = plain.next().and_then(|word| document.text(word)).unwrap_or_default();
        let action = plain.next().and_then(|word| document.text(word));
        let name = plain.next();
        let component = Component {
            kind: truncated_name(kind),
            name: name.and_then(|name| document.text(name)).map(truncated_name),
            flavor: flavor.map(Into::into),
        };
        let Some(inside) = self.begin(component, WalkContext::OUTSIDE) else { return };
        let kind = kind.replace('-', "_");
        // `--secret` attaches a whole secret, unless the flavor may have an attribute of that name.
        let attaches = matches!(action, Some("register" | "update"))
            && !Version::NEWEST.may_be_listed_sensitive(&kind, flavor, "secret");
        for &word in words {
            if let Some(&(key, value)) = document.entries(word).and_then(|entries| entries.first()) {
                self.option((&kind, flavor, attaches), (key, value), inside);
            } else if Some(word) == name {
                let attribute = Some("name");
                self.descend(word, WalkContext { attribute, role: Role::Attribute, is_refused: true, ..inside });
            } else {
                self.descend(word, inside);
            }
        }
    }

    /// Gives an option its place. `attaches` says whether `--secret` names a whole secret in this command.
    fn option(
        &mut self,
        (kind, flavor, attaches): (&str, Option<&str>, bool),
        (key, value): (NodeId, NodeId),
        inside: WalkContext<'d>,
    ) {
        let document = self.document;
        let attribute = document.text(key);
        let name = attribute.unwrap_or_default().replace('-', "_");
        let version = Version::NEWEST;
        let names_whole = (name == "secret" && attaches) || flavors::names_whole_secret(kind, flavor, &name);
        if names_whole || matches!(name.as_str(), "secret" | "remove_secret") {
            self.record_whole_secret(value);
        }
        let is_name = document.text(value).is_some_and(is_written_out);
        let whole = is_name && names_whole && self.is_secret_name(value);
        let context = WalkContext {
            attribute,
            role: if whole { Role::WholeSecret } else { Role::Attribute },
            is_refused: matches!(name.as_str(), "name" | "flavor") || version.refuses_references(kind, flavor, &name),
            is_sensitive: !whole && version.is_sensitive(kind, flavor, &name),
            ..inside
        };
        self.key(key, context);
        self.descend(value, context);
    }
}

/// Returns whether a word of a command is the name itself. A document writes `NAME`, `<NAME>` or `...` if the reader is to write
/// a name there.
fn is_written_out(word: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    word.chars().all(is_of_name)
        && word.chars().any(char::is_lowercase)
        && word.starts_with(char::is_alphanumeric)
        && word.ends_with(char::is_alphanumeric)
}
