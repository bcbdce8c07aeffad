//! `check`: the findings of a scan, joined with what the inventories say.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{self, Finding, Severity};
use crate::diagnostics::outcome::Outcome;
use crate::document::directives::{Directive, DirectiveKind};
use crate::inventory::lookup::{KeyTypes, LookupResult, LookupResults, Progress, ReferenceLookup};
use crate::inventory::{Inventories, Inventory, StoreError, ValueType};
use crate::lint::baseline::{self, Baseline};
use crate::lint::rules::{self, RULES, RuleKind, Usage};
use crate::lint::scan::{Scan, StackFile, comment_findings};
use crate::lint::suppressions::Suppressions;
use crate::project::config::{Config, Level, RuleLevel};
use crate::project::configs::{Configs, Cursor};
use crate::sources::scalar::Reference;
use crate::system::paths;
use crate::text::nearest::{SearchBudget, Suggester};
use crate::text::source::{SourceFile, Span};
use crate::zenml::grammar::Resolver;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many of what a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Stack files.
    pub files: usize,
    /// References, names of whole secrets included.
    pub references: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings silenced by comments or the config.
    pub ignored: usize,
    /// Findings that the baseline has.
    pub baselined: usize,
    /// Findings that have a safe fix.
    pub fixable: usize,
    /// Findings that only `--fix=suggestions` would fix.
    pub suggestions: usize,
    /// Findings that were mended.
    pub fixed: usize,
    /// References with a part that is only known at run time.
    pub dynamic: usize,
    /// References that were not looked up, or not in full.
    pub unchecked: Unchecked,
}

/// References that a run did not look up, or not in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unchecked {
    /// References that were not looked up.
    pub references: usize,
    /// Why they were not, in a few words each.
    pub reasons: BTreeSet<String>,
    /// References of which the secret was found and the key was not looked up.
    pub keys: usize,
    /// Why they were not: levels, and where they come from.
    pub levels: BTreeSet<String>,
}

impl Unchecked {
    fn add(&mut self, references: usize, reason: String) {
        self.references += references;
        if references > 0 {
            self.reasons.insert(reason);
        }
    }
}

/// What a run of `check` gives.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, in order.
    pub findings: Vec<Finding>,
    /// Their numbers.
    pub summary: Summary,
    /// What could not be answered.
    pub failures: Vec<Failure>,
    /// What the inventories answered.
    pub answers: LookupResults,
    /// Entries of the baseline that nothing matches any more.
    pub stale: Vec<baseline::BaselineEntry>,
    /// Entries of the baseline that nothing matches, of which this run would not have found the finding.
    pub unevaluated: Vec<baseline::BaselineEntry>,
    /// The config's path from the repository's root, where reports that need a location show failures.
    pub config: Option<String>,
}

impl Report {
    /// Leaves out the findings that a baseline knows.
    pub fn apply_baseline(&mut self, baseline: &Baseline) {
        let found = self.findings.len();
        self.findings.retain(|finding| !baseline.contains(finding));
        self.summary.baselined += found - self.findings.len();
        self.count();
    }

    pub(crate) fn count(&mut self) {
        let count = |is: &dyn Fn(&Finding) -> bool| self.findings.iter().filter(|finding| is(finding)).count();
        let errors = count(&|finding| finding.severity == Severity::Error);
        self.summary.fixable = count(&Finding::is_fixable);
        self.summary.suggestions = count(&Finding::has_suggested_fix);
        self.summary.errors = errors;
        self.summary.warnings = self.findings.len() - errors;
    }

    /// The exit code's reason.
    pub fn outcome(&self, deny_warnings: bool) -> Outcome {
        let counts = self.summary.errors + if deny_warnings { self.summary.warnings } else { 0 };
        let findings = if counts > 0 { Outcome::Findings } else { Outcome::Clean };
        self.failures.iter().map(Failure::outcome).fold(findings, Outcome::max)
    }
}

/// The level of each file: the same for all, or that of its config.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelChoice<'s> {
    /// The level of all files.
    fixed: Option<Level>,
    /// Where that comes from, as the summary names it.
    origin: Option<&'s str>,
}

impl<'s> LevelChoice<'s> {
    /// The same level for all files.
    pub const fn fixed(level: Level) -> Self {
        Self { fixed: Some(level), origin: None }
    }

