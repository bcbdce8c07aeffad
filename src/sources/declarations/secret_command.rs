//! Parses the arguments of `zenml secret …` as ZenML does.
//!
//! Keys of a secret are always written as `--key=value`. Other options are those of the command:
//! `--private` and `--interactive` take no value in `create`.

use crate::document::{Document, NodeId};
use crate::text::source::Span;

/// What a command does with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretAction {
    /// `create`, or `register` of a secrets manager.
    Create,
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
    /// The values of `--values`.
    pub values: Vec<NodeId>,
    /// Whether the keys are typed at a terminal.
    pub is_interactive: bool,
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
            values: Vec::new(),
            is_interactive: false,
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
            SecretAction::Create | SecretAction::Update | SecretAction::List => None,
            SecretAction::Rename | SecretAction::Use => self.name,
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
                Some("-i" | "--interactive") => self.is_interactive = true,
                Some(text) if text.starts_with('-') => {}
                _ => self.add_argument(word),
            },
        }
    }

    fn add_option(&mut self, document: &Document, key: NodeId, value: NodeId) {
        let between = Span::new(document.node(key).span.end, document.node(value).span.start);
        let is_attached = document.source().slice(between).starts_with('=');
        match document.text(key).unwrap_or_default() {
            "values" | "v" => self.values.push(value),
            "new-name" | "n" if self.action == SecretAction::Rename => self.new_name = Some(value),
            "remove-keys" | "r" if self.action == SecretAction::Update => {}
            "private" | "p" if self.action == SecretAction::Update || is_attached => {}
            "interactive" | "i" => {
                self.is_interactive = true;
                self.add_argument(value);
            }
            "private" | "p" => self.add_argument(value),
            _ if is_attached => self.options.push((key, value)),
            // The word was probably meant as a value, so reports must not show it as a name.
            _ => {}
        }
    }

    fn add_argument(&mut self, word: NodeId) {
        self.name.get_or_insert(word);
    }
}

fn action_of(text: &str) -> SecretAction {
    match text {
        "create" | "register" => SecretAction::Create,
        "update" => SecretAction::Update,
        "rename" => SecretAction::Rename,
        "get" | "delete" | "export" => SecretAction::Use,
        _ => SecretAction::List,
    }
}
