//! The pipeline of `check`: from a scan to a report.
//!
//! 1. [`resolve`] looks up every reference.
//! 2. The existence rules, the inventory rules and the stack rules run; the scalar rules ran during the analysis.
//! 3. [`build_all`] applies the severities of the configs and adds fingerprints.
//! 4. [`Suppressions`] removes the findings that ignore comments and configs suppress, and reports unused ones.
//! 5. The baseline removes the findings that it records.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::diagnostics::finding_builder::{FindingBuilder, build_all, sort};
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::{LookupResults, Progress};
use crate::lint::analysis::{Analysis, check_directives};
use crate::lint::baseline::Baseline;
use crate::lint::component_drift::check_drift;
use crate::lint::coverage::Coverage;
use crate::lint::inventory_checks::check_inventory_files;
use crate::lint::reference_checks::check_references;
use crate::lint::report::Report;
use crate::lint::resolve::{Resolution, resolve};
use crate::lint::resolved_references::ResolvedReferences;
use crate::lint::rules::{self, Subject};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::lint::suppressions::Suppressions;
use crate::project::configs::{Configs, Cursor};
use crate::sources::reference::Reference;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use crate::zenml::grammar::Resolver;
use std::collections::HashSet;
use std::sync::Arc;

/// Checks a scan.
pub fn run(scan: &Scan, settings: &Settings<'_>, progress: Option<Progress<'_>>) -> Report {
    check_with_answers(scan, settings, Arc::default(), progress)
}

/// Checks a scan with the answers of an earlier check. Inventories are queried again only if a
/// lookup is new.
pub fn check_with_answers(
    scan: &Scan,
    settings: &Settings<'_>,
    answers: Arc<LookupResults>,
    progress: Option<Progress<'_>>,
) -> Report {
    let Resolution {
        references,
        mut unchecked,
        unrouted,
    } = resolve(scan, settings, answers, progress);
    let results = check_references(scan, &references, settings, &mut unchecked);
    let has_unanswered = results.has_unanswered;
    let is_complete = is_fully_read(scan) && unrouted.is_none() && !has_unanswered;
    let inventory_findings =
        check_inventory_files(scan, &references, &results.findings, settings, is_complete);

    let mut report = Report {
        checked_environments: references.checked_environments(scan),
        references,
        ..Report::default()
    };
    report.summary.unchecked = unchecked;
    report.summary.files = scan.file_count();
    report.summary.registered = settings.registered.map(|_| scan.registered_count());
    let expanded = report.references.expanded_count();
    let files = scan.files.iter();
    let references: usize = files.map(|file| file.references.len()).sum();
    report.summary.references = references + expanded;
    let files = scan.files.iter();
    let dynamic: usize = files.map(|file| file.dynamic_references.len()).sum();
    report.summary.dynamic = dynamic - expanded;
    // Files that cannot be read come first: they may be the cause of the other failures.
    report.failures.extend_from_slice(&scan.skipped.failures);
    report.failures.extend(unrouted);
    // An inventory of kind `repository` repeats the failures of the files that it is made of.
    let is_new = |failure: &Failure| {
        let message = failure.to_string();
        !scan
            .skipped
            .failures
            .iter()
            .any(|it| it.to_string() == message)
    };
    let failures = results.failures.into_iter();
    report.failures.extend(failures.filter(is_new));

    let mut builders = results.findings;
    builders.extend(inventory_findings);
    builders.extend(scan_findings(scan, &report.references, settings));
    if let Some(servers) = settings.registered {
        builders.extend(check_drift(scan, servers, settings));
    }
    let findings = build_all(builders, severity_by_config(settings.configs));
    let coverage = Coverage {
        settings,
        all_answered: report.failures.is_empty() && !has_unanswered,
        all_files_read: is_fully_read(scan),
        types_known: results.types_known,
    };
    suppress(findings, scan, &coverage, &mut report);
    report
}

