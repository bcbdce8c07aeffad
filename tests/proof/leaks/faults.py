"""What goes wrong: files that do not parse beside a value, closed streams, killed runs, memory that is short."""
import os
import random
import re
import resource
import signal
import subprocess

from commands import FORMATS, Usual, inventory, stack

# All that is said of a panic.
PANIC = re.compile(rb"error: internal error at \S+:\d+:\d+\n  help: this is a bug in stackref[^\n]*\n")

# Inventories in which something is wrong near the value `%s`.
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


def broken_inventories(ground):
    """Inventories, values that are handed in, snapshots and baselines with a mistake beside the value."""
    place = "invalid inventories"
    for ending, texts in BROKEN.items():
        for text in texts:
            text = text.replace("%s", ground.canaries.value(f"broken {ending}"))
            files = {"a.stack.yaml": stack(["db.k", "db.q"]), f"secrets.inventory.{ending}": text, f"given.{ending}": text, "k.json": text}
            project = ground.project({**files, "names.yaml": "db: []\n"})
            given = ["--inventory", "names.yaml", "--from-file", f"given.{ending}"]
            most = [
                ["check", "--format", "json"],
                ["register", "--inventory", "names.yaml", "--from-file", "-", "--yes"],
                ["render", "--stdout"],
                ["register", "--yes", "--from-file", "k.json", "--partial"],
                ["register", *given, "--yes"],
                ["inventory", "--probe"],
                ["inventory", "snapshot", "--check", f"given.{ending}", "--inventory", "names.yaml"],
                ["check", "--baseline", "k.json"],
                ["check", "--files-from", f"given.{ending}"],
                ["check", "--leaks"],
                ["init", "--dry-run"],
            ]
            ground.run(place, project, "check")
            for words in most[: 2 if ground.quick else None]:
                shows = ["stdout"] if "render" in words else []
                holds = ["names.yaml", "secrets.inventory"] if "register" in words else []
                ground.run(place, project, *words, stdin=text.encode(), shows=shows, holds=holds)


def broken_stacks(ground):
    """Stack files and configs with a mistake beside a plain-text value in a sensitive attribute."""
    for ending, texts in BROKEN.items():
        for text in texts:
            text = text.replace("%s", ground.canaries.value(f"broken stack {ending}")).replace("k", "password").replace("db", "db_token")
            text = text.replace("- ", "- password: ", 1) if text.startswith("- ") else text
            project = ground.project({f"a.stack.{ending}": text, "secrets.inventory.yaml": "db: [k]\n", "stackref.toml": ""})
            # What stands alone has no key that says that it is sensitive.
            if not any(word in text for word in ["password", "token"]):
                continue
            for format in ["human"] if ground.quick else FORMATS:
                ground.run("invalid stack files", project, "check", "--format", format)
            for words in [["check", "--fix", "--diff"], ["refs"], ["render", "--stdout"], ["register"]][: 1 if ground.quick else None]:
                shows = ["stdout"] if "render" in words else []
                ground.run("invalid stack files", project, *words, shows=shows)
            utf16 = ground.project({f"a.stack.{ending}": text.encode("utf-16"), f"secrets.inventory.{ending}": text.encode("utf-16")})
            ground.run("files in UTF-16", utf16, "check")
            ground.run("files in UTF-16", utf16, "check", "--level", "none")
            config = ground.project({"stackref.toml": text, "a.stack.yaml": stack(["db.k"])})
            if ending == "toml":
                ground.run("invalid configs", config, "check")
                ground.run("invalid configs", config, "init", "--dry-run")
    for encoding in ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]:
        value = ground.canaries.value("another encoding")
        text = f"db:\n  k: '{value}ü'\n"
        attribute = stack(["db.q"], sensitive=[("password", value)])
        project = ground.project({"secrets.inventory.yaml": text.encode(encoding), "a.stack.yaml": attribute.encode(encoding)})
        for words in [["check"], ["check", "--leaks"], ["inventory"]]:
            ground.run("files in UTF-16", project, *words)


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


