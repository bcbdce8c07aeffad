//! The commands of a script as components: `zenml metadata-store register NAME --flavor=mysql --password=…`.

use super::{Component, Context, Role, Stack, Walker, kept};
use crate::document::NodeId;
use crate::flavors::{self, Version};
use crate::shape::Shape;

impl<'d> Walker<'d> {
    /// The one stack of a script, which is called like the file. Each command is a component of the type that it names, its
    /// options are the attributes.
    pub(super) fn script(&mut self, root: NodeId) {
        let document = self.document;
        self.layout.stacks.push(Stack {
            name: Some(document.source().path().into()),
            version: Version::NEWEST,
            shape: Some(Shape::Script),
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
        let name = plain.nth(1);
        let component = Component {
            kind: kept(kind),
            name: name.and_then(|name| document.text(name)).map(kept),
            flavor: flavor.map(Into::into),
        };
        let Some(inside) = self.begin(component, Context::OUTSIDE) else { return };
        let kind = kind.replace('-', "_");
        for &word in words {
            if let Some(&(key, value)) = document.entries(word).and_then(|entries| entries.first()) {
                self.option(&kind, flavor, (key, value), inside);
            } else if Some(word) == name {
                let attribute = Some("name");
                self.descend(word, Context { attribute, role: Role::Attribute, refused: true, ..inside });
            } else {
                self.descend(word, inside);
            }
        }
    }

    fn option(&mut self, kind: &str, flavor: Option<&str>, (key, value): (NodeId, NodeId), inside: Context<'d>) {
        let document = self.document;
        let attribute = document.text(key);
        let name = attribute.unwrap_or_default().replace('-', "_");
        let version = Version::NEWEST;
        // Of a name in capitals, or between angle brackets, a document says that something else is to be written there.
        let is_name = document.text(value).is_some_and(|text| {
            text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) && text.chars().any(char::is_lowercase)
        });
        let whole = is_name && flavors::names_whole_secret(kind, flavor, &name) && self.is_secret_name(value);
        let context = Context {
            attribute,
            role: if whole { Role::WholeSecret } else { Role::Attribute },
            refused: matches!(name.as_str(), "name" | "flavor") || version.refuses(kind, flavor, &name),
            sensitive: !whole && version.is_sensitive(kind, flavor, &name),
            ..inside
        };
        self.key(key, context);
        self.descend(value, context);
    }
}
