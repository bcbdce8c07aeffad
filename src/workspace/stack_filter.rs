//! `--stack` and the argument of `register`: restricts a scan to the files of one stack.

use crate::diagnostics::error::Failure;
use crate::lint::missing_keys::stack_names;
use crate::lint::scan::Scan;
use crate::text::nearest::nearest;
use std::collections::BTreeSet;

/// The most stacks that an error lists.
const MAX_LISTED: usize = 20;

/// Removes the files of other stacks. Does nothing without a name. Files that cannot be parsed
/// stay, since one of them may be the stack.
///
/// # Errors
/// There is no stack of this name.
pub fn select_stack(scan: &mut Scan, name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    let all_names: BTreeSet<String> = scan.files.iter().flat_map(stack_names).collect();
    if !all_names.contains(name) {
        return Err(unknown_stack(name, &all_names));
    }
    scan.files.retain(|file| {
        file.stacks.is_empty() || stack_names(file).iter().any(|other| other == name)
    });
    Ok(())
}

/// Creates the failure for a stack that does not exist. It lists some of the stacks that do, and
/// suggests the nearest one.
pub fn unknown_stack(name: &str, all_names: &BTreeSet<String>) -> Failure {
    let failure = Failure::usage(format!("no stack is named `{name}`"));
    let list = all_names
        .iter()
        .take(MAX_LISTED)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let suggestion = nearest(name, all_names.iter().map(String::as_str));
    let suggestion = suggestion.map_or_else(String::new, |suggestion| {
        format!("did you mean `{suggestion}`? ")
    });
    failure.with_help(format!("{suggestion}The stacks are {list}"))
}
