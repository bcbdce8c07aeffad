//! Finds the commands of shell code with the grammar of `tree-sitter-bash`.
//!
//! The tree decides where commands begin, and which text is a comment, a here-document or a
//! substitution. It does not decide where words end: the grammar takes all words after a
//! redirection for its targets, and does not decode quotes. `simple_command` reads the words.
//!
//! The recovery from syntax errors takes quadratic time and loses the commands after a missing
//! quote. So the code is parsed in windows of whole statements, and only up to the first error. The
//! caller scans the rest. Simple lines need no grammar.

use super::MAX_DEPTH;
use super::code_region::CodeRegion;
use super::command_scanner::ShellEvent;
use super::heredocs::Heredoc;
use super::simple_command::read_simple_command;
use super::simple_lines::read_simple_lines;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use tree_sitter::{Node, Parser, TreeCursor};

/// The length of the first window of each statement. Small windows limit the time that a syntax
/// error costs.
const WINDOW_BYTES: usize = 1 << 8;

/// The longest window, without the rest of its last line. A longer statement is left to the scanner,
/// and a line that is longer than two such windows.
const MAX_WINDOW_BYTES: usize = 1 << 12;

/// The commands of a code, up to its first syntax error.
#[derive(Default)]
pub(super) struct CommandTree {
    /// The start of each command, with the number of substitutions around it.
    pub starts: Vec<(usize, usize)>,
    /// The content of each substitution with backticks, whether it is in double quotes, and the
    /// number of substitutions around it.
    pub backticks: Vec<(Range<usize>, bool, usize)>,
    /// The bodies of here-documents by the offsets of their operators.
    heredocs: HashMap<usize, Range<usize>>,
    /// The starts of all substitutions.
    substitutions: HashSet<usize>,
    /// The end of the code that was parsed.
    pub end: usize,
}

/// A part of the code that is parsed at once.
#[derive(Clone, Copy)]
struct Window<'w> {
    text: &'w str,
    /// The offset in the code.
    base: usize,
}

impl Window<'_> {
    /// Returns whether a node begins with a line break.
    fn breaks_at(&self, node: Node<'_>) -> bool {
        self.text.as_bytes().get(node.start_byte()) == Some(&b'\n')
    }
}

impl CommandTree {
    /// Parses the statements of a code up to the first that has an error or is too long.
    pub fn parse(code: &str) -> Self {
        let mut tree = Self::default();
        let mut parser = Parser::new();
        if parser
            .set_language(&tree_sitter_bash::LANGUAGE.into())
            .is_err()
        {
            return tree;
        }
        let mut simple = Vec::new();
        let mut len = WINDOW_BYTES;
        while tree.end < code.len() {
            // A longer window continues a statement.
            if len == WINDOW_BYTES {
                let end = read_simple_lines(code, tree.end, &mut simple);
                if end > tree.end {
                    tree.end = end;
                    continue;
                }
            }
            let end = window_end(code, tree.end + len);
            let window = code.get(tree.end..end).unwrap_or_default();
            if window.len() > 2 * MAX_WINDOW_BYTES {
                break;
            }
            let is_last = end == code.len();
            let parsed = tree.add_window(&mut parser, window, is_last);
            tree.end += parsed;
            if parsed > 0 {
                len = WINDOW_BYTES;
            } else if is_last || len >= MAX_WINDOW_BYTES {
                break;
            } else {
                len *= 2;
            }
        }
        tree.starts
            .extend(simple.into_iter().map(|start| (start, 0)));
        tree.starts.sort_unstable();
        tree.starts.dedup_by_key(|(start, _)| *start);
        tree
    }

    /// Adds the complete statements of a window. Returns their length.
    fn add_window(&mut self, parser: &mut Parser, window: &str, is_last: bool) -> usize {
        let Some(tree) = parser.parse(window, None) else {
            return 0;
        };
        let root = tree.root_node();
        let mut cursor = root.walk();
        let statements: Vec<Node<'_>> = root.children(&mut cursor).collect();
        // The statement before an error may be a part of it, and the last one may continue.
        let first_error = statements.iter().position(Node::has_error);
        let mut complete = match first_error {
            _ if root.is_error() => 0,
            Some(error) => error.saturating_sub(1),
            None if is_last => statements.len(),
            None => statements.len().saturating_sub(1),
        };
        // A window must not begin with an operator such as `;`.
        while statements
            .get(complete)
            .is_some_and(|next| !next.is_named())
            && complete > 0
        {
            complete -= 1;
        }
        let window = Window {
            text: window,
            base: self.end,
        };
        for statement in statements.iter().take(complete) {
            self.add_statement(statement.walk(), window);
        }
        match statements.get(complete) {
            Some(next) => next.start_byte(),
            None if is_last && !root.has_error() => window.text.len(),
            None => 0,
        }
    }

