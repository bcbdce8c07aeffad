//! Recognises files of a template engine. Their braces belong to the engine, so they are neither
//! scripts nor stacks.
//!
//! A name decides, for example `deploy.sh.j2` or `Taskfile.yml`. Otherwise a statement at the start
//! of a line decides, for example `{% if prod %}` or `{{- range .Items }}`. Many scripts only contain
//! such a text: they pass a Go template to `docker` or `kubectl`, or write a template with a
//! here-document. So a text in quotes and in a here-document does not count, and neither does
//! `{{.Name}}`, which a shell script has more often than a template.
//!
//! Documentation contains the tags of its publisher, such as `{% tab %}` of GitBook. There only the
//! statements that choose and repeat text count, outside of code.

/// Extensions of templates, in lower case.
#[rustfmt::skip]
const EXTENSIONS: [&str; 14] = [
    "j2", "jinja", "jinja2", "njk", "tmpl", "tpl", "gotmpl", "erb", "ejs", "mustache", "hbs", "handlebars", "liquid",
    "twig",
];

/// Extensions of documentation, in lower case.
const DOCUMENTATION: [&str; 5] = ["md", "markdown", "mdx", "rst", "ipynb"];

/// Statements that choose, repeat or define text.
#[rustfmt::skip]
const STATEMENTS: [&str; 10] = [
    "if", "for", "set", "macro", "block", "extends", "import", "from", "unless", "assign",
];

/// Variables of Cookiecutter, which no other program has.
const COOKIECUTTER: [&str; 2] = ["{{cookiecutter.", "{{ cookiecutter."];

/// Returns whether a file is a template, by its name or by its statements.
pub fn is_template(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let extension = lower
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    if EXTENSIONS.contains(&extension) || name.contains("{{") || name.contains("{%") {
        return true;
    }
    if lower.starts_with("taskfile") && matches!(extension, "yml" | "yaml") {
        return true;
    }
    if DOCUMENTATION.contains(&extension) {
        return is_documentation_template(text);
    }
    let contains = |mark: &str| memchr::memmem::find(text.as_bytes(), mark.as_bytes()).is_some();
    COOKIECUTTER.into_iter().any(contains)
        || ((contains("{%") || contains("{{-")) && has_statement(text))
}

/// Returns whether a line begins with a statement, outside of quotes and here-documents.
fn has_statement(text: &str) -> bool {
    let mut state = QuoteState::default();
    text.lines().any(|line| {
        let is_statement = state.is_outside() && is_statement(line.trim_start());
        state.read_line(line);
        is_statement
    })
}

fn is_statement(line: &str) -> bool {
    line.starts_with("{%") || line.starts_with("{{-")
}

/// The quotes and the here-document that are open at the start of a line.
///
/// It only has to be right in files that could be templates, and a mistake means that a template is
/// read as a script. So it knows neither nested substitutions nor the quotes of other languages.
#[derive(Default)]
struct QuoteState {
    quote: Option<char>,
    heredoc: Option<String>,
}

impl QuoteState {
    fn is_outside(&self) -> bool {
        self.quote.is_none() && self.heredoc.is_none()
    }

    /// Reads a line and opens or closes quotes and here-documents.
    fn read_line(&mut self, line: &str) {
        if let Some(delimiter) = &self.heredoc {
            if line.trim() == delimiter {
                self.heredoc = None;
            }
            return;
        }
        let mut previous = ' ';
        let mut chars = line.char_indices();
        while let Some((at, c)) = chars.next() {
            match (self.quote, c) {
                (None, '#') if previous.is_whitespace() => break,
                (None, '\'' | '"') => self.quote = Some(c),
                (Some(open), _) if open == c => self.quote = None,
                (None | Some('"'), '\\') => {
                    chars.next();
                }
                (None, '<') if self.heredoc.is_none() && previous != '<' => {
                    self.heredoc = line.get(at..).and_then(heredoc_delimiter);
                }
                _ => {}
            }
            previous = c;
        }
    }
}

/// Returns the delimiter of a here-document that begins with this text.
fn heredoc_delimiter(text: &str) -> Option<String> {
    let rest = text.strip_prefix("<<")?;
    let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start();
    let rest = rest.trim_start_matches(['\'', '"', '\\']);
    let len = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let word = rest.get(..len)?;
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        .then(|| word.to_owned())
}

