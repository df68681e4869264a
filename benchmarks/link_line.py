"""How much of a line the link leaves to its payload, and whether every message comes once.

    python benchmarks/link_line.py [--frames 1000000] [--seed N]

Both ends are the link's own endpoints; the line between them is computed (`simulator/line.py`), so
neither this machine's speed nor its load is in the figures, and a seed gives the same run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from random import Random

from firmware.faults import LinkLost
from firmware.simulator.line import FAST, SLOW, Conversation, LineKind, Spoils

KINDS = {"1 MB/s, 1 ms": FAST, "115,200 bit/s": SLOW}
LOSSES = (0.0, 0.01, 0.1, 0.3)
MEASURED_S = {"1 MB/s, 1 ms": 4.0, "115,200 bit/s": 120.0}
PAYLOAD_BYTES = 8192
BACKLOG_BYTES = 4 * PAYLOAD_BYTES

BAD_DAY = Spoils(lost=0.05, flipped=0.05, doubled=0.05, late=0.05)
MESSAGE_BYTES = (12, 400)
FRAMES_OF_A_SESSION = 100_000


def goodput(kind: LineKind, lost: float, seconds: float, seed: int = 1) -> float:
    """Payload bytes per second through one direction, as a share of the line's rate."""
    conversation = Conversation(kind, Spoils(lost=lost), seed=seed)
    sender, heard = conversation.ends[0], conversation.heard[1]
    payload = Random(seed).randbytes(PAYLOAD_BYTES)
    while not sender.established:
        conversation.step()
    began_s, arrived = conversation.now_s, 0
    while conversation.now_s - began_s < seconds:
        if sender.backlog_bytes < BACKLOG_BYTES:
            sender.send(payload)
        conversation.step()
        arrived += sum(map(len, heard))
        heard.clear()
    return arrived / (conversation.now_s - began_s) / kind.rate


def numbered(random: Random) -> Iterator[bytes]:
    """Messages that differ, of any length."""
    number = 0
    while True:
        yield number.to_bytes(8, "big") + random.randbytes(random.randint(*MESSAGE_BYTES))
        number += 1


def carried_once(
    frames: int, spoils: Spoils, seed: int, kind: LineKind = FAST
) -> tuple[int, int, int]:
    """Talk both ways until so many frames went over a bad line: frames, messages, sessions.

    Raises `AssertionError` for a message that came twice, changed, or out of its order, and for
    one that did not come though its session lived.
    """
    carried = messages = sessions = 0
    while carried < frames:
        sessions += 1
        conversation = Conversation(kind, spoils, seed=seed + sessions)
        told = tuple(numbered(Random(seed + end)) for end in range(2))
        missing: tuple[list[bytes], list[bytes]] = ([], [])  # at the other end
        goal = min(frames - carried, FRAMES_OF_A_SESSION)
        try:
            while sum(way.carried for way in conversation.ways) < goal or any(missing):
                for end, words, due in zip(conversation.ends, told, missing, strict=True):
                    if sum(way.carried for way in conversation.ways) < goal and len(due) < 16:
                        due.append(next(words))
                        end.send(due[-1])
                conversation.step()
                for heard, due in zip(conversation.heard, reversed(missing), strict=True):
                    assert heard == due[: len(heard)], "not what was sent, or not in its order"
                    messages += len(heard)
                    del due[: len(heard)]
                    heard.clear()
        except LinkLost:
            pass  # a lease without one good frame; what had come was right
        carried += sum(way.carried for way in conversation.ways)
    return carried, messages, sessions


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=0, help="also send so many over a bad line")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("| line | lost | of the line's rate | of what it leaves whole |")
    print("| --- | --- | --- | --- |")
    for name, kind in KINDS.items():
        for lost in LOSSES:
            share = goodput(kind, lost, MEASURED_S[name], arguments.seed)
            print(f"| {name} | {lost:.0%} | {share:.3f} | {share / (1 - lost):.3f} |")
    if arguments.frames:
        print("\n| line | frames | messages, each once | sessions |\n| --- | --- | --- | --- |")
        for name, kind in KINDS.items():
            carried = carried_once(arguments.frames, BAD_DAY, arguments.seed, kind)
            print(f"| {name} | " + " | ".join(f"{count:,}" for count in carried) + " |", flush=True)


if __name__ == "__main__":
    main()
