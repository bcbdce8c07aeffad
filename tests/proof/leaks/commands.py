"""Every command with its options, on a repository with mistakes, plain-text secrets, and values that stand where they should not."""
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

FORMATS = ["human", "short", "json", "sarif", "github", "gitlab", "junit"]


def quoted(text):
    """As YAML, TOML and JSON all take it: a string in double quotes."""
    return json.dumps(text, ensure_ascii=False).replace("\u0085", "\\u0085").replace("\u202e", "\\u202e")


def inventory(secrets, ending="yaml"):
    """An inventory file with values."""
    if ending == "toml":
        lines = {name: [f"{key} = {quoted(value)}\n" for key, value in keys.items()] for name, keys in secrets.items()}
        return "\n".join(f"[{name}]\n" + "".join(of_name) for name, of_name in lines.items())
    pairs = {name: ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in keys.items()) for name, keys in secrets.items()}
    entries = [f"{quoted(name)}: {{{of_name}}}" for name, of_name in pairs.items()]
    return "{" + ",\n".join(entries) + "}\n" if ending == "json" else "\n".join(entries) + "\n"


def stack(references, name="prod", sensitive=(), more=""):
    """A stack whose attributes are references, and whose sensitive attributes hold plain text."""
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


class Usual:
    """The repository that most commands are run on; with `leaks`, values stand also where nothing but `--leaks` knows them."""

    def __init__(self, ground, ending="yaml", leaks=False):
        canaries = ground.canaries
        self.values = canaries.values("inventory")
        # A password in the shape of a reference is taken for one.
        self.plain = canaries.values("plain text", [shape for shape in SHAPES if shape != "braces"])
        self.config = f'[inventory.dev]\nkind = "file"\npath = "secrets.{ending}"\n'
        sensitive = [(f"{shape}_password", value) for shape, value in self.plain.items()]
        leaked = "".join(f"{value}\n" for value in self.values.values())
        one = quoted(self.values["quotes"])[1:-1]
        self.files = {
            "stackref.toml": self.config,
            f"secrets.{ending}": inventory({"db": self.values, "spare": {"k": canaries.value("spare")}}, ending),
            "stacks/good.yaml": stack([f"db.{shape}" for shape in self.values]),
            "stacks/bad.yaml": stack(["db.plain"], "bad", sensitive, MISTAKES),
            ".gitignore": "/secrets.*\n/out\n",
        }
        if leaks:
            note = f'      note: "{one} {{{{db.nothing}}}}" # {self.values["plain"]}\n'
            self.files |= {"stacks/leak.yaml": stack(["db.plain"], "leak", more=note), "notes.txt": leaked}
        self.project = ground.project(self.files, git=True)


def check(ground):
    for ending in ["yaml", "toml", "json"][: 1 if ground.quick else None]:
        usual, leaky = Usual(ground, ending), Usual(ground, ending, leaks=True)
        run = lambda *words, place="check", **more: ground.run(place, usual.project, "check", *words, **more)
        search = lambda *words, place="check --leaks", **more: ground.run(place, leaky.project, "check", "--leaks", *words, **more)
        for format in FORMATS:
            place = f"check --format {format}"
            run("--format", format, place=place, codes=[1])
            run("--format", format, "--color", "always", "--no-ignores", "--exit-zero", place=place, codes=[0])
            run("--format", format, "--output", f"report.{format}", place=place, codes=[1])
            search("--format", format, codes=[1])
            search("--format", format, "--color", "always", "-o", f"leaks.{format}", codes=[1])
            for level in ["none", "secret-exists"]:
                run("--format", format, "--level", level, place="check --level", codes=[1])
            text = (usual.project / "stacks/bad.yaml").read_bytes()
            words = ["-", "--stdin-filename", "stacks/bad.yaml"]
            run("--format", format, *words, place="check, standard input", stdin=text, codes=[1])
        ran = search("--format", "json", codes=[1])
        rules = [finding["rule"] for finding in json.loads(ran.stdout)["findings"]]
        ground.expect("check --leaks", "the leaked values are found", rules.count("leaked-value") >= len(SHAPES), ran)
        run("--list-files")
        run("--statistics", codes=[1])
        run("--statistics", "--format", "json", "-o", "all.json", "-o", "all.sarif", codes=[1])
        run("--verbose", "--select", "plaintext-secret", codes=[0, 1])
        run("--write-baseline", "baseline.json", place="check --write-baseline", codes=[0])
        run("--baseline", "baseline.json", place="check --write-baseline", codes=[0])
        search("--write-baseline", "baseline.json", place="check --write-baseline", codes=[0, 1])
        search("--baseline", "baseline.json", place="check --write-baseline", codes=[0, 1])
        run("--files-from", "-", "-0", stdin=b"stacks/bad.yaml\0stackref.toml\0", codes=[1])
        for which in ["--fix", "--fix=suggestions"]:
            run(which, "--diff", place="check --fix", codes=[1])
            run(which, place="check --fix", codes=[1], holds=["stacks/"])
            search(which, "--diff", place="check --fix", codes=[1])
            search(which, place="check --fix", codes=[1], holds=["stacks/"])
        for one in [run, search]:
            one("--add-ignores", "--diff", place="check --fix", codes=[1])
            one("--add-ignores", place="check --fix", codes=[0, 1], holds=["stacks/", "secrets."])


