//! The names of a dynamic reference, of which variables determine a part.

use crate::document::TextTemplate;
use crate::sources::reference::ReferenceNames;
use crate::sources::stack_model::is_secret_name;
use crate::zenml::grammar::{self, BraceKind, ParsedValue, Resolver};
use std::collections::BTreeMap;

/// The names of a dynamic reference as templates.
#[derive(Clone, Debug)]
pub(super) enum NameTemplate {
    /// A text that becomes `{{secret.key}}`.
    Braces(TextTemplate),
    /// The names, which are apart.
    Names {
        /// The name of the secret.
        secret: TextTemplate,
        /// The key, or `None` for a whole secret.
        key: Option<TextTemplate>,
    },
}

impl NameTemplate {
    /// Returns the name of the variable. Returns `None` if there are several.
    pub fn only_variable(&self) -> Option<&str> {
        let (first, second) = match self {
            Self::Braces(template) => (template, None),
            Self::Names { secret, key } => (secret, key.as_ref()),
        };
        let templates = std::iter::once(first).chain(second);
        let mut variables = templates.flat_map(TextTemplate::variables);
        let only = variables.next()?.source_name()?;
        variables
            .all(|variable| variable.source_name() == Some(only))
            .then_some(only)
    }

    /// Returns the names with the values of variables. Returns `None` if a variable has no value, or
    /// if the result is not a reference.
    ///
    /// A reference in braces is read after its variables are replaced, as `ZenML` reads it. Thus its
    /// first dot separates the name and the key, even if a value contains it.
    pub fn expand(&self, variables: &BTreeMap<String, String>) -> Option<ReferenceNames> {
        match self {
            Self::Braces(template) => {
                let text = template.expand(variables)?;
                let ParsedValue::Reference(braces) = grammar::parse_value(&text, Resolver::Zenml)
                else {
                    return None;
                };
                match braces.kind {
                    BraceKind::Reference { name, key, .. } => {
                        Some(ReferenceNames::new(name, Some(key)))
                    }
                    BraceKind::Dynamic { .. } | BraceKind::Malformed(_) => None,
                }
            }
            Self::Names { secret, key } => {
                let secret = secret.expand(variables)?;
                let key = match key {
                    Some(key) => Some(key.expand(variables)?),
                    None => None,
                };
                let is_key = |key: &String| grammar::key_error(key).is_none();
                let is_valid = is_secret_name(&secret)
                    && !secret.contains(char::is_control)
                    && key.as_ref().is_none_or(is_key);
                is_valid.then(|| ReferenceNames::new(&secret, key.as_deref()))
            }
        }
    }
}

