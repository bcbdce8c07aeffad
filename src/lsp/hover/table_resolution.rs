//! The hover of a table `[environment.NAME]` or `[inventory.NAME]` in `stackref.toml`: how it is
//! resolved.

use super::hover_text::HoverText;
use super::{HoveredText, touches};
use crate::document::{Document, Syntax};
use crate::inventory::lookup::{LookupResults, ReferenceLookup};
use crate::lsp::checked_document::CheckedDocument;
use crate::project::config::{Config, EnvironmentConfig, FILE_NAME, Level, RouteTarget};
use crate::text::source::{SourceFile, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Returns the hover of the table whose name is at an offset.
pub fn at(
    checked: &CheckedDocument<'_>,
    offset: usize,
    mut text: HoverText,
) -> Option<HoveredText> {
    let configs = checked.settings.configs.known_configs();
    let is_open = |config: &&Arc<Config>| config.file.as_deref() == Some(checked.path);
    let config = configs.iter().find(is_open)?;
    let (kind, name, span) = table_at(&checked.document.text, offset)?;
    let resolution = Resolution { checked, config };
    match kind {
        TableKind::Environment => {
            let mut environments = config.environments.iter();
            let environment = environments.find(|it| it.name == name)?;
            resolution.add_environment(environment, &mut text);
        }
        TableKind::Inventory => resolution.add_inventory(&name, &mut text)?,
    }
    Some((text.finish(), span))
}

/// The kind of a table of a config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TableKind {
    Environment,
    Inventory,
}

/// Returns the table whose name is at an offset of a config: its kind, its name and the bytes of the
/// name.
fn table_at(text: &str, offset: usize) -> Option<(TableKind, String, Span)> {
    let source = Arc::new(SourceFile::new(FILE_NAME, text));
    let document = Document::parse(source, Syntax::Toml).ok()?;
    let root = *document.roots().first()?;
    let kinds = [
        ("environment", TableKind::Environment),
        ("inventory", TableKind::Inventory),
    ];
    let line = document.source().line_span(offset);
    for (key, kind) in kinds {
        let Some((kind_node, tables)) = document.get(root, key) else {
            continue;
        };
        for &(name, _) in document.entries(tables).unwrap_or_default() {
            let span = document.node(name).span;
            // In a header, the whole line.
            let is_header =
                document.source().slice(line).trim_start().starts_with('[') && line.contains(span);
            let kind_span = document.node(kind_node).span;
            if touches(span, offset)
                || is_header
                || (touches(kind_span, offset) && line.contains(span))
            {
                return Some((kind, document.text(name)?.to_owned(), span));
            }
        }
    }
    None
}

/// The resolution of the tables of a config.
struct Resolution<'r, 'c> {
    checked: &'r CheckedDocument<'c>,
    config: &'r Config,
}

impl Resolution<'_, '_> {
    fn add_environment(&self, environment: &EnvironmentConfig, text: &mut HoverText) {
        let settings = self.checked.settings;
        text.add(format!("Environment {}", text.name(&environment.name)));
        let level = settings.level.of(self.config, Some(environment));
        text.add(format!("Level: `{}`", level.name()));
        let chain = settings
            .inventories
            .environment(self.config, &environment.name);
        let chain = chain.map(|chain| chain.inventories).unwrap_or_default();
        let names = chain.iter().map(|&at| settings.inventories.name(at));
        text.add(match chain.len() {
            0 => "No inventory".to_owned(),
            1 => format!("Looked up in {}", text.names(names)),
            _ => format!("Looked up in this order: {}", text.names(names)),
        });
        for &at in &chain {
            self.add_answer(at, level, text);
        }
        if !environment.variables.is_empty() {
            let variables = environment.variables.keys().map(String::as_str);
            text.add(format!("Variables: {}", text.names(variables)));
        }
        let routes = self
            .config
            .routes
            .iter()
            .filter(|route| match &route.target {
                RouteTarget::Environments(names) => names.contains(&environment.name),
                RouteTarget::Inventories(_) => false,
            });
        add_route_count(routes.count(), text);
    }

