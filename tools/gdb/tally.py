# SPDX-License-Identifier: MIT
"""tally.py - gdb commands that know Tally's tasks, pages and per-CPU variables.

`make debug` says how to load it.  In gdb, `help tally` lists:

  tally tasks            every task: pid, CPU, state, name, where it is
  tally bt PID           the backtrace of a task that is not running
  tally page WHAT        the struct page of a frame number, of an address in the
                         direct map or the image, or at its own address
  tally zones            free blocks of each order
  tally percpu VAR [CPU] a per-CPU variable, on one CPU or on all
  tally dmesg [N]        the log, or its last N lines
  tally list HEAD TYPE MEMBER
                         every TYPE on a list, by its struct list_head MEMBER

In expressions, $percpu("VAR", CPU) is that copy of the variable: for example
`print $percpu("runqueues", 1).nr_running'.

The running CPUs are gdb's threads: `info threads`, `thread apply all bt`.
"""
import gdb

PAGE_SHIFT = 12
DIRECT_MAP = 0xFFFF888000000000
VMEMMAP = 0xFFFFEA0000000000
IMAGE = 0xFFFFFFFF80000000
STRUCT_PAGE = 64

STATES = {0: "ready", 1: "sleeping", 2: "waiting", 8: "new", 16: "waking",
          32: "dead", 6: "killable"}


def value(expression):
    return gdb.parse_and_eval(expression)


def container_of(pointer, kind, member):
    offset = next(f.bitpos // 8 for f in gdb.lookup_type(kind).fields()
                  if f.name == member)
    address = int(pointer) - offset
    return gdb.Value(address).cast(gdb.lookup_type(kind).pointer())


def tasks():
    """Each struct task on the list; CPUs' idle tasks are not on it."""
    head = value("&task_list")
    node = head.dereference()["next"]
    while node != head:
        yield container_of(node, "struct task", "tasks")
        node = node.dereference()["next"]


def symbol(address):
    text = gdb.execute(f"info symbol {address:#x}", to_string=True).strip()
    return text.split(" in section")[0]


def frames(task):
    """(return address) of a task that is switched out, innermost first."""
    words = int(task["arch"]["sp"])
    u64 = gdb.lookup_type("unsigned long").pointer()

    def word(address):
        return int(gdb.Value(address).cast(u64).dereference())

    low = int(task["stack"])
    high = low + int(task["stack_size"])
    # switch_stacks() pushed rbp first and r15 last; the return address is
    # above.
    yield word(words + 6 * 8)
    frame = word(words + 5 * 8)
    while low <= frame < high - 8:
        ret = word(frame + 8)
        if not ret:
            return
        yield ret
        above = word(frame)
        if above <= frame:
            return
        frame = above


def where(task):
    """The first function that is not the scheduler's own."""
    for address in frames(task):
        name = symbol(address)
        if not name.startswith(("schedule", "__schedule", "switch_", "wait_common",
                                "sleep_", "context_switch")):
            return name
    return "?"


class Tally(gdb.Command):
    """Tally's tasks, pages and per-CPU variables."""

    def __init__(self):
        super().__init__("tally", gdb.COMMAND_DATA, prefix=True)


