# SPDX-License-Identifier: MIT
"""qemu.py - the one place that knows QEMU's command line.

A Machine says what the guest is to be; command() spells it for QEMU 7.2 and
later.  tools/run-qemu, the test runner and the bench runner all start from
here, so a guest that a person plays with is the guest that the tests ran on.

Acceleration.  KVM is used by itself where it works, which is tried once and
remembered: a /dev/kvm that opens says little.  Otherwise TCG, whose virtual
CPUs take turns on one host thread (repeatable, and the only way that many
CPUs stay usable on few cores), or run on a thread each (true parallelism).
Tests take threads at 2 CPUs and turns otherwise.  icount counts instructions,
on TCG, in turns.
"""
import dataclasses
import hashlib
import os
import re
import select
import shutil
import subprocess
import sys
import time

QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

BOOT_DOORS = ("pvh", "bios", "uefi")
LOCAL_DISTANCE = 10
REMOTE_DISTANCE = 20

# isa-debug-exit turns a byte v written to its port into the status 2v + 1.
EXIT_PORT = 0xF4


class UsageError(Exception):
    """What was asked for cannot be had; the text says why."""


@dataclasses.dataclass
class Machine:
    boot: str = "pvh"
    cpus: int = 4
    mem: int = 512 << 20
    nodes: int = 1
    cmdline: str = ""
    out: str = "build"
    icount: bool = False
    thread: str = ""         # "single", "multi" or "" to choose
    kvm: str = ""            # "0", "1" or "" to choose
    reboot: bool = False     # a reset starts again instead of ending QEMU
    screen: bool = False
    serial: tuple = ("stdio",)
    monitor: str = "none"
    gdb: int = 0             # port to wait for gdb on, 0 for none
    extra: tuple = ()

    @property
    def kernel(self):
        return os.path.join(self.out, "tally.elf")

    @property
    def iso(self):
        return os.path.join(self.out, "tally.iso")


def parse_size(text):
    """512M, 20G, plain bytes; a bare number below 1 Mi is taken as MiB."""
    match = re.fullmatch(r"(\d+)([KMGT]?)(?:i?B)?", text.strip(), re.I)
    if not match:
        raise UsageError(f"MEM={text}: expected a size such as 512M or 4G")
    number = int(match.group(1))
    unit = match.group(2).upper()
    if not unit:
        number = number << 20 if number < 1 << 20 else number
    else:
        number <<= {"K": 10, "M": 20, "G": 30, "T": 40}[unit]
    if number < 1 << 20:
        raise UsageError(f"MEM={text}: expected 1M or more")
    return number


def parse_count(name, text, low, high):
    if not text.isdecimal() or not low <= int(text) <= high:
        raise UsageError(f"{name}={text}: expected {low} to {high}")
    return int(text)


def from_environment(**settings):
    """A Machine from BOOT CPUS MEM NODES CMDLINE OUT THREAD KVM QEMU_ARGS."""
    env = os.environ
    boot = env.get("BOOT") or "pvh"
    if boot not in BOOT_DOORS:
        raise UsageError(f"BOOT={boot}: expected {' or '.join(BOOT_DOORS)}")
    thread = env.get("THREAD", "")
    if thread not in ("", "single", "multi"):
        raise UsageError(f"THREAD={thread}: expected single or multi")
    machine = Machine(
        boot=boot,
        cpus=parse_count("CPUS", env.get("CPUS") or "4", 1, 255),
        mem=parse_size(env.get("MEM") or "512M"),
        nodes=parse_count("NODES", env.get("NODES") or "1", 1, 64),
        cmdline=env.get("CMDLINE", ""),
        out=env.get("OUT") or "build",
        thread=thread,
        kvm=env.get("KVM", ""),
        screen=env.get("SCREEN", "") == "1",
        extra=tuple(env.get("QEMU_ARGS", "").split()),
    )
    return dataclasses.replace(machine, **settings)


def command(machine):
    """The command line, as a list."""
    args = [QEMU, "-machine", "q35", "-cpu", "max,la57=off"]
    args += _accel(machine)
    args += ["-smp", str(machine.cpus)]
    args += _memory(machine)
    args += _door(machine)
    args += ["-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=0x04"]
    args += ["-nic", "none", "-monitor", machine.monitor]
    if not machine.screen:
        args += ["-display", "none"]
    for port in machine.serial:
        args += ["-serial", port]
    if not machine.reboot:
        args += ["-no-reboot"]
    if machine.gdb:
        args += ["-S", "-gdb", f"tcp:127.0.0.1:{machine.gdb}"]
    return args + list(machine.extra)


