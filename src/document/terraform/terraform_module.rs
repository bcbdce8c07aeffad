//! The constants of a Terraform module: locals, variables with a default, and the names of secrets.

use super::hcl_body::{BodyItem, read_body};
use super::hcl_file::{HclCode, HclFile};
use crate::text::source::SourceFile;
use crate::text::word_search::WordSearch;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// The constants of all files of a folder, which Terraform reads as one module.
#[derive(Debug, Default)]
pub(crate) struct TerraformModule {
    files: Vec<HclFile>,
    constants: HashMap<ConstantId, ConstantPlace>,
}

/// The kind of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ConstantKind {
    /// `local.name`.
    Local,
    /// `var.name`, whose value is its default.
    Variable,
    /// `zenml_secret.label.name`.
    SecretName,
}

/// The identity of a constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConstantId {
    /// The kind.
    pub kind: ConstantKind,
    /// The name of the local or the variable, or the label of the secret.
    pub name: String,
}

/// The expression of a constant.
#[derive(Debug)]
struct ConstantPlace {
    file: usize,
    tokens: Range<usize>,
}

impl TerraformModule {
    /// Reads the files of a folder. Only those with constants are kept.
    pub fn new(files: &[Arc<SourceFile>]) -> Self {
        let mut module = Self::default();
        for file in files
            .iter()
            .filter(|file| may_have_constants(file.text().as_bytes()))
        {
            module.add_file(HclFile::new(file));
        }
        module
    }

    /// Returns a file of the module.
    pub(super) fn file(&self, source: &Arc<SourceFile>) -> Option<&HclFile> {
        self.files
            .iter()
            .find(|file| Arc::ptr_eq(&file.source, source))
    }

    /// Returns the expression of a constant.
    pub(super) fn constant(&self, id: &ConstantId) -> Option<HclCode<'_>> {
        let place = self.constants.get(id)?;
        Some(HclCode {
            file: self.files.get(place.file)?,
            tokens: place.tokens.clone(),
        })
    }

    /// Adds a file and its constants. If there are several of one name, the first is used.
    fn add_file(&mut self, file: HclFile) {
        let mut found = Vec::new();
        for item in read_body(&file.list, 0..file.list.tokens.len()) {
            let BodyItem::Block { header, body } = item else {
                continue;
            };
            let labels: Vec<&str> = header.map(|token| file.name(token)).collect();
            let items = || read_body(&file.list, body.clone());
            match labels.as_slice() {
                ["locals"] => {
                    found.extend(items().into_iter().filter_map(|item| match item {
                        BodyItem::Attribute { name, value } => {
                            Some((ConstantKind::Local, file.name(name).to_owned(), value))
                        }
                        BodyItem::Block { .. } => None,
                    }));
                }
                ["variable", name] => {
                    let default = attribute(&file, &items(), "default");
                    found.extend(
                        default.map(|value| (ConstantKind::Variable, (*name).to_owned(), value)),
                    );
                }
                ["resource", "zenml_secret", label] => {
                    let items = items();
                    let name =
                        attribute(&file, &items, "name").filter(|_| !is_repeated(&file, &items));
                    found.extend(
                        name.map(|value| (ConstantKind::SecretName, (*label).to_owned(), value)),
                    );
                }
                _ => {}
            }
        }
        let index = self.files.len();
        if !found.is_empty() {
            self.files.push(file);
        }
        for (kind, name, tokens) in found {
            let place = ConstantPlace {
                file: index,
                tokens,
            };
            self.constants
                .entry(ConstantId { kind, name })
                .or_insert(place);
        }
    }
}

/// Returns whether the text of a file may contain constants.
pub(crate) fn may_have_constants(text: &[u8]) -> bool {
    static WORDS: LazyLock<WordSearch> =
        LazyLock::new(|| WordSearch::new(&["locals", "variable", "zenml_secret"]));
    WORDS.is_in(text)
}

/// Returns the value of the attribute `name`.
pub(super) fn attribute(file: &HclFile, items: &[BodyItem], name: &str) -> Option<Range<usize>> {
    items.iter().find_map(|item| match item {
        BodyItem::Attribute { name: token, value } if file.name(*token) == name => {
            Some(value.clone())
        }
        _ => None,
    })
}

/// Returns whether a resource has `count` or `for_each`, and is thus created several times.
pub(super) fn is_repeated(file: &HclFile, items: &[BodyItem]) -> bool {
    ["count", "for_each"]
        .iter()
        .any(|name| attribute(file, items, name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_found_in_all_files() {
        let texts = [
            "locals { a = 1 }\nlocals {\n  b = 2\n  c { d = 4 }\n}",
            "variable \"e\" { default = 5 }\nvariable \"f\" {}\nvariable g { default = 7 }",
            "resource \"zenml_secret\" \"h\" { name = 8 }\nresource \"zenml_secret\" \"i\" {\n name = 9\n count = 1\n}",
            "data \"zenml_secret\" \"j\" { name = 10 }\nmodule \"k\" { name = 11 }\nlocals \"l\" { m = 12 }",
        ];
        let files: Vec<_> = texts
            .iter()
            .map(|text| Arc::new(SourceFile::new("main.tf", *text)))
            .collect();
        let module = TerraformModule::new(&files);
        let found = |kind, name: &str| {
            let name = name.to_owned();
            let code = module.constant(&ConstantId { kind, name });
            code.map(|code| code.text())
        };
        for (kind, name, expected) in [
            (ConstantKind::Local, "a", Some("1")),
            (ConstantKind::Local, "b", Some("2")),
            (ConstantKind::Local, "c", None),
            (ConstantKind::Local, "d", None),
            (ConstantKind::Local, "e", None),
            (ConstantKind::Local, "m", None),
            (ConstantKind::Variable, "e", Some("5")),
            (ConstantKind::Variable, "f", None),
            (ConstantKind::Variable, "g", Some("7")),
            (ConstantKind::SecretName, "h", Some("8")),
            (ConstantKind::SecretName, "i", None),
            (ConstantKind::SecretName, "j", None),
        ] {
            assert_eq!(found(kind, name), expected, "{kind:?} {name}");
        }
        let first = files.first().map(|file| module.file(file).is_some());
        assert_eq!(first, Some(true));
        let edited = Arc::new(SourceFile::new("main.tf", "locals { a = 1 }"));
        assert!(module.file(&edited).is_none());
    }
}
