# SPDX-License-Identifier: MIT
"""guest.py - run one guest within limits, and hear both of its lines.

run() starts QEMU with COM1 and COM2 on pipes and hands what comes to a
listener, which also says until when it is content to wait.  A guest that
overstays is asked through QEMU's monitor for its CPUs' registers, and by an
NMI for its own backtrace, before it is killed.
"""
import ctypes
import dataclasses
import os
import re
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time

from harness import qemu

LAST_WORDS_SECONDS = 2.0
PR_SET_PDEATHSIG = 1


@dataclasses.dataclass
class Ending:
    """How a guest ended: `status' is QEMU's, `reason' is set if we ended it."""
    status: int
    reason: str = ""
    registers: str = ""
    deaf: bool = False       # QEMU did not say where its CPUs are
    qemu_said: str = ""


class Listener:
    """What run() needs to know; times are time.monotonic()."""

    def console(self, data):
        pass

    def report(self, data):
        pass

    def deadline(self):
        """(time, why it is too late then)"""
        raise NotImplementedError


def run(machine, listener, cpu_seconds):
    with tempfile.TemporaryDirectory(prefix="tally-") as folder:
        return _run(machine, listener, cpu_seconds,
                    os.path.join(folder, "monitor"))


def _run(machine, listener, cpu_seconds, monitor):
    com1, com1_guest = os.pipe()
    com2, com2_guest = os.pipe()
    machine = dataclasses.replace(
        machine,
        serial=(f"file:/dev/fd/{com1_guest}", f"file:/dev/fd/{com2_guest}"),
        monitor=f"unix:{monitor},server=on,wait=off")

    def prepare():
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
        if sys.platform == "linux":
            # No guest outlives its runner, whatever becomes of that.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    process = subprocess.Popen(
        qemu.command(machine), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        pass_fds=(com1_guest, com2_guest), preexec_fn=prepare)
    os.close(com1_guest)
    os.close(com2_guest)

    said = bytearray()
    lines = selectors.DefaultSelector()
    lines.register(com1, selectors.EVENT_READ, listener.console)
    lines.register(com2, selectors.EVENT_READ, listener.report)
    lines.register(process.stdout, selectors.EVENT_READ, said.extend)
    ending = Ending(status=0)
    ended = False
    try:
        while lines.get_map():
            limit, why = listener.deadline()
            left = limit - time.monotonic()
            if left <= 0:
                ending.reason = why
                ending.registers = _ask(monitor, "info registers -a")
                ending.deaf = not ending.registers
                _ask(monitor, "nmi")
                _drain(lines, time.monotonic() + LAST_WORDS_SECONDS)
                break
            _pump(lines, left)
        ended = not lines.get_map()
    finally:
        if not ended:
            process.kill()
        try:
            status = process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        for fd in (com1, com2):
            os.close(fd)
        process.stdout.close()
    ending.status = status
    ending.qemu_said = said.decode("utf-8", "replace").strip()
    if status == -signal.SIGXCPU:
        ending.reason = f"used up its {cpu_seconds} s of host CPU time"
    return ending


def _pump(lines, seconds):
    for key, _ in lines.select(min(seconds, 1.0)):
        data = os.read(key.fd, 65536)
        if data:
            key.data(data)
        else:
            lines.unregister(key.fileobj)


def _drain(lines, until):
    while lines.get_map() and time.monotonic() < until:
        _pump(lines, until - time.monotonic())


def _ask(path, command):
    """One monitor command; its answer, or nothing from a dead QEMU."""
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(2)
            monitor.connect(path)
            while not answer.endswith(b"(qemu) "):
                answer += monitor.recv(65536)
            monitor.sendall(command.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n(qemu) "):
                data = monitor.recv(65536)
                if not data:
                    break
                answer += data
    except OSError:
        pass
    return answer.decode("utf-8", "replace").replace("\r", "")


def where(ending, symbols):
    """CPU by CPU, the function that `info registers -a' found it in."""
    if ending.deaf:
        return ["QEMU did not answer either when asked where its CPUs are"]
    places = []
    cpu = "0"
    for line in ending.registers.splitlines():
        match = re.match(r"CPU#(\d+)", line)
        if match:
            cpu = match.group(1)
        match = re.search(r"\b[RE]IP=([0-9a-f]+)\s+[RE]FL=([0-9a-f]+)", line)
        if match:
            address, flags = (int(x, 16) for x in match.groups())
            halted = ", halted" if re.search(r"HLT=1", line) else ""
            irqs = "on" if flags & 0x200 else "off"
            places.append(f"CPU {cpu}: {symbols.name(address)} "
                          f"(interrupts {irqs}{halted})")
    return places


class Symbols:
    """Names for addresses, by nm, read when the first is asked for."""

    def __init__(self, image):
        self.image = image
        self.table = None

    def name(self, address):
        if self.table is None:
            self.table = self._load()
        low, high = 0, len(self.table)
        while low < high:
            middle = (low + high) // 2
            if self.table[middle][0] <= address:
                low = middle + 1
            else:
                high = middle
        if not low:
            return f"{address:#x}"
        start, name = self.table[low - 1]
        return f"{address:#x} {name}+{address - start:#x}"

    def _load(self):
        nm = os.environ.get("NM", "nm")
        try:
            text = subprocess.run([nm, "-n", self.image], text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL).stdout
        except OSError:
            return []
        table = []
        for line in text.splitlines():
            match = re.match(r"([0-9a-f]+) [tT] (\S+)", line)
            if match:
                table.append((int(match.group(1), 16), match.group(2)))
        return table
