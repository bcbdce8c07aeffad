"""Runs every command with its options, on a repository with mistakes, plain-text secrets and leaked values."""
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time

from canaries import SHAPES, TYPED
from stopped import stopped
from surface import commands_of

FORMATS = ["human", "short", "json", "sarif", "github", "gitlab", "junit"]


def quoted(text):
    """Returns a double-quoted string that is valid in YAML, TOML and JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\u0085", "\\u0085").replace("\u202e", "\\u202e")


def inventory(secrets, extension="yaml"):
    """Returns an inventory file with values."""
    if extension == "toml":
        lines = {name: [f"{key} = {quoted(value)}\n" for key, value in keys.items()] for name, keys in secrets.items()}
        return "\n".join(f"[{name}]\n" + "".join(of_name) for name, of_name in lines.items())
    pairs = {name: ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in keys.items()) for name, keys in secrets.items()}
    entries = [f"{quoted(name)}: {{{of_name}}}" for name, of_name in pairs.items()]
    return "{" + ",\n".join(entries) + "}\n" if extension == "json" else "\n".join(entries) + "\n"


def stack(references, name="prod", sensitive=(), more=""):
    """Returns a stack file with references as attributes, and sensitive attributes with plain text."""
    lines = [f"      a{at}: '{{{{{reference}}}}}'" for at, reference in enumerate(references)]
    lines += [f"      {attribute}: {quoted(value)}" for attribute, value in sensitive]
    return (
        f"stack_name: {name}\nzenml_version: 0.98.0\ncomponents:\n  experiment_tracker:\n    name: t\n    type: experiment_tracker\n"
        "    flavor: acme\n    configuration:\n" + "\n".join(lines) + f"\n{more}"
    )


MISTAKES = """      b0: '{{db.plian}}'
      b1: '{{bd.plain}}'
      b2: {{db.plain}}
      b3: '{{ db.plain'
      b4: 'x {{db.plain}}'
      b5: ['{{db.plain}}']
      '{{db.plain}}': x
