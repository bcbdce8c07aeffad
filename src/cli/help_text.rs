//! The examples, exit codes, environment variables and files of each command, for the long help and
//! the manual pages.
//!
//! A command is given as its words after `stackref`, for example `["inventory", "snapshot"]`; `[]`
//! is stackref itself. The descriptions of arguments are in the files of the arguments.

/// An example of a command line.
pub struct Example {
    /// The purpose of the command line, as a comment above it.
    pub purpose: &'static str,
    /// The words to type.
    pub command: &'static str,
}

const fn example(purpose: &'static str, command: &'static str) -> Example {
    Example { purpose, command }
}

/// The name of an environment variable, a file or an exit code, and its description.
pub type GuideEntry = (&'static str, &'static str);

const CHECK: [Example; 7] = [
    example(
        "Check all files below the working directory",
        "stackref check",
    ),
    example(
        "Look up references in one inventory",
        "stackref check --inventory names.yaml stacks/",
    ),
    example(
        "Check only the syntax, without an inventory",
        "stackref check --level none",
    ),
    example("Apply safe fixes", "stackref check --fix"),
    example(
        "Run two rules only",
        "stackref check --select unknown-secret,unknown-key",
    ),
    example(
        "Write reports for other tools",
        "stackref check -o report.sarif -o report.xml",
    ),
    example(
        "Check the text of an editor",
        "stackref check --format short --stdin-filename stack.yaml -",
    ),
];
const RENDER: [Example; 3] = [
    example(
        "Write resolved copies of all stack files to a folder",
        "stackref render -o build",
    ),
    example(
        "Print one resolved file",
        "stackref render --stdout stacks/prod.yaml",
    ),
    example(
        "Check whether every reference can be resolved",
        "stackref render --check",
    ),
];
const REGISTER: [Example; 3] = [
    example(
        "Prompt for the missing secrets of a stack",
        "stackref register prod",
    ),
    example("List the missing secrets", "stackref register --dry-run"),
    example(
        "Read the values from the environment",
        "stackref register --from-env CI --yes",
    ),
];
const REFS: [Example; 5] = [
    example(
        "List the references below the working directory",
        "stackref refs",
    ),
    example(
        "List the users of a secret, for example before a rotation",
        "stackref refs --secret mlflow",
    ),
    example(
        "List each secret with its users",
        "stackref refs --by secret",
    ),
    example("List them for a program", "stackref refs --format json"),
    example(
        "Draw the files and their secrets",
        "stackref refs --format dot | dot -Tsvg -o secrets.svg",
    ),
];
const RENAME: [Example; 3] = [
    example(
        "Rename a secret everywhere",
        "stackref rename mlflow mlflow_prod",
    ),
    example(
        "Rename a key of a secret",
        "stackref rename mlflow.user mlflow.username",
    ),
    example(
        "See the changes first",
        "stackref rename --diff mlflow mlflow_prod",
    ),
];
const MATRIX: [Example; 3] = [
    example("Compare the environments of the config", "stackref matrix"),
    example(
        "Write a page for a browser",
        "stackref matrix --format html -o matrix.html",
    ),
    example(
        "Compare two of them, for a pull request",
        "stackref matrix --environment dev --environment prod --format markdown",
    ),
];
const INVENTORY: [Example; 3] = [
    example(
        "List the names and keys of all inventories",
        "stackref inventory",
    ),
    example(
        "List the secrets of one inventory that nothing uses",
        "stackref inventory --inventory prod --unused",
    ),
    example(
        "Test the connection to each inventory",
        "stackref inventory --probe",
    ),
];
const SNAPSHOT: [Example; 3] = [
    example(
        "Write a snapshot of an inventory",
        "stackref inventory snapshot --inventory prod -o names.yaml",
    ),
    example(
        "Check whether it is up to date",
        "stackref inventory snapshot --inventory prod --check names.yaml",
    ),
    example(
        "Write a snapshot of each environment to a folder",
        "stackref inventory snapshot --all-environments -o names",
    ),
];
const DIFF: [Example; 3] = [
    example(
        "List the secrets and keys that only one of two inventories has",
        "stackref inventory diff dev prod",
    ),
    example(
        "Compare only those that the repository uses",
        "stackref inventory diff --used dev prod",
    ),
    example(
        "Compare an inventory with a snapshot",
        "stackref inventory diff prod names.yaml",
    ),
];
const EXPLAIN: [Example; 2] = [
    example("List all rules", "stackref explain"),
    example("Explain a rule", "stackref explain unknown-key"),
];
const INIT: [Example; 2] = [
    example(
        "Write the config and offer the pre-commit hook",
        "stackref init",
    ),
    example("Print the config", "stackref init --dry-run"),
];
const TRUST: [Example; 3] = [
    example(
        "Print the requests of the config, and accept it",
        "stackref trust",
    ),
    example("List the accepted configs", "stackref trust --list"),
    example("Withdraw the acceptance", "stackref trust --revoke"),
];
const SCHEMA: [Example; 1] = [example(
    "Write the schema of the config to a file",
    "stackref schema config > stackref.schema.json",
)];
const COMPLETIONS: [Example; 3] = [
    example("bash, in ~/.bashrc", "source <(stackref completions bash)"),
    example(
        "zsh, in ~/.zshrc after compinit",
        "source <(stackref completions zsh)",
    ),
    example(
        "fish, in ~/.config/fish/config.fish",
        "stackref completions fish | source",
    ),
];
const MAN: [Example; 2] = [
    example(
        "Read the page of a command",
        "stackref man inventory snapshot",
    ),
    example(
        "Install the page",
        "stackref man > ~/.local/share/man/man1/stackref.1",
    ),
];
const HELP: [Example; 2] = [
    example("List the commands", "stackref help"),
    example(
        "Print the options of a command",
        "stackref help inventory snapshot",
    ),
];
const MAIN: [Example; 4] = [
    example("Write a config for this repository", "stackref init"),
    example("Check all files", "stackref check"),
    example("Explain a finding", "stackref explain unknown-key"),
    example(
        "Prompt for missing secrets and store them",
        "stackref register",
    ),
];

