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
        if finding.message not in result["message"]["text"]:
            raise Mismatch(f"the message lacks {finding.message!r}: {result['message']}")
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
    same("number of entries", len(entries), len(wanted))
    severities = {(entry["severity"], finding.severity) for entry, finding in zip(entries, wanted)}
    if not severities <= {("major", "error"), ("critical", "error"), ("minor", "warning")} or len(severities) > 2:
        raise Mismatch(f"severities: {severities}")
    for entry, finding in zip(entries, wanted):
        same("check_name", entry["check_name"], finding.rule)
        same("fingerprint", entry["fingerprint"], finding.fingerprint)
        if finding.message not in entry["description"]:
            raise Mismatch(f"the description lacks {finding.message!r}: {entry['description']}")
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
    same("number of annotations", len(lines), len(wanted))
    for line, finding in zip(lines, wanted):
        name, properties, message = command(line)
        same("command", name, finding.severity)
        same("file", properties.pop("file"), finding.path)
        start = (int(properties.pop("line")), int(properties.pop("col", finding.start[1])))
        same("start", start, finding.start)
        end_line = int(properties.pop("endLine", finding.start[0]))
        same("endLine", end_line, finding.end[0])
        # Across several lines GitHub takes no columns, and does not mind them.
        same("endColumn", int(properties.pop("endColumn", finding.end[1])), finding.end[1])
        if finding.rule not in properties.pop("title", "") + message:
            raise Mismatch(f"the rule is not named: {line!r}")
        if finding.message not in message:
            raise Mismatch(f"the message lacks {finding.message!r}: {message!r}")
        same("properties that GitHub does not know", properties, {})


def number(element, name):
    return int(element.get(name, "0"))


def junit(text, wanted):
    root = xml.etree.ElementTree.fromstring(text)
    suites = root.findall("testsuite") if root.tag == "testsuites" else [root]
    for holder in [root, *suites]:
        if holder.get("tests") is not None:
            same("tests", number(holder, "tests"), len(holder.findall(".//testcase")))
            troubles = number(holder, "failures") + number(holder, "errors")
            same("failures", troubles, len(holder.findall(".//failure") + holder.findall(".//error")))
    failures = [(case, failure) for case in root.iter("testcase") for failure in [*case.findall("failure"), *case.findall("error")]]
    same("number of failures", len(failures), len(wanted))
    for (case, failure), finding in zip(failures, wanted):
        words = " ".join([case.get("name"), case.get("classname", ""), failure.get("type", ""), failure.get("message", ""), failure.text or ""])
        for needed in [finding.rule, xml_text(finding.message), xml_text(finding.path), f"{finding.start[0]}:{finding.start[1]}"]:
            if needed not in words:
                raise Mismatch(f"the failure lacks {needed!r}: {words!r}")


def xml_text(text):
    """XML has no characters for some, and attributes keep no line breaks: those are compared up to there."""
    return re.split("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)[0]


READERS = {"sarif": sarif, "gitlab": gitlab, "github": github, "junit": junit}
