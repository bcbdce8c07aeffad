"""Generates shell scripts with `zenml` commands: quotes and escapes of all kinds, variables, arrays, loops, functions, other shells.

The name of a secret begins with `s` if stackref has to find it, with `d` if its reference is dynamic, with `u` if it is in code that is
not read, and with `no` if it is only text. All lines of a script run.
"""
import re
import shlex

COMPONENTS = ["alerter", "artifact-store", "container-registry", "experiment-tracker", "metadata-store", "step-operator", "model-registry"]
KEYS = """
token password user-name a_b k.v k/v k:v k,v k* k? k[1] k#v ~k k=v k! k'v k"v k\\v kéy k;v k&v k|v k<v k(v) k%v k@v k^v -k k$
""".split()
TEXTS = [
    "x", "a b", "it's", 'say "x"', "", "*", "~", "http://h/?a=b&c=d", "#x", "a\\b", "$5", "!", "é", "a;b", "-", "x|y", "(x)", "<x>", "{x}", "{a,b}",
    "a\nb", "\t", "100%",
]
ASSIGNMENTS = ["{}={}", "{}={}", "export {}={}", "readonly {}={}", "declare {}={}", "declare -r {}={}", "typeset {}={}", "{}={} OTHER=1"]


def forms(table):
    """The forms of a table: parts of lines, in which `\\n` and `\\t` are line breaks and tabs."""
    return [form.replace("\\n", "\n").replace("\\t", "\t") for line in table.strip("\n").split("\n") for form in line.split(" ¦ ")]


