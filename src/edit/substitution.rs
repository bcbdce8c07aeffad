//! `render`: replaces the references of a scan by their values.
//!
//! Every reference that the report resolved is replaced. Nothing is returned unless every file
//! passes its [`RenderProof`](super::render_proof::RenderProof), so a bug cannot change anything
//! but the references.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::document::{NodeId, Replacement, apply, replace_parts};
use crate::edit::render_proof::{RenderProof, internal_error};
use crate::inventory::lookup::{FetchedValues, LookupResult, Progress, fetch_values};
use crate::inventory::{Inventory, RequestedNames, SecretValues, StoreError, ValueType};
use crate::lint::analysis::Analysis;
use crate::lint::report::Report;
use crate::lint::rules;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::sources::reference::Reference;
use crate::system::parallel;
use crate::text::escape::escape_control;
use crate::text::source::Span;
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, HashMap};

/// A rendered file.
pub struct RenderedFile<'s> {
    /// The file that it was rendered from.
    pub file: &'s Analysis,
    /// The new text; `None` if the file has no references and stays the same.
    pub text: Option<String>,
    /// The replaced references, in the order of the file.
    pub replaced: Vec<&'s Reference>,
    /// Findings about values that turned out to be empty only when they were read.
    pub empty_values: Vec<FindingBuilder>,
}

impl RenderedFile<'_> {
    /// Returns the text to write.
    pub fn text(&self) -> &str {
        match &self.text {
            Some(text) => text,
            None => self.file.source.text(),
        }
    }

    /// Returns the number of replaced references.
    pub fn replaced_count(&self) -> usize {
        self.replaced.len()
    }
}

/// Renders every file of a scan. `report` is that of a check without errors.
///
/// # Errors
/// All references that cannot be resolved, and all proofs that fail.
pub fn run<'s>(
    scan: &'s Scan,
    report: &'s Report,
    settings: &Settings<'_>,
    progress: Option<Progress<'_>>,
) -> Result<Vec<RenderedFile<'s>>, Vec<Failure>> {
    let (locations, files, mut failures) = locate_values(scan, report);
    let values = fetch_values(settings.inventories, locations.requested_names(), progress);
    failures.extend(unreadable_values(&values, settings));
    if !failures.is_empty() {
        return Err(failures);
    }
    let values = locations.values(&values);
    let render = |file: &RenderInput<'s>| {
        let text = render_file(file, &values)?;
        Ok(RenderedFile {
            file: file.analysis,
            text,
            replaced: file.replaced(),
            empty_values: empty_values(file, &locations, &values, settings),
        })
    };
    let mut rendered = Vec::with_capacity(files.len());
    for result in parallel::map(&files, parallel::processors(), render, None, &mut |_| ()) {
        match result {
            Ok(file) => rendered.push(file),
            Err(mut more) => failures.append(&mut more),
        }
    }
    if failures.is_empty() {
        Ok(rendered)
    } else {
        Err(failures)
    }
}

/// The distinct secrets whose values are needed.
#[derive(Default)]
struct ValueLocations<'s> {
    /// The inventory, the secret and the keys.
    secrets: Vec<(usize, &'s str, RequestedNames)>,
    by_name: HashMap<(usize, &'s str), usize>,
}

impl<'s> ValueLocations<'s> {
    /// Adds a key of a secret, and returns the index of the secret.
    fn add(&mut self, inventory: usize, secret: &'s str, key: &str) -> usize {
        let secrets = &mut self.secrets;
        let at = *self.by_name.entry((inventory, secret)).or_insert_with(|| {
            secrets.push((inventory, secret, RequestedNames::new()));
            secrets.len() - 1
        });
        if let Some((.., keys)) = secrets.get_mut(at) {
            keys.insert(key.to_owned());
        }
        at
    }

    fn requested_names(&self) -> BTreeMap<(usize, String), RequestedNames> {
        let secrets = self.secrets.iter();
        secrets
            .map(|(inventory, secret, keys)| ((*inventory, (*secret).to_owned()), keys.clone()))
            .collect()
    }

    /// Returns the values of each secret, by its index.
    fn values<'v>(&self, fetched: &'v FetchedValues) -> Vec<Option<&'v SecretValues>> {
        let secrets = self.secrets.iter();
        secrets
            .map(|&(inventory, secret, _)| {
                fetched.get(&(inventory, secret.to_owned()))?.as_ref().ok()
            })
            .collect()
    }
}

