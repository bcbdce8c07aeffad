//! The name that was probably meant.

/// Bytes of a name below which being a part of another says nothing.
const PART: usize = 4;

/// The nearest of `known` by edits (insertions, deletions, substitutions, swaps; case counts for nothing), if it is near
/// enough to be a slip: one edit, or a third of the longer name. Where none is, one that the name is a part of, or that is a
/// part of it (`mlflow`, `mlflow_secret`). Of equals the first in the alphabet.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let lower: Vec<char> = name.to_lowercase().chars().collect();
    let mut best: Option<(usize, &str)> = None;
    let mut part: Option<&str> = None;
    for candidate in known {
        let parts =
            name.len() >= PART && candidate.len() >= PART && (candidate.contains(name) || name.contains(candidate));
        if parts && part.is_none_or(|part| candidate < part) {
            part = Some(candidate);
        }
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        let most = (lower.len().max(other.len()) / 3).max(1);
        // The lengths alone rule most names out, before anything is compared.
        if lower.len().abs_diff(other.len()) > most || best.is_some_and(|(edits, _)| edits == 0 && lower != other) {
            continue;
        }
        let edits = strsim::generic_damerau_levenshtein(&lower, &other);
        if edits <= most && best.is_none_or(|best| (edits, candidate) < best) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate).or(part)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let known = ["password", "username", "api_key"];
        assert_eq!(nearest("passwrod", known), Some("password"));
        assert_eq!(nearest("PASSWORD", known), Some("password"));
        assert_eq!(nearest("user_name", known), Some("username"));
        assert_eq!(nearest("mlflow", ["mlflow_secret", "aws"]), Some("mlflow_secret"));
        assert_eq!(nearest("token", known), None);
        assert_eq!(nearest("", known), None);
    }
}