# Words without a reference.
WORDS = forms(r"""
"$UNSET" ¦ $UNSET ¦ "$@" ¦ --port=$((1 + 2)) ¦ --now="$(echo x)" ¦ --now=`echo x` ¦ --{a,b}=c ¦ --flag ¦ {1..3} ¦ *.none ¦ ~
--x=${UNSET:-a b} ¦ "--x=${UNSET:-"a b"}" ¦ --n=${#PATH} ¦ --p=${PATH%%/*} ¦ --q="${PATH//\//"}"}" ¦ <(echo x) ¦ ${UNSET:+x}
>/dev/null ¦ 2>&1 ¦ 2>/dev/null ¦ &>/dev/null ¦ <<<'x' ¦ <<< "a b" ¦ 3>&1 ¦ </dev/null
""")
# What runs `zenml`.
PROGRAMS = ["zenml"] * 12 + forms(r"""
\zenml ¦ "zenml" ¦ 'zenml' ¦ command zenml ¦ env zenml ¦ env X=1 zenml ¦ timeout 9 zenml ¦ nice -n 1 zenml ¦ nohup zenml
sudo zenml ¦ uv run zenml ¦ ./bin/zenml ¦ X=1 zenml ¦ X='a b' Y="c" zenml ¦ time zenml ¦ >/dev/null zenml ¦ ! zenml ¦ exec zenml ¦ ${CLI:-zenml}
""")
# Code around a command. F is the name of a function.
FRAMES = ["CMD"] * 12 + forms(r"""
CMD | cat ¦ echo x | CMD ¦ true && CMD ¦ false || CMD ¦ CMD; true ¦ CMD && true ¦ CMD &\nwait ¦ ( CMD ) ¦ { CMD; } ¦ :; CMD ¦ CMD |& cat
if CMD; then :; fi ¦ if false; then :; elif CMD; then :; fi ¦ if true; then CMD; fi ¦ if false; then\n:\nelse CMD\nfi ¦ [[ -n x ]] && CMD ¦ [ -n x ] && CMD
while CMD; do break; done ¦ while :; do CMD; break; done ¦ until CMD; do break; done || true ¦ for x in 1 2; do CMD; done ¦ for x; do :; done; CMD
for ((i = 0; i < 2; i++)); do\nCMD\ndone ¦ while read -r line; do\n  CMD\ndone <<EOF\nx\nEOF ¦ while read -r line; do CMD; done <<< x
case x in\n  x) CMD ;;\nesac ¦ case x in (y|x) CMD;; esac ¦ case x in\n  [a-z]*)\n    CMD\n    ;;\n  *) : ;;\nesac ¦ select x in a; do CMD; break; done <<< 1 2>/dev/null
F() { CMD; }\nF ¦ function F() { CMD; }\nF ¦ F()\n{\n  CMD\n}\nF ¦ F() { local x=1; CMD; }; F ¦ F() if true; then CMD; fi\nF
CMD # it's {{no.k}} ¦ CMD <<EOF\nit's {{no.k}}\nEOF ¦ CMD <<'A' <<"B"\nit's\nA\n$(x\nB ¦ CMD >/dev/null 2>&1 ¦ x=$((1 + 2)); CMD ¦ (( 1 << 2 )) && CMD
echo $( ( CMD ) | cat) ¦ elif=1\nCMD ¦ x=${UNSET:-'}'}; CMD ¦ x="${UNSET:-}"\nCMD ¦ [[ x =~ ^(x|y)$ ]] && CMD ¦ echo $'it\'s'; CMD ¦ x[1]=a\nCMD ¦ x=() y=1; CMD
""")
# Code around a command that begins with `zenml` and has one line.
FRAMES_OF_PROGRAM = forms(r"""
echo n | xargs -n1 CMD ¦ find . -maxdepth 0 -exec CMD \; ¦ coproc CMD\nwait ¦ if ! CMD; then :; fi ¦ trap 'true' EXIT; CMD
""")
# Code that a shell gets as an argument or as its input, and substitutions. The names of the code's quoted forms are in `quoted_code`.
NESTED = forms(r"""
bash -c SINGLE ¦ bash -c DOUBLE ¦ bash -ec SINGLE ¦ eval SINGLE ¦ eval DOUBLE ¦ ssh host SINGLE ¦ ssh host DOUBLE ¦ bash <<< SINGLE ¦ (trap SINGLE EXIT)
bash <<'EOF'\nCODE\nEOF ¦ bash -s <<"EOF"\nCODE\nEOF ¦ bash <<EOF\nESCAPED\nEOF ¦ bash <<-EOF\n\tESCAPED\n\tEOF ¦ cat <<'EOF' | bash\nCODE\nEOF
OUT=$(CODE\n) ¦ OUT="$(CODE\n)" ¦ OUT=`BACKTICKS` ¦ echo "a $(CODE\n) b" ¦ cat <<EOF\n$(CODE\n)\nEOF ¦ cat <(CODE\n) ¦ echo ${UNSET:-$(CODE\n)}
F() {\nCODE\n}\nF ¦ function F { CODE\n}; F ¦ F() (\n  CODE\n)\nF a b ¦ if true; then\n  CODE\nelse\n  :\nfi ¦ echo "$(echo "$(CODE\n)")"
""")
# Code in which a command is only text.
TEXT_ONLY = forms(r"""
# CMD ¦ echo CMD ¦ echo 'CMD' >/dev/null ¦ : "CMD" ¦ UNUSED='CMD' ¦ printf '%s\\n' "CMD" >/dev/null ¦ echo x # CMD ¦ echo \\n  CMD ¦ echo $'it\'s CMD'
cat <<EOF >/dev/null\nCMD\nEOF ¦ cat <<'EOF' >/dev/null\n$(CMD)\nEOF ¦ : <<-EOF\n\tCMD\n\tEOF ¦ cat <<< 'CMD' >/dev/null ¦ echo "\nCMD\n"
[[ 'CMD' == x ]] || true ¦ case 'CMD' in *) ;; esac ¦ UNUSED=(\n  # CMD\n) ¦ x=${UNSET:-'CMD'} ¦ echo "a # b" # CMD ¦ : 'x\nCMD\n' ¦ : $(echo 'CMD')
""")
# Code that docs/src/sources.md lists as not read. R is a reference.
UNREAD = forms(r"""
F() { zenml alerter register n --k="$1"; }\nF R ¦ for x in R 'x'; do zenml alerter register n --k="$x"; done ¦ F=x\nF=R\nzenml alerter register n --k="$F"
read -r F <<< R\nzenml alerter register n --k="$F" ¦ printf -v F %s R\nzenml alerter register n --k="$F"
shopt -s expand_aliases\nalias F=zenml\nF alerter register n --k=R
""")
OTHER_LINES = ["", "# it's", "set -u +u", "cd .", ":", "x=1", "true;", "x=1 y=2", "echo \"it's\"", "unset x"]


def in_double_quotes(text):
    return '"' + re.sub(r'([$`"\\])', r"\\\1", text).replace("!", '"\\!"') + '"'


def quote_part(rng, text):
    """Quotes a text in one of the ways of bash."""
    match rng.randrange(6):
        case 0:
            return "'" + text.replace("'", "'\\''") + "'"
        case 1:
            return in_double_quotes(text)
        case 2:
            # A backslash before other letters would look like an escape of `$'…'`.
            is_escaped = {c: not c.isalnum() or (c in "abcdefghij" and rng.random() < 0.1) for c in text}
            return "".join("'\n'" if c == "\n" else f"\\{c}" if is_escaped[c] else c for c in text)
        case 3:
            return in_ansi_quotes(rng, text)
        case 4 if re.fullmatch(r"[\w.%@:/+={}-]+", text):
            return text
        case 4:
            return "'" + text.replace("'", "'\"'\"'") + "'"
        case _:
            return "$" + in_double_quotes(text)