def render(ground):
    usual = Usual(ground)
    good = "stacks/good.yaml"
    run = lambda *words, place="render", **more: ground.run(place, usual.project, "render", *words, **more)
    run(good, "-o", "out", codes=[0], holds=["out/"])
    written = (usual.project / "out" / good).read_bytes()
    found = ground.canaries.found(written)
    ground.expect("render", "all values are in the rendered file", len(found) == len(SHAPES), found)
    ground.expect("render", "which is private", (usual.project / "out" / good).stat().st_mode & 0o777 == 0o600)
    ran = run(good, "--stdout", place="render --stdout", codes=[0], shows=["stdout"])
    ground.expect("render --stdout", "the same goes to standard output", ran.stdout == written, ran)
    run(good, "--diff", place="render --diff", codes=[0])
    run(good, "--check", place="render --check", codes=[0])
    run("stacks/bad.yaml", "-o", "out", place="render, refused", codes=[1])
    run("--stdout", place="render, refused", codes=[1, 2])
    ground.of_group = usual.project
    run("--stack", "prod", "--only-changed", "--mode", "640", "-o", "out", codes=[0], holds=["out/"])
    run(good, "-o", "stacks", "--allow-tracked", place="render, refused", codes=[0, 2], holds=["stacks/stacks"])
    run(good, "-o", "tracked", place="render, refused", codes=[2])


def lists(ground):
    usual = Usual(ground)
    run = lambda place, *words, **more: ground.run(place, usual.project, *words, **more)
    for format in ["human", "json"]:
        for words in [[], ["--probe"], ["--used"], ["--unused"], ["--inventory", "secrets.yaml"]]:
            run("inventory", "inventory", "--format", format, *words)
        run("refs", "refs", "--format", format)
    for name in ["names.yaml", "names.toml", "names.json"]:
        run("inventory snapshot", "inventory", "snapshot", "-o", name, codes=[0])
        run("inventory snapshot", "inventory", "snapshot", "--check", name, codes=[0])
    # A snapshot that is none, but holds values.
    run("inventory snapshot", "inventory", "snapshot", "--check", "secrets.yaml")
    ground.write(usual.project, "list.txt", usual.values["plain"] + "\n")
    run("inventory snapshot", "inventory", "snapshot", "--check", "list.txt")
    run("inventory snapshot", "inventory", "snapshot", codes=[0])
    run("init", "init", "--dry-run")
    del usual.files["stackref.toml"]
    fresh = ground.project(usual.files, git=True)
    ground.run("init", fresh, "init", "--dry-run", codes=[0])
    ground.run("init", fresh, "init", "--yes", codes=[0])
    ground.run("init", fresh, "init", "--no-hook")


def texts(ground):
    """What does not read any inventory, run where there is one."""
    usual = Usual(ground)
    run = lambda place, *words, **more: ground.run(place, usual.project, *words, **more)
    rules = run("explain", "explain", codes=[0]).stdout.decode().split("\n")
    for line in rules[: 3 if ground.quick else None]:
        if line.strip():
            run("explain", "explain", line.split()[0], codes=[0])
    for which in ["config", "inventory", "report", "references", "statistics", "inventories", "baseline"]:
        run("schema", "schema", which)
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"]:
        run("completions", "completions", shell, codes=[0])
    run("man", "man", codes=[0])
    run("completions", "__complete", "bash", "3", "--", "stackref", "check", "--inventory", "", codes=[0])
    for command in ["check", "render", "register", "refs", "inventory", "explain", "init", "schema", "completions", "man", "help"]:
        run("man", "man", command, codes=[0])
        run("--help", command, "--help", codes=[0])
    for words in [["-v"], ["--verbose"], ["check", "-vvv"], ["check", "--debug"], ["check", "--format", "none"], ["chekc"]]:
        run("wrong usage", *words, codes=[2])


