//! `check`: the findings of a scan, joined with what the inventories say.

use crate::baseline::{self, Baseline};
use crate::config::{Config, Level, RuleLevel};
use crate::configs::{Configs, Cursor};
use crate::error::Failure;
use crate::finding::{self, Finding, Severity};
use crate::ignore::{Directive, Says};
use crate::inventory::lookup::{Answer, Answers, Keys, Progress, Question};
use crate::inventory::{Inventories, Inventory, NoAnswer, ValueType};
use crate::nearest::{Effort, Neighbours};
use crate::outcome::Outcome;
use crate::paths;
use crate::reference::Resolver;
use crate::rules::{self, Check, RULES, Usage};
use crate::scan::{Scan, StackFile, comment_findings};
use crate::silence::Silencer;
use crate::site::Reference;
use crate::source::{SourceFile, Span};
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
    pub answers: Answers,
    /// Entries of the baseline that nothing matches any more.
    pub stale: Vec<baseline::Entry>,
    /// Entries of the baseline that nothing matches, of which this run would not have found the finding.
    pub unjudged: Vec<baseline::Entry>,
    /// The config's path from the repository's root, where reports that need a location show failures.
    pub config: Option<String>,
}

impl Report {
    /// Leaves out the findings that a baseline knows.
    pub fn leave_out(&mut self, baseline: &Baseline) {
        let found = self.findings.len();
        self.findings.retain(|finding| !baseline.holds(finding));
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
    pub fn given(level: Level, origin: &'s str) -> Self {
        Self { fixed: Some(level), origin: Some(origin) }
    }

    /// Returns the level of the files of a config.
    pub fn of(self, config: &Config) -> Level {
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
        let level = self.of(config).name();
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
    pub walked: &'s [PathBuf],
    /// The folder of the files that have no config: their repository, else what the arguments share.
    pub project: &'s Path,
    /// The root of the repository.
    pub root: &'s Path,
    /// Whether a store that shows nothing is taken to be empty: to fill it, that has to be tried.
    pub may_be_empty: bool,
    /// Whether comments and the config may silence findings.
    pub heed_ignores: bool,
    /// Whether the scan holds the values of secrets that stand in files.
    pub leaks: bool,
    /// Findings that are known.
    pub baseline: Option<&'s Baseline>,
    /// A baseline that this run replaces: its findings are reported, and its entries are judged.
    pub replaced: Option<&'s Baseline>,
}

impl<'s> Settings<'s> {
    /// Those of a check as it is done without flags.
    pub fn new(configs: &'s Configs, level: LevelChoice<'s>, inventories: &'s Inventories) -> Self {
        Self {
            configs,
            level,
            inventories,
            walked: &[],
            project: Path::new(""),
            root: Path::new(""),
            may_be_empty: false,
            heed_ignores: true,
            leaks: false,
            baseline: None,
            replaced: None,
        }
    }

    /// Returns whether everything that has a config was walked.
    fn covers(&self, config: &Config) -> bool {
        self.was_walked(if config.file.is_some() { &config.folder } else { self.project })
    }

    /// Returns whether everything that may use an inventory was walked. The configs of other folders may name a file that lies
    /// outside the folder of its config.
    fn covers_users_of(&self, config: &Config, file: Option<&Path>) -> bool {
        let is_outside =
            file.is_some_and(|file| config.file.is_some() && !file.starts_with(paths::real(&config.folder)));
        self.covers(config) && (!is_outside || self.was_walked(self.root))
    }

    fn was_walked(&self, folder: &Path) -> bool {
        self.walked.iter().any(|walked| folder.starts_with(walked))
    }
}

/// Checks a scan.
pub fn run(scan: &Scan, settings: &Settings<'_>, progress: Option<Progress<'_>>) -> Report {
    again(scan, settings, Answers::default(), progress)
}

/// Checks a scan with what the inventories have answered before; they are asked again only if something new is to be known.
pub fn again(scan: &Scan, settings: &Settings<'_>, known: Answers, progress: Option<Progress<'_>>) -> Report {
    let mut report = Report::default();
    let mut findings: Vec<Finding> = Vec::new();
    let mut joined = Joined::new(scan, settings, known, progress);
    joined.existence(&mut findings);
    joined.inventory_files(scan, &mut findings);
    // What could not be read comes first: it may be why the rest is as it is.
    report.failures.extend_from_slice(&scan.passed.failures);
    report.failures.append(&mut joined.failures);
    report.answers = joined.answers;
    report.summary.unchecked = joined.unchecked;
    for file in &scan.files {
        findings.extend(file.findings.iter().cloned());
        if settings.configs.of(&file.path).resolver == Resolver::Zenml {
            stack_findings(file, &mut findings);
        }
        report.summary.references += file.references.len();
    }
    report.summary.files = scan.files.len();
    for leaked in &scan.leaked {
        findings.extend(leaked.findings.iter().cloned());
    }
    for comments in settings.inventories.in_use().filter_map(|(_, inventory)| inventory.comments()) {
        findings.extend(comment_findings(comments.source, comments.directives));
    }
    weigh(&mut findings, settings.configs);
    let typed = joined.typed;
    let looked = Looked { settings, answered: report.failures.is_empty(), complete: is_complete(scan), typed };
    // Before anything is silenced: what is silenced is still there.
    let compared = settings.baseline.or(settings.replaced);
    let mut there = compared.map(|baseline| (baseline, Baseline::of(&findings)));
    if settings.heed_ignores {
        let found = findings.len();
        let mut silencer = Silencer::new(scan, settings.configs, settings.inventories);
        findings.retain(|finding| !silencer.silences(finding));
        report.summary.ignored = found - findings.len();
        let mut unused =
            silencer.unused(&|config, rule| looked.judges(config, rule), &|config| looked.is_complete(config));
        weigh(&mut unused, settings.configs);
        if let Some((_, there)) = &mut there {
            there.add(&unused);
        }
        let told = unused.len();
        unused.retain(|finding| !silencer.config_silences(finding));
        report.summary.ignored += told - unused.len();
        findings.append(&mut unused);
        finding::sort(&mut findings);
    }
    report.findings = findings;
    report.count();
    if let Some((baseline, there)) = &there {
        let files = scan.files.iter().map(|file| (file.source.identity(), file)).collect();
        let (stale, unjudged) = baseline.without(there).cloned().partition(|entry| looked.would_find(entry, &files));
        (report.stale, report.unjudged) = (stale, unjudged);
        if settings.baseline.is_some() {
            report.leave_out(baseline);
        }
    }
    report
}

/// Whether all that could use a secret was read.
fn is_complete(scan: &Scan) -> bool {
    let unread = scan.files.iter().any(|file| file.stacks.is_empty() && !file.findings.is_empty());
    !unread && scan.passed.failures.is_empty()
}

/// Findings that nobody could make before, weighed and silenced as a check does it.
pub fn weighed(mut findings: Vec<Finding>, scan: &Scan, settings: &Settings<'_>) -> Vec<Finding> {
    weigh(&mut findings, settings.configs);
    let mut silencer = Silencer::new(scan, settings.configs, settings.inventories);
    findings.retain(|finding| !silencer.silences(finding));
    findings
}

/// Gives findings the severity that the config has for their rules, leaves out those of rules that are off, and finishes them.
fn weigh(findings: &mut Vec<Finding>, configs: &Configs) {
    let mut cursor = Cursor::of_findings(configs);
    findings.retain_mut(|finding| {
        match cursor.of(finding.source.location()).rules.get(finding.rule) {
            Some(RuleLevel::Off) => return false,
            Some(RuleLevel::Warning) => finding.severity = Severity::Warning,
            Some(RuleLevel::Error) => finding.severity = Severity::Error,
            None => {}
        }
        true
    });
    finding::finish(findings);
}

/// What a run looked at, so that it is known of what there is none.
struct Looked<'k> {
    settings: &'k Settings<'k>,
    /// Whether every question had an answer.
    answered: bool,
    /// Whether every stack file could be read.
    complete: bool,
    /// Whether the types of all values behind references are known.
    typed: bool,
}

impl Looked<'_> {
    /// Returns whether everything that has a config was read.
    fn is_complete(&self, config: &Config) -> bool {
        self.complete && self.settings.covers(config)
    }