/// Returns the template of a text in which `ZenML` replaces `${NAME}`. Returns `None` if it contains
/// no variable.
pub(super) fn with_env_variables(text: &str) -> Option<TextTemplate> {
    let variables = grammar::find_variables(text);
    if variables.is_empty() {
        return None;
    }
    let mut template = TextTemplate::default();
    let mut at = 0;
    for range in variables {
        template.push_text(text.get(at..range.start)?)?;
        let name = text.get(range.start + 2..range.end - 1)?;
        template.extend(&TextTemplate::variable(name))?;
        at = range.end;
    }
    template.push_text(text.get(at..)?)?;
    Some(template)
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
pub(super) mod tests {
    use super::super::expansion_checks::expanded;
    use super::*;

    /// Returns variables that are written as `A=a B=b`. `␣` is a space.
    pub(in crate::sources) fn variables(pairs: &str) -> BTreeMap<String, String> {
        let pairs = pairs.split_whitespace();
        let pairs = pairs.map(|pair| pair.split_once('=').expect(pair));
        pairs
            .map(|(name, value)| (name.to_owned(), value.replace('␣', " ")))
            .collect()
    }

    const REGISTER: &str = "zenml alerter register a --flavor=slack";

    fn check_word(word: &str, pairs: &str, expected: &str) {
        let text = format!("{REGISTER} --slack_token={word}\n");
        assert_eq!(expanded("x.sh", &text, pairs), expected, "{word} {pairs}");
    }

    #[test]
    fn variables_of_a_word_get_their_values() {
        for (word, pairs, expected) in [
            (
                "\"{{${ENV}_db.k}}\"",
                "ENV=prod",
                "${ENV}_db.k -> prod_db.k",
            ),
            ("\"{{$ENV.k}}\"", "ENV=prod", "$ENV.k -> prod.k"),
            ("{{$ENV.k}}", "ENV=prod", "$ENV.k -> prod.k"),
            ("\"{{db.${KEY}}}\"", "KEY=a.b", "db.${KEY} -> db.a.b"),
            ("\"{{$A.$B}}\"", "A=a B=b", "$A.$B -> a.b"),
            ("\"{{$A$B.k}}\"", "A=a B=b", "$A$B.k -> ab.k"),
            ("\"{{$A.$B}}\"", "A=a", "$A.$B -> ?"),
            ("'{{'\"$A\"'.k}}'", "A=a", "$A.k -> a.k"),
            ("\"{{${A:-x}.k}}\"", "A=a", "${A:-x}.k -> a.k"),
            ("\"{{${A-x}.k}}\"", "A=a", "${A-x}.k -> a.k"),
            ("\"{{${A:=x}.k}}\"", "A=a", "${A:=x}.k -> a.k"),
            ("\"{{${A:?x}.k}}\"", "A=a", "${A:?x}.k -> a.k"),
            ("\"{{x${A:-x}.k}}\"", "A=", "x${A:-x}.k -> ?"),
            ("\"{{x${A:-}.k}}\"", "A=", "x${A:-}.k -> x.k"),
            ("\"{{x${A-x}.k}}\"", "A=", "x${A-x}.k -> x.k"),
            ("\"{{${A#x}.k}}\"", "A=a", "${A#x}.k -> ?"),
            ("\"{{${A/a/b}.k}}\"", "A=a", "${A/a/b}.k -> ?"),
            ("\"{{${!A}.k}}\"", "A=a", "${!A}.k -> ?"),
            ("\"{{$1.k}}\"", "A=a 1=x", "$1.k -> ?"),
            ("\"{{$(A).k}}\"", "A=a", "$(A).k -> ?"),
            ("\"{{${A}_$(x).k}}\"", "A=a", "${A}_$(x).k -> ?"),
            ("\"{{a.k}}\"", "A=a", "a.k"),
            ("\"{{é${A}.k}}\"", "A=ü", "é${A}.k -> éü.k"),
        ] {
            check_word(word, pairs, expected);
        }
    }

    #[test]
    fn a_reference_is_read_after_its_variables_are_replaced() {
        for (word, pairs, expected) in [
            ("\"{{$A.k}}\"", "A=a.b", "$A.k -> a.b.k"),
            ("\"{{$REF}}\"", "REF=a.b", "$REF -> a.b"),
            ("\"{{$REF}}\"", "REF=a", "$REF -> ?"),
            ("\"{{$A.k}}\"", "A=", "$A.k -> ?"),
            ("\"{{$A.k}}\"", "A=a␣b", "$A.k -> ?"),
            ("\"{{$A.k}}\"", "A=␣a", "$A.k -> a.k"),
            ("\"{{$A.k}}\"", "A=a{b", "$A.k -> ?"),
            ("\"{{$A.k}}\"", "A=a.b}}{{c", "$A.k -> ?"),
            ("\"{{$A.k}}\"", "A=${B} B=b", "$A.k -> ?"),
            ("{{$A.k}}", "A=a*", "$A.k -> ?"),
            ("\"{{$A.k}}\"", "A=a*", "$A.k -> a*.k"),
        ] {
            check_word(word, pairs, expected);
        }
        let text = format!("{REGISTER} --slack_token=\"{{{{$A.k}}}}\"");
        let found = super::super::expansion_checks::references("x.sh", &text);
        let names = found.first().and_then(|it| it.expand(&variables("A=a.b")));
        let names = names.expect("the reference is valid");
        assert_eq!((names.secret(), names.key()), ("a", Some("b.k")));
    }

    #[test]
    fn names_of_whole_secrets_get_their_values() {
        for (word, pairs, expected) in [
            ("\"$SECRET\"", "SECRET=db", "$SECRET -> db"),
            ("$SECRET", "SECRET=db", "$SECRET -> db"),
            ("${ENV}_db", "ENV=prod", "${ENV}_db -> prod_db"),
            ("\"${ENV}_db\"", "ENV=a.b", "${ENV}_db -> a.b_db"),
            ("\"$SECRET\"", "SECRET=", "$SECRET -> ?"),
            ("\"$SECRET\"", "SECRET={{a.b}}", "$SECRET -> ?"),
            ("$SECRET", "SECRET=a␣b", "$SECRET -> ?"),
            ("\"$SECRET\"", "X=db", "$SECRET -> ?"),
        ] {
            let text = format!("zenml stack register s -o default -a default --secret {word}\n");
            assert_eq!(expanded("x.sh", &text, pairs), expected, "{word} {pairs}");
        }
    }

    #[test]
    fn assignments_of_the_script_are_followed() {
        for (code, pairs, expected) in [
            ("S=\"${ENV}_db\"", "ENV=prod", "$S.k -> prod_db.k"),
            ("S=${ENV}_db", "ENV=prod", "$S.k -> prod_db.k"),
            ("T=${ENV}; S=$T\"_db\"", "ENV=prod", "$S.k -> prod_db.k"),
            ("T=db; S=${ENV}_$T", "ENV=prod", "$S.k -> prod_db.k"),
            ("export S=\"${ENV}_db\"", "ENV=prod", "$S.k -> prod_db.k"),
            ("S=db", "S=x", "db.k"),
            ("S=$1", "S=x", "$S.k -> x.k"),
            ("S=$(cmd)", "S=x", "$S.k -> x.k"),
            ("read -r S", "S=x", "$S.k -> x.k"),
            ("S=${S:-dev}", "S=x", "$S.k -> x.k"),
            ("S=$1; S=${S:-dev}", "S=x", "$S.k -> x.k"),
            ("S=${1:-dev}", "S=x", "$S.k -> x.k"),
            ("S=$T", "S=x", "$S.k -> x.k"),
            ("S=$T", "S=x T=t", "$S.k -> t.k"),
            ("T=$1; S=$T", "T=t", "$S.k -> t.k"),
            ("S=${S:-dev}", "T=x", "$S.k -> ?"),
            ("S=a; S=b", "S=x", "$S.k -> ?"),
            ("S=a; S=$1", "S=x", "$S.k -> ?"),
            ("S=$1; S=a", "S=x", "$S.k -> ?"),
            ("S=${T}_a; S=${T}_b", "S=x T=t", "$S.k -> ?"),
            ("S=$1; S+=_db", "S=x", "$S.k -> ?"),
            ("S=$1; S=${S}_db", "S=x", "$S.k -> ?"),
            ("S=${S}_db", "S=x", "$S.k -> ?"),
            ("for S in a b; do :; done", "S=x", "$S.k -> ?"),
            ("for S in \"$@\"; do :; done", "S=x", "$S.k -> ?"),
            ("S=(a b)", "S=x", "$S.k -> ?"),
            ("for T in a b; do :; done; S=${T}_x", "S=x T=t", "$S.k -> ?"),
            ("A=$B; B=$S; S=$A", "S=x A=x B=x", "$S.k -> ?"),
        ] {
            let text = format!("{code}\n{REGISTER} --slack_token=\"{{{{$S.k}}}}\"\n");
            assert_eq!(expanded("x.sh", &text, pairs), expected, "{code} {pairs}");
        }
    }

    /// Checks a command with a variable in a host's file. `before` precedes it.
    fn check_host(path: &str, before: &str, variable: &str, expected: &str) {
        let open = if path == "justfile" { "{{{{" } else { "{{" };
        let end = if path == "a.md" { "\n```\n" } else { "\n" };
        let token = format!("--slack_token=\"{open}{variable}_db.k}}}}\"");
        let text = format!("{before}{REGISTER} {token}{end}");
        let found = expanded(path, &text, "ENV=prod");
        assert_eq!(found, format!("{variable}_db.k -> {expected}"), "{text}");
    }

    #[test]
    fn variables_of_a_host_get_their_values() {
        for (path, before, variable, expected) in [
            ("Makefile", "a:\n\t", "$(ENV)", "prod_db.k"),
            ("Makefile", "a:\n\t", "${ENV}", "prod_db.k"),
            ("Makefile", "a:\n\t", "$${ENV}", "prod_db.k"),
            ("Makefile", "a:\n\t", "$(shell x)", "?"),
            ("Makefile", "ENV ?= dev\na:\n\t", "$(ENV)", "prod_db.k"),
            ("Makefile", "X = $(ENV)_x\na:\n\t", "$(X)", "prod_x_db.k"),
            ("Makefile", "X = a\nX += $(ENV)\na:\n\t", "$(X)", "?"),
            ("justfile", "a:\n  ", "${ENV}", "prod_db.k"),
            ("justfile", "a:\n  ", "{{ENV}}", "prod_db.k"),
            ("Dockerfile", "ARG ENV=dev\nRUN ", "${ENV}", "prod_db.k"),
            ("Dockerfile", "ENV X=${ENV}_x\nRUN ", "${X}", "prod_x_db.k"),
        ] {
            check_host(path, before, variable, expected);
        }
    }

    #[test]
    fn variables_of_a_ci_file_get_their_values() {
        let workflow = ".github/workflows/x.yml";
        let steps = "jobs:\n  a:\n    steps:\n      - run: |\n          ";
        let assigned = format!("{steps}ENV=dev\n          ");
        for (path, before, variable, expected) in [
            (workflow, steps, "${ENV}", "prod_db.k"),
            (workflow, steps, "${{ env.ENV }}", "prod_db.k"),
            (workflow, &assigned, "${{ env.ENV }}", "prod_db.k"),
            (workflow, steps, "${{ env.ENV || 'x' }}", "?"),
            (workflow, steps, "${{ inputs.ENV }}", "?"),
            (
                ".gitlab-ci.yml",
                "a:\n  script:\n    - |\n      ",
                "${ENV}",
                "prod_db.k",
            ),
        ] {
            check_host(path, before, variable, expected);
        }
    }

    #[test]
    fn placeholders_of_a_page_are_not_variables() {
        for (before, variable, expected) in [
            ("```bash\n", "${ENV}", "prod_db.k"),
            ("```bash\n", "<ENV>", "?"),
            ("```bash\nX=<ENV>_x\n", "${X}", "?"),
            ("```bash\nENV=<ENV>\n", "${ENV}", "prod_db.k"),
            ("```bash\nX=${ENV}_x\n", "${X}", "prod_x_db.k"),
        ] {
            check_host("a.md", before, variable, expected);
        }
    }

    #[test]
    fn variables_of_a_run_config_get_their_values() {
        for (value, pairs, expected) in [
            ("'{{${ENV}_db.k}}'", "ENV=prod", "${ENV}_db.k -> prod_db.k"),
            ("'{{ db.${KEY} }}'", "KEY=k", "db.${KEY} -> db.k"),
            ("'{{${REF}}}'", "REF=a.b.c", "${REF} -> a.b.c"),
            ("'{{${A}.${B}}}'", "A=a", "${A}.${B} -> ?"),
            ("'{{${1}.k}}'", "1=a", "${1}.k -> a.k"),
        ] {
            let text = format!(
                "settings:\n  orchestrator.sagemaker:\n    execution_role: {value}\nenable_cache: true\n"
            );
            assert_eq!(expanded("x.yaml", &text, pairs), expected, "{value}");
        }
    }
}
