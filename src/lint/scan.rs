//! The one pass that every verb starts from: paths to stack files, their references, and the findings that need no
//! inventory.
//!
//! What lint sees is what render replaces, because both get it from here: a scalar gives references exactly where no
//! scalar rule of severity error objects to it.

mod redactions;
mod command_words;

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::finding::{Finding, Severity};
use crate::document::directives::{self, Directive, DirectiveKind};
use crate::document::{COMMAND, Document, Syntax, SyntaxError};
use crate::lint::rules::{self, RULES, RuleKind};
use crate::project::discover::{Candidate, MatchReason, Search, Selection, SkippedFiles};
use crate::sources::prefilter::{self, OVERLAP, Prefilter};
use crate::sources::scalar::{self, Reference, ScalarContext};
use crate::sources::stack_model::{self, ScalarPosition, Stack, StackModel};
use crate::system::paths;
use crate::system::write::{self, Inode};
use crate::text::source::{SourceFile, Span, Visibility, is_utf16, replace_invalid_utf8};
use crate::zenml::grammar::{ParsedValue, Resolver, parse_value};
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A stack file, read.
#[derive(Debug)]
pub struct StackFile {
    /// The text.
    pub source: Arc<SourceFile>,
    /// Absolute.
    pub path: PathBuf,
    /// Which file was read, where it was one.
    pub inode: Option<Inode>,
    /// How it is written.
    pub syntax: Syntax,
    /// Whether the text is what the file holds: that of a script may be not UTF-8.
    pub exact: bool,
    /// Why it is a stack file.
    pub reason: MatchReason,
    /// What it holds, where it parses and the verb wants to change it.
    pub document: Option<Document>,
    /// Its stacks, one for each document in it; none where it does not parse.
    pub stacks: Vec<Stack>,
    /// What the resolver replaces, in the order of the file.
    pub references: Vec<Reference>,
    /// What is wrong with it by itself.
    pub findings: Vec<Finding>,
    /// The comments in it that speak to stackref.
    pub directives: Vec<Directive>,
    /// The lines of scalars whose braces a comment makes plain text.
    pub literals: BTreeSet<usize>,
    /// Names that a stack, by its index, uses as the name of a whole secret, also where that use is wrong.
    pub whole_secret_names: BTreeSet<(usize, String)>,
}

impl StackFile {
    /// The references that name a key: what a render replaces. Names of whole secrets stay.
    pub fn replaced(&self) -> impl Iterator<Item = &Reference> {
        self.references.iter().filter(|reference| reference.key.is_some())
    }
}

/// A text file, stack file or not, in which values of secrets stand.
#[derive(Debug)]
pub struct LeakedFile {
    /// The text.
    pub source: Arc<SourceFile>,
    /// Where.
    pub findings: Vec<Finding>,
    /// At how many places more.
    pub omitted: usize,
}

/// A tree, read.
#[derive(Debug, Default)]
pub struct Scan {
    /// The stack files, sorted by path.
    pub files: Vec<StackFile>,
    /// Other files, with the values of secrets that stand in them.
    pub leaked_files: Vec<LeakedFile>,
    /// What was passed over.
    pub skipped: SkippedFiles,
}

impl Scan {
    /// All references, in the order of the files.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.files.iter().flat_map(|file| &file.references)
    }
}

/// How paths are reported, and what of a file is kept.
#[derive(Debug)]
pub struct PathRoots {
    /// The working directory: paths are shown from here.
    pub cwd: PathBuf,
    /// The repository's root: paths in fingerprints are from here.
    pub root: PathBuf,
    /// Whether the files go on holding what they were parsed to.
    pub keep_documents: bool,
    /// Whether `# stackref: literal` is heard.
    pub honor_literal_comments: bool,
}

/// Reads everything a selection holds, on all cores. Removes what runs that were killed left in the folders of it; if
/// that put an edit back, everything is read again.
pub fn run(search: &Search<'_>, selection: &Selection, roots: &PathRoots) -> Scan {
    let scan = read_all(search, selection, roots);
    let parents = scan.files.iter().filter_map(|file| file.path.parent());
    let folders: BTreeSet<&Path> = parents.chain(scan.skipped.staging.iter().map(PathBuf::as_path)).collect();
    let restored = folders.into_iter().filter(|folder| write::recover_in(folder)).count()
        + selection.files.iter().filter(|file| write::recover_beside(file)).count();
    if restored > 0 { read_all(search, selection, roots) } else { scan }
}

