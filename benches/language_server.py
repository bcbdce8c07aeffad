#!/usr/bin/env python3
"""Measures the language server: `language_server.py STACKREF [--files COUNT] [--only PART] [--write]`.

keystrokes  CPU time from an edit of a stack file of 1,000 lines to its published diagnostics, in a folder of its own and in one of
            COUNT files
workspace   wall clock until the open file has its diagnostics, CPU time, and peak memory, for COUNT files (100,000) of which 2 %
            are stack files, and for COUNT source files
idle        CPU time of a server that has nothing to do, in 20 seconds

CPU time is the user and system time of all threads in `/proc/PID/stat`. The goals are 10 ms, 1 s and 150 MiB, and 0. The script
compares nothing with them, because machines differ. `--write` saves the figures as `data/language_server.json`, and updates the pages
that show them (`report.py`).
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests/proof"))

import installing
import report
from language_client import LanguageClient
from measuring import machine

TICK = os.sysconf("SC_CLK_TCK")
CAPABILITIES = {"textDocument": {"publishDiagnostics": {"relatedInformation": True, "versionSupport": True}}}
LINES, FILES = 1000, 100_000


def large_stack(name="large"):
    """Returns a stack file of 1,000 lines, in which each component has references."""
    lines = [f"stack_name: {name}", "components:"]
    at = 0
    while len(lines) + 8 <= LINES:
        lines += [
            f"  component_{at}:",
            f"    name: tracker-{at}",
            "    flavor: mlflow",
            "    configuration:",
            f"      experiment_name: run-{at}",
            "      tracking_username: '{{mlflow_secret.username}}'",
            "      tracking_password: '{{mlflow_secret.password}}'",
            f"      note: text {at}",
        ]
        at += 1
    return "\n".join(lines + ["# end"] * (LINES - len(lines))) + "\n"


def cpu_seconds(client):
    fields = pathlib.Path(f"/proc/{client.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_mib(client):
    status = pathlib.Path(f"/proc/{client.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def started(program, folder):
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    client = LanguageClient(program, folder, env)
    client.initialize(CAPABILITIES)
    return client


def until_idle(client):
    """Waits until the server has used no CPU time for half a second."""
    last = None
    while last != (last := cpu_seconds(client)):
        time.sleep(0.5)


def keystrokes(program, folder, label, count=200):
    (folder / "large.yaml").write_text(large_stack())
    with started(program, folder) as client:
        client.open("large.yaml")
        until_idle(client)
        for name, line, text in [
            ("a character of a comment", LINES - 1, "x"),
            ("a key of a reference", 7, "x"),
            ("a new line", 0, "\n"),
        ]:
            column = {7: len("      tracking_username: '{{mlflow_secret.user")}.get(line, 0)
            before, wall = cpu_seconds(client), time.monotonic()
            for at in range(count):
                is_typed = at % 2 == 0
                start = {"line": line, "character": column}
                end = start if is_typed else {"line": line + 1, "character": 0} if text == "\n" else {"line": line, "character": column + 1}
                version = client.version = getattr(client, "version", 1) + 1
                client.change("large.yaml", [{"range": {"start": start, "end": end}, "text": text if is_typed else ""}], version)
                client.wait_diagnostics("large.yaml", version=version)
            cpu, wall = cpu_seconds(client) - before, time.monotonic() - wall
            print(f"{label}: {name}: {cpu / count * 1000:.2f} ms CPU, {wall / count * 1000:.2f} ms", flush=True)
            yield {"part": "keystrokes", "folder": label, "edit": name, "edits": count, "cpu": round(cpu, 2), "wall": round(wall, 4)}
            client.messages.clear()
        client.end()


def workspace(program, folder, label):
    name = next(str(path.relative_to(folder)) for path in sorted(folder.rglob("*.yaml")) if "tracking_username: '{{" in path.read_text())
    text = (folder / name).read_text().replace("{{mlflow_secret.username}}", "{{mlflow_secret.usrname}}")
    for _ in range(2):
        began = time.monotonic()
        with started(program, folder) as client:
            client.open(name, text)
            client.wait_diagnostics(name)
            first = time.monotonic() - began
            client.wait_diagnostics(name, lambda found: any(it["code"] == "unknown-key" for it in found))
            complete, cpu = time.monotonic() - began, cpu_seconds(client)
            until_idle(client)
            total, peak = cpu_seconds(client), peak_mib(client)
            print(f"{label}: first diagnostics {first:.2f} s, those of the inventory {complete:.2f} s, {cpu:.2f} s CPU until then, "
                  f"{total:.2f} s in all, peak {peak:.0f} MiB", flush=True)  # fmt: skip
            yield {"part": "workspace", "folder": label, "first": round(first, 3), "complete": round(complete, 3),
                   "cpu": cpu, "total": total, "peak": round(peak, 1)}  # fmt: skip
            client.end()


def idle(program, folder, label, seconds=20):
    (folder / "large.yaml").write_text(large_stack())
    with started(program, folder) as client:
        client.open("large.yaml")
        client.wait_diagnostics("large.yaml")
        until_idle(client)
        before = cpu_seconds(client)
        switches = context_switches(client)
        time.sleep(seconds)
        cpu, switches = cpu_seconds(client) - before, context_switches(client) - switches
        print(f"idle, {label}: {cpu * 1000:.0f} ms CPU, {switches} wake-ups in {seconds} s", flush=True)
        yield {"part": "idle", "folder": label, "seconds": seconds, "cpu": round(cpu, 2), "switches": switches, "peak": round(peak_mib(client), 1)}
        client.end()


def context_switches(client):
    """Returns how often all threads of the server were resumed."""
    total = 0
    for task in pathlib.Path(f"/proc/{client.process.pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return total


def small_project(folder):
    folder.mkdir()
    (folder / "stackref.toml").write_text(
        'level = "secret-and-key-exists"\n[inventory.team]\nkind = "file"\npath = "secrets.inventory.yaml"\n'
    )
    (folder / "secrets.inventory.yaml").write_text("mlflow_secret: [username, password]\n")
    return folder


def measured(program, root, args):
    """Yields the figures of all parts."""
    small, alone = small_project(root / "small"), "one stack file"
    if args.only in (None, "keystrokes"):
        yield from keystrokes(program, small, alone)
    if args.only in (None, "idle"):
        yield from idle(program, small, alone)
    for kind in ["mixed", "sources"] if args.only != "idle" else []:
        folder, label = root / kind, f"{args.files:,} files, {kind}"
        subprocess.run([sys.executable, HERE / "tree.py", kind, folder, str(args.files)], check=True, stdout=subprocess.DEVNULL)
        if kind == "sources":
            (folder / "stackref.toml").write_text((small / "stackref.toml").read_text())
            (folder / "secrets.inventory.yaml").write_text((small / "secrets.inventory.yaml").read_text())
            (folder / "prod.stack.yaml").write_text(large_stack())
        if args.only != "keystrokes":
            yield from workspace(program, folder, label)
        if args.only != "workspace":
            yield from keystrokes(program, folder, label, 40)


def description(program, folder, files):
    """Describes the run, before its first measurement."""
    versions = installing.stackref_version(program)
    return {"date": str(datetime.date.today()), "machine": machine(folder), "versions": versions, "quick": files < FILES}


def save(head, figures):
    lines = ",\n".join(json.dumps(figure) for figure in figures)
    fields = "".join(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n" for name, value in head.items())
    report.EDITOR_DATA.write_text(f'{{\n{fields}"figures": [\n{lines}\n]\n}}\n', encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stackref", type=pathlib.Path)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--only", choices=["keystrokes", "workspace", "idle"])
    parser.add_argument("--write", action="store_true", help="save the figures, and update the pages that show them")
    args = parser.parse_args()
    if args.write and args.only:
        parser.error("--write cannot be used with --only: the figures must be complete")
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary).resolve()
        program = str(args.stackref.resolve())
        head, figures = description(program, root, args.files), list(measured(program, root, args))
        if args.write:
            save(head, figures)
            report.main([])


if __name__ == "__main__":
    main()
