//! Names of secrets of which a part is known only at run time.

use crate::lint::resolved_references::ResolvedReferences;
use crate::lint::scan::Scan;
use std::collections::BTreeSet;

/// The names that are compared with each secret. More names than this may mean any secret.
const MAX_NAMES: usize = 1_000;

/// The distinct dynamic names of a scan.
pub(super) struct DynamicNames<'s> {
    names: BTreeSet<&'s str>,
    /// Whether a part of a file was not read, so that it may mean any secret.
    is_incomplete: bool,
}

impl<'s> DynamicNames<'s> {
    /// Returns the names of the references that stay dynamic.
    pub(super) fn of_scan(scan: &'s Scan, resolved: &ResolvedReferences) -> Self {
        let references = resolved.still_dynamic(scan);
        Self {
            names: references.map(|it| it.expression().secret()).collect(),
            is_incomplete: scan.files.iter().any(|file| file.is_incomplete),
        }
    }

    /// Returns whether one of the names may mean a secret.
    pub(super) fn may_mean(&self, secret: &str) -> bool {
        self.is_incomplete
            || self.names.len() > MAX_NAMES
            || self.names.iter().any(|name| may_mean(name, secret))
    }
}

/// Returns whether a name that is written with variables or placeholders may mean a secret. For
/// example, `${ENV}_db` may mean `prod_db`.
///
/// Only the text before the first and after the last placeholder is compared.
pub(super) fn may_mean(dynamic: &str, secret: &str) -> bool {
    let is_mark = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    let Some(first) = dynamic.find(is_mark) else {
        return dynamic == secret;
    };
    let prefix = dynamic.get(..first).unwrap_or_default();
    let after_last = dynamic
        .rsplit_once(['}', ')', ']', '>', '%', '@', '#'])
        .map(|(_, suffix)| suffix);
    // The end of `$SECRET` may be a part of the variable's name.
    let suffix = after_last.filter(|suffix| !suffix.contains(is_mark));
    secret
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.ends_with(suffix.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_around_placeholders_is_compared() {
        for (dynamic, secret) in [
            ("${ENV}_db", "prod_db"),
            ("db_${ENV}", "db_prod"),
            ("${A}-db-${B}", "x-db-y"),
            ("$SECRET", "db"),
            ("<YOUR_SECRET>", "db"),
            ("db", "db"),
        ] {
            assert!(may_mean(dynamic, secret), "{dynamic} {secret}");
        }
        for (dynamic, secret) in [
            ("${ENV}_db", "prod_mail"),
            ("db_${ENV}", "mail"),
            ("db_${ENV}_x", "db_prod"),
            ("db", "mail"),
        ] {
            assert!(!may_mean(dynamic, secret), "{dynamic} {secret}");
        }
    }
}
