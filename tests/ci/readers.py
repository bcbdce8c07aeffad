"""Parses each machine format as its specification requires, and compares it with the findings of the JSON report."""
import collections
import json
import re
import urllib.parse
import xml.etree.ElementTree

Finding = collections.namedtuple("Finding", "rule severity message help path start end fingerprint environments")


class Mismatch(Exception):
    """A difference between two reports of the same run."""


def expect_equal(description, found, expected):
    if found != expected:
        raise Mismatch(f"{description}: {found!r}, not {expected!r}")


def unescape_control(text):
    """Decodes visible control characters (`\\u{202e}`), and replaces characters that XML does not permit."""
    text = re.sub(r"\\u\{([0-9a-f]{1,6})\}", lambda match: chr(int(match[1], 16)), text)
    return re.sub("[\ufffe\uffff]", "\ufffd", text)


def expect_parts(description, text, *parts):
    for part in parts:
        if unescape_control(part) not in unescape_control(text):
            raise Mismatch(f"{description} does not contain {part!r}: {text!r}")


def line_and_column(at):
    return at["line"], at["column"]


def read_json_report(report, prefix):
    """Returns the findings, with paths relative to the root of the repository. The working directory is its folder `prefix`."""
    expect_equal("version", report["version"], 1)
    return [
        Finding(
            at["rule"], at["severity"], at["message"], at.get("help"), prefix + at["path"], line_and_column(at["span"]["start"]),
            line_and_column(at["span"]["end"]), at["fingerprint"], at.get("environments", []),
        )
        for at in report["findings"]
    ]


def sarif(text, expected):
    document = json.loads(text)
    expect_equal("version", document["version"], "2.1.0")
    (run,) = document["runs"]
    expect_equal("columnKind", run["columnKind"], "unicodeCodePoints")
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    expect_equal("duplicate rules", len(rules), len(set(rules)))
    expect_equal("number of results", len(run["results"]), len(expected))
    for result, finding in zip(run["results"], expected):
        expect_equal("rule", rules[result["ruleIndex"]] if "ruleIndex" in result else result["ruleId"], finding.rule)
        expect_equal("ruleId", result["ruleId"], finding.rule)
        expect_equal("level", result["level"], finding.severity)
        expect_parts("the message", result["message"]["text"], finding.message)
        expect_equal("fingerprint", result["partialFingerprints"]["stackref/v1"], finding.fingerprint)
        (location,) = result["locations"]
        artifact, region = location["physicalLocation"]["artifactLocation"], location["physicalLocation"]["region"]
        expect_equal("uriBaseId", artifact["uriBaseId"], "SRCROOT")
        expect_equal("path", urllib.parse.unquote(artifact["uri"], errors="strict"), finding.path)
        expect_equal("start", (region["startLine"], region["startColumn"]), finding.start)
        # The end column is exclusive. Without an end line, the region has only one line.
        expect_equal("end", (region.get("endLine", region["startLine"]), region["endColumn"]), finding.end)


def gitlab(text, expected):
    entries = json.loads(text)
    # Failures follow the findings. Their location is the config.
    failures = [(entry["severity"], entry["location"]["lines"]["begin"]) for entry in entries[len(expected) :]]
    if set(failures) - {("blocker", 1)}:
        raise Mismatch(f"more entries than findings: {entries[len(expected):]}")
    fingerprints = [entry["fingerprint"] for entry in entries]
    expect_equal("number of fingerprints", len(fingerprints), len(set(fingerprints)))
    expect_equal("number of entries", len(entries) - len(failures), len(expected))
    entries = entries[: len(expected)]
    severities = {(entry["severity"], finding.severity) for entry, finding in zip(entries, expected)}
    if not severities <= {("major", "error"), ("critical", "error"), ("minor", "warning")} or len(severities) > 2:
        raise Mismatch(f"severities: {severities}")
    for entry, finding in zip(entries, expected):
        expect_equal("check_name", entry["check_name"], finding.rule)
        expect_equal("fingerprint", entry["fingerprint"], finding.fingerprint)
        expect_parts("the description", entry["description"], finding.message)
        location = entry["location"]
        expect_equal("path", location["path"], finding.path)
        begin = location["lines"]["begin"] if "lines" in location else location["positions"]["begin"]["line"]
        expect_equal("line", begin, finding.start[0])


ESCAPED = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}


