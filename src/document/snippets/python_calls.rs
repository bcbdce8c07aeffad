//! The code of a Python file, and of the code cells of a notebook.

use super::HostCode;
use crate::document::code_calls::{CallKind, CodeCall};
use crate::document::code_value::{CodeText, CodeValue};
use crate::document::python::{
    CodeArgument, KeyAccess, PythonCell, PythonCode, PythonFact, PythonModules, read as read_file,
    read_cells as read_module,
};
use crate::text::source::{SourceFile, Span};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a Python file.
pub(super) fn read(source: &Arc<SourceFile>) -> HostCode {
    host_code(source, read_file(source, &ImportedModules(source)))
}

/// Reads the code cells of a notebook, or the Python blocks of a page.
pub(super) fn read_cells(source: &Arc<SourceFile>, cells: &[PythonCell]) -> HostCode {
    let code = read_module(source, cells, &ImportedModules(source));
    host_code(source, code)
}

fn host_code(source: &SourceFile, code: PythonCode) -> HostCode {
    let facts = code.facts.into_iter();
    HostCode {
        calls: facts.map(|fact| call(source, fact)).collect(),
        is_incomplete: !code.is_complete,
        ..HostCode::default()
    }
}

/// The modules that a file may import from its repository.
struct ImportedModules<'s>(&'s SourceFile);

impl PythonModules for ImportedModules<'_> {
    fn load(&self, importer: &Path, level: usize, module: &str) -> Option<Arc<SourceFile>> {
        let repository = self.0.repository()?;
        let folder = importer.parent()?;
        let name: PathBuf = module.split('.').collect();
        let load = |folder: &Path| {
            let file = folder.join(&name).with_extension("py");
            let package = folder.join(&name).join("__init__.py");
            let file = (!module.is_empty()).then(|| repository.read(&file));
            file.flatten().or_else(|| repository.read(&package))
        };
        if let Some(up) = level.checked_sub(1) {
            return load(folder.ancestors().nth(up)?);
        }
        // A program may start in any folder above the file, or in `src`.
        for folder in folder.ancestors() {
            let found = load(folder).or_else(|| load(&folder.join("src")));
            if found.is_some() || repository.is_root(folder) {
                return found;
            }
        }
        None
    }
}

/// Returns the call that a fact means.
fn call(source: &SourceFile, fact: PythonFact) -> CodeCall {
    match fact {
        PythonFact::SecretUse { call, name, keys } => CodeCall {
            name: Some(shown(source, name)),
            ..new_call(
                CallKind::Use,
                call,
                Some(sequence(source, call, required_keys(keys))),
            )
        },
        PythonFact::SecretList { call, names } => {
            new_call(CallKind::UseList, call, Some(sequence(source, call, names)))
        }
        PythonFact::Declaration {
            call,
            name,
            values,
            is_update,
        } => {
            let kind = if is_update {
                CallKind::Update
            } else {
                CallKind::Create
            };
            let values = values.unwrap_or(CodeValue::Unknown(call));
            let values = with_other_entries(source, values);
            CodeCall {
                name: Some(shown(source, name)),
                ..new_call(kind, call, Some(values))
            }
        }
        PythonFact::Component {
            call,
            name,
            flavor,
            component_type,
            configuration,
        } => CodeCall {
            label: component_type,
            name: name.filter(|name| !name.is_dynamic()),
            flavor,
            ..new_call(CallKind::Component, call, configuration)
        },
        PythonFact::Configuration {
            call,
            class,
            arguments,
        } => CodeCall {
            label: Some(class),
            ..new_call(CallKind::Settings, call, Some(mapping(call, arguments)))
        },
        PythonFact::RunConfigPath { path } => {
            new_call(CallKind::RunConfig, path.span, Some(CodeValue::Text(path)))
        }
    }
}

fn new_call(kind: CallKind, span: Span, values: Option<CodeValue>) -> CodeCall {
    CodeCall {
        kind,
        span,
        label: None,
        name: None,
        flavor: None,
        values,
    }
}

/// Returns the keys that must exist.
fn required_keys(keys: Vec<KeyAccess>) -> Vec<CodeText> {
    let required = keys.into_iter().filter(|access| !access.has_default);
    required.map(|access| access.key).collect()
}

/// Returns a mapping that is not written in the call as one that may have other entries: the code
/// may have added them.
fn with_other_entries(source: &SourceFile, values: CodeValue) -> CodeValue {
    let text = source.slice(values.span());
    if text.starts_with('{') || text.starts_with("dict(") {
        values
    } else {
        values.into_incomplete()
    }
}

/// Returns a name as reports may show it. An expression without braces, such as a variable, gets
/// them.
fn shown(source: &SourceFile, name: CodeText) -> CodeText {
    name.replace_expansions(|expression, span| {
        // The default of `os.getenv` is not the text of the expression.
        let is_bare = source.slice(span) == expression && !expression.contains(['{', '%']);
        is_bare.then(|| format!("{{{expression}}}"))
    })
}

fn sequence(source: &SourceFile, span: Span, texts: Vec<CodeText>) -> CodeValue {
    let texts = texts.into_iter().map(|text| shown(source, text));
    CodeValue::Sequence {
        span,
        items: texts.map(CodeValue::Text).collect(),
    }
}

/// Returns the keyword arguments as a mapping.
fn mapping(span: Span, arguments: Vec<CodeArgument>) -> CodeValue {
    let entries = arguments.into_iter().filter_map(|argument| {
        let (name, span) = argument.name?;
        Some((CodeText::verbatim(&name, span), argument.value))
    });
    CodeValue::Mapping {
        span,
        entries: entries.collect(),
        is_complete: true,
    }
}
