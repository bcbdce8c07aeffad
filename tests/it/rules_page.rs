//! Tests that `docs/src/rules.md` matches the table of rules. `STACKREF_BLESS=1` writes the page.

use crate::support::project;
use stackref::lint::rules::{RULES, Rule};

/// Returns the page of a rule as a section: the heading is the rule's name, so that
/// `rules.md#name` links to it.
fn section(rule: &Rule) -> String {
    let page = rule.page();
    let (_, text) = page.split_once("\n\n").unwrap();
    let mut section = format!("## {}\n\n", rule.id.name());
    let mut code = false;
    for line in text.lines() {
        code ^= line.starts_with("```");
        let heading = !code && line.starts_with("## ");
        section += &format!("{}{line}\n", if heading { "#" } else { "" });
    }
    section
}

#[test]
fn rules_page_matches_the_table_of_rules() {
    let mut page = String::from(
        "# Rules\n\n\
         To see the page of one rule in the terminal, run `stackref explain RULE`, for example\n\
         `stackref explain unknown-key`. This page contains the same text for all rules.\n\n\
         If there is an *error*, `stackref check` exits with 1. A *warning* counts only with `--deny-warnings`.\n\
         `[rules]` in the config changes the severity of a rule or turns it off. A scalar has at most one\n\
         finding of the rules that check scalars: that of the first rule that applies, in the order of this table.\n\n\
         | rule | severity | finds |\n|---|---|---|\n",
    );
    for rule in RULES {
        page += &format!(
            "| [{0}](#{0}) | {1} | {2} |\n",
            rule.id.name(),
            rule.severity.name(),
            rule.summary
        );
    }
    for rule in RULES {
        page += &format!("\n{}", section(rule));
    }
    let file = project().join("docs/src/rules.md");
    if std::env::var_os("STACKREF_BLESS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let stale = page
        .lines()
        .zip(written.lines())
        .find(|(expected, actual)| expected != actual);
    assert!(
        written == page,
        "docs/src/rules.md is outdated ({stale:?}): update it with `STACKREF_BLESS=1 cargo test`"
    );
}
