//! The stacks of a document: their components, and the positions of the scalars that may contain
//! references.
//!
//! `ZenML` writes components in four forms, which differ in the shape of the component and not in
//! the version. A component with a `configuration` map has its attributes there (forms B to D; in
//! D, a component type has a list of components). Another component has its attributes next to
//! `name` and `flavor` (form A).
//!
//! A file of no known kind is form-less: each of its string values is an attribute, and its dotted
//! path is the name of the attribute.
//!
//! `zenml::grammar` parses the values, and the rules in `lint` check them.

mod call_walk;
mod command_walk;
mod component_walk;
mod document_kind;
mod flow_braces;
mod outline_spans;
mod run_config_shape;
mod run_config_walk;
mod scalar_positions;
mod stack_shape;
mod whole_secret_name;

pub(super) use whole_secret_name::is_secret_name;
mod walker;

pub use document_kind::{RootMapping, file_kind};
pub use outline_spans::OutlineSpans;
pub use stack_shape::is_named_stack;

use crate::document::{Document, NodeId, ScalarType};
use crate::text::source::floor_char_boundary;
use crate::zenml::flavors::{Refusal, Version};
use crate::zenml::keywords::FileKind;
use std::collections::BTreeSet;
use std::sync::Arc;
use walker::Walker;

/// A stack: one document of a file. Run configs, component specs and scripts are read as stacks,
/// too.
#[derive(Debug)]
pub struct Stack {
    /// `stack_name`, or the path of a script.
    pub name: Option<Arc<str>>,
    /// The version whose rules apply.
    pub version: Version,
    /// The kind of the document, or `None` if it is form-less.
    pub kind: Option<FileKind>,
    /// The components, in the order of the file.
    pub components: Vec<Component>,
    /// The text of the stack, for an outline of the file.
    pub outline: OutlineSpans,
}

/// A component of a stack.
#[derive(Debug)]
pub struct Component {
    /// The component type, for example `experiment_tracker`.
    pub kind: Arc<str>,
    /// Its `name`.
    pub name: Option<Arc<str>>,
    /// Its `flavor`.
    pub flavor: Option<Arc<str>>,
    /// The text of the component, for an outline of the file.
    pub outline: OutlineSpans,
}

impl Stack {
    /// Returns whether one of the components is a secrets manager.
    pub fn has_secrets_manager(&self) -> bool {
        self.components
            .iter()
            .any(|component| &*component.kind == "secrets_manager")
    }

    /// Returns the name of the secrets manager, which may be the name of an inventory.
    pub fn secrets_manager(&self) -> Option<&str> {
        let manager = self
            .components
            .iter()
            .find(|component| &*component.kind == "secrets_manager");
        manager?.name.as_deref()
    }
}

/// The role of a scalar, from the least to the most restrictive one. If aliases put a scalar in
/// several positions, the most restrictive role applies, since the scalar must be correct in all of
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The name of a whole secret, without braces.
    WholeSecret,
    /// A top-level attribute of a component, or any value of a form-less file.
    Attribute,
    /// A value in a list or map of an attribute.
    Nested,
    /// A value outside of all components.
    Outside,
}

/// The purpose of a scalar, which some rules need besides its role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// A value without a special purpose.
    #[default]
    Value,
    /// An environment variable of a run or a step.
    RunVariable,
    /// An environment variable that becomes part of an image.
    ImageVariable,
    /// The name of a whole secret that is known only at run time, such as `$SECRET`.
    DynamicSecret,
    /// A value that a command stores in a secret.
    StoredValue,
    /// The key of a field that `zenml stack import` ignores.
    IgnoredField,
}

/// A scalar, or a flow mapping that was meant as one, and its position in the stacks.
#[derive(Debug)]
pub struct ScalarPosition {
    /// The scalar, or the flow mapping that starts with `{{`.
    pub node: NodeId,
    /// The index of its stack in the file.
    pub stack: usize,
    /// The index of its component in that stack.
    pub component: Option<usize>,
    /// The attribute: its name in a component, or the dotted path in a form-less file.
    pub attribute: Option<Arc<str>>,
    /// The role of the scalar.
    pub role: Role,
    /// The reason why the attribute accepts no references, in at least one of the positions.
    pub refusal: Option<Refusal>,
    /// Whether the attribute is sensitive.
    pub is_sensitive: bool,
    /// The purpose of the scalar, apart from its attribute.
    pub purpose: Purpose,
    /// Whether the scalar is a mapping key.
    pub is_key: bool,
    /// Whether it is a flow mapping that was meant as a reference.
    pub is_unquoted_reference: bool,
    /// The position in which an alias makes the scalar invalid, if that is not its first position.
    pub invalid: Option<Box<InvalidPosition>>,
}

/// A more restrictive position of a scalar, which an alias adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPosition {
    /// The component type.
    pub component: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Option<Arc<str>>,
}

/// The stacks and scalars of a document.
#[derive(Debug, Default)]
pub struct StackModel {
    /// One stack for each YAML document that is not empty.
    pub stacks: Vec<Stack>,
    /// The positions of the scalars, in the order of the file.
    pub positions: Vec<ScalarPosition>,
    /// The names of whole secrets that each stack uses, given by its index. Names in invalid
    /// positions are included.
    pub whole_secret_names: BTreeSet<(usize, String)>,
    /// The mapping at which merge keys exceeded [`MERGE_BUDGET`](crate::document::MERGE_BUDGET).
    /// Then the positions are incomplete.
    pub too_many_merges: Option<NodeId>,
}

/// The attribute that names a whole secret in every component.
const WHOLE_SECRET_KEY: &str = "authentication_secret";

/// The longest name or dotted path that is kept. Each finding repeats it, and real names are
/// shorter.
const MAX_NAME_BYTES: usize = 1_000;

/// Reads the stacks of a document and the positions of its scalars. `roots` are its top-level
/// mappings; a script has none.
pub fn read_stacks<'d>(document: &'d Document, roots: &[RootMapping<'d>]) -> StackModel {
    let mut walker = Walker::new(document);
    if document.syntax().is_script() {
        walker.walk_script();
    }
    let next_roots = roots.iter().skip(1).map(Some).chain([None]);
    for (top, next) in roots.iter().zip(next_roots) {
        walker.walk_root(top, next.map(|next| next.root));
    }
    let mut model = walker.finish();
    // Nodes are numbered in the order of the file. The walk seldom leaves it.
    if !model.positions.is_sorted_by_key(|position| position.node) {
        model.positions.sort_by_key(|position| position.node);
    }
    model
}

/// Copies a name and truncates it to [`MAX_NAME_BYTES`].
fn truncated_name(name: &str) -> Arc<str> {
    if name.len() <= MAX_NAME_BYTES {
        return Arc::from(name);
    }
    let start = name
        .get(..floor_char_boundary(name, MAX_NAME_BYTES))
        .unwrap_or_default();
    Arc::from(format!("{start}…"))
}

/// Returns the text of a scalar, or `None` for null and for collections.
pub(super) fn non_null_text(document: &Document, value: NodeId) -> Option<&str> {
    document.text(value).filter(|_| {
        document
            .scalar(value)
            .is_some_and(|scalar| scalar.ty != ScalarType::Null)
    })
}
