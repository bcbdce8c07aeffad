#!/usr/bin/env python3
"""Mutation testing of the parsers and the writer in one build: `mutants.py [--only FILE] [--missed]`.

`cargo mutants` lists small changes of the code (for example `<` becomes `<=`, or a body becomes `None`), and builds and tests each of
them separately: half a day for the files below. This script writes each function once for each of its mutants, and selects one with a
`match` on a number from the environment. So one build contains all mutants. The tests then run once for each mutant, until the first
failure.

A mutant that no test notices is *missed*: a test is missing, or the code has no effect. If the tests run out of time or memory, the
mutant counts as caught, as with `cargo mutants`.

Requires cargo-mutants on the PATH. Results go to `target/mutants`; `docs/dev/mutation.md` explains the missed ones.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
FILES = ["src/zenml/grammar.rs", "src/zenml/grammar/**/*.rs", "src/document/**/*.rs", "src/edit/substitution.rs",
         "src/edit/render_proof.rs", "src/system/write.rs", "src/system/write/**/*.rs"]
# Tests that catch most mutants of a file in a second or two. All other tests run only for mutants that these do not catch.
READERS = ["conformance::", "documents::", "hostile::file_that_is_not_text",
           "hostile::syntax_error", "hostile::terminal_control", "properties::", "put::", "render::a_second", "render::any",
           "render::every", "render::the_least", "render::what_once", "syntax::"]
FIRST = {
    "src/document/insert.rs": ["insert::", "put::"],
    "src/document/shell_commands.rs": ["fuzz::check_script", "scripts::any", "scripts::commands", "scripts::each",
                                       "scripts::only", "scripts::reference", "scripts::values"],
    "src/edit/substitution.rs": ["render::"],
    "src/edit/render_proof.rs": ["render::"],
}
# Tests for every file whose path begins with one of these.
FIRST_IN = {
    "src/system/write": ["faults::", "put::", "register::", "render::", "write::"],
    "src/zenml/grammar": ["fuzz::references", "properties::", "render::hostile_values"],
}
# The first tests the project's own text, which differs in the copy. The others take too long for the mutants that they would
# catch: they test stores, time and memory, or repeat shorter tests.
SKIPPED = ["layers::", "stores::", "inventory_kinds::", "manual::", "schemas::", "init::check_uses", "values/",
           "fixes::fixing_twice", "fuzz::readers::every_seed", "hostile::scalar_of_100_mb", "hostile::many",
           "leaks::a_stack_file_that_does_not_parse", "leaks::an_inventory_shows", "render::a_run_that_is_killed",
           "scripts::no_script_takes_long"]
# The time limit of tests with a mutant: this many times the time without one, but at least this many seconds. Tests without a
# mutant have an hour.
TIMES, LEAST_SECONDS, HOUR = 5, 60, 3600
MEMORY = 4 << 30
SWITCH = """
/// The number of the active mutant, or 0.
pub fn mutant() -> usize {
    static MUTANT: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *MUTANT.get_or_init(|| std::env::var("STACKREF_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}
"""


def listed():
    """All mutants, numbered from 1."""
    command = ["cargo", "mutants", "--list", "--json", *(word for file in FILES for word in ("-f", file))]
    mutants = json.loads(subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout)
    for number, mutant in enumerate(mutants, 1):
        mutant["number"] = number
    return mutants


class Text:
    """A file's text, cut by the lines and columns of cargo-mutants, which count characters from 1."""

    def __init__(self, text):
        self.text = text
        self.starts = [0]
        for line in text.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)

    def place(self, point):
        return self.starts[point["line"] - 1] + point["column"] - 1

    def span(self, of):
        return self.place(of["span"]["start"]), self.place(of["span"]["end"])


def switched(text, mutants):
    """The text with every function written once for each of its mutants, and which lines of it are whose."""
    file = Text(text)
    functions = collections.defaultdict(list)
    for mutant in mutants:
        functions[file.span(mutant["function"])].append(mutant)
    outer = {}
    for start, end in sorted(functions, key=lambda span: (span[0], -span[1])):
        holder = next((span for span in outer if span[0] <= start and end <= span[1]), None)
        outer.setdefault(holder or (start, end), []).extend(functions[start, end])
    out, owners, at = "", [], 0
    for (start, end), mutants in outer.items():
        # Doc comments and attributes belong to the function; they may hold braces.
        signature = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))? )?fn [^{]*?(-> impl ([^{]*?))? ?\{", re.M)
        head = signature.search(text, text.rfind("\n", 0, start) + 1, end)
        out += text[at : head.start()]
        body, brace = head.end() - 1, "{}"
        if head[1]:
            # The arms of a match have one type, which an opaque one of each arm is not.
            out += text[head.start() : head.start(1)] + f"-> Box<dyn {head[2]} + '_> "
            brace = "{{ Box::new({}) }}"
        else:
            out += text[head.start() : body]
        out += "{ match crate::mutant() {\n"
        for mutant in mutants:
            first, last = file.span(mutant)
            arm = text[body:first] + " " + mutant["replacement"] + " " + text[last:end]
            line = out.count("\n") + 1
            out += f"{mutant['number']} => {brace.format(arm) if head[1] else arm}\n"
            owners.append((line, out.count("\n"), mutant["number"]))
        arm = text[body:end]
        out += f"_ => {brace.format(arm) if head[1] else arm}\n" + "} }"
        at = end
    return out + text[at:], owners


def write(path, text):
    """Writes what differs, so that cargo builds what has changed."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def copy(tree):
    """The project's files, as git knows them or would, and the switch."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = PROJECT / name, tree / name
        if not source.is_file() or name.startswith("src/"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            shutil.copyfile(source, target)
    for source in (PROJECT / "src").rglob("*.rs"):
        target = tree / source.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        write(target, text + SWITCH if source.name == "lib.rs" and source.parent.name == "src" else text)
    support = (PROJECT / "tests/it/support.rs").read_text(encoding="utf-8")
    clears = ".envs(coverage())"
    passes = '.envs(coverage()).envs(std::env::var_os("STACKREF_MUTANT").map(|number| ("STACKREF_MUTANT", number)))'
    if support.count(clears) != 1:
        sys.exit("tests/it/support.rs does not set the environment of the program in one place")
    write(tree / "tests/it/support.rs", support.replace(clears, passes))


def cargo(tree, *words):
    """Runs cargo in the copy; the messages of the compiler."""
    variables = {**os.environ, "CARGO_PROFILE_DEV_DEBUG": "false", "RUSTFLAGS": "--cap-lints allow"}
    command = ["nice", "cargo", words[0], "--message-format=json", "--quiet", *words[1:]]
    run = subprocess.run(command, cwd=tree, env=variables, stdout=subprocess.PIPE, check=False)
    return run.returncode, [json.loads(line) for line in run.stdout.decode().splitlines() if line.startswith("{")]


def places(message):
    """Where an error is, and where the macros were called that it came out of."""
    spans = [span for span in message["spans"] if span["is_primary"]]
    while spans:
        span = spans.pop()
        yield span["file_name"], span["line_start"]
        if span["expansion"]:
            spans.append(span["expansion"]["span"])


def drop_unviable(tree, mutants, unviable):
    """Writes the mutants into the copy without those that do not compile, of which some may be known; their numbers."""
    while True:
        owners = {}
        for name in sorted({mutant["file"] for mutant in mutants}):
            own = [mutant for mutant in mutants if mutant["file"] == name and mutant["number"] not in unviable]
            text, owners[name] = switched((PROJECT / name).read_text(encoding="utf-8"), own)
            write(tree / name, text)
        code, messages = cargo(tree, "check", "--lib")
        if code == 0:
            return unviable
        errors = [message["message"] for message in messages if message.get("reason") == "compiler-message"]
        errors = [error for error in errors if error["level"] == "error" and error["spans"]]
        found = set()
        for error in errors:
            for name, line in places(error):
                found |= {number for first, last, number in owners.get(name, []) if first <= line <= last}
        if not found:
            sys.exit("\n".join(["the copy does not build:", *(error["rendered"] for error in errors)]))
        unviable |= found
        print(f"{len(unviable)} do not compile", flush=True)


def build(tree):
    """Builds the tests and returns their programs: the unit tests, the cases and the others."""
    code, messages = cargo(tree, "test", "--no-run", "--lib", "--bins", "--test", "cases", "--test", "it")
    programs = {}
    for message in messages:
        if message.get("executable") and message["profile"]["test"]:
            kind, name = message["target"]["kind"][0], message["target"]["name"]
            programs[name if kind == "test" else kind] = message["executable"]
    if code != 0 or not {"lib", "cases", "it"} <= programs.keys():
        sys.exit("the tests of the copy do not build")
    return programs["lib"], programs["cases"], programs["it"]


def run(tree, program, words, number, seconds):
    """Runs tests with a mutant until one fails: the name of the first that does, `timeout`, or nothing."""
    variables = {**os.environ, "STACKREF_MUTANT": str(number), "PROPTEST_CASES": "64", "RUST_BACKTRACE": "0"}
    variables.setdefault("STACKREF_CORPORA", str(PROJECT.parent / "shared/corpora"))
    skip = [word for name in SKIPPED for word in ("--skip", name)]
    process = subprocess.Popen(
        ["nice", program, "--test-threads=2", *words, *skip], cwd=tree, env=variables, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
    late = threading.Event()

    def stop():
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds, stop)
    timer.start()
    failed = None
    with process:
        for line in process.stdout:
            match = re.match(r"test (\S+).* \.\.\. FAILED", line)
            if match:
                failed = match[1]
                break
        timer.cancel()
        if failed:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if late.is_set():
        return "timeout"
    return failed or (None if process.returncode == 0 else f"ended with {process.returncode}")


def suites(programs, file):
    """The tests for a mutant of a file, in turn: programs and their words."""
    unit, cases, tests = programs
    in_folder = next((tests for prefix, tests in FIRST_IN.items() if file.startswith(prefix)), READERS)
    first = FIRST.get(file, in_folder)
    return [(unit, []), (tests, first), (cases, []), (tests, [])]


def limits(tree, programs, pool, jobs):
    """How many seconds each of the suites may take. As many run at a time as with mutants: what then fails without one proves
    nothing with one."""
    found = []
    for program, words in suites(programs, ""):
        started = time.monotonic()
        failed = set(pool.map(lambda _: run(tree, program, words, 0, HOUR), range(jobs)))
        if failed != {None}:
            sys.exit(f"without a mutant: {failed}")
        found.append(max(LEAST_SECONDS, TIMES * (time.monotonic() - started)))
    return found


def outcome(tree, programs, file, number, seconds):
    """What a mutant comes to: `missed`, `timeout`, or the test that caught it."""
    for (program, words), most in zip(suites(programs, file), seconds):
        caught = run(tree, program, words, number, most)
        if caught:
            return caught
    return "missed"


def summary(mutants, results):
    """A line for each file, and what is missed."""
    columns = ["mutants", "unviable", "caught", "timeout", "missed"]
    counts = collections.defaultdict(collections.Counter)
    for mutant in mutants:
        result = results.get(mutant["name"])
        if result is not None:
            kind = result if result in columns else "caught"
            for row in (mutant["file"], "all"):
                counts[row].update(["mutants", kind])
    print("| file | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for row in sorted(counts, key=lambda row: (row == "all", row)):
        print(f"| {row} | " + " | ".join(str(counts[row][column]) for column in columns) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=pathlib.Path, default=PROJECT / "target/mutants/tree", help="where the copy goes")
    parser.add_argument("--only", action="append", metavar="FILE", help="mutants of this file alone")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every N-th mutant alone")
    parser.add_argument("--missed", action="store_true", help="those alone that the last run missed, or has not run")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many run at a time")
    options = parser.parse_args()
    tree = options.tree.resolve()
    record = tree.parent / "results.json"
    results = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    mutants = listed()
    chosen = [mutant for mutant in mutants if not options.only or mutant["file"] in options.only][:: options.sample]
    copy(tree)
    # One build has all, whichever are run: so it is made once.
    known = {mutant["number"] for mutant in mutants if options.missed and results.get(mutant["name"]) == "unviable"}
    unviable = drop_unviable(tree, mutants, known)
    programs = build(tree)
    print(f"{len(mutants)} mutants, {len(unviable)} of them do not compile", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        seconds = limits(tree, programs, pool, options.jobs)
        results.update({mutant["name"]: "unviable" for mutant in mutants if mutant["number"] in unviable})
        if options.missed:
            chosen = [mutant for mutant in chosen if results.get(mutant["name"], "missed") == "missed"]
        chosen = [mutant for mutant in chosen if mutant["number"] not in unviable]
        outcomes = pool.map(lambda mutant: outcome(tree, programs, mutant["file"], mutant["number"], seconds), chosen)
        for mutant, result in zip(chosen, outcomes):
            results[mutant["name"]] = result
            print(f"{result:8.60} {mutant['name']}", flush=True)
            write(record, json.dumps(results, indent=1))
    names = {mutant["name"] for mutant in mutants}
    write(record, json.dumps({name: result for name, result in results.items() if name in names}, indent=1))
    missed = [mutant for mutant in mutants if results.get(mutant["name"]) == "missed"]
    write(tree.parent / "missed.diff", "\n".join(mutant["diff"] for mutant in missed))
    summary(mutants, results)
    print(f"{len(missed)} are missed: {tree.parent / 'missed.diff'}")


if __name__ == "__main__":
    main()