    /// The same level for all files, from a flag or a variable.
    pub fn with_origin(level: Level, origin: &'s str) -> Self {
        Self { fixed: Some(level), origin: Some(origin) }
    }

    /// Returns the level of the files of a config.
    pub fn for_config(self, config: &Config) -> Level {
        self.fixed.or(config.level).unwrap_or_default()
    }

    /// Returns where the level of a config's files comes from; `None` if it is the default.
    pub fn origin(self, config: &Config) -> Option<String> {
        match self.fixed {
            Some(_) => self.origin.map(str::to_owned),
            None => config.level_location(),
        }
    }

    /// Returns the level and where it comes from, as the summary names them.
    pub fn reason(self, config: &Config) -> String {
        let level = self.for_config(config).name();
        self.origin(config).map_or_else(|| format!("level {level}"), |origin| format!("level {level} from {origin}"))
    }
}

/// What a check is made with.
#[derive(Clone, Copy)]
pub struct Settings<'s> {
    /// The configs of the files.
    pub configs: &'s Configs,
    /// How much may be asked.
    pub level: LevelChoice<'s>,
    /// The inventories.
    pub inventories: &'s Inventories,
    /// The folders that were walked: of a project in one of them it is known what no stack uses.
    pub walked_folders: &'s [PathBuf],
    /// The folder of the files that have no config: their repository, else what the arguments share.
    pub project: &'s Path,
    /// The root of the repository.
    pub root: &'s Path,
    /// Whether a store that shows nothing is taken to be empty: to fill it, that has to be tried.
    pub allow_empty_listing: bool,
    /// Whether comments and the config may silence findings.
    pub honor_ignores: bool,
    /// Whether the scan holds the values of secrets that stand in files.
    pub leaks: bool,
    /// Findings that are known.
    pub baseline: Option<&'s Baseline>,
    /// A baseline that this run replaces: its findings are reported, and its entries are judged.
    pub replaced_baseline: Option<&'s Baseline>,
}

impl<'s> Settings<'s> {
    /// Those of a check as it is done without flags.
    pub fn new(configs: &'s Configs, level: LevelChoice<'s>, inventories: &'s Inventories) -> Self {
        Self {
            configs,
            level,
            inventories,
            walked_folders: &[],
            project: Path::new(""),
            root: Path::new(""),
            allow_empty_listing: false,
            honor_ignores: true,
            leaks: false,
            baseline: None,
            replaced_baseline: None,
        }
    }

    /// Returns whether everything that has a config was walked.
    fn covers(&self, config: &Config) -> bool {
        self.was_walked(if config.file.is_some() { &config.folder } else { self.project })
    }

    /// Returns whether everything that may use an inventory was walked. The configs of other folders may name a file that lies
    /// outside the folder of its config.
    fn covers_users_of(&self, config: &Config, file: Option<&Path>) -> bool {
        let is_outside = file.is_some_and(|file| {
            config.file.is_some() && !file.starts_with(paths::canonicalize_existing(&config.folder))
        });
        self.covers(config) && (!is_outside || self.was_walked(self.root))
    }

    fn was_walked(&self, folder: &Path) -> bool {
        self.walked_folders.iter().any(|walked| folder.starts_with(walked))
    }
}

/// Checks a scan.
pub fn run(scan: &Scan, settings: &Settings<'_>, progress: Option<Progress<'_>>) -> Report {
    check_with_answers(scan, settings, LookupResults::default(), progress)
}

