//! `render`: the same documents with their references replaced, proven before anything is written.
//!
//! What is replaced is what the scan found. Each new text is parsed again and compared, node by node, with the old document
//! and the new values; and everything outside the changed scalars is compared byte by byte. YAML is compared as readers
//! of YAML 1.1 and of YAML 1.2 read it, since they differ in what ends a line. A difference is a bug of stackref: it is told as
//! one, and nothing is written.

use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::Finding;
use crate::document::{Document, Edit, NodeId, Replacement, apply, replace_parts};
use crate::inventory::lookup::{FetchedValues, LookupResult, Progress, fetch_values};
use crate::inventory::{Inventory, RequestedNames, StoreError, Unusable, ValueType};
use crate::lint::pipeline::{self, Report, Settings};
use crate::lint::rules;
use crate::lint::scan::{Scan, StackFile};
use crate::sources::scalar::Reference;
use crate::system::parallel;
use crate::text::secret_value::SecretText;
use crate::text::source::{SourceFile, Span};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use zeroize::Zeroizing;

/// One file, rendered.
pub struct RenderedFile<'s> {
    /// The file it came from.
    pub file: &'s StackFile,
    /// The new text; nothing where there are no references, and the file is what it was.
    pub text: Option<Zeroizing<String>>,
    /// The values that came out empty, where nothing but reading them has told that; nobody has weighed or silenced them.
    pub empty_values: Vec<Finding>,
}

impl RenderedFile<'_> {
    /// The text to write.
    pub fn text(&self) -> &str {
        match &self.text {
            Some(text) => text,
            None => self.file.source.text(),
        }
    }

    /// How many references were replaced.
    pub fn replaced_count(&self) -> usize {
        self.file.replaced().count()
    }
}

/// Renders every file of a scan that `check` has passed.
///
/// # Errors
/// References that cannot be resolved, and proofs that fail: all of them.
pub fn run<'s>(
    scan: &'s Scan,
    report: &Report,
    settings: &Settings<'_>,
    progress: Option<Progress<'_>>,
) -> Result<Vec<RenderedFile<'s>>, Vec<Failure>> {
    let mut failures = Vec::new();
    // Per file: which inventory holds a secret of a stack. Asked once, however many references there are.
    let mut holders: Vec<SecretLocations<'_>> = Vec::with_capacity(scan.files.len());
    for file in &scan.files {
        let mut locations = SecretLocations::new();
        for reference in file.replaced() {
            let holder = locations.entry((reference.stack, reference.secret.as_str())).or_insert_with(|| {
                let question = pipeline::reference_lookup(file, reference, settings);
                match report.answers.get(&question) {
                    LookupResult::Found { inventory, .. } => Some((inventory, question.secret)),
                    _ => None,
                }
            });
            if holder.is_none() {
                failures.push(unresolved(reference, "no inventory has the secret"));
            }
        }
        holders.push(locations);
    }
    let mut wanted: BTreeMap<(usize, String), RequestedNames> = BTreeMap::new();
    for (file, locations) in scan.files.iter().zip(&holders) {
        for reference in file.replaced() {
            let holder = locations.get(&(reference.stack, reference.secret.as_str())).and_then(Option::as_ref);
            let keys = holder.map(|holder| wanted.entry(holder.clone()).or_default());
            if let Some(keys) = keys {
                keys.extend(reference.key.clone());
            }
        }
    }
    let values = fetch_values(settings.inventories, wanted, progress);
    failures.extend(unreadable_values(&values, settings));
    if !failures.is_empty() {
        return Err(failures);
    }
    let work: Vec<(&StackFile, &SecretLocations<'_>)> = scan.files.iter().zip(&holders).collect();
    let render = |(file, locations): &(&'s StackFile, &SecretLocations<'_>)| {
        let value = |reference: &Reference| {
            let secret = secret_location(locations, reference).and_then(|holder| values.get(holder)?.as_ref().ok());
            let value = secret.and_then(|secret| secret.get(reference.key.as_deref()?)).ok_or(None)?;
            value.as_ref().map(SecretText::expose).map_err(|unusable| Some(*unusable))
        };
        let not_yet_reported = |reference: &&Reference| {
            let answer = report.answers.get(&pipeline::reference_lookup(file, reference, settings));
            let key = reference.key.as_deref().unwrap_or_default();
            !matches!(answer, LookupResult::Found { keys: Some(keys), .. } if keys.get(key) == Some(&ValueType::EmptyString))
        };
        let empty = file.replaced().filter(|reference| value(reference) == Ok("")).filter(not_yet_reported);
        let finding = |reference: &Reference| {
            let inventory = settings.inventories.get(secret_location(locations, reference)?.0)?;
            Some(rules::empty_value(reference, reference.key.as_deref()?, inventory.name()))
        };
        let empty = empty.filter_map(finding).collect();
        render_file(file, &value).map(|text| RenderedFile { file, text, empty_values: empty })
    };
    let texts = parallel::map(&work, parallel::processors(), render, None, &mut |_| ());
    let mut rendered = Vec::with_capacity(scan.files.len());
    for text in texts {
        match text {
            Ok(text) => rendered.push(text),
            Err(mut more) => failures.append(&mut more),
        }
    }
    if failures.is_empty() { Ok(rendered) } else { Err(failures) }
}

