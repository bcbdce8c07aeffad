"""Tests failures: invalid files that contain values, closed streams, killed runs, and too little memory."""
import os
import random
import re
import resource
import signal
import subprocess

from commands import FORMATS, SampleRepo, inventory, stack

# The only output of a panic.
PANIC = re.compile(rb"error: internal error at \S+:\d+:\d+\n  help: this is a bug in stackref[^\n]*\n")

# Inventories with a mistake near the value `%s`.
YAML = [
    "db:\n  k: '%s\n",
    'db:\n  k: "%s\n',
    'db:\n  k: "\\%s"\n',
    "db: {k:%s}\n",
    "db: {%s}\n",
    "db:\n  k= %s: 1\n",
    "db:\n  k: %s: x\n",
    "db:\n\tk: %s\n",
    "db:\n  k: a\n\tj: %s\n",
    "db:\n  k: a\n  k: %s\n",
    "db:\n  k: *%s\n",
    "db:\n  k: &%s\n",
    "db:\n  k: !%s x\n",
    "db:\n  k: !!%s x\n",
    "%TAG ! %s\n---\ndb: {}\n",
    "db:\n  k: %%s\n",
    "db:\n  k: @%s\n",
    "db:\n  k: |\n    %s\n   %s\n  j\n",
    "db:\n  k: [%s]\n",
    "db:\n  k: %s # not quoted\n  j: 0123\n",
    "db: %s\n",
    "- %s\n",
    "%s\n",
    "db: &a {k: '%s', <<: *a}\n",
    "db:\n  k: '%s'\n  j: 'it's %s'\n",
    "db:\n  zenml_schema_name: x\n  k: %s!\n",
    "db:\n  k: '%s'\ndb:\n  k: '%s'\n",
    "db:\n  k: \u201c%s\u201d: \u201c\n",
    "db:\n  k: \"%s\" \"%s\"\n",
    "db:\n  k: -----BEGIN %s-----\n  %s: 4,%s\n  x\n",
    "db:\n  k: \"%s\x01\"\n",
]
TOML = [
    "[db]\nk = %s\n",
    '[db]\nk = "%s\n',
    "[db]\nk = '%s\n",
    '[db]\nk = "\\%s"\n',
    '[db]\nk = "a"\nk = "%s"\n',
    '[db]\nk = ["%s", 1]\n',
    '[db]\nk = "%s" "%s"\n',
    '[db]\n%s\n',
    '[db\nk = "%s"\n',
    "db = {k = %s}\n",
    'db = "%s"\n',
    'db.k = 1979-%s\n',
    '[db]\nk == "%s"\n',
    "[db]\nk = 0x%s\n",
    '[db]\nk = """%s\n',
    '[db]\n[db]\nk = "%s"\n',
]
JSON = [
    '{"db": {"k": "%s}',
    '{"db": {"k": %s}}',
    '{"db": {"k": "a", "k": "%s"}}',
    '{"db": {"k": "\\%s"}}',
    '{"db": {"k": ["%s"]}}',
    '{"db": {"k": "%s" "j": 1}}',
    "{'db': {'k': '%s'}}",
    '["%s"]',
    '"%s"',
    '{"db": {"k": "%s",}}',
    '{"db": {"k": "%s"}} %s',
    '{"db": "%s"}',
    '{"db": {"k": "%s\n"}}',
    '// %s\n{"db": /* %s */ {"k": 1}}',
]
BROKEN = {"yaml": YAML, "toml": TOML, "json": JSON}


