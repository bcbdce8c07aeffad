//! The name at a position: in a reference, a declaration, or an entry of an inventory file.

use super::touches;
use crate::inventory::{Inventory, InventoryChain};
use crate::lint::analysis::Analysis;
use crate::lint::lookup_targets::inventory_chains;
use crate::lsp::checked_document::CheckedDocument;
use crate::project::config::Config;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::text::source::Span;
use std::sync::Arc;

/// The inventories in which a name is looked up, and their config.
pub type ConfiguredChains = Vec<(Arc<Config>, InventoryChain)>;

/// What names a secret.
#[derive(Clone, Copy)]
pub enum NamedBy<'c> {
    /// A reference.
    Reference(&'c Reference),
    /// A declaration.
    Declaration(&'c Declaration),
    /// An entry of an inventory file.
    Entry,
}

/// A name at a position.
pub struct HoveredName<'c> {
    /// The name of the secret, as it is written.
    pub secret: String,
    /// The key; `None` for a whole secret.
    pub key: Option<String>,
    /// The bytes of the reference or of the name.
    pub span: Span,
    /// What contains the name.
    pub by: NamedBy<'c>,
    /// The inventories in which it is looked up.
    pub chains: ConfiguredChains,
}

impl<'c> HoveredName<'c> {
    /// Returns the name at an offset of a document.
    pub fn at(checked: &CheckedDocument<'c>, offset: usize) -> Option<Self> {
        match checked.analysis() {
            Some(file) => Self::in_file(checked, file, offset),
            None => Self::in_inventory(checked, offset),
        }
    }

    fn in_file(checked: &CheckedDocument<'c>, file: &'c Analysis, offset: usize) -> Option<Self> {
        let references = file.references.iter().chain(&file.dynamic_references);
        let touched = references.filter_map(|reference| {
            let spans = [Some(reference.span), reference.key_span];
            let mut spans = spans.into_iter().flatten();
            Some((reference, spans.find(|&span| touches(span, offset))?))
        });
        // In a text with several references, the one that begins at the offset.
        if let Some((reference, span)) = touched.max_by_key(|(_, span)| span.start) {
            return Some(Self {
                secret: reference.secret().to_owned(),
                key: reference.key().map(str::to_owned),
                span,
                by: NamedBy::Reference(reference),
                chains: chains_of(checked, file, reference.stack),
            });
        }
        let mut declarations = file.declarations.iter();
        let (declaration, key, span) = declarations.find_map(|declaration| {
            if touches(declaration.span, offset) {
                return Some((declaration, None, declaration.span));
            }
            let mut keys = declaration.keys.iter();
            let key = keys.find(|key| touches(key.span, offset))?;
            Some((declaration, Some(key.name.clone()), key.span))
        })?;
        Some(Self {
            secret: declaration.secret.clone(),
            key,
            span,
            by: NamedBy::Declaration(declaration),
            chains: chains_of(checked, file, 0),
        })
    }

    fn in_inventory(checked: &CheckedDocument<'c>, offset: usize) -> Option<Self> {
        checked.inventory_comments()?;
        let inventories = checked.settings.inventories;
        let mut used = inventories.in_use();
        let (index, inventory) =
            used.find(|(_, inventory)| inventory.file() == Some(checked.path))?;
        let (secret, key, span) = entry_at(inventory, offset)?;
        let mut chains = ConfiguredChains::new();
        for config in checked.settings.configs.known_configs() {
            if !inventories.in_use_of(&config).contains(&index) {
                continue;
            }
            let mut environments = inventories.environments(&config);
            if environments.is_empty() {
                environments.push(InventoryChain::without_environment(vec![index]));
            }
            chains.extend(
                environments
                    .into_iter()
                    .map(|chain| (Arc::clone(&config), chain)),
            );
        }
        Some(Self {
            secret,
            key,
            span,
            by: NamedBy::Entry,
            chains,
        })
    }
}

/// Returns the secret and the key of the entry at an offset of an inventory file, and its bytes.
fn entry_at(inventory: &dyn Inventory, offset: usize) -> Option<(String, Option<String>, Span)> {
    let entries = inventory.entries()?;
    entries.secrets.iter().find_map(|secret| {
        if touches(secret.span, offset) {
            return Some((secret.name.clone(), None, secret.span));
        }
        let mut keys = secret.keys.iter();
        let (key, span) = keys.find(|(_, span)| touches(*span, offset))?;
        Some((secret.name.clone(), Some(key.clone()), *span))
    })
}

/// Returns the inventories in which the references of a stack are looked up.
fn chains_of(checked: &CheckedDocument<'_>, file: &Analysis, stack: usize) -> ConfiguredChains {
    let config = checked.settings.configs.for_file(&file.path);
    let chains = inventory_chains(file, stack, &config, checked.settings);
    let chains = chains.unwrap_or_default().into_iter();
    chains.map(|chain| (Arc::clone(&config), chain)).collect()
}
