//! Evaluates `local.name`, `var.name` and `zenml_secret.label.name`.

use super::hcl_evaluator::{CodeStart, HclEvaluator};
use super::hcl_file::HclFile;
use super::hcl_templates::is_plain_literal;
use super::hcl_text_builder::replaced_text;
use super::terraform_module::{ConstantId, ConstantKind};
use crate::document::code_value::{CodeText, CodeValue, TextDefinition};
use crate::text::source::Span;
use hcl_edit::expr::{Expression, TraversalOperator};
use std::rc::Rc;
use std::sync::Arc;

/// The entries of a mapping that may be searched for each unit of the budget.
const ENTRIES_PER_UNIT: usize = 16;

/// The value of a constant, and the file that defines it.
pub(super) struct ConstantValue<'m> {
    file: &'m HclFile,
    value: CodeValue,
}

/// A step of a traversal.
enum PathStep {
    /// `.name` or `["name"]`.
    Name(String),
    /// `[0]`.
    Index(usize),
}

impl<'m> HclEvaluator<'m> {
    /// Returns the value of a name or a traversal. It is known for constants of the module.
    pub(super) fn traversal(
        &mut self,
        start: CodeStart<'m>,
        span: Span,
        expression: &Expression,
    ) -> CodeValue {
        let dynamic = Self::dynamic(start, span);
        let Some((root, path)) = read_path(expression) else {
            return dynamic;
        };
        let (kind, name, rest) = match (root, path.as_slice()) {
            ("local", [PathStep::Name(name), rest @ ..]) => (ConstantKind::Local, name, rest),
            ("var", [PathStep::Name(name), rest @ ..]) => (ConstantKind::Variable, name, rest),
            ("zenml_secret", [PathStep::Name(label), PathStep::Name(name)]) if name == "name" => {
                (ConstantKind::SecretName, label, &[] as &[PathStep])
            }
            (_, [.., PathStep::Name(name)]) if root.starts_with("zenml_") && name == "id" => {
                return CodeValue::Unknown(span);
            }
            _ => return dynamic,
        };
        let id = ConstantId {
            kind,
            name: name.clone(),
        };
        let Some(constant) = self.constant(id) else {
            return dynamic;
        };
        let value = self.part(&constant.value, rest);
        value
            .and_then(|value| relocate(self, value, span, constant.file))
            .unwrap_or(dynamic)
    }

