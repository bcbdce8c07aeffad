//! Computes the matrix: from the references with their answers, and the contents of the inventories.
//!
//! Whether a used key exists is the answer that `check` gets, so that both agree. The contents only
//! add the keys that nothing uses.

use super::{Matrix, MatrixCell, MatrixRow, MatrixUse};
use crate::inventory::lookup::LookupResult;
use crate::inventory::{Inventories, Inventory};
use crate::lint::missing_keys::stack_names;
use crate::lint::report::Report;
use crate::lint::resolved_references::Answer;
use crate::lint::scan::Scan;
use crate::lint::secret_list::ListedInventory;
use crate::lint::settings::Settings;
use crate::project::config::Level;
use crate::sources::reference::Reference;
use crate::text::source_kind::SourceKind;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The name of a secret and of a key; `None` for a whole secret.
type RowName = (String, Option<String>);

/// An environment, with the inventories that it has in each config.
struct Column {
    name: String,
    chains: Vec<ColumnChain>,
}

/// The inventories of an environment in one config.
struct ColumnChain {
    inventories: Vec<usize>,
    level: Level,
}

/// The row of a secret or a key in the making.
#[derive(Default)]
struct RowDraft {
    /// The state of the uses in each environment, by its index.
    used: BTreeMap<usize, MatrixCell>,
    /// Whether a use is answered by a declaration, wherever the secret exists.
    is_declared: bool,
    uses: BTreeSet<(String, usize, Option<String>)>,
}

/// Returns the inventories of all environments of a run, which the matrix lists, each with the
/// highest level of its environments.
pub fn environment_inventories(settings: &Settings<'_>) -> BTreeMap<usize, Level> {
    let columns = columns(settings);
    let chains = columns.iter().flat_map(|column| &column.chains);
    let mut levels = BTreeMap::new();
    for chain in chains.filter(|chain| chain.level > Level::None) {
        for &inventory in &chain.inventories {
            let level = levels.entry(inventory).or_insert(chain.level);
            *level = chain.level.max(*level);
        }
    }
    levels
}

/// Computes the matrix of a scan. `report` is that of a check, and `listed` are the contents of the
/// inventories; those that could not answer are missing in it.
pub fn build(
    scan: &Scan,
    report: &Report,
    settings: &Settings<'_>,
    listed: &[ListedInventory],
) -> Matrix {
    let columns = columns(settings);
    let mut builder = MatrixBuilder {
        inventories: settings.inventories,
        environments: environment_columns(report, &columns),
        rows: BTreeMap::new(),
        stored_names: HashSet::new(),
    };
    builder.add_uses(scan, report);
    let listed: HashMap<usize, &ListedInventory> = listed
        .iter()
        .map(|inventory| (inventory.at, inventory))
        .collect();
    let contents: Vec<ColumnContents<'_>> = columns
        .iter()
        .map(|column| ColumnContents::new(column, &listed, &builder))
        .collect();
    for secrets in contents.iter().map(|contents| &contents.secrets) {
        for (secret, keys) in secrets {
            builder.add_contents(secret, keys.as_ref());
        }
    }
    let rows = std::mem::take(&mut builder.rows);
    let whole: HashSet<&str> = rows
        .iter()
        .filter(|((_, key), draft)| key.is_none() && !draft.used.is_empty())
        .map(|((secret, _), _)| secret.as_str())
        .collect();
    let with_keys: HashSet<&str> = rows
        .keys()
        .filter(|(_, key)| key.is_some())
        .map(|(secret, _)| secret.as_str())
        .collect();
    // A name whose keys are unknown in one environment has a row for each key in others.
    let rows = rows.iter().filter(|((secret, key), draft)| {
        key.is_some() || !draft.uses.is_empty() || !with_keys.contains(secret.as_str())
    });
    let rows = rows.map(|((secret, key), draft)| {
        let is_used_whole = whole.contains(secret.as_str());
        let cells = contents.iter().enumerate().map(|(at, contents)| {
            let state = contents.state(secret, key.as_deref());
            match (draft.used.get(&at), state) {
                (Some(used), _) => *used,
                (None, MatrixCell::Unused) if draft.is_declared || is_used_whole => MatrixCell::Ok,
                (None, MatrixCell::Absent) if draft.is_declared => MatrixCell::Unknown,
                (None, state) => state,
            }
        });
        MatrixRow {
            secret: secret.clone(),
            key: key.clone(),
            cells: cells.collect(),
            uses: draft.places(),
        }
    });
    Matrix {
        environments: columns.iter().map(|column| column.name.clone()).collect(),
        rows: rows.collect(),
    }
}

