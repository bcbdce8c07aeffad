//! Finds the simple commands of a region by its operators, without a grammar.
//!
//! `syntax_tree` finds them by a grammar, but not in code with a syntax error. This scanner reads
//! any code: it knows words, operators, comments and here-documents. Reserved words such as `if`
//! remain in the words, and `program_search` skips them.

use super::code_region::CodeRegion;
use super::heredocs::Heredoc;
use super::simple_command::{SimpleCommand, read_simple_command, skip_blanks};
use std::ops::Range;

/// A part of a region, in the order of the code.
pub(super) enum ShellEvent {
    /// A simple command.
    Command(SimpleCommand),
    /// The body of a here-document, whose operator was in a command before.
    HeredocBody(Heredoc, Range<usize>),
}

/// A scan of a region.
pub(super) struct CommandScanner<'r, 'c> {
    region: &'r CodeRegion<'c>,
    at: usize,
    /// The here-documents whose bodies begin in the next line.
    pending: Vec<Heredoc>,
    /// The bodies that were found, the last one first.
    bodies: Vec<(Heredoc, Range<usize>)>,
}

impl<'r, 'c> CommandScanner<'r, 'c> {
    /// Starts a scan at an offset of a region.
    pub fn new(region: &'r CodeRegion<'c>, start: usize) -> Self {
        Self {
            region,
            at: start,
            pending: Vec::new(),
            bodies: Vec::new(),
        }
    }

    /// Finds the bodies that begin at an offset, and returns the offset after them.
    fn skip_bodies(&mut self, mut at: usize) -> usize {
        for heredoc in std::mem::take(&mut self.pending) {
            let Some((body, next)) = self.region.heredoc_body(at, &heredoc) else {
                break;
            };
            self.bodies.push((heredoc, body));
            at = next;
        }
        self.bodies.reverse();
        at
    }
}

impl Iterator for CommandScanner<'_, '_> {
    type Item = ShellEvent;

    fn next(&mut self) -> Option<ShellEvent> {
        loop {
            if let Some((heredoc, body)) = self.bodies.pop() {
                return Some(ShellEvent::HeredocBody(heredoc, body));
            }
            self.at = skip_blanks(self.region, self.at);
            match self.region.byte(self.at)? {
                b'\n' => self.at = self.skip_bodies(self.at + 1),
                b'&' if self.region.byte(self.at + 1) != Some(b'>') => self.at += 1,
                b';' | b'|' | b'(' | b')' => self.at += 1,
                _ => {
                    let start = self.at;
                    let command = read_simple_command(self.region, start);
                    // Every command has at least one byte: the operators are handled above.
                    self.at = command.end.max(start + 1);
                    self.pending.extend(command.heredocs.iter().cloned());
                    return Some(ShellEvent::Command(command));
                }
            }
        }
    }
}