    /// Whether all findings of a rule are known, so that an ignore without one is of no use.
    fn judges(&self, config: &Config, rule: &str) -> bool {
        let settings = self.settings;
        let asked = |least| settings.level.of(config) >= least && self.answered;
        let on = config.rules.get(rule) != Some(&RuleLevel::Off);
        on && match rules::find(rule).map(|rule| &rule.check) {
            // Only stores that show values or doubles on the way to keys tell the others.
            Some(Check::Reference(_)) if rule == "unknown-secret" => asked(Level::SecretExists),
            Some(Check::Reference(_)) if rule == "unusable-value" => asked(Level::SecretAndKeyExists) && self.typed,
            Some(Check::Reference(_)) => rule == "unknown-key" && asked(Level::SecretAndKeyExists),
            Some(Check::Inventory(_)) => asked(Level::SecretExists) && self.is_complete(config),
            Some(Check::Leak(_)) => settings.leaks && self.answered,
            Some(_) => true,
            None => false,
        }
    }

    /// Whether an entry of a baseline would have been found, if it were still there.
    fn would_find(&self, entry: &baseline::Entry, files: &HashMap<&str, &StackFile>) -> bool {
        let config = self.settings.configs.of_findings_in(&entry.location);
        let whole = self.is_complete(&config);
        if !entry.exists && whole {
            return true;
        }
        let file = files.get(entry.path.as_str());
        let seen = match file {
            Some(file) => !file.stacks.is_empty() || file.findings.is_empty(),
            // A file that exists and was not read: excluded, ignored by git, an inventory that this run does not use.
            None if entry.exists && !self.reads_besides_stacks(entry) => false,
            None => whole && self.answered,
        };
        // What is of no use depends on all that can be looked at.
        let Settings { level, heed_ignores, leaks, .. } = *self.settings;
        let leaks = leaks || file.is_some_and(|file| !file.directives.iter().any(names_leak_rule));
        let everything = level.of(&config) == Level::SecretAndKeyExists
            && heed_ignores
            && self.settings.covers(&config)
            && leaks
            && self.answered;
        seen && match rules::find(&entry.rule).map(|rule| &rule.check) {
            Some(Check::Ignore(_)) => everything && self.judges(&config, &entry.rule),
            Some(_) => self.judges(&config, &entry.rule),
            None => true,
        }
    }

