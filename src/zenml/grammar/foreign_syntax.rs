//! Other systems whose syntax uses double braces.

use super::characters::is_space;

/// A system that uses double braces in its own syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignSyntax {
    /// GitHub Actions: `${{ … }}`.
    GitHub,
    /// Databricks: `{{secrets/scope/key}}`.
    Databricks,
    /// 1Password: `{{ op://vault/item/field }}`.
    OnePassword,
    /// AWS CloudFormation: `{{resolve:secretsmanager:…}}`.
    CloudFormation,
    /// Argo Workflows: `{{workflow.name}}`, for example.
    Argo,
}

/// Returns the system whose syntax a brace expression looks like, given the text between the braces
/// and whether a `$` is before them. Returns `None` if it looks like none of these systems.
pub(super) fn foreign_syntax(inner: &str, follows_dollar: bool) -> Option<ForeignSyntax> {
    let inner = inner.trim_matches(is_space);
    if follows_dollar {
        Some(ForeignSyntax::GitHub)
    } else if inner.starts_with("secrets/") {
        Some(ForeignSyntax::Databricks)
    } else if inner.starts_with("op://") {
        Some(ForeignSyntax::OnePassword)
    } else if inner.starts_with("resolve:") {
        Some(ForeignSyntax::CloudFormation)
    } else {
        is_argo(inner).then_some(ForeignSyntax::Argo)
    }
}

/// Returns whether an expression starts with a variable that Argo Workflows defines.
fn is_argo(inner: &str) -> bool {
    let rest = inner.trim_start_matches('=');
    let is_end = |byte| matches!(byte, b'.' | b'[' | b' ');
    let len = rest.bytes().position(is_end).unwrap_or(rest.len());
    let name = rest.get(..len).unwrap_or_default();
    matches!(
        name,
        "workflow" | "inputs" | "outputs" | "steps" | "tasks" | "pod" | "item"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_is_recognized_by_its_words() {
        for (inner, system) in [
            (" secrets/scope/key ", Some(ForeignSyntax::Databricks)),
            ("op://vault/item/field", Some(ForeignSyntax::OnePassword)),
            (
                "resolve:ssm-secure:/db/password:1",
                Some(ForeignSyntax::CloudFormation),
            ),
            ("workflow.name", Some(ForeignSyntax::Argo)),
            ("=inputs.x", Some(ForeignSyntax::Argo)),
            ("item", Some(ForeignSyntax::Argo)),
            ("workflows.name", None),
            ("secrets.x", None),
        ] {
            assert_eq!(foreign_syntax(inner, false), system, "{inner}");
        }
        assert_eq!(
            foreign_syntax(" secrets.X ", true),
            Some(ForeignSyntax::GitHub)
        );
    }
}