impl RowDraft {
    fn places(&self) -> Vec<MatrixUse> {
        let uses = self.uses.iter();
        let uses = uses.map(|(path, line, stack)| MatrixUse {
            path: path.clone(),
            line: *line,
            stack: stack.clone(),
        });
        uses.collect()
    }
}

/// Returns the environments of all configs. Those of the same name are one column.
fn columns(settings: &Settings<'_>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for config in settings.configs.known_configs() {
        for chain in settings.inventories.environments(&config) {
            let environment = chain.environment.and_then(|at| config.environments.get(at));
            let Some(environment) = environment else {
                continue;
            };
            let chain = ColumnChain {
                inventories: chain.inventories,
                level: settings.level.of(&config, Some(environment)),
            };
            match columns.iter_mut().find(|it| it.name == environment.name) {
                Some(column) => column.chains.push(chain),
                None => columns.push(Column {
                    name: environment.name.clone(),
                    chains: vec![chain],
                }),
            }
        }
    }
    columns
}

/// Returns the column of each environment of the report.
fn environment_columns(report: &Report, columns: &[Column]) -> Vec<Option<usize>> {
    let names = report.references.environments().iter();
    let columns = names.map(|name| columns.iter().position(|column| column.name == *name));
    columns.collect()
}

struct MatrixBuilder<'m> {
    inventories: &'m Inventories,
    /// The column of each environment of the report.
    environments: Vec<Option<usize>>,
    rows: BTreeMap<RowName, RowDraft>,
    /// The inventories and the stored names of used secrets, for inventories that store other names
    /// than references use.
    stored_names: HashSet<(usize, String)>,
}

impl MatrixBuilder<'_> {
    /// Adds the references of a scan.
    fn add_uses(&mut self, scan: &Scan, report: &Report) {
        let answered = report.references.answered();
        for (file, references) in answered.by_file(scan) {
            let fallback = stack_names(file).pop();
            for (reference, answers) in references {
                let stack = file.stacks.get(reference.stack);
                let stack = stack.and_then(|stack| stack.name.as_deref().map(str::to_owned));
                let stack = stack.or_else(|| fallback.clone());
                let mut has_answer = false;
                for answer in answers.iter(reference) {
                    has_answer = true;
                    self.add_answer(reference, &answer, stack.as_deref());
                }
                let is_documentation =
                    reference.source.kind_at(reference.span.start) == Some(SourceKind::Docs);
                if !has_answer && !is_documentation && !answers.is_expanded() {
                    let name = (
                        reference.secret().to_owned(),
                        reference.key().map(str::to_owned),
                    );
                    let row = self.row(name, reference, stack.as_deref());
                    row.is_declared = true;
                }
            }
        }
    }

    fn row(&mut self, name: RowName, reference: &Reference, stack: Option<&str>) -> &mut RowDraft {
        let row = self.rows.entry(name).or_default();
        let line = reference.source.position(reference.span.start).line;
        let path = reference.source.path().to_owned();
        row.uses.insert((path, line, stack.map(str::to_owned)));
        row
    }

    fn add_answer(&mut self, reference: &Reference, answer: &Answer<'_>, stack: Option<&str>) {
        let lookup = answer.lookup;
        let key = lookup.key.as_deref().or(reference.key());
        let cell = match answer.result {
            LookupResult::Failed { .. } => MatrixCell::Unknown,
            LookupResult::NotFound => MatrixCell::Missing,
            LookupResult::Found {
                inventory, keys, ..
            } => {
                let source = self.inventories.get(inventory);
                if let Some(stored) = source.and_then(|it| it.stored_name(&lookup.secret, None)) {
                    self.stored_names.insert((inventory, stored));
                }
                match (key, keys) {
                    (None, _) => MatrixCell::Ok,
                    (Some(_), None) => MatrixCell::Unknown,
                    (Some(key), Some(keys)) if keys.contains_key(key) => MatrixCell::Ok,
                    _ if source.is_some_and(|it| it.has_open_keys(&lookup.secret)) => {
                        MatrixCell::Unknown
                    }
                    _ => MatrixCell::Missing,
                }
            }
        };
        let column = answer
            .environment
            .and_then(|at| self.environments.get(at).copied());
        let name = (lookup.secret.clone(), key.map(str::to_owned));
        let row = self.row(name, reference, stack);
        if let Some(column) = column.flatten() {
            let known = row.used.entry(column).or_insert(cell);
            *known = worse(*known, cell);
        }
    }

    /// Adds rows for a secret and its keys.
    fn add_contents(&mut self, secret: &str, keys: Option<&BTreeSet<&str>>) {
        for key in keys.into_iter().flatten() {
            let name = (secret.to_owned(), Some((*key).to_owned()));
            self.rows.entry(name).or_default();
        }
        if keys.is_none_or(BTreeSet::is_empty) {
            self.rows.entry((secret.to_owned(), None)).or_default();
        }
    }
}