    /// Returns whether this run reads the file of an entry that is not a stack file: any text file in search of values, else
    /// the config and the inventories in use.
    fn reads_besides_stacks(&self, entry: &baseline::Entry) -> bool {
        let Settings { configs, inventories, .. } = self.settings;
        let is_leak = matches!(rules::find(&entry.rule).map(|rule| &rule.check), Some(Check::Leak(_)));
        let is_of_entry = |source: &Arc<SourceFile>| source.identity() == entry.path;
        let mut comments = inventories.in_use().filter_map(|(_, inventory)| inventory.comments());
        is_leak
            || comments.any(|comments| is_of_entry(comments.source))
            || configs.known().iter().filter_map(|config| config.source.as_ref()).any(is_of_entry)
    }
}

/// Returns whether a comment ignores a rule about leaked values, so that only `--leaks` shows whether it is of use.
fn names_leak_rule(directive: &Directive) -> bool {
    let is_leak = |name: &String| matches!(rules::find(name).map(|rule| &rule.check), Some(Check::Leak(_)));
    matches!(&directive.says, Says::Ignore(rules) if rules.iter().any(is_leak))
}

/// Returns the inventories that a stack of a file uses; `config` is that of the file.
fn chain(file: &StackFile, stack: usize, config: &Config, settings: &Settings<'_>) -> Option<Vec<usize>> {
    let manager = file.stacks.get(stack).and_then(|stack| stack.secrets_manager());
    settings.inventories.chain(config, &file.path, manager)
}

