//! The language of a code block in documentation, as far as hosts distinguish languages.
//!
//! Language names come from the info string of a fence, from the class of an HTML element, and from
//! the argument of a reStructuredText directive.

/// The language of a code block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeLanguage {
    /// Commands of a POSIX shell.
    Shell,
    /// A session: commands after prompts, and their output.
    Console,
    /// A block without a language.
    Unknown,
    /// PowerShell, in which a backtick continues a line.
    PowerShell,
    /// Windows batch files, in which `^` continues a line.
    Batch,
    /// Python, which may be a cell of a notebook with `!` commands.
    Python,
    /// Markdown, with code blocks of its own.
    Markdown,
    /// reStructuredText, with code blocks of its own.
    RestructuredText,
    /// Plain text or output.
    Text,
    /// Another language.
    Other,
}

/// Names of `MyST` directives whose content is Markdown.
#[rustfmt::skip]
const MARKDOWN_DIRECTIVES: [&str; 36] = [
    "admonition", "attention", "card", "caution", "container", "danger", "details", "div", "dropdown", "error",
    "exercise", "expander", "grid", "grid-item", "grid-item-card", "hint", "important", "list", "margin", "note", "panels",
    "seealso", "sidebar", "solution", "step", "steps", "tab", "tab-item", "tab-set", "tabbed", "tabs", "tip", "toggle",
    "topic", "versionadded", "warning",
];

/// Names of directives whose argument is the language.
const CODE_DIRECTIVES: [&str; 6] = [
    "code",
    "code-block",
    "code-cell",
    "parsed-literal",
    "prompt",
    "sourcecode",
];

impl CodeLanguage {
    /// Parses the info string of a fence, for example `bash`, `sh {linenos=true}`,
    /// `{.bash .copy}`, `{code-block} console` or `bash title="setup.sh"`.
    pub fn from_info(info: &str) -> Self {
        let info = info.trim();
        if let Some(rest) = info.strip_prefix('{') {
            let (attributes, argument) = rest.split_once('}').unwrap_or((rest, ""));
            return Self::from_attributes(attributes, argument);
        }
        let is_end = |c: char| c.is_whitespace() || matches!(c, '{' | ',' | ';' | ':' | '(');
        let word = info.split(is_end).next().unwrap_or_default();
        match word.split_once('=') {
            // `title="x"` without a language, but `bash=` and `bash=1` number the lines.
            Some((_, value)) if value.starts_with(|c: char| !c.is_ascii_digit() && c != '+') => {
                Self::Unknown
            }
            Some((name, _)) => Self::from_name(name),
            None => Self::from_name(word),
        }
    }

    /// Parses the content of braces and the text after them.
    fn from_attributes(attributes: &str, argument: &str) -> Self {
        let mut words = attributes.split(|c: char| c.is_whitespace() || c == ',');
        if let Some(class) = words.clone().find_map(|word| word.strip_prefix('.')) {
            return Self::from_name(class);
        }
        let directive = words.find(|word| !word.is_empty() && !word.contains('='));
        let Some(directive) = directive.map(str::to_ascii_lowercase) else {
            return Self::Unknown;
        };
        Self::from_directive(&directive, argument).unwrap_or_else(|| {
            if MARKDOWN_DIRECTIVES.contains(&directive.as_str()) {
                Self::Markdown
            } else if directive == "eval-rst" {
                Self::RestructuredText
            } else {
                Self::from_name(&directive)
            }
        })
    }

    /// Returns the language of a directive, for example `code-block` with the argument `bash`.
    /// Returns `None` for a directive that does not contain code.
    pub fn from_directive(directive: &str, argument: &str) -> Option<Self> {
        let language = argument.split_whitespace().next().unwrap_or_default();
        match directive {
            "prompt" => Some(Self::Console),
            _ if CODE_DIRECTIVES.contains(&directive) => Some(Self::from_name(language)),
            _ => None,
        }
    }