def register(ground):
    """Values handed in from files, standard input and variables, to files of names and values."""
    for ending in ["yaml", "toml", "json"]:
        values = ground.canaries.values("registered")
        given = ground.canaries.values("given for nothing")
        keys = list(values)
        files = {
            "a.stack.yaml": stack([f"db.{key}" for key in keys]),
            f"given.{ending}": inventory({"db": values, "other": given}, ending),
        }
        empty = {"yaml": "", "toml": "", "json": "{}"}[ending]
        for source in ["file", "standard input", "variables"]:
            place = f"register, from {source}"
            project = ground.project({**files, f"secrets.inventory.{ending}": empty, ".gitignore": "/secrets.*\n/given.*\n"})
            env, stdin, words = {}, b"", ["--from-file", f"given.{ending}"]
            if source == "standard input":
                stdin, words = files[f"given.{ending}"].encode(), ["--from-file", "-"]
            elif source == "variables":
                env = {f"SR_DB__{key.upper()}": value for key, value in values.items()}
                words = ["--from-env", "SR"]
            run = lambda *more, **options: ground.run(place, project, "register", *words, *more, env=env, stdin=stdin, **options)
            run("--dry-run", codes=[0])
            run("--format", "json", holds=["secrets.inventory."], codes=[0])
            stored = (project / f"secrets.inventory.{ending}").read_bytes()
            ground.expect(place, "all values are stored", len(ground.canaries.found(stored)) == len(SHAPES), stored[:400])
            run("--skip-existing", codes=[0])
            run(codes=[0], holds=["secrets.inventory."])
        names = ground.project({**files, f"secrets.inventory.{ending}": {"toml": "db = []\n"}.get(ending, '{"db": []}\n')})
        ground.run("register, names only", names, "register", "--from-file", f"given.{ending}", "--yes", codes=[0])
        lacking = ground.project({**files, "a.stack.yaml": stack(["db.plain", "db.more", "else.k"])})
        ground.run("register, keys missing", lacking, "register", "--from-file", f"given.{ending}", codes=[2])
        ground.run("register, keys missing", lacking, "register", "--format", "json", codes=[2])
        ground.run("register, keys missing", lacking, "register", "--from-file", f"given.{ending}", "--partial", "--yes", holds=["secrets."])


def beside_git(ground):
    """Credentials in the environment of commands that ask git: it gets none of them."""
    place = "credentials and git"
    names = ["VAULT_TOKEN", "ZENML_STORE_PASSWORD", "ZENML_STORE_API_KEY", "AWS_SECRET_ACCESS_KEY", "SOPS_AGE_KEY"]
    env = {name: ground.canaries.value(name) for name in names}
    project = Usual(ground).project
    ground.write(project, "new.stack.yaml", stack(["new.k"], "new"))
    given = inventory({"new": {"k": ground.canaries.value("registered")}}, "json").encode()
    for words, code in [
        (["check", "--leaks"], 1),
        (["render", "stacks/good.yaml", "-o", "out"], 0),
        (["register", "--path", "new.stack.yaml", "--from-file", "-"], 0),
    ]:
        before = ground.row("environment of git").runs
        ground.run(place, project, *words, env=env, stdin=given, holds=["out/", "secrets.yaml"], codes=[code])
        ground.expect(place, f"{words} asks git", ground.row("environment of git").runs > before)


