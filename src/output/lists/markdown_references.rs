//! References as a Markdown table, in the order of the files or by secret.
//!
//! Names and paths are code spans: no Markdown and no HTML has a meaning in them.

use crate::lint::reference_list::{
    MissingPart, MissingTargets, ReferenceLine, ReferenceList, SecretGroup,
};
use crate::output::markdown_code::code;
use std::io::{self, Write};

/// Writes the references of a list, and then its declarations.
pub fn write_markdown(
    list: &ReferenceList<'_>,
    missing: &MissingTargets,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_head(["Location", "Used by", "Secret", "Note"], out)?;
    for line in list.lines(missing) {
        let [secret, location] = [&line.name, &line.location].map(|text| code(text));
        write_row([&location, &code(&line.owner), &secret, &note(&line)], out)?;
    }
    Ok(())
}

/// Writes the references and declarations of a list by secret: its declarations, and then its uses.
pub fn write_markdown_by_secret(
    list: &ReferenceList<'_>,
    missing: &MissingTargets,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_head(["Secret", "Location", "Used by", "Note"], out)?;
    for group in SecretGroup::of_list(list).values() {
        let references = group.keys(missing).flat_map(|(_, lines)| lines);
        for line in group.declarations().chain(references) {
            let [secret, location] = [&line.name, &line.location].map(|text| code(text));
            write_row([&secret, &location, &code(&line.owner), &note(&line)], out)?;
        }
    }
    Ok(())
}

fn write_head(titles: [&str; 4], out: &mut dyn Write) -> io::Result<()> {
    write_row(titles, out)?;
    writeln!(out, "| --- | --- | --- | --- |")
}

fn write_row(cells: [&str; 4], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "|")?;
    for cell in cells {
        let blank = if cell.is_empty() { "" } else { " " };
        write!(out, "{blank}{cell} |")?;
    }
    writeln!(out)
}

fn note(line: &ReferenceLine) -> String {
    let declared = line.keys.as_ref().map(|keys| match code(keys).as_str() {
        "" => "declares it".to_owned(),
        keys => format!("declares {keys}"),
    });
    let missing = line.missing.map(|part| match part {
        MissingPart::Secret => "**missing**".to_owned(),
        MissingPart::Key => "**missing key**".to_owned(),
    });
    let dynamic = line.is_dynamic.then(|| "dynamic".to_owned());
    let notes = [declared, missing, dynamic].into_iter().flatten();
    notes.collect::<Vec<_>>().join(", ")
}
