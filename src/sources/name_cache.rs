//! A cache of facts about the names in a document.

/// A cache of a fact about each name, for example whether it is sensitive.
///
/// Components repeat the same names, and comparing two names is cheaper than most facts about them.
pub(super) struct NameCache<'d, T> {
    slots: Vec<Option<(&'d str, T)>>,
}

impl<T> Default for NameCache<'_, T> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<'d, T: Clone> NameCache<'d, T> {
    /// The number of names that are cached at the same time. A name replaces another one in its
    /// slot.
    const SLOTS: usize = 64;

    /// Returns the fact about a name, from the cache if it contains the name.
    pub(super) fn get(&mut self, name: &'d str, compute: impl FnOnce(&str) -> T) -> T {
        if self.slots.is_empty() {
            self.slots.resize(Self::SLOTS, None);
        }
        let (first, last) = (
            name.bytes().next().unwrap_or_default(),
            name.bytes().next_back().unwrap_or_default(),
        );
        let index = (name.len() * 5 + usize::from(first) * 3 + usize::from(last)) % Self::SLOTS;
        let Some(slot) = self.slots.get_mut(index) else {
            return compute(name);
        };
        match slot {
            Some((cached, fact)) if *cached == name => fact.clone(),
            _ => slot.insert((name, compute(name))).1.clone(),
        }
    }
}
