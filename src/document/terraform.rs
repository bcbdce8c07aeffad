//! Reads the resources of ZenML in a Terraform file.
//!
//! ```text
//! files of a folder ─▶ hcl_tokens ─▶ hcl_body ─▶ hcl_evaluator ─▶ TerraformResource
//!                      one list      blocks,     texts with spans
//!                      of tokens     attributes
//! ```
//!
//! Terraform reads all files of a folder as one module. So does [`TerraformModule`], which knows the
//! locals, the defaults of variables and the names of secrets. Values of resources, data sources and
//! other modules are known only at run time. Files with the values of variables, states, and the JSON
//! syntax are never read.

mod hcl_body;
mod hcl_constants;
mod hcl_evaluator;
mod hcl_file;
mod hcl_formats;
mod hcl_functions;
mod hcl_lexer;
mod hcl_templates;
mod hcl_text_builder;
mod hcl_tokens;
mod local_exec;
#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod terraform_checks;
#[cfg(test)]
mod terraform_hostile;
mod terraform_module;

pub(crate) use local_exec::LocalExec;
pub(crate) use terraform_module::{TerraformConstants, TerraformModule, may_have_constants};

use super::code_value::{CodeText, CodeValue};
use crate::text::source::Span;
use hcl_body::{BodyItem, read_body};
use hcl_evaluator::{HclEvaluator, name_text};
use hcl_file::{HclCode, HclFile};
use std::ops::Range;

/// The depth of nested blocks that are read.
const MAX_BLOCK_DEPTH: usize = 8;

/// The facts of a Terraform file.
#[derive(Debug, Default)]
pub(crate) struct TerraformFile {
    /// The resources of ZenML, in the order of the file.
    pub resources: Vec<TerraformResource>,
    /// The shell code of provisioners, in the order of the file.
    pub local_execs: Vec<LocalExec>,
}

/// A resource of ZenML's provider.
#[derive(Debug)]
pub(crate) struct TerraformResource {
    /// The type of the resource.
    pub kind: ResourceKind,
    /// The span of the block's header, without the brace.
    pub span: Span,
    /// The attributes and nested blocks, in the order of the file.
    pub attributes: Vec<(CodeText, CodeValue)>,
}

/// The type of a resource of ZenML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    /// `zenml_secret`.
    Secret,
    /// `zenml_stack_component`.
    StackComponent,
    /// `zenml_service_connector`.
    ServiceConnector,
    /// `zenml_stack`.
    Stack,
}

impl ResourceKind {
    /// Returns the kind of a resource type. Returns `None` for resources that name no secret.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "zenml_secret" => Some(Self::Secret),
            "zenml_stack_component" => Some(Self::StackComponent),
            "zenml_service_connector" => Some(Self::ServiceConnector),
            "zenml_stack" => Some(Self::Stack),
            _ => None,
        }
    }
}

/// Returns the facts of the file of a module.
pub(crate) fn read(module: &TerraformModule<'_>) -> TerraformFile {
    let mut facts = TerraformFile::default();
    let Some(file) = module.file() else {
        return facts;
    };
    let mut evaluator = HclEvaluator::new(module);
    for item in read_body(&file.list, 0..file.list.tokens.len()) {
        let BodyItem::Block { header, body } = item else {
            continue;
        };
        let mut names = header.clone().map(|token| file.name(token));
        if names.next() != Some("resource") {
            continue;
        }
        let Some(type_name) = names.next().filter(|_| names.next().is_some()) else {
            continue;
        };
        let items = read_body(&file.list, body);
        local_exec::read(&mut evaluator, file, &items, &mut facts.local_execs);
        if let Some(kind) = ResourceKind::parse(type_name) {
            facts.resources.push(TerraformResource {
                kind,
                span: file.span(&header),
                attributes: attributes(&mut evaluator, file, items, 0),
            });
        }
    }
    facts
}

/// Evaluates the items of a body. A nested block is a mapping.
fn attributes<'m>(
    evaluator: &mut HclEvaluator<'m>,
    file: &'m HclFile,
    items: Vec<BodyItem>,
    depth: usize,
) -> Vec<(CodeText, CodeValue)> {
    let mut attributes = Vec::with_capacity(items.len());
    for item in items {
        match item {
            BodyItem::Attribute { name, value } => {
                let code = HclCode {
                    file,
                    tokens: value,
                };
                attributes.push((key_text(file, name), evaluator.value(&code)));
            }
            BodyItem::Block { header, body } => {
                let span = block_span(file, &header, &body);
                let value = if depth < MAX_BLOCK_DEPTH {
                    let items = read_body(&file.list, body);
                    CodeValue::Mapping {
                        span,
                        entries: self::attributes(evaluator, file, items, depth + 1),
                        is_complete: true,
                    }
                } else {
                    CodeValue::Unknown(span)
                };
                attributes.push((key_text(file, header.start), value));
            }
        }
    }
    attributes
}

