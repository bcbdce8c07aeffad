"""Generates Python modules that use secrets. `stand_in` contains the package `zenml` for them.

The name of a secret begins with `s` and a key with `k` if stackref has to find them, with `d` and `e` if they may be dynamic, and with
`u` if the code is not read. All calls run.
"""
import re

IMPORTS = """\
import asyncio, contextlib, os, types
from enum import Enum, StrEnum
from typing import Final
"""
IMPORTS_OF_ZENML = [
    "from zenml.client import Client\nfrom zenml import pipeline, step\nfrom zenml.settings import OurConfig, OurSettings",
    "from zenml import step, pipeline\nfrom zenml.client import (\n    Client,\n)\nfrom zenml.settings import OurConfig\nfrom zenml.settings import OurSettings",
]


def forms(table):
    """The forms of a table, one in each paragraph. A form may have several lines."""
    return [form.strip("\n") for form in table.strip("\n").split("\n\n")]


# Constants: code at the top level of the module, and the expression. N is a new name, and TEXT the literal.
CONSTANTS = [
    ("N = TEXT", "N"), ("N: str = TEXT", "N"), ("N: Final = TEXT", "N"), ("N: Final[str] = TEXT", "N"), ("N, BN = TEXT, 'other'", "N"),
    ("[BN, N] = ['other', TEXT]", "N"), ("AN = TEXT\nN = AN", "N"), ("AN = N = TEXT", "N"), ("N = (TEXT)  # it's", "N"), ("N = {'a': TEXT, 'b': 'other'}", "N['a']"),
    ("if True:\n    N = TEXT", "N"), ("class N:\n    A = 'other'\n    NAME = TEXT", "N.NAME"), ("class N:\n    class Inner:\n        NAME = TEXT", "N.Inner.NAME"),
    ("class BN:\n    NAME = TEXT\nclass N(BN):\n    pass", "N.NAME"), ("class N(Enum):\n    NAME = TEXT\n    OTHER = 'other'", "N.NAME.value"),
    ("class N(str, Enum):\n    NAME = TEXT", "N.NAME.value"), ("class N(StrEnum):\n    NAME = TEXT", "N.NAME"), ("class N(Enum):\n    NAME = TEXT", "N['NAME'].value"),
]
# Constants of another module: its code, the import, and the expression. C is the name of the module.
IMPORTED = [
    ("N = TEXT", "from C import N", "N"), ("N = TEXT", "from C import (\n    N,\n)", "N"), ("N = TEXT", "from C import N as AN", "AN"), ("N = TEXT", "import C", "C.N"),
    ("N = TEXT", "import C as c", "c.N"), ("class N:\n    NAME = TEXT", "from C import N", "N.NAME"), ("class N:\n    NAME = TEXT", "import C as c", "c.N.NAME"),
    ("class N(Enum):\n    NAME = TEXT", "from C import N", "N.NAME.value"), ("AN = TEXT\nN = AN", "from C import N", "N"),
]
# Values that may only be known at run time: statements before the use, and the expression. VALUE is the value, and OTHER another one.
COMPUTED = [
    ("N = 'x'\nN = VALUE", "N"), ("N = VALUE\nif len('x') == 0:\n    N = OTHER", "N"), ("N = OTHER\nif len('x') == 1:\n    N = VALUE", "N"), ("N = FIRST\nN += REST", "N"),
    ("N = [VALUE, OTHER]", "N[0]"), ("N = {}\nN['a'] = VALUE", "N['a']"), ("N = {'a': VALUE}", "N.get('a')"), ("N = {'a': OTHER}\nN['a'] = VALUE", "N['a']"),
    ("N = {'a': OTHER}\nN.update(a=VALUE)", "N['a']"), ("N = FIRST", "'{}{}'.format(N, REST)"), ("N = FIRST", "'%s%s' % (N, REST)"), ("", "''.join([FIRST, REST])"),
    ("", "os.getenv('UNSET', VALUE)"), ("", "os.environ.get('UNSET', VALUE)"), ("N = VALUE", "os.environ.get('UNSET') or N"), ("def N():\n    return VALUE", "N()"),
    ("N = lambda: VALUE", "N()"), ("def N(x=VALUE):\n    return x", "N()"), ("def N(x):\n    return x", "N(VALUE)"), ("N = VALUE if len('x') else OTHER", "N"),
    ("", "(VALUE if len('x') else OTHER)"), ("N = VALUE.upper()", "N.lower()"), ("N = ' ' + VALUE", "N.strip()"), ("N = VALUE + '/'", "N.removesuffix('/')"), ("", "str(VALUE)"),
    ("for N in (VALUE,):\n    pass", "N"), ("for N in (OTHER, VALUE):\n    pass", "N"), ("with contextlib.nullcontext(VALUE) as N:\n    pass", "N"), ("(N := VALUE)", "N"),
    ("[N, *_] = [VALUE, 'x', 'y']", "N"), ("N = VALUE\ntry:\n    N = OTHER[99]\nexcept IndexError:\n    pass", "N"), ("match VALUE:\n    case N:\n        pass", "N"),
    ("N = OTHER\ndef fN():\n    N = VALUE\n    return N", "fN()"), ("class N:\n    def __init__(self, x):\n        self.x = x", "N(VALUE).x"), ("N = VALUE\ndel N\nN = VALUE", "N"),
    ("class N:\n    x = OTHER\nN.x = VALUE", "N.x"), ("class N:\n    x = OTHER\nn = N()\nn.x = VALUE", "n.x"), ("N = types.SimpleNamespace(x=VALUE)", "N.x"),
    ("N = OTHER\nN = N and VALUE", "N"), ("class N:\n    @property\n    def x(self):\n        return VALUE", "N().x"),
    ("class AN:\n    x = OTHER\nclass N(AN):\n    x = VALUE", "N().x"),
    ("N = OTHER\ndef fN(N=VALUE):\n    return N", "fN()"), ("N = [x for x in (VALUE,)]", "N[0]"), ("N = (x for x in (VALUE,))", "next(N)"), ("AN = VALUE\nN = AN\nAN = OTHER", "N"),
]
# Names with several values. A and B are names of secrets, N the variable, F a function.
SHADOWED = forms("""
N = A
def F(N):
    Client().get_secret(N)
F(B)

N = A
def F(N=B):
    Client().get_secret(N)
F()

N = A
def F():
    N = B
    Client().get_secret(N)
F()
Client().get_secret(N)

N = A
def F():
    Client().get_secret(N)
N = B
F()

N = A
Client().get_secret(N)
N = B
Client().get_secret(N)

def F():
    N = A
    def inner():
        nonlocal N
        N = B
    inner()
    Client().get_secret(N)
F()

def F():
    N = A
    def inner():
        Client().get_secret(N)
    N = B
    inner()
F()

for N in (A, B):
    Client().get_secret(N)

[Client().get_secret(N) for N in (A, B)]

N = A
[Client().get_secret(N) for N in (B,)]
Client().get_secret(N)

N = A
class F:
    N = B
    def get(self):
        Client().get_secret(self.N)
F().get()
Client().get_secret(N)

class F:
    N = A
    def __init__(self):
        self.N = B
    def get(self):
        Client().get_secret(self.N)
F().get()

class F:
    N = A
    def get(self):
        Client().get_secret(self.N)
class BF(F):
    N = B
BF().get()

N = A
for N in (B,):
    pass
Client().get_secret(N)

N = A
if len('x'):
    N = B
Client().get_secret(N)

N = A
(N := B)
Client().get_secret(N)

N = A
N = f'{N}-x'
Client().get_secret(N)

N = A
def F():
    def inner(N):
        Client().get_secret(N)
    inner(B)
F()
Client().get_secret(N)

N = A
F = lambda N: Client().get_secret(N)
F(B)

N = A
def F(x=N):
    Client().get_secret(x)
N = B
F()

N = A
while True:
    N = B
    Client().get_secret(N)
    break

N, F = A, B
N, F = F, N
Client().get_secret(N)

N = Client().get_secret(A)
N = Client().get_secret(B)
N.secret_values['e']

def F(N):
    return Client().get_secret(N).secret_values['e']
F(A)
F(B)

N = A
with contextlib.nullcontext(B) as N:
    Client().get_secret(N)

try:
    raise ValueError
except ValueError as N:
    Client().get_secret(A)
N = B
Client().get_secret(N)

class F:
    def get_secret(self, name):
        return name
F().get_secret('no')
Client().get_secret(A)

N = {'x': A}
for F, N in N.items():
    Client().get_secret(N)

def F(**N):
    Client().get_secret(N['x'])
F(x=A)

N = A
import types as N
Client().get_secret(A)

async def F(N):
    Client().get_secret(N)
asyncio.run(F(A))
""")
# Code around statements. F is a name.
FRAMES = ["BODY"] * 3 + forms("""
def F():
    BODY
F()

if True:
    BODY

try:
    BODY
finally:
    pass

class F:
    def run(self):
        BODY
F().run()

def F(x=1, *args, **kwargs):
    if x:
        BODY
F()

@step
def F() -> None:
    BODY
F()

@pipeline(enable_cache=False)
def F():
    BODY
F()

async def F():
    BODY
asyncio.run(F())

def F():
    def inner():
        BODY
    return inner
F()()

with contextlib.nullcontext():
    BODY

if __name__ == '__main__':
    BODY

for _ in range(2):
    BODY

class F:
    @staticmethod
    def run():
        BODY
F.run()

try:
    raise ValueError('x')
except ValueError:
    BODY

def F(client: Client):
    BODY
F(Client())

match 1:
    case 1:
        BODY

def F():
    yield
    BODY
list(F())
""")
GETS = ["C.get_secret(NAME)", "C.get_secret(NAME)", "C.get_secret(name_id_or_prefix=NAME)", "C.get_secret(NAME, hydrate=False)", "C.get_secret(\n    NAME\n)"]
# Uses of a secret. GET is the call, KEY the expression of a key, V and W are variables, and E is the name of a dynamic key.
USES = forms("""
GET

V = GET

print(GET.name)

GET.secret_values[KEY]

V = GET.secret_values[KEY]

print(str(GET.secret_values[KEY]))

GET.secret_values.get(KEY)

GET.secret_values.get('other', 'default')

V = GET
V.secret_values[KEY]
print(V.secret_values[KEY])

V = GET
W = V.secret_values
W[KEY]
W.get(KEY)

W = GET.secret_values
W[KEY]

if (V := GET):
    V.secret_values[KEY]

V = [GET.secret_values[k] for k in ('E', 'E')]

V: object = GET
V.secret_values[KEY]

for W in ('E',):
    GET.secret_values[W]

V, W = GET, 'x'
print(V.secret_values[KEY], W)

V = GET.secret_values[KEY] or 'x'

V = {'x': GET.secret_values[KEY], **{'y': 1}}

V = lambda: GET.secret_values[KEY]
V()
""")
# Other uses of secrets. NAME is the expression of a name, REFERENCE that of a reference, and C a client.
OTHER_USES = forms("""
@step(secrets=[NAME, NAME])
def F():
    pass

@pipeline(enable_cache=False, secrets=(NAME,))
def F():
    pass

@step
def F():
    pass
F.with_options(secrets=[NAME])()

@pipeline
def F():
    pass
F.configure(secrets=[NAME])

OurSettings(token=REFERENCE)

V = OurConfig(token=REFERENCE, other='x')

C.create_stack_component(name='n', flavor='ours', component_type='alerter', configuration={'a': REFERENCE})

C.update_stack_component('n', 'alerter', configuration={'a': 'x', 'b': REFERENCE})

C.create_secret(name=CREATED, values={KEYNAME: 'changeme', 'user': os.getenv('X', '')})

C.create_secret(CREATED, {KEYNAME: os.environ.get('X')}, private=True)
""")


