//! The secrets that commands and calls declare: `zenml secret create`, `update` and `rename`,
//! `create_secret(…)` in Python, and `zenml_secret` in Terraform.
//!
//! A declaration is not a reference: its values are never read, and its names answer references.
//! `sources/stack_model` reads the commands that use a secret.

mod secret_command;

use crate::diagnostics::finding::RelatedSpan;
use crate::document::{CallKind, CallNode, CommandKind, Document, NodeId, ScalarType, Syntax};
use crate::sources::reference::{definition, without_literals, written_in_code};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use secret_command::SecretAction;
pub use secret_command::SecretCommand;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// A secret that a command or a call declares.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The file, with its redactions.
    pub source: Arc<RedactedSource>,
    /// The span of the name.
    pub span: Span,
    /// The name, or the text that yields it, as it is written.
    pub secret: String,
    /// The name as the shell reads it, if it is written in another way: `${NAME}` for the
    /// placeholder `<NAME>`.
    pub expression: Option<String>,
    /// The keys that the command sets, in its order.
    pub keys: Vec<DeclaredKey>,
    /// Whether the declaration sets more keys: they are typed, read from a file, or computed.
    pub is_open: bool,
    /// Whether the secret has no other keys than those of the declaration. That of an update may
    /// have them from before.
    pub is_complete: bool,
    /// Whether the shell computes the name.
    pub is_dynamic: bool,
    /// The literal of a constant that contains the name.
    pub definition: Option<Arc<RelatedSpan>>,
}

/// A key that a command sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredKey {
    /// The name of the key.
    pub name: String,
    /// Its span.
    pub span: Span,
}

impl Declaration {
    /// Returns the bytes of the name without its quotes.
    pub fn name_span(&self) -> Span {
        self.source.inside_quotes(self.span)
    }

    /// Returns whether an equal expression has the same value. A variable of Python may have another
    /// value in each function, and an expression that is not shown may be another one.
    pub fn is_comparable(&self) -> bool {
        let name = self.expression();
        let differs = ["…", "each.", "count.", "self."];
        !self.is_dynamic || (name.contains('$') && !differs.iter().any(|part| name.contains(part)))
    }

    /// Returns the name as the shell reads it, in the form in which equal expressions are equal.
    pub fn expression(&self) -> Cow<'_, str> {
        canonical_expression(self.expression.as_deref().unwrap_or(&self.secret))
    }
}

/// Returns an expression in the form in which equal expressions are equal: `${NAME}` as `$NAME`.
pub fn canonical_expression(text: &str) -> Cow<'_, str> {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match text
        .strip_prefix("${")
        .and_then(|rest| rest.split_once('}'))
    {
        // `${NAME}x` is not `$NAMEx`.
        Some((name, "")) if is_name(name) => format!("${name}").into(),
        _ => text.into(),
    }
}

/// Returns the declarations in code, in its order.
pub fn read_declarations(document: &Document, source: &Arc<RedactedSource>) -> Vec<Declaration> {
    let commands = document
        .commands()
        .iter()
        .filter(|&&command| document.command_kind(command) == CommandKind::Secret)
        .filter_map(|&command| {
            let command = SecretCommand::parse(document, document.items(command)?)?;
            declaration(document, source, &command)
        });
    let calls = document.calls().iter();
    let calls = calls.filter_map(|call| declaration_of_call(document, source, call));
    let mut declarations: Vec<Declaration> = commands.chain(calls).collect();
    declarations.sort_by_key(|declaration| declaration.span);
    declarations
}

/// Returns the declaration of a call. Returns `None` for a call that creates no secret.
fn declaration_of_call(
    document: &Document,
    source: &Arc<RedactedSource>,
    call: &CallNode,
) -> Option<Declaration> {
    if !matches!(call.kind, CallKind::Create | CallKind::Update) {
        return None;
    }
    let name = call.name?;
    let text = document.text(name)?;
    let span = document.node(name).span;
    let is_dynamic = !document.expansions(name).is_empty();
    let written = source.file().unquoted_slice(span).filter(|_| is_dynamic);
    let written = written.and_then(|written| written_in_code(written, text));
    let secret = match written {
        Some(written) => written.into(),
        None if is_dynamic => without_literals(text),
        None => text.into(),
    };
    let mut keys = KeyReader {
        document,
        keys: Vec::new(),
        is_open: call.has_other_values,
    };
    let entries = call.values.and_then(|values| document.entries(values));
    for &(key, _) in entries.unwrap_or_default() {
        keys.add_option(key);
    }
    Some(Declaration {
        source: Arc::clone(source),
        span,
        expression: (*secret != *text).then(|| text.to_owned()),
        secret: secret.into_owned(),
        keys: keys.keys,
        is_open: keys.is_open,
        is_complete: call.kind == CallKind::Create,
        is_dynamic,
        definition: definition(document, name),
    })
}