const LSP: [Example; 1] = [example(
    "Start the language server, as an editor does",
    "stackref lsp",
)];

/// Returns the examples of a command.
pub fn examples(command: &[&str]) -> &'static [Example] {
    match command {
        ["check"] => &CHECK,
        ["render"] => &RENDER,
        ["register"] => &REGISTER,
        ["refs"] => &REFS,
        ["matrix"] => &MATRIX,
        ["rename"] => &RENAME,
        ["inventory"] => &INVENTORY,
        ["inventory", "snapshot"] => &SNAPSHOT,
        ["inventory", "diff"] => &DIFF,
        ["explain"] => &EXPLAIN,
        ["init"] => &INIT,
        ["trust"] => &TRUST,
        ["lsp"] => &LSP,
        ["schema"] => &SCHEMA,
        ["completions"] => &COMPLETIONS,
        ["man"] => &MAN,
        ["help"] => &HELP,
        _ => &MAIN,
    }
}

/// Returns the end of a command's short help: the first example that has arguments, else the first
/// example.
pub fn after_help(command: &[&str]) -> String {
    let examples = examples(command);
    let words = command.len() + 1;
    let with_arguments = examples
        .iter()
        .find(|example| example.command.split(' ').count() > words);
    let example = with_arguments.or(examples.first());
    example.map_or_else(String::new, |example| {
        format!("Example: {}", example.command)
    })
}

/// Returns the end of a command's long help: its examples and exit codes.
pub fn after_long_help(command: &[&str]) -> String {
    let examples = examples(command)
        .iter()
        .map(|Example { purpose, command }| format!("  # {purpose}\n  {command}\n"));
    let examples = examples.collect::<Vec<_>>().join("\n");
    let codes = exit_codes(command)
        .iter()
        .map(|(code, meaning)| format!("  {code}  {meaning}"));
    format!(
        "Examples:\n{examples}\nExit codes:\n{}",
        codes.collect::<Vec<_>>().join("\n")
    )
}

const CLEAN: GuideEntry = ("0", "No errors were found");
const DONE: GuideEntry = ("0", "Success");
const FINDINGS: GuideEntry = (
    "1",
    "There are findings (warnings count with --deny-warnings)",
);
const USAGE: GuideEntry = ("2", "Wrong usage, config or path");
const USAGE_OR_MISSING: GuideEntry = (
    "2",
    "Wrong usage, config or path, or values are missing without a prompt",
);
const UNANSWERED: GuideEntry = ("3", "An inventory could not answer");

/// Returns the exit codes of a command.
pub fn exit_codes(command: &[&str]) -> &'static [GuideEntry] {
    match command {
        [] => &[CLEAN, ("1", "There are findings"), USAGE, UNANSWERED],
        ["check"] => &[CLEAN, FINDINGS, USAGE, UNANSWERED],
        ["render"] => &[
            DONE,
            ("1", "A file has findings, so nothing was written"),
            USAGE,
            UNANSWERED,
        ],
        ["register"] => &[
            DONE,
            (
                "1",
                "Secrets are missing after the prompts, or a stack file cannot be parsed",
            ),
            USAGE_OR_MISSING,
            UNANSWERED,
        ],
        ["refs"] => &[
            DONE,
            (
                "1",
                "A file cannot be parsed, or nothing uses the secret of --secret",
            ),
            USAGE,
            UNANSWERED,
        ],
        ["matrix"] => &[
            ("0", "No used key is missing"),
            ("1", "A used key is missing, or a file cannot be parsed"),
            USAGE,
            UNANSWERED,
        ],
        ["rename"] => &[
            DONE,
            (
                "1",
                "The name is unknown, or the rename is not safe; nothing was written",
            ),
            USAGE,
            UNANSWERED,
        ],
        ["trust"] => &[DONE, ("1", "You did not accept the config"), USAGE],
        ["lsp"] => &[
            DONE,
            ("1", "The editor ended without a shutdown request"),
            USAGE,
        ],
        ["inventory", ..] => inventory_exit_codes(command),
        _ => &[DONE, USAGE],
    }
}