/// Returns the findings that need no look-up: about scalars, stacks, leaked values and comments.
fn scan_findings(
    scan: &Scan,
    references: &ResolvedReferences,
    settings: &Settings<'_>,
) -> Vec<FindingBuilder> {
    let dynamic: HashSet<(*const RedactedSource, Span)> = references
        .still_dynamic(scan)
        .map(|reference| (Arc::as_ptr(&reference.source), reference.span))
        .collect();
    let is_current = |finding: &&FindingBuilder| {
        let draft = finding.draft();
        draft.rule != RuleId::DynamicReference
            || dynamic.contains(&(Arc::as_ptr(&draft.source), draft.span))
    };
    let mut findings = Vec::new();
    for file in &scan.files {
        findings.extend(file.findings.iter().filter(is_current).cloned());
        if settings.configs.for_file(&file.path).resolver == Resolver::Zenml {
            findings.extend(check_stacks(file));
        }
    }
    findings.extend(
        scan.leaked_files
            .iter()
            .flat_map(|leaked| leaked.findings.iter().cloned()),
    );
    for comments in settings
        .inventories
        .in_use()
        .filter_map(|(_, inventory)| inventory.comments())
    {
        findings.extend(check_directives(comments.source, comments.directives));
    }
    findings
}

/// Runs the stack rules on each stack of a file with its own references.
fn check_stacks(file: &Analysis) -> Vec<FindingBuilder> {
    let mut by_stack: Vec<Vec<&Reference>> = vec![Vec::new(); file.stacks.len()];
    for reference in &file.references {
        if let Some(references) = by_stack.get_mut(reference.stack) {
            references.push(reference);
        }
    }
    let stacks = file.stacks.iter().zip(&by_stack);
    stacks
        .filter_map(|(stack, references)| rules::check(Subject::Stack(stack, references)))
        .collect()
}

/// Removes the suppressed findings and those in the baseline, and adds the rest to the report.
fn suppress(mut findings: Vec<Finding>, scan: &Scan, coverage: &Coverage<'_>, report: &mut Report) {
    let settings = coverage.settings;
    // Before anything is suppressed: a suppressed finding still exists.
    let compared = settings.baseline.or(settings.replaced_baseline);
    let mut current = compared.map(|baseline| (baseline, Baseline::from_findings(&findings)));
    if settings.honor_ignores {
        let count = findings.len();
        let mut suppressions = Suppressions::new(scan, settings.configs, settings.inventories);
        findings.retain(|finding| !suppressions.suppresses(finding));
        report.summary.ignored = count - findings.len();
        let unused = suppressions.unused_ignores(
            &|config, rule| coverage.is_evaluated(config, rule),
            &|config| coverage.is_complete(config),
            coverage.has_read_servers(),
        );
        let mut unused = build_all(unused, severity_by_config(settings.configs));
        if let Some((_, current)) = &mut current {
            current.add(&unused);
        }
        let count = unused.len();
        unused.retain(|finding| !suppressions.config_suppresses(finding));
        report.summary.ignored += count - unused.len();
        findings.append(&mut unused);
        sort(&mut findings);
    }
    report.findings = findings;
    report.count();
    if let Some((baseline, current)) = &current {
        let files = scan
            .files
            .iter()
            .map(|file| (file.source.repository_path(), file))
            .collect();
        let missing = baseline.difference(current).cloned();
        (report.stale, report.unevaluated) =
            missing.partition(|entry| coverage.would_find(entry, &files));
        if settings.baseline.is_some() {
            report.apply_baseline(baseline);
        }
    }
}

/// Returns whether every file that could use a secret was read.
fn is_fully_read(scan: &Scan) -> bool {
    let unread = scan
        .files
        .iter()
        .any(|file| file.stacks.is_empty() && !file.findings.is_empty());
    !unread && scan.skipped.failures.is_empty()
}

/// Builds findings that come after a check, with the severities and suppressions of one.
pub fn finalize_findings(
    builders: Vec<FindingBuilder>,
    scan: &Scan,
    settings: &Settings<'_>,
) -> Vec<Finding> {
    let mut findings = build_all(builders, severity_by_config(settings.configs));
    let mut suppressions = Suppressions::new(scan, settings.configs, settings.inventories);
    findings.retain(|finding| !suppressions.suppresses(finding));
    findings
}

/// Returns a function from findings to the severity that the rule has in the config of their file;
/// `None` if it is off.
fn severity_by_config(configs: &Configs) -> impl FnMut(&FindingBuilder) -> Option<Severity> {
    let mut cursor = Cursor::for_findings(configs);
    move |finding| {
        let finding = finding.draft();
        let config = cursor.get(finding.source.absolute_path());
        rules::get(finding.rule).severity_in(&config.rules)
    }
}
