"""BER-TLV as this card uses it: headers, one level of siblings, encoding.

Strict and bounded, since the bytes are a stranger's: tags of one or two bytes, definite lengths of
at most three bytes, no recursion. A caller that knows of nesting walks the value once more.
Not DER: a length may be longer than it needs, because signatures cover the bytes as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware.faults import MalformedCommand, MalformedResponse

MAX_HEADER_BYTES = 6  # two of tag, 83, three of length
MAX_SIBLINGS = 64  # the largest file of the card has ten
_LONG_TAG = 0x1F
_MAX_LENGTH = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Header:
    """Tag and sizes of one object, in bytes."""

    tag: int
    header_length: int
    value_length: int

    @property
    def total_length(self) -> int:
        """Header and value together."""
        return self.header_length + self.value_length


@dataclass(frozen=True, slots=True, repr=False)
class Tlv:
    """One object. `encoded` is tag, length and value as they stood in the file, for signatures."""

    tag: int
    value: bytes
    encoded: bytes
    offset: int  # of the tag, within the content that was walked

    def __repr__(self) -> str:
        return f"Tlv({self.tag:02X}, {len(self.value)} bytes)"


def read_header(content: bytes, at: int = 0) -> Header:
    """Tag and length at `at`; the value need not be there yet. MalformedResponse if it is none.

    Two-byte tags whose second byte is below 1F are taken: the card has `DF11` and `FF10`.
    """
    tag_length = 2 if _byte(content, at) & _LONG_TAG == _LONG_TAG else 1
    if tag_length == 2 and _byte(content, at + 1) & 0x80:
        raise MalformedResponse("a tag of more than two bytes")
    tag = int.from_bytes(content[at : at + tag_length], "big")
    if tag == 0:
        raise MalformedResponse("a tag of zero")
    first = _byte(content, at + tag_length)
    if first < 0x80:
        return Header(tag, tag_length + 1, first)
    size = first & 0x7F
    if not 1 <= size <= 3:
        raise MalformedResponse(f"length byte {first:02X}: indefinite, or too long")
    length_bytes = content[at + tag_length + 1 : at + tag_length + 1 + size]
    if len(length_bytes) != size:
        raise MalformedResponse("the content ends within a length")
    return Header(tag, tag_length + 1 + size, int.from_bytes(length_bytes, "big"))


def walk(content: bytes) -> tuple[Tlv, ...]:
    """The siblings that fill `content` exactly; MalformedResponse for anything left over."""
    found: list[Tlv] = []
    at = 0
    while at < len(content):
        header = read_header(content, at)
        end = at + header.total_length
        if end > len(content):
            raise MalformedResponse(f"object {header.tag:02X} reaches past the end")
        if len(found) == MAX_SIBLINGS:
            raise MalformedResponse(f"more than {MAX_SIBLINGS} objects")
        found.append(Tlv(header.tag, content[at + header.header_length : end], content[at:end], at))
        at = end
    return tuple(found)


def expect(content: bytes, *tags: int) -> tuple[Tlv, ...]:
    """The siblings in `content`, which must be exactly `tags` in this order."""
    found = walk(content)
    if tuple(each.tag for each in found) != tags:
        wanted = " ".join(f"{tag:02X}" for tag in tags)
        raise MalformedResponse(f"{wanted} expected, and other objects found")
    return found


def encode(tag: int, value: bytes) -> bytes:
    """One object with the shortest length; MalformedCommand for a tag or size we could not read."""
    length = len(value)
    if length < 0x80:
        length_bytes = bytes((length,))
    elif length <= _MAX_LENGTH:
        size = (length.bit_length() + 7) // 8
        length_bytes = bytes((0x80 | size,)) + length.to_bytes(size, "big")
    else:
        raise MalformedCommand(f"a value of {length} bytes")
    if not 0 < tag <= 0xFFFF:
        raise MalformedCommand(f"tag {tag:X}")
    encoded = tag.to_bytes(2 if tag > 0xFF else 1, "big") + length_bytes + value
    try:
        header = read_header(encoded)
    except MalformedResponse as cause:
        raise MalformedCommand(f"tag {tag:X}") from cause
    if header.tag != tag:
        raise MalformedCommand(f"tag {tag:X}")
    return encoded


def _byte(content: bytes, at: int) -> int:
    if at >= len(content):
        raise MalformedResponse("the content ends within a header")
    return content[at]
