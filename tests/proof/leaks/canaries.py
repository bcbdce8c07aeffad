"""Random values, and a search for any piece of them in every encoding that a program may print.

A value contains one or two random tokens, and characters that some parsers treat specially. The search looks for every run of
`PIECE` characters of a token. So it also finds half a value, and a match is never a coincidence.
"""
import base64
import hashlib
import html
import re
import secrets
import string

PIECE = 8
TOKEN = 24
# Eight bytes are at least ten whole characters in base64, at each offset.
BASE64_PIECE = 10
ALPHABET = string.ascii_letters + string.digits

# Templates of values with the tokens `{a}` and `{b}`, by the name of the shape.
SHAPES = {
    "plain": "{a}",
    "quotes": "{a}'\"`''\"{b}",
    "lines": "{a}\n{b}\n",
    "crlf": "{a}\r\n\t{b}",
    "unicode": "{a}ü漢🙂\u202e\u0085{b}",
    "dash": "-{a} --{b}",
    "yaml": "{a}: &x *y !t | > %z @q #c, [{b}]",
    "percent": "{a}%0A::error::{b}",
    "braces": "{{{{{a}.x}}}} ${{{b}}}",
    "ansi": "\x1b[31m{a}\x1b[0m\x07{b}",
    "backslashes": "C:\\{a}\\n\\u0041{b}\\",
    "blanks": "  {a} \t{b}  ",
    "base64": "{a}{b}==",
    "number": "0x{a}",
    "long": "{a}" + "x y" * 30_000 + "{b}",
}
# Shapes that a person can type in one line.
TYPED = ["plain", "quotes", "unicode", "dash", "yaml", "percent", "braces", "backslashes", "base64", "number"]


def token():
    return "".join(secrets.choice(ALPHABET) for _ in range(TOKEN))


def pieces(text, size):
    return {text[at : at + size] for at in range(len(text) - size + 1)}


