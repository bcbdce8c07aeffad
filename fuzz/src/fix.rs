//! Fixes are applied, and a second fix changes nothing.

use super::scanning::{RESOLVERS, SMALL_INVENTORY, SYNTAXES, path_roots, scan, settings};
use super::variants::Variants;
use stackref::diagnostics::finding::{Applicability, Finding};
use stackref::document::Syntax;
use stackref::edit::fix::{Fixer, Rescanner};
use stackref::inventory::lookup::LookupResults;
use stackref::lint::pipeline::run as check_scan;
use stackref::lint::settings::Settings;
use stackref::project::discover::MatchReason;
use std::path::Path;

/// A second fix changes nothing, each available fix is applied, and no fix adds a syntax error.
pub fn fix(bytes: &[u8], mut variants: Variants) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let resolvers = variants.choose(&RESOLVERS);
    let applicabilities = variants.choose(&[Applicability::Safe, Applicability::Suggestion]);
    for syntax in SYNTAXES {
        for &resolver in resolvers {
            let settings = settings(resolver, &SMALL_INVENTORY);
            for &applicability in applicabilities {
                let (errors, once) = apply_fixes(text, syntax, applicability, &settings);
                if once == text {
                    continue;
                }
                let (errors_after, twice) = apply_fixes(&once, syntax, applicability, &settings);
                assert_eq!(once, twice, "{syntax:?} {applicability:?} {text:?}");
                assert!(
                    errors_after <= errors,
                    "{syntax:?} {applicability:?} {text:?} became {once:?}"
                );
            }
        }
    }
}

/// Returns the number of syntax errors in a text, and the text with its fixes.
fn apply_fixes(
    text: &str,
    syntax: Syntax,
    applicability: Applicability,
    settings: &Settings<'_>,
) -> (usize, String) {
    let mut scan = scan(
        text.as_bytes(),
        syntax,
        Some(MatchReason::Argument),
        settings.configs.for_file(Path::new("x")).resolver,
        false,
    );
    let findings = check_scan(&scan, settings, None).findings;
    let errors = findings
        .iter()
        .filter(|finding| finding.rule.name() == "syntax-error")
        .count();
    let has_fix = |finding: &Finding| {
        finding
            .fix
            .as_ref()
            .is_some_and(|fix| fix.applicability <= applicability)
    };
    let has_fix = findings.iter().any(has_fix);
    let roots = path_roots(false);
    let rescanner = Rescanner {
        roots: &roots,
        values: None,
        walked_folders: &[],
    };
    let answers = LookupResults::default();
    let fixed =
        Fixer::new(&rescanner, applicability).run(&mut scan, settings, answers.into(), None);
    let after = fixed
        .changed
        .values()
        .next()
        .map_or(text, |changed| changed.new_source.text());
    assert_eq!(
        has_fix,
        after != text,
        "{syntax:?} {applicability:?} {text:?}"
    );
    (errors, after.to_owned())
}