/// The inventory and name of each secret that a stack of a file refers to.
type SecretLocations<'s> = HashMap<(usize, &'s str), Option<(usize, String)>>;

fn secret_location<'h>(locations: &'h SecretLocations<'h>, reference: &'h Reference) -> Option<&'h (usize, String)> {
    locations.get(&(reference.stack, reference.secret.as_str()))?.as_ref()
}

/// Secrets of which the values cannot be had.
fn unreadable_values(values: &FetchedValues, settings: &Settings<'_>) -> Vec<Failure> {
    let name_of = |at: usize| settings.inventories.get(at).map_or("?", Inventory::name);
    let failures = values.iter().filter_map(|((at, secret), values)| match values {
        Ok(_) => None,
        Err(StoreError::NoValues | StoreError::NotFound) => Some(
            Failure::usage(format!("the inventory `{}` has no values for `{secret}`, only names", name_of(*at)))
                .with_help("render from an inventory with values: `name: {key: value}`"),
        ),
        Err(why) => Some(why.clone().into_failure(name_of(*at), &format!("`{secret}`"))),
    });
    failures.collect()
}

/// What is wrong with a file that does not parse, whether `check` tells it or is to be silent.
fn syntax_failure(finding: &Finding) -> Failure {
    let path = escape_control(finding.source.path());
    Failure::finding(format!("`{path}` cannot be rendered: {}", finding.message))
        .at(&finding.source, finding.span)
        .with_help("a render needs files that parse: name others, or leave it out with `[files] exclude`")
}

fn unresolved(reference: &Reference, why: &str) -> Failure {
    let key = reference.key.as_deref().unwrap_or_default();
    Failure::finding(format!("`{}.{key}` cannot be resolved: {why}", reference.secret))
        .at(&reference.source, reference.span)
        .with_help("an ignored finding silences `check`; a render needs the value all the same")
}

/// One file with its references replaced, and the proof of it.
fn render_file<'v>(
    file: &'v StackFile,
    value: &dyn Fn(&Reference) -> Result<&'v str, Option<Unusable>>,
) -> Result<Option<Zeroizing<String>>, Vec<Failure>> {
    let Some(document) = file.document.as_ref() else {
        let failures: Vec<Failure> = file.findings.iter().map(syntax_failure).collect();
        let unknown = || vec![internal_error(&file.source, Span::default(), "a file that was not read")];
        return Err(if failures.is_empty() { unknown() } else { failures });
    };
    let mut failures = Vec::new();
    let mut parts: BTreeMap<NodeId, Vec<Replacement<'_>>> = BTreeMap::new();
    for reference in file.replaced() {
        match value(reference) {
            Ok(text) => {
                parts.entry(reference.node).or_default().push(Replacement { range: reference.range.clone(), text });
            }
            Err(None) => failures.push(unresolved(reference, "the secret has no such key")),
            Err(Some(unusable)) => {
                let why = format!("its value {}", unusable.description());
                failures.push(unresolved(reference, &why).with_help(unusable.help()));
            }
        }
    }
    if !failures.is_empty() {
        return Err(failures);
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let mut edits = Vec::new();
    let mut changed = HashMap::new();
    for (node, parts) in &mut parts {
        parts.sort_by_key(|part| part.range.start);
        edits.extend(document.encode(*node, parts));
        changed.insert(*node, replace_parts(document.text(*node).unwrap_or_default(), parts));
    }
    edits.sort_by_key(|edit| edit.span);
    let proof = RenderProof { document, edits: &edits, changed: &changed };
    let text = apply(file.source.text(), &edits)
        .ok_or_else(|| internal_error(&file.source, Span::default(), "changes that overlap"))
        .and_then(|text| proof.verify(&text).map(|()| text));
    text.map(Some).map_err(|failure| vec![failure])
}

fn internal_error(source: &SourceFile, at: Span, what: &str) -> Failure {
    let place = format!("{}:{}", source.path(), source.position(at.start).line);
    Failure::usage(format!("internal error at {place}: {what}; nothing was written")).at(source, at).with_help(
        "this is a bug of stackref: please report the shape of this scalar (its quotes and breaks, not the value)",
    )
}

/// A new text beside what it is made of.
struct RenderProof<'p> {
    document: &'p Document,
    edits: &'p [Edit],
    changed: &'p HashMap<NodeId, Zeroizing<String>>,
}