/// A reference to replace.
struct ReplacedReference<'s> {
    reference: &'s Reference,
    key: &'s str,
    /// The index of the secret in [`ValueLocations`].
    secret: usize,
    /// Whether `check` knows that the value is empty.
    is_known_empty: bool,
}

/// A file to render.
struct RenderInput<'s> {
    analysis: &'s Analysis,
    references: Vec<ReplacedReference<'s>>,
}

impl<'s> RenderInput<'s> {
    /// Returns the references, in the order of the file. Those that variables expand come last in
    /// the answers.
    fn replaced(&self) -> Vec<&'s Reference> {
        let references = self.references.iter();
        let mut references: Vec<&Reference> = references.map(|it| it.reference).collect();
        references.sort_by_key(|reference| reference.span.start);
        references
    }
}

/// Collects the references to replace and the secrets that contain their values.
fn locate_values<'s>(
    scan: &'s Scan,
    report: &'s Report,
) -> (ValueLocations<'s>, Vec<RenderInput<'s>>, Vec<Failure>) {
    let mut locations = ValueLocations::default();
    let mut failures = Vec::new();
    let answered = report.references.answered();
    let files = answered
        .by_file(scan)
        .into_iter()
        .map(|(analysis, resolved)| {
            let mut references = Vec::new();
            for (reference, answers) in resolved {
                let Some(key) = reference.key() else {
                    continue;
                };
                let answer = answers.first(reference);
                let Some((
                    lookup,
                    LookupResult::Found {
                        inventory, keys, ..
                    },
                )) = answer.map(|answer| (answer.lookup, answer.result))
                else {
                    failures.push(unresolved_failure(reference, "no inventory has the secret"));
                    continue;
                };
                // Variables may have expanded the names.
                let key = lookup.key.as_deref().unwrap_or(key);
                let is_known_empty =
                    keys.and_then(|keys| keys.get(key)) == Some(&ValueType::EmptyString);
                let secret = locations.add(inventory, &lookup.secret, key);
                references.push(ReplacedReference {
                    reference,
                    key,
                    secret,
                    is_known_empty,
                });
            }
            RenderInput {
                analysis,
                references,
            }
        });
    let files = files.collect();
    (locations, files, failures)
}

/// Returns the errors for secrets whose values cannot be read.
fn unreadable_values(values: &FetchedValues, settings: &Settings<'_>) -> Vec<Failure> {
    let failures = values.iter().filter_map(|((at, secret), values)| {
        let name = settings.inventories.name(*at);
        let inventory = settings.inventories.get(*at);
        match values {
            Err(StoreError::NoValues) if inventory.is_some_and(Inventory::is_repository) => Some(
                Failure::usage(format!(
                    "the inventory `{name}` has no values for `{secret}`: it contains only the names and keys that commands declare"
                ))
                .with_help("render from an inventory with values, for example of kind `file`"),
            ),
            Ok(_) => None,
            Err(StoreError::NoValues | StoreError::NotFound) => Some(
                Failure::usage(format!(
                    "the inventory `{name}` has no values for `{secret}`, only names"
                ))
                .with_help("render from an inventory with values: `name: {key: value}`"),
            ),
            Err(error) => Some(error.clone().into_failure(name, &format!("`{secret}`"))),
        }
    });
    failures.collect()
}