class Canaries:
    """All values of one run of this script."""

    def __init__(self):
        self.tokens = {}
        self.plain = {}
        self.base64 = {}
        self.hex = {}
        self.half_tokens = {}
        # Parts of texts that contain no piece, by kind of piece. No later value can be in them, so they are searched once.
        self.clean = {"plain": set(), "hex": set(), "base64": set()}

    def value(self, name, shape="plain"):
        """Returns a new value of a shape. The search reports it as `name`."""
        parts = {part: token() for part in "ab" if "{" + part + "}" in SHAPES[shape]}
        for text in parts.values():
            self._add(text, f"{name} ({shape})")
        return SHAPES[shape].format(**parts)

    def values(self, name, shapes=None):
        """Returns a new value of every shape, by shape."""
        return {shape: self.value(f"{name}.{shape}", shape) for shape in shapes or SHAPES}

    def _add(self, text, name):
        self.tokens[text] = name
        self.half_tokens |= {text[:12]: name, text[12:]: name}
        self.plain |= dict.fromkeys(pieces(text.lower(), PIECE) | pieces(text.lower()[::-1], PIECE), name)
        self.hex |= dict.fromkeys(pieces(text.encode().hex(), 2 * PIECE), name)
        for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512):
            self.hex |= dict.fromkeys(pieces(digest(text.encode()).hexdigest(), 2 * PIECE), name)
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + text.encode()).decode()
            # Without the characters that also depend on neighbouring bytes.
            inner = encoded[-(-shift * 8 // 6) : (shift + TOKEN) * 8 // 6]
            self.base64 |= dict.fromkeys(pieces(inner, BASE64_PIECE), name)

    def found_in(self, data):
        """Returns the names of the values that the bytes contain, in any encoding."""
        names = set()
        for view in views(data):
            lower = view.lower()
            names |= hits(lower, LETTERS, PIECE, self.plain, self.clean["plain"])
            names |= hits(lower, DIGITS, 2 * PIECE, self.hex, self.clean["hex"])
            names |= hits(view.translate(STANDARD), BASE64, BASE64_PIECE, self.base64, self.clean["base64"])
        return names

    def halves(self, data):
        """Returns the names of the values of which the bytes contain half a token, without any decoding. Faster than `found_in`."""
        return hits(data.decode("latin-1"), RUNS, 12, self.half_tokens, frozenset())


STANDARD = str.maketrans("-_", "+/")
# Only these parts of a text can contain a piece, so the search skips the rest.
LETTERS, DIGITS, BASE64, RUNS = (re.compile(mark) for mark in ["[a-z0-9]{8,}", "[0-9a-f]{16,}", "[A-Za-z0-9+/]{10,}", "[A-Za-z0-9]{12,}"])


def hits(text, runs, size, names, clean):
    found = set()
    for part in set(runs.findall(text)) - clean:
        windows = (part[at : at + size] for at in range(len(part) - size + 1))
        of_part = {names[window] for window in windows if window in names}
        found |= of_part
        if not of_part and len(part) < 256 and isinstance(clean, set):
            clean.add(part)
    return found


def views(data):
    """Yields the bytes as text, and decoded in several ways."""
    text = data.decode("latin-1")
    yield text
    if "\0" in text:
        yield text.replace("\0", "")
    unescaped = unescape(text)
    if unescaped != text:
        yield unescaped
    # Without the layout of a terminal: a word may continue on the next line.
    joined = re.sub(r"\x1b\[[0-9;]*m|[\s│|·×]", "", text.encode("latin-1").decode("utf-8", "replace"))
    if joined != text:
        yield joined
    # Bytes as numbers, as in debug output.
    for numbers in re.findall(r"(?:\d{1,3},\s*){7,}\d{1,3}", text):
        yield "".join(chr(int(number) % 256) for number in re.split(r",\s*", numbers))


ESCAPES = re.compile(r"\\u\{?([0-9a-fA-F]{2,6})\}?|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|\\([0-7]{3})")


def unescape(text):
    def decode(match):
        *digits, octal = match.groups()
        code = int(octal, 8) if octal else int(next(filter(None, digits)), 16)
        return chr(code) if code < 0x110000 else ""

    return html.unescape(ESCAPES.sub(decode, text))


def encodings(text):
    """Returns a text in every encoding that the search must find, by name."""
    data = text.encode()
    return {
        "as plain text": data,
        "by its first eight characters": data[:PIECE],
        "by its last eight characters": data[-PIECE:],
        "by eight characters of it": data[3 : 3 + PIECE],
        "reversed": data[::-1],
        "by eight characters of it, reversed": data[3 : 3 + PIECE][::-1],
        "in capitals": text.upper().encode(),
        "between other characters": b"xx" + data + b"xx",
        "in hexadecimal": data.hex().encode(),
        "as numbers": repr(list(data)).encode(),
        "percent-encoded": "".join(f"%{byte:02X}" for byte in data).encode(),
        "in escapes of JSON": "".join(f"\\u{byte:04x}" for byte in data).encode(),
        "in escapes of Rust": "".join(f"\\u{{{byte:x}}}" for byte in data).encode(),
        "in escapes of bytes": "".join(f"\\x{byte:02x}" for byte in data).encode(),
        "as XML": "".join(f"&#{byte};" for byte in data).encode(),
        "in UTF-16": text.encode("utf-16"),
        "broken over lines": f"  │ {text[:12]}\n  │ {text[12:]}".encode(),
        **{f"in base64, at offset {shift}": base64.b64encode(b"?" * shift + data + b"?") for shift in range(3)},
        "in base64 of URLs": base64.urlsafe_b64encode(data),
        **{f"by eight characters of it in base64, at offset {shift}": base64.b64encode(b"?" * shift + data[3 : 3 + PIECE]) for shift in range(3)},
        **{f"as its {digest.upper()} digest": hashlib.new(digest, data).hexdigest().encode() for digest in ("md5", "sha1", "sha256", "sha512")},
    }
