//! Checks tags. `PyYAML`'s `safe_load` knows only the tags of YAML 1.1, and the value must fit the
//! tag.

use super::LoadReason;
use super::load_mappings::merges;
use super::load_numbers::{is_python_float, is_python_int};
use super::load_times::Timestamp;
use super::load_values::{self, is_base64};
use crate::document::yaml::TaggedNode;
use crate::document::{Document, NodeId, NodeKind, SyntaxError};
use granit_parser::Tag;

/// The namespace of YAML's own tags, which `!!` abbreviates.
const YAML_NAMESPACE: &str = "tag:yaml.org,2002:";

/// A tag that `safe_load` knows, or any other tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::document) enum LoadTag {
    /// `!`, with which `PyYAML` reads a scalar as if it had no quotes.
    NonSpecific,
    Null,
    Bool,
    Int,
    Float,
    Binary,
    Timestamp,
    Omap,
    Pairs,
    Set,
    Str,
    Seq,
    Map,
    /// The tag of `<<`, which is known only on a key.
    Merge,
    Unknown,
}

impl LoadTag {
    /// Returns the meaning of a tag.
    pub fn of(tag: &Tag) -> Self {
        if super::super::is_non_specific(tag) {
            return Self::NonSpecific;
        }
        match tag.suffix_in_namespace(YAML_NAMESPACE).as_deref() {
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("binary") => Self::Binary,
            Some("timestamp") => Self::Timestamp,
            Some("omap") => Self::Omap,
            Some("pairs") => Self::Pairs,
            Some("set") => Self::Set,
            Some("str") => Self::Str,
            Some("seq") => Self::Seq,
            Some("map") => Self::Map,
            Some("merge") => Self::Merge,
            _ => Self::Unknown,
        }
    }

    /// Returns the reason for a value that does not fit the tag.
    fn misfit(self) -> LoadReason {
        let reason = match self {
            Self::NonSpecific | Self::Merge | Self::Unknown => return UNKNOWN_TAG,
            Self::Null => "a value that does not fit its tag `!!null`",
            Self::Bool => "a value that does not fit its tag `!!bool`",
            Self::Int => "a value that does not fit its tag `!!int`",
            Self::Float => "a value that does not fit its tag `!!float`",
            Self::Binary => "a value that does not fit its tag `!!binary`",
            Self::Timestamp => "a value that does not fit its tag `!!timestamp`",
            Self::Omap => "a value that does not fit its tag `!!omap`",
            Self::Pairs => "a value that does not fit its tag `!!pairs`",
            Self::Set => "a value that does not fit its tag `!!set`",
            Self::Str => "a value that does not fit its tag `!!str`",
            Self::Seq => "a value that does not fit its tag `!!seq`",
            Self::Map => "a value that does not fit its tag `!!map`",
        };
        LoadReason {
            reason,
            help: "remove the tag, or correct the value",
        }
    }
}

const UNKNOWN_TAG: LoadReason = LoadReason {
    reason: "an unknown tag",
    help: "remove the tag, or put the value in quotes if it begins with `!`",
};

const NO_SPACE: LoadReason = LoadReason {
    reason: "a tag without a space after it",
    help: "write a space after the tag",
};

/// Returns the errors in the tags of a file.
pub(super) fn errors(document: &Document) -> Vec<SyntaxError> {
    let tags = document.unusual.tags.iter();
    tags.filter_map(|tagged| tag_error(document, tagged))
        .collect()
}

fn tag_error(document: &Document, tagged: &TaggedNode) -> Option<SyntaxError> {
    let &TaggedNode { id, tag, span } = tagged;
    let next = document.source.text().as_bytes().get(span.end);
    // A tab is an error of its own.
    let ends = next.is_none_or(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
    if !ends && !span.is_empty() {
        return Some(NO_SPACE.at(span));
    }
    // PyYAML merges a mapping without reading its tag.
    if is_merged(document, id) {
        return None;
    }
    let node = document.node(id);
    match tag {
        LoadTag::NonSpecific => {
            let reason = load_values::reason(document.text(id)?, node.key)?;
            Some(reason.at(node.span))
        }
        LoadTag::Merge if node.key => None,
        _ => (!fits(document, id, tag)).then(|| tag.misfit().at(span)),
    }
}

/// Returns whether a node is the value of a merge key.
fn is_merged(document: &Document, id: NodeId) -> bool {
    let Some((parent, slot)) = document.node(id).parent() else {
        return false;
    };
    let entry = document
        .entries(parent)
        .and_then(|entries| entries.get(slot as usize));
    entry.is_some_and(|&(key, value)| value == id && merges(document, key))
}

/// Returns whether `PyYAML` can read a node with its tag.
fn fits(document: &Document, id: NodeId, tag: LoadTag) -> bool {
    let is_pair = |&item: &NodeId| {
        document
            .entries(item)
            .is_some_and(|entries| entries.len() == 1)
    };
    match (tag, document.node(id).kind) {
        (LoadTag::Map | LoadTag::Set, NodeKind::Mapping { .. })
        | (LoadTag::Seq, NodeKind::Sequence(_)) => true,
        (LoadTag::Omap | LoadTag::Pairs, NodeKind::Sequence(items)) => {
            document.items_in(items).iter().all(is_pair)
        }
        (_, NodeKind::Scalar(_)) => {
            let text = document.text(id).unwrap_or_default();
            fits_scalar(text, tag)
        }
        _ => false,
    }
}

/// Returns whether `PyYAML` can read a scalar with a tag.
fn fits_scalar(text: &str, tag: LoadTag) -> bool {
    const BOOLEANS: [&str; 6] = ["yes", "no", "true", "false", "on", "off"];
    match tag {
        LoadTag::Str | LoadTag::Null => true,
        LoadTag::Bool => BOOLEANS.iter().any(|word| text.eq_ignore_ascii_case(word)),
        LoadTag::Int => is_python_int(text),
        LoadTag::Float => is_python_float(text),
        LoadTag::Binary => is_base64(text),
        LoadTag::Timestamp => Timestamp::parse(text).is_some_and(|time| time.is_valid()),
        _ => false,
    }
}
