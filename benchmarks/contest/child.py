"""One contestant in a process of its own: an object made by name, then called or timed on demand.

    python -m contest.child        requests as JSON lines on stdin, answers as JSON lines on stdout

It runs in two environments, the product's and that of the peers, so it needs nothing but Python.
What a library prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from typing import Any


def made(entry: str, arguments: dict[str, Any]) -> Any:
    """The object that `module:name` makes."""
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)(**arguments)


def timed(call: Any, times: int, pause_s: float) -> list[tuple[float, float]]:
    """(wall, CPU) milliseconds of each of so many calls, a pause before each.

    CPU time counts every thread of this process, and no child of it.
    """
    spent = []
    for _ in range(times):
        time.sleep(pause_s)
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        call()
        spent.append(((time.perf_counter_ns() - wall) / 1e6, (time.process_time_ns() - cpu) / 1e6))
    return spent


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    contestant: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        match request:
            case {"make": entry, "arguments": arguments}:
                try:
                    contestant = made(entry, arguments)
                    answer: Any = {"made": entry}
                except ImportError as missing:
                    answer = {"absent": str(missing)}
            case {"call": method, "arguments": arguments}:
                answer = getattr(contestant, method)(**arguments)
            case {"time": method, "calls": times, "pause_s": pause_s}:
                answer = timed(getattr(contestant, method), times, pause_s)
            case _:
                raise SystemExit(f"no such request: {line}")
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