"""


class SampleRepo:
    """The repository that most commands run in. With `leaks`, it also contains values that only `--leaks` can find."""

    def __init__(self, sandbox, extension="yaml", leaks=False):
        canaries = sandbox.canaries
        self.values = canaries.values("inventory")
        # stackref takes a password with braces for a reference.
        self.plain = canaries.values("plain text", [shape for shape in SHAPES if shape != "braces"])
        self.config = f'[inventory.dev]\nkind = "file"\npath = "secrets.{extension}"\n'
        sensitive = [(f"{shape}_password", value) for shape, value in self.plain.items()]
        leaked = "".join(f"{value}\n" for value in self.values.values())
        one = quoted(self.values["quotes"])[1:-1]
        self.files = {
            "stackref.toml": self.config,
            f"secrets.{extension}": inventory({"db": self.values, "spare": {"k": canaries.value("spare")}}, extension),
            "stacks/good.yaml": stack([f"db.{shape}" for shape in self.values]),
            "stacks/bad.yaml": stack(["db.plain"], "bad", sensitive, MISTAKES),
            ".gitignore": "/secrets.*\n/out\n",
        }
        if leaks:
            note = f'      note: "{one} {{{{db.nothing}}}}" # {self.values["plain"]}\n'
            self.files |= {"stacks/leak.yaml": stack(["db.plain"], "leak", more=note), "notes.txt": leaked}
        self.project = sandbox.project(self.files, git=True)


def check(sandbox):
    for extension in ["yaml", "toml", "json"][: 1 if sandbox.quick else None]:
        sample, leaky_sample = SampleRepo(sandbox, extension), SampleRepo(sandbox, extension, leaks=True)
        run = lambda *args, label="check", **more: sandbox.run(label, sample.project, "check", *args, **more)
        search = lambda *args, label="check --leaks", **more: sandbox.run(label, leaky_sample.project, "check", "--leaks", *args, **more)
        for format in FORMATS:
            label = f"check --format {format}"
            run("--format", format, label=label, codes=[1])
            run("--format", format, "--color", "always", "--no-ignores", "--exit-zero", label=label, codes=[0])
            run("--format", format, "--output", f"report.{format}", label=label, codes=[1])
            search("--format", format, codes=[1])
            search("--format", format, "--color", "always", "-o", f"leaks.{format}", codes=[1])
            for level in ["none", "secret-exists"]:
                run("--format", format, "--level", level, label="check --level", codes=[1])
            text = (sample.project / "stacks/bad.yaml").read_bytes()
            args = ["-", "--stdin-filename", "stacks/bad.yaml"]
            run("--format", format, *args, label="check, standard input", stdin=text, codes=[1])
        # Each format on standard output, next to a file in each format.
        for format in FORMATS[:: 6 if sandbox.quick else 1]:
            files = [part for other in FORMATS for part in ["--format", other, "-o", f"pair-{format}.{other}"]]
            run("--format", format, "-o", "-", *files, label="check --output", codes=[1])
            search("--format", format, "-o", "-", *files, label="check --output", codes=[1])
        for name in ["by-extension.json", "by-extension.sarif", "by-extension.xml", "by-extension.txt"]:
            run("-o", name, label="check --output", codes=[1])
        result = search("--format", "json", codes=[1])
        rules = [finding["rule"] for finding in json.loads(result.stdout)["findings"]]
        sandbox.expect("check --leaks", "the leaked values are found", rules.count("leaked-value") >= len(SHAPES), result)
        run("--list-files")
        run("--statistics", codes=[1])
        run("--statistics", "--format", "json", "-o", "all.json", "-o", "all.sarif", codes=[1])
        run("--verbose", "--select", "plaintext-secret", codes=[0, 1])
        run("--write-baseline", "baseline.json", label="check --write-baseline", codes=[0])
        run("--baseline", "baseline.json", label="check --write-baseline", codes=[0])
        search("--write-baseline", "baseline.json", label="check --write-baseline", codes=[0, 1])
        search("--baseline", "baseline.json", label="check --write-baseline", codes=[0, 1])
        run("--files-from", "-", "-0", stdin=b"stacks/bad.yaml\0stackref.toml\0", codes=[1])
        for which in ["--fix", "--fix=suggestions"]:
            run(which, "--diff", label="check --fix", codes=[1])
            run(which, label="check --fix", codes=[1], value_files=["stacks/"])
            search(which, "--diff", label="check --fix", codes=[1])
            search(which, label="check --fix", codes=[1], value_files=["stacks/"])
        for one in [run, search]:
            one("--add-ignores", "--diff", label="check --fix", codes=[1])
            one("--add-ignores", label="check --fix", codes=[0, 1], value_files=["stacks/", "secrets."])


def render(sandbox):
    sample = SampleRepo(sandbox)
    good = "stacks/good.yaml"
    run = lambda *args, label="render", **more: sandbox.run(label, sample.project, "render", *args, **more)
    run(good, "-o", "out", codes=[0], value_files=["out/"])
    written = (sample.project / "out" / good).read_bytes()
    found = sandbox.canaries.found_in(written)
    sandbox.expect("render", "all values are in the rendered file", len(found) == len(SHAPES), found)
    sandbox.expect("render", "the rendered file is private", (sample.project / "out" / good).stat().st_mode & 0o777 == 0o600)
    result = run(good, "--stdout", label="render --stdout", codes=[0], value_streams=["stdout"])
    sandbox.expect("render --stdout", "standard output equals the file", result.stdout == written, result)
    run(good, "--diff", label="render --diff", codes=[0])
    run(good, "--check", label="render --check", codes=[0])
    run("stacks/bad.yaml", "-o", "out", label="render, refused", codes=[1])
    run("--stdout", label="render, refused", codes=[1, 2])
    sandbox.group_readable_project = sample.project
    run("--stack", "prod", "--only-changed", "--mode", "640", "-o", "out", codes=[0], value_files=["out/"])
    run(good, "-o", "stacks", "--allow-tracked", label="render, refused", codes=[0, 2], value_files=["stacks/stacks"])
    run(good, "-o", "tracked", label="render, refused", codes=[2])


def inventory_commands(sandbox):
    sample = SampleRepo(sandbox)
    run = lambda label, *args, **more: sandbox.run(label, sample.project, *args, **more)
    for format in ["human", "json"]:
        for args in [[], ["--probe"], ["--used"], ["--unused"], ["--inventory", "secrets.yaml"]]:
            run("inventory", "inventory", "--format", format, *args)
        run("refs", "refs", "--format", format)
        run("inventory", "inventory", "--format", "short", codes=[0])
    for format in ["short", "markdown", "mermaid", "dot"]:
        for args in [[], ["--by", "secret"], ["--stack", "bad"], ["--secret", "db"]]:
            run("refs", "refs", "--format", format, *args)
    for args in [["--dry-run"], ["--dry-run", "--force"], ["--diff", "--force"]]:
        run("rename", "rename", "db", "database", *args)
        run("rename", "rename", "db.password", "db.secret", *args)
    for name in ["names.yaml", "names.toml", "names.json"]:
        run("inventory snapshot", "inventory", "snapshot", "-o", name, codes=[0])
        run("inventory snapshot", "inventory", "snapshot", "--check", name, codes=[0])
    # A file that contains values, and is not a snapshot.
    run("inventory snapshot", "inventory", "snapshot", "--check", "secrets.yaml")
    sandbox.write(sample.project, "list.txt", sample.values["plain"] + "\n")
    run("inventory snapshot", "inventory", "snapshot", "--check", "list.txt")
    run("inventory snapshot", "inventory", "snapshot", codes=[0])
    sandbox.write(sample.project, "other.yaml", "db: [plain, other]\nspare: []\n")
    for format in ["human", "json"]:
        run("inventory diff", "inventory", "diff", "--format", format, "dev", "names.yaml", codes=[0])
        for args in [["dev", "other.yaml"], ["--used", "secrets.yaml", "other.yaml"]]:
            run("inventory diff", "inventory", "diff", "--format", format, *args, codes=[1])
        run("inventory diff", "inventory", "diff", "--format", format, "dev", "list.txt", codes=[2])
    run("init", "init", "--dry-run")
    del sample.files["stackref.toml"]
    fresh = sandbox.project(sample.files, git=True)
    sandbox.run("init", fresh, "init", "--dry-run", codes=[0])
    sandbox.run("init", fresh, "init", "--yes", codes=[0])
    sandbox.run("init", fresh, "init", "--no-hook")


def static_output(sandbox):
    """Commands that do not read an inventory, in a repository that has one."""
    sample = SampleRepo(sandbox)
    run = lambda label, *args, **more: sandbox.run(label, sample.project, *args, **more)
    rules = run("explain", "explain", codes=[0]).stdout.decode().split("\n")
    for line in rules[: 3 if sandbox.quick else None]:
        if line.strip():
            run("explain", "explain", line.split()[0], codes=[0])
    for which in ["config", "inventory", "report", "references", "statistics", "inventory-diff", "matrix"]:
        run("schema", "schema", which, codes=[0])
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"]:
        run("completions", "completions", shell, codes=[0])
    run("man", "man", codes=[0])
    run("completions", "__complete", "bash", "3", "--", "stackref", "check", "--inventory", "", codes=[0])
    for path in commands_of(sandbox.stackref):
        run("man", "man", *path, codes=[0])
        run("--help", *path, "--help", codes=[0])
    for args in [["-V"], ["--version"], ["help"], ["--color", "always", "--help"]]:
        run("--help", *args, codes=[0])
    for args in [["-v"], ["--verbose"], ["check", "-vvv"], ["check", "--debug"], ["check", "--format", "none"], ["chekc"]]:
        run("wrong usage", *args, codes=[2])


def register(sandbox):
    """`register` from files, standard input and variables, into inventories with and without values."""
    for extension in ["yaml", "toml", "json"]:
        values = sandbox.canaries.values("registered")
        input_text = sandbox.canaries.values("given for nothing")
        keys = list(values)
        files = {
            "a.stack.yaml": stack([f"db.{key}" for key in keys]),
            f"given.{extension}": inventory({"db": values, "other": input_text}, extension),
        }
        empty = {"yaml": "", "toml": "", "json": "{}"}[extension]
        for source in ["file", "standard input", "variables"]:
            label = f"register, from {source}"
            project = sandbox.project({**files, f"secrets.inventory.{extension}": empty, ".gitignore": "/secrets.*\n/given.*\n"})
            env, stdin, args = {}, b"", ["--from-file", f"given.{extension}"]
            if source == "standard input":
                stdin, args = files[f"given.{extension}"].encode(), ["--from-file", "-"]
            elif source == "variables":
                env = {f"SR_DB__{key.upper()}": value for key, value in values.items()}
                args = ["--from-env", "SR"]
            run = lambda *more, **options: sandbox.run(label, project, "register", *args, *more, env=env, stdin=stdin, **options)
            run("--dry-run", codes=[0])
            run("--format", "json", value_files=["secrets.inventory."], codes=[0])
            stored = (project / f"secrets.inventory.{extension}").read_bytes()
            sandbox.expect(label, "all values are stored", len(sandbox.canaries.found_in(stored)) == len(SHAPES), stored[:400])
            run("--skip-existing", codes=[0])
            run(codes=[0], value_files=["secrets.inventory."])
        names = sandbox.project({**files, f"secrets.inventory.{extension}": {"toml": "db = []\n"}.get(extension, '{"db": []}\n')})
        sandbox.run("register, names only", names, "register", "--from-file", f"given.{extension}", "--yes", codes=[0])
        missing_keys = sandbox.project({**files, "a.stack.yaml": stack(["db.plain", "db.more", "else.k"])})
        sandbox.run("register, keys missing", missing_keys, "register", "--from-file", f"given.{extension}", codes=[2])
        for format in ["human", "short", "json"]:
            sandbox.run("register, keys missing", missing_keys, "register", "--format", format, codes=[2])
        sandbox.run("register, keys missing", missing_keys, "register", "--from-file", f"given.{extension}", "--partial", "--yes", value_files=["secrets."])


def git_credentials(sandbox):
    """Commands that run git, with credentials in the environment. Git must not inherit them."""
    label = "credentials and git"
    names = ["VAULT_TOKEN", "ZENML_STORE_PASSWORD", "ZENML_STORE_API_KEY", "AWS_SECRET_ACCESS_KEY", "SOPS_AGE_KEY"]
    env = {name: sandbox.canaries.value(name) for name in names}
    project = SampleRepo(sandbox).project
    sandbox.write(project, "new.stack.yaml", stack(["new.k"], "new"))
    input_text = inventory({"new": {"k": sandbox.canaries.value("registered")}}, "json").encode()
    for args, code in [
        (["check", "--leaks"], 1),
        (["render", "stacks/good.yaml", "-o", "out"], 0),
        (["register", "--path", "new.stack.yaml", "--from-file", "-"], 0),
    ]:
        before = sandbox.row("environment of git").runs
        sandbox.run(label, project, *args, env=env, stdin=input_text, value_files=["out/", "secrets.yaml"], codes=[code])
        sandbox.expect(label, f"{args} runs git", sandbox.row("environment of git").runs > before)


def register_in_terminal(sandbox):
    """`register` in a terminal, with typed values."""
    label = "register, typed"
    values = sandbox.canaries.values("typed", TYPED)
    files = {"a.stack.yaml": stack([f"db.{key}" for key in sorted(values)]), "secrets.inventory.yaml": "", ".gitignore": "/secrets.*\n"}
    lines = [f"{values[key]}\r".encode() for key in sorted(values)]
    answers = [(b": ", line) for line in lines]
    # stackref discards input typed while it was stopped, because the terminal may have shown it.
    ahead = [(b"", b"".join(lines)), (b": ", b"\x03")]
    sandbox.expect(label, "it exits with 0", run_in_terminal(sandbox, label, files, answers) == 0)
    run_in_terminal(sandbox, label, files, ahead)
    run_in_terminal(sandbox, label, files, [*answers[:3], (b": ", lines[3][:-1] + b"\x03")])
    pasted = lambda data: b"\x1b[200~" + data + b"\x1b[201~"
    run_in_terminal(sandbox, label, files, [(b": ", pasted(lines[0]) + b"\r"), *answers[1:]])
    # stackref rejects an answer of several lines, and asks again.
    run_in_terminal(sandbox, label, files, [(b": ", pasted(b"".join(lines[:2])) + b"\r"), *answers])
    run_in_terminal(sandbox, label, files, [*answers[:-1], (b": ", lines[-1] + b"".join(lines))])
    run_in_terminal(sandbox, label, files, [*answers, (b"", b"".join(lines))])
    # The name of a missing file, or bytes that are not UTF-8, may be the start of a password.
    run_in_terminal(sandbox, label, files, [(b": ", b"@" + lines[0]), (b": ", b"@/dev/null\r"), (b": ", b"\xff" + lines[0]), (b": ", b"\x03")])
    run_in_terminal(sandbox, label, files, [(b": ", lines[0][:-1] + b"\x7f" * 9 + b"\x17" + b"\x15" + lines[0]), (b": ", b"\x04")])
    without = {name: text for name, text in files.items() if "inventory" not in name}
    run_in_terminal(sandbox, label, without, [(b"] ", b"n\r")])
    run_in_terminal(sandbox, label, without, [(b"] ", b"y\r"), *answers])
    # A very long line. (Answers to yes-or-no questions are shown as they are typed, so values there are not tested.)
    if not sandbox.quick:
        run_in_terminal(sandbox, label, files, [(b": ", b"x" * (1 << 20) + lines[0]), (b": ", b"\x03")])


def run_in_terminal(sandbox, label, files, dialog):
    """Runs `register` in a terminal. Types each answer when the output ends with its question, or at once if the question is empty."""
    project = sandbox.project(files)
    env = sandbox.environment({"TERM": "xterm"})
    controller, terminal_end = pty.openpty()
    args = ["register"]
    sandbox.commands_run.add(tuple(args))
    process = subprocess.Popen(
        [sandbox.stackref, *args], cwd=project, env=env, stdin=terminal_end, stdout=terminal_end, stderr=terminal_end, start_new_session=True
    )
    output, answered_to = b"", 0
    until = time.monotonic() + 30
    dialog = list(dialog)
    while time.monotonic() < until:
        if select.select([controller], [], [], 0.02)[0]:
            piece = os.read(controller, 1 << 16)
            output += piece
        elif process.poll() is not None:
            break
        if dialog and not dialog[0][0]:
            type_ahead(process, controller, terminal_end, dialog)
        elif dialog and output[answered_to:].endswith(dialog[0][0]) and not has_echo(terminal_end):
            answered_to = len(output)
            write_slowly(controller, dialog.pop(0)[1])
    else:
        process.kill()
        sandbox.expect(label, f"{dialog} exits within 30 s", False, output)
    ran_code = process.wait()
    # Type-ahead may remain: stackref may have restored the terminal before.
    sandbox.expect(label, "each question is asked", not any(question for question, _ in dialog), (dialog, output[-800:]))
    # Type-ahead must not remain in the terminal, because the shell would show it.
    os.set_blocking(terminal_end, False)
    settings = termios.tcgetattr(terminal_end)
    settings[3] &= ~termios.ICANON
    termios.tcsetattr(terminal_end, termios.TCSANOW, settings)
    try:
        left = os.read(terminal_end, 1 << 16)
    except BlockingIOError:
        left = b""
    sandbox.expect(label, "echo is on again", has_echo(terminal_end))
    os.close(controller)
    os.close(terminal_end)
    row = sandbox.row(label)
    row.runs += 1
    sandbox.search(label, "the terminal", output, output[-800:])
    sandbox.search(label, "input left for the shell", left)
    sandbox.search_files(label, project, args, ["secrets.inventory.yaml"])
    sandbox.search_calls(env)
    return ran_code


def has_echo(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def type_ahead(process, controller, terminal_end, dialog):
    """Types the next answer if stackref has turned off the echo.

    The process is stopped meanwhile, so that it cannot restore the terminal before the answer arrives.
    """
    with stopped(process):
        if process.poll() is None and not has_echo(terminal_end):
            data = dialog.pop(0)[1]
            before = unread_bytes(terminal_end)
            os.write(controller, data)
            # A kernel thread transfers the bytes.
            until = time.monotonic() + 5
            while unread_bytes(terminal_end) < before + len(data) and time.monotonic() < until:
                time.sleep(0.001)


def unread_bytes(terminal):
    """Returns the number of typed bytes that are not read yet. The terminal must not be in line mode."""
    return struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, b"\0" * 4))[0]


def write_slowly(terminal, data):
    """Writes in small parts, because a terminal accepts only about 4,000 bytes at a time."""
    for at in range(0, len(data), 2048):
        select.select([], [terminal], [], 5)
        os.write(terminal, data[at : at + 2048])
        if len(data) > 4096:
            time.sleep(0.002)