fn key_text(file: &HclFile, token: usize) -> CodeText {
    name_text(file.span(&(token..token + 1)), file.name(token))
}

/// Returns the span from the header of a block to its closing brace.
fn block_span(file: &HclFile, header: &Range<usize>, body: &Range<usize>) -> Span {
    file.span(&(header.start..body.end + 1))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::terraform_checks::{evaluate, read_module};
    use super::*;

    /// The example of the provider's documentation.
    const DATABRICKS: &str = r#"variable "databricks_client_secret" {
  type      = string
  sensitive = true
}

resource "zenml_secret" "databricks" {
  name    = "databricks-oauth"
  private = false

  values = {
    client_id     = "hunter2"
    client_secret = var.databricks_client_secret
  }
}

resource "zenml_stack_component" "databricks" {
  name   = "databricks-orchestrator"
  type   = "orchestrator"
  flavor = "databricks"

  configuration = {
    host          = "https://example.cloud.databricks.com"
    client_id     = format("{{%s.client_id}}", zenml_secret.databricks.name)
    client_secret = "{{${zenml_secret.databricks.name}.client_secret}}"
  }
}
"#;

    #[test]
    fn documented_example_has_exact_spans() {
        let file = read_module(&[DATABRICKS]);
        let kinds: Vec<_> = file.facts.resources.iter().map(|r| r.kind).collect();
        assert_eq!(kinds, [ResourceKind::Secret, ResourceKind::StackComponent]);
        assert_eq!(file.describe("databricks", "name"), "databricks-oauth");
        assert_eq!(file.describe("databricks", "private"), "false");
        assert_eq!(
            file.describe("databricks", "values"),
            "{client_id=hunter2, client_secret=‹${var.databricks_client_secret}›}"
        );
        let component = &file.facts.resources[1];
        assert_eq!(
            file.source.slice(component.span),
            r#"resource "zenml_stack_component" "databricks""#
        );
        let CodeValue::Mapping { entries, .. } = &component.attributes[3].1 else {
            panic!("a mapping");
        };
        let texts = entries.iter().map(|(key, value)| match value {
            CodeValue::Text(text) => (key, text),
            value => panic!("{value:?}"),
        });
        let found: Vec<_> = texts
            .map(|(key, text)| {
                let source = text.offsets.source(0, text.text.len());
                (
                    key.text.as_str(),
                    text.text.as_str(),
                    file.source.slice(source),
                )
            })
            .collect();
        let expected = [
            (
                "host",
                "https://example.cloud.databricks.com",
                "https://example.cloud.databricks.com",
            ),
            (
                "client_id",
                "{{databricks-oauth.client_id}}",
                "{{%s.client_id}}",
            ),
            (
                "client_secret",
                "{{databricks-oauth.client_secret}}",
                "{{${zenml_secret.databricks.name}.client_secret}}",
            ),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn parts_of_a_reference_have_their_own_spans() {
        let constants = r#"resource "zenml_secret" "gcp" { name = "gcp-creds" }"#;
        let cases = [
            (r#""{{gcp.token}}""#, "gcp", "gcp"),
            (r#""{{gcp.token}}""#, "token", "token"),
            (
                r#""{{${zenml_secret.gcp.name}.token}}""#,
                "gcp-creds",
                "${zenml_secret.gcp.name}",
            ),
            (r#""{{${zenml_secret.gcp.name}.token}}""#, "token", "token"),
            (
                r#"format("{{%s.token}}", zenml_secret.gcp.name)"#,
                "gcp-creds",
                "zenml_secret.gcp.name",
            ),
            (
                r#"format("{{%s.token}}", zenml_secret.gcp.name)"#,
                "token",
                "token",
            ),
            (
                r#"format("{{%s.%s}}", zenml_secret.gcp.name, "token")"#,
                "token",
                r#""token""#,
            ),
            (r#""a\t{{gcp.t\u00f6ken}}""#, "töken", r"t\u00f6ken"),
            (r#""\"{{gcp.token}}\"""#, "{{gcp.token}}", "{{gcp.token}}"),
        ];
        for (expression, part, expected) in cases {
            let resource = format!("resource \"zenml_stack\" \"s\" {{\n  x = {expression}\n}}");
            let file = read_module(&[&format!("{constants}\n{resource}")]);
            let text = file.text("s", "x");
            assert_eq!(file.source_of(text, part), expected, "{expression}");
        }
    }

    #[test]
    fn other_resources_are_not_read() {
        let text = r#"
            resource "zenml_project" "p" { name = "p" }
            resource "aws_secretsmanager_secret" "s" { name = "{{a.b}}" }
            data "zenml_secret" "d" { name = "d" }
            module "zenml_secret" { name = "m" }
            resource "zenml_secret" { name = "no label" }
            # resource "zenml_secret" "comment" { name = "comment" }
            resource "zenml_service_connector" "c" {
              name = "c"
            }
            resource zenml_stack "unquoted" { name = "s" }
        "#;
        let file = read_module(&[text]);
        let found: Vec<_> = file
            .facts
            .resources
            .iter()
            .map(|resource| (resource.kind, file.source.slice(resource.span)))
            .collect();
        assert_eq!(
            found,
            [
                (
                    ResourceKind::ServiceConnector,
                    "resource \"zenml_service_connector\" \"c\""
                ),
                (ResourceKind::Stack, "resource zenml_stack \"unquoted\"")
            ]
        );
    }

    #[test]
    fn repeated_resources_have_dynamic_names() {
        let cases = [
            (
                "count = 2\n name = \"x-${count.index}\"",
                "‹${zenml_secret.s.name}›",
            ),
            (
                "for_each = var.all\n name = each.key",
                "‹${zenml_secret.s.name}›",
            ),
            ("count = 1\n name = \"x\"", "‹${zenml_secret.s.name}›"),
            ("name = \"x\"", "x@x"),
            ("name = var.unknown", "‹${var.unknown}›"),
            ("name = random_pet.x.id", "‹${random_pet.x.id}›"),
            ("private = true", "‹${zenml_secret.s.name}›"),
        ];
        for (body, expected) in cases {
            let constants = format!("resource \"zenml_secret\" \"s\" {{\n {body}\n}}");
            assert_eq!(
                evaluate(&constants, "zenml_secret.s.name"),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn nested_blocks_are_mappings() {
        let text = r#"resource "zenml_stack" "s" {
            name = "s"
            lifecycle {
              ignore_changes = [name]
            }
            timeouts { create = "5m" }
        }"#;
        let file = read_module(&[text]);
        assert_eq!(
            file.describe("s", "lifecycle"),
            "{ignore_changes=[‹${name}›]}"
        );
        assert_eq!(file.describe("s", "timeouts"), "{create=5m}");
        let block = file.source.slice(file.value("s", "timeouts").span());
        assert_eq!(block, r#"timeouts { create = "5m" }"#);
    }

    #[test]
    fn line_breaks_and_byte_order_marks_do_not_change_values() {
        for text in [
            DATABRICKS.replace('\n', "\r\n"),
            format!("\u{feff}{DATABRICKS}"),
            DATABRICKS.trim_end().to_owned(),
            DATABRICKS.replace("  ", "\t"),
        ] {
            let file = read_module(&[&text]);
            assert_eq!(file.facts.resources.len(), 2);
            assert_eq!(
                file.describe("databricks", "values"),
                "{client_id=hunter2, client_secret=‹${var.databricks_client_secret}›}"
            );
        }
    }

    #[test]
    fn broken_block_does_not_hide_the_others() {
        let broken = [
            "resource \"x\" \"y\" {\n  a = [1,\n  b = 2\n}",
            "resource \"x\" \"y\" {\n  a = \"unterminated\n}",
            "resource \"x\" \"y\" {\n  a = \"${unterminated\n}",
            "resource \"x\" \"y\" {\n  a = {\n  b = 2\n",
            "resource \"x\" \"y\" {\n  a = <<EOT\n  never ends\n}",
            "resource \"x\" \"y\" {\n  a = <<EOT\n ${x\nEOT\n}",
            "resource \"x\" \"y\" {\n  /* never ends\n}",
            "}}}",
            "]",
            "= =",
            "resource \"x",
            "\"",
            "resource",
            "a = (",
            "\0\0",
        ];
        for broken in broken {
            let text = format!(
                "{DATABRICKS}{broken}\n{}",
                DATABRICKS.replace("hunter2", "b")
            );
            let file = read_module(&[&text]);
            let labels: Vec<_> = file
                .facts
                .resources
                .iter()
                .map(|r| r.attributes.len())
                .collect();
            assert_eq!(labels, [3, 4, 3, 4], "{broken}");
        }
    }

    #[test]
    fn broken_attribute_does_not_hide_the_others() {
        let text = r#"resource "zenml_stack_component" "c" {
  name = "n
  type = [1,
  flavor = )
  a b c
  configuration = {
    broken = "x${
    also broken
    x = = 2
    token = "{{gcp.token}}"
  }
  labels = { a = "b" }
}"#;
        let file = read_module(&[text]);
        assert_eq!(file.describe("c", "name"), "?");
        assert_eq!(file.describe("c", "flavor"), "?");
        assert_eq!(file.describe("c", "labels"), "{a=b}");
    }
}
