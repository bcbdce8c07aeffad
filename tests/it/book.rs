//! `docs/src/rules.md` is made from the table of rules. `STACKREF_BLESS=1` writes it.

use crate::support::project;
use stackref::lint::rules::{RULES, Rule};

/// A rule's page with its headings two levels down, so that `rules.md#name` is where it is.
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
fn the_page_of_the_rules_is_that_of_their_table() {
    let mut page = String::from(
        "# Rules\n\nThis page lists every rule: what it finds, why that matters, an example, and what to do. It is made from what\n\
         `stackref explain RULE` prints.\n\n\
         An *error* ends a run with 1, a *warning* only under `--deny-warnings`; `[rules]` in the config sets another weight or turns\n\
         a rule off. Of the rules that look at one scalar the first that fits speaks, in the order of this table, and it alone.\n\n\
         | rule | | finds |\n|---|---|---|\n",
    );
    for rule in RULES {
        page += &format!("| [{0}](#{0}) | {1} | {2} |\n", rule.id.name(), rule.severity.name(), rule.summary);
    }
    for rule in RULES {
        page += &format!("\n{}", section(rule));
    }
    let file = project().join("docs/src/rules.md");
    if std::env::var_os("STACKREF_BLESS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let stale = page.lines().zip(written.lines()).find(|(made, there)| made != there);
    assert!(written == page, "docs/src/rules.md is stale ({stale:?}): `STACKREF_BLESS=1 cargo test` writes it anew");
}
