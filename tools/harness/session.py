# SPDX-License-Identifier: MIT
"""session.py - follow one guest through its plan.

A Session listens to one boot: it takes sealed records into results, keeps what
the console said meanwhile, and sets the time limits.  When the guest is gone,
finish() says whether everything that must agree does: the plan is complete, the
closing record and the exit status match the results, and nothing foreign was
on the report line.  If not, it names a culprit, and where to go on.
"""
import json
import re
import time

from harness.report import Foreign, Reader
from harness.results import FAILED, PASSED, SKIPPED, Result

BOOT_SECONDS = 60        # to the first record
BETWEEN_SECONDS = 30     # from a result to the next start, and to the end
GRACE_SECONDS = 5        # the guest's own watchdog comes first
LAST_WORDS_SECONDS = 1   # of silence, after it said that it cannot boot
CONSOLE_LINES = 100      # kept from a test that failed
LONGEST_LINE = 500
MAX_VIOLATIONS = 5       # told of, for one test

# What tests/exit.c writes, through isa-debug-exit.
EXIT_PASSED, EXIT_FAILED, EXIT_ABORTED = (2 * v + 1 for v in (42, 43, 44))
EXIT_PANIC = 2 * 45 + 1  # kernel/core/panic.c, at panic=exit

START = re.compile(r"    # start (\S+)\.([^.\s]+) seconds=(\d+) seed=(\d+)$")
POINT = re.compile(r"    (ok|not ok) \d+ - (.*?)(?: # SKIP (.*))?$")
HEADER = re.compile(r"# tally tests=(\d+) seed=(\d+) repeat=(\d+).*"
                    r" at_ms=(\d+)")
END = re.compile(r"# end passed=(\d+) failed=(\d+) skipped=(\d+) stray=(\d+)")
DURATION = re.compile(r"\s+duration_ms: ([\d.]+)$")
FAILURE = re.compile(r'\s+- "(.*)"$')
FIGURE = re.compile(r"\s+- (\{.*\})$")
PANIC = re.compile(r"PANIC on .*")
REFUSAL = re.compile(r"Tally cannot boot: .*")
CONSOLE_MARK = re.compile(r"\] test: ([\w-]+\.[\w-]+)$")


def unquote(text):
    return re.sub(r"\\(x[0-9a-f]{2}|.)",
                  lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 3
                  else m[1], text)


class Console:
    """The first line, cut at the marks that tell whose words these are."""

    def __init__(self):
        self.chapters = {"": []}
        self.here = self.chapters[""]
        self.rest = ""

    def feed(self, data):
        self.rest += data.decode("utf-8", "replace").replace("\r", "")
        *lines, self.rest = self.rest.split("\n")
        for line in lines:
            self._take(line)
        if len(self.rest) > LONGEST_LINE:
            self._take(self.rest)
            self.rest = ""

    def _take(self, line):
        line = line[:LONGEST_LINE]
        mark = CONSOLE_MARK.search(line)
        if mark:
            self.here = self.chapters[mark.group(1)] = []
        else:
            self.here.append(line)
            # The beginning and the end of many words say enough.
            if len(self.here) > 2000:
                del self.here[500:1500]

    def said_by(self, name):
        lines = list(self.chapters.get(name, []))
        if self.here is self.chapters.get(name) and self.rest:
            lines.append(self.rest)
        lines = [line for line in lines if line.strip()]
        if len(lines) > CONSOLE_LINES:
            cut = len(lines) - CONSOLE_LINES
            lines = [f"... {cut} more lines"] + lines[cut:]
        return lines

    def panic(self):
        """What a panic said of itself, wherever on the console it is."""
        for line in self.here:
            match = PANIC.search(line)
            if match:
                return match.group(0)
        return ""

    def refusal(self):
        """What early_die() or an early panic says before it halts."""
        for line in self.here:
            match = REFUSAL.search(line) or PANIC.search(line)
            if match:
                return match.group(0)
        return ""

    def last_words(self):
        lines = [line for chapter in self.chapters.values()
                 for line in chapter if line.strip()]
        return (lines + [self.rest] if self.rest else lines)[-CONSOLE_LINES:]