    /// Returns the language with a name, which may have a prefix such as `language-`.
    pub fn from_name(name: &str) -> Self {
        let name = name.trim().to_ascii_lowercase();
        let name = ["language-", "lang-", "highlight-source-"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(&name);
        match name {
            "" => Self::Unknown,
            "bash"
            | "sh"
            | "shell"
            | "zsh"
            | "ksh"
            | "dash"
            | "ash"
            | "fish"
            | "shellscript"
            | "shell-script"
            | "commandline"
            | "command-line"
            | "cmdline"
            | "cli"
            | "command"
            | "commands"
            | "azurecli"
            | "azurecli-interactive" => Self::Shell,
            "console" | "shell-session" | "shellsession" | "shell_session" | "sh-session"
            | "sh_session" | "bash-session" | "bash_session" | "shell-console" | "session"
            | "terminal" | "terminal-session" | "term" | "tty" => Self::Console,
            "powershell"
            | "powershell-interactive"
            | "pwsh"
            | "ps1"
            | "ps"
            | "posh"
            | "pwsh-session"
            | "azurepowershell"
            | "azurepowershell-interactive" => Self::PowerShell,
            "bat" | "batch" | "cmd" | "dos" | "dosbatch" | "doscon" | "winbatch" => Self::Batch,
            "python" | "python3" | "py" | "ipython" | "ipython3" | "ipythonconsole" | "jupyter"
            | "pycon" => Self::Python,
            "md" | "markdown" | "mdx" | "gfm" | "rmd" | "qmd" | "myst" => Self::Markdown,
            "rst" | "rest" | "restructuredtext" => Self::RestructuredText,
            "text" | "txt" | "plain" | "plaintext" | "none" | "nohighlight" | "no-highlight"
            | "output" | "log" | "raw" | "default" | "guess" => Self::Text,
            _ => Self::Other,
        }
    }

    /// Returns whether the code may be commands of a shell.
    pub fn may_be_shell(self) -> bool {
        matches!(
            self,
            Self::Shell | Self::Console | Self::Unknown | Self::PowerShell | Self::Batch
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_read_from_any_form_of_info_string() {
        use CodeLanguage::{
            Batch, Console, Markdown, Other, PowerShell, Python, RestructuredText, Shell, Text,
            Unknown,
        };
        for (info, expected) in [
            ("", Unknown),
            ("bash", Shell),
            ("bash  ", Shell),
            ("Bash", Shell),
            ("zsh", Shell),
            ("sh {linenos=true,hl_lines=[2]}", Shell),
            ("sh{1,3}", Shell),
            ("bash title=\"setup.sh\"", Shell),
            ("bash,ignore", Shell),
            ("bash:setup.sh", Shell),
            ("bash=", Shell),
            ("bash=1", Shell),
            ("bash=+", Shell),
            ("bash Terminal", Shell),
            ("language-bash", Shell),
            ("title=\"setup.sh\"", Unknown),
            ("title='x' linenums=\"1\"", Unknown),
            ("{.bash}", Shell),
            ("{.bash .numberLines startFrom=\"1\"}", Shell),
            ("{ .shell .copy }", Shell),
            ("{title=\"x\" .sh}", Shell),
            ("{bash}", Shell),
            ("{bash, eval=FALSE}", Shell),
            ("{}", Unknown),
            ("{title=\"x\"}", Unknown),
            ("{code-block} bash", Shell),
            ("{code-block} console", Console),
            ("{code-block}", Unknown),
            ("{code-cell} ipython3", Python),
            ("{prompt} bash $", Console),
            ("{note}", Markdown),
            ("{tab-item} Linux", Markdown),
            ("{eval-rst}", RestructuredText),
            ("{python}", Python),
            ("{mermaid}", Other),
            ("console", Console),
            ("shell-session", Console),
            ("terminal", Console),
            ("powershell", PowerShell),
            ("cmd", Batch),
            ("python", Python),
            ("yaml", Other),
            ("dockerfile", Other),
            ("text", Text),
            ("markdown", Markdown),
        ] {
            assert_eq!(CodeLanguage::from_info(info), expected, "{info}");
        }
    }
}
