"""A PC/SC program for tests: commands in hex on standard input, one answer a line.

`SCARD_ERROR hhhhhhhh` is an error of PC/SC. It is a program of its own, since libpcsclite asks for
its daemon's socket once in a process.
"""

from __future__ import annotations

import sys

from smartcard import scard


def main() -> None:
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _, readers = scard.SCardListReaders(context, [])
    protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    result, card, protocol = scard.SCardConnect(
        context, readers[0], scard.SCARD_SHARE_SHARED, protocols
    )
    say(f"CONNECTED {result & 0xFFFFFFFF:08X}")
    for line in sys.stdin:
        result, answer = scard.SCardTransmit(card, protocol, list(bytes.fromhex(line)))
        if result != scard.SCARD_S_SUCCESS:
            say(f"SCARD_ERROR {result & 0xFFFFFFFF:08X}")
        else:
            say(bytes(answer).hex().upper())


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
