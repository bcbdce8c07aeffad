#!/usr/bin/env python3
"""Runs stackref and what it is compared with in turn, and prints medians: `compare.py [FOLDER]`.

FOLDER (a new temporary one by default) gets the trees of `tree.py`. CPU time is user and system time of the whole process,
memory its peak, both as the system accounts for them. Quote the ratios: they compare within one run.
"""
import argparse
import hashlib
import itertools
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
STACKREF = HERE.parent / "target/release/stackref"


RUNS = itertools.count()


def once(command, folder):
    """CPU seconds and peak KiB of one run. `NEW` in a command is a folder that no run has written to: file systems take long
    to give up the places of files that were deleted a moment ago."""
    command = [str(word).replace("NEW", f"../new-{os.getpid()}-{next(RUNS)}") for word in command]
    with open(os.devnull, "wb") as null:
        process = subprocess.Popen(command, cwd=folder, stdout=null, stderr=null)
        _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def measure(title, folder, commands, runs):
    """Medians of several commands, run in turn; the last is what the first is divided by."""
    seen = {name: [] for name in commands}
    for name, command in commands.items():
        once(command, folder)
    for _ in range(runs):
        for name, command in commands.items():
            seen[name].append(once(command, folder))
    print(f"\n{title}")
    for name, figures in seen.items():
        cpu = statistics.median(cpu for cpu, _ in figures)
        peak = statistics.median(peak for _, peak in figures)
        print(f"  {name:28} {cpu * 1000:9.1f} ms CPU {peak / 1024:8.1f} MiB")
    if len(commands) > 1:
        first, *_, last = seen
        ratio = statistics.median(a / b for (a, _), (b, _) in zip(seen[first], seen[last]) if b)
        print(f"  {first} / {last}: {ratio:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", metavar="FOLDER", type=pathlib.Path, help="where the trees are made")
    folder = parser.parse_args().folder or pathlib.Path(tempfile.mkdtemp())
    trees = {
        "mixed": ["mixed", "30000"],
        "small": ["small"],
        "findings-4000": ["findings", "4000"],
        "findings-20000": ["findings", "20000", "450"],
        "findings-40000": ["findings", "40000", "450"],
        "render": ["render", "2000"],
        "large": ["large", "50000"],
        "larger": ["large", "100000"],
    }
    for name, (kind, *rest) in trees.items():
        if not (folder / name).exists():
            subprocess.run([sys.executable, HERE / "tree.py", kind, folder / name, *rest], check=True)
    check = [STACKREF, "check", "."]
    search = {"rg -c -F '{{'": ["rg", "-c", "-F", "{{"]} if shutil.which("rg") else {}
    if not search:
        print("ripgrep is not on PATH: the tree is measured alone")
    measure("30,000 mixed files", folder / "mixed", {"stackref check": check, **search}, 21)
    values = folder / "values.yaml"
    values.write_text("".join(f"s{n}:\n  k: '{hashlib.sha256(bytes([n])).hexdigest()[:24]}'\n" for n in range(100)))
    words = folder / "words"
    words.write_text("".join(f"{hashlib.sha256(bytes([n])).hexdigest()[:24]}\n" for n in range(100)))
    leaks = [STACKREF, "check", "--leaks", "--inventory", values, "."]
    search = {"rg -c -F -f 100 words": ["rg", "-c", "--hidden", "-F", "-f", words]} if shutil.which("rg") else {}
    measure("100 values in 30,000 files", folder / "mixed", {"check --leaks": leaks, "check": check, **search}, 11)
    measure("one small file, start to exit", folder / "small", {"stackref check": check}, 41)
    measure("4,000 findings in a 200 KB file, human", folder / "findings-4000", {"stackref check": check}, 11)
    measure("20,000 findings in a 10 MB file, human", folder / "findings-20000", {"stackref check": check}, 11)
    measure("40,000 findings in a 20 MB file, human", folder / "findings-40000", {"stackref check": check}, 7)
    render = [STACKREF, "render", "-o", "NEW", "--allow-tracked"]
    copy = ["cp", "-r", ".", "NEW"]
    measure("2,000 stack files of 24 references", folder / "render", {"stackref render": render, "cp -r": copy, "stackref check": check}, 9)
    measure("a 20 MB file of 50,000 references", folder / "large", {"stackref render": render, "cp -r": copy, "stackref check": check}, 7)
    measure("a 40 MB file of 100,000 references", folder / "larger", {"stackref render": render}, 5)
    for written in folder.glob("new-*"):
        shutil.rmtree(written)


if __name__ == "__main__":
    main()
