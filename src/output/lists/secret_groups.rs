//! References by secret, for people: each secret with its declarations and then its uses.

use crate::lint::reference_list::{MissingTargets, ReferenceLine, ReferenceList, SecretGroup};
use crate::output::style::{HEADING, NAME, OutputStyle};
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes each secret with its declarations, its uses as a whole, and the uses of each key.
pub fn write_groups(
    list: &ReferenceList<'_>,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let none_missing = MissingTargets::default();
    for (secret, group) in SecretGroup::of_list(list) {
        let secret = escape_control(secret);
        writeln!(out, "{}", style.paint(NAME, &secret))?;
        for line in group.declarations() {
            write_line("  ", &line, style, out)?;
        }
        for (key, lines) in group.keys(&none_missing) {
            let mut indent = "  ";
            if let Some(key) = key {
                writeln!(out, "  {}", style.paint(NAME, format!("{secret}.{key}")))?;
                indent = "    ";
            }
            for line in lines {
                write_line(indent, &line, style, out)?;
            }
        }
    }
    Ok(())
}

fn write_line(
    indent: &str,
    line: &ReferenceLine,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let location = style.paint(HEADING, &line.location);
    writeln!(out, "{indent}{location}: {}{}", line.user(), line.suffix())
}

/// Writes one line for each declaration and reference, `secret.key: location: user`, sorted by
/// secret.
pub fn write_short_groups(
    list: &ReferenceList<'_>,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let none_missing = MissingTargets::default();
    for group in SecretGroup::of_list(list).values() {
        let references = group.keys(&none_missing).flat_map(|(_, lines)| lines);
        for line in group.declarations().chain(references) {
            let name = style.paint(NAME, &line.name);
            let location = style.paint(HEADING, &line.location);
            writeln!(out, "{name}: {location}: {}{}", line.user(), line.suffix())?;
        }
    }
    Ok(())
}
