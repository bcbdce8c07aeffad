//! A row of a table of flavors.

/// A flavor of a component type, with its attributes. A table is sorted by type and name.
#[derive(Debug)]
pub struct Flavor {
    /// The component type.
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) sensitive_attributes: &'static [&'static str],
    /// The attributes that accept no references, since a validator reads them first.
    pub(super) refused_attributes: &'static [&'static str],
    /// The attributes that accept strings. Empty in tables before 0.98.
    pub(super) string_attributes: &'static [&'static str],
    /// The attributes of type `SecretStr`. Empty in tables before 0.98.
    pub(super) secret_str_attributes: &'static [&'static str],
    /// The attributes of other types, such as numbers. Empty in tables before 0.98.
    pub(super) other_attributes: &'static [&'static str],
}

/// Creates a row without attributes.
pub(super) const fn row(kind: &'static str, name: &'static str) -> Flavor {
    Flavor {
        kind,
        name,
        sensitive_attributes: &[],
        refused_attributes: &[],
        string_attributes: &[],
        secret_str_attributes: &[],
        other_attributes: &[],
    }
}

impl Flavor {
    pub(super) const fn sensitive(self, sensitive_attributes: &'static [&'static str]) -> Self {
        Self {
            sensitive_attributes,
            ..self
        }
    }

    pub(super) const fn refused(self, refused_attributes: &'static [&'static str]) -> Self {
        Self {
            refused_attributes,
            ..self
        }
    }

    pub(super) const fn strings(self, string_attributes: &'static [&'static str]) -> Self {
        Self {
            string_attributes,
            ..self
        }
    }

    pub(super) const fn secret_strs(self, secret_str_attributes: &'static [&'static str]) -> Self {
        Self {
            secret_str_attributes,
            ..self
        }
    }

    pub(super) const fn others(self, other_attributes: &'static [&'static str]) -> Self {
        Self {
            other_attributes,
            ..self
        }
    }

    /// Returns whether the flavor has an attribute, as far as its table knows.
    pub(super) fn has_attribute(&self, attribute: &str) -> bool {
        [
            self.string_attributes,
            self.secret_str_attributes,
            self.other_attributes,
        ]
        .iter()
        .any(|attributes| attributes.contains(&attribute))
    }
}