/// Returns the more urgent of two states of used keys.
fn worse(a: MatrixCell, b: MatrixCell) -> MatrixCell {
    let urgency = |cell| match cell {
        MatrixCell::Missing => 2,
        MatrixCell::Unknown => 1,
        _ => 0,
    };
    if urgency(b) > urgency(a) { b } else { a }
}

/// The secrets that exist in an environment.
struct ColumnContents<'l> {
    /// The keys of each secret; `None` if they are not known.
    secrets: BTreeMap<&'l str, Option<BTreeSet<&'l str>>>,
    /// Whether there may be other secrets, because an inventory could not answer.
    is_incomplete: bool,
}

impl<'l> ColumnContents<'l> {
    fn new(
        column: &Column,
        listed: &HashMap<usize, &'l ListedInventory>,
        builder: &MatrixBuilder<'_>,
    ) -> Self {
        let mut contents = Self {
            secrets: BTreeMap::new(),
            is_incomplete: false,
        };
        for chain in &column.chains {
            for at in &chain.inventories {
                let source = builder.inventories.get(*at);
                let Some(inventory) = listed.get(at).filter(|_| chain.level > Level::None) else {
                    contents.is_incomplete = true;
                    continue;
                };
                contents.is_incomplete |= source.is_some_and(|it| !it.entry_errors().is_empty());
                let has_keys = chain.level == Level::SecretAndKeyExists;
                contents.add(inventory, source, has_keys, &builder.stored_names);
            }
        }
        contents
    }

    /// Adds the secrets of an inventory that the inventories before it do not have.
    fn add(
        &mut self,
        inventory: &'l ListedInventory,
        source: Option<&dyn Inventory>,
        has_keys: bool,
        stored_names: &HashSet<(usize, String)>,
    ) {
        let with_keys = inventory.secrets.iter();
        let with_keys = with_keys.map(|(secret, keys)| (secret, has_keys.then_some(keys)));
        let unread = inventory.unread.iter().map(|secret| (secret, None));
        for (secret, keys) in with_keys.chain(unread) {
            let stored = source.and_then(|source| source.stored_name(secret, None));
            // A row of its used name exists.
            if stored.is_some_and(|stored| stored_names.contains(&(inventory.at, stored))) {
                continue;
            }
            let keys = keys.map(|keys| keys.iter().map(String::as_str).collect());
            self.secrets.entry(secret).or_insert(keys);
        }
    }

    /// Returns the state of a secret or key that nothing uses.
    fn state(&self, secret: &str, key: Option<&str>) -> MatrixCell {
        match (self.secrets.get(secret), key) {
            (Some(_), None) => MatrixCell::Unused,
            (Some(Some(keys)), Some(key)) if keys.contains(key) => MatrixCell::Unused,
            (Some(None), Some(_)) => MatrixCell::Unknown,
            (None, _) if self.is_incomplete => MatrixCell::Unknown,
            (None | Some(Some(_)), _) => MatrixCell::Absent,
        }
    }
}