/// Returns findings about empty values that `check` could not know.
fn empty_values(
    file: &RenderInput<'_>,
    locations: &ValueLocations<'_>,
    values: &[Option<&SecretValues>],
    settings: &Settings<'_>,
) -> Vec<FindingBuilder> {
    let is_empty = |replaced: &&ReplacedReference<'_>| {
        let value = values
            .get(replaced.secret)
            .copied()
            .flatten()
            .and_then(|values| values.get(replaced.key));
        !replaced.is_known_empty
            && value.is_some_and(|value| {
                value
                    .as_ref()
                    .is_ok_and(|text| text.expose_secret().is_empty())
            })
    };
    let findings = file
        .references
        .iter()
        .filter(is_empty)
        .filter_map(|replaced| {
            let (inventory, ..) = locations.secrets.get(replaced.secret)?;
            let inventory = settings.inventories.get(*inventory).map(Inventory::name)?;
            Some(rules::empty_value(
                replaced.reference,
                replaced.key,
                &format!("the inventory `{inventory}`"),
            ))
        });
    findings.collect()
}

/// Replaces the references of a file and proves the result. Returns `None` if there are no
/// references.
fn render_file(
    file: &RenderInput<'_>,
    values: &[Option<&SecretValues>],
) -> Result<Option<String>, Vec<Failure>> {
    let RenderInput {
        analysis,
        references,
    } = file;
    let Some(document) = analysis.document.as_ref() else {
        let failures: Vec<Failure> = analysis.findings.iter().map(syntax_failure).collect();
        let not_read = || {
            vec![internal_error(
                &analysis.source,
                Span::default(),
                "a file that was not parsed",
            )]
        };
        return Err(if failures.is_empty() {
            not_read()
        } else {
            failures
        });
    };
    let parts = replacements(references, values)?;
    if parts.is_empty() {
        return Ok(None);
    }
    let mut edits = Vec::new();
    let mut changed = HashMap::new();
    for (node, mut parts) in parts {
        parts.sort_by_key(|part| part.range.start);
        edits.extend(document.encode(node, &parts));
        changed.insert(
            node,
            replace_parts(document.text(node).unwrap_or_default(), &parts),
        );
    }
    edits.sort_by_key(|edit| edit.span);
    let proof = RenderProof {
        source: &analysis.source,
        document,
        edits: &edits,
        changed: &changed,
    };
    let text = apply(analysis.source.text(), &edits)
        .ok_or_else(|| internal_error(&analysis.source, Span::default(), "overlapping edits"))
        .and_then(|text| proof.verify(&text).map(|()| text));
    text.map(Some).map_err(|failure| vec![failure])
}

/// Returns the replaced parts of each scalar.
fn replacements<'v>(
    references: &[ReplacedReference<'_>],
    values: &[Option<&'v SecretValues>],
) -> Result<BTreeMap<NodeId, Vec<Replacement<'v>>>, Vec<Failure>> {
    let mut failures = Vec::new();
    let mut parts: BTreeMap<NodeId, Vec<Replacement<'v>>> = BTreeMap::new();
    for replaced in references {
        let reference = replaced.reference;
        let values = values.get(replaced.secret).copied().flatten();
        match values
            .and_then(|values| values.get(replaced.key))
            .map(|value| value.as_ref().map(ExposeSecret::expose_secret))
        {
            Some(Ok(text)) => {
                let replacement = Replacement {
                    range: reference.range.clone(),
                    text,
                };
                parts.entry(reference.node).or_default().push(replacement);
            }
            Some(Err(unusable)) => {
                let reason = format!("its value {}", unusable.description());
                failures.push(unresolved_failure(reference, &reason).with_help(unusable.help()));
            }
            None => failures.push(unresolved_failure(reference, "the secret has no such key")),
        }
    }
    if failures.is_empty() {
        Ok(parts)
    } else {
        Err(failures)
    }
}

/// Returns the error for a file that does not parse, even if the finding is suppressed.
fn syntax_failure(finding: &FindingBuilder) -> Failure {
    let finding = finding.draft();
    let path = escape_control(finding.source.path());
    Failure::finding(format!("cannot render `{path}`: {}", finding.message))
        .at(&finding.source, finding.span)
        .with_help("fix the file, name other files, or exclude it with `[files] exclude`")
}

fn unresolved_failure(reference: &Reference, reason: &str) -> Failure {
    let key = reference.key().unwrap_or_default();
    Failure::finding(format!("cannot resolve `{}.{key}`: {reason}", reference.secret()))
        .at(&reference.source, reference.span)
        .with_help("add the value to the inventory: an ignored finding is suppressed in `check`, but `render` needs every value")
}