/// Checks a scan with what the inventories have answered before; they are asked again only if something new is to be known.
pub fn check_with_answers(
    scan: &Scan,
    settings: &Settings<'_>,
    answers: LookupResults,
    progress: Option<Progress<'_>>,
) -> Report {
    let mut report = Report::default();
    let mut findings: Vec<Finding> = Vec::new();
    let mut resolver = ReferenceResolver::new(scan, settings, answers, progress);
    resolver.check_references(&mut findings);
    resolver.check_inventory_files(scan, &mut findings);
    // What could not be read comes first: it may be why the rest is as it is.
    report.failures.extend_from_slice(&scan.skipped.failures);
    report.failures.append(&mut resolver.failures);
    report.answers = resolver.answers;
    report.summary.unchecked = resolver.unchecked;
    for file in &scan.files {
        findings.extend(file.findings.iter().cloned());
        if settings.configs.for_file(&file.path).resolver == Resolver::Zenml {
            check_stacks(file, &mut findings);
        }
        report.summary.references += file.references.len();
    }
    report.summary.files = scan.files.len();
    for leaked in &scan.leaked_files {
        findings.extend(leaked.findings.iter().cloned());
    }
    for comments in settings.inventories.in_use().filter_map(|(_, inventory)| inventory.comments()) {
        findings.extend(comment_findings(comments.source, comments.directives));
    }
    apply_rule_levels(&mut findings, settings.configs);
    let typed = resolver.types_known;
    let coverage = Coverage {
        settings,
        all_answered: report.failures.is_empty(),
        all_files_read: is_complete(scan),
        types_known: typed,
    };
    // Before anything is silenced: what is silenced is still there.
    let compared = settings.baseline.or(settings.replaced_baseline);
    let mut current_baseline = compared.map(|baseline| (baseline, Baseline::from_findings(&findings)));
    if settings.honor_ignores {
        let found = findings.len();
        let mut suppressions = Suppressions::new(scan, settings.configs, settings.inventories);
        findings.retain(|finding| !suppressions.suppresses(finding));
        report.summary.ignored = found - findings.len();
        let mut unused = suppressions.unused_ignores(&|config, rule| coverage.is_evaluated(config, rule), &|config| {
            coverage.is_complete(config)
        });
        apply_rule_levels(&mut unused, settings.configs);
        if let Some((_, current_baseline)) = &mut current_baseline {
            current_baseline.add(&unused);
        }
        let unused_count = unused.len();
        unused.retain(|finding| !suppressions.config_suppresses(finding));
        report.summary.ignored += unused_count - unused.len();
        findings.append(&mut unused);
        finding::sort(&mut findings);
    }
    report.findings = findings;
    report.count();
    if let Some((baseline, current_baseline)) = &current_baseline {
        let files = scan.files.iter().map(|file| (file.source.repository_path(), file)).collect();
        let (stale, unjudged) =
            baseline.difference(current_baseline).cloned().partition(|entry| coverage.would_find(entry, &files));
        (report.stale, report.unevaluated) = (stale, unjudged);
        if settings.baseline.is_some() {
            report.apply_baseline(baseline);
        }
    }
    report
}

/// Whether all that could use a secret was read.
fn is_complete(scan: &Scan) -> bool {
    let unread = scan.files.iter().any(|file| file.stacks.is_empty() && !file.findings.is_empty());
    !unread && scan.skipped.failures.is_empty()
}

/// Findings that nobody could make before, weighed and silenced as a check does it.
pub fn finalize_findings(mut findings: Vec<Finding>, scan: &Scan, settings: &Settings<'_>) -> Vec<Finding> {
    apply_rule_levels(&mut findings, settings.configs);
    let mut suppressions = Suppressions::new(scan, settings.configs, settings.inventories);
    findings.retain(|finding| !suppressions.suppresses(finding));
    findings
}

/// Gives findings the severity that the config has for their rules, leaves out those of rules that are off, and finishes them.
fn apply_rule_levels(findings: &mut Vec<Finding>, configs: &Configs) {
    let mut cursor = Cursor::for_findings(configs);
    findings.retain_mut(|finding| {
        match cursor.get(finding.source.absolute_path()).rules.get(finding.rule) {
            Some(RuleLevel::Off) => return false,
            Some(RuleLevel::Warning) => finding.severity = Severity::Warning,
            Some(RuleLevel::Error) => finding.severity = Severity::Error,
            None => {}
        }
        true
    });
    finding::assign_fingerprints(findings);
}

/// What a run looked at, so that it is known of what there is none.
struct Coverage<'k> {
    settings: &'k Settings<'k>,
    /// Whether every question had an answer.
    all_answered: bool,
    /// Whether every stack file could be read.
    all_files_read: bool,
    /// Whether the types of all values behind references are known.
    types_known: bool,
}

