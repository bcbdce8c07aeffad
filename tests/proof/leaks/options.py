"""Runs every option that the help lists, so that an addition is searched at once. Formats are searched in detail elsewhere."""
from commands import inventory
from environments import Environments
from surface import commands_of, required_uses, uses

LABEL = "every option"
GOOD = "stacks/good.yaml"
# The arguments that each command needs.
ARGUMENTS = {
    "check": ["stacks"],
    "render": [GOOD, "--environment", "dev", "--diff"],
    "register": ["--environment", "prod", "--dry-run"],
    "matrix": [],
    "rename": ["db", "database", "--dry-run"],
    "inventory diff": ["dev", "names.yaml"],
    "init": ["--dry-run"],
    "trust": ["--list"],
    "schema": ["config"],
    "completions": ["bash"],
}
# The values of options that need one.
VALUES = {
    "baseline": "baseline.json",
    "check": "names.yaml",
    "config": "stackref.toml",
    "environment": "prod",
    "files-from": "list.txt",
    "from-env": "SR",
    "from-environment": "dev",
    "from-file": "given.json",
    "ignore": "unknown-key",
    "inventory": "dev",
    "mode": "600",
    "output": "out.json",
    "path": "stacks",
    "secret": "db.plain",
    "select": "unknown-key",
    "stack": "prod",
    "stdin-filename": "stacks/a.yaml",
    "write-baseline": "out-baseline.json",
}
# All arguments with an option, if it needs others or excludes one of those above.
SPECIAL = {
    "check --diff": ["--fix", "--diff"],
    "check --null": ["--files-from", "list.txt", "--null"],
    "check --environment": ["stacks", "--environment", "prod"],
    "check --quiet": ["stacks", "-q"],
    "check --files-from": ["--files-from", "list.txt"],
    "check --stdin-filename": ["-", "--stdin-filename", "stacks/a.yaml"],
    "render --environment": [GOOD, "--environment", "dev", "--diff"],
    "render --inventory": [GOOD, "--inventory", "dev", "--diff"],
    "render --output": [GOOD, "--environment", "dev", "--output", "out"],
    "render --mode": [GOOD, "--environment", "dev", "--output", "out", "--mode", "600"],
    "render --allow-tracked": [GOOD, "--environment", "dev", "--output", "out", "--allow-tracked"],
    "render --stdout": [GOOD, "--environment", "dev", "--stdout"],
    "render --check": [GOOD, "--environment", "dev", "--check"],
    "render --diff": [GOOD, "--environment", "dev", "--diff"],
    "render --no-config": [GOOD, "--inventory", "secrets/dev.yaml", "--diff", "--no-config"],
    "render --null": ["--files-from", "list.txt", "--null", "--environment", "dev", "--diff"],
    "render --files-from": ["--files-from", "list.txt", "--environment", "dev", "--diff"],
    "render --stdin-filename": ["-", "--stdin-filename", "stacks/a.yaml", "--environment", "dev", "--diff"],
    "register --no-config": ["--no-config", "--inventory", "secrets/dev.yaml", "--dry-run"],
    "register --environment": ["--environment", "prod", "--dry-run"],
    "register --inventory": ["--inventory", "dev", "--dry-run"],
    "register --dry-run": ["--environment", "prod", "--dry-run"],
    "register --copy-values": ["--environment", "prod", "--from-environment", "dev", "--copy-values", "--dry-run"],
    "register --partial": ["--environment", "prod", "--from-file", "given.json", "--partial", "--dry-run"],
    "register --skip-existing": ["--environment", "prod", "--from-file", "given.json", "--skip-existing", "--dry-run"],
    "refs --null": ["--files-from", "list.txt", "--null"],
    "refs --stdin-filename": ["-", "--stdin-filename", "stacks/a.yaml"],
    "matrix --null": ["--files-from", "list.txt", "--null"],
    "matrix --stdin-filename": ["-", "--stdin-filename", "stacks/a.yaml"],
    "rename --dry-run": ["db", "database", "--dry-run"],
    "rename --diff": ["db", "database", "--diff"],
    "inventory snapshot --environment": ["--environment", "prod"],
    "inventory snapshot --all-environments": ["--all-environments", "-o", "names"],
    "inventory diff --no-config": ["--no-config", "secrets/dev.yaml", "names.yaml"],
    "inventory diff --path": ["dev", "names.yaml", "--used", "--path", "stacks"],
    "inventory diff --no-exclude": ["dev", "names.yaml", "--used", "--no-exclude"],
    "init --dry-run": ["--dry-run"],
    "init --yes": ["--yes"],
    "trust --yes": ["--yes"],
    "trust --list": ["--list"],
    "trust --revoke": ["--revoke"],
}
MAY_PRINT = {"render --stdout"}


def every_option(sandbox):
    """Runs each option of each command once. With `--quick`, only those that no other run used."""
    several = Environments(sandbox)
    value = sandbox.canaries.value("given")
    more = {
        "list.txt": "stacks/bad.yaml\nstacks/good.yaml\n",
        "names.yaml": "db: [plain, other]\n",
        "given.json": inventory({"api": {"k": value, "j": value}}, "json"),
    }
    for name, text in more.items():
        sandbox.write(several.project, name, text)
    several.run(LABEL, "check", "--write-baseline", "baseline.json", codes=[0])
    commands = commands_of(sandbox.stackref)
    done = {use for args in sandbox.commands_run for use in uses(commands, args)} if sandbox.quick else set()
    env = {"XDG_STATE_HOME": str(sandbox.root / "state-of-options"), "SR_API__K": sandbox.canaries.value("variable")}
    for path, option, option_value in required_uses(commands):
        if (path, option, option_value) in done or option == "format" or option and option.isupper():
            continue
        name = " ".join(path)
        arguments = ARGUMENTS.get(name, [])
        if option:
            name = f"{name} --{option}".strip()
            text = option_value or VALUES.get(option)
            takes_value = commands[path].values_needed.get(option)
            sandbox.expect(LABEL, f"a value of `{name}` is known", text or not takes_value)
            added = [] if not takes_value and not option_value else [text or ""]
            added = [f"--{option}={text}"] if option == "fix" and option_value else [f"--{option}", *added]
            arguments = SPECIAL.get(name, [*arguments, *added])
        result = several.run(
            LABEL, *path, *arguments, env=env, stdin=several.files["stacks/bad.yaml"].encode(), value_files=["out", "stacks/", "secrets/"],
            value_streams=["stdout"] if name in MAY_PRINT else [],
        )  # fmt: skip
        # A wrong use of an option prints the usage, and tests nothing.
        is_wrong = result.code == 2 and b"Usage: stackref" in result.stderr and path
        sandbox.expect(LABEL, f"`{name}` is used as it should be: {arguments}", not is_wrong, result)