/// Returns the declaration of a command. Returns `None` for a command that only uses a secret.
fn declaration(
    document: &Document,
    source: &Arc<RedactedSource>,
    command: &SecretCommand,
) -> Option<Declaration> {
    let name = match command.action {
        SecretAction::Create | SecretAction::Register | SecretAction::Update => command.name?,
        SecretAction::Rename => command.new_name?,
        SecretAction::Use | SecretAction::List => return None,
    };
    let mut keys = KeyReader {
        document,
        keys: Vec::new(),
        // A renamed secret has the keys of the old one.
        is_open: command.has_other_keys || command.action == SecretAction::Rename,
    };
    for &(key, _) in &command.options {
        keys.add_option(key);
    }
    for &values in &command.values {
        keys.add_values(values);
    }
    let text = document.text(name)?;
    let is_literal = document.expansions(name).is_empty();
    // A missing quote makes a value part of the name.
    if is_literal && text.contains(|c: char| c.is_whitespace() || c == '=') {
        return None;
    }
    // The script may assign the variables.
    let assigned = if is_literal {
        None
    } else {
        document.shell_assignments().expand(text)
    };
    let is_dynamic = !is_literal && assigned.is_none();
    let expression = assigned.unwrap_or_else(|| text.to_owned());
    let written = is_dynamic
        .then(|| source.unquoted_slice(document.offsets(name).source(0, text.len())))
        .flatten()
        .filter(|written| *written != expression)
        .map(str::to_owned);
    let (secret, expression) = match written {
        Some(written) => (written, Some(expression)),
        None => (expression, None),
    };
    Some(Declaration {
        source: Arc::clone(source),
        span: document.node(name).span,
        is_dynamic,
        definition: None,
        secret,
        expression,
        keys: keys.keys,
        is_open: keys.is_open,
        is_complete: command.action.creates(),
    })
}

/// Collects the keys of a declaration.
struct KeyReader<'d> {
    document: &'d Document,
    keys: Vec<DeclaredKey>,
    is_open: bool,
}

impl KeyReader<'_> {
    /// Adds the key of `--key=value`.
    fn add_option(&mut self, key: NodeId) {
        let name = self.document.text(key).unwrap_or_default();
        if self.document.expansions(key).is_empty() && !name.is_empty() {
            self.keys.push(DeclaredKey {
                name: name.to_owned(),
                span: self.document.node(key).span,
            });
        } else {
            self.is_open = true;
        }
    }

    /// Adds the keys of `--values`: a JSON or YAML mapping. `@FILE` and computed text leave the
    /// keys open.
    fn add_values(&mut self, values: NodeId) {
        let text = self.document.text(values).unwrap_or_default();
        let expansions = self.document.expansions(values);
        // What the shell inserts into the text does not change its structure.
        let text = with_placeholders(text, expansions);
        let parsed = if text.starts_with('@') {
            None
        } else {
            parse_mapping(&text)
        };
        let Some(parsed) = parsed else {
            self.is_open = true;
            return;
        };
        let offsets = self.document.offsets(values);
        let root = parsed.roots().first().copied();
        let entries = root
            .and_then(|root| parsed.entries(root))
            .unwrap_or_default();
        for &(key, value) in entries {
            let span = parsed.node(key).span;
            // `{hunter2}` is a mapping in YAML, but was probably meant as a value.
            let has_value = !parsed.node(value).span.is_empty();
            match parsed.text(key) {
                Some(name)
                    if has_value && is_string(&parsed, key) && !overlaps(expansions, span) =>
                {
                    self.keys.push(DeclaredKey {
                        name: name.to_owned(),
                        span: offsets.source(span.start, span.end),
                    });
                }
                _ => self.is_open = true,
            }
        }
    }
}

/// Returns a text with placeholders of the same length in place of some ranges.
fn with_placeholders<'t>(text: &'t str, ranges: &[Range<usize>]) -> Cow<'t, str> {
    if ranges.is_empty() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.extend(std::iter::repeat_n('_', range.len()));
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out.into()
}

fn overlaps(ranges: &[Range<usize>], span: Span) -> bool {
    let first = ranges.partition_point(|range| range.end <= span.start);
    ranges
        .get(first)
        .is_some_and(|range| range.start < span.end)
}

/// Parses a JSON or YAML mapping. Returns `None` for other texts.
fn parse_mapping(text: &str) -> Option<Document> {
    let source = Arc::new(SourceFile::new("values", text));
    let document = Document::parse(source, Syntax::Yaml).ok()?;
    let root = *document.roots().first()?;
    document.entries(root).is_some().then_some(document)
}