impl Coverage<'_> {
    /// Returns whether everything that has a config was read.
    fn is_complete(&self, config: &Config) -> bool {
        self.all_files_read && self.settings.covers(config)
    }

    /// Whether all findings of a rule are known, so that an ignore without one is of no use.
    fn is_evaluated(&self, config: &Config, rule: &str) -> bool {
        let settings = self.settings;
        let asked = |least| settings.level.for_config(config) >= least && self.all_answered;
        let on = config.rules.get(rule) != Some(&RuleLevel::Off);
        on && match rules::find(rule).map(|rule| &rule.kind) {
            // Only stores that show values or doubles on the way to keys tell the others.
            Some(RuleKind::Reference(_)) if rule == "unknown-secret" => asked(Level::SecretExists),
            Some(RuleKind::Reference(_)) if rule == "unusable-value" => {
                asked(Level::SecretAndKeyExists) && self.types_known
            }
            Some(RuleKind::Reference(_)) => rule == "unknown-key" && asked(Level::SecretAndKeyExists),
            Some(RuleKind::Inventory(_)) => asked(Level::SecretExists) && self.is_complete(config),
            Some(RuleKind::Leak(_)) => settings.leaks && self.all_answered,
            Some(_) => true,
            None => false,
        }
    }

    /// Whether an entry of a baseline would have been found, if it were still there.
    fn would_find(&self, entry: &baseline::BaselineEntry, files: &HashMap<&str, &StackFile>) -> bool {
        let config = self.settings.configs.for_findings_in(&entry.absolute_path);
        let whole = self.is_complete(&config);
        if !entry.exists && whole {
            return true;
        }
        let file = files.get(entry.path.as_str());
        let seen = match file {
            Some(file) => !file.stacks.is_empty() || file.findings.is_empty(),
            // A file that exists and was not read: excluded, ignored by git, an inventory that this run does not use.
            None if entry.exists && !self.reads_besides_stacks(entry) => false,
            None => whole && self.all_answered,
        };
        // What is of no use depends on all that can be looked at.
        let Settings { level, honor_ignores: heed_ignores, leaks, .. } = *self.settings;
        let leaks = leaks || file.is_some_and(|file| !file.directives.iter().any(names_leak_rule));
        let everything = level.for_config(&config) == Level::SecretAndKeyExists
            && heed_ignores
            && self.settings.covers(&config)
            && leaks
            && self.all_answered;
        seen && match rules::find(&entry.rule).map(|rule| &rule.kind) {
            Some(RuleKind::Ignore(_)) => everything && self.is_evaluated(&config, &entry.rule),
            Some(_) => self.is_evaluated(&config, &entry.rule),
            None => true,
        }
    }

    /// Returns whether this run reads the file of an entry that is not a stack file: any text file in search of values, else
    /// the config and the inventories in use.
    fn reads_besides_stacks(&self, entry: &baseline::BaselineEntry) -> bool {
        let Settings { configs, inventories, .. } = self.settings;
        let is_leak = matches!(rules::find(&entry.rule).map(|rule| &rule.kind), Some(RuleKind::Leak(_)));
        let is_of_entry = |source: &Arc<SourceFile>| source.repository_path() == entry.path;
        let mut comments = inventories.in_use().filter_map(|(_, inventory)| inventory.comments());
        is_leak
            || comments.any(|comments| is_of_entry(comments.source))
            || configs.known_configs().iter().filter_map(|config| config.source.as_ref()).any(is_of_entry)
    }
}

/// Returns whether a comment ignores a rule about leaked values, so that only `--leaks` shows whether it is of use.
fn names_leak_rule(directive: &Directive) -> bool {
    let is_leak = |name: &String| matches!(rules::find(name).map(|rule| &rule.kind), Some(RuleKind::Leak(_)));
    matches!(&directive.kind, DirectiveKind::Ignore(rules) if rules.iter().any(is_leak))
}

/// Returns the inventories that a stack of a file uses; `config` is that of the file.
fn inventory_chain(file: &StackFile, stack: usize, config: &Config, settings: &Settings<'_>) -> Option<Vec<usize>> {
    let manager = file.stacks.get(stack).and_then(|stack| stack.secrets_manager());
    settings.inventories.chain(config, &file.path, manager)
}

/// What a reference asks of the inventories that its stack uses.
pub fn reference_lookup(file: &StackFile, reference: &Reference, settings: &Settings<'_>) -> ReferenceLookup {
    let config = settings.configs.for_file(&file.path);
    let chain = inventory_chain(file, reference.stack, &config, settings).unwrap_or_default();
    lookup_at_level(reference, chain, settings.level.for_config(&config))
}

