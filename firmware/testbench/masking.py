"""What of a dialogue may be written down: of a person's card neither secrets nor the person's data.

Shown is what is known to be harmless, and all else is masked: a file that we do not know, an answer
that could not be followed. Of the card face the skeleton stays (tags, lengths, offset table, the
chip's public key), so that its reading can be played again. Its signature is masked as well: the
issuer's key opens it, and from the hash inside, the birth date is found by trying them all.

The user authentication certificate is kept: no name stands in it. Its serial number is still one
person's, so that a real holder's trace is lent, never published.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from firmware.card import card_face, files, tlv
from firmware.card.apdu import SECRET_INSTRUCTIONS, CommandApdu
from firmware.card.files import Ef
from firmware.faults import MalformedResponse
from firmware.testbench.following import (
    GET_RESPONSE,
    READ_BINARY,
    SELECT,
    Followed,
    Heard,
    Place,
    decoded,
    followed,
)
from firmware.testbench.trace import Exchange, MaskedBytes
from firmware.testbench.wording import tell

GET_CHALLENGE: Final = 0x84

# Files without a word about the holder. What is not listed is masked.
HARMLESS_FILES: Final = frozenset(
    {
        files.TOKEN_INFO,
        files.CERTIFICATE_STATUS,
        files.USER_AUTHENTICATION_CERTIFICATE,
        files.USER_AUTHENTICATION_CA_CERTIFICATE,
        files.SIGNATURE_CA_CERTIFICATE,
        files.CARD_FACE_BASICS,
        files.CARD_FACE_CERTIFICATE,
        files.TEXT_CERTIFICATE,
        files.TEXT_BASICS,
    }
)
# The data of SELECT is a name; the answers of these are a description and random bytes.
HARMLESS_COMMANDS: Final = frozenset({SELECT})
HARMLESS_ANSWERS: Final = frozenset({SELECT, GET_CHALLENGE})
CARD_FACE_SKELETON: Final = frozenset({card_face.OFFSETS, card_face.PUBLIC_KEY})
PADDING: Final = 0xFF


def without_secret(encoded: bytes) -> MaskedBytes:
    """A command's bytes without a PIN or collation number: the only form in which one of a person
    is kept."""
    command = decoded(encoded)
    if command is None:
        return MaskedBytes.hiding(encoded, frozenset(range(4, len(encoded))))
    # The odd instruction of each pair carries the same data in TLV (ISO/IEC 7816-4).
    secret = bool(command.data) and command.ins & 0xFE in SECRET_INSTRUCTIONS
    if not secret:
        return MaskedBytes(encoded)
    # To the very end: what looks like Le may be a digit that a wrong Lc left out.
    start = min(_data_of(encoded, command))
    return MaskedBytes.hiding(encoded, frozenset(range(start, len(encoded))))


def mask(heard: Iterable[Heard], *, synthetic_holder: bool) -> tuple[Exchange, ...]:
    """The exchanges as they may be written. `synthetic_holder` keeps what is left of them."""
    dialogue = list(followed(heard))
    face_shown = _skeleton(_content_of(files.CARD_FACE, dialogue))
    exchanges: list[Exchange] = []
    for each, command, place in dialogue:
        hidden, encoded = each.command.hidden, each.response.encode()
        answer_hidden: frozenset[int] = frozenset()
        if not synthetic_holder:
            if command is not None and command.ins not in HARMLESS_COMMANDS:
                hidden |= _data_of(each.command.content, command)
            size = len(each.response.data)
            answer_hidden = frozenset(range(size)) - _shown(command, place, size, face_shown)
        exchanges.append(
            Exchange(
                each.at_ms,
                MaskedBytes.hiding(each.command.content, hidden),
                MaskedBytes.hiding(encoded, answer_hidden),
                str(tell(command, each.response, place)),
                each.fresh,
            )
        )
    return tuple(exchanges)


def _data_of(encoded: bytes, command: CommandApdu) -> frozenset[int]:
    """Where the data stands in a command's bytes."""
    if not command.data:
        return frozenset()
    start = 5 if encoded[4] else 7  # after a length of one byte, or of three
    return frozenset(range(start, start + len(command.data)))


def _shown(
    command: CommandApdu | None, place: Place, size: int, face_shown: frozenset[int]
) -> frozenset[int]:
    """Which bytes of an answer may be shown."""
    if command is None:
        return frozenset()
    everything = frozenset(range(size))
    if command.ins in HARMLESS_ANSWERS:
        return everything
    if command.ins not in (READ_BINARY, GET_RESPONSE):
        return frozenset()
    if place.ef in HARMLESS_FILES:
        return everything
    if place.ef is files.CARD_FACE:
        return frozenset(at for at in everything if place.offset + at in face_shown)
    return frozenset()


def _content_of(ef: Ef, dialogue: Iterable[Followed]) -> bytes:
    """What was read of a file from its beginning to the first gap; nothing if reads disagree."""
    parts = sorted(
        (place.offset, each.response.data)
        for each, command, place in dialogue
        if place.ef is ef and command and command.ins in (READ_BINARY, GET_RESPONSE)
    )
    content = b""
    for offset, data in parts:
        if offset > len(content):
            break
        known = content[offset : offset + len(data)]
        if known != data[: len(known)]:
            return b""
        content += data[len(known) :]
    return content


def _skeleton(face: bytes) -> frozenset[int]:
    """The offsets of the card face that say nothing of its holder.

    Every header, the values of `CARD_FACE_SKELETON`, the padding. The walk ends at the first thing
    that it does not understand, and what comes after is not shown.
    """
    shown: set[int] = set()
    try:
        outer = tlv.read_header(face)
        if outer.tag != card_face.TAG:
            return frozenset()
        shown.update(range(outer.header_length))
        at = outer.header_length
        while at < outer.total_length:
            header = tlv.read_header(face, at)
            if header.tag not in card_face.TAGS:
                break
            told = header.total_length if header.tag in CARD_FACE_SKELETON else header.header_length
            shown.update(range(at, at + told))
            at += header.total_length
        else:
            shown.update(i for i in range(at, len(face)) if face[i] == PADDING)
    except MalformedResponse:
        pass  # cut short, or no card face: what was understood so far is all that is shown
    return frozenset(shown)