fn is_string(document: &Document, key: NodeId) -> bool {
    document
        .scalar(key)
        .is_some_and(|scalar| scalar.ty == ScalarType::String)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::ScriptHost;
    use crate::text::redacted_source::Visibility;

    fn read(text: &str) -> Vec<Declaration> {
        let file = Arc::new(SourceFile::new("setup.sh", text));
        let document =
            Document::parse(Arc::clone(&file), Syntax::Script(ScriptHost::Shell)).unwrap();
        let source = RedactedSource::new(file, Visibility::SpanOnly);
        read_declarations(&document, &source)
    }

    fn describe(text: &str) -> Vec<String> {
        read(text)
            .iter()
            .map(|declared| {
                let keys: Vec<&str> = declared.keys.iter().map(|key| &*key.name).collect();
                let open = if declared.is_open { " open" } else { "" };
                let dynamic = if declared.is_dynamic { " dynamic" } else { "" };
                format!("{}: {}{open}{dynamic}", declared.secret, keys.join(" "))
            })
            .collect()
    }

    #[test]
    fn create_declares_the_name_and_the_keys() {
        for (command, expected) in [
            (
                "zenml secret create db --user=u --password=$P",
                "db: user password",
            ),
            (
                "zenml secret create --user=u db --password=p",
                "db: user password",
            ),
            ("zenml secret create --private --user=u db", "db: user"),
            (
                r#"zenml secret create db "--a"=b --"c"=d \-\-e\="f" --"g=h""#,
                "db: a c e g",
            ),
            ("zenml secret create -p db --user=u", "db: user"),
            ("zenml secret create db -i", "db:  open"),
            ("zenml secret create -i db", "db:  open"),
            (
                "zenml secret create db --interactive --user=u",
                "db: user open",
            ),
            (
                r#"zenml secret create db --values='{"user": "u", "password": 1}'"#,
                "db: user password",
            ),
            (r#"zenml secret create db -v '{"user": "u"}'"#, "db: user"),
            (
                "zenml secret create db --values 'user: u\npassword: p'",
                "db: user password",
            ),
            ("zenml secret create db --values=@values.json", "db:  open"),
            (r#"zenml secret create db --values="$VALUES""#, "db:  open"),
            (
                r#"zenml secret create db -v '{"user": "'$U'", "password": "x"}'"#,
                "db: user password",
            ),
            (
                r#"zenml secret create db -v "{'user': $U, '$P': 'x'}""#,
                "db: user open",
            ),
            ("zenml secret create $NAME --user=u", "$NAME: user dynamic"),
            ("N=db; zenml secret create ${N}_x --user=u", "db_x: user"),
            (
                "N=a; N=b; zenml secret create $N --user=u",
                "$N: user dynamic",
            ),
            (
                "zenml secret create ${ENV}_db --user=u",
                "${ENV}_db: user dynamic",
            ),
            ("zenml secret create db --$KEY=u --user=u", "db: user open"),
            ("zenml secret create db", "db: "),
            ("zenml secret create db c2VjcmV0PQ==", "db: "),
            ("zenml secret create --password hunter2 db", "db: "),
            ("zenml secret create db --values '{hunter2}'", "db:  open"),
            ("zenml secret create db --values '? hunter2'", "db:  open"),
        ] {
            assert_eq!(describe(command), [expected], "{command}");
        }
    }

    #[test]
    fn options_of_a_version_are_not_keys() {
        for (command, expected) in [
            ("zenml secret create --scope user db --k=v", "db: k"),
            ("zenml secret create --scope=user db --k=v", "db: k"),
            ("zenml secret create db --scope=admin", "db: scope"),
            ("zenml secret create -s workspace db --k=v", "db: k"),
            ("zenml secret create db --schema=public", "db: schema"),
            ("zenml secret register -s aws db --k=v", "db: k open"),
            ("zenml secret register db --schema=aws", "db:  open"),
            ("zenml secret register db -i -s aws", "db:  open"),
            ("zenml secret register db -k user -v hunter2", "db: user"),
            ("zenml secret register -v hunter2 db", "db: "),
            ("zenml secret update -s user db --k=v", "db: k"),
            ("zenml secret update --interactive db", "db:  open"),
        ] {
            assert_eq!(describe(command), [expected], "{command}");
        }
    }

    #[test]
    fn rename_leaves_the_keys_open() {
        for (command, expected) in [
            ("zenml secret update db --user=u", "db: user"),
            (
                "zenml secret update db --private false --user=u",
                "db: user",
            ),
            ("zenml secret update db -r old --user=u", "db: user"),
            ("zenml secret rename old --new-name new", "new:  open"),
            ("zenml secret rename old -n new", "new:  open"),
            ("zenml secret rename -n new old", "new:  open"),
            (
                "zenml secrets-manager secret register db --user=u",
                "db: user",
            ),
        ] {
            assert_eq!(describe(command), [expected], "{command}");
        }
        for other in [
            "zenml secret get db",
            "zenml secret export -f db.yaml db",
            "zenml secret delete db",
            "zenml secret list",
            "zenml secret create",
            "zenml stack register s",
        ] {
            assert_eq!(describe(other), [] as [&str; 0], "{other}");
        }
    }

    #[test]
    fn spans_are_those_of_the_names() {
        let text = r#"zenml secret create db --values='{"user": "u"}' --password=p"#;
        let declared = &read(text)[0];
        let slice = |span: Span| &text[span.start..span.end];
        assert_eq!(slice(declared.span), "db");
        let keys: Vec<&str> = declared.keys.iter().map(|key| slice(key.span)).collect();
        assert_eq!(keys, ["password", "\"user\""]);
    }
}
