//! Recognizes the lines of the formats with one line per finding: short and GitHub.

use super::{after_title, is_number, is_rule};
use crate::zenml::keywords::REGISTERED_SCHEME;

/// Returns whether a line is `path:line:column: error[rule]: message`. The path of a component on a
/// server has no line and no column.
pub fn is_short(line: &str) -> bool {
    line.match_indices(": ").any(|(at, mark)| {
        let (before, rest) = line.split_at(at);
        let is_registered = before.starts_with(REGISTERED_SCHEME);
        let mut parts = before.rsplitn(3, ':');
        let has_position =
            parts.next().is_some_and(is_number) && parts.next().is_some_and(is_number);
        let has_path = parts.next().is_some_and(|path| !path.is_empty());
        let title = rest.strip_prefix(mark).and_then(after_title);
        (has_position && has_path || is_registered)
            && title.is_some_and(|rest| rest.starts_with(": "))
    })
}

/// Returns whether a line is `::error file=…,line=…,endLine=…,title=stackref[rule]::message`, or
/// the command of a failure, `::error title=stackref::message`.
pub fn is_github(line: &str) -> bool {
    let rest = line
        .strip_prefix("::error ")
        .or_else(|| line.strip_prefix("::warning "));
    let Some((properties, _)) = rest.and_then(|rest| rest.split_once("::")) else {
        return false;
    };
    let Some((location, title)) = properties.rsplit_once("title=") else {
        return false;
    };
    if title == "stackref" && location.is_empty() {
        return true;
    }
    let rule = title
        .strip_prefix("stackref[")
        .and_then(|rest| rest.strip_suffix(']'));
    if location.is_empty() {
        return rule.is_some_and(is_rule);
    }
    let names = location
        .split(',')
        .filter_map(|property| property.split_once('='))
        .map(|(name, _)| name);
    let names: Vec<&str> = names.collect();
    rule.is_some_and(is_rule)
        && location.ends_with(',')
        && matches!(
            names.as_slice(),
            ["file", "line", "endLine"] | ["file", "line", "endLine", "col", "endColumn"]
        )
}