def broken_inventories(sandbox):
    """Inventories, input of `register`, snapshots and baselines with a mistake near the value."""
    label = "invalid inventories"
    for extension, texts in BROKEN.items():
        for text in texts[:: 2 if sandbox.quick else 1]:
            text = text.replace("%s", sandbox.canaries.value(f"broken {extension}"))
            files = {"a.stack.yaml": stack(["db.k", "db.q"]), f"secrets.inventory.{extension}": text, f"given.{extension}": text, "k.json": text}
            project = sandbox.project({**files, "names.yaml": "db: []\n"})
            given = ["--inventory", "names.yaml", "--from-file", f"given.{extension}"]
            commands = [
                ["check", "--format", "json"],
                ["register", "--inventory", "names.yaml", "--from-file", "-", "--yes"],
                ["render", "--stdout"],
                ["register", "--yes", "--from-file", "k.json", "--partial"],
                ["register", *given, "--yes"],
                ["inventory", "--probe"],
                ["inventory", "snapshot", "--check", f"given.{extension}", "--inventory", "names.yaml"],
                ["check", "--baseline", "k.json"],
                ["check", "--files-from", f"given.{extension}"],
                ["check", "--leaks"],
                ["init", "--dry-run"],
            ]
            sandbox.run(label, project, "check")
            for args in commands[: 2 if sandbox.quick else None]:
                value_streams = ["stdout"] if "render" in args else []
                value_files = ["names.yaml", "secrets.inventory"] if "register" in args else []
                sandbox.run(label, project, *args, stdin=text.encode(), value_streams=value_streams, value_files=value_files)


def broken_stacks(sandbox):
    """Stack files and configs with a mistake near a plain-text value in a sensitive attribute."""
    for extension, texts in BROKEN.items():
        for text in texts[1 if sandbox.quick else 0 :: 3 if sandbox.quick else 1]:
            text = text.replace("%s", sandbox.canaries.value(f"broken stack {extension}")).replace("k", "password").replace("db", "db_token")
            text = text.replace("- ", "- password: ", 1) if text.startswith("- ") else text
            project = sandbox.project({f"a.stack.{extension}": text, "secrets.inventory.yaml": "db: [k]\n", "stackref.toml": ""})
            # A value without a key is not in a sensitive attribute.
            if not any(word in text for word in ["password", "token"]):
                continue
            for format in ["human"] if sandbox.quick else FORMATS:
                sandbox.run("invalid stack files", project, "check", "--format", format)
            for args in [["check", "--fix", "--diff"], ["refs"], ["render", "--stdout"], ["register"]][: 1 if sandbox.quick else None]:
                value_streams = ["stdout"] if "render" in args else []
                sandbox.run("invalid stack files", project, *args, value_streams=value_streams)
            utf16 = sandbox.project({f"a.stack.{extension}": text.encode("utf-16"), f"secrets.inventory.{extension}": text.encode("utf-16")})
            sandbox.run("files in UTF-16", utf16, "check")
            sandbox.run("files in UTF-16", utf16, "check", "--level", "none")
            config = sandbox.project({"stackref.toml": text, "a.stack.yaml": stack(["db.k"])})
            if extension == "toml":
                sandbox.run("invalid configs", config, "check")
                sandbox.run("invalid configs", config, "init", "--dry-run")
    for encoding in ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]:
        value = sandbox.canaries.value("another encoding")
        text = f"db:\n  k: '{value}ü'\n"
        attribute = stack(["db.q"], sensitive=[("password", value)])
        project = sandbox.project({"secrets.inventory.yaml": text.encode(encoding), "a.stack.yaml": attribute.encode(encoding)})
        for args in [["check"], ["check", "--leaks"], ["inventory"]]:
            sandbox.run("files in UTF-16", project, *args)


SCRIPT = """export TOKEN=%s; zenml stack register prod -a x --password=%s --token %s -u {{db.k}
zenml experiment-tracker register t --tracking_password=%s --tracking_uri=mysql://u:%s@{{db.q}} # %s
zenml secret create s --k='%s' --note="x {{db.q}} %s" && curl -u me:%s https://h | zenml x '{{ db.q'
PASSWORD=%s zenml artifact-store register a --key "%s {{db.k}}" \\
  --secret="%s" --other={{db.q}}
zenml orchestrator register o --api_key="%s
"""
RUN_CONFIG = """settings:
  orchestrator.acme:
    password: "%s"
    nested: {api_token: "%s", x: "{{db.q}}"}
steps:
  one:
    parameters: {secret: "%s", y: '{{ db.q'}
"""


