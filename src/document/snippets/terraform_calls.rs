//! The code of a Terraform file: resources of ZenML's provider, and the commands of `local-exec`.

use super::{HostCode, Snippet, SnippetKind};
use crate::document::code_calls::{CallKind, CodeCall};
use crate::document::code_value::{CodeText, CodeValue};
use crate::document::offsets::OffsetMapBuilder;
use crate::document::terraform::{
    ResourceKind, TerraformModule, TerraformResource, may_have_constants, read as read_file,
};
use crate::text::repository_files::SharedValue;
use crate::text::source::{SourceFile, Span};
use std::sync::Arc;

/// Reads a Terraform file.
pub(super) fn read(source: &Arc<SourceFile>) -> HostCode {
    let module = module_of(source);
    let file = read_file(source, &module);
    let snippets = file.local_execs.iter().map(|exec| snippet(&exec.command));
    HostCode {
        snippets: snippets.collect(),
        calls: file.resources.into_iter().flat_map(calls).collect(),
        ..HostCode::default()
    }
}

/// Returns the code of a command, with shell variables in place of the parts that Terraform inserts.
fn snippet(command: &CodeText) -> Snippet {
    let mut out = OffsetMapBuilder::default();
    let mut copied = 0;
    for part in &command.expansions {
        out.push_part(&command.offsets, copied..part.start, &command.text);
        let source = command.offsets.source(part.start, part.end);
        out.push_replaced(source.start, source.len(), "${_}");
        copied = part.end;
    }
    out.push_part(&command.offsets, copied..command.text.len(), &command.text);
    let (code, offsets) = out.into_text(command.span);
    Snippet {
        code,
        offsets,
        kind: SnippetKind::Script,
    }
}

/// Returns the module that consists of all files of the folder.
fn module_of(source: &Arc<SourceFile>) -> Arc<TerraformModule> {
    let own = || Arc::new(TerraformModule::new(&[Arc::clone(source)]));
    let folder = source.absolute_path().parent();
    let Some((repository, folder)) = source.repository().zip(folder) else {
        return own();
    };
    let shared = repository.shared(folder, &mut || {
        let files = repository.list(folder, "tf", &may_have_constants);
        Arc::new(TerraformModule::new(&files)) as SharedValue
    });
    shared.downcast().unwrap_or_else(|_| own())
}

/// Returns the calls that a resource means.
fn calls(resource: TerraformResource) -> Vec<CodeCall> {
    let mut name = None;
    let mut flavor = None;
    let mut label = None;
    let mut values = None;
    let mut secrets = None;
    // Terraform may ignore changes of the values, which are then placeholders.
    let mut is_ignored = false;
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
            ("lifecycle", _) => is_ignored = true,
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
    if is_ignored {
        values = None;
    }
    let values = values.map(with_constants_open);
    let mut found = Vec::new();
    match resource.kind {
        ResourceKind::Secret => found.push(CodeCall {
            name,
            // Without a value that is known, the secret may have any keys.
            ..call(
                CallKind::Create,
                values.or(Some(CodeValue::Unknown(resource.span))),
            )
        }),
        ResourceKind::StackComponent => found.push(CodeCall {
            name: name.filter(|name| name.fixed().is_some()),
            flavor,
            ..call(CallKind::Component, values)
        }),
        ResourceKind::ServiceConnector => found.push(call(CallKind::Unresolved, values)),
        ResourceKind::Stack => {}
    }
    found.extend(secrets.map(|secrets| call(CallKind::UseList, Some(secrets))));
    found
}

/// Returns a mapping that comes from a constant as one that may have other entries: the default of a
/// variable is only a default.
fn with_constants_open(values: CodeValue) -> CodeValue {
    match values {
        CodeValue::Mapping {
            span,
            entries,
            is_complete,
        } => {
            let is_constant = |(_, value): &(CodeText, CodeValue)| matches!(value, CodeValue::Text(text) if text.span == span);
            let is_complete = is_complete && !entries.iter().any(is_constant);
            CodeValue::Mapping {
                span,
                entries,
                is_complete,
            }
        }
        values => values,
    }
}