def in_ansi_quotes(rng, text):
    """Writes a text in `$'…'`."""
    def one(c):
        escapes = [f"\\x{ord(c):02x}", f"\\{ord(c):03o}", f"\\u{ord(c):04x}"]
        if c in "'\\" and rng.random() < 0.6:
            return f"\\{c}"
        if c in "'\\" or (ord(c) < 0x80 and rng.random() < 0.3):
            return rng.choice(escapes)
        return c

    return "$'" + "".join(map(one, text)) + "'"


def quoted_code(code):
    """The forms of code in other code, by their names in NESTED."""
    escaped = re.sub(r"([$`\\])", r"\\\1", code)
    return {
        "SINGLE": shlex.quote(code),
        "DOUBLE": '"' + re.sub(r'([$`"\\])', r"\\\1", code) + '"',
        "\tESCAPED": "\t" + escaped.replace("\n", "\n\t"),
        "ESCAPED": escaped,
        "BACKTICKS": re.sub(r"([`\\])", r"\\\1", code),
        "CODE": code,
    }


class Script:
    """Writes one script."""

    def __init__(self, rng, number):
        self.rng, self.number, self.names = rng, number, 0
        # The lines before the command, and whether the command is in code that is quoted again.
        self.before, self.is_nested = [], False

    def chance(self, probability):
        return self.rng.random() < probability

    def name(self, prefix):
        """A new name of a secret, a variable or an option."""
        self.names += 1
        return f"{prefix}{self.number}x{self.names}"

    def reference(self, prefix="s", keys=KEYS):
        blank = self.rng.choice(["", "", "", "", " ", "  "])
        return "{{" + blank + self.name(prefix) + "." + self.rng.choice(keys) + blank + "}}"

    def quote(self, text):
        """Quotes a text as a part of a word. The parts may be quoted in different ways, and lines may continue between them."""
        if not text:
            return self.rng.choice(["''", '""'])
        cuts = sorted(self.rng.sample(range(1, len(text)), min(len(text) - 1, self.rng.choice([0, 0, 0, 1, 2]))))
        parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)])]
        between = "" if self.is_nested else self.rng.choice(["", "", "", "\\\n"])
        return between.join(quote_part(self.rng, part) for part in parts)

    def option(self, key, value):
        """An option with a quoted value."""
        return self.rng.choice([
            f"--{key} {value}", f"{quote_part(self.rng, '--' + key)} {value}", f"{quote_part(self.rng, f'--{key}=')}{value}", f"--{key}={value}",
            f"--{key}={value}", f'--"{key}"={value}',
        ])

    def variable(self, value):
        """Assigns a value to a new variable before the command. Returns an expansion of it."""
        name = self.name("V")
        self.before.append(self.rng.choice(ASSIGNMENTS).format(name, value))
        return self.rng.choice([f'"${name}"', f'"${{{name}}}"'])

    def value(self):
        """A quoted value with a reference, or one that is almost a reference."""
        name = self.name("V")
        match self.rng.randrange(14):
            case 0 | 1:
                return self.variable(self.quote(self.reference()))
            case 2:
                self.before.append(f"{name}={self.quote(self.name('s'))}")
                return self.rng.choice(['"{{${V}.k}}"', '"{{$V.k}}"', '"{{ $V.k }}"', '"{{"$V".k}}"', "'{{'\"$V\"'.k}}'"]).replace("V", name)
            case 3:
                self.before.append(f"{name}=a; {name}={self.quote(self.name('d'))}")
                return f'"{{{{${name}.k}}}}"'
            case 4:
                return '"{{' + self.name("d") + '.$(echo k)}}"'
            case 5:
                return self.quote(self.rng.choice(["x{}", "{}x", " {}", "{}{}"]).replace("{}", self.reference(keys=["k"])))
            case 6:
                unread = self.variable(self.quote(self.reference("u")))
                return self.rng.choice([unread[:-1] + '"x', "x" + unread])
            case _:
                return self.quote(self.reference())

    def other_word(self):
        """A word without a reference."""
        if self.chance(0.3):
            return self.option(self.rng.choice(["note", "x", "url"]), self.quote(self.rng.choice(TEXTS)))
        return self.quote(self.rng.choice(TEXTS)) + "x" if self.chance(0.1) else self.rng.choice(WORDS)

    def program(self):
        if self.chance(0.08):
            name = self.name("CLI")
            self.before.append(self.rng.choice(["{}=zenml", "{}='uv run zenml'"]).format(name))
            return f"${name}"
        return self.rng.choice(PROGRAMS)

    def arguments(self):
        match self.rng.randrange(12):
            case 0:
                return ["secret", self.rng.choice(["get", "delete", "export"]), self.quote(self.name("s"))]
            case 1:
                secret = self.rng.choice(["--secret={}", "--secret {}", '"--secret" {}', "'--secret='{}"]).format(self.quote(self.name("s")))
                return ["stack", self.rng.choice(["register", "update"]), "prod", secret]
            case 2:
                keys = self.rng.choice([["user"], ["user", "pass_word"]])
                options = [self.rng.choice(["--K={}", "--K={}", '"--K="{}', '--"K"={}', "\\-\\-K\\={}"]).replace("K", key) for key in keys]
                return ["secret", "create", self.quote(self.name("s")), *(option.format(self.quote("x")) for option in options)]
        options = [self.option(self.name("k"), self.value()) for _ in range(self.rng.randint(1, 3))]
        options += [self.other_word() for _ in range(self.rng.choice([0, 0, 1, 2]))]
        self.rng.shuffle(options)
        if self.chance(0.12):
            options = [self.array(options)]
        flavor = self.rng.choice([["--flavor=ours"], ["-f", "ours"], []])
        return [self.rng.choice(COMPONENTS), self.rng.choice(["register", "update"]), self.quote("my-name"), *flavor, *options]

    def array(self, words):
        """Puts words into an array before the command. Returns its expansion."""
        name = self.name("A")
        words = [word for word in words if not re.match(r"[0-9&]?[<>]", word)]
        cut = self.rng.randint(0, len(words))
        between = self.rng.choice([" ", "\n  ", " # it's a comment\n  "])
        self.before.append(f"{name}=({between.join(words[:cut])}{between})")
        if cut < len(words):
            self.before.append(f"{name}+=({between.join(words[cut:])}\n)")
        return f'"${{{name}[@]}}"'

    def command(self):
        """A `zenml` command in one line, or in several."""
        words = [self.program(), *self.arguments()]
        between = [" ", " ", "  "] if self.is_nested else [" ", " ", "  ", "\t", " \\\n  ", " \\\n"]
        line = words[0] + "".join(self.rng.choice(between) + word for word in words[1:])
        # `exec` ends the script.
        return f"({line})" if words[0] == "exec zenml" else line

    def nested(self):
        """Code in which a shell runs a command that is the argument of another command, or its input."""
        outer, self.before, self.is_nested = self.before, [], True
        command = self.command()
        code = "\n".join([*self.before, command])
        self.before, self.is_nested = outer, False
        frame = re.sub(r"\bF\b", self.name("f"), self.rng.choice(NESTED))
        if "$(CODE" in frame and code.startswith("("):
            code = f" {code}"
        for name, quoted in quoted_code(code).items():
            if name in frame:
                return frame.replace(name, quoted)
        return frame

    def fragment(self):
        """One command and the code around it."""
        if self.chance(0.2):
            return self.nested()
        command = self.command()
        frames = FRAMES
        if command.startswith(("!", "time")):
            frames = [frame for frame in FRAMES if "| CMD" not in frame]
        elif command.startswith("zenml") and "\n" not in command.replace("\\\n", ""):
            frames = FRAMES + FRAMES_OF_PROGRAM
        frame = self.rng.choice(frames).replace("F()", f"{self.name('f')}()")
        function = re.match(r"(?:function )?(f\w+)\(\)", frame)
        frame = re.sub(r"\bF$", function[1], frame) if function else frame
        return frame.replace("CMD", command)

    def text(self):
        """The text of the script."""
        lines = []
        for _ in range(self.rng.randint(1, 3)):
            self.before, draw = [], self.rng.random()
            if draw < 0.2:
                fragment = self.rng.choice(TEXT_ONLY).replace("CMD", f"zenml alerter register n --k={{{{{self.name('no')}.k}}}}")
            elif draw < 0.25:
                reference = self.quote(self.reference("u"))
                fragment = re.sub(r"\bF\b", self.name("f"), self.rng.choice(UNREAD)).replace("R", reference)
            else:
                fragment = self.fragment()
            lines += [*self.before, fragment]
            if self.chance(0.15):
                lines.append(self.rng.choice(OTHER_LINES))
        return "\n".join(lines) + "\n"