/// Returns an answer without the keys, if they are known only since a reference of another level asked for them.
fn without_unrequested_keys<'a>(
    answer: LookupResult<'a>,
    reference: &Reference,
    question: &ReferenceLookup,
) -> LookupResult<'a> {
    match answer {
        LookupResult::Found { inventory, doubled, .. } if question.key.is_none() && reference.key.is_some() => {
            LookupResult::Found { inventory, doubled, keys: None }
        }
        answer => answer,
    }
}

/// What a reference asks of some inventories at a level: only the highest asks for keys.
fn lookup_at_level(reference: &Reference, chain: Vec<usize>, level: Level) -> ReferenceLookup {
    let key = reference.key.clone().filter(|_| level == Level::SecretAndKeyExists);
    ReferenceLookup { chain, secret: reference.secret.clone(), key }
}

/// The stack rules, for each stack with its own references.
fn check_stacks(file: &StackFile, findings: &mut Vec<Finding>) {
    let mut by_stack: HashMap<usize, Vec<&Reference>> = HashMap::new();
    for reference in &file.references {
        by_stack.entry(reference.stack).or_default().push(reference);
    }
    for (index, stack) in file.stacks.iter().enumerate() {
        let references = by_stack.remove(&index).unwrap_or_default();
        for rule in RULES {
            if let RuleKind::Stack(check) = rule.kind {
                findings.extend(check(stack, &references));
            }
        }
    }
}

/// A scan joined with its inventories.
struct ReferenceResolver<'s> {
    settings: &'s Settings<'s>,
    /// Each reference with the question it asks.
    lookups: Vec<(&'s Reference, ReferenceLookup)>,
    answers: LookupResults,
    failures: Vec<Failure>,
    /// References of which nobody can say where their secrets are.
    has_unrouted: bool,
    /// Whether the types of all values behind references are known.
    types_known: bool,
    unchecked: Unchecked,
}

impl<'s> ReferenceResolver<'s> {
    fn new(scan: &'s Scan, settings: &'s Settings<'s>, answers: LookupResults, progress: Option<Progress<'_>>) -> Self {
        let mut joined = Self {
            settings,
            lookups: Vec::new(),
            answers: LookupResults::default(),
            failures: Vec::new(),
            has_unrouted: false,
            types_known: true,
            unchecked: Unchecked::default(),
        };
        let mut unrouted: Option<&Reference> = None;
        let mut highest = Level::None;
        for file in scan.files.iter().filter(|file| !file.references.is_empty()) {
            let config = settings.configs.for_file(&file.path);
            let level = settings.level.for_config(&config);
            if level == Level::None {
                joined.unchecked.add(file.references.len(), settings.level.reason(&config));
                continue;
            }
            highest = highest.max(level);
            if level < Level::SecretAndKeyExists {
                joined.unchecked.levels.insert(settings.level.reason(&config));
            }
            let mut chains: BTreeMap<usize, Option<Vec<usize>>> = BTreeMap::new();
            for reference in &file.references {
                let chain = chains
                    .entry(reference.stack)
                    .or_insert_with(|| inventory_chain(file, reference.stack, &config, settings));
                if let Some(chain) = chain {
                    joined.lookups.push((reference, lookup_at_level(reference, chain.clone(), level)));
                } else {
                    joined.unchecked.add(1, "no inventory".to_owned());
                    unrouted.get_or_insert(reference);
                }
            }
        }
        if let Some(reference) = unrouted {
            joined.failures.push(no_inventory_failure(reference, settings.inventories));
            joined.has_unrouted = true;
        }
        // Most are asked many times.
        let asked: HashSet<&ReferenceLookup> = joined.lookups.iter().map(|(_, question)| question).collect();
        let questions = asked.into_iter().cloned().collect();
        joined.answers = if answers.contains_all(&questions) {
            answers
        } else {
            LookupResults::query(settings.inventories, highest, questions, progress)
        };
        joined
    }

