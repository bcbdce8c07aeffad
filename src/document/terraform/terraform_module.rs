//! The constants of a Terraform module: locals, variables with a default, and the names of secrets.

use super::hcl_body::{BodyItem, read_body};
use super::hcl_file::{HclCode, HclFile};
use crate::text::source::SourceFile;
use crate::text::word_search::WordSearch;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// A file and the constants of its module. Terraform reads all files of a folder as one module.
pub(crate) struct TerraformModule<'f> {
    own: TerraformConstants,
    /// The constants of the other files, which are read when one is used.
    others: OnceCell<Option<Arc<TerraformConstants>>>,
    read_others: &'f dyn Fn() -> Option<Arc<TerraformConstants>>,
}

/// The constants of some files.
#[derive(Debug, Default)]
pub(crate) struct TerraformConstants {
    files: Vec<HclFile>,
    places: HashMap<ConstantId, ConstantPlace>,
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

impl<'f> TerraformModule<'f> {
    /// Reads a file. `read_others` returns the constants of all files of its folder.
    pub fn new(
        source: &Arc<SourceFile>,
        read_others: &'f dyn Fn() -> Option<Arc<TerraformConstants>>,
    ) -> Self {
        let file = HclFile::new(source);
        let mut own = TerraformConstants::default();
        let found = find_constants(&file);
        own.add(file, found);
        Self {
            own,
            others: OnceCell::new(),
            read_others,
        }
    }

    /// Returns the file itself.
    pub(super) fn file(&self) -> Option<&HclFile> {
        self.own.files.first()
    }

    /// Returns the expression of a constant.
    pub(super) fn constant(&self, id: &ConstantId) -> Option<HclCode<'_>> {
        let others = || self.others.get_or_init(self.read_others).as_ref();
        self.own.get(id).or_else(|| others()?.get(id))
    }
}

impl TerraformConstants {
    /// Reads files. Only those with constants are kept.
    pub fn new(files: &[Arc<SourceFile>]) -> Self {
        let mut constants = Self::default();
        for file in files {
            let file = HclFile::new(file);
            let found = find_constants(&file);
            if !found.is_empty() {
                constants.add(file, found);
            }
        }
        constants
    }

    fn get(&self, id: &ConstantId) -> Option<HclCode<'_>> {
        let place = self.places.get(id)?;
        Some(HclCode {
            file: self.files.get(place.file)?,
            tokens: place.tokens.clone(),
        })
    }

    /// Adds a file with its constants. If there are several of one name, the first is used.
    fn add(&mut self, file: HclFile, found: Vec<(ConstantId, Range<usize>)>) {
        let file_index = self.files.len();
        self.files.push(file);
        for (id, tokens) in found {
            self.places.entry(id).or_insert(ConstantPlace {
                file: file_index,
                tokens,
            });
        }
    }
}

/// Returns the constants that a file defines.
fn find_constants(file: &HclFile) -> Vec<(ConstantId, Range<usize>)> {
    let mut found = Vec::new();
    if !may_have_constants(file.source.text().as_bytes()) {
        return found;
    }
    let mut add = |kind, name: &str, tokens| {
        let name = name.to_owned();
        found.push((ConstantId { kind, name }, tokens));
    };
    for item in read_body(&file.list, 0..file.list.tokens.len()) {
        let BodyItem::Block { header, body } = item else {
            continue;
        };
        let labels: Vec<&str> = header.map(|token| file.name(token)).collect();
        let items = || read_body(&file.list, body.clone());
        match labels.as_slice() {
            ["locals"] => {
                for item in items() {
                    if let BodyItem::Attribute { name, value } = item {
                        add(ConstantKind::Local, file.name(name), value);
                    }
                }
            }
            ["variable", name] => {
                if let Some(value) = attribute(file, &items(), "default") {
                    add(ConstantKind::Variable, name, value);
                }
            }
            ["resource", "zenml_secret", label] => {
                let items = items();
                let name = attribute(file, &items, "name");
                if let Some(value) = name.filter(|_| !is_repeated(file, &items)) {
                    add(ConstantKind::SecretName, label, value);
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns whether a text may contain constants.
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
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use std::cell::Cell;

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
        let reads = Cell::new(0);
        let read_others = || {
            reads.set(reads.get() + 1);
            Some(Arc::new(TerraformConstants::new(&files)))
        };
        let module = TerraformModule::new(&files[0], &read_others);
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
        assert_eq!(reads.get(), 1);
    }

    #[test]
    fn the_own_file_comes_first() {
        let own = Arc::new(SourceFile::new("main.tf", "locals { a = 1 }"));
        let saved = Arc::new(SourceFile::new("main.tf", "locals { a = 2 }"));
        let read_others = || {
            let files = [Arc::clone(&saved)];
            Some(Arc::new(TerraformConstants::new(&files)))
        };
        let module = TerraformModule::new(&own, &read_others);
        let id = ConstantId {
            kind: ConstantKind::Local,
            name: "a".to_owned(),
        };
        assert_eq!(module.constant(&id).map(|code| code.text()), Some("1"));
        assert!(module.others.get().is_none());
    }
}
