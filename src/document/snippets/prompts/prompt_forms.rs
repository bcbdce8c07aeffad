//! The forms of shell prompts, for example `$ `, `(venv) user@host:~/dir$ ` or `PS C:\> `.

/// The most bytes of a prompt before its symbol. Longer lines with a `$` are commands or text.
const MAX_PROMPT_BYTES: usize = 100;

/// Symbols that end a prompt without anything else before them.
const PROMPT_SYMBOLS: [char; 6] = ['$', '%', '❯', '➜', 'λ', '»'];

/// Prompts of zsh and PowerShell on lines that continue a command.
const CONTINUATION_PROMPTS: [&str; 10] = [
    ">", ">>", "quote>", "dquote>", "bquote>", "heredoc>", "cmdand>", "cmdor>", "pipe>", "for>",
];

/// Returns the length of a prompt that begins a command.
pub(super) fn primary_prompt(line: &str) -> Option<usize> {
    let text = skip_environments(line.trim_start());
    let start = line.len() - text.len();
    // A line of a shell cannot begin with `>>>`, which some pages write before commands.
    let after_symbol = text
        .strip_prefix(PROMPT_SYMBOLS)
        .or_else(|| text.strip_prefix(">>>"));
    if let Some(rest) = after_symbol {
        return Some(line.len() - skip_space(rest)?.len());
    }
    let symbols = text
        .char_indices()
        .take_while(|&(at, _)| at < MAX_PROMPT_BYTES);
    for (at, symbol) in symbols.filter(|(_, c)| matches!(c, '$' | '%' | '#' | '>')) {
        let (before, after) = text.split_at_checked(at)?;
        let after = after.get(1..)?;
        if is_windows_prefix(before, symbol) {
            let space = usize::from(after.starts_with(' '));
            return Some(start + at + 1 + space);
        }
        if let Some(rest) = skip_space(after) {
            return is_prompt_prefix(before, symbol).then(|| line.len() - rest.len());
        }
    }
    None
}

/// Returns the length of the prompt `# ` of the root user.
pub(super) fn root_prompt(line: &str) -> Option<usize> {
    let rest = line.trim_start().strip_prefix("# ")?;
    Some(line.len() - rest.len())
}

/// Returns the length of the prompt `> `.
pub(super) fn angle_prompt(line: &str) -> Option<usize> {
    let rest = line.trim_start().strip_prefix("> ")?;
    Some(line.len() - rest.len())
}

/// Returns the length of a prompt on a line that continues a command.
pub(super) fn continuation_prompt(line: &str) -> Option<usize> {
    let text = line.trim_start();
    let word = text.split([' ', '\n']).next()?;
    let space = usize::from(text.get(word.len()..)?.starts_with(' '));
    CONTINUATION_PROMPTS
        .contains(&word)
        .then(|| line.len() - text.len() + word.len() + space)
}

/// Removes the names of virtual environments, for example `(venv) `.
fn skip_environments(text: &str) -> &str {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ' | '/');
    let after = text
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .filter(|(name, _)| !name.is_empty() && name.chars().all(is_name));
    after.map_or(text, |(_, after)| after.trim_start_matches(' '))
}

/// Removes the space after a prompt's symbol. Returns `None` if there is none.
fn skip_space(rest: &str) -> Option<&str> {
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix([' ', '\t'])
}

/// Returns whether a text is the prompt of PowerShell or of a Windows command line, for example
/// `PS C:\zen` or `C:\zen`.
fn is_windows_prefix(before: &str, symbol: char) -> bool {
    let is_drive = |path: &str| {
        let mut chars = path.chars();
        let letter = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
        letter && chars.as_str().starts_with(":\\")
    };
    let path = before.strip_prefix("PS").map(str::trim_start);
    symbol == '>'
        && (is_drive(before)
            || path.is_some_and(|path| path.is_empty() || path.starts_with('/') || is_drive(path)))
}