    fn inventory_name(&self, inventory: usize) -> &'s str {
        self.settings.inventories.get(inventory).map_or("?", Inventory::name)
    }

    /// Unknown secrets and keys, and whatever else the answers tell of references.
    fn check_references(&mut self, findings: &mut Vec<Finding>) {
        let mut suggestions = SuggestionCache::new(&self.answers);
        let mut failed: BTreeMap<usize, (StoreError, BTreeSet<String>)> = BTreeMap::new();
        for (reference, question) in &self.lookups {
            let answer = without_unrequested_keys(self.answers.get(question), reference, question);
            if let LookupResult::Failed { error: StoreError::EmptyListing(_), .. } = &answer
                && self.settings.allow_empty_listing
            {
                continue;
            }
            if let LookupResult::Failed { inventory, error: why } = &answer {
                let entry = failed.entry(*inventory).or_insert_with(|| ((*why).clone(), BTreeSet::new()));
                entry.1.insert(question.secret.clone());
                self.unchecked.add(1, format!("no answer from `{}`", self.inventory_name(*inventory)));
                continue;
            }
            let is_found = matches!(answer, LookupResult::Found { .. });
            if is_found && reference.key.is_some() && question.key.is_none() {
                self.unchecked.keys += 1;
            }
            let asked: Vec<&str> = question.chain.iter().map(|&at| self.inventory_name(at)).collect();
            let (holder, nearest) = match &answer {
                LookupResult::Found { inventory, keys, .. } => {
                    let value = question.key.as_deref().zip(*keys).and_then(|(key, keys)| keys.get(key));
                    self.types_known &= value != Some(&ValueType::Unknown);
                    let wrong = question.key.as_deref().zip(*keys).filter(|(key, keys)| !keys.contains_key(*key));
                    (
                        self.inventory_name(*inventory),
                        wrong.and_then(|(key, keys)| suggestions.suggest_key(&question.secret, key, keys)),
                    )
                }
                _ => ("", suggestions.suggest_secret(&question.chain, &question.secret)),
            };
            let shifted = if matches!(answer, LookupResult::NotFound) {
                self.dotted_suggestion(reference, question)
            } else {
                None
            };
            let context = rules::LookupContext {
                answer,
                queried: asked,
                found_in: holder,
                suggestion: nearest,
                dotted_suggestion: shifted,
            };
            let finding = RULES.iter().find_map(|rule| match rule.kind {
                RuleKind::Reference(check) => check(reference, &context),
                _ => None,
            });
            findings.extend(finding);
        }
        self.has_unrouted |= !failed.is_empty();
        let failures: Vec<Failure> = failed
            .into_iter()
            .flat_map(|(inventory, (why, secrets))| unanswered_failures(self.inventory_name(inventory), &why, &secrets))
            .collect();
        self.failures.extend(failures);
        // Also those of an inventory behind the one that answered: the next reference may need it.
        for at in self.answers.queried_inventories() {
            let complaints = self.settings.inventories.get(at).map_or(&[][..], Inventory::entry_errors);
            self.failures.extend_from_slice(complaints);
        }
        let mut reported = HashSet::new();
        self.failures.retain(|failure| reported.insert(failure.to_string()));
    }

    /// The reference that was meant where the resolver takes the first of three names for the secret: `{{secrets.db.password}}`.
    fn dotted_suggestion(&self, reference: &Reference, question: &ReferenceLookup) -> Option<String> {
        let (secret, key) = reference.key.as_deref()?.split_once('.')?;
        let shifted =
            ReferenceLookup { chain: question.chain.clone(), secret: secret.to_owned(), key: Some(key.to_owned()) };
        matches!(self.answers.get(&shifted), LookupResult::Found { .. }).then(|| format!("{{{{{secret}.{key}}}}}"))
    }

    /// Returns the inventories in use that may be asked. Those of one file are one, since several configs may name it.
    fn distinct_inventories(&self) -> Vec<SharedInventory> {
        let mut shared: BTreeMap<(Option<PathBuf>, usize), SharedInventory> = BTreeMap::new();
        for config in self.settings.configs.known_configs() {
            for at in self.settings.inventories.in_use_of(&config) {
                let file =
                    self.settings.inventories.get(at).and_then(Inventory::file).map(paths::canonicalize_existing);
                let key = (file.clone(), if file.is_some() { 0 } else { at });
                let inventory = shared.entry(key).or_insert(SharedInventory { file, users: Vec::new() });
                inventory.users.push((at, Arc::clone(&config)));
            }
        }
        let is_asked = |config: &Config| self.settings.level.for_config(config) > Level::None;
        let mut shared: Vec<SharedInventory> = shared.into_values().collect();
        shared.retain(|inventory| inventory.users.iter().any(|(_, config)| is_asked(config)));
        shared
    }

    /// Returns the names that stacks use as names of whole secrets, also where that use is wrong or misspelt, each with the
    /// inventories of its stack; `None` if nobody can say which these are.
    fn whole_secret_names(&self, scan: &Scan, findings: &[Finding]) -> Vec<(Option<Vec<usize>>, String)> {
        let written = scan.files.iter().filter(|file| !file.whole_secret_names.is_empty()).flat_map(|file| {
            let config = self.settings.configs.for_file(&file.path);
            let names = file.whole_secret_names.iter();
            names.map(move |(stack, name)| (inventory_chain(file, *stack, &config, self.settings), name.clone()))
        });
        let misspelt = findings.iter().filter(|finding| finding.secret.is_some() && finding.key.is_none());
        written.chain(misspelt.filter_map(|finding| Some((None, finding.suggestion.clone()?)))).collect()
    }

    /// Names in inventory files that nothing uses, or that nothing can.
    fn check_inventory_files(&self, scan: &Scan, findings: &mut Vec<Finding>) {
        let inventories = self.distinct_inventories();
        if inventories.is_empty() {
            return;
        }
        // A reference that is wrong where it stands still says that its secret is wanted, and so does a misspelt one.
        let wrong = scan.files.iter().flat_map(|file| &file.findings);
        // Thousands of findings may be about one comment, whose words are taken once.
        let mut seen: HashSet<(*const SourceFile, Span)> = HashSet::new();
        let wrong = wrong.filter(|finding| {
            let is_text = !finding.redact && finding.rule != "syntax-error";
            is_text && seen.insert((Arc::as_ptr(&finding.source), finding.span))
        });
        let words = wrong.flat_map(|finding| {
            finding.source.slice(finding.span).split(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | '.' | '$'))
        });
        let meant = findings.iter().filter_map(|finding| finding.suggestion.as_deref());
        let wanted: HashSet<String> = words.chain(meant).map(str::to_owned).collect();
        // What could not be read, or looked up, may be what uses it.
        let is_read = is_complete(scan) && !self.has_unrouted;
        let answered: BTreeSet<usize> = self.answers.answered_inventories().collect();
        let whole_names = self.whole_secret_names(scan, findings);
        for SharedInventory { file, users } in &inventories {
            let at = users.iter().map(|(at, _)| *at).find(|at| answered.contains(at));
            let Some(at) = at.or_else(|| Some(users.first()?.0)) else { continue };
            let Some(inventory) = self.settings.inventories.get(at) else { continue };
            let is_covered = |config: &Config| {
                let is_asked = self.settings.level.for_config(config) > Level::None;
                is_asked && self.settings.covers_users_of(config, file.as_deref())
            };
            let complete = is_read && users.iter().all(|(_, config)| is_covered(config));
            if !answered.contains(&at) && !complete {
                continue;
            }
            let is_own = |chain: &[usize]| users.iter().any(|(at, _)| chain.contains(at));
            let mut used: HashSet<&str> = self
                .lookups
                .iter()
                .filter(|(_, question)| is_own(&question.chain))
                .map(|(reference, _)| reference.secret.as_str())
                .collect();
            let reaches = |chain: &Option<Vec<usize>>| chain.as_ref().is_none_or(|chain| is_own(chain));
            used.extend(whole_names.iter().filter(|(chain, _)| reaches(chain)).map(|(_, name)| name.as_str()));
            let is_snapshot = inventory.is_snapshot();
            for secret in inventory.declared_names() {
                let usage = if used.contains(secret.name.as_str()) {
                    Usage::Used
                } else if wanted.contains(&secret.name) || !complete || is_snapshot {
                    Usage::Unknown
                } else {
                    Usage::Unused
                };
                let finding = RULES.iter().find_map(|rule| match rule.kind {
                    // One culprit, one finding: what no reference can name is not also unused.
                    RuleKind::Inventory(check) => check(&secret, usage),
                    _ => None,
                });
                findings.extend(finding);
            }
        }
    }
}

