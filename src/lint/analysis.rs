//! The analysis of one file: its contents, and the findings that need no inventory.
//!
//! [`analyze`] computes every fact about a file exactly once. It reads no other files, except those
//! that Python code imports and the other files of a Terraform module. Commands, `--fix` and an
//! editor's buffer start from the same [`Analysis`], so `check` and `render` agree on the
//! references: a scalar yields references unless a scalar rule of severity error reports it.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::document::directives::{Directive, DirectiveKind};
use crate::document::{Document, ShellAssignments, Syntax, SyntaxError};
use crate::lint::load_checks::check_loading;
use crate::lint::rules::{self, InvalidIgnore, Subject};
use crate::lint::scan::PathRoots;
use crate::project::discover::{Candidate, MatchReason};
use crate::sources::declarations::{Declaration, canonical_expression, read_declarations};
use crate::sources::reference::Reference;
use crate::sources::scalar::{self, FileContext, ScalarContext};
use crate::sources::stack_model::{self, RootMapping, ScalarPosition, Stack, StackModel};
use crate::sources::{self, SourceModel, secret_uses, unparsed_kind};
use crate::system::paths;
use crate::system::write::Inode;
use crate::text::encoding::{
    DecodeError, decode, decode_for_search, is_utf16, replace_invalid_utf8,
};
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{SourceFile, Span};
use crate::text::source_kind::SourceKind;
use crate::zenml::grammar::{ParsedValue, Resolver};
use crate::zenml::keywords::FileKind;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A stack file, run config, component spec or script, analyzed.
#[derive(Debug)]
pub struct Analysis {
    /// The text, with the parts of it that may be shown.
    pub source: Arc<RedactedSource>,
    /// The absolute path.
    pub path: PathBuf,
    /// The inventory on whose server the component is registered; `None` for a file.
    pub server: Option<usize>,
    /// The identity of the file that was read; `None` for a buffer.
    pub inode: Option<Inode>,
    /// The syntax.
    pub syntax: Syntax,
    /// Whether the text equals the file's bytes. In a script, bytes that are not UTF-8 are
    /// replaced.
    pub exact: bool,
    /// The reason why the file is checked.
    pub reason: MatchReason,
    /// The parsed document, if the command changes files and the text parses.
    pub document: Option<Document>,
    /// The stacks, one for each document of the file; empty if it does not parse.
    pub stacks: Vec<Stack>,
    /// The references that the resolver replaces, in the order of the file.
    pub references: Vec<Reference>,
    /// The references of which a part is known only at run time, in the order of the file.
    pub dynamic_references: Vec<Reference>,
    /// The secrets that commands declare, in the order of the file.
    pub declarations: Vec<Declaration>,
    /// The paths of run configs that code passes to a pipeline.
    pub run_config_paths: Vec<String>,
    /// Whether the file may contain references that were not read, because its code is too long or
    /// too deep.
    pub is_incomplete: bool,
    /// The findings that need nothing but the file.
    pub findings: Vec<FindingBuilder>,
    /// The comments that address stackref.
    pub directives: Vec<Directive>,
    /// The lines of scalars whose braces a `literal` comment makes plain text.
    pub literals: BTreeSet<usize>,
    /// The names that a stack, by its index, uses for whole secrets, even if that use is wrong.
    pub whole_secret_names: BTreeSet<(usize, String)>,
}

impl Analysis {
    /// Creates the analysis of a file without stacks, references and findings.
    fn without_contents(
        candidate: Candidate,
        source: Arc<RedactedSource>,
        reason: MatchReason,
    ) -> Self {
        Self {
            source,
            path: candidate.path,
            server: None,
            inode: None,
            syntax: candidate.syntax,
            exact: true,
            reason,
            document: None,
            stacks: Vec::new(),
            references: Vec::new(),
            dynamic_references: Vec::new(),
            declarations: Vec::new(),
            run_config_paths: Vec::new(),
            is_incomplete: false,
            findings: Vec::new(),
            directives: Vec::new(),
            literals: BTreeSet::new(),
            whole_secret_names: BTreeSet::new(),
        }
    }

    /// Returns the references that `render` replaces: those with a key. Names of whole secrets
    /// stay.
    pub fn replaced_references(&self) -> impl Iterator<Item = &Reference> {
        self.references
            .iter()
            .filter(|reference| reference.key().is_some())
    }
}

