# SPDX-License-Identifier: MIT
"""report.py - read the guest's report and believe only what is sealed.

The guest writes TAP in records; each ends with `# seal SEQUENCE TAG' (see
tests/tap.c).  Reader takes bytes as they come and yields records whose tag is
right and whose sequence follows, and says of everything else that it is
foreign.  A test can write to the port but cannot seal what it writes, so the
worst it can do is fail itself.
"""
import re

from harness import seal

SEAL_LINE = re.compile(rb"^# seal (\d+) ([0-9a-f]{16})\n", re.M)
# Where a genuine record may start inside a line that somebody else began.
RECORD_START = re.compile(rb"(?:    )*(?:ok|not ok|#|TAP|1\.\.|Bail)")
LONGEST_RECORD = 1 << 15


class Record:
    """A sealed record: its lines, without the seal."""

    def __init__(self, data):
        text = data.decode("utf-8", "replace")
        self.lines = text.splitlines()[:-1]


class Foreign:
    """Bytes on the report line that the framework did not write."""

    def __init__(self, data):
        self.text = data.decode("utf-8", "replace").strip("\n")


class Reader:
    def __init__(self, nonce):
        self.nonce = nonce
        self.sequence = 0
        self.pending = b""

    def feed(self, data):
        self.pending += data
        while True:
            match = SEAL_LINE.search(self.pending)
            if not match:
                break
            whole, self.pending = (self.pending[:match.end()],
                                   self.pending[match.end():])
            yield from self._check(whole, match)
        # A flood is foreign, whatever comes behind it.
        if len(self.pending) > 2 * LONGEST_RECORD:
            if self.sequence:
                yield Foreign(self.pending[:-LONGEST_RECORD])
            self.pending = self.pending[-LONGEST_RECORD:]

    def close(self):
        """What is left when the guest is gone was never sealed."""
        if self.pending.strip() and self.sequence:
            yield Foreign(self.pending)
        self.pending = b""

    def _check(self, whole, match):
        number, tag = int(match.group(1)), match.group(2).decode()
        signed = whole[:match.start(2)]
        if number == self.sequence + 1:
            for start in self._starts(signed):
                if seal.compute(self.nonce, signed[start:]) == tag:
                    # Firmware talks on the line before the guest does.
                    if whole[:start].strip() and self.sequence:
                        yield Foreign(whole[:start])
                    self.sequence = number
                    yield Record(whole[start:])
                    return
        yield Foreign(whole)

    @staticmethod
    def _starts(signed):
        yield 0
        first = max(0, len(signed) - LONGEST_RECORD)
        for match in RECORD_START.finditer(signed, first):
            yield match.start()