fn read_all(search: &Search<'_>, selection: &Selection, roots: &PathRoots) -> Scan {
    let files = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    let passed = search.run(selection, || {
        let mut reader = FileReader::default();
        let (files, failures) = (&files, &failures);
        move |candidate: Candidate| match reader.read(&candidate) {
            Ok(Some((bytes, inode))) => {
                let resolver = search.configs.for_file(&candidate.path).resolver;
                let file = read_stack_file(candidate, bytes, resolver, roots);
                let file = file.map(|file| StackFile { inode: Some(inode), ..file });
                files.lock().unwrap_or_else(PoisonError::into_inner).extend(file);
            }
            Ok(None) => {}
            Err(error) => {
                let shown = paths::relative(&candidate.path, &roots.cwd);
                let failure = Failure::usage(format!("cannot read `{shown}`: {}", io_message(&error)));
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    });
    let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut scan = Scan { files, leaked_files: Vec::new(), skipped: passed };
    scan.files.sort_by(|a, b| (a.source.path(), &a.path, &a.reason).cmp(&(b.source.path(), &b.path, &b.reason)));
    scan.files.dedup_by(|b, a| a.path == b.path);
    let found: HashSet<&Path> = scan.files.iter().map(|file| file.path.as_path()).collect();
    let excluded: HashSet<&Path> = scan.skipped.excluded.iter().map(|(path, _)| path.as_path()).collect();
    let passed_over = |path: &&PathBuf| !found.contains(path.as_path()) && !excluded.contains(path.as_path());
    let skipped = selection.listed_files.iter().filter(passed_over).count();
    scan.skipped.count = skipped;
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(ToString::to_string);
    scan.skipped.failures.extend(failures);
    scan
}

/// Reads one text, as of standard input, under the name of a file.
pub fn run_text(bytes: &[u8], candidate: Candidate, resolver: Resolver, roots: &PathRoots) -> Scan {
    let files = read_stack_file(candidate, bytes, resolver, roots).into_iter().collect();
    Scan { files, ..Scan::default() }
}

/// Bytes that are read at a time of a file that may be none of ours.
const CHUNK_BYTES: usize = 1 << 18;

/// Reads files into one buffer, and no more of a file than it takes to see that it is no stack.
#[derive(Default)]
struct FileReader {
    buffer: Vec<u8>,
    filter: Prefilter,
}

impl FileReader {
    /// The bytes of a candidate and which file they are of, or nothing where they cannot be a stack's. Of those that are none
    /// neither the size nor the position is asked of the system: over a tree that is a good part of the time.
    fn read(&mut self, candidate: &Candidate) -> io::Result<Option<(&[u8], Inode)>> {
        let mut file = File::open(&candidate.path)?;
        if self.buffer.is_empty() {
            // Pages that the system gives with zeros in them, and takes up only when they are written to.
            self.buffer = vec![0; CHUNK_BYTES];
        }
        self.buffer.resize(CHUNK_BYTES, 0);
        let mut len = fill(&mut file, &mut self.buffer, 0)?;
        let known = candidate.reason.is_some();
        if len == self.buffer.len() && !known && !self.contains_shape_words(&mut file)? {
            return Ok(None);
        }
        if len == self.buffer.len() {
            if !known {
                file.seek(SeekFrom::Start(0))?;
                len = 0;
            }
            self.buffer.truncate(len);
            file.read_to_end(&mut self.buffer)?;
            return Ok(Some((&self.buffer, write::inode(&file.metadata()?))));
        }
        let bytes = self.buffer.get(..len).unwrap_or_default();
        let fits = if candidate.syntax == Syntax::Script {
            memchr::memmem::find(bytes, COMMAND.as_bytes()).is_some()
        } else {
            known || self.filter.may_be_stack(bytes)
        };
        if fits { Ok(Some((bytes, write::inode(&file.metadata()?)))) } else { Ok(None) }
    }

    /// Whether a file that is larger than the buffer, which is full of its beginning, may be a stack.
    fn contains_shape_words(&mut self, file: &mut File) -> io::Result<bool> {
        self.filter.begin(&self.buffer);
        let mut len = self.buffer.len();
        loop {
            if self.filter.feed(self.buffer.get(..len).unwrap_or_default()) {
                return Ok(true);
            }
            if len < self.buffer.len() {
                return Ok(false);
            }
            self.buffer.copy_within(len - OVERLAP..len, 0);
            len = fill(file, &mut self.buffer, OVERLAP)?;
        }
    }
}

/// Reads until the buffer is full or the file ends; how far it is full then.
///
/// # Errors
/// Those of the file.
pub(crate) fn fill(file: &mut File, buffer: &mut [u8], mut len: usize) -> io::Result<usize> {
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// What a file holds, if it is a stack file: a candidate without a reason still has to show the shape.
fn read_stack_file(candidate: Candidate, bytes: &[u8], resolver: Resolver, roots: &PathRoots) -> Option<StackFile> {
    let Candidate { path, syntax, reason } = candidate;
    let resolver = if syntax == Syntax::Script { Resolver::Zenml } else { resolver };
    let as_text = (syntax == Syntax::Script).then(|| replace_invalid_utf8(bytes, '?'));
    let exact = as_text.as_ref().is_none_or(|text| text.as_bytes() == bytes);
    let bytes = as_text.as_ref().map_or(bytes, |text| text.as_bytes());
    let known = reason.is_some();
    let (text, not_text) = decode_text(bytes);
    let shown = paths::relative(&path, &roots.cwd);
    let identity = paths::relative(&path, &roots.root);
    let parse = |text: String| {
        let source = Arc::new(SourceFile::new(shown, text).with_repository_path(identity).with_absolute_path(&path));
        let document = match not_text {
            Some(error) => Err(error),
            None => Document::parse(Arc::clone(&source), syntax),
        };
        (source, document)
    };
    let mut stated = None;
    let (source, parsed) = match text {
        Ok(text) => parse(text.to_owned()),
        Err(prefix) => {
            let whole = decode_lossily(bytes);
            stated = prefilter::stated_file_kind(&whole, syntax);
            if !known && stated.is_none() {
                return None;
            }
            parse(prefix.to_owned())
        }
    };
    let document = match parsed {
        Ok(document) => document,
        Err(error) => {
            stated = stated.or_else(|| prefilter::stated_file_kind(text.ok()?, syntax));
            if !known && stated.is_none() {
                return None;
            }
            source.set_visibility(Visibility::Guessed);
            return Some(StackFile {
                findings: syntax_findings(&source, &error),
                source,
                path,
                inode: None,
                syntax,
                exact,
                reason: reason.or(stated.map(MatchReason::Contents))?,
                document: None,
                stacks: Vec::new(),
                references: Vec::new(),
                directives: Vec::new(),
                literals: BTreeSet::new(),
                whole_secret_names: BTreeSet::new(),
            });
        }
    };
    let reason = reason.or_else(|| stack_model::file_kind(&document).map(MatchReason::Contents))?;
    if syntax == Syntax::Script && command_words::is_without_commands(&document) {
        return None;
    }
    let masks = if syntax == Syntax::Script { command_words::masks(&document) } else { redactions::masks(&document) };
    source.set_visibility(Visibility::Masked(redactions::without_references(masks, source.text())));
    let model = stack_model::read_stacks(&document);
    let directives = directives::directives(&document);
    let active_directives = if roots.honor_literal_comments { directives.as_slice() } else { &[] };
    let ScalarResults { mut findings, references, literals } =
        check_scalars(&document, &model, active_directives, resolver);
    findings.extend(comment_findings(&source, &directives));
    for duplicate in document.duplicates() {
        let found = syntax_findings(&source, &duplicate.error).into_iter();
        findings.extend(found.map(|finding| Finding { redact: duplicate.redact, ..finding }));
    }
    if let Some(node) = model.too_many_merges {
        let error = SyntaxError {
            span: document.node(node).span,
            message: "merge keys and aliases multiply to more than a million attributes".into(),
            help: Some("no stack needs that many: is this the right file?".into()),
        };
        findings.extend(syntax_findings(&source, &error));
    }
    let document = roots.keep_documents.then_some(document);
    Some(StackFile {
        source,
        path,
        inode: None,
        syntax,
        exact,
        reason,
        document,
        stacks: model.stacks,
        references,
        findings,
        directives,
        literals,
        whole_secret_names: model.whole_secret_names,
    })
}

/// The text, or what is valid of it up to the first byte that is not UTF-8, and the error there.
fn decode_text(bytes: &[u8]) -> (Result<&str, &str>, Option<SyntaxError>) {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return (Ok(text), None),
        Err(error) => error,
    };
    let valid = error.valid_up_to();
    let prefix = bytes.get(..valid).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default();
    let utf16 = is_utf16(bytes);
    let error = SyntaxError {
        span: Span::new(valid, valid),
        message: if utf16 { "this file is UTF-16" } else { "from here on this file is not UTF-8" }.into(),
        help: Some("save it as UTF-8".into()),
    };
    (Err(prefix), Some(error))
}

/// Only to look for the shape of a stack in.
fn decode_lossily(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] => {
            let narrow: Vec<u8> = rest.iter().copied().filter(|&byte| byte != 0).collect();
            String::from_utf8_lossy(&narrow).into_owned()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// What the rules for documents say of one that does not parse.
fn syntax_findings(source: &Arc<SourceFile>, error: &SyntaxError) -> Vec<Finding> {
    let findings = RULES.iter().filter_map(|rule| match rule.kind {
        RuleKind::Document(check) => Some(check(source, error)),
        _ => None,
    });
    findings.collect()
}

/// What the places of a document come to.
#[derive(Default)]
struct ScalarResults {
    findings: Vec<Finding>,
    references: Vec<Reference>,
    literals: BTreeSet<usize>,
}

/// Runs the scalar rules over every place; of those that fit the first speaks.
fn check_scalars(
    document: &Document,
    model: &StackModel,
    directives: &[Directive],
    resolver: Resolver,
) -> ScalarResults {
    let literal: HashSet<usize> = directives
        .iter()
        .filter(|directive| directive.kind == DirectiveKind::Literal)
        .map(|directive| directive.line)
        .collect();
    let mut places = ScalarResults::default();
    for place in &model.positions {
        let lines = literal_lines(document, place, &literal);
        let is_literal = !lines.is_empty()
            && (place.is_unquoted_reference
                || parse_value(scalar_text(document, place), resolver) != ParsedValue::Plain);
        if is_literal {
            places.literals.extend(lines);
        }
        let site = ScalarContext::new(document, model, place, resolver, is_literal);
        let finding = RULES.iter().find_map(|rule| match rule.kind {
            RuleKind::Scalar(check) => check(&site),
            _ => None,
        });
        // What is wrong with one part of a string that is rendered says nothing of the others.
        let by_parts = resolver == Resolver::Render && !place.is_key && !place.is_unquoted_reference;
        if by_parts || finding.as_ref().is_none_or(|finding| finding.severity < Severity::Error) {
            places.references.extend(site.references());
        }
        places.findings.extend(finding);
    }
    places
}

/// Returns the lines of comments that make the braces of a scalar plain text: that of the scalar, and that of its key.
fn literal_lines(document: &Document, place: &ScalarPosition, literal: &HashSet<usize>) -> Vec<usize> {
    if literal.is_empty() {
        return Vec::new();
    }
    let starts = [scalar::comment_anchor(document, place.node), scalar::key_start(document, place.node)];
    let lines = starts.map(|start| document.source().position(start).line);
    lines.into_iter().filter(|line| literal.contains(line)).collect()
}

fn scalar_text<'d>(document: &'d Document, place: &ScalarPosition) -> &'d str {
    document.text(place.node).unwrap_or_default()
}

/// Ignore comments that name no rule, or one that there is not.
pub fn comment_findings(source: &Arc<SourceFile>, directives: &[Directive]) -> Vec<Finding> {
    let check = RULES.iter().find_map(|rule| match rule.kind {
        RuleKind::Comment(check) => Some(check),
        _ => None,
    });
    let Some(check) = check else { return Vec::new() };
    let mut findings = Vec::new();
    for directive in directives {
        match &directive.kind {
            DirectiveKind::MissingRules => findings.push(check(source, directive.directive_span, None)),
            DirectiveKind::Ignore(names) => {
                let unknown = names.iter().filter(|name| rules::find(name).is_none());
                findings.extend(unknown.map(|name| check(source, directive.directive_span, Some(name))));
            }
            DirectiveKind::Literal => {}
        }
    }
    findings
}
