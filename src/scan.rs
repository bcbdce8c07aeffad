//! The one pass that every verb starts from: paths to stack files, their references, and the findings that need no
//! inventory.
//!
//! What lint sees is what render replaces, because both get it from here: a scalar gives references exactly where no
//! scalar rule of severity error objects to it.

mod masks;
mod script;

use crate::discover::{Candidate, Passed, Search, Selection, Why};
use crate::document::{COMMAND, Document, Syntax, SyntaxError};
use crate::error::{Failure, plain_io};
use crate::finding::{Finding, Severity};
use crate::ignore::{self, Directive, Says};
use crate::paths;
use crate::prefilter::{self, OVERLAP, Prefilter};
use crate::reference::{Reading, Resolver, read};
use crate::rules::{self, Check, RULES};
use crate::site::{self, Reference, Site};
use crate::source::{SourceFile, Span, Visibility, is_utf16, text_with};
use crate::stack::{self, Layout, Place, Stack};
use crate::write::{self, Inode};
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
    pub why: Why,
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
    pub whole_names: BTreeSet<(usize, String)>,
}

impl StackFile {
    /// The references that name a key: what a render replaces. Names of whole secrets stay.
    pub fn replaced(&self) -> impl Iterator<Item = &Reference> {
        self.references.iter().filter(|reference| reference.key.is_some())
    }
}

/// A text file, stack file or not, in which values of secrets stand.
#[derive(Debug)]
pub struct Leaked {
    /// The text.
    pub source: Arc<SourceFile>,
    /// Where.
    pub findings: Vec<Finding>,
    /// At how many places more.
    pub untold: usize,
}

/// A tree, read.
#[derive(Debug, Default)]
pub struct Scan {
    /// The stack files, sorted by path.
    pub files: Vec<StackFile>,
    /// Other files, with the values of secrets that stand in them.
    pub leaked: Vec<Leaked>,
    /// What was passed over.
    pub passed: Passed,
}

impl Scan {
    /// All references, in the order of the files.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.files.iter().flat_map(|file| &file.references)
    }
}

/// How paths are reported, and what of a file is kept.
#[derive(Debug)]
pub struct Bases {
    /// The working directory: paths are shown from here.
    pub cwd: PathBuf,
    /// The repository's root: paths in fingerprints are from here.
    pub root: PathBuf,
    /// Whether the files go on holding what they were parsed to.
    pub keep_documents: bool,
    /// Whether `# stackref: literal` is heard.
    pub heed_literals: bool,
}

/// Reads everything a selection holds, on all cores. Removes what runs that were killed left in the folders of it; if
/// that put an edit back, everything is read again.
pub fn run(search: &Search<'_>, selection: &Selection, bases: &Bases) -> Scan {
    let scan = read_all(search, selection, bases);
    let parents = scan.files.iter().filter_map(|file| file.path.parent());
    let folders: BTreeSet<&Path> = parents.chain(scan.passed.staging.iter().map(PathBuf::as_path)).collect();
    let restored = folders.into_iter().filter(|folder| write::recover_in(folder)).count()
        + selection.named.iter().filter(|file| write::recover_beside(file)).count();
    if restored > 0 { read_all(search, selection, bases) } else { scan }
}

fn read_all(search: &Search<'_>, selection: &Selection, bases: &Bases) -> Scan {
    let files = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    let passed = search.run(selection, || {
        let mut reader = Reader::default();
        let (files, failures) = (&files, &failures);
        move |candidate: Candidate| match reader.read(&candidate) {
            Ok(Some((bytes, inode))) => {
                let resolver = search.configs.of(&candidate.path).resolver;
                let file = read_stack_file(candidate, bytes, resolver, bases);
                let file = file.map(|file| StackFile { inode: Some(inode), ..file });
                files.lock().unwrap_or_else(PoisonError::into_inner).extend(file);
            }
            Ok(None) => {}
            Err(error) => {
                let shown = paths::relative(&candidate.path, &bases.cwd);
                let failure = Failure::usage(format!("cannot read `{shown}`: {}", plain_io(&error)));
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
            }
        }
    });
    let files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut scan = Scan { files, leaked: Vec::new(), passed };
    scan.files.sort_by(|a, b| (a.source.path(), &a.path, &a.why).cmp(&(b.source.path(), &b.path, &b.why)));
    scan.files.dedup_by(|b, a| a.path == b.path);
    let found: HashSet<&Path> = scan.files.iter().map(|file| file.path.as_path()).collect();
    let excluded: HashSet<&Path> = scan.passed.excluded.iter().map(|(path, _)| path.as_path()).collect();
    let passed_over = |path: &&PathBuf| !found.contains(path.as_path()) && !excluded.contains(path.as_path());
    let skipped = selection.listed.iter().filter(passed_over).count();
    scan.passed.skipped = skipped;
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(ToString::to_string);
    scan.passed.failures.extend(failures);
    scan
}

