//! The code of a Terraform file: resources of ZenML's provider, and the commands of `local-exec`.

use super::code_builder::UNKNOWN_VARIABLE;
use super::{HostCode, Snippet, SnippetKind};
use crate::document::code_calls::{CallKind, CodeCall};
use crate::document::code_value::{CodeText, CodeValue};
use crate::document::terraform::{
    ResourceKind, TerraformConstants, TerraformModule, TerraformResource, may_have_constants,
    read as read_file,
};
use crate::text::repository_files::SharedValue;
use crate::text::source::{SourceFile, Span};
use std::sync::Arc;

/// Reads a Terraform file.
pub(super) fn read(source: &Arc<SourceFile>) -> HostCode {
    let read_others = || constants_of_folder(source);
    let file = read_file(&TerraformModule::new(source, &read_others));
    let snippets = file.local_execs.into_iter();
    HostCode {
        snippets: snippets.map(|exec| snippet(exec.command)).collect(),
        calls: file.resources.into_iter().flat_map(calls).collect(),
        ..HostCode::default()
    }
}

/// Returns the code of a command, with shell variables in place of the parts that Terraform inserts.
fn snippet(command: CodeText) -> Snippet {
    let code = command.replace_expansions(|_, _| Some(UNKNOWN_VARIABLE.to_owned()));
    Snippet {
        code: code.text,
        offsets: code.offsets,
        kind: SnippetKind::Script,
    }
}

/// Returns the constants of all files of the folder, which are one module.
fn constants_of_folder(source: &Arc<SourceFile>) -> Option<Arc<TerraformConstants>> {
    let repository = source.repository()?;
    let folder = source.absolute_path().parent()?;
    let shared = repository.shared(folder, &mut || {
        let files = repository.list(folder, "tf", &may_have_constants);
        Arc::new(TerraformConstants::new(&files)) as SharedValue
    });
    shared.downcast().ok()
}

/// Returns the calls that a resource means.
fn calls(resource: TerraformResource) -> Vec<CodeCall> {
    let mut name = None;
    let mut flavor = None;
    let mut label = None;
    let mut values = None;
    let mut secrets = None;
    let mut may_be_changed = false;
    // The block, as far as it is read.
    let end = resource
        .attributes
        .iter()
        .map(|(_, value)| value.span().end);
    let end = end.max().unwrap_or(resource.span.end);
    let span = Span::new(resource.span.start, end.max(resource.span.end));
    for (key, value) in resource.attributes {
        match (key.text.as_str(), value) {
            ("name", CodeValue::Text(text)) => name = Some(text),
            ("flavor", CodeValue::Text(text)) => flavor = Some(text),
            ("type", CodeValue::Text(text)) => label = text.fixed().map(str::to_owned),
            ("secrets", value @ CodeValue::Sequence { .. }) => secrets = Some(value),
            ("values" | "configuration", value) => values = Some(value),
            // With `ignore_changes`, the values may be placeholders.
            ("lifecycle", _) => may_be_changed = true,
            _ => {}
        }
    }
    let call = |kind, values| CodeCall {
        kind,
        span,
        label: label.clone(),
        name: None,
        flavor: None,
        values,
    };
    let mut found = Vec::new();
    match resource.kind {
        ResourceKind::Secret => {
            // Without a value that is known, the secret may have any keys.
            let values = values.unwrap_or(CodeValue::Unknown(resource.span));
            let values = if may_be_changed || is_constant(&values) {
                values.into_incomplete()
            } else {
                values
            };
            found.push(CodeCall {
                name,
                ..call(CallKind::Create, Some(values))
            });
        }
        ResourceKind::StackComponent => found.push(CodeCall {
            name: name.filter(|name| !name.is_dynamic()),
            flavor,
            ..call(CallKind::Component, values)
        }),
        ResourceKind::ServiceConnector => found.push(call(CallKind::Unresolved, values)),
        ResourceKind::Stack => {}
    }
    found.extend(secrets.map(|secrets| call(CallKind::UseList, Some(secrets))));
    found
}

/// Returns whether a mapping comes from a constant. The default of a variable is only a default.
fn is_constant(values: &CodeValue) -> bool {
    let CodeValue::Mapping { span, entries, .. } = values else {
        return false;
    };
    let mut values = entries.iter().map(|(_, value)| value);
    values.any(|value| matches!(value, CodeValue::Text(text) if text.span == *span))
}
