//! Counts how often the facts about a file are computed, to prove that each is computed once.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// A fact that is computed from a file, or about one of its references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// The tree of a text.
    Document,
    /// The mappings at the top level, which determine the kind of the file.
    RootMappings,
    /// The comments that instruct stackref.
    Directives,
    /// The parsed value of a scalar.
    Value,
    /// The spans that excerpts must not show.
    Masks,
    /// The inventories and names that a reference is looked up with.
    Lookup,
}

thread_local! {
    static COUNTS: RefCell<BTreeMap<Fact, usize>> = const { RefCell::new(BTreeMap::new()) };
}

/// Counts a computation on this thread.
pub(crate) fn record(fact: Fact) {
    COUNTS.with_borrow_mut(|counts| *counts.entry(fact).or_default() += 1);
}

/// Returns the counts of this thread, and begins again.
fn take() -> BTreeMap<Fact, usize> {
    COUNTS.take()
}

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::{Fact, take};
    use crate::document::Syntax;
    use crate::inventory::{
        Capabilities, Inventories, Inventory, Key, RequestedNames, SecretName, SecretValues,
        StoreError, ValueType,
    };
    use crate::lint::pipeline;
    use crate::lint::reference_list::ReferenceList;
    use crate::lint::report::Report;
    use crate::lint::scan::{PathRoots, Scan, run_text};
    use crate::lint::settings::{LevelChoice, Settings};
    use crate::project::config::{Config, Level};
    use crate::project::configs::Configs;
    use crate::project::discover::Candidate;
    use crate::text::redacted_source::RedactedSource;
    use crate::zenml::grammar::Resolver;
    use std::path::PathBuf;

    /// Four references to three keys, and a whole secret.
    const STACK: &str = "
stack_name: s
components:
  orchestrator:
    flavor: ours
    name: o
    password: '{{db.password}}' # a comment
    user: '{{db.user}}'
    again: '{{db.user}}'
  artifact_store: {flavor: s3, name: a, authentication_secret: db, key: '{{db.key}}'}
";

    /// An inventory with the secret `db`.
    struct OneSecret;

    impl Inventory for OneSecret {
        fn name(&self) -> &'static str {
            "one"
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities {
                list: true,
                keys: true,
                values: false,
                write: false,
            }
        }

        fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
            Ok(vec![SecretName {
                name: "db".into(),
                caveat: None,
            }])
        }

        fn keys(&self, _secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
            let keys = ["user", "password", "key"].map(|name| Key {
                name: name.into(),
                value: ValueType::Unknown,
            });
            Ok(keys.into())
        }

        fn values(
            &self,
            _secret: &str,
            _requested: &RequestedNames,
        ) -> Result<SecretValues, StoreError> {
            Err(StoreError::NoValues)
        }
    }

    fn scan(text: &str) -> Scan {
        let candidate = Candidate {
            path: PathBuf::from("/w/s.yaml"),
            syntax: Syntax::Yaml,
            reason: None,
        };
        let roots = PathRoots {
            cwd: PathBuf::from("/w"),
            root: PathBuf::from("/w"),
            keep_documents: true,
            honor_literal_comments: true,
            repository: None,
        };
        run_text(text.as_bytes(), candidate, Resolver::Zenml, &roots)
    }

    fn check(scan: &Scan) -> Report {
        let configs = Configs::fixed(Config::default());
        let inventories = Inventories::from_inventories(vec![Box::new(OneSecret)]);
        let level = LevelChoice::fixed(Level::SecretAndKeyExists);
        pipeline::run(scan, &Settings::new(&configs, level, &inventories), None)
    }

    #[test]
    fn each_fact_is_computed_once() {
        take();
        let scan = scan(STACK);
        let once = [Fact::Document, Fact::RootMappings, Fact::Directives].map(|fact| (fact, 1));
        let values = (Fact::Value, 5);
        assert_eq!(take(), once.into_iter().chain([values]).collect());

        let report = check(&scan);
        assert_eq!(report.findings.len(), 0);
        assert_eq!(take(), [(Fact::Lookup, 5)].into());

        // The commands that list, register and render references read the same analysis.
        assert_eq!(ReferenceList::of_scan(&scan).references().count(), 5);
        assert_eq!(report.references.answered().iter(&scan).count(), 5);
        assert_eq!(scan.files[0].replaced_references().count(), 4);
        assert_eq!(take(), [].into());
    }

    #[test]
    fn masks_are_computed_for_a_file_with_findings() {
        take();
        let with_mistake = scan(&STACK.replace("{{db.key}}", "{{db.key}"));
        assert_eq!(take().get(&Fact::Masks), Some(&1));
        assert!(!with_mistake.files[0].source.masks().unwrap().is_empty());
        assert_eq!(take(), [].into());
    }

    #[test]
    fn masks_of_other_files_are_computed_for_the_first_excerpt() {
        let correct = scan(STACK);
        take();
        let source: &RedactedSource = &correct.files[0].source;
        assert!(!source.masks().unwrap().is_empty() && !source.masks().unwrap().is_empty());
        assert_eq!(
            take()
                .into_iter()
                .filter(|(fact, _)| *fact != Fact::Value)
                .collect::<Vec<_>>(),
            [(Fact::Document, 1), (Fact::Masks, 1)]
        );
    }
}