def _accel(machine):
    if machine.icount:
        return ["-accel", "tcg,thread=single",
                "-icount", "shift=0,sleep=off"]
    if machine.kvm == "1" or (machine.kvm == "" and kvm_works(machine.out)):
        return ["-accel", "kvm"]
    thread = machine.thread or ("multi" if machine.cpus == 2 else "single")
    return ["-accel", f"tcg,thread={thread}"]


def _memory(machine):
    mib = machine.mem >> 20
    args = ["-m", f"{mib}M"]
    if machine.nodes == 1:
        return args
    if mib < machine.nodes:
        raise UsageError(f"MEM={mib}M is too little for {machine.nodes} nodes")
    for node in range(machine.nodes):
        share = mib * (node + 1) // machine.nodes - mib * node // machine.nodes
        first, last = _cpus_of(node, machine)
        cpus = f",cpus={first}-{last}" if first <= last else ""
        args += ["-object", f"memory-backend-ram,id=m{node},size={share}M",
                 "-numa", f"node,nodeid={node}{cpus},memdev=m{node}"]
    for src in range(machine.nodes):
        for dst in range(machine.nodes):
            val = _distance(src, dst, machine.nodes)
            args += ["-numa", f"dist,src={src},dst={dst},val={val}"]
    return args


def _distance(src, dst, nodes):
    """The nodes form a ring: farther round is further away."""
    hops = min((src - dst) % nodes, (dst - src) % nodes)
    return LOCAL_DISTANCE + hops * (REMOTE_DISTANCE - LOCAL_DISTANCE)


def _cpus_of(node, machine):
    """Even shares; with fewer CPUs than nodes the last nodes have none."""
    if machine.cpus < machine.nodes:
        return (node, node) if node < machine.cpus else (0, -1)
    return (machine.cpus * node // machine.nodes,
            machine.cpus * (node + 1) // machine.nodes - 1)


def _door(machine):
    if machine.boot == "pvh":
        _must_exist(machine.kernel, "make")
        args = ["-kernel", machine.kernel]
        return args + (["-append", machine.cmdline] if machine.cmdline else [])
    _must_exist(machine.iso, "make iso")
    args = ["-cdrom", machine.iso, "-boot", "d"]
    if machine.boot == "uefi":
        args += ["-bios", _ovmf()]
    if machine.cmdline:
        text = machine.cmdline.replace(",", ",,")
        args += ["-fw_cfg", f"name=opt/tally/cmdline,string={text}"]
    return args


def _must_exist(path, how):
    if not os.path.exists(path):
        raise UsageError(f"{path} is missing: run `{how}` first")


def _ovmf():
    found = subprocess.run([os.path.join(TOOLS, "doctor"), "--find", "ovmf"],
                           stdout=subprocess.PIPE, text=True)
    path = found.stdout.strip()
    if found.returncode or not path:
        raise UsageError("BOOT=uefi needs OVMF: tools/doctor says how")
    return path


def check_qemu():
    if not shutil.which(QEMU):
        raise UsageError(f"{QEMU} is missing: tools/doctor says how to get it")


# Whether KVM works here ------------------------------------------------------

PROBE_SECONDS = 4
BIOS_DONE = b"Booting from"      # the BIOS got through its own start


def kvm_works(out):
    """Run the BIOS under KVM once; remember the answer beside the build."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    cache = os.path.join(out, "kvm-works")
    key = _host_key()
    try:
        with open(cache, encoding="ascii") as file:
            known, answer = file.read().split()
        if known == key:
            return answer == "yes"
    except (OSError, ValueError):
        pass
    answer = _probe_kvm()
    try:
        os.makedirs(out, exist_ok=True)
        with open(cache, "w", encoding="ascii") as file:
            file.write(f"{key} {'yes' if answer else 'no'}\n")
    except OSError:
        pass
    return answer


def _host_key():
    facts = [shutil.which(QEMU) or "", " ".join(os.uname())]
    try:
        facts.append(str(os.stat(facts[0]).st_mtime_ns))
    except OSError:
        pass
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _probe_kvm():
    process = subprocess.Popen(
        [QEMU, "-machine", "q35", "-accel", "kvm", "-cpu", "max,la57=off",
         "-m", "64M", "-nodefaults", "-display", "none", "-no-reboot",
         "-chardev", "stdio,id=log,signal=off",
         "-device", "isa-debugcon,iobase=0x402,chardev=log"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    seen = b""
    deadline = time.monotonic() + PROBE_SECONDS
    try:
        while BIOS_DONE not in seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [],
                                              left)[0]:
                return False
            data = os.read(process.stdout.fileno(), 4096)
            if not data:
                return False
            seen += data
        return True
    finally:
        process.kill()
        process.wait()


def die(message):
    print(f"{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr)
    sys.exit(2)