def scripts(sandbox):
    """Scripts and run configs that contain values and mistakes."""
    label = "scripts and run configs"
    for text in [SCRIPT, SCRIPT.replace("\n", "\r\n"), f"# Use\n\n```sh\n{SCRIPT}```\n"]:
        for name in ["a.sh", "Makefile", "a.md", "run.yaml"]:
            recipe = "setup:\n" + "".join(f"\t{line}" for line in text.splitlines(keepends=True))
            content = {"run.yaml": RUN_CONFIG, "Makefile": recipe}.get(name, text)
            project = sandbox.project({
                name: content.replace("%s", sandbox.canaries.value("script")),
                "stackref.toml": '[files]\nscripts = ["*.sh", "Makefile", "*.md"]\n',
                "secrets.inventory.yaml": "db: [k]\n",
            })  # fmt: skip
            for format in FORMATS[: 2 if sandbox.quick else None]:
                sandbox.run(label, project, "check", "--format", format, codes=None if name == "a.md" else [1])
            sandbox.run(label, project, "check", "--fix=suggestions", "--diff")
            sandbox.run(label, project, "refs", "--format", "json")


def damaged_files(sandbox):
    """A valid inventory truncated at every byte, and a valid inventory and stack with random changes."""
    label = "truncated and damaged files"
    dice = random.Random(1)
    for extension in ["yaml", "toml", "json"]:
        value = sandbox.canaries.value(f"damaged {extension}", "quotes")
        whole = inventory({"db": {"k": value, "password": value}, "more": {"k": "x"}}, extension)
        start = whole.index(value[:8])
        cuts = range(len(whole)) if not sandbox.quick else range(start, start + 40, 8)
        texts = [whole[:at] for at in cuts]
        for _ in range(0 if sandbox.quick else 150):
            at = dice.randrange(len(whole))
            mark = dice.choice("\0\t\n\r \"'\\{}[]:,#&*!|>%@`-?=\x7f\u2028")
            texts.append(whole[:at] + mark + whole[at + dice.randrange(2) :])
        stack_file = stack(["db.k"])
        project = sandbox.project({"a.stack.yaml": stack_file})
        for text in texts:
            sandbox.write(project, f"secrets.inventory.{extension}", text)
            sandbox.run(label, project, "check")
            if not sandbox.quick:
                sandbox.run(label, project, "render", "--diff")
    value = sandbox.canaries.value("damaged stack", "quotes")
    whole = stack(["db.k"], sensitive=[("db_password", value)])
    for _ in range(10 if sandbox.quick else 300):
        # Only before the value: a change in it or after it could move the end of the value to a line without a sensitive key.
        at = dice.randrange(whole.index("configuration"), whole.index("db_password"))
        mark = dice.choice("\0\t\r\"'\\{}[]:,#&*!|>%@`-?=")
        project = project if _ else sandbox.project({"secrets.inventory.yaml": "db: [k]\n"})
        sandbox.write(project, "a.stack.yaml", whole[:at] + mark + whole[at + dice.randrange(2) :])
        sandbox.run(label, project, "check")


def values_as_names(sandbox):
    """With `--leaks`, stackref redacts values also as names: of a secret, a key, a stack, a component, a rule."""
    label = "values as names, with --leaks"
    for shape in ["plain", "percent", "base64", "dash", "number"]:
        value = sandbox.canaries.value("name", shape)
        text = stack([f"{value}.k", f"db.{value}", f"{value}", f"db.k.{value}"], value, more=f"      c: x # stackref: ignore[{value}]\n")
        text = text.replace("experiment_tracker:\n    name: t", f"experiment_tracker:\n    name: {value}")
        script = f"zenml stack register {value} -a {{{{db.{value}}}}}\n"
        files = {"a.stack.yaml": text, "secrets.inventory.yaml": inventory({"db": {"k": value}}), "b.sh": script}
        project = sandbox.project({**files, "stackref.toml": '[files]\nscripts = ["*.sh"]\n'})
        for format in FORMATS[: 3 if sandbox.quick else None]:
            sandbox.run(label, project, "check", "--leaks", "--format", format, codes=[1])
        sandbox.run(label, project, "check", "--leaks", "--fix=suggestions", "--diff")
        sandbox.run(label, project, "check", "--leaks", "--write-baseline", "b.json")