/// Analyzes the contents of a candidate.
///
/// Returns `None` if it is not a stackref file: a candidate without a reason has to show by its
/// contents that it is one.
pub fn analyze(
    candidate: Candidate,
    bytes: Cow<'_, [u8]>,
    resolver: Resolver,
    roots: &PathRoots,
) -> Option<Analysis> {
    let syntax = candidate.syntax;
    let is_script = syntax.is_script();
    let (bytes, exact) = if is_script {
        replace_invalid(bytes)
    } else {
        (bytes, true)
    };
    // A file that cannot be parsed is reported only if it was named or states its kind.
    let mut error_reason = candidate.certain_reason().cloned();
    let (text, encoding_error) = match decode(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            if error_reason.is_none() {
                error_reason = Some(stated_reason(&candidate, &decode_for_search(&error.bytes))?);
            }
            (error.valid_text().to_owned(), Some(not_utf8(&error)))
        }
    };
    let source = SourceFile::new(paths::relative(&candidate.path, &roots.cwd), text)
        .with_repository_path(paths::relative(&candidate.path, &roots.root))
        .with_absolute_path(&candidate.path)
        .with_kind(source_kind(&candidate));
    let source = match &roots.repository {
        Some(repository) if is_script => source.with_repository(Arc::clone(repository)),
        _ => source,
    };
    let source = Arc::new(source);
    let parsed = match encoding_error {
        Some(error) => Err(error),
        None => Document::parse(Arc::clone(&source), syntax),
    };
    let resolver = if is_script { Resolver::Zenml } else { resolver };
    let analysis = match parsed {
        Ok(document) => analyze_document(candidate, source, document, resolver, roots)?,
        Err(error) => {
            let reason = error_reason.or_else(|| stated_reason(&candidate, source.text()))?;
            let source = RedactedSource::new(source, Visibility::Guessed);
            let findings = rules::check(Subject::Document(&source, &error));
            Analysis {
                findings: findings.into_iter().collect(),
                ..Analysis::without_contents(candidate, source, reason)
            }
        }
    };
    Some(Analysis { exact, ..analysis })
}

/// Analyzes the text of a component that is registered on the server of an inventory. `path` is the
/// absolute path for the globs of configs.
///
/// Returns `None` if the text cannot be read, because it is too deep.
pub(super) fn analyze_registered(
    source: SourceFile,
    path: PathBuf,
    server: usize,
    roots: &PathRoots,
) -> Option<Analysis> {
    let candidate = Candidate {
        path,
        syntax: Syntax::Json,
        reason: Some(MatchReason::Registered),
    };
    let source = Arc::new(source.of_registered_component());
    let document = Document::parse(Arc::clone(&source), candidate.syntax).ok()?;
    let analysis = analyze_document(candidate, source, document, Resolver::Zenml, roots)?;
    Some(Analysis {
        server: Some(server),
        ..analysis
    })
}

/// Returns the kind of file that a candidate is read as.
fn source_kind(candidate: &Candidate) -> SourceKind {
    match candidate.syntax {
        Syntax::Script(host) => host.source(),
        Syntax::Yaml | Syntax::Toml | Syntax::Json => SourceKind::Stacks,
    }
}

/// Analyzes a parsed document. Returns `None` if it is not a stackref file.
fn analyze_document(
    candidate: Candidate,
    source: Arc<SourceFile>,
    document: Document,
    resolver: Resolver,
    roots: &PathRoots,
) -> Option<Analysis> {
    let mut mappings = RootMapping::all(&document);
    if let Some(MatchReason::PassedConfig(_)) = candidate.reason {
        for mapping in &mut mappings {
            mapping.stated_kind = Some(FileKind::RunConfig);
        }
    }
    let reason = match_reason(&candidate, &mappings)?;
    let SourceModel { stacks, directives } = sources::read(&document, &mappings)?;
    drop(mappings);
    let masks = sources::deferred_masks(document.syntax());
    let visibility = Visibility::Masked(masks);
    let mut source = RedactedSource::with_cells(source, visibility, document.cells().clone());
    if source.is_registered() {
        source = source.with_values(vec![Span::new(0, source.text().len())]);
    }
    let declarations = read_declarations(&document, &source);
    let file = FileContext {
        source: &source,
        document: &document,
        stacks: &stacks,
        resolver,
    };
    let active_directives = if roots.honor_literal_comments {
        directives.as_slice()
    } else {
        &[]
    };
    let mut results = check_scalars(file, active_directives);
    results.add_secret_uses(&document, &source);
    results.match_declarations(&declarations, document.shell_assignments());
    results
        .findings
        .extend(check_directives(&source, &directives));
    if resolver == Resolver::Zenml && !source.is_registered() {
        let load_errors = check_loading(&source, &document, &results.findings);
        results.findings.extend(load_errors);
    }
    results
        .findings
        .extend(check_document(&source, &document, &stacks));
    if !results.findings.is_empty() {
        source.set_masks(|| sources::masks(&document));
    }
    Some(Analysis {
        run_config_paths: secret_uses::run_config_paths(&document),
        is_incomplete: document.is_incomplete(),
        document: roots.keep_documents.then_some(document),
        stacks: stacks.stacks,
        references: results.references,
        dynamic_references: results.dynamic_references,
        declarations,
        findings: results.findings,
        directives,
        literals: results.literals,
        whole_secret_names: stacks.whole_secret_names,
        ..Analysis::without_contents(candidate, source, reason)
    })
}

