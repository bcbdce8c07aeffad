//! Parses the arguments of `zenml secret …` as ZenML does.
//!
//! Keys of a secret are always written as `--key=value`. Other options are those of the command, in
//! one of the versions of ZenML: `--scope` was an option from 0.35 to 0.70, and `--schema` one of
//! `register` before.

use crate::document::{Document, NodeId};

/// What a command does with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretAction {
    /// `create`.
    Create,
    /// `register` of a secrets manager.
    Register,
    /// `update`.
    Update,
    /// `rename`.
    Rename,
    /// `get`, `delete` and `export`, which use an existing secret.
    Use,
    /// `list` and others, which name no secret.
    List,
}

/// A `zenml secret …` command.
#[derive(Debug)]
pub struct SecretCommand {
    /// What it does.
    pub action: SecretAction,
    /// The first argument: the name of the secret.
    pub name: Option<NodeId>,
    /// The new name of `rename`.
    pub new_name: Option<NodeId>,
    /// The keys and values of `--key=value`.
    pub options: Vec<(NodeId, NodeId)>,
    /// The key of `-k KEY`, until its value.
    key_name: Option<NodeId>,
    /// The values of `--values`.
    pub values: Vec<NodeId>,
    /// Whether the secret gets other keys, too: they are typed at a terminal, or a schema has them.
    pub has_other_keys: bool,
}

impl SecretAction {
    /// Returns whether the command creates a secret that does not exist yet.
    pub fn creates(self) -> bool {
        matches!(self, Self::Create | Self::Register)
    }
}

impl SecretCommand {
    /// Parses the words after `zenml`. Returns `None` if they contain no action.
    pub fn parse(document: &Document, words: &[NodeId]) -> Option<Self> {
        let mut arguments = words
            .iter()
            .enumerate()
            .filter(|&(_, &word)| document.is_argument(word));
        let mut action = None;
        for (at, &word) in arguments.by_ref() {
            match document.text(word)? {
                "secret" | "secrets-manager" | "secrets_manager" => {}
                text => {
                    action = Some((at, action_of(text)));
                    break;
                }
            }
        }
        let (at, action) = action?;
        let mut command = Self {
            action,
            name: None,
            new_name: None,
            options: Vec::new(),
            key_name: None,
            values: Vec::new(),
            has_other_keys: false,
        };
        for &word in words.get(at + 1..).unwrap_or_default() {
            command.add_word(document, word);
        }
        Some(command)
    }

    /// Returns the name of the secret that has to exist. Returns `None` for a command that creates or
    /// updates a secret, or that has no name.
    pub fn used_secret(&self) -> Option<NodeId> {
        match self.action {
            SecretAction::Rename | SecretAction::Use => self.name,
            _ => None,
        }
    }

    fn add_word(&mut self, document: &Document, word: NodeId) {
        match document.entries(word).and_then(|entries| entries.first()) {
            Some(&(key, value)) if document.is_option(key) => {
                self.add_option(document, key, value);
            }
            // `ZenML` refuses `key=value` without dashes.
            Some(_) => {}
            None => match document.text(word) {
                Some("-i" | "--interactive") => self.has_other_keys = true,
                Some(text) if text.starts_with('-') => {}
                _ => self.add_argument(word),
            },
        }
    }

    fn add_option(&mut self, document: &Document, key: NodeId, value: NodeId) {
        let is_attached = document.is_attached(key, value);
        let name = document.text(key).unwrap_or_default();
        let text = document.text(value).unwrap_or_default();
        let kind = OptionKind::of(self.action, name, text);
        self.has_other_keys |= matches!(kind, OptionKind::Interactive | OptionKind::Schema);
        match kind {
            OptionKind::Values => self.values.push(value),
            OptionKind::NewName => self.new_name = Some(value),
            OptionKind::Key | OptionKind::KeyName | OptionKind::KeyValue if is_attached => {
                self.options.push((key, value));
            }
            OptionKind::KeyName => self.key_name = Some(value),
            OptionKind::KeyValue => {
                let key = self.key_name.take();
                self.options.extend(key.map(|key| (key, value)));
            }
            OptionKind::Interactive | OptionKind::Flag if !is_attached => self.add_argument(value),
            // The value of a key without `=` was probably meant as one, so reports must not show it
            // as a name.
            _ => {}
        }
    }

    fn add_argument(&mut self, word: NodeId) {
        self.name.get_or_insert(word);
    }
}

/// What an option of a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OptionKind {
    /// Sets the value of a key.
    Key,
    /// Names the key whose value the next option sets: `-k KEY -v VALUE`.
    KeyName,
    /// Sets the value of the key that an option before it names.
    KeyValue,
    /// Sets several values.
    Values,
    /// Lets the user type more keys. Takes no value.
    Interactive,
    /// Names a schema, whose keys the secret may have.
    Schema,
    /// Sets the new name.
    NewName,
    /// Takes no value.
    Flag,
    /// Takes a value that is neither a name nor a key.
    Other,
}

impl OptionKind {
    /// Returns what an option does, given its name without dashes and its value.
    fn of(action: SecretAction, name: &str, value: &str) -> Self {
        use SecretAction::{Create, List, Register, Rename, Update, Use};
        let is_other = match action {
            Create => name == "s" || (name == "scope" && matches!(value, "user" | "workspace")),
            Update => matches!(
                name,
                "private" | "p" | "new-scope" | "s" | "remove-keys" | "r"
            ),
            Use | Rename => matches!(name, "scope" | "s" | "filename" | "f" | "private" | "p"),
            Register | List => false,
        };
        match (action, name) {
            _ if is_other => Self::Other,
            (Create | Register | Update, "interactive" | "i") => Self::Interactive,
            (Create | Update, "values" | "v") => Self::Values,
            (Register, "schema" | "s") => Self::Schema,
            (Register, "k") => Self::KeyName,
            (Register, "v") => Self::KeyValue,
            (Rename, "new-name" | "n") => Self::NewName,
            (Create | Register, "private" | "p") | (Use | Rename | List, _) => Self::Flag,
            (Create | Register | Update, _) => Self::Key,
        }
    }
}

fn action_of(text: &str) -> SecretAction {
    match text {
        "create" => SecretAction::Create,
        "register" => SecretAction::Register,
        "update" => SecretAction::Update,
        "rename" => SecretAction::Rename,
        "get" | "delete" | "export" => SecretAction::Use,
        _ => SecretAction::List,
    }
}
