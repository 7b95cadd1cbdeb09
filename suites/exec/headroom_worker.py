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
    """`call(i)` runs copy i of `copies`; `library` names what it calls, with its version."""

    def __init__(self, call, copies, library, packed=0, seconds=0.0, check=None):
        self.call, self.copies, self.library = call, copies, library
        self.packed, self.seconds, self.check = packed, seconds, check


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
            say({"finished": {"_0": {"counters": {}}}})
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
