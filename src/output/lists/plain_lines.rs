//! Lists for people with one line per entry: references, rules, and changes since a snapshot.

use crate::lint::reference_list::ReferenceLine;
use crate::lint::rules::{self, RULES};
use crate::output::style::{ADDED, HEADING, NAME, OutputStyle, REMOVED, severity_style};
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes references: the location, the component or attribute, and the secret or key.
pub fn write_references(
    lines: impl Iterator<Item = ReferenceLine>,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    for line in lines {
        let target = format!("{}{}", line.name, line.suffix());
        writeln!(
            out,
            "{}: {} -> {}",
            style.paint(HEADING, &line.location),
            line.user(),
            style.paint(NAME, target)
        )?;
    }
    Ok(())
}

/// Writes the rules: name, severity and summary.
pub fn write_rules(style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let width = rules::names().map(str::len).max().unwrap_or(0);
    for rule in RULES {
        let severity = style.paint(
            severity_style(rule.severity),
            format!("{:7}", rule.default_level_name()),
        );
        let blanks = " ".repeat(width - rule.id.name().len());
        let name = style.paint(NAME, style.link(&rule.url(), rule.id.name()));
        writeln!(out, "{name}{blanks}  {severity}  {}", rule.summary)?;
    }
    Ok(())
}

/// Writes the differences between a snapshot and its inventories. Each line begins with `+` if its
/// name or key is only in the inventories, or with `-` if it is only in the snapshot.
pub fn write_differences(
    lines: &[String],
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    for line in lines {
        let color = if line.starts_with('-') {
            REMOVED
        } else {
            ADDED
        };
        writeln!(out, "{}", style.paint(color, escape_control(line)))?;
    }
    Ok(())
}
