"""The worker's protocol for a script that has something to time: see README.md beside it.

A script calls `serve(prepare)`. `prepare(order, problem)` answers a `Prepared`, or raises
`Unsupported` with the reason.
"""
import json
import os
import statistics
import sys
import time


class Unsupported(Exception):
    """What this worker has no kernel for."""


class Prepared:
    """`call(i)` runs copy i of `copies`; `library` names what it calls, with its version; `memory` is a
    `MemoryAccount`, of a script that keeps one.
    """

    def __init__(self, call, copies, library, packed=0, seconds=0.0, check=None, memory=None):
        self.call, self.copies, self.library = call, copies, library
        self.packed, self.seconds, self.check = packed, seconds, check
        self.memory = memory


class MemoryAccount:
    """This process's memory as the kernel counts it, phase by phase: `operands`, `preparation`, `run`.

    It begins with the first phase: whatever the process holds by then is the harness's. An allocator's
    own hoard counts, as it does for any program: there is no ledger of what is live.
    """

    def __init__(self):
        self.harness, self.peaks, self.phase, self.unreset = self._kernel()["RssAnon"], {}, None, None
        self.begin("operands")

    def begin(self, phase):
        """Ends the phase before it; a resident peak is reset, so that each phase has its own."""
        self._end()
        self.phase = phase
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError as error:
            self.unreset = f"/proc/self/clear_refs refused to reset the resident peak: {error.strerror}"

    def _end(self):
        if self.phase:
            kernel = self._kernel()
            # The kernel marks the peak of all pages alone: files' and shared ones are those of now.
            private = kernel["VmHWM"] - kernel["RssFile"] - kernel["RssShmem"]
            self.peaks[self.phase] = kernel["VmHWM"], max(private, kernel["RssAnon"])

    def told(self):
        """As `finished` holds it."""
        self._end()
        kernel = self._kernel()
        resident = {phase: peak for phase, (peak, _) in self.peaks.items()}
        return {
            "ledger": {"phases": {}}, "live": {}, "phase": self.phase, "rotation": 0, "allocations": 0,
            "resident_peak": {"unavailable": self.unreset} if self.unreset else {"value": resident},
            "anonymous_peak": {"value": max(private for _, private in self.peaks.values())},
            "file": {"value": kernel["RssFile"]},
            "harness": {"value": self.harness}, "allocator": {}}

    @staticmethod
    def _kernel():
        """Bytes, by the names of /proc/self/status."""
        with open("/proc/self/status") as file:
            fields = (line.split() for line in file)
            return {name[:-1]: int(rest[0]) << 10 for name, *rest in fields if rest[1:] == ["kB"]}


def copies_of(order, bytes_of_a_call):
    """How many copies a cold case goes round; 1 for a warm one."""
    if order["cache"] != "cold":
        return 1
    return max(2, -(-16 * order["last_level_cache"] // max(1, bytes_of_a_call)))


def serve(prepare):
    # Libraries chat on standard output: it is kept for answers alone.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    say({"protocol": 2, "schema": "headroom.run/1", "process": os.getpid(),
         "anonymous": {"unavailable": "a command keeps its own account"}})
    state = None
    for line in sys.stdin:
        request = json.loads(line)
        if "prepare" in request:
            order = request["prepare"]["order"]
            os.sched_setaffinity(0, order["cpus"][:order["threads"]])
            try:
                state = _State(prepare(order, order["problem"]), order)
            except Unsupported as reason:
                say({"failed": {"outcome": {"name": "skipped", "reason": str(reason)}}})
                continue
            say({"prepared": {"_0": state.description()}})
        elif "sample" in request:
            say({"block": {"samples": state.block()}})
        elif "finish" in request:
            finished = {"counters": {}}
            if state and state.prepared.memory:
                finished["memory"] = state.prepared.memory.told()
            say({"finished": {"_0": finished}})
            return


class _State:
    def __init__(self, prepared, order):
        self.prepared, self.turn = prepared, 0
        self.sample, self.length = order["sampling"]["sample"], order["sampling"]["block"]
        clock = [time.perf_counter() for _ in range(1000)]
        self.clock_cost = statistics.median(b - a for a, b in zip(clock, clock[1:]))
        self.calls = 1
        for _ in range(prepared.copies):
            self._call()
        once = statistics.median(self._take() for _ in range(5))
        # Long enough for the clock: a thousand readings.
        least = max(self.sample, 1000 * self.clock_cost)
        self.calls = max(1, round(least / max(once, 1e-9)))
        self.windows = [statistics.median(self.block()) / self.calls for _ in range(3)]

    def _call(self):
        self.prepared.call(self.turn)
        self.turn = (self.turn + 1) % self.prepared.copies

    def _take(self):
        start = time.perf_counter()
        for _ in range(self.calls):
            self._call()
        return time.perf_counter() - start

    def block(self):
        samples = []
        while not samples or sum(samples) < self.length:
            samples.append(self._take())
        return samples

    def description(self):
        prepared = self.prepared
        answer = {
            "preparation": {"seconds": prepared.seconds, "bytes": prepared.packed},
            "warm_up": {"windows": self.windows, "cut": 0, "steady": True},
            "clock_cost": self.clock_cost, "calls": self.calls, "rotation": prepared.copies,
            "library": prepared.library}
        if prepared.check:
            answer["check"] = prepared.check
        return answer
