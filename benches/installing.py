"""Installs the other tools, at pinned versions, into the target folder."""
import pathlib
import shutil
import subprocess
import sys

SMALL = ["ripgrep==15.1.0", "yamllint==1.38.0", "zizmor==1.32.0", "check-jsonschema==0.39.0"]
ZENML = ["zenml[server]==0.98.0"]


def install(target):
    """Installs missing tools. Returns the folder with the programs of the small tools, and that of ZenML."""
    places = []
    for name, packages in (("small", SMALL), ("zenml", ZENML)):
        place = target / name
        stamp = place / "installed"
        if not stamp.exists() or stamp.read_text().split() != packages:
            print(f"installing {' '.join(packages)}", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
            subprocess.run([place / "bin/pip", "install", "--quiet", *packages], check=True)
            stamp.write_text("\n".join(packages) + "\n")
        places.append(place / "bin")
    if not shutil.which("envsubst"):
        words = ["apt-get", "install", "--yes", "--no-install-recommends", "gettext-base"]
        if subprocess.run(words, stdout=subprocess.DEVNULL).returncode != 0:
            raise SystemExit("envsubst is needed: install GNU gettext (gettext-base on Debian)")
    return [pathlib.Path(place) for place in places]


def version(words):
    """Returns the first line that a command prints: the version of a program."""
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()[0].strip()


def stackref_version(program):
    """Returns the version and the commit of stackref. Only changes of the program and of the benchmarks make the commit dirty."""
    checkout = pathlib.Path(__file__).resolve().parents[1]
    commit = version(["git", "-C", checkout, "rev-parse", "--short", "HEAD"])
    measured = ["src", "Cargo.toml", "Cargo.lock", ":(glob)benches/*.py", "benches/measure.c"]
    is_clean = subprocess.run(["git", "-C", checkout, "diff", "--quiet", "HEAD", "--", *measured]).returncode == 0
    return f"{version([program, '--version'])} (commit {commit}{'' if is_clean else '-dirty'})"
