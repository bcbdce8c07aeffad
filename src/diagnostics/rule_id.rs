//! The names of the rules, as a type: a misspelt name does not compile.
//!
//! What a rule reports, and its page, are in `lint::rules`. This file is below it, since configs
//! and findings name rules, too.

use std::fmt;
use std::str::FromStr;

/// Declares the rules once, with the name that users write.
macro_rules! rule_ids {
    ($($variant:ident = $name:literal,)+) => {
        /// A rule. The order is that of the names, by which findings at one place are sorted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RuleId {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl RuleId {
            /// All rules, by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name that users write, in kebab case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

rule_ids! {
    AmbiguousSecret = "ambiguous-secret",
    BakedSecret = "baked-secret",
    BareIgnore = "bare-ignore",
    DynamicReference = "dynamic-reference",
    EmbeddedReference = "embedded-reference",
    EmptyValue = "empty-value",
    ForeignReference = "foreign-reference",
    IgnoredField = "ignored-field",
    LeakedValue = "leaked-value",
    MalformedReference = "malformed-reference",
    MissingSecretsManager = "missing-secrets-manager",
    NestedReference = "nested-reference",
    PaddedReference = "padded-reference",
    PlaintextSecret = "plaintext-secret",
    PrivateSecret = "private-secret",
    ReferenceInKey = "reference-in-key",
    RefusedAttribute = "refused-attribute",
    RegisteredDrift = "registered-drift",
    SyntaxError = "syntax-error",
    UnknownKey = "unknown-key",
    UnknownSecret = "unknown-secret",
    UnquotedReference = "unquoted-reference",
    UnreferenceableSecret = "unreferenceable-secret",
    UnusableValue = "unusable-value",
    UnusedIgnore = "unused-ignore",
    UnusedSecret = "unused-secret",
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The error for a name that no rule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRule;

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown rule")
    }
}

impl std::error::Error for UnknownRule {}

impl FromStr for RuleId {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .iter()
            .copied()
            .find(|rule| rule.name() == name)
            .ok_or(UnknownRule)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn rules_are_ordered_by_unique_names() {
        assert!(
            RuleId::ALL
                .windows(2)
                .all(|pair| pair[0].name() < pair[1].name() && pair[0] < pair[1])
        );
    }

    #[test]
    fn names_are_parsed_exactly() {
        for &rule in RuleId::ALL {
            assert_eq!(rule.name().parse(), Ok(rule));
        }
        assert_eq!("unknown_key".parse::<RuleId>(), Err(UnknownRule));
        assert_eq!("Unknown-key".parse::<RuleId>(), Err(UnknownRule));
    }
}