class Module:
    """Writes one module of Python code, and the module whose constants it imports."""

    def __init__(self, rng, number):
        self.rng, self.number, self.names = rng, number, 0
        self.imports, self.constants, self.globals, self.body, self.setup = [], [], [], [], []

    def new(self, prefix):
        self.names += 1
        return f"{prefix}{self.number}x{self.names}"

    def choose(self, *choices):
        return self.rng.choice(choices)

    def literal(self, text):
        """A string literal with this value."""
        quote, cut = self.choose("'", '"', '"""'), self.rng.randrange(len(text))
        escaped = "".join(f"\\x{ord(c):02x}" if self.rng.random() < 0.2 else c for c in text)
        return self.choose(
            f'"{text}"', f'"{text}"', f"{quote}{text}{quote}", f"r{quote}{text}{quote}", f"{quote}{escaped}{quote}", f"'{text[:cut]}' \"{text[cut:]}\"",
            f"({text[:cut]!r}\n    {text[cut:]!r})",
        )

    def constant(self, value):
        """An expression with the value of a string, through a constant of this module or of another one."""
        name, literal = self.new("N"), self.literal(value)
        if self.rng.random() < 0.1:
            self.setup.append(f"{name} = {literal}")
            return name
        texts = {"TEXT": literal, "N": name, "AN": f"A{name}", "BN": f"B{name}", "C": f"constants{self.number}"}
        fill = lambda code: re.sub(r"\b(TEXT|N|AN|BN|C)\b", lambda word: texts[word[0]], code)  # noqa: E731
        if self.rng.random() < 0.7:
            code, expression = self.rng.choice(CONSTANTS)
            self.globals.append(fill(code))
            return fill(expression)
        code, line, expression = self.rng.choice(IMPORTED)
        self.constants.append(fill(code))
        self.imports.append(fill(line))
        return fill(expression)

    def text(self, value):
        """An expression whose value is a string, and which stackref can compute."""
        cut = self.rng.randrange(1, len(value))
        first, rest = value[:cut], value[cut:]
        in_braces = lambda text: text.replace("{", "{{").replace("}", "}}")  # noqa: E731
        match self.rng.randrange(10):
            case 0 | 1 | 2:
                return self.literal(value)
            case 3:
                return f"{self.constant(first)} + {rest!r}"
            case 4:
                name = self.new("M")
                self.globals.append(f"{name} = {first!r}")
                return f'f"{{{name}}}{in_braces(rest)}"'
            case 5:
                name = self.new("M")
                self.globals.append(f"{name} = {rest!r}")
                return f"f'''{in_braces(first)}{{{name}}}'''"
            case 6:
                return f"({first!r} + {self.constant(rest)})"
        return self.constant(value)

    def computed(self, value):
        """An expression whose value may only be known at run time."""
        cut = self.rng.randrange(1, len(value))
        setup, expression = self.rng.choice(COMPUTED)
        name = self.new("n")

        texts = {"OTHER": "'other'", "VALUE": repr(value), "FIRST": repr(value[:cut]), "REST": repr(value[cut:])}
        texts |= {"N": name, "AN": f"a{name}", "fN": f"f{name}"}
        fill = lambda code: re.sub(r"\b(OTHER|VALUE|FIRST|REST|N|AN|fN)\b", lambda word: texts[word[0]], code)  # noqa: E731
        self.setup += [fill(setup)] if setup else []
        return fill(expression)

    def name_of(self, static="s", computed="d"):
        """An expression for a new name."""
        return self.text(self.new(static)) if self.rng.random() < 0.75 else self.computed(self.new(computed))

    def reference(self):
        """An expression for a new reference. If it is computed, it may be any text, so it is not listed as a dynamic reference."""
        if self.rng.random() < 0.8:
            return self.text(f"{{{{{self.new('s')}.{self.new('k')}}}}}")
        return self.computed(f"{{{{{self.new('u')}.k}}}}")

    def client(self):
        """An expression whose value is a client."""
        name = self.new("client")
        match self.rng.randrange(9):
            case 0:
                self.globals.append(f"{name} = Client()")
                return name
            case 1:
                self.setup.append(f"{name} = Client()")
                return name
            case 2:
                self.imports.append(f"from zenml.client import Client as {name}")
                return f"{name}()"
            case 3:
                self.imports.append("import zenml.client")
                return "zenml.client.Client()"
            case 4:
                self.globals.append(f"class {name}:\n    client = Client()\n    def __init__(self):\n        self.own = Client()")
                return self.choose(f"{name}.client", f"{name}().own")
        return "Client()"

    def fill(self, code):
        """Replaces the upper-case words of a form of a use."""
        names = {word: self.new(word.lower()) for word in "VWF"}
        parts = re.split(r"\b(GET|KEY|NAME|REFERENCE|CREATED|KEYNAME|C|E|V|W|F)\b", code)
        return "".join(self.part(part, names) if at % 2 else part for at, part in enumerate(parts))

    def part(self, word, names):
        match word:
            case "GET":
                return self.fill(self.rng.choice(GETS))
            case "KEY":
                return self.name_of("k", "e")
            case "NAME":
                return self.name_of()
            case "REFERENCE":
                return self.reference()
            case "CREATED":
                return self.text(self.new("s"))
            case "KEYNAME":
                return self.text(self.new("k"))
            case "C":
                return self.client()
            case "E":
                return self.new("e")
        return names[word]

    def shadowed(self):
        """Code in which one name has several values."""
        names = {"N": self.new("n"), "F": self.new("f"), "BF": self.new("g"), "A": repr(self.new("d")), "B": repr(self.new("d"))}
        return re.sub(r"\b(N|F|BF|A|B)\b", lambda word: names[word[0]], self.rng.choice(SHADOWED))

    def scene(self):
        """Adds statements, at the level of the module or in other code that runs."""
        self.setup, draw = [], self.rng.random()
        code = self.shadowed() if draw < 0.2 else self.fill(self.rng.choice(USES if draw < 0.75 else OTHER_USES))
        frame = re.sub(r"\bF\b", self.new("f"), self.rng.choice(FRAMES))
        indent = re.search(r"^ *(?=BODY)", frame, re.MULTILINE)[0]
        self.body.append(frame.replace("BODY", "\n".join([*self.setup, code]).replace("\n", f"\n{indent}")))

    def files(self):
        """Fills the module. Returns the texts of the files by their names."""
        for _ in range(self.rng.randint(3, 7)):
            self.scene()
        parts = [IMPORTS.rstrip("\n"), self.rng.choice(IMPORTS_OF_ZENML), *dict.fromkeys(self.imports), *self.globals, *self.body]
        return {
            f"module{self.number}.py": "\n".join(parts) + "\n",
            f"constants{self.number}.py": "\n".join(["from enum import Enum", *self.constants]) + "\n",
        }