def scalar_styles(sandbox):
    """Values that need escapes or another scalar style, rendered at every position of a reference."""
    label = "values that need another style"
    unusual = ["\x00", "\x1f", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "\ud800", "\n", "\r", "'''", '"""', "---\n", "{{x.y}}", "\t"]
    places = [
        "a: {{db.k}}\n", "a: '{{db.k}}'\n", 'a: "{{db.k}}"\n', "a: x {{db.k}}\n", "a: |\n  {{db.k}}\n", "a: >-\n  x {{db.k}}\n",
        "a: [ '{{db.k}}' ]\n", "a: !!int '{{db.k}}'\n", "a: !!binary '{{db.k}}'\n", "a: ! '{{db.k}}'\n", "a: &x '{{db.k}}'\nb: *x\n", "a: 'x\n\n  {{db.k}}'\n",
    ]  # fmt: skip
    tables = ['a = "{{db.k}}"\n', "a = '{{db.k}}'\n", 'a = """\n{{db.k}}"""\n', "a = '''{{db.k}}'''\n", "a = [\"x {{db.k}}\"]\n"]
    project = sandbox.project({"stackref.toml": 'resolver = "render"\nfiles.include = ["*.stack.*"]\n'})
    for at, text in enumerate(places):
        sandbox.write(project, f"{at}.stack.yaml", text)
    for at, text in enumerate(tables):
        sandbox.write(project, f"{at}.stack.toml", text)
    sandbox.write(project, "a.stack.json", '{"a": ["x {{db.k}}"]}\n')
    for mark in unusual[: 4 if sandbox.quick else None]:
        token = sandbox.canaries.value("style")
        escaped = "".join(f"\\u{ord(c):04x}" if ord(c) > 126 or ord(c) < 32 or c == '"' else c for c in mark)
        sandbox.write(project, "secrets.inventory.json", f'{{"db": {{"k": "{token}{escaped}{token}"}}}}')
        sandbox.run(label, project, "render", "-o", "out", value_files=["out/"])
        sandbox.run(label, project, "render", "--diff")
        for name in sorted(path.name for path in project.glob("*.stack.*")):
            sandbox.run(label, project, "render", name, "--diff")


def streams(sandbox):
    """Outputs that are full, closed or not writable."""
    sample = SampleRepo(sandbox, leaks=True)
    good = "stacks/good.yaml"
    label = "closed streams"
    for args in [["check", "--leaks"], ["render", good, "--stdout"], ["inventory"], ["register", "--format", "json"]]:
        value_streams = ["stdout"] if "render" in args else []
        for shell in ['"$@" | head -c 1', '"$@" >&-', '"$@" 2>&-', '"$@" >/dev/full', '"$@" 2>/dev/full', '"$@" <&- >&- 2>&-', '"$@" >&0']:
            sandbox.run(label, sample.project, *args, shell=shell, value_streams=value_streams)
    label, sample = "outputs that cannot be written", SampleRepo(sandbox)
    for target in ["/dev/null", "/proc/nothing", "/dev/full/x", "stackref.toml", "stacks/good.yaml"]:
        sandbox.run(label, sample.project, "render", good, "-o", target, codes=[2])
        sandbox.run(label, sample.project, "check", "--format", "json", "-o", target)
        sandbox.run(label, sample.project, "inventory", "snapshot", "-o", target, value_files=["stackref.toml", "stacks/"])
    sandbox.run(label, sample.project, "check", "--format", "json", "-o", "/dev/full")


