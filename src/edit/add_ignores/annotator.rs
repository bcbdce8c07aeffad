//! The plan of the comments of one file: which findings share a comment, and where it is placed.

use super::placement::{OriginalFile, Placement};
use super::proof::{NewComments, proven_text};
use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The rule that reports ignore comments that suppress nothing. Such a finding is suppressed only
/// by naming this rule in the reported comment itself.
const UNUSED_IGNORE: RuleId = RuleId::UnusedIgnore;

/// Findings on the same lines, which share one comment.
pub struct Group {
    /// The lines that the comment may apply to, counted from 1.
    pub lines: BTreeSet<usize>,
    pub rules: BTreeSet<RuleId>,
    fingerprints: Vec<String>,
    /// The possible placements, in the order in which they are tried.
    placements: Vec<Placement>,
}

/// The index of a group, and the index of one of its placements.
type Choice = (usize, usize);

/// The new text of a file, and the fingerprints of the findings that its comments suppress.
pub struct Annotation {
    pub text: String,
    pub suppressed: HashSet<String>,
}

/// Plans the comments of one file.
pub struct Annotator<'a> {
    file: OriginalFile<'a>,
    groups: Vec<Group>,
}

impl<'a> Annotator<'a> {
    pub fn new(file: OriginalFile<'a>, findings: &[&Finding]) -> Self {
        let groups = group_findings(&file, findings);
        Self { file, groups }
    }

    /// Adds comments for as many findings as possible.
    ///
    /// The first placements of all groups are tried together. Groups whose placement does not pass
    /// the proof are tried again with their next placement.
    pub fn annotate(&self) -> Annotation {
        let mut chosen: Vec<Choice> = Vec::new();
        let mut pending: Vec<Choice> = (0..self.groups.len()).map(|group| (group, 0)).collect();
        while !pending.is_empty() {
            pending.retain(|&(group, placement)| {
                self.groups
                    .get(group)
                    .is_some_and(|group| placement < group.placements.len())
            });
            let (proven, rejected) = self.split(&chosen, &pending);
            chosen.extend(proven);
            pending = rejected
                .into_iter()
                .map(|(group, placement)| (group, placement + 1))
                .collect();
        }
        let text = self.proven_text(&chosen).unwrap_or_default();
        let suppressed = chosen
            .iter()
            .filter_map(|&(group, _)| self.groups.get(group));
        Annotation {
            text,
            suppressed: suppressed
                .flat_map(|group| group.fingerprints.iter().cloned())
                .collect(),
        }
    }

    /// Splits choices into those that pass the proof together with the chosen ones, and the others.
    ///
    /// Tries all choices at once. If they fail, tries each half by itself.
    fn split(&self, chosen: &[Choice], choices: &[Choice]) -> (Vec<Choice>, Vec<Choice>) {
        if choices.is_empty() || self.proven_text(&[chosen, choices].concat()).is_some() {
            return (choices.to_vec(), Vec::new());
        }
        if choices.len() == 1 {
            return (Vec::new(), choices.to_vec());
        }
        let (left, right) = choices.split_at(choices.len() / 2);
        let (mut proven, mut rejected) = self.split(chosen, left);
        let (proven_right, rejected_right) = self.split(&[chosen, &proven].concat(), right);
        proven.extend(proven_right);
        rejected.extend(rejected_right);
        (proven, rejected)
    }

    /// Returns the text with the comments of the choices. Returns `None` if it fails the proof.
    fn proven_text(&self, choices: &[Choice]) -> Option<String> {
        let mut comments = NewComments::new();
        let groups: Vec<&Group> = choices
            .iter()
            .filter_map(|&(group, _)| self.groups.get(group))
            .collect();
        for (group, &(_, placement)) in groups.iter().zip(choices) {
            comments
                .entry(*group.placements.get(placement)?)
                .or_default()
                .extend(&group.rules);
        }
        proven_text(&self.file, &comments, &groups)
    }
}

/// Groups findings by the comment that can suppress them.
///
/// Skips findings that no comment can suppress, and those of another text of the file.
fn group_findings(file: &OriginalFile<'_>, findings: &[&Finding]) -> Vec<Group> {
    let mut groups: BTreeMap<(BTreeSet<usize>, Option<usize>), Group> = BTreeMap::new();
    for finding in findings {
        let is_same_text = Arc::ptr_eq(&finding.source, file.source)
            || finding.source.text() == file.source.text();
        if finding.rule == RuleId::BareIgnore || !is_same_text {
            continue;
        }
        // For a finding about a comment: the comment.
        let comment = (finding.rule == UNUSED_IGNORE).then(|| {
            file.directives
                .iter()
                .position(|directive| directive.directive_span == finding.span)
        });
        let lines = match comment.flatten().and_then(|at| file.directives.get(at)) {
            Some(directive) => BTreeSet::from([directive.line]),
            None => [finding.span.start, finding.scalar_start]
                .map(|at| file.source.position(at).line)
                .into(),
        };
        let placements = match comment {
            Some(Some(at)) if file.is_ignore(at) => vec![Placement::ExistingComment(at)],
            Some(_) => Vec::new(),
            None => file.placements(finding, &lines),
        };
        let group = groups
            .entry((lines, comment.flatten()))
            .or_insert_with_key(|(lines, _)| Group {
                lines: lines.clone(),
                rules: BTreeSet::new(),
                fingerprints: Vec::new(),
                placements,
            });
        group.rules.insert(finding.rule);
        group.fingerprints.push(finding.fingerprint.clone());
    }
    groups.into_values().collect()
}