class Tasks(gdb.Command):
    """Every task: pid, CPU, state, name, and where it is."""

    def __init__(self):
        super().__init__("tally tasks", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        print(f"{'pid':>5} {'cpu':>3}  {'state':<9} {'name':<16} where")
        for task in tasks():
            state = int(task["state"])
            running = int(task["on_cpu"]) != 0
            text = "running" if running else STATES.get(state, hex(state))
            place = "on its CPU" if running else where(task)
            print(f"{int(task['pid']):5} {int(task['cpu']):3}  {text:<9} "
                  f"{task['comm'].string():<16} {place}")


class Backtrace(gdb.Command):
    """The backtrace of a task that is not running: tally bt PID"""

    def __init__(self):
        super().__init__("tally bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        try:
            pid = int(argument)
        except ValueError:
            raise gdb.GdbError("tally bt: expected a pid") from None
        for task in tasks():
            if int(task["pid"]) != pid:
                continue
            if int(task["on_cpu"]):
                raise gdb.GdbError(
                    f"task {pid} runs on CPU {int(task['cpu'])}: see `info "
                    f"threads', `thread {int(task['cpu']) + 1}', `bt'")
            for number, address in enumerate(frames(task)):
                print(f"#{number:<3} {address:#018x} {symbol(address)}")
            return
        raise gdb.GdbError(f"no task {pid}; see `tally tasks'")


class Page(gdb.Command):
    """The struct page of a frame number or an address: tally page WHAT"""

    def __init__(self):
        super().__init__("tally page", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("tally page: expected a frame number or an "
                               "address")
        pfn = self.frame_of(int(value(argument)) & (1 << 64) - 1)
        kind = gdb.lookup_type("struct page").pointer()
        page = gdb.Value(VMEMMAP + pfn * STRUCT_PAGE).cast(kind)
        type_ = page["type"].cast(gdb.lookup_type("enum page_type"))
        print(f"frame {pfn:#x}, physical {pfn << PAGE_SHIFT:#x}, at "
              f"{DIRECT_MAP + (pfn << PAGE_SHIFT):#x}")
        print(f"{type_}, order {int(page['order'])}, "
              f"{int(page['refcount']['counter'])} references, flags "
              f"{int(page['flags']):#x}, mapped "
              f"{int(page['mapcount'])} times, memcg_data "
              f"{int(page['memcg_data']):#x}")
        print(f"struct page {int(page):#x}: print *(struct page *){int(page):#x}")

    @staticmethod
    def frame_of(what):
        if what >= IMAGE:
            return what - IMAGE >> PAGE_SHIFT
        if what >= VMEMMAP:
            return (what - VMEMMAP) // STRUCT_PAGE
        if what >= DIRECT_MAP:
            if what >= DIRECT_MAP + (1 << 44):
                raise gdb.GdbError(f"{what:#x} is neither in the direct map "
                                   "nor in the image")
            return what - DIRECT_MAP >> PAGE_SHIFT
        return what


class Zones(gdb.Command):
    """Free blocks of each order, zone by zone."""

    def __init__(self):
        super().__init__("tally zones", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        zones = value("zones")
        low, high = zones.type.range()
        names = [f.name.replace("ZONE_", "") for f in
                 gdb.lookup_type("enum zone_type").fields()]
        print("node zone       free pages   orders 0 and up")
        for index in range(low, high + 1):
            zone = zones[index]
            if not int(zone["managed"]):
                continue
            areas = zone["area"]
            counts = [int(areas[o]["nr"])
                      for o in range(areas.type.range()[1] + 1)]
            print(f"{int(zone['nid']):4} {names[int(zone['type'])]:<8}"
                  f"{int(zone['free']):13}   "
                  + " ".join(str(n) for n in counts))


def percpu(name, cpu):
    """@cpu's copy of a variable; the image's while there are no others."""
    variable = value(name)
    offset = int(value("__per_cpu_offset")[cpu])
    address = int(variable.address) + offset & (1 << 64) - 1
    return gdb.Value(address).cast(variable.type.pointer()).dereference()


class PerCpuFunction(gdb.Function):
    """$percpu("VAR", CPU): that CPU's copy of a per-CPU variable."""

    def __init__(self):
        super().__init__("percpu")

    def invoke(self, name, cpu=0):
        return percpu(name.string(), int(cpu))


class PerCpu(gdb.Command):
    """A per-CPU variable: tally percpu VAR [CPU]"""

    def __init__(self):
        super().__init__("tally percpu", gdb.COMMAND_DATA, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, from_tty):
        words = argument.split()
        if not 1 <= len(words) <= 2:
            raise gdb.GdbError("tally percpu: expected VAR or VAR CPU")
        offsets = value("__per_cpu_offset")
        if len(words) == 2:
            cpus = [int(words[1])]
        else:
            # Before the areas exist the only copy is the image's.
            cpus = [c for c in range(offsets.type.range()[1] + 1)
                    if int(offsets[c])] or [0]
        for cpu in cpus:
            print(f"cpu {cpu}: {percpu(words[0], cpu)}")


class Dmesg(gdb.Command):
    """The kernel's log, finished lines only: tally dmesg [LAST]"""

    def __init__(self):
        super().__init__("tally dmesg", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if argument and not argument.isdigit():
            raise gdb.GdbError("tally dmesg: expected a number of lines")
        ring = value("'kernel/core/printk.c'::ring")
        slots = 1 << int(ring["order"])
        head = int(ring["head"])
        first = max(head - min(slots, int(argument or slots)), 0)
        for seq in range(first, head):
            record = ring["slots"][seq % slots]["rec"]
            if int(record["seq"]) != seq:
                continue
            us = int(record["ns"]) // 1000
            text = record["text"].string(errors="replace")
            print(f"[{us // 1000000:5}.{us % 1000000:06} "
                  f"cpu{int(record['cpu'])}] {text}")


class List(gdb.Command):
    """What is on a list: tally list HEAD TYPE MEMBER

    For example: tally list &task_list "struct task" tasks"""

    MOST = 10000

    def __init__(self):
        super().__init__("tally list", gdb.COMMAND_DATA, gdb.COMPLETE_SYMBOL)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) != 3:
            raise gdb.GdbError("tally list: expected HEAD TYPE MEMBER")
        head = value(words[0])
        if head.type.code != gdb.TYPE_CODE_PTR:
            head = head.address
        node = head["next"]
        for count in range(self.MOST):
            if node == head:
                print(f"{count} in all")
                return
            entry = container_of(node, words[1], words[2])
            print(f"({words[1]} *) {int(entry):#x}")
            node = node["next"]
        print(f"and more: it does not come back to its head in {self.MOST}")


PerCpuFunction()
for command in (Tally, Tasks, Backtrace, Page, Zones, PerCpu, Dmesg, List):
    command()