/// Reads one text, as of standard input, under the name of a file.
pub fn run_text(bytes: &[u8], candidate: Candidate, resolver: Resolver, bases: &Bases) -> Scan {
    let files = read_stack_file(candidate, bytes, resolver, bases).into_iter().collect();
    Scan { files, ..Scan::default() }
}

/// Bytes that are read at a time of a file that may be none of ours.
const PIECE: usize = 1 << 18;

/// Reads files into one buffer, and no more of a file than it takes to see that it is no stack.
#[derive(Default)]
struct Reader {
    buffer: Vec<u8>,
    filter: Prefilter,
}

impl Reader {
    /// The bytes of a candidate and which file they are of, or nothing where they cannot be a stack's. Of those that are none
    /// neither the size nor the position is asked of the system: over a tree that is a good part of the time.
    fn read(&mut self, candidate: &Candidate) -> io::Result<Option<(&[u8], Inode)>> {
        let mut file = File::open(&candidate.path)?;
        if self.buffer.is_empty() {
            // Pages that the system gives with zeros in them, and takes up only when they are written to.
            self.buffer = vec![0; PIECE];
        }
        self.buffer.resize(PIECE, 0);
        let mut len = fill(&mut file, &mut self.buffer, 0)?;
        let known = candidate.why.is_some();
        if len == self.buffer.len() && !known && !self.holds_words(&mut file)? {
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
    fn holds_words(&mut self, file: &mut File) -> io::Result<bool> {
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
fn read_stack_file(candidate: Candidate, bytes: &[u8], resolver: Resolver, bases: &Bases) -> Option<StackFile> {
    let Candidate { path, syntax, why } = candidate;
    let resolver = if syntax == Syntax::Script { Resolver::Zenml } else { resolver };
    let as_text = (syntax == Syntax::Script).then(|| text_with(bytes, '?'));
    let exact = as_text.as_ref().is_none_or(|text| text.as_bytes() == bytes);
    let bytes = as_text.as_ref().map_or(bytes, |text| text.as_bytes());
    let known = why.is_some();
    let (text, not_text) = text_of(bytes);
    let shown = paths::relative(&path, &bases.cwd);
    let identity = paths::relative(&path, &bases.root);
    let parse = |text: String| {
        let source = Arc::new(SourceFile::new(shown, text).with_identity(identity).with_location(&path));
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
            stated = prefilter::states_shape(&whole, syntax);
            if !known && stated.is_none() {
                return None;
            }
            parse(prefix.to_owned())
        }
    };
    let document = match parsed {
        Ok(document) => document,
        Err(error) => {
            stated = stated.or_else(|| prefilter::states_shape(text.ok()?, syntax));
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
                why: why.or(stated.map(Why::Shape))?,
                document: None,
                stacks: Vec::new(),
                references: Vec::new(),
                directives: Vec::new(),
                literals: BTreeSet::new(),
                whole_names: BTreeSet::new(),
            });
        }
    };
    let why = why.or_else(|| stack::shape(&document).map(Why::Shape))?;
    if syntax == Syntax::Script && script::is_without_commands(&document) {
        return None;
    }
    let masks = if syntax == Syntax::Script { script::masks(&document) } else { masks::masks(&document) };
    source.set_visibility(Visibility::Masked(masks::without_references(masks, source.text())));
    let layout = stack::layout(&document);
    let directives = ignore::directives(&document);
    let heard = if bases.heed_literals { directives.as_slice() } else { &[] };
    let Places { mut findings, references, literals } = read_places(&document, &layout, heard, resolver);
    findings.extend(comment_findings(&source, &directives));
    for duplicate in document.duplicates() {
        let found = syntax_findings(&source, &duplicate.error).into_iter();
        findings.extend(found.map(|finding| Finding { conceal: duplicate.conceal, ..finding }));
    }
    if let Some(node) = layout.too_many_merges {
        let error = SyntaxError {
            span: document.node(node).span,
            message: "merge keys and aliases multiply to more than a million attributes".into(),
            help: Some("no stack needs that many: is this the right file?".into()),
        };
        findings.extend(syntax_findings(&source, &error));
    }
    let document = bases.keep_documents.then_some(document);
    Some(StackFile {
        source,
        path,
        inode: None,
        syntax,
        exact,
        why,
        document,
        stacks: layout.stacks,
        references,
        findings,
        directives,
        literals,
        whole_names: layout.whole_names,
    })
}

/// The text, or what is valid of it up to the first byte that is not UTF-8, and the error there.
fn text_of(bytes: &[u8]) -> (Result<&str, &str>, Option<SyntaxError>) {
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
    let findings = RULES.iter().filter_map(|rule| match rule.check {
        Check::Document(check) => Some(check(source, error)),
        _ => None,
    });
    findings.collect()
}

/// What the places of a document come to.
#[derive(Default)]
struct Places {
    findings: Vec<Finding>,
    references: Vec<Reference>,
    literals: BTreeSet<usize>,
}

/// Runs the scalar rules over every place; of those that fit the first speaks.
fn read_places(document: &Document, layout: &Layout, directives: &[Directive], resolver: Resolver) -> Places {
    let literal: HashSet<usize> =
        directives.iter().filter(|directive| directive.says == Says::Literal).map(|directive| directive.line).collect();
    let mut places = Places::default();
    for place in &layout.places {
        let lines = literal_lines(document, place, &literal);
        let is_literal =
            !lines.is_empty() && (place.unquoted || read(text_of_place(document, place), resolver) != Reading::Plain);
        if is_literal {
            places.literals.extend(lines);
        }
        let site = Site::new(document, layout, place, resolver, is_literal);
        let finding = RULES.iter().find_map(|rule| match rule.check {
            Check::Scalar(check) => check(&site),
            _ => None,
        });
        // What is wrong with one part of a string that is rendered says nothing of the others.
        let by_parts = resolver == Resolver::Render && !place.key && !place.unquoted;
        if by_parts || finding.as_ref().is_none_or(|finding| finding.severity < Severity::Error) {
            places.references.extend(site.references());
        }
        places.findings.extend(finding);
    }
    places
}

/// Returns the lines of comments that make the braces of a scalar plain text: that of the scalar, and that of its key.
fn literal_lines(document: &Document, place: &Place, literal: &HashSet<usize>) -> Vec<usize> {
    if literal.is_empty() {
        return Vec::new();
    }
    let starts = [site::start(document, place.node), site::key_start(document, place.node)];
    let lines = starts.map(|start| document.source().position(start).line);
    lines.into_iter().filter(|line| literal.contains(line)).collect()
}

fn text_of_place<'d>(document: &'d Document, place: &Place) -> &'d str {
    document.text(place.node).unwrap_or_default()
}

/// Ignore comments that name no rule, or one that there is not.
pub fn comment_findings(source: &Arc<SourceFile>, directives: &[Directive]) -> Vec<Finding> {
    let check = RULES.iter().find_map(|rule| match rule.check {
        Check::Comment(check) => Some(check),
        _ => None,
    });
    let Some(check) = check else { return Vec::new() };
    let mut findings = Vec::new();
    for directive in directives {
        match &directive.says {
            Says::Bare => findings.push(check(source, directive.head, None)),
            Says::Ignore(names) => {
                let unknown = names.iter().filter(|name| rules::find(name).is_none());
                findings.extend(unknown.map(|name| check(source, directive.head, Some(name))));
            }
            Says::Literal => {}
        }
    }
    findings
}
