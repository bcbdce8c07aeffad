"""Reads each machine format as its own reader documents it, and compares it with the findings of the JSON report."""
import collections
import json
import re
import urllib.parse
import xml.etree.ElementTree

Finding = collections.namedtuple("Finding", "rule severity message help path start end fingerprint")


class Mismatch(Exception):
    """Two reports of one run say different things."""


def same(what, found, wanted):
    if found != wanted:
        raise Mismatch(f"{what}: {found!r}, not {wanted!r}")


def plain(text):
    """A text with what is made visible (`\\u{202e}`) as it was, and with the one character for those that XML cannot hold."""
    text = re.sub(r"\\u\{([0-9a-f]{1,6})\}", lambda match: chr(int(match[1], 16)), text)
    return re.sub("[\ufffe\uffff]", "\ufffd", text)


def holds(what, text, *parts):
    for part in parts:
        if plain(part) not in plain(text):
            raise Mismatch(f"{what} lacks {part!r}: {text!r}")


def place(at):
    return at["line"], at["column"]


def of_json(report, prefix):
    """The findings, with their paths from the repository's root: the working directory is `prefix` below it."""
    same("version", report["version"], 1)
    return [
        Finding(
            at["rule"], at["severity"], at["message"], at.get("help"), prefix + at["path"], place(at["span"]["start"]),
            place(at["span"]["end"]), at["fingerprint"],
        )
        for at in report["findings"]
    ]


def sarif(text, wanted):
    document = json.loads(text)
    same("version", document["version"], "2.1.0")
    (run,) = document["runs"]
    same("columnKind", run["columnKind"], "unicodeCodePoints")
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    same("rules that stand twice", len(rules), len(set(rules)))
    same("number of results", len(run["results"]), len(wanted))
    for result, finding in zip(run["results"], wanted):
        same("rule", rules[result["ruleIndex"]] if "ruleIndex" in result else result["ruleId"], finding.rule)
        same("ruleId", result["ruleId"], finding.rule)
        same("level", result["level"], finding.severity)
        holds("the message", result["message"]["text"], finding.message)
        same("fingerprint", result["partialFingerprints"]["stackref/v1"], finding.fingerprint)
        (location,) = result["locations"]
        artifact, region = location["physicalLocation"]["artifactLocation"], location["physicalLocation"]["region"]
        same("uriBaseId", artifact["uriBaseId"], "SRCROOT")
        same("path", urllib.parse.unquote(artifact["uri"], errors="strict"), finding.path)
        same("start", (region["startLine"], region["startColumn"]), finding.start)
        # The end is the first column behind it, and its line is the start's where it is not given.
        same("end", (region.get("endLine", region["startLine"]), region["endColumn"]), finding.end)


def gitlab(text, wanted):
    entries = json.loads(text)
    # Failures come behind the findings, at the config.
    failures = [(entry["severity"], entry["location"]["lines"]["begin"]) for entry in entries[len(wanted) :]]
    if set(failures) - {("blocker", 1)}:
        raise Mismatch(f"more entries than findings: {entries[len(wanted):]}")
    prints = [entry["fingerprint"] for entry in entries]
    same("entries that share a fingerprint", len(prints), len(set(prints)))
    same("number of entries", len(entries) - len(failures), len(wanted))
    entries = entries[: len(wanted)]
    severities = {(entry["severity"], finding.severity) for entry, finding in zip(entries, wanted)}
    if not severities <= {("major", "error"), ("critical", "error"), ("minor", "warning")} or len(severities) > 2:
        raise Mismatch(f"severities: {severities}")
    for entry, finding in zip(entries, wanted):
        same("check_name", entry["check_name"], finding.rule)
        same("fingerprint", entry["fingerprint"], finding.fingerprint)
        holds("the description", entry["description"], finding.message)
        location = entry["location"]
        same("path", location["path"], finding.path)
        begin = location["lines"]["begin"] if "lines" in location else location["positions"]["begin"]["line"]
        same("line", begin, finding.start[0])


ESCAPED = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}


def unescaped(text, codes):
    """What the runner makes of a text: only these codes, each once."""
    return re.sub("|".join(codes), lambda match: ESCAPED[match[0]], text)


def command(line):
    """Name, properties and message of one workflow command."""
    matched = re.fullmatch(r"::([a-z-]+)(?: ([^\r\n]*?))?::([^\r\n]*)", line)
    if matched is None:
        raise Mismatch(f"no command: {line!r}")
    properties = {}
    for pair in matched[2].split(",") if matched[2] else []:
        name, equals, value = pair.partition("=")
        if not equals or name in properties:
            raise Mismatch(f"no property, or a second one of its name: {pair!r}")
        properties[name] = unescaped(value, ESCAPED)
    return matched[1], properties, unescaped(matched[3], ["%0D", "%0A", "%25"])


def github(text, wanted):
    # The runner ends a line at \n and \r\n; nothing else may hold a command of its own.
    lines = text.split("\n")
    same("after the last line break", lines.pop(), "")
    # What could not be answered comes behind the findings, and has no place.
    if any(command(line)[:2] != ("error", {"title": "stackref"}) for line in lines[len(wanted) :]):
        raise Mismatch(f"more annotations than findings: {lines[len(wanted):]}")
    same("number of annotations", len(lines[: len(wanted)]), len(wanted))
    for line, finding in zip(lines, wanted):
        name, properties, message = command(line)
        same("command", name, finding.severity)
        same("file", plain(properties.pop("file")), plain(finding.path))
        same("line", int(properties.pop("line")), finding.start[0])
        same("endLine", int(properties.pop("endLine")), finding.end[0])
        # Across several lines GitHub takes no columns.
        if finding.start[0] == finding.end[0]:
            same("columns", (int(properties.pop("col")), int(properties.pop("endColumn"))), (finding.start[1], finding.end[1]))
        holds("the title", properties.pop("title"), finding.rule)
        holds("the message", message, finding.message)
        same("properties that GitHub does not know", properties, {})


def number(element, name):
    return int(element.get(name, "0"))


def junit(text, wanted):
    root = xml.etree.ElementTree.fromstring(text)
    for suite in root.findall("testsuite"):
        cases = suite.findall("testcase")
        same("tests", number(suite, "tests"), len(cases))
        for name, child in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
            same(name, number(suite, name), len(suite.findall(f"testcase/{child}")))
    # An error is a failed test, a warning a skipped one; what could not be answered is an error of the run.
    kinds = {"failure": "error", "skipped": "warning"}
    told = [(case, child) for case in root.iter("testcase") for child in case if child.tag in kinds]
    same("number of failed and skipped tests", len(told), len(wanted))
    for (case, child), finding in zip(told, wanted):
        same("severity", kinds[child.tag], finding.severity)
        holds("the test's class", case.get("classname"), finding.path)
        holds("the test's name", case.get("name"), finding.rule, f"{finding.start[0]}:{finding.start[1]}")
        holds("the message", child.get("message"), finding.message)


READERS = {"sarif": sarif, "gitlab": gitlab, "github": github, "junit": junit}
