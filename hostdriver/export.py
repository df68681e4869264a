"""A section of the ledger as JSON Lines that anybody can check without the driver. Pure.

The first line is the head that the section begins behind, then come the rows, `facts` to the byte
as the hash covers it, and the last line holds the driver's signature over both ends of the section,
the signed head of the whole ledger at that moment, and the public key. The key is there to be
compared with one that is pinned; by itself it only shows that the lines belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from hostdriver.api import LedgerGap
from hostdriver.chain import Head, Row, Walk, section_to_be_signed, signed_by
from hostdriver.faults import ChainBroken
from hostdriver.translate import public_jwk

FORMAT: Final = 1
Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Line(msgspec.Struct, frozen=True, tag_field="line"):
    """One line of an export. Bytes are base64; `sequence` and `hash` are those of a row."""

    sequence: Sequence
    hash: bytes


class Begin(Line, frozen=True, tag="begin"):
    """The head that the rows stand behind; sequence 0 is the ledger's beginning."""

    format: int


class RowLine(Line, frozen=True, tag="row"):
    """One row."""

    at: str
    kind: str
    facts: msgspec.Raw


class End(Line, frozen=True, tag="end"):
    """The last row's head, signed as this section's end, and the head of the whole ledger."""

    signature: bytes
    head_sequence: Sequence
    head_hash: bytes
    head_signature: bytes
    key: dict[str, str]


class FileReport(msgspec.Struct, frozen=True):
    """What a ledger or an export is worth: `ok` when it is whole and signed.

    `first` and `last` are the rows that it holds; `head` is the ledger's last row when it was
    written; `key` is the thumbprint of the key that signed. `pinned` is false while nobody but the
    file itself vouches for that key.
    """

    ok: bool
    rows: int
    first_bad: int | None
    reason: str | None
    gaps: tuple[LedgerGap, ...]
    first: int | None = None
    last: int | None = None
    head: int | None = None
    key: str | None = None
    pinned: bool = False


_DECODER: Final = msgspec.json.Decoder(Begin | RowLine | End)


def lines(
    after: Head,
    rows: Iterable[Row],
    ledger_end: Callable[[], tuple[Head, bytes]],
    key: Ed25519PrivateKey,
) -> Iterator[bytes]:
    """The export of `rows`, which stand behind `after`, without line ends.

    `ledger_end` is asked after the last row for the signed head.
    """
    last = after
    yield msgspec.json.encode(Begin(after.sequence, after.hash, FORMAT))
    for row in rows:
        facts = msgspec.Raw(row.facts.encode())
        yield msgspec.json.encode(RowLine(row.sequence, row.hash, row.at, row.kind, facts))
        last = Head(row.sequence, row.hash)
    head, head_signature = ledger_end()
    yield msgspec.json.encode(
        End(
            last.sequence,
            last.hash,
            key.sign(section_to_be_signed(after, last)),
            head.sequence,
            head.hash,
            head_signature,
            public_jwk(jwk_of(key.public_key())),
        )
    )


def check(content: Iterable[bytes], pinned: Ed25519PublicKey | None) -> FileReport:
    """Check an export line by line, by the pinned key or else by the one that it names."""
    walk: Walk | None = None
    try:
        read = _read(content)
        begin = next(read)
        assert isinstance(begin, Begin)
        after = Head(begin.sequence, begin.hash)
        walk = Walk(after)
        for line in read:
            if isinstance(line, End):
                return _report(after, walk, line, pinned)
            assert isinstance(line, RowLine)
            walk.take(_row(line))
    except ChainBroken as broken:
        held = walk.head.sequence - after.sequence if walk else 0
        return FileReport(False, held, broken.first_bad or None, str(broken), ())
    raise AssertionError("an export's lines end with its end")


def jwk_of(key: Ed25519PublicKey) -> OKPKey:
    """The public key as a JWK."""
    return OKPKey.import_key(
        key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _read(content: Iterable[bytes]) -> Iterator[Line]:
    """A begin, rows, one end, and nothing else. Raises `ChainBroken`."""
    line: Line | None = None
    row = 0
    for text in content:
        if isinstance(line, End):
            raise ChainBroken(row, "lines follow the export's end")
        before, line = line, _decode(text, row)
        if isinstance(line, Begin) != (before is None):
            raise ChainBroken(row, "an export has one beginning, its first line")
        row = line.sequence + 1
        if not isinstance(line, End):
            yield line
    if not isinstance(line, End):
        raise ChainBroken(row, "the export has no end: it was cut off")
    yield line


def _decode(text: bytes, row: int) -> Line:
    try:
        line: Line = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise ChainBroken(row, f"no line of an export: {cause}") from cause
    if isinstance(line, Begin) and line.format != FORMAT:
        raise ChainBroken(row, f"an export of format {line.format}; this program knows {FORMAT}")
    return line


def _row(line: RowLine) -> Row:
    try:
        facts = bytes(line.facts).decode()
    except UnicodeDecodeError as cause:
        raise ChainBroken(line.sequence, f"no text: {cause}") from cause
    return Row(line.sequence, line.at, line.kind, facts, line.hash)


def _report(after: Head, walk: Walk, end: End, pinned: Ed25519PublicKey | None) -> FileReport:
    if (last := Head(end.sequence, end.hash)) != walk.head:
        raise ChainBroken(walk.head.sequence + 1, "the end is not that of the last row")
    key = pinned or _named_key(end)
    head = Head(end.head_sequence, end.head_hash)
    if not signed_by(key, end.signature, section_to_be_signed(after, last)):
        raise ChainBroken(last.sequence, "the export is not signed by that key")
    if head.sequence and not signed_by(key, end.head_signature, head.to_be_signed()):
        raise ChainBroken(last.sequence, "the ledger's head is not signed by that key")
    if head.sequence < last.sequence:
        raise ChainBroken(last.sequence, "the export has rows behind the ledger's head")
    gaps = tuple(walk.gaps)
    return FileReport(
        ok=not gaps,
        rows=last.sequence - after.sequence,
        first_bad=None,
        reason="statements are missing" if gaps else None,
        gaps=gaps,
        first=after.sequence + 1 if last != after else None,
        last=last.sequence if last != after else None,
        head=head.sequence,
        key=jwk_of(key).thumbprint(),
        pinned=pinned is not None,
    )


def _named_key(end: End) -> Ed25519PublicKey:
    try:
        return public_key_of(end.key)
    except ValueError as cause:
        raise ChainBroken(end.sequence, str(cause)) from cause


def public_key_of(jwk: dict[str, str]) -> Ed25519PublicKey:
    """The Ed25519 public key in a JWK. Raises `ValueError`."""
    try:
        key = OKPKey.import_key({**jwk}).public_key
    except (JoseError, ValueError, KeyError, TypeError) as cause:
        raise ValueError(f"no Ed25519 key: {cause}") from cause
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no Ed25519 key")
    return key
