"""Where one payload ends on the wire: lines on a stream that loses nothing.

A decoder takes any slicing, keeps bounded memory, and gives back each payload once.
"""

from __future__ import annotations

from typing import Final

LINE_END: Final = b"\n"  # JSON never holds a raw one


class LineDecoder:
    """Bytes of a reliable stream → lines, in any slicing.

    A line longer than `max_bytes` comes out cut to `max_bytes + 1`, so that whoever decodes it
    refuses it for its length; the rest of it is dropped up to its end.
    """

    def __init__(self, max_bytes: int) -> None:
        self._kept_bytes = max_bytes + 1
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ended in `data`, without their ends."""
        *ends, tail = data.split(LINE_END)
        lines = []
        for end in ends:
            self._keep(end)
            lines.append(bytes(self._rest))
            self._rest.clear()
        self._keep(tail)
        return lines

    def _keep(self, part: bytes) -> None:
        self._rest += part[: self._kept_bytes - len(self._rest)]
