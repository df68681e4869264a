"""One fuzzed target, in a process of its own: libFuzzer ends a process as it likes.

`python tests/fuzz/child.py TARGET [libFuzzer's arguments]`
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["firmware", "hostdriver", "targets", "answering"]):
    from targets import TARGETS

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    atheris.Setup([name, *arguments], TARGETS[name].run)
    atheris.Fuzz()