def scripts(ground):
    """Values in the commands of scripts and in run configs, beside mistakes."""
    place = "scripts and run configs"
    for text in [SCRIPT, SCRIPT.replace("\n", "\r\n"), f"# Use\n\n```sh\n{SCRIPT}```\n"]:
        for name in ["a.sh", "Makefile", "a.md", "run.yaml"]:
            text = RUN_CONFIG if name == "run.yaml" else text
            project = ground.project({
                name: text.replace("%s", ground.canaries.value("script")),
                "stackref.toml": '[files]\nscripts = ["*.sh", "Makefile", "*.md"]\n',
                "secrets.inventory.yaml": "db: [k]\n",
            })  # fmt: skip
            for format in FORMATS[: 2 if ground.quick else None]:
                ground.run(place, project, "check", "--format", format, codes=None if name == "a.md" else [1])
            ground.run(place, project, "check", "--fix=suggestions", "--diff")
            ground.run(place, project, "refs", "--format", "json")


def damaged(ground):
    """A good inventory, and a good stack, cut off at every byte and with bytes changed at random."""
    place = "truncated and damaged files"
    dice = random.Random(1)
    for ending in ["yaml", "toml", "json"]:
        value = ground.canaries.value(f"damaged {ending}", "quotes")
        whole = inventory({"db": {"k": value, "password": value}, "more": {"k": "x"}}, ending)
        start = whole.index(value[:8])
        cuts = range(len(whole)) if not ground.quick else range(start, start + 40, 8)
        texts = [whole[:at] for at in cuts]
        for _ in range(0 if ground.quick else 150):
            at = dice.randrange(len(whole))
            mark = dice.choice("\0\t\n\r \"'\\{}[]:,#&*!|>%@`-?=\x7f\u2028")
            texts.append(whole[:at] + mark + whole[at + dice.randrange(2) :])
        stack_file = stack(["db.k"])
        project = ground.project({"a.stack.yaml": stack_file})
        for text in texts:
            ground.write(project, f"secrets.inventory.{ending}", text)
            ground.run(place, project, "check")
            if not ground.quick:
                ground.run(place, project, "render", "--diff")
    value = ground.canaries.value("damaged stack", "quotes")
    whole = stack(["db.k"], sensitive=[("db_password", value)])
    for _ in range(10 if ground.quick else 300):
        # Up to the value: what is changed in it or behind it may make a line of its own of its end.
        at = dice.randrange(whole.index("configuration"), whole.index("db_password"))
        mark = dice.choice("\0\t\r\"'\\{}[]:,#&*!|>%@`-?=")
        project = project if _ else ground.project({"secrets.inventory.yaml": "db: [k]\n"})
        ground.write(project, "a.stack.yaml", whole[:at] + mark + whole[at + dice.randrange(2) :])
        ground.run(place, project, "check")


def names(ground):
    """With --leaks a value is concealed also where it is a name: of a secret, a key, a stack, a component, a rule."""
    place = "values as names, with --leaks"
    for shape in ["plain", "percent", "base64", "dash", "number"]:
        value = ground.canaries.value("name", shape)
        text = stack([f"{value}.k", f"db.{value}", f"{value}", f"db.k.{value}"], value, more=f"      c: x # stackref: ignore[{value}]\n")
        text = text.replace("experiment_tracker:\n    name: t", f"experiment_tracker:\n    name: {value}")
        script = f"zenml stack register {value} -a {{{{db.{value}}}}}\n"
        files = {"a.stack.yaml": text, "secrets.inventory.yaml": inventory({"db": {"k": value}}), "b.sh": script}
        project = ground.project({**files, "stackref.toml": '[files]\nscripts = ["*.sh"]\n'})
        for format in FORMATS[: 3 if ground.quick else None]:
            ground.run(place, project, "check", "--leaks", "--format", format, codes=[1])
        ground.run(place, project, "check", "--leaks", "--fix=suggestions", "--diff")
        ground.run(place, project, "check", "--leaks", "--write-baseline", "b.json")