/// What a reference asks of the inventories that its stack uses.
pub fn question(file: &StackFile, reference: &Reference, settings: &Settings<'_>) -> Question {
    let config = settings.configs.of(&file.path);
    let chain = chain(file, reference.stack, &config, settings).unwrap_or_default();
    ask(reference, chain, settings.level.of(&config))
}

/// Returns an answer without the keys, if they are known only since a reference of another level asked for them.
fn as_asked<'a>(answer: Answer<'a>, reference: &Reference, question: &Question) -> Answer<'a> {
    match answer {
        Answer::Found { inventory, doubled, .. } if question.key.is_none() && reference.key.is_some() => {
            Answer::Found { inventory, doubled, keys: None }
        }
        answer => answer,
    }
}

/// What a reference asks of some inventories at a level: only the highest asks for keys.
fn ask(reference: &Reference, chain: Vec<usize>, level: Level) -> Question {
    let key = reference.key.clone().filter(|_| level == Level::SecretAndKeyExists);
    Question { chain, secret: reference.secret.clone(), key }
}

/// The stack rules, for each stack with its own references.
fn stack_findings(file: &StackFile, findings: &mut Vec<Finding>) {
    let mut by_stack: HashMap<usize, Vec<&Reference>> = HashMap::new();
    for reference in &file.references {
        by_stack.entry(reference.stack).or_default().push(reference);
    }
    for (index, stack) in file.stacks.iter().enumerate() {
        let references = by_stack.remove(&index).unwrap_or_default();
        for rule in RULES {
            if let Check::Stack(check) = rule.check {
                findings.extend(check(stack, &references));
            }
        }
    }
}

/// A scan joined with its inventories.
struct Joined<'s> {
    settings: &'s Settings<'s>,
    /// Each reference with the question it asks.
    asked: Vec<(&'s Reference, Question)>,
    answers: Answers,
    failures: Vec<Failure>,
    /// References of which nobody can say where their secrets are.
    unanswered: bool,
    /// Whether the types of all values behind references are known.
    typed: bool,
    unchecked: Unchecked,
}