    /// Adds what is known about an inventory. Returns `None` if the config does not have it.
    fn add_inventory(&self, name: &str, text: &mut HoverText) -> Option<()> {
        let settings = self.checked.settings;
        let at = settings.inventories.configured(self.config, name)?;
        text.add(format!("Inventory {}", text.name(name)));
        if let Some(file) = settings.inventories.get(at).and_then(|it| it.file()) {
            let shown = crate::system::paths::relative(file, &self.checked.roots.cwd);
            text.add(format!("Path: {}", text.name(&shown)));
        }
        let uses_it =
            |environment: &&EnvironmentConfig| environment.inventory.iter().any(|it| it == name);
        let environments: Vec<&EnvironmentConfig> =
            self.config.environments.iter().filter(uses_it).collect();
        let levels = environments
            .iter()
            .map(|environment| settings.level.of(self.config, Some(environment)));
        let level = levels
            .max()
            .unwrap_or_else(|| settings.level.of(self.config, None));
        self.add_answer(at, level, text);
        if !environments.is_empty() {
            let names = environments.iter().map(|it| it.name.as_str());
            text.add(format!("Used by the environments {}", text.names(names)));
        }
        let routes = self
            .config
            .routes
            .iter()
            .filter(|route| match &route.target {
                RouteTarget::Inventories(names) => names.iter().any(|it| it == name),
                RouteTarget::Environments(_) => false,
            });
        add_route_count(routes.count(), text);
        Some(())
    }

    /// Adds how many secrets an inventory has, if it has answered.
    fn add_answer(&self, at: usize, level: Level, text: &mut HoverText) {
        let settings = self.checked.settings;
        let name = text.name(settings.inventories.name(at));
        let source = settings.answer_source.filter(|_| level > Level::None);
        let Some(source) = source else {
            return text.add(format!("{name} is not queried"));
        };
        let lookup = ReferenceLookup {
            chain: vec![at],
            secret: String::new(),
            key: None,
        };
        let answers = source.answer(BTreeSet::from([lookup]), level);
        text.add(match answered_count(&answers, at) {
            Ok(1) => format!("{name} has 1 secret"),
            Ok(count) => format!("{name} has {count} secrets"),
            Err(reason) => format!("{name} {reason}"),
        });
    }
}

/// Returns the number of secrets of an inventory.
///
/// # Errors
/// Returns the reason for which it is not known.
fn answered_count(answers: &LookupResults, at: usize) -> Result<usize, &'static str> {
    if answers.failed_inventories().any(|failed| failed == at) {
        return Err("cannot answer");
    }
    if answers
        .answered_inventories()
        .any(|answered| answered == at)
    {
        return Ok(answers.names(&[at]).len());
    }
    Err("has not answered yet")
}

fn add_route_count(count: usize, text: &mut HoverText) {
    match count {
        0 => {}
        1 => text.add("Named by 1 entry of `[[stacks]]`"),
        _ => text.add(format!("Named by {count} entries of `[[stacks]]`")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_found_by_its_header_and_its_name() {
        let text = "level = \"none\"\n[inventory.team]\nkind = \"file\"\n[environment.\"a b\"]\ninventory = \"team\"\n";
        let text = &format!("{text}[inventory]\nother = {{kind = \"env\"}}\n");
        let at = |part: &str| table_at(text, text.find(part).unwrap());
        let name = |part: &str| at(part).map(|(kind, name, _)| (kind, name));
        let team = Some((TableKind::Inventory, "team".to_owned()));
        assert_eq!(name("inventory.team"), team);
        assert_eq!(name("team]"), team);
        let environment = Some((TableKind::Environment, "a b".to_owned()));
        assert_eq!(name("\"a b\""), environment);
        assert_eq!(name("level"), None);
        assert_eq!(name("kind"), None);
        assert_eq!(table_at("[inventory.", 3), None);
        assert_eq!(table_at("inventory = 1", 3), None);
    }
}