    /// Adds the commands of a statement.
    fn add_statement(&mut self, mut cursor: TreeCursor<'_>, window: Window<'_>) {
        // The nodes on the way to the current one: their kinds, and the number of substitutions
        // around their children.
        let mut parents = vec![("", 0)];
        while let Some(&(parent, depth)) = parents.last() {
            let node = cursor.node();
            let inner = self.add_node(node, window, (parent, depth));
            if inner <= MAX_DEPTH && cursor.goto_first_child() {
                parents.push((node.kind(), inner));
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                parents.pop();
            }
        }
    }

    /// Adds a node. Returns the number of substitutions around its children, or more than
    /// [`MAX_DEPTH`] if they are not walked.
    fn add_node(
        &mut self,
        node: Node<'_>,
        window: Window<'_>,
        (parent, depth): (&str, usize),
    ) -> usize {
        let base = window.base;
        let range = base + node.start_byte()..base + node.end_byte();
        match node.kind() {
            // `for`, `select` and `unset` assign variables.
            "command"
            | "redirected_statement"
            | "declaration_command"
            | "variable_assignments"
            | "for_statement"
            | "unset_command" => {
                self.starts.push((range.start, depth));
            }
            // Assignments before a program are a part of its command.
            "variable_assignment"
                if !matches!(
                    parent,
                    "command" | "declaration_command" | "variable_assignments"
                ) =>
            {
                self.starts.push((range.start, depth));
            }
            // The grammar also takes the next line for a part of the command after `A=1 B=2`.
            "variable_assignment" | "command_name" | "file_redirect"
                if begins_line(window.text, node.start_byte()) =>
            {
                self.starts.push((range.start, depth));
            }
            // The first line of a here-document: see `add_heredoc`.
            "word" | "concatenation" if parent == "heredoc_redirect" && window.breaks_at(node) => {
                return MAX_DEPTH + 1;
            }
            // The grammar takes a line break before a backslash for a part of the word.
            "word" if window.breaks_at(node) => self.starts.push((range.start + 1, depth)),
            "heredoc_redirect" => self.add_heredoc(node, window),
            "process_substitution" => {
                self.substitutions.insert(range.start + 2);
                return depth + 1;
            }
            "command_substitution" => {
                let first = node.child(0);
                if first.is_some_and(|first| first.kind() == "`") {
                    let quoted = parent == "string";
                    let content = range.start + 1..range.end.saturating_sub(1).max(range.start + 1);
                    self.substitutions.insert(content.start);
                    self.backticks.push((content, quoted, depth));
                    return MAX_DEPTH + 1;
                }
                self.substitutions.insert(range.start + 2);
                return depth + 1;
            }
            _ => {}
        }
        depth
    }

    /// Adds a here-document. If its body begins with a backslash, the grammar takes the first line of the
    /// body for arguments of the operator.
    fn add_heredoc(&mut self, node: Node<'_>, window: Window<'_>) {
        let mut cursor = node.walk();
        let (mut operator, mut first_line, mut body) = (None, None, None);
        for child in node.children(&mut cursor) {
            let (start, end) = (
                window.base + child.start_byte(),
                window.base + child.end_byte(),
            );
            match child.kind() {
                "<<" | "<<-" => operator = operator.or(Some(start)),
                "heredoc_body" => body = Some(first_line.unwrap_or(start)..end),
                _ if window.breaks_at(child) => first_line = first_line.or(Some(start + 1)),
                _ => {}
            }
        }
        self.heredocs.extend(operator.zip(body));
    }

    /// Returns the starts of the substitutions whose commands are in the tree. The caller needs them
    /// once.
    pub fn substitution_starts(&mut self) -> HashSet<usize> {
        std::mem::take(&mut self.substitutions)
    }

    /// Returns the commands of the code and the bodies of their here-documents, with the number of
    /// substitutions around each.
    pub fn events<'t>(
        &'t self,
        region: &'t CodeRegion<'_>,
    ) -> impl Iterator<Item = (usize, ShellEvent)> + 't {
        let starts = self.starts.iter();
        let starts = starts.filter(|(start, _)| !region.is_replaced(*start));
        starts.flat_map(move |&(start, depth)| {
            let command = read_simple_command(region, start);
            let bodies: Vec<(Heredoc, Range<usize>)> = command
                .heredocs
                .iter()
                .filter_map(|heredoc| {
                    let body = self.heredocs.get(&heredoc.start)?;
                    Some((heredoc.clone(), body.clone()))
                })
                .collect();
            let bodies = bodies
                .into_iter()
                .map(|(heredoc, body)| ShellEvent::HeredocBody(heredoc, body));
            [ShellEvent::Command(command)]
                .into_iter()
                .chain(bodies)
                .map(move |event| (depth, event))
        })
    }
}

/// Returns whether only blanks precede an offset in its line, and the line does not continue the one
/// before it.
fn begins_line(code: &str, at: usize) -> bool {
    let before = code.get(..at).unwrap_or_default();
    let Some(line) = before.trim_end_matches([' ', '\t']).strip_suffix('\n') else {
        return false;
    };
    !line.strip_suffix('\r').unwrap_or(line).ends_with('\\')
}

/// Returns the end of the line that contains an offset, or of the code.
fn window_end(code: &str, at: usize) -> usize {
    let rest = code.as_bytes().get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(code.len(), |len| at + len + 1)
}
