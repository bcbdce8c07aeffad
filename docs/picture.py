#!/usr/bin/env python3
"""Draws the output of `stackref check` as `docs/src/check.svg`: `picture.py STACKREF [--check]`.

Runs the program in the demo, in a terminal of 80 columns, and turns its escape sequences into SVG. `--check` writes nothing and
exits with 1 if the picture is out of date. Requires Linux or macOS, and Python 3.11.
"""
import argparse
import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import NamedTuple
from xml.sax.saxutils import escape

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
DEMO = CHECKOUT / "fixtures/demo"
PICTURE = CHECKOUT / "docs/src/check.svg"
COMMAND = ["check", "stacks/production.yaml"]
COLUMNS, ROWS = 80, 50

# Pixels. Most monospaced fonts are 0.6 of their size wide; `textLength` stretches the others.
FONT_SIZE, CHARACTER, LINE, PADDING = 14, 8.4, 19, 16

# The picture has its own dark background, so it is readable on a light page and on a dark one.
STYLE = f"""
text {{ font: {FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d6dde4 }}
.bold {{ font-weight: bold }}
.dim {{ fill: #8b949e }}
.underline {{ text-decoration: underline }}
.red {{ fill: #ff7b72 }}
.green {{ fill: #56d364 }}
.yellow {{ fill: #e3b341 }}
.magenta {{ fill: #d2a8ff }}
.cyan {{ fill: #56d4dd }}
"""
# The classes of SGR parameters. An unknown parameter is an error, so that no style gets lost.
SGR = {1: "bold", 2: "dim", 4: "underline", 31: "red", 32: "green", 33: "yellow", 35: "magenta", 36: "cyan"}
COLOURS = {"red", "green", "yellow", "magenta", "cyan"}
WORDS = re.compile(r"\S+(?: \S+)*")
# A style (SGR), or a link (OSC 8), which is not drawn.
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m|\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)")


class Run(NamedTuple):
    """Characters of one line that share a style, and the column of the first."""

    column: int
    text: str
    classes: tuple[str, ...]


def terminal_output(stackref: str) -> str:
    """Runs the command in a terminal. Returns standard output and standard error."""
    terminal, child_end = pty.openpty()
    fcntl.ioctl(child_end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {"PATH": os.defpath, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    streams = {"stdin": subprocess.DEVNULL, "stdout": child_end, "stderr": child_end}
    process = subprocess.Popen([stackref, *COMMAND], cwd=DEMO, env=environment, **streams)
    os.close(child_end)
    output = b""
    while chunk := read_chunk(terminal):
        output += chunk
    os.close(terminal)
    if process.wait() != 1:
        sys.exit(f"`stackref {' '.join(COMMAND)}` exits with {process.returncode}, not with 1:\n{output.decode(errors='replace')}")
    return output.decode().replace("\r\n", "\n")


def read_chunk(terminal: int) -> bytes:
    """Returns the next bytes, or none at the end, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def styled_lines(output: str) -> list[list[Run]]:
    """Splits the output into lines of runs."""
    lines: list[list[Run]] = []
    classes: list[str] = []
    for line in output.rstrip("\n").split("\n"):
        runs, column, end = [], 0, 0
        for escape_sequence in [*ESCAPE.finditer(line), None]:
            text = line[end : escape_sequence.start() if escape_sequence else None]
            if not text.isprintable():
                sys.exit(f"unexpected control character: {text!r}")
            # Some viewers collapse blanks, so only single ones are left inside a run.
            runs += [Run(column + word.start(), word[0], tuple(classes)) for word in WORDS.finditer(text)]
            column += len(text)
            if escape_sequence:
                end = escape_sequence.end()
                apply_sgr(classes, escape_sequence[1])
        lines += wrapped(runs)
    return lines


def wrapped(runs: list[Run]) -> list[list[Run]]:
    """Breaks a line at the width of the terminal, as the terminal does."""
    rows: list[list[Run]] = [[]]
    for run in runs:
        text, row = run.text, run.column // COLUMNS
        column = run.column % COLUMNS
        while text:
            rows += [[] for _ in range(row + 1 - len(rows))]
            rows[row].append(Run(column, text[: COLUMNS - column], run.classes))
            text, row, column = text[COLUMNS - column :], row + 1, 0
    return rows


def apply_sgr(classes: list[str], parameters: str | None) -> None:
    """Applies an escape sequence to the style. `None` is a link."""
    for parameter in [int(part or "0") for part in parameters.split(";")] if parameters is not None else []:
        if parameter == 0:
            classes.clear()
            continue
        name = SGR[parameter]
        classes[:] = [other for other in classes if other != name and not (name in COLOURS and other in COLOURS)] + [name]


def svg(lines: list[list[Run]]) -> str:
    """Returns the picture of some lines."""
    width, height = round(COLUMNS * CHARACTER + 2 * PADDING), len(lines) * LINE + 2 * PADDING
    title = f"The output of stackref {' '.join(COMMAND)} in a terminal"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">',
        f'<title id="title">{escape(title)}</title>',
        f"<style>{STYLE}</style>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" fill="#0d1117" stroke="#30363d"/>',
    ]
    for row, runs in enumerate(lines):
        y = PADDING + row * LINE + FONT_SIZE
        parts += [element(run, y) for run in runs]
    return "\n".join([*parts, "</svg>", ""])


def element(run: Run, y: int) -> str:
    classes = f' class="{" ".join(run.classes)}"' if run.classes else ""
    x, length = PADDING + run.column * CHARACTER, len(run.text) * CHARACTER
    return f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}"{classes}>{escape(run.text)}</text>'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stackref", metavar="STACKREF", type=pathlib.Path, help="the program")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the picture is out of date, and write nothing")
    arguments = parser.parse_args()
    prompt = [Run(0, "$", ("green", "bold")), Run(2, f"stackref {' '.join(COMMAND)}", ("bold",))]
    picture = svg([prompt, *styled_lines(terminal_output(str(arguments.stackref.resolve())))])
    if not arguments.check:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != picture:
        sys.exit(f"{PICTURE.relative_to(CHECKOUT)} is out of date: `{pathlib.Path(__file__).name} STACKREF` updates it")


if __name__ == "__main__":
    main()