/// Returns whether documentation is the template of a project, such as a README with
/// `{% if license %}`. Text in `{% raw %}` is meant as it is.
fn is_documentation_template(text: &str) -> bool {
    if !text.contains("{%") || !text.contains("{{") || text.contains("{% raw %}") {
        return false;
    }
    let mut in_code = false;
    text.lines().any(|line| {
        in_code ^= line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        !in_code && is_control_statement(line)
    })
}

/// Returns whether a line begins with a statement that chooses or repeats text. GitBook chooses text
/// for a visitor.
fn is_control_statement(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("{%") else {
        return false;
    };
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start();
    let len = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let (word, condition) = rest.split_at(len);
    STATEMENTS.contains(&word) && !condition.trim_start().starts_with("visitor.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_decides() {
        for path in [
            "deploy.sh.j2",
            "a/Makefile.jinja",
            "x.sh.TMPL",
            "Taskfile.yml",
            "a/taskfile.dist.yaml",
            "a/{% if x %}deploy{% endif %}.sh",
            "{{_copier_conf.answers_file}}",
            "README.md.jinja",
        ] {
            assert!(is_template(path, "zenml a"), "{path}");
        }
        for path in [
            "deploy.sh",
            "{{x}}/deploy.sh",
            "Taskfile.sh",
            "j2",
            "a.j2/b.sh",
        ] {
            assert!(!is_template(path, "zenml a"), "{path}");
        }
    }

    #[test]
    fn statements_at_the_start_of_a_line_decide() {
        for text in [
            "# Setup\n{%- if zenml_server_url != '' %}\nsetup:\n\tzenml login \"{{zenml_server_url}}\"\n{%- endif %}\n",
            "#!/bin/bash\n{% include 'header.sh' %}\nzenml a\n",
            "#!/bin/sh\n{{- if .Values.x }}\nzenml a\n{{- end }}\n",
            "# Don't edit\n  {% raw %}\n",
            "echo 'a' \"it's\" \\' # don't\n{% if a %}\n",
            "cat <<EOF\nit's\nEOF\n{% if a %}\n",
            "cd {{ cookiecutter.folder }}\n",
            "cat <<< 'a'\n{% if a %}\n",
        ] {
            assert!(is_template("x.sh", text), "{text}");
        }
    }

    #[test]
    fn scripts_that_contain_templates_are_not_templates() {
        for text in [
            "docker ps --format '{{.Names}}'\n",
            "kubectl get po --template='\n{{- range .items -}}\n{{.x}}\n{{- end -}}\n'\n",
            "gh pr list --template \"\n{{- range . }}\n\"\n",
            "cat > index.html <<EOF\n{% extends 'base.html' %}\nEOF\nzenml a\n",
            "cat <<-'EOF' > x\n\t{{- if .a }}\n\tEOF\n",
            "echo '{% macro x() %}'\n",
            "echo \"${x%.*}\" && printf '{%s}\\n' a && date +%Y\n",
            "PS1='%{$fg[red]%}%~{%}'\n",
            "curl -w '{%{http_code}}'\n",
            "zenml a --b='{{c.d}}'\n",
        ] {
            assert!(!is_template("x.sh", text), "{text}");
            assert!(!is_template("Makefile", text), "{text}");
        }
    }

    #[test]
    fn documentation_contains_the_tags_of_its_publisher() {
        for text in [
            "{% tab title=\"CLI\" %}\n```\nzenml a --b={{c.d}}\n```\n{% endtab %}\n",
            "{% hint style=\"info\" %}\n{{a.b}}\n{% endhint %}\n",
            "{% if visitor.claims.unsigned.plan == \"pro\" %}\n{{a.b}}\n{% endif %}\n",
            "```jinja\n{% if x %}\n{{a.b}}\n{% endif %}\n```\n",
            "    {% if x %}\n    {{a.b}}\n",
            "{% raw %}\n{{a.b}}\n{% endraw %}\n{% if x %}\n",
            "{% include \"a.md\" %}\n{{a.b}}\n",
            "{% if x %}\nzenml a\n{% endif %}\n",
            "Use `{% if %}` and {{ cookiecutter.x }}\n",
        ] {
            assert!(!is_template("docs/a.md", text), "{text}");
        }
        for text in [
            "# {{project_name}}\n\n{%- if open_source_license %}\n- Licensed\n{%- endif %}\n",
            "{% set x = cookiecutter.y -%}\n{{ x }}\n",
            "```\na\n```\n{% for x in y %}\n{{ x }}\n{% endfor %}\n",
        ] {
            assert!(is_template("README.md", text), "{text}");
            assert!(is_template("README.rst", text), "{text}");
        }
    }
}