/// An inventory with the configs that use it, each under its own index.
struct SharedInventory {
    /// The file, without links, if it is one.
    file: Option<PathBuf>,
    users: Vec<(usize, Arc<Config>)>,
}

/// The names that were probably meant, each looked for once: the same slip is often made many times, and the nearest of
/// thousands of names is not cheap. After [`MAX_SUGGESTIONS`] different ones, or as much [`SearchBudget`] as a run has, no more are looked for.
struct SuggestionCache<'a> {
    answers: &'a LookupResults,
    secrets: HashMap<(&'a [usize], &'a str), Option<String>>,
    keys: HashMap<(&'a str, &'a str), Option<String>>,
    names: HashMap<&'a [usize], Suggester<'a>>,
    remaining: usize,
    budget: SearchBudget,
}

/// Different slips for which a nearest name is looked for in one run.
const MAX_SUGGESTIONS: usize = 1_000;

impl<'a> SuggestionCache<'a> {
    fn new(answers: &'a LookupResults) -> Self {
        Self {
            answers,
            secrets: HashMap::new(),
            keys: HashMap::new(),
            names: HashMap::new(),
            remaining: MAX_SUGGESTIONS,
            budget: SearchBudget::for_run(),
        }
    }

    fn suggest_secret(&mut self, chain: &'a [usize], name: &'a str) -> Option<String> {
        if let Some(known) = self.secrets.get(&(chain, name)) {
            return known.clone();
        }
        self.remaining = self.remaining.checked_sub(1)?;
        let names = self.names.entry(chain).or_insert_with(|| Suggester::new(self.answers.names(chain)));
        let nearest = names.nearest_within(name, &mut self.budget).map(str::to_owned);
        self.secrets.insert((chain, name), nearest.clone());
        nearest
    }

