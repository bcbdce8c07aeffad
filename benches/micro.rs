//! Micro-benchmarks of the slowest parts of a run: parsers, the grammar of references, spelling
//! suggestions, and the human report.
//!
//! `cargo bench --bench micro` runs them. An argument after `--` selects some by name. The inputs
//! are generated and the same each time.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use stackref::diagnostics::finding::Severity;
use stackref::diagnostics::finding_builder::{FindingBuilder, build_all};
use stackref::diagnostics::rule_id::RuleId;
use stackref::document::{Document, Syntax};
use stackref::output::human;
use stackref::output::style::OutputStyle;
use stackref::text::nearest::Suggester;
use stackref::text::redacted_source::{RedactedSource, Visibility};
use stackref::text::source::{SourceFile, Span};
use stackref::zenml::grammar;
use std::fmt::Write as _;
use std::sync::Arc;

/// The number of attributes in each parsed stack.
const ATTRIBUTES: usize = 2_000;

/// The number of findings in the report.
const FINDINGS: usize = 1_000;

/// The number of names that the suggester searches.
const NAMES: usize = 1_000;

fn main() {
    divan::main();
}

fn stack(syntax: Syntax) -> String {
    let (head, tail) = match syntax {
        Syntax::Yaml => (
            "stack_name: many\ncomponents:\n  tracker:\n    configuration:\n",
            "    flavor: ours\n",
        ),
        Syntax::Toml => (
            "stack_name = \"many\"\n[components.tracker.configuration]\n",
            "",
        ),
        _ => (
            "{\"stack_name\": \"many\", \"components\": {\"tracker\": {\"configuration\": {\n",
            "\"last\": \"\"}}}}\n",
        ),
    };
    let mut text = head.to_owned();
    for at in 0..ATTRIBUTES {
        let reference = format!("{{{{secret_{}.key_{}}}}}", at % 50, at % 4);
        let line = match syntax {
            Syntax::Yaml => {
                format!(
                    "      attribute_{at}: '{reference}' # of team {at}\n      plain_{at}: value {at}\n"
                )
            }
            Syntax::Toml => format!(
                "attribute_{at} = '{reference}' # of team {at}\nplain_{at} = \"value {at}\"\n"
            ),
            _ => format!("\"attribute_{at}\": \"{reference}\",\n\"plain_{at}\": \"value {at}\",\n"),
        };
        text.push_str(&line);
    }
    text.push_str(tail);
    text
}

#[divan::bench(args = [Syntax::Yaml, Syntax::Toml, Syntax::Json])]
fn parse(bencher: Bencher<'_, '_>, syntax: Syntax) {
    let text = stack(syntax);
    bencher
        .counter(BytesCount::of_str(&text))
        .with_inputs(|| Arc::new(SourceFile::new("many", text.as_str())))
        .bench_values(|source| Document::parse(source, syntax).unwrap());
}

#[divan::bench]
fn scan(bencher: Bencher<'_, '_>) {
    let text = stack(Syntax::Yaml);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| grammar::find_braces(black_box(&text)).len());
}

#[divan::bench]
fn nearest(bencher: Bencher<'_, '_>) {
    let names: Vec<String> = (0..NAMES)
        .map(|at| format!("team_{}_{}_secret", at % 37, at * 7919 % 1009))
        .collect();
    let suggester = Suggester::new(names.iter().map(String::as_str));
    bencher
        .counter(ItemsCount::new(NAMES))
        .bench(|| suggester.nearest(black_box("team_12_511_secert")));
}

#[divan::bench]
fn human_report(bencher: Bencher<'_, '_>) {
    let mut text = String::new();
    let mut spans = Vec::new();
    for at in 0..FINDINGS {
        write!(text, "      attribute_{at}: ").unwrap();
        let start = text.len();
        text.push_str("'{{mlflow_secre.password}}'");
        spans.push(Span::new(start, text.len()));
        text.push('\n');
    }
    let source = RedactedSource::new(
        Arc::new(SourceFile::new("many.yaml", text)),
        Visibility::Masked(Vec::new().into()),
    );
    let finding = |span| {
        let message = "no secret `mlflow_secre` in the inventory `team`";
        let finding = FindingBuilder::new(RuleId::UnknownSecret, &source, span, message);
        finding
            .label("no such secret")
            .help("did you mean `mlflow_secret`?")
    };
    let findings = build_all(spans.into_iter().map(finding).collect(), |_| {
        Some(Severity::Error)
    });
    bencher.counter(ItemsCount::new(FINDINGS)).bench(|| {
        let mut out = Vec::new();
        human::write(black_box(&findings), OutputStyle::PLAIN, &mut out).unwrap();
        out
    });
}
