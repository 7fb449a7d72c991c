# SPDX-License-Identifier: MIT
"""results.py - what came of a run, as people, TAP 14 and JUnit want it."""
import dataclasses
import xml.etree.ElementTree as ET

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclasses.dataclass
class Result:
    suite: str
    name: str
    state: str
    why: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    seed: int = None         # SEED= with it repeats this round as the first
    console: list = dataclasses.field(default_factory=list)
    figures: list = dataclasses.field(default_factory=list)

    @property
    def full_name(self):
        return f"{self.suite}.{self.name}"


@dataclasses.dataclass
class Run:
    """All results in the order they came, and what the run was."""
    title: str
    facts: dict
    results: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def count(self, state):
        return sum(r.state == state for r in self.results)

    def suites(self):
        """[(name, [results])], each suite where it first came."""
        groups = {}
        for result in self.results:
            groups.setdefault(result.suite, []).append(result)
        return list(groups.items())

    @property
    def green(self):
        """Something ran, and nothing failed."""
        return self.count(PASSED) > 0 and self.count(FAILED) == 0


# For people ------------------------------------------------------------------

def again(result):
    """How to have this failure alone, as a list of at most one line."""
    if result.seed is None:
        return []
    return [f"again: T={result.full_name} SEED={result.seed}"]


def describe_failure(result):
    lines = [f"FAILED {result.full_name}"]
    lines += [f"    {line}" for line in result.why]
    lines += [f"    {line}" for line in again(result)]
    if result.console:
        lines.append("    console:")
        lines += [f"      | {line}" for line in result.console]
    return "\n".join(lines)


def describe_suite(name, results):
    passed = sum(r.state == PASSED for r in results)
    seconds = sum(r.seconds for r in results)
    line = f"  {name:<24} {passed:4} passed  {seconds:7.2f} s"
    skipped = [r for r in results if r.state == SKIPPED]
    failed = [r for r in results if r.state == FAILED]
    if failed:
        line += f"  {len(failed)} FAILED"
    if skipped:
        reasons = "; ".join(sorted({w for r in skipped for w in r.why}))
        line += f"  {len(skipped)} skipped: {reasons}"
    return line


def closing_line(run):
    line = f"{run.count(PASSED)} passed, {run.count(FAILED)} failed"
    if run.count(SKIPPED):
        line += f", {run.count(SKIPPED)} skipped"
    return line


# TAP 14 ----------------------------------------------------------------------

def _quoted(text):
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escape(ord(c))
                         for c in text) + '"'


def _escape(code):
    """A character that YAML does not take as it is."""
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped(text):
    """TAP gives a meaning to # in a description."""
    return text.replace("\\", "\\\\").replace("#", "\\#").replace("\n", " ")


def _tap_point(number, result):
    ok = "not ok" if result.state == FAILED else "ok"
    line = f"    {ok} {number} - {_escaped(result.name)}"
    if result.state == SKIPPED:
        line += f" # SKIP {' '.join(result.why)}"
    yield line
    yield "      ---"
    yield f"      duration_ms: {result.seconds * 1000:.3f}"
    if result.seed is not None:
        yield f"      seed: {result.seed}"
    if result.state == FAILED:
        yield "      message: " + _quoted(result.why[0] if result.why else "")
        for key, values in (("failures", result.why),
                            ("console", result.console)):
            if values:
                yield f"      {key}:"
                for value in values:
                    yield f"        - {_quoted(value)}"
    yield "      ..."


def write_tap(run, path):
    suites = run.suites()
    lines = ["TAP version 14", f"1..{len(suites)}"]
    lines += [f"# {key}: {value}" for key, value in run.facts.items()]
    for number, (name, results) in enumerate(suites, 1):
        lines.append(f"# Subtest: {_escaped(name)}")
        lines.append(f"    1..{len(results)}")
        for point, result in enumerate(results, 1):
            lines += _tap_point(point, result)
        bad = any(r.state == FAILED for r in results)
        lines.append(f"{'not ok' if bad else 'ok'} {number} - "
                     f"{_escaped(name)}")
    if not suites:
        lines.append("Bail out! no tests ran")
    lines.append(f"# {closing_line(run)}")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


# JUnit -----------------------------------------------------------------------

def _clean(text):
    """XML 1.0 has no place for control characters."""
    return "".join(c if c in "\n\t" or c.isprintable() else "?" for c in text)


def write_junit(run, path):
    root = ET.Element("testsuites", name=run.title,
                      tests=str(len(run.results)),
                      failures=str(run.count(FAILED)),
                      skipped=str(run.count(SKIPPED)),
                      time=f"{sum(r.seconds for r in run.results):.3f}")
    for name, results in run.suites():
        suite = ET.SubElement(
            root, "testsuite", name=_clean(name), tests=str(len(results)),
            failures=str(sum(r.state == FAILED for r in results)),
            skipped=str(sum(r.state == SKIPPED for r in results)),
            errors="0", time=f"{sum(r.seconds for r in results):.3f}")
        properties = ET.SubElement(suite, "properties")
        for key, value in run.facts.items():
            ET.SubElement(properties, "property", name=key, value=str(value))
        for result in results:
            case = ET.SubElement(suite, "testcase", classname=_clean(name),
                                 name=_clean(result.name),
                                 time=f"{result.seconds:.3f}")
            why = _clean("\n".join(result.why))
            if result.state == FAILED:
                first = why.splitlines()[0] if why else "failed"
                failure = ET.SubElement(case, "failure", message=first)
                failure.text = "\n".join([why, *again(result)])
                out = ET.SubElement(case, "system-out")
                out.text = _clean("\n".join(result.console))
            elif result.state == SKIPPED:
                ET.SubElement(case, "skipped", message=why)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
