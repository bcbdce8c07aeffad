//! An inventory with every secret and every key. Each name always gets the same value of a list.

use secrecy::SecretString;
use stackref::inventory::{
    Capabilities, Inventory, Key, RequestedNames, SecretName, SecretValues, StoreError, ValueType,
};

/// Values that make a file invalid or change their type if they are inserted without quotes.
const VALUES: [&str; 16] = [
    "",
    "x",
    "0123",
    "a: b",
    "p #x",
    "two\nlines\n",
    "it's \"\\",
    "\u{85}\0\t\r",
    "{{x.y}}",
    "-----BEGIN KEY-----\n\n  MIIE\n-----END KEY-----\n\n",
    " lead and trail ",
    "- true",
    "null",
    "&x *y !z",
    "]}, '''",
    "\u{feff}ü😀\u{2028}",
];

#[derive(Clone)]
/// An inventory with every secret and every key, created by each run of the property `render`.
pub struct Store {
    values: Vec<String>,
}

impl Store {
    /// Creates a store with these values, or with [`VALUES`] if there are none.
    pub fn new(values: &[String]) -> Self {
        let values = if values.is_empty() {
            VALUES.map(str::to_owned).to_vec()
        } else {
            values.to_vec()
        };
        Self { values }
    }

    /// Returns the value of a key. It depends only on the names.
    pub fn value(&self, secret: &str, key: &str) -> &str {
        let sum = secret
            .bytes()
            .chain(key.bytes())
            .fold(0_usize, |sum, byte| {
                sum.wrapping_mul(31) + usize::from(byte)
            });
        &self.values[sum % self.values.len()]
    }
}

impl Inventory for Store {
    fn name(&self) -> &'static str {
        "store"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            list: true,
            keys: true,
            values: true,
            write: false,
        }
    }

    fn names(&self, requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        Ok(requested
            .iter()
            .map(|name| SecretName {
                name: name.clone(),
                caveat: None,
            })
            .collect())
    }

    fn keys(&self, _secret: &str, requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        Ok(requested
            .iter()
            .map(|name| Key {
                name: name.clone(),
                value: ValueType::Unknown,
            })
            .collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        Ok(requested
            .iter()
            .map(|key| (key.clone(), Ok(SecretString::from(self.value(secret, key)))))
            .collect())
    }
}