impl RenderProof<'_> {
    /// Whether the new text is the old document with the changed scalars, and nothing else.
    fn verify(&self, text: &Zeroizing<String>) -> Result<(), Failure> {
        let source = self.document.source();
        let first = self.edits.first().map_or_else(Span::default, |edit| Span::new(edit.span.start, edit.span.start));
        if !self.preserves_the_rest(text) {
            return Err(internal_error(source, first, "bytes outside the scalars would change"));
        }
        let reparsed = Arc::new(SourceFile::new(source.path(), text.as_str()));
        let Ok(parsed) = Document::parse(reparsed, self.document.syntax()) else {
            return Err(internal_error(source, first, "what would be written does not parse"));
        };
        let disputed = || self.changed.keys().copied().find(|&node| parsed.has_ambiguous_break(node));
        let Some(node) = self.document.find_difference(&parsed, self.changed).or_else(disputed) else { return Ok(()) };
        let start = self.document.node(node).span.start;
        Err(internal_error(source, Span::new(start, start), "what would be written means something else"))
    }

    /// Whether all that stands between the changed scalars is in the new text as it was, byte by byte.
    fn preserves_the_rest(&self, text: &str) -> bool {
        let old = self.document.source().text();
        let (mut old_at, mut new_at) = (0, 0);
        let end = Span::new(old.len(), old.len());
        let edits = self.edits.iter().map(|edit| (edit.span, edit.text.len()));
        for (span, len) in edits.chain([(end, 0)]) {
            let kept = old.get(old_at..span.start).unwrap_or_default();
            if !text.get(new_at..).is_some_and(|rest| rest.starts_with(kept)) {
                return false;
            }
            new_at += kept.len() + len;
            old_at = span.end;
        }
        new_at == text.len()
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::Syntax;

    const OLD: &str = "k: '{{a.b}}' # c\nl: x\n";

    /// What the proof says of a new text, where the value of `k` is to become `v`.
    fn holds(new: &str, edit: (usize, usize, &str)) -> Result<(), String> {
        holds_value(new, edit, "v")
    }

    fn holds_value(new: &str, edit: (usize, usize, &str), value: &str) -> Result<(), String> {
        let document = Document::parse(Arc::new(SourceFile::new("s.yaml", OLD)), Syntax::Yaml).expect("it parses");
        let node = document.nodes().find(|&(id, _)| document.text(id) == Some("{{a.b}}")).expect("it is there").0;
        let edits = [Edit::new(Span::new(edit.0, edit.1), edit.2.to_owned())];
        let changed = HashMap::from([(node, Zeroizing::new(value.to_owned()))]);
        let proof = RenderProof { document: &document, edits: &edits, changed: &changed };
        proof.verify(&Zeroizing::new(new.to_owned())).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_line_break_of_yaml_1_1_alone_is_written_as_an_escape() {
        assert_eq!(holds_value("k: \"\\L\" # c\nl: x\n", (3, 12, "\"\\L\""), "\u{2028}"), Ok(()));
        let said = holds_value("k: '\u{2028}' # c\nl: x\n", (4, 11, "\u{2028}"), "\u{2028}").expect_err("a raw one");
        assert!(said.contains("what would be written means something else"), "{said}");
    }

    #[test]
    fn a_text_with_its_values_and_nothing_else_is_proven() {
        assert_eq!(holds("k: 'v' # c\nl: x\n", (4, 11, "v")), Ok(()));
        assert_eq!(holds("k: \"v\" # c\nl: x\n", (3, 12, "\"v\"")), Ok(()));
    }

    #[test]
    fn a_text_that_is_not_what_it_should_be_is_a_bug_that_says_so() {
        for (new, edit, why) in [
            ("k: 'v' # d\nl: x\n", (4, 11, "v"), "bytes outside the scalars would change"),
            ("k: 'v' # c\nl: x\n\n", (4, 11, "v"), "bytes outside the scalars would change"),
            ("k: 'v' # c\nl: x", (4, 11, "v"), "bytes outside the scalars would change"),
            ("k: 'v # c\nl: x\n", (3, 12, "'v"), "what would be written does not parse"),
            ("k: 'w' # c\nl: x\n", (4, 11, "w"), "what would be written means something else"),
        ] {
            let said = holds(new, edit).expect_err(new);
            assert!(said.starts_with("internal error at s.yaml:1: ") && said.contains(why), "{new:?}: {said}");
        }
    }
}