/// Returns the reason why a parsed file is checked. Returns `None` if it is not a stackref file.
fn match_reason(candidate: &Candidate, mappings: &[RootMapping<'_>]) -> Option<MatchReason> {
    Some(match (candidate.reason.clone(), candidate.syntax) {
        (None, Syntax::Script(host)) => MatchReason::Script(host),
        (Some(MatchReason::FileName), _) if stack_model::is_named_stack(mappings) => {
            MatchReason::FileName
        }
        (Some(MatchReason::FileName) | None, _) => {
            MatchReason::Contents(stack_model::file_kind(mappings)?)
        }
        (Some(reason), _) => reason,
    })
}

/// Replaces the bytes that are not UTF-8, and returns whether there are none.
fn replace_invalid(bytes: Cow<'_, [u8]>) -> (Cow<'_, [u8]>, bool) {
    if std::str::from_utf8(&bytes).is_ok() {
        return (bytes, true);
    }
    let text = replace_invalid_utf8(&bytes, '?');
    (Cow::Owned(text.into_bytes()), false)
}

/// Returns the reason to report a file that cannot be parsed: its text states what kind of file it
/// is.
fn stated_reason(candidate: &Candidate, text: &str) -> Option<MatchReason> {
    let syntax = candidate.syntax;
    if candidate.reason == Some(MatchReason::FileName)
        && unparsed_kind::looks_like_named_stack(text, syntax)
    {
        return Some(MatchReason::FileName);
    }
    unparsed_kind::kind_of_unparsed(text, syntax).map(MatchReason::Contents)
}

fn not_utf8(error: &DecodeError<'_>) -> SyntaxError {
    SyntaxError {
        span: Span::new(error.valid_len, error.valid_len),
        message: if is_utf16(&error.bytes) {
            "this file is UTF-16"
        } else {
            "from here on this file is not UTF-8"
        }
        .into(),
        help: Some("save it as UTF-8".into()),
    }
}

/// Checks a document as a whole: duplicate keys, and merge keys that multiply without end.
fn check_document(
    source: &Arc<RedactedSource>,
    document: &Document,
    stacks: &StackModel,
) -> Vec<FindingBuilder> {
    if !document.duplicates().is_empty() {
        // The rule reads the masks.
        source.set_masks(|| sources::masks(document));
    }
    let duplicates = document.duplicates().iter().filter_map(|duplicate| {
        let finding = rules::check(Subject::Document(source, &duplicate.error))?;
        Some(finding.redact(duplicate.redact))
    });
    let mut findings: Vec<FindingBuilder> = duplicates.collect();
    if let Some(node) = stacks.too_many_merges {
        let error = SyntaxError {
            span: document.node(node).span,
            message: "merge keys and aliases multiply to more than a million attributes".into(),
            help: Some("no stack needs that many: is this the right file?".into()),
        };
        findings.extend(rules::check(Subject::Document(source, &error)));
    }
    findings
}

/// The findings and references of a file's scalars.
#[derive(Default)]
struct ScalarResults {
    findings: Vec<FindingBuilder>,
    references: Vec<Reference>,
    dynamic_references: Vec<Reference>,
    literals: BTreeSet<usize>,
}

impl ScalarResults {
    /// Adds the references of calls that get a secret.
    fn add_secret_uses(&mut self, document: &Document, source: &Arc<RedactedSource>) {
        let (dynamic, fixed): (Vec<_>, Vec<_>) = secret_uses::references(document, source)
            .into_iter()
            .partition(|reference| reference.is_dynamic);
        let findings = dynamic.iter().map(rules::check_dynamic_use);
        self.findings.extend(findings);
        self.references.extend(fixed);
        self.dynamic_references.extend(dynamic);
        if !document.calls().is_empty() {
            let start = |reference: &Reference| reference.span.start;
            self.references.sort_by_key(start);
            self.dynamic_references.sort_by_key(start);
        }
    }

    /// Moves the dynamic references whose secret a command of the same file declares with the same
    /// expression to the references that are checked. The expression must have one value.
    fn match_declarations(&mut self, declarations: &[Declaration], variables: &ShellAssignments) {
        let declared: HashSet<Cow<'_, str>> = declarations
            .iter()
            .filter(|declaration| declaration.is_dynamic && declaration.is_comparable())
            .map(Declaration::expression)
            .filter(|expression| !variables.has_reassigned(expression))
            .collect();
        if declared.is_empty() {
            return;
        }
        let is_declared = |reference: &mut Reference| {
            let names = reference.expression();
            declared.contains(&canonical_expression(names.secret()))
                && names.key().is_none_or(|key| !key.contains(['$', '`']))
        };
        let matched = self.dynamic_references.extract_if(.., is_declared);
        self.references.extend(matched);
        self.references
            .sort_by_key(|reference| reference.span.start);
    }
}

/// Runs the scalar rules on every scalar.
fn check_scalars(file: FileContext<'_>, directives: &[Directive]) -> ScalarResults {
    let literal_comments = directives
        .iter()
        .filter(|directive| directive.kind == DirectiveKind::Literal);
    let literal_lines: HashSet<usize> = literal_comments.map(|directive| directive.line).collect();
    let mut results = ScalarResults {
        references: Vec::with_capacity(file.stacks.positions.len()),
        ..ScalarResults::default()
    };
    for position in &file.stacks.positions {
        let mut context = ScalarContext::new(file, position);
        let lines = commented_lines(file.document, position, &literal_lines);
        if !lines.is_empty()
            && (position.is_unquoted_reference || context.value != ParsedValue::Plain)
        {
            context.value = ParsedValue::Plain;
            results.literals.extend(lines);
        }
        let finding = rules::check(Subject::Scalar(&context));
        // With resolver `render`, a string may contain several references: a mistake in one does
        // not affect the others.
        let is_template = file.resolver == Resolver::Render
            && !position.is_key
            && !position.is_unquoted_reference;
        if is_template || finding.as_ref().is_none_or(|finding| !is_error(finding)) {
            results.references.extend(context.references());
            for reference in context.variable_references() {
                if reference.is_dynamic {
                    results.dynamic_references.push(reference);
                } else {
                    results.references.push(reference);
                }
            }
        }
        results.findings.extend(finding);
    }
    results
}

fn is_error(finding: &FindingBuilder) -> bool {
    rules::get(finding.rule()).severity == Severity::Error
}

/// Returns those of the lines on which a `literal` comment applies to a scalar: the scalar's and
/// its key's.
fn commented_lines(
    document: &Document,
    position: &ScalarPosition,
    literal_lines: &HashSet<usize>,
) -> Vec<usize> {
    if literal_lines.is_empty() {
        return Vec::new();
    }
    let starts = [
        scalar::comment_anchor(document, position.node),
        scalar::key_start(document, position.node),
    ];
    let lines = starts.map(|start| document.source().position(start).line);
    lines
        .into_iter()
        .filter(|line| literal_lines.contains(line))
        .collect()
}

/// Returns the findings about ignore comments that name no rule, or an unknown one.
pub(super) fn check_directives(
    source: &Arc<RedactedSource>,
    directives: &[Directive],
) -> Vec<FindingBuilder> {
    let mut findings = Vec::new();
    for directive in directives {
        let span = directive.directive_span;
        let check = |unknown_rule| {
            rules::check(Subject::Comment(&InvalidIgnore {
                source,
                span,
                unknown_rule,
            }))
        };
        match &directive.kind {
            DirectiveKind::MissingRules => findings.extend(check(None)),
            DirectiveKind::Ignore(names) => {
                let unknown = names.iter().filter(|name| rules::find(name).is_none());
                findings.extend(unknown.filter_map(|name| check(Some(name))));
            }
            DirectiveKind::Literal => {}
        }
    }
    findings
}