def terminal(ground):
    """Values that are typed."""
    place = "register, typed"
    values = ground.canaries.values("typed", TYPED)
    files = {"a.stack.yaml": stack([f"db.{key}" for key in sorted(values)]), "secrets.inventory.yaml": "", ".gitignore": "/secrets.*\n"}
    lines = [f"{values[key]}\r".encode() for key in sorted(values)]
    calm = [(b": ", line) for line in lines]
    # What is typed while the process stands still is dropped when it goes on: it may have been shown.
    ahead = [(b"", b"".join(lines)), (b": ", b"\x03")]
    ground.expect(place, "it ends well", typed(ground, place, files, calm) == 0)
    typed(ground, place, files, ahead)
    typed(ground, place, files, [*calm[:3], (b": ", lines[3][:-1] + b"\x03")])
    pasted = lambda data: b"\x1b[200~" + data + b"\x1b[201~"
    typed(ground, place, files, [(b": ", pasted(lines[0]) + b"\r"), *calm[1:]])
    # Several lines are no answer, and the question is put again.
    typed(ground, place, files, [(b": ", pasted(b"".join(lines[:2])) + b"\r"), *calm])
    typed(ground, place, files, [*calm[:-1], (b": ", lines[-1] + b"".join(lines))])
    typed(ground, place, files, [*calm, (b"", b"".join(lines))])
    # The name of a file that is not there, or no text, may be the beginning of a password.
    typed(ground, place, files, [(b": ", b"@" + lines[0]), (b": ", b"@/dev/null\r"), (b": ", b"\xff" + lines[0]), (b": ", b"\x03")])
    typed(ground, place, files, [(b": ", lines[0][:-1] + b"\x7f" * 9 + b"\x17" + b"\x15" + lines[0]), (b": ", b"\x04")])
    without = {name: text for name, text in files.items() if "inventory" not in name}
    typed(ground, place, without, [(b"] ", b"n\r")])
    typed(ground, place, without, [(b"] ", b"y\r"), *calm])
    # A question of yes or no is answered with a value by a person who was too quick: that is shown, as it is typed in the open.
    if not ground.quick:
        typed(ground, place, files, [(b": ", b"x" * (1 << 20) + lines[0]), (b": ", b"\x03")])


def typed(ground, place, files, talk):
    """A run at a terminal: each answer is typed when what is shown ends with its question, one without a question at any time."""
    project = ground.project(files)
    env = ground.environment({"TERM": "xterm"})
    ours, theirs = pty.openpty()
    words = ["register"]
    process = subprocess.Popen(
        [ground.stackref, *words], cwd=project, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    shown, asked = b"", 0
    until = time.monotonic() + 30
    talk = list(talk)
    while time.monotonic() < until:
        if select.select([ours], [], [], 0.02)[0]:
            piece = os.read(ours, 1 << 16)
            shown += piece
        elif process.poll() is not None:
            break
        if talk and not talk[0][0]:
            type_unasked(process, ours, theirs, talk)
        elif talk and shown[asked:].endswith(talk[0][0]) and not echoes(theirs):
            asked = len(shown)
            write_slowly(ours, talk.pop(0)[1])
    else:
        process.kill()
        ground.expect(place, f"{talk} ends", False, shown)
    ran_code = process.wait()
    # What nobody asks for may come too late: the terminal has been given back then.
    ground.expect(place, "each answer is asked for", not any(question for question, _ in talk), (talk, shown[-800:]))
    # What nobody asked for must not be left for the shell, which would show it.
    os.set_blocking(theirs, False)
    settings = termios.tcgetattr(theirs)
    settings[3] &= ~termios.ICANON
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    try:
        left = os.read(theirs, 1 << 16)
    except BlockingIOError:
        left = b""
    ground.expect(place, "echo is on again", echoes(theirs))
    os.close(ours)
    os.close(theirs)
    row = ground.row(place)
    row.runs += 1
    ground.look(place, "the terminal", shown, shown[-800:])
    ground.look(place, "what is left for the shell", left)
    ground.files(place, project, words, ["secrets.inventory.yaml"])
    ground.called(env)
    return ran_code


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def type_unasked(process, ours, theirs, talk):
    """Types the next answer if the terminal is stackref's at this moment.

    The process stands still meanwhile: what came after it had given the terminal back would be shown, and rightly.
    """
    with stopped(process):
        if process.poll() is None and not echoes(theirs):
            data = talk.pop(0)[1]
            before = waiting(theirs)
            os.write(ours, data)
            # The kernel hands it over by a thread of its own.
            until = time.monotonic() + 5
            while waiting(theirs) < before + len(data) and time.monotonic() < until:
                time.sleep(0.001)


def waiting(terminal):
    """Bytes that were typed and that nobody has read; not in a mode of whole lines."""
    return struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, b"\0" * 4))[0]


def write_slowly(terminal, data):
    """A terminal takes some thousand bytes at a time."""
    for at in range(0, len(data), 2048):
        select.select([], [terminal], [], 5)
        os.write(terminal, data[at : at + 2048])
        if len(data) > 4096:
            time.sleep(0.002)
