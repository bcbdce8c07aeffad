//! A cache of the names in a document that may be sensitive.

use crate::zenml::flavors;

/// A cache of which names of a document may be sensitive. Components repeat the same names, and
/// comparing two names is cheaper than looking a name up in the word lists.
#[derive(Default)]
pub(super) struct SensitivityCache<'d> {
    slots: Vec<Option<(&'d str, bool)>>,
}

impl<'d> SensitivityCache<'d> {
    /// The number of names that are cached at the same time. A name replaces another one in its
    /// slot.
    const SLOTS: usize = 64;

    /// Returns whether a name may be sensitive, from the cache if it contains the name.
    pub(super) fn may_be_sensitive(&mut self, name: &'d str) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![None; Self::SLOTS];
        }
        let (first, last) = (
            name.bytes().next().unwrap_or_default(),
            name.bytes().next_back().unwrap_or_default(),
        );
        let index = (name.len() * 5 + usize::from(first) * 3 + usize::from(last)) % Self::SLOTS;
        let Some(slot) = self.slots.get_mut(index) else {
            return flavors::may_be_sensitive(name);
        };
        match *slot {
            Some((cached, is_sensitive)) if cached == name => is_sensitive,
            _ => slot.insert((name, flavors::may_be_sensitive(name))).1,
        }
    }
}