    fn suggest_key(&mut self, secret: &'a str, key: &'a str, keys: &KeyTypes) -> Option<String> {
        if let Some(known) = self.keys.get(&(secret, key)) {
            return known.clone();
        }
        self.remaining = self.remaining.checked_sub(1)?;
        // To make the names ready is work that has to be paid for, too.
        self.budget.spend(1)?;
        self.budget.spend(keys.keys().map(|key| key.len() as u64 + SearchBudget::CANDIDATE_COST).sum())?;
        let known = Suggester::new(keys.keys().map(String::as_str));
        let nearest = known.nearest_within(key, &mut self.budget).map(str::to_owned);
        self.keys.insert((secret, key), nearest.clone());
        nearest
    }
}

/// References, and no inventory to look in.
fn no_inventory_failure(reference: &Reference, inventories: &Inventories) -> Failure {
    let place = format!("{}:{}", reference.source.path(), reference.source.position(reference.span.start).line);
    let message = if inventories.is_empty() {
        format!("there are references (the first at {place}), and no inventory to look them up in")
    } else {
        format!("no `[[stacks]]` says which inventory the references at {place} are looked up in")
    };
    Failure::usage(message).with_help(if inventories.is_empty() {
        "three ways out: write `secrets.inventory.yaml` with `name: [key, key]` at the repository's root, name an \
         inventory in `stackref.toml` or with `--inventory FILE`, or check the syntax alone with `--level none`"
    } else {
        "three ways out: add an entry `[[stacks]]` with `files` and `inventory` to `stackref.toml`, name one inventory with \
         `--inventory NAME`, or check the syntax alone with `--level none`"
    })
}

/// What could not be answered, in words that say which secrets, which inventory, and what to do.
fn unanswered_failures(inventory: &str, why: &StoreError, secrets: &BTreeSet<String>) -> Vec<Failure> {
    const MAX_NAMED: usize = 5;
    let names: Vec<String> = secrets.iter().take(MAX_NAMED).map(|name| format!("`{name}`")).collect();
    let more = secrets.len().saturating_sub(MAX_NAMED);
    let mut list = names.join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    match why {
        StoreError::Invalid(failure) => vec![failure.clone()],
        StoreError::Forbidden(advice) => vec![
            Failure::unanswered(format!("the inventory `{inventory}` forbids to look up {list}"))
                .with_help(advice.clone()),
        ],
        StoreError::Unreachable(seen) => vec![
            Failure::unanswered(format!("the inventory `{inventory}` did not answer for {list}: {seen}"))
                .with_help("mend that and try again, or check the syntax alone with `--level none`"),
        ],
        StoreError::EmptyListing(advice) => {
            let words = format!("the inventory `{inventory}` shows this identity no secret at all, so none of {list}");
            vec![Failure::unanswered(words).with_help(advice.clone())]
        }
        StoreError::NotFound | StoreError::NoValues => Vec::new(),
    }
}
