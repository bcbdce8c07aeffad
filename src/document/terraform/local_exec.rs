//! Reads the shell code of `local-exec` provisioners.

use super::hcl_body::{BodyItem, read_body};
use super::hcl_evaluator::HclEvaluator;
use super::hcl_file::{HclCode, HclFile};
use super::terraform_module::attribute;
use crate::document::code_value::{CodeText, CodeValue};

/// The shells that read `command` as code of a shell.
const SHELLS: [&str; 7] = ["ash", "bash", "busybox", "dash", "ksh", "sh", "zsh"];

/// The shell code of a `local-exec` provisioner.
#[derive(Debug)]
pub(crate) struct LocalExec {
    /// The code.
    pub command: CodeText,
}

/// Adds the shell code of the provisioners of a resource.
pub(super) fn read<'m>(
    evaluator: &mut HclEvaluator<'m>,
    file: &'m HclFile,
    items: &[BodyItem],
    found: &mut Vec<LocalExec>,
) {
    for item in items {
        let BodyItem::Block { header, body } = item else {
            continue;
        };
        let names: Vec<&str> = header.clone().map(|token| file.name(token)).collect();
        if names != ["provisioner", "local-exec"] {
            continue;
        }
        let items = read_body(&file.list, body.clone());
        let mut value = |name| {
            let tokens = attribute(file, &items, name)?;
            Some(evaluator.value(&HclCode { file, tokens }))
        };
        let is_shell = value("interpreter").is_none_or(|value| is_shell(&value));
        if is_shell && let Some(CodeValue::Text(command)) = value("command") {
            found.push(LocalExec { command });
        }
    }
}

/// Returns whether an interpreter is a shell whose last argument is code, for example `["bash", "-c"]`.
/// The default, a null value, is a shell.
fn is_shell(interpreter: &CodeValue) -> bool {
    let items = match interpreter {
        CodeValue::Sequence { items, .. } => items,
        CodeValue::Literal(_) => return true,
        _ => return false,
    };
    let words = items.iter().map(|item| match item {
        CodeValue::Text(text) if !text.is_dynamic() => text.text.as_str(),
        _ => "",
    });
    let mut words = words.skip_while(|word| base_name(word) == "env");
    let is_shell = words
        .next()
        .is_some_and(|word| SHELLS.contains(&base_name(word)));
    let is_code = words.last().is_some_and(|word| {
        word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
    });
    is_shell && is_code
}

fn base_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.strip_suffix(".exe").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::super::terraform_checks::read_module;

    /// Returns the commands of a file with provisioners that have the given bodies.
    fn commands(bodies: &[&str]) -> Vec<String> {
        let mut text = String::from("locals { command = \"zenml x\" }\n");
        for body in bodies {
            let provisioner = format!("provisioner \"local-exec\" {{\n{body}\n}}");
            text += &format!("resource \"null_resource\" \"x\" {{\n{provisioner}\n}}\n");
        }
        let file = read_module(&[&text]);
        let commands = file.facts.local_execs.iter();
        commands.map(|exec| exec.command.text.clone()).collect()
    }

    #[test]
    fn commands_of_shells_are_read() {
        let interpreters = [
            "",
            "interpreter = null",
            r#"interpreter = ["bash", "-c"]"#,
            r#"interpreter = ["/bin/bash", "-c"]"#,
            r#"interpreter = ["/usr/bin/env", "bash", "-c"]"#,
            r#"interpreter = ["/bin/sh", "-e", "-c"]"#,
            r#"interpreter = ["zsh", "-ec"]"#,
            r#"interpreter = ["C:\\Git\\bash.exe", "-c"]"#,
        ];
        for interpreter in interpreters {
            let body = format!("{interpreter}\n command = \"zenml a\"");
            assert_eq!(commands(&[&body]), ["zenml a"], "{interpreter}");
        }
    }

    #[test]
    fn commands_of_other_programs_are_not_read() {
        let interpreters = [
            r#"interpreter = ["python3", "-c"]"#,
            r#"interpreter = ["PowerShell", "-Command"]"#,
            r#"interpreter = ["bash"]"#,
            r#"interpreter = ["bash", "--rcfile"]"#,
            "interpreter = []",
            "interpreter = var.interpreter",
            "interpreter = [var.shell, \"-c\"]",
        ];
        for interpreter in interpreters {
            let body = format!("{interpreter}\n command = \"zenml a\"");
            assert!(commands(&[&body]).is_empty(), "{interpreter}");
        }
    }

    #[test]
    fn commands_are_evaluated() {
        let cases = [
            ("command = local.command", "zenml x"),
            (
                "command = <<EOT\nzenml a \\\n  --b=c\nEOT",
                "zenml a \\\n  --b=c\n",
            ),
            (
                "command = <<-EOT\n    zenml a\n      --b\n  EOT",
                "zenml a\n  --b\n",
            ),
            ("command = \"echo $${HOME} $HOME\"", "echo ${HOME} $HOME"),
            ("command = \"zenml ${self.id}\"", "zenml ${self.id}"),
            ("command = join(\" && \", [\"a\", \"b\"])", "a && b"),
        ];
        for (body, expected) in cases {
            assert_eq!(commands(&[body]), [expected], "{body}");
        }
        assert!(commands(&["when = destroy", "command = 1", "command = ["]).is_empty());
    }

    #[test]
    fn only_provisioners_of_resources_are_read() {
        let text = r#"
            provisioner "local-exec" { command = "top" }
            resource "null_resource" "a" {
              provisioner "remote-exec" { command = "remote" }
              connection { provisioner "local-exec" { command = "nested" } }
              provisioner "local-exec" { command = "first" }
              provisioner "local-exec" {
                when    = destroy
                command = "second"
              }
            }
            resource "zenml_secret" "b" {
              provisioner "local-exec" { command = "third" }
            }
        "#;
        let file = read_module(&[text]);
        let commands = file.facts.local_execs.iter();
        let commands: Vec<_> = commands.map(|exec| exec.command.text.as_str()).collect();
        assert_eq!(commands, ["first", "second", "third"]);
    }
}