impl<'s> Joined<'s> {
    fn new(scan: &'s Scan, settings: &'s Settings<'s>, known: Answers, progress: Option<Progress<'_>>) -> Self {
        let mut joined = Self {
            settings,
            asked: Vec::new(),
            answers: Answers::default(),
            failures: Vec::new(),
            unanswered: false,
            typed: true,
            unchecked: Unchecked::default(),
        };
        let mut homeless: Option<&Reference> = None;
        let mut highest = Level::None;
        for file in scan.files.iter().filter(|file| !file.references.is_empty()) {
            let config = settings.configs.of(&file.path);
            let level = settings.level.of(&config);
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
                let chain =
                    chains.entry(reference.stack).or_insert_with(|| chain(file, reference.stack, &config, settings));
                if let Some(chain) = chain {
                    joined.asked.push((reference, ask(reference, chain.clone(), level)));
                } else {
                    joined.unchecked.add(1, "no inventory".to_owned());
                    homeless.get_or_insert(reference);
                }
            }
        }
        if let Some(reference) = homeless {
            joined.failures.push(no_inventory(reference, settings.inventories));
            joined.unanswered = true;
        }
        // Most are asked many times.
        let asked: HashSet<&Question> = joined.asked.iter().map(|(_, question)| question).collect();
        let questions = asked.into_iter().cloned().collect();
        joined.answers = if known.cover(&questions) {
            known
        } else {
            Answers::ask(settings.inventories, highest, questions, progress)
        };
        joined
    }

    fn name_of(&self, inventory: usize) -> &'s str {
        self.settings.inventories.get(inventory).map_or("?", Inventory::name)
    }

    /// Unknown secrets and keys, and whatever else the answers tell of references.
    fn existence(&mut self, findings: &mut Vec<Finding>) {
        let mut slips = Slips::new(&self.answers);
        let mut failed: BTreeMap<usize, (NoAnswer, BTreeSet<String>)> = BTreeMap::new();
        for (reference, question) in &self.asked {
            let answer = as_asked(self.answers.get(question), reference, question);
            if let Answer::Failed { why: NoAnswer::Nothing(_), .. } = &answer
                && self.settings.may_be_empty
            {
                continue;
            }
            if let Answer::Failed { inventory, why } = &answer {
                let entry = failed.entry(*inventory).or_insert_with(|| ((*why).clone(), BTreeSet::new()));
                entry.1.insert(question.secret.clone());
                self.unchecked.add(1, format!("no answer from `{}`", self.name_of(*inventory)));
                continue;
            }
            let is_found = matches!(answer, Answer::Found { .. });
            if is_found && reference.key.is_some() && question.key.is_none() {
                self.unchecked.keys += 1;
            }
            let asked: Vec<&str> = question.chain.iter().map(|&at| self.name_of(at)).collect();
            let (holder, nearest) = match &answer {
                Answer::Found { inventory, keys, .. } => {
                    let value = question.key.as_deref().zip(*keys).and_then(|(key, keys)| keys.get(key));
                    self.typed &= value != Some(&ValueType::Unknown);
                    let wrong = question.key.as_deref().zip(*keys).filter(|(key, keys)| !keys.contains_key(*key));
                    (self.name_of(*inventory), wrong.and_then(|(key, keys)| slips.key(&question.secret, key, keys)))
                }
                _ => ("", slips.secret(&question.chain, &question.secret)),
            };
            let shifted = if matches!(answer, Answer::Missing) { self.shifted(reference, question) } else { None };
            let known = rules::Known { answer, asked, holder, nearest, shifted };
            let finding = RULES.iter().find_map(|rule| match rule.check {
                Check::Reference(check) => check(reference, &known),
                _ => None,
            });
            findings.extend(finding);
        }
        self.unanswered |= !failed.is_empty();
        let failures: Vec<Failure> = failed
            .into_iter()
            .flat_map(|(inventory, (why, secrets))| unanswered(self.name_of(inventory), &why, &secrets))
            .collect();
        self.failures.extend(failures);
        // Also those of an inventory behind the one that answered: the next reference may need it.
        for at in self.answers.asked() {
            let complaints = self.settings.inventories.get(at).map_or(&[][..], Inventory::complaints);
            self.failures.extend_from_slice(complaints);
        }
        let mut told = HashSet::new();
        self.failures.retain(|failure| told.insert(failure.to_string()));
    }

    /// The reference that was meant where the resolver takes the first of three names for the secret: `{{secrets.db.password}}`.
    fn shifted(&self, reference: &Reference, question: &Question) -> Option<String> {
        let (secret, key) = reference.key.as_deref()?.split_once('.')?;
        let shifted = Question { chain: question.chain.clone(), secret: secret.to_owned(), key: Some(key.to_owned()) };
        matches!(self.answers.get(&shifted), Answer::Found { .. }).then(|| format!("{{{{{secret}.{key}}}}}"))
    }

    /// Returns the inventories in use that may be asked. Those of one file are one, since several configs may name it.
    fn distinct_inventories(&self) -> Vec<SharedInventory> {
        let mut shared: BTreeMap<(Option<PathBuf>, usize), SharedInventory> = BTreeMap::new();
        for config in self.settings.configs.known() {
            for at in self.settings.inventories.in_use_of(&config) {
                let file = self.settings.inventories.get(at).and_then(Inventory::file).map(paths::real);
                let key = (file.clone(), if file.is_some() { 0 } else { at });
                let inventory = shared.entry(key).or_insert(SharedInventory { file, users: Vec::new() });
                inventory.users.push((at, Arc::clone(&config)));
            }
        }
        let is_asked = |config: &Config| self.settings.level.of(config) > Level::None;
        let mut shared: Vec<SharedInventory> = shared.into_values().collect();
        shared.retain(|inventory| inventory.users.iter().any(|(_, config)| is_asked(config)));
        shared
    }

    /// Returns the names that stacks use as names of whole secrets, also where that use is wrong or misspelt, each with the
    /// inventories of its stack; `None` if nobody can say which these are.
    fn whole_names(&self, scan: &Scan, findings: &[Finding]) -> Vec<(Option<Vec<usize>>, String)> {
        let written = scan.files.iter().filter(|file| !file.whole_names.is_empty()).flat_map(|file| {
            let config = self.settings.configs.of(&file.path);
            let names = file.whole_names.iter();
            names.map(move |(stack, name)| (chain(file, *stack, &config, self.settings), name.clone()))
        });
        let misspelt = findings.iter().filter(|finding| finding.secret.is_some() && finding.key.is_none());
        written.chain(misspelt.filter_map(|finding| Some((None, finding.suggestion.clone()?)))).collect()
    }

    /// Names in inventory files that nothing uses, or that nothing can.
    fn inventory_files(&self, scan: &Scan, findings: &mut Vec<Finding>) {
        let inventories = self.distinct_inventories();
        if inventories.is_empty() {
            return;
        }
        // A reference that is wrong where it stands still says that its secret is wanted, and so does a misspelt one.
        let wrong = scan.files.iter().flat_map(|file| &file.findings);
        // Thousands of findings may be about one comment, whose words are taken once.
        let mut seen: HashSet<(*const SourceFile, Span)> = HashSet::new();
        let wrong = wrong.filter(|finding| {
            let is_text = !finding.conceal && finding.rule != "syntax-error";
            is_text && seen.insert((Arc::as_ptr(&finding.source), finding.span))
        });
        let words = wrong.flat_map(|finding| {
            finding.source.slice(finding.span).split(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | '.' | '$'))
        });
        let meant = findings.iter().filter_map(|finding| finding.suggestion.as_deref());
        let wanted: HashSet<String> = words.chain(meant).map(str::to_owned).collect();
        // What could not be read, or looked up, may be what uses it.
        let is_read = is_complete(scan) && !self.unanswered;
        let answered: BTreeSet<usize> = self.answers.answered().collect();
        let whole_names = self.whole_names(scan, findings);
        for SharedInventory { file, users } in &inventories {
            let at = users.iter().map(|(at, _)| *at).find(|at| answered.contains(at));
            let Some(at) = at.or_else(|| Some(users.first()?.0)) else { continue };
            let Some(inventory) = self.settings.inventories.get(at) else { continue };
            let is_covered = |config: &Config| {
                let is_asked = self.settings.level.of(config) > Level::None;
                is_asked && self.settings.covers_users_of(config, file.as_deref())
            };
            let complete = is_read && users.iter().all(|(_, config)| is_covered(config));
            if !answered.contains(&at) && !complete {
                continue;
            }
            let is_own = |chain: &[usize]| users.iter().any(|(at, _)| chain.contains(at));
            let mut used: HashSet<&str> = self
                .asked
                .iter()
                .filter(|(_, question)| is_own(&question.chain))
                .map(|(reference, _)| reference.secret.as_str())
                .collect();
            let reaches = |chain: &Option<Vec<usize>>| chain.as_ref().is_none_or(|chain| is_own(chain));
            used.extend(whole_names.iter().filter(|(chain, _)| reaches(chain)).map(|(_, name)| name.as_str()));
            let is_snapshot = inventory.is_snapshot();
            for secret in inventory.declared() {
                let usage = if used.contains(secret.name.as_str()) {
                    Usage::Used
                } else if wanted.contains(&secret.name) || !complete || is_snapshot {
                    Usage::Unknown
                } else {
                    Usage::Unused
                };
                let finding = RULES.iter().find_map(|rule| match rule.check {
                    // One culprit, one finding: what no reference can name is not also unused.
                    Check::Inventory(check) => check(&secret, usage),
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
/// thousands of names is not cheap. After [`SLIPS`] different ones, or as much [`Effort`] as a run has, no more are looked for.
struct Slips<'a> {
    answers: &'a Answers,
    secrets: HashMap<(&'a [usize], &'a str), Option<String>>,
    keys: HashMap<(&'a str, &'a str), Option<String>>,
    names: HashMap<&'a [usize], Neighbours<'a>>,
    left: usize,
    effort: Effort,
}

/// Different slips for which a nearest name is looked for in one run.
const SLIPS: usize = 1_000;

impl<'a> Slips<'a> {
    fn new(answers: &'a Answers) -> Self {
        Self {
            answers,
            secrets: HashMap::new(),
            keys: HashMap::new(),
            names: HashMap::new(),
            left: SLIPS,
            effort: Effort::of_run(),
        }
    }

    fn secret(&mut self, chain: &'a [usize], name: &'a str) -> Option<String> {
        if let Some(known) = self.secrets.get(&(chain, name)) {
            return known.clone();
        }
        self.left = self.left.checked_sub(1)?;
        let names = self.names.entry(chain).or_insert_with(|| Neighbours::new(self.answers.names(chain)));
        let nearest = names.nearest_within(name, &mut self.effort).map(str::to_owned);
        self.secrets.insert((chain, name), nearest.clone());
        nearest
    }

    fn key(&mut self, secret: &'a str, key: &'a str, keys: &Keys) -> Option<String> {
        if let Some(known) = self.keys.get(&(secret, key)) {
            return known.clone();
        }
        self.left = self.left.checked_sub(1)?;
        // To make the names ready is work that has to be paid for, too.
        self.effort.spend(1)?;
        self.effort.spend(keys.keys().map(|key| key.len() as u64 + Effort::CANDIDATE).sum())?;
        let known = Neighbours::new(keys.keys().map(String::as_str));
        let nearest = known.nearest_within(key, &mut self.effort).map(str::to_owned);
        self.keys.insert((secret, key), nearest.clone());
        nearest
    }
}

/// References, and no inventory to look in.
fn no_inventory(reference: &Reference, inventories: &Inventories) -> Failure {
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
fn unanswered(inventory: &str, why: &NoAnswer, secrets: &BTreeSet<String>) -> Vec<Failure> {
    const NAMED: usize = 5;
    let names: Vec<String> = secrets.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = secrets.len().saturating_sub(NAMED);
    let mut list = names.join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    match why {
        NoAnswer::Invalid(failure) => vec![failure.clone()],
        NoAnswer::Forbidden(advice) => vec![
            Failure::unanswered(format!("the inventory `{inventory}` forbids to look up {list}"))
                .with_help(advice.clone()),
        ],
        NoAnswer::Unreachable(seen) => vec![
            Failure::unanswered(format!("the inventory `{inventory}` did not answer for {list}: {seen}"))
                .with_help("mend that and try again, or check the syntax alone with `--level none`"),
        ],
        NoAnswer::Nothing(advice) => {
            let words = format!("the inventory `{inventory}` shows this identity no secret at all, so none of {list}");
            vec![Failure::unanswered(words).with_help(advice.clone())]
        }
        NoAnswer::Missing | NoAnswer::NoValues => Vec::new(),
    }
}
