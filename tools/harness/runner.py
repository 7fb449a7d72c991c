# SPDX-License-Identifier: MIT
"""runner.py - boot after boot, until the plan is through.

A Runner asks the guest for a plan on its command line, follows each boot with a
Session, and goes on behind the culprit when one takes the guest down.
"""
import dataclasses
import math
import os
import secrets
import signal
import sys
import time

from harness import guest, qemu
from harness.results import FAILED, Result, Run, describe_failure
from harness.results import describe_suite
from harness.session import Session

MAX_CRASHES = 20         # then the rest is given up
MAX_CMDLINE = 2047       # BOOT_MAX_CMDLINE, without its end


class Runner:
    """@wanted: words for the command line that say what is to run."""

    def __init__(self, machine, wanted, limit, verbose=False):
        self.machine = machine
        self.wanted = wanted
        self.limit = limit
        self.verbose = verbose
        self.nonce = secrets.token_hex(16)
        self.symbols = guest.Symbols(machine.kernel)
        self.scale = how_slow(machine)
        facts = {"nonce": self.nonce, "boot": machine.boot,
                 "cpus": machine.cpus, "mem": f"{machine.mem >> 20}M",
                 "nodes": machine.nodes}
        self.run_record = Run("tally", facts)
        self.printed_suite = None
        self.interrupted = False

    def cmdline(self, start_at):
        words = [self.machine.cmdline, *self.wanted,
                 f"test.nonce={self.nonce}", f"test.scale={self.scale}",
                 "panic=exit", "nmi_panic=1"]
        if start_at:
            words.append(f"test.from={start_at}")
        text = " ".join(word for word in words if word)
        if len(text.encode()) > MAX_CMDLINE:
            raise qemu.UsageError(
                f"T=, FAULT= and CMDLINE= are too long: {len(text)} characters "
                f"in all, and the kernel takes {MAX_CMDLINE}")
        return text

    def run(self):
        """The Run that came of it; details are printed on the way."""
        # End as on ^C, with the guest ended first.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + 15))
        began = time.monotonic()
        try:
            self.boot_until_done(began)
        except KeyboardInterrupt:
            self.on_result(Result("harness", "interrupted", FAILED,
                                  ["the run was interrupted"]))
            self.interrupted = True
        self.print_suite()
        self.run_record.seconds = time.monotonic() - began
        return self.run_record

    def boot_until_done(self, began):
        start_at = 0
        crashes = 0
        while crashes <= MAX_CRASHES:
            session = self.boot(start_at, began + self.limit)
            start_at = session.position
            if session.through or time.monotonic() > began + self.limit:
                break
            if session.total is None or not session.results:
                break            # it would only do the same again
            crashes += not session.again
        if not session.through and session.total is not None:
            self.not_run(session.total - start_at)

    def boot(self, start_at, deadline):
        session = Session(self.nonce, start_at, self.scale, deadline,
                          self.on_result)
        if self.verbose:
            session.console = self.tee(session.console)
        machine = dataclasses.replace(self.machine,
                                      cmdline=self.cmdline(start_at))
        ending = guest.run(machine, session,
                           number("CPU_LIMIT", self.limit * 2))
        places = guest.where(ending, self.symbols)
        session.through = session.finish(ending, places)
        for why in session.stray:
            self.blame_run(why, session)
        if start_at == 0 and session.total is not None:
            self.run_record.facts["booted"] = (
                f"booted in {session.boot_seconds:.2f} s, of which "
                f"{session.boot_guest_seconds:.2f} s in the guest")
        return session

    @staticmethod
    def tee(console):
        def take(data):
            sys.stderr.buffer.write(data)
            sys.stderr.flush()
            console(data)
        return take

    # Results as they come ----------------------------------------------------

    def on_result(self, result):
        if self.printed_suite not in (None, result.suite):
            self.print_suite()
        self.printed_suite = result.suite
        self.run_record.results.append(result)
        if result.state == FAILED:
            print(describe_failure(result), flush=True)

    def print_suite(self):
        """The stretch of results that just ended, if it is one suite's."""
        stretch = []
        for result in reversed(self.run_record.results):
            if result.suite != self.printed_suite:
                break
            stretch.append(result)
        if stretch:
            print(describe_suite(self.printed_suite, stretch), flush=True)
        self.printed_suite = None

    def blame_run(self, why, session):
        """A failure that no test was running to take."""
        after = session.results[-1].full_name if session.results else "boot"
        self.on_result(Result("harness", f"after {after}", FAILED, why,
                              console=session.console_log.last_words()))

    def not_run(self, number):
        if number > 0:
            self.on_result(Result("harness", "rest of the plan", FAILED,
                                  [f"{number} tests of the plan were not run"]))


def how_slow(machine):
    """What time limits are multiplied by.  Virtual CPUs that take turns share
    one core's speed, counting instructions costs some of it, and others may
    want the host as well."""
    busy = math.ceil(os.getloadavg()[0] / (os.cpu_count() or 1))
    return (max(1, machine.cpus // 4) * (3 if machine.icount else 1)
            * min(max(busy, 1), 8))


def number(name, default, low=0, high=(1 << 64) - 1):
    """A whole number from the environment."""
    text = os.environ.get(name) or str(default)
    try:
        value = int(text, 0)
    except ValueError:
        raise qemu.UsageError(f"{name}={text}: expected a number") from None
    if not low <= value <= high:
        raise qemu.UsageError(f"{name}={text}: expected {low} to {high}")
    return value


def globs(name, default):
    """Patterns from the environment, fit for one word of a command line."""
    text = os.environ.get(name) or default
    if any(c.isspace() for c in text):
        raise qemu.UsageError(f"{name}={text!r}: separate patterns by commas")
    return text