def styles(ground):
    """Values that no style of a scalar holds as they are, put everywhere where a reference may stand."""
    place = "values that need another style"
    odd = ["\x00", "\x1f", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "\ud800", "\n", "\r", "'''", '"""', "---\n", "{{x.y}}", "\t"]
    places = [
        "a: {{db.k}}\n", "a: '{{db.k}}'\n", 'a: "{{db.k}}"\n', "a: x {{db.k}}\n", "a: |\n  {{db.k}}\n", "a: >-\n  x {{db.k}}\n",
        "a: [ '{{db.k}}' ]\n", "a: !!int '{{db.k}}'\n", "a: !!binary '{{db.k}}'\n", "a: ! '{{db.k}}'\n", "a: &x '{{db.k}}'\nb: *x\n", "a: 'x\n\n  {{db.k}}'\n",
    ]  # fmt: skip
    tables = ['a = "{{db.k}}"\n', "a = '{{db.k}}'\n", 'a = """\n{{db.k}}"""\n', "a = '''{{db.k}}'''\n", "a = [\"x {{db.k}}\"]\n"]
    project = ground.project({"stackref.toml": 'resolver = "render"\n'})
    for at, text in enumerate(places):
        ground.write(project, f"{at}.stack.yaml", text)
    for at, text in enumerate(tables):
        ground.write(project, f"{at}.stack.toml", text)
    ground.write(project, "a.stack.json", '{"a": ["x {{db.k}}"]}\n')
    for mark in odd[: 4 if ground.quick else None]:
        token = ground.canaries.value("style")
        escaped = "".join(f"\\u{ord(c):04x}" if ord(c) > 126 or ord(c) < 32 or c == '"' else c for c in mark)
        ground.write(project, "secrets.inventory.json", f'{{"db": {{"k": "{token}{escaped}{token}"}}}}')
        ground.run(place, project, "render", "-o", "out", holds=["out/"])
        ground.run(place, project, "render", "--diff")
        for name in sorted(path.name for path in project.glob("*.stack.*")):
            ground.run(place, project, "render", name, "--diff")


def streams(ground):
    """Outputs that are full, closed, or not to be written to."""
    usual = Usual(ground, leaks=True)
    good = "stacks/good.yaml"
    place = "closed streams"
    for words in [["check", "--leaks"], ["render", good, "--stdout"], ["inventory"], ["register", "--format", "json"]]:
        shows = ["stdout"] if "render" in words else []
        for shell in ['"$@" | head -c 1', '"$@" >&-', '"$@" 2>&-', '"$@" >/dev/full', '"$@" 2>/dev/full', '"$@" <&- >&- 2>&-', '"$@" >&0']:
            ground.run(place, usual.project, *words, shell=shell, shows=shows)
    place, usual = "outputs that cannot be written", Usual(ground)
    for target in ["/dev/null", "/proc/nothing", "/dev/full/x", "stackref.toml", "stacks/good.yaml"]:
        ground.run(place, usual.project, "render", good, "-o", target, codes=[2])
        ground.run(place, usual.project, "check", "--format", "json", "-o", target)
        ground.run(place, usual.project, "inventory", "snapshot", "-o", target, holds=["stackref.toml", "stacks/"])
    ground.run(place, usual.project, "check", "--format", "json", "-o", "/dev/full")