    /// Returns the value of a constant. A constant that depends on itself has no value.
    fn constant(&mut self, id: ConstantId) -> Option<Rc<ConstantValue<'m>>> {
        if let Some(value) = self.constants.get(&id) {
            return value.clone();
        }
        let code = self.module.constant(&id)?;
        self.constants.insert(id.clone(), None);
        let value = Rc::new(ConstantValue {
            file: code.file,
            value: self.value(&code),
        });
        self.constants.insert(id, Some(Rc::clone(&value)));
        Some(value)
    }

    /// Returns the part of a value that steps lead to.
    fn part<'v>(&mut self, value: &'v CodeValue, steps: &[PathStep]) -> Option<&'v CodeValue> {
        let mut value = value;
        for step in steps {
            value = match (value, step) {
                (
                    CodeValue::Mapping {
                        entries,
                        is_complete: true,
                        ..
                    },
                    PathStep::Name(name),
                ) if self.spend(entries.len() / ENTRIES_PER_UNIT) => {
                    let entry = entries.iter().rev().find(|(key, _)| key.text == *name);
                    &entry?.1
                }
                (CodeValue::Sequence { items, .. }, PathStep::Index(index)) => items.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

/// Returns the name at the start of a traversal, and its steps. Returns `None` if a step depends on
/// other values.
fn read_path(expression: &Expression) -> Option<(&str, Vec<PathStep>)> {
    let Expression::Traversal(traversal) = expression else {
        let Expression::Variable(name) = expression else {
            return None;
        };
        return Some((name.as_str(), Vec::new()));
    };
    let Expression::Variable(root) = &traversal.expr else {
        return None;
    };
    let steps = traversal.operators.iter().map(|operator| {
        let index = |index: u64| usize::try_from(index).ok().map(PathStep::Index);
        match operator.value() {
            TraversalOperator::GetAttr(name) => Some(PathStep::Name(name.as_str().to_owned())),
            TraversalOperator::LegacyIndex(number) => index(*number.value()),
            TraversalOperator::Index(Expression::String(name)) => {
                Some(PathStep::Name(name.value().clone()))
            }
            TraversalOperator::Index(Expression::Number(number)) => index(number.value().as_u64()?),
            _ => None,
        }
    });
    Some((root.as_str(), steps.collect::<Option<_>>()?))
}

/// Returns the value of a constant as the value of an expression that uses the constant. `file` defines
/// the constant. Returns `None` if the value is not known, or the budget is used up.
pub(super) fn relocate(
    evaluator: &mut HclEvaluator<'_>,
    value: &CodeValue,
    span: Span,
    file: &HclFile,
) -> Option<CodeValue> {
    if !evaluator.spend(1) {
        return None;
    }
    match value {
        CodeValue::Text(text) => relocate_text(evaluator, text, span, file).map(CodeValue::Text),
        CodeValue::Mapping {
            entries,
            is_complete,
            ..
        } => {
            let mut all = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let key = relocate_text(evaluator, key, span, file)?;
                let value = relocate(evaluator, value, span, file);
                all.push((key, value.unwrap_or(CodeValue::Unknown(span))));
            }
            Some(CodeValue::Mapping {
                span,
                entries: all,
                is_complete: *is_complete,
            })
        }
        CodeValue::Sequence { items, .. } => {
            let items = items.iter().map(|item| {
                let item = relocate(evaluator, item, span, file);
                item.unwrap_or(CodeValue::Unknown(span))
            });
            let items = items.collect();
            Some(CodeValue::Sequence { span, items })
        }
        CodeValue::Literal(literal) => {
            let code = file.source.slice(*literal);
            is_plain_literal(code).then(|| {
                let mut text = replaced_text(span, code.to_owned(), Vec::new());
                text.definition = Some(TextDefinition {
                    source: Arc::clone(&file.source),
                    span: *literal,
                });
                CodeValue::Text(text)
            })
        }
        CodeValue::Unknown(_) => None,
    }
}

fn relocate_text(
    evaluator: &mut HclEvaluator<'_>,
    text: &CodeText,
    span: Span,
    file: &HclFile,
) -> Option<CodeText> {
    if !evaluator.spend(text.text.len()) {
        return None;
    }
    let mut moved = replaced_text(span, text.text.clone(), text.expansions.clone());
    moved.definition = text.definition.clone().or_else(|| {
        let span = literal_span(text, file)?;
        Some(TextDefinition {
            source: Arc::clone(&file.source),
            span,
        })
    });
    Some(moved)
}

/// Returns the span of the contents of a text that is one literal, without interpolations.
fn literal_span(text: &CodeText, file: &HclFile) -> Option<Span> {
    let source = file.source.slice(text.span);
    let is_literal = text.offsets.pieces(0..text.text.len()).all(|piece| {
        let piece_source = file.source.slice(piece.source);
        piece.verbatim || !piece_source.starts_with("${")
    });
    if !is_literal || text.is_dynamic() {
        return None;
    }
    if source.starts_with('"') {
        return Some(Span::new(text.span.start + 1, text.span.end - 1));
    }
    let contents = text.offsets.source(0, text.text.len());
    let is_word = contents == text.span && source == text.text;
    (source.starts_with("<<") || is_word).then_some(contents)
}

#[cfg(test)]
mod tests {
    use super::super::terraform_checks::{evaluate, read_module};

    const CONSTANTS: &str = r#"
        locals {
          secret  = "gcp"
          alias   = local.secret
          number  = 5
          nothing = null
          config  = { token = "{{gcp.token}}", "a b" = 1, nested = { k = "v" } }
          names   = ["a", local.secret, var.unset]
          built   = "${local.secret}-${var.env}"
          partly  = "${local.secret}-${var.unset}"
          loop_a  = local.loop_b
          loop_b  = "x${local.loop_a}"
          myself  = local.myself
          open    = merge(local.config, var.unset)
          heredoc = <<-EOT
            text
          EOT
        }
        variable "env" { default = "prod" }
        variable "unset" {}
        variable "object" {
          type    = object({ name = string })
          default = { name = "from_object" }
        }
        variable "null" { default = null }
    "#;

    #[test]
    fn constants_of_the_module_are_resolved() {
        let cases = [
            ("local.secret", "gcp@gcp"),
            ("local.alias", "gcp@gcp"),
            ("(local.alias)", "gcp@gcp"),
            ("\"${local.alias}\"", "gcp@gcp"),
            ("var.env", "prod@prod"),
            ("local.number", "5@5"),
            ("\"${local.number}\"", "5@5"),
            ("local.nothing", "‹${local.nothing}›"),
            ("var.null", "‹${var.null}›"),
            ("var.unset", "‹${var.unset}›"),
            ("local.unknown", "‹${local.unknown}›"),
            ("local.config.token", "{{gcp.token}}@{{gcp.token}}"),
            ("local.config[\"token\"]", "{{gcp.token}}@{{gcp.token}}"),
            ("local.config[\"a b\"]", "1@1"),
            ("local.config.nested.k", "v@v"),
            ("local.config.missing", "‹${local.config.missing}›"),
            ("local.config[var.unset]", "‹${local.config[var.unset]}›"),
            ("local.config.nested", "{k@k=v@v}"),
            ("\"${local.config.nested}\"", "{k@k=v@v}"),
            ("\"${local.names}\"", "[a@a, gcp@gcp, ‹${var.unset}›]"),
            ("local.names", "[a@a, gcp@gcp, ‹${var.unset}›]"),
            ("local.names[0]", "a@a"),
            ("local.names.1", "gcp@gcp"),
            ("local.names[9]", "‹${local.names[9]}›"),
            ("local.names[*]", "‹${local.names[*]}›"),
            ("local.names.*.x", "‹${local.names.*.x}›"),
            ("var.object.name", "from_object@from_object"),
            ("local.built", "gcp-prod"),
            ("local.partly", "gcp-‹${var.unset}›"),
            ("\"{{${local.built}.k}}\"", "{{gcp-prod.k}}"),
            ("\"{{${local.partly}.k}}\"", "{{gcp-‹${var.unset}›.k}}"),
            ("local.open.token", "‹${local.open.token}›"),
            ("local.heredoc", "text\n@text\n"),
            ("local", "‹${local}›"),
            ("local[\"secret\"]", "gcp@gcp"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate(CONSTANTS, expression), expected, "{expression}");
        }
    }

    #[test]
    fn other_values_are_known_only_at_run_time() {
        for expression in [
            "each.value",
            "each.value.name",
            "count.index",
            "module.x.y",
            "data.x.y.z",
            "path.module",
            "self.id",
            "terraform.workspace",
            "zenml_secret.gcp.values[\"token\"]",
            "zenml_stack_component.x.name",
            "aws_db_instance.x[0].password",
            "file(\"x\")",
            "coalesce(var.unset, \"x\")",
            "lookup(local.config, \"token\")",
            "provider::zenml::secret(\"x\")",
            "format(local.names...)",
        ] {
            let dynamic = format!("‹${{{expression}}}›");
            assert_eq!(evaluate(CONSTANTS, expression), dynamic);
            let embedded = format!("\"a ${{{expression}}} b\"");
            assert_eq!(evaluate(CONSTANTS, &embedded), format!("a {dynamic} b"));
            let spaced = format!("\"a ${{ {expression} }} b\"");
            assert_eq!(evaluate(CONSTANTS, &spaced), format!("a {dynamic} b"));
        }
    }

    #[test]
    fn identifiers_of_resources_are_unknown() {
        for expression in ["zenml_secret.gcp.id", "zenml_service_connector.x.id"] {
            assert_eq!(evaluate(CONSTANTS, expression), "?");
            let embedded = format!("\"a ${{{expression}}}\"");
            let expected = format!("a ‹${{{expression}}}›");
            assert_eq!(evaluate(CONSTANTS, &embedded), expected);
        }
    }

    #[test]
    fn cycles_end() {
        let cases = [
            ("local.loop_a", "x‹${local.loop_a}›"),
            ("local.myself", "‹${local.myself}›"),
            ("\"{{${local.loop_b}.k}}\"", "{{x‹${local.loop_b}›.k}}"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate(CONSTANTS, expression), expected, "{expression}");
        }
    }

    #[test]
    fn constants_of_other_files_name_their_literal() {
        let main = r#"resource "zenml_stack_component" "c" {
            name          = var.name
            token         = "{{${zenml_secret.gcp.name}.token}}"
            configuration = local.configuration
        }"#;
        let variables = r#"variable "name" { default = "orchestrator" }
            resource "zenml_secret" "gcp" { name = var.secret_name }
            variable "secret_name" { default = "gcp-creds" }"#;
        let other = r#"locals { configuration = { token = "{{gcp.token}}" } }"#;
        let file = read_module(&[main, variables, other]);
        assert_eq!(file.describe("c", "name"), "orchestrator@orchestrator");
        assert_eq!(file.describe("c", "token"), "{{gcp-creds.token}}");
        let configuration = file.describe("c", "configuration");
        assert_eq!(configuration, "{token@token={{gcp.token}}@{{gcp.token}}}");
        let name = file.text("c", "name");
        assert_eq!(file.source_of(name, "orchestrator"), "var.name");
        let definition = name.definition.as_ref();
        let paths = definition.map(|definition| definition.source.path());
        assert_eq!(paths, Some("variables.tf"));
    }

    #[test]
    fn first_of_two_constants_is_used() {
        let constants = "locals { a = \"first\" }\nlocals { a = \"second\" }";
        assert_eq!(evaluate(constants, "local.a"), "first@first");
    }

    #[test]
    fn long_chains_of_constants_end() {
        let mut constants = String::from("locals {\n");
        for index in 0..5000 {
            constants += &format!("a{index} = \"${{local.a{}}}\"\n", index + 1);
        }
        constants += "a5000 = \"end\"\n}";
        assert!(evaluate(&constants, "local.a0").starts_with("‹${local.a"));
        assert_eq!(evaluate(&constants, "local.a4990"), "end@end");
    }

    #[test]
    fn constants_that_grow_exponentially_end() {
        let mut constants = String::from("locals {\n a0 = \"0123456789\"\n b0 = { k = \"v\" }\n");
        for index in 1..60 {
            let last = index - 1;
            constants += &format!("a{index} = \"${{local.a{last}}}${{local.a{last}}}\"\n");
            constants += &format!("b{index} = {{ l = local.b{last}, r = local.b{last} }}\n");
        }
        constants += "}";
        assert!(evaluate(&constants, "local.a45").len() < 1 << 24);
        assert!(evaluate(&constants, "local.b45").len() < 1 << 28);
    }
}
