//! An inventory that has every secret with every key, and gives of a list of values always the same for one name.

use secrecy::SecretString;
use stackref::inventory::{
    Capabilities, Inventory, Key, RequestedNames, SecretName, SecretValues, StoreError, ValueType,
};

/// Values that break files, or change their type, where they are spliced in.
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
pub struct Store {
    values: Vec<String>,
}

impl Store {
    /// With these values, or with a list of bad ones.
    pub fn new(values: &[String]) -> Self {
        let values = if values.is_empty() {
            VALUES.map(str::to_owned).to_vec()
        } else {
            values.to_vec()
        };
        Self { values }
    }

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

    fn names(&self, wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        Ok(wanted
            .iter()
            .map(|name| SecretName {
                name: name.clone(),
                caveat: None,
            })
            .collect())
    }

    fn keys(&self, _secret: &str, wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        Ok(wanted
            .iter()
            .map(|name| Key {
                name: name.clone(),
                value: ValueType::Unknown,
            })
            .collect())
    }

    fn values(&self, secret: &str, wanted: &RequestedNames) -> Result<SecretValues, StoreError> {
        Ok(wanted
            .iter()
            .map(|key| (key.clone(), Ok(SecretString::from(self.value(secret, key)))))
            .collect())
    }
}