class Session:
    def __init__(self, nonce, start_at, scale, run_deadline, on_result):
        self.reader = Reader(nonce)
        self.console_log = Console()
        self.start_at = start_at
        self.scale = scale
        self.run_deadline = run_deadline
        self.on_result = on_result

        self.total = None            # tests in the whole plan
        self.results = []
        self.running = None          # (suite, name, seconds, seed)
        self.violations = []         # against the test that runs
        self.stray = []              # against the run: lists of reasons
        self.end = None
        self.again = False           # the guest asks for another boot
        self.bailed = ""
        self.refusal = ""            # why the machine cannot run Tally
        self.began = self.since = time.monotonic()
        self.boot_seconds = self.boot_guest_seconds = 0.0

    # The Listener's side ---------------------------------------------------

    def console(self, data):
        self.console_log.feed(data)
        if self.total is None:
            self.refusal = self.refusal or self.console_log.refusal()
            self.since = time.monotonic()

    def report(self, data):
        for event in self.reader.feed(data):
            self._take(event)

    def deadline(self):
        if self.running:
            seconds = self.running[2]
            own = (self.since + seconds + GRACE_SECONDS,
                   f"still ran {GRACE_SECONDS} s after its limit of "
                   f"{seconds:g} s")
        elif self.refusal:
            own = (self.since + LAST_WORDS_SECONDS, self.refusal)
        elif self.total is None:
            seconds = BOOT_SECONDS * self.scale
            own = (self.began + seconds,
                   f"did not start testing within {seconds:g} s")
        else:
            seconds = BETWEEN_SECONDS * self.scale
            own = (self.since + seconds,
                   f"said nothing for {seconds:g} s between tests")
        whole = (self.run_deadline, "the whole run took too long")
        return min(own, whole)

    # Records ---------------------------------------------------------------

    def _take(self, event):
        if isinstance(event, Foreign):
            line = event.text.strip().splitlines()[0][:200]
            what = f"wrote to the report line by itself: {line!r}"
            if self.running and len(self.violations) < MAX_VIOLATIONS:
                self.violations.append(what)
            elif not self.running:
                self.stray.append([what])
            return
        self.since = time.monotonic()
        first = event.lines[0] if event.lines else ""
        for pattern, take in ((START, self._start), (POINT, self._point),
                              (END, self._end)):
            match = pattern.match(first)
            if match:
                take(match, event.lines[1:])
                return
        if first == "# again":
            self.again = True
        if first.startswith("Bail out!"):
            self.bailed = first[len("Bail out!"):].strip()
        for line in event.lines:
            match = HEADER.match(line)
            if match:
                self.total = int(match.group(1)) * int(match.group(3))
                self.boot_seconds = self.since - self.began
                self.boot_guest_seconds = int(match.group(4)) / 1000

    def _start(self, match, _):
        suite, name, seconds, seed = match.groups()
        self.running = (suite, name, int(seconds), int(seed))
        self.started = self.since

    def _point(self, match, lines):
        verdict, name, skip = match.groups()
        if not self.running or self.running[1] != name:
            self.stray.append([f"a result for {name}, which did not run"])
            return
        seconds = time.monotonic() - self.since
        why, figures = [], []
        for line in lines:
            if DURATION.match(line):
                seconds = float(DURATION.match(line).group(1)) / 1000
            elif FAILURE.match(line):
                why.append(unquote(FAILURE.match(line).group(1)))
            elif FIGURE.match(line):
                figures.append(json.loads(FIGURE.match(line).group(1)))
        state = PASSED if verdict == "ok" else FAILED
        if state == PASSED and skip is not None:
            state, why = SKIPPED, [skip]
        self._finish_test(state, why, seconds, figures)

    def _finish_test(self, state, why, seconds, figures=()):
        suite, name, _, seed = self.running
        if self.violations:
            state, why = FAILED, why + self.violations
        result = Result(suite, name, state, why, seconds, seed)
        if state == PASSED:
            result.figures = list(figures)
        if state == FAILED:
            result.console = self.console_log.said_by(result.full_name)
        self.running, self.violations = None, []
        self.results.append(result)
        self.on_result(result)

    def _end(self, match, _):
        self.end = tuple(int(x) for x in match.groups())

    # When the guest is gone ------------------------------------------------

    @property
    def position(self):
        """Where in the plan the next boot would go on."""
        return self.start_at + len(self.results)

    @property
    def complete(self):
        return self.end is not None and self.position == self.total

    def finish(self, ending, places):
        """Blame what is left; True if the plan is through."""
        for event in self.reader.close():
            if not self.bailed:
                self._take(event)
        if self.complete and not self.running:
            self._check_verdict(ending)
            return True

        if self.again and not self.running and \
                not ending.reason and \
                ending.status in (EXIT_PASSED, EXIT_FAILED):
            return self.position >= self.total

        why = self._how_it_ended(ending) + places
        if self.running:
            # finish_test() adds the violations.
            self._finish_test(FAILED, why, time.monotonic() - self.started)
        else:
            self.stray.append(why)
        return self.total is not None and self.position >= self.total

    def _check_verdict(self, ending):
        passed, failed, skipped, stray = self.end
        counted = {PASSED: passed, FAILED: failed, SKIPPED: skipped}
        for state, number in counted.items():
            seen = sum(r.state == state for r in self.results)
            # A violation turns into a failure here, not in the guest.
            if state != FAILED and seen > number or \
                    state == FAILED and seen < number:
                self.stray.append([f"the guest counts {number} {state}, "
                                   f"but reported {seen}"])
        if stray:
            self.stray.append([f"{stray} expectations failed when no test "
                               "ran"])
        wanted = EXIT_FAILED if failed or stray else EXIT_PASSED
        if not self.results:
            wanted = EXIT_FAILED
        if ending.reason or ending.status != wanted:
            self.stray.append(["the plan was complete, but then:",
                               *self._how_it_ended(ending)])

    def _how_it_ended(self, ending):
        if self.bailed:
            how = [self.bailed]
        elif ending.reason:
            how = [ending.reason]
        elif ending.status == 0:
            how = ["the machine was reset or powered off"]
        elif ending.status == EXIT_ABORTED:
            how = ["the run was given up"]
        elif ending.status == EXIT_PANIC:
            how = [self.console_log.panic() or "the kernel panicked"]
        elif ending.status in (EXIT_PASSED, EXIT_FAILED):
            how = ["left the machine in the middle of the plan"]
        elif ending.status < 0:
            how = [f"QEMU was killed by signal {-ending.status}"]
        else:
            how = [f"QEMU ended with status {ending.status}"]
        if ending.qemu_said:
            how += ["QEMU: " + line
                    for line in ending.qemu_said.splitlines()[-5:]]
        return how