def killed(ground):
    """A run that is killed while it writes: what it leaves is private and beside its target, and the next run removes it."""
    place = "killed runs"
    usual = Usual(ground)
    command = ["render", "stacks/good.yaml", "-o", "out"]

    # The file stands under another name until it is synced; a run that is quicker than the look at it is started again.
    for _ in range(500):
        process = subprocess.Popen(
            [ground.stackref, *command],
            cwd=usual.project,
            env=ground.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        while process.poll() is None and not any(usual.project.glob("out/.stackref-*/0")):
            pass
        process.kill()
        ground.look(place, "what it said", process.communicate()[0])
        left = list(usual.project.rglob(".stackref-*/*"))
        if left:
            break
    ground.row(place).runs += 1
    ground.expect(place, "it was killed, and left something", left, process)
    for path in left:
        ground.expect(place, "what is left lies in the target folder", path.parent.parent == usual.project / "out", path)
        folder = path.parent.stat().st_mode & 0o777
        ground.expect(place, "its folder is private", folder == 0o700, path)
        ground.expect(place, "what is left is private", path.stat().st_mode & 0o777 == 0o600, path)
    ground.run(place, usual.project, *command, holds=["out/"], codes=[0])
    ground.expect(place, "the next run removes what is left", not any(path.parent.exists() for path in left), left)


def looked_into(ground):
    """A run that holds values and waits leaves no core dump, and shows its memory to no other process of its user."""
    place = "core dumps"
    usual = Usual(ground)
    for caught in [signal.SIGABRT, signal.SIGQUIT, signal.SIGTRAP]:
        process = waiting(ground, usual)
        process.send_signal(caught)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -caught
        process.stdin.close()
        process.stderr.close()
        ground.row(place).runs += 1
        ground.expect(place, f"there is none after {caught.name}", os.WIFSIGNALED(status) and not os.WCOREDUMP(status))
    ground.expect(place, "there is no file of one", not list(usual.project.glob("core*")))
    place = "memory, read by other processes of the user"
    row = ground.row(place)
    if not os.getuid():
        ground.remarks[place] = "not searched: root can read all memory"
        return
    process = waiting(ground, usual)
    for name in ["mem", "environ"]:
        row.runs += 1
        try:
            with open(f"/proc/{process.pid}/{name}", "rb"):
                ground.expect(place, f"{name} is not to be read", False)
        except PermissionError:
            pass
    process.communicate(b"")


def waiting(ground, usual):
    """A run that has read the inventory, has said so, and waits for standard input."""
    words = ["register", "--inventory", "secrets.yaml", "--from-file", "-"]
    process = subprocess.Popen(
        [ground.stackref, *words], cwd=usual.project, env=ground.environment(), preexec_fn=cores_allowed,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    ground.expect("core dumps", "it waits", b"invalid reference" in process.stderr.readline())
    return process


def cores_allowed():
    # A shell that starts this in the background leaves it ignored.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def shortage(ground):
    """No threads and too little memory: libraries panic, and a panic tells its place alone."""
    place = "panics and memory limits"
    usual = Usual(ground)
    held = ground.root / "held-by-store.json"
    programs = {"FAKE_STORE": str(held)} if held.exists() else {}
    panics = 0
    # The walk cannot start its threads with stacks of that size. The second run has read the inventory by then.
    for words in [["check", "--leaks"], ["inventory", "--used"]]:
        ran = ground.run(place, usual.project, *words, env={"RUST_MIN_STACK": str(1 << 60)}, codes=[101])
        is_told = PANIC.fullmatch(ran.stderr) is not None and not ran.stdout
        ground.expect(place, f"{words} tells of a panic, and its place alone", is_told, ran)
        panics += is_told
    step = 16 if ground.quick else 2
    for mebibytes in range(4, 90, step):
        limits = lambda: (resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20,) * 2), cores_allowed())
        for words in [["check", "--leaks"], ["render", "stacks/good.yaml", "--diff"], ["inventory", "--probe"]]:
            ran = ground.run(place, usual.project, *words, limits=limits, env=programs)
            panics += b"internal error" in ran.stderr or b"panicked" in ran.stderr
    ground.remarks[place] = f"{panics} of the runs panicked"