/// Returns whether a text may precede the symbol of a prompt, for example `user@host:~/dir` or
/// `[user@host dir]`.
fn is_prompt_prefix(before: &str, symbol: char) -> bool {
    let text = before.trim_end();
    let is_spaced = text.len() < before.len();
    let is_valid = |c: char| c.is_alphanumeric() || "_-.@:~/[]()+ ".contains(c);
    if !text.chars().all(is_valid) {
        return false;
    }
    let has_host = text.contains('@');
    if text.starts_with('[') && text.ends_with(']') {
        return has_host || symbol == '$';
    }
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    if words.next().is_some() {
        return false;
    }
    let is_shell = ["bash-", "sh-", "zsh-"]
        .iter()
        .any(|shell| first.starts_with(shell));
    let has_path = first.starts_with(['~', '/']) || first.ends_with('~') || first.contains(":~");
    match (second, symbol) {
        // `foo@1.0 # comment` is a command.
        (None, '#' | '>') => !is_spaced && (has_host || is_shell),
        (None, _) => has_host || is_shell || has_path,
        // zsh on macOS: `user@host dir % `.
        (Some(_), '%') => has_host && first.contains('@'),
        // fish: `user@host ~/dir> `.
        (Some(path), '>') => !is_spaced && first.contains('@') && path.starts_with(['~', '/']),
        // bash on macOS: `host:dir user$ `.
        (Some(_), '$') => !is_spaced && first.contains(':') && !first.ends_with(':'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompt_ends_before_the_command() {
        for (line, command) in [
            ("$ zenml x", "zenml x"),
            ("   $\tzenml x", "zenml x"),
            ("$", ""),
            ("% zenml x", "zenml x"),
            ("❯ zenml x", "zenml x"),
            ("➜ zenml x", "zenml x"),
            (">>> zenml x", "zenml x"),
            ("(venv) $ zenml x", "zenml x"),
            ("(venv) ~$ zenml x", "zenml x"),
            ("(.venv) user@host:~/a b$ x", "x"),
            ("user@host:~/a-b$ zenml $X # a", "zenml $X # a"),
            ("user@host$ zenml x", "zenml x"),
            ("[user@host dir]$ zenml x", "zenml x"),
            ("[root@host ~]# zenml x", "zenml x"),
            ("root@abc:/# zenml x", "zenml x"),
            ("~/zen $ zenml x", "zenml x"),
            ("/app $ zenml x", "zenml x"),
            ("bash-5.1$ zenml x", "zenml x"),
            ("sh-4.2# zenml x", "zenml x"),
            ("host:~ user$ zenml x", "zenml x"),
            ("user@mac ~ % zenml x", "zenml x"),
            ("user@mac dir % zenml x", "zenml x"),
            ("user@host ~/zen> zenml x", "zenml x"),
            ("PS C:\\zen> zenml x", "zenml x"),
            ("PS> zenml x", "zenml x"),
            ("PS /home/me> zenml x", "zenml x"),
            ("C:\\zen>zenml x", "zenml x"),
            ("C:\\zen> zenml x", "zenml x"),
        ] {
            let found = primary_prompt(line).map(|len| &line[len..]);
            assert_eq!(found.unwrap_or_default(), command, "{line}");
        }
    }

    #[test]
    fn commands_and_text_have_no_prompt() {
        for line in [
            "",
            "zenml x",
            "$HOME/zenml x",
            "$(zenml x)",
            "echo 5 $ x",
            "echo a > b",
            "cat < a > b",
            "a/b > c",
            "# zenml x",
            "foo@1.0 # x",
            "pip install foo@1.0 # x",
            "curl https://x/y # x",
            "note: costs 5$ x",
            "50% of x",
            "(cd a && b) $ x",
            "<div> $ x",
            "[a] # x",
            "export A=b # x",
        ] {
            assert_eq!(primary_prompt(line), None, "{line}");
        }
    }

    #[test]
    fn prompts_of_continuation_lines_are_found() {
        for (line, rest) in [
            ("> a", Some("a")),
            ("  >   a", Some("  a")),
            (">", Some("")),
            (">\n", Some("\n")),
            (">> a", Some("a")),
            ("quote> a", Some("a")),
            (">out a", None),
            ("a > b", None),
        ] {
            assert_eq!(continuation_prompt(line).map(|len| &line[len..]), rest);
        }
    }
}