def killed_runs(sandbox):
    """A run that is killed while it writes. The files that it leaves are private and next to the target, and the next run removes them."""
    label = "killed runs"
    sample = SampleRepo(sandbox)
    command = ["render", "stacks/good.yaml", "-o", "out"]

    # Until the file is synced, it has a temporary name. A run that finishes too early is repeated.
    for _ in range(500):
        process = subprocess.Popen(
            [sandbox.stackref, *command],
            cwd=sample.project,
            env=sandbox.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        while process.poll() is None and not any(sample.project.glob("out/.stackref-*/0")):
            pass
        process.kill()
        sandbox.search(label, "its output", process.communicate()[0])
        left = list(sample.project.rglob(".stackref-*/*"))
        if left:
            break
    sandbox.row(label).runs += 1
    sandbox.expect(label, "the killed run leaves files", left, process)
    for path in left:
        sandbox.expect(label, "the files that it leaves are in the target folder", path.parent.parent == sample.project / "out", path)
        folder = path.parent.stat().st_mode & 0o777
        sandbox.expect(label, "the temporary folder is private", folder == 0o700, path)
        sandbox.expect(label, "the files that it leaves are private", path.stat().st_mode & 0o777 == 0o600, path)
    sandbox.run(label, sample.project, *command, value_files=["out/"], codes=[0])
    sandbox.expect(label, "the next run removes the files", not any(path.parent.exists() for path in left), left)


def core_dumps(sandbox):
    """A run with values in memory writes no core dump, and other processes of the user cannot read its memory."""
    label = "core dumps"
    sample = SampleRepo(sandbox)
    for caught in [signal.SIGABRT, signal.SIGQUIT, signal.SIGTRAP]:
        process = waiting_process(sandbox, sample)
        process.send_signal(caught)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -caught
        process.stdin.close()
        process.stderr.close()
        sandbox.row(label).runs += 1
        sandbox.expect(label, f"{caught.name} causes no core dump", os.WIFSIGNALED(status) and not os.WCOREDUMP(status))
    sandbox.expect(label, "no core file exists", not list(sample.project.glob("core*")))
    label = "memory, read by other processes of the user"
    row = sandbox.row(label)
    if not os.getuid():
        sandbox.notes[label] = "not searched: root can read all memory"
        return
    process = waiting_process(sandbox, sample)
    for name in ["mem", "environ"]:
        row.runs += 1
        try:
            with open(f"/proc/{process.pid}/{name}", "rb"):
                sandbox.expect(label, f"{name} is not readable", False)
        except PermissionError:
            pass
    process.communicate(b"")


def waiting_process(sandbox, sample):
    """Starts a run that has read the inventory and waits for standard input."""
    args = ["register", "--inventory", "secrets.yaml", "--from-file", "-"]
    process = subprocess.Popen(
        [sandbox.stackref, *args], cwd=sample.project, env=sandbox.environment(), preexec_fn=allow_core_dumps,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    sandbox.expect("core dumps", "the run waits for standard input", b"invalid reference" in process.stderr.readline())
    return process


def allow_core_dumps():
    # A shell that starts this script in the background ignores the signal.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def resource_limits(sandbox):
    """Too few threads and too little memory, so that libraries panic. A panic prints only its location."""
    label = "panics and memory limits"
    sample = SampleRepo(sandbox)
    contents = sandbox.root / "held-by-store.json"
    programs = {"FAKE_STORE": str(contents)} if contents.exists() else {}
    panics = 0
    # Threads with such large stacks cannot start. The second command has already read the inventory then.
    for args in [["check", "--leaks"], ["inventory", "--used"]]:
        result = sandbox.run(label, sample.project, *args, env={"RUST_MIN_STACK": str(1 << 60)}, codes=[101])
        is_location_only = PANIC.fullmatch(result.stderr) is not None and not result.stdout
        sandbox.expect(label, f"{args} prints only the location of the panic", is_location_only, result)
        panics += is_location_only
    step = 16 if sandbox.quick else 2
    for mebibytes in range(4, 90, step):
        limits = lambda: (resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20,) * 2), allow_core_dumps())
        for args in [["check", "--leaks"], ["render", "stacks/good.yaml", "--diff"], ["inventory", "--probe"]]:
            result = sandbox.run(label, sample.project, *args, limits=limits, env=programs)
            panics += b"internal error" in result.stderr or b"panicked" in result.stderr
    sandbox.notes[label] = f"{panics} of the runs panicked"