/// Returns the exit codes of `inventory` and of the commands below it.
fn inventory_exit_codes(command: &[&str]) -> &'static [GuideEntry] {
    match command {
        [_, "snapshot"] => &[
            DONE,
            ("1", "The snapshot is out of date (--check)"),
            USAGE,
            UNANSWERED,
        ],
        [_, "diff"] => &[
            ("0", "The inventories have the same names and keys"),
            (
                "1",
                "The inventories differ, or a stack file cannot be parsed (--used)",
            ),
            USAGE,
            UNANSWERED,
        ],
        _ => &[
            DONE,
            ("1", "A stack file cannot be parsed"),
            USAGE,
            UNANSWERED,
        ],
    }
}

const LEVEL: GuideEntry = (
    "ZENML_SECRET_VALIDATION_LEVEL",
    "The level. Overrides the config. The option --level of check overrides it.",
);
const TRUST_VARIABLE: GuideEntry = (
    "STACKREF_TRUST",
    "Set it to 1 to trust the config for this run, as with --trust.",
);
const STATE: GuideEntry = (
    "XDG_STATE_HOME",
    "stackref records the accepted configs in this folder. Default: ~/.local/state.",
);
const COLOR: [GuideEntry; 2] = [
    ("NO_COLOR", "Set it to disable color."),
    (
        "CLICOLOR_FORCE, FORCE_COLOR",
        "Set one to a value other than 0 to use color even if the output is not a terminal.",
    ),
];
const STORES: [GuideEntry; 3] = [
    (
        "ZENML_STORE_API_KEY, ZENML_STORE_USERNAME, ZENML_STORE_PASSWORD",
        "The credentials for inventories of kind zenml.",
    ),
    (
        "VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT, VAULT_TOKEN",
        "The address and the credentials for inventories of kind vault.",
    ),
    (
        "AWS_PROFILE, AWS_ACCESS_KEY_ID, ...",
        "The credentials for inventories of kind aws, as for other AWS tools.",
    ),
];

/// Returns the environment variables that a command reads.
pub fn environment(command: &[&str]) -> Vec<GuideEntry> {
    let mut entries = Vec::new();
    if matches!(
        command,
        [] | ["check" | "refs" | "matrix" | "rename" | "lsp"]
    ) {
        entries.push(LEVEL);
    }
    if queries_inventories(command) {
        entries.extend([TRUST_VARIABLE, STATE]);
        entries.extend(STORES);
    } else if command == ["trust"] {
        entries.push(STATE);
    }
    if command == ["man"] {
        entries.push((
            "PATH",
            "The folders in which stackref looks for the program man.",
        ));
    }
    entries.extend(COLOR);
    entries
}

const CONFIG: GuideEntry = (
    "stackref.toml",
    "The config: the nearest one in a folder of the arguments or above it.",
);
const INVENTORY_FILE: GuideEntry = (
    "secrets.inventory.yaml, secrets.inventory.toml, secrets.inventory.json",
    "The inventory if the config has none: next to the config, or in the root of the repository.",
);
const IGNORE_FILES: GuideEntry = (
    ".gitignore, .ignore",
    "Files and folders that stackref does not read.",
);
const TRUSTED: GuideEntry = (
    "~/.local/state/stackref",
    "The configs that you have accepted.",
);

/// Returns the files that a command reads or writes in addition to its arguments.
pub fn files(command: &[&str]) -> Vec<GuideEntry> {
    match command {
        ["trust"] => vec![CONFIG, TRUSTED],
        ["init"] => {
            vec![
                CONFIG,
                (
                    ".pre-commit-config.yaml",
                    "The hooks of pre-commit. stackref can add its own hook.",
                ),
            ]
        }
        ["__complete"] => Vec::new(),
        ["completions"] => {
            vec![(
                "stackref.toml",
                "The completions include the names of its inventories. Nothing else in it is used.",
            )]
        }
        _ if queries_inventories(command) => vec![CONFIG, INVENTORY_FILE, IGNORE_FILES, TRUSTED],
        _ => Vec::new(),
    }
}

fn queries_inventories(command: &[&str]) -> bool {
    matches!(
        command,
        [] | [
            "check" | "render" | "register" | "refs" | "matrix" | "rename" | "inventory" | "lsp",
            ..
        ]
    )
}
