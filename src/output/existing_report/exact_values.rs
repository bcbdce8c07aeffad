//! Types that deserialize only from certain texts, or that discard their contents.

use super::is_rule;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A list whose items were deserialized and then discarded.
pub struct DiscardedList<T>(PhantomData<T>);

impl<'d, T: Deserialize<'d>> Deserialize<'d> for DiscardedList<T> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'d, T: Deserialize<'d>> Visitor<'d> for ListVisitor<T> {
            type Value = DiscardedList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'d>>(
                self,
                mut items: A,
            ) -> Result<DiscardedList<T>, A::Error> {
                while items.next_element::<T>()?.is_some() {}
                Ok(DiscardedList(PhantomData))
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// Declares a type that deserializes only from texts for which a function returns `true`.
macro_rules! exact_text {
    ($(#[$doc:meta])* $name:ident, $accepts:expr) => {
        $(#[$doc])*
        pub struct $name;

        impl<'d> Deserialize<'d> for $name {
            fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(&text) { Ok(Self) } else { Err(D::Error::custom("unexpected text")) }
            }
        }
    };
}

exact_text!(
    /// The name of a rule.
    RuleName,
    is_rule
);
exact_text!(
    /// `error` or `warning`.
    SeverityName,
    |text| matches!(text, "error" | "warning")
);
exact_text!(
    /// A fingerprint, as stackref computes it.
    Fingerprint,
    |text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
);
exact_text!(
    /// The version of SARIF.
    SarifVersion,
    |text| text == "2.1.0"
);
exact_text!(
    /// The URL of the schema of SARIF, as stackref writes it.
    SarifSchema,
    |text| text == crate::output::sarif::SCHEMA
);
exact_text!(
    /// The name of the tool: `stackref`.
    ToolName,
    |text| text == "stackref"
);

/// The version of a report: 1.
pub struct VersionOne;

impl<'d> Deserialize<'d> for VersionOne {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        if u32::deserialize(deserializer)? == 1 {
            Ok(Self)
        } else {
            Err(D::Error::custom("unexpected version"))
        }
    }
}