def unescape(text, codes):
    """Decodes a text as GitHub's runner does: only these codes, and each once."""
    return re.sub("|".join(codes), lambda match: ESCAPED[match[0]], text)


def command(line):
    """Returns the name, properties and message of a workflow command."""
    matched = re.fullmatch(r"::([a-z-]+)(?: ([^\r\n]*?))?::([^\r\n]*)", line)
    if matched is None:
        raise Mismatch(f"not a command: {line!r}")
    properties = {}
    for pair in matched[2].split(",") if matched[2] else []:
        name, equals, value = pair.partition("=")
        if not equals or name in properties:
            raise Mismatch(f"not a property, or a duplicate: {pair!r}")
        properties[name] = unescape(value, ESCAPED)
    return matched[1], properties, unescape(matched[3], ["%0D", "%0A", "%25"])


def github(text, expected):
    # The runner splits lines at \n and \r\n, so only these can start a command.
    lines = text.split("\n")
    expect_equal("text after the last line break", lines.pop(), "")
    # Failures follow the findings, and have no location.
    if any(command(line)[:2] != ("error", {"title": "stackref"}) for line in lines[len(expected) :]):
        raise Mismatch(f"more annotations than findings: {lines[len(expected):]}")
    expect_equal("number of annotations", len(lines[: len(expected)]), len(expected))
    for line, finding in zip(lines, expected):
        name, properties, message = command(line)
        expect_equal("command", name, finding.severity)
        expect_equal("file", unescape_control(properties.pop("file")), unescape_control(finding.path))
        expect_equal("line", int(properties.pop("line")), finding.start[0])
        expect_equal("endLine", int(properties.pop("endLine")), finding.end[0])
        # GitHub does not accept columns if a finding has several lines.
        if finding.start[0] == finding.end[0]:
            expect_equal("columns", (int(properties.pop("col")), int(properties.pop("endColumn"))), (finding.start[1], finding.end[1]))
        expect_parts("the title", properties.pop("title"), finding.rule)
        expect_parts("the message", message, finding.message)
        expect_equal("unknown properties", properties, {})


def number(element, name):
    return int(element.get(name, "0"))


def junit(text, expected):
    root = xml.etree.ElementTree.fromstring(text)
    for suite in root.findall("testsuite"):
        cases = suite.findall("testcase")
        expect_equal("tests", number(suite, "tests"), len(cases))
        for name, child in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
            expect_equal(name, number(suite, name), len(suite.findall(f"testcase/{child}")))
    # An error is a failed test, and a warning is a skipped test. Failures are errors of the run.
    kinds = {"failure": "error", "skipped": "warning"}
    in_environments = [finding for finding in expected if finding.environments]
    expected = [finding for finding in expected if not finding.environments]
    names = {name for finding in in_environments for name in finding.environments}
    cases = list(root.iter("testcase"))
    results = [(case, child) for case in cases if case.get("name") not in names for child in case if child.tag in kinds]
    expect_equal("number of failed and skipped tests", len(results), len(expected))
    for (case, child), finding in zip(results, expected):
        expect_equal("severity", kinds[child.tag], finding.severity)
        expect_parts("the test's class", case.get("classname"), finding.path)
        expect_parts("the test's name", case.get("name"), finding.rule, f"{finding.start[0]}:{finding.start[1]}")
        expect_parts("the message", child.get("message"), finding.message)
    junit_environments([case for case in cases if case.get("name") in names], in_environments, kinds)


def junit_environments(cases, expected, kinds):
    """Compares the cases of environments: each has the findings of a file in one environment."""
    found = {(unescape_control(case.get("classname")), case.get("name")): case for case in cases}
    expect_equal("number of cases of environments", len(found), len(cases))
    for (path, name), case in found.items():
        findings = [it for it in expected if unescape_control(it.path) == path and name in it.environments]
        children = [child for child in case if child.tag in kinds]
        expect_equal(f"results of {name}", len(children), min(len(findings), 1))
        for child in children:
            expect_equal("severity", kinds[child.tag], min(it.severity for it in findings))
            parts = [it.message for it in findings] if child.tag == "failure" else [findings[0].message]
            expect_parts(f"the result of {name}", f"{child.get('message')} {child.text or ''}", *parts)
    for finding in expected:
        for name in finding.environments:
            expect_equal(f"{finding.path} has a case of {name}", (unescape_control(finding.path), name) in found, True)


READERS = {"sarif": sarif, "gitlab": gitlab, "github": github, "junit": junit}
