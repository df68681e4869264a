"""The dialogues that every application shares: select, read, the gate of VERIFY, sign.

Generators without a reader: a test is a list of responses. A script that works on a file expects
its application to be selected, since selecting it again would close the keys that are open;
`verify` alone selects everything itself, because both PINs of the card share one command and only
the selected file decides which of them is spent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from firmware.card import status_word as sw
from firmware.card import tlv
from firmware.card.apdu import OFFSET_MAX, SHORT_LE_MAX, CommandApdu, ResponseApdu, Script, T
from firmware.card.block_size import BlockSize
from firmware.card.credential import Credential
from firmware.card.files import FIRST_GENERATION, Aid, Ef, Key, SigningKey
from firmware.faults import (
    ExtendedLengthRefused,
    MalformedCommand,
    MalformedResponse,
    RetryCounterLow,
    UnexpectedStatus,
    VerifyRefused,
)

MAX_FILE_BYTES = OFFSET_MAX + 1
# A reader with small buffers sends less than was asked; below a quarter of a short block we stop.
SLOWEST_SHARE = 4
# Answers to READ BINARY that no other Le would change.
_NOT_FOR_LENGTH = frozenset({sw.SECURITY_NOT_SATISFIED, sw.FILE_NOT_FOUND})


def run(script: Script[T], transmit: Callable[[CommandApdu], ResponseApdu]) -> T:
    """Play a script to its end.

    Of the faults of `transmit` a script hears one, `ExtendedLengthRefused`; all others end it.
    """
    try:
        command = next(script)
        while True:
            try:
                response = transmit(command)
            except ExtendedLengthRefused as refusal:
                command = script.throw(refusal)
            else:
                command = script.send(response)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]
    finally:
        script.close()


def select_application(aid: Aid) -> Script[None]:
    """Select an application; this also closes the keys opened before it.

    One card in the field answered 6F00 to the first command after power-up, whatever it was: SELECT
    costs nothing, so it is asked once more.
    """
    command = CommandApdu.select_application(aid.value)
    response = yield command
    if response.status_word == sw.NO_DIAGNOSIS:
        response = yield command
    response.ok_or_fault(f"selecting {aid.name}")


def select_ef(ef: Ef | SigningKey) -> Script[None]:
    """Select a file or private key under the selected application."""
    (yield CommandApdu.select_ef(ef.ef_id)).ok_or_fault(f"selecting {ef.aid.name} {ef.ef_id:04X}")


def exchange(command: CommandApdu) -> Script[ResponseApdu]:
    """One command that may be asked twice: follows 6Cxx once, and 61xx to the end.

    Never for VERIFY: a command that costs a try is sent once.
    """
    response = yield command
    exact = sw.exact_length(response.status_word)
    if exact is not None and command.le is not None:
        response = yield replace(command, le=exact)
    data, slowest = response.data, SHORT_LE_MAX // SLOWEST_SHARE
    for asked in range(1 + (command.le or 0) // SHORT_LE_MAX):
        waiting = sw.bytes_waiting(response.status_word)
        if waiting is None or len(data) < (asked - 1) * slowest:
            break
        response = yield CommandApdu.get_response(waiting)
        data += response.data
    return ResponseApdu(data, response.status_word)


def read_binary(length: int, offset: int = 0, block: BlockSize | None = None) -> Script[bytes]:
    """Exactly `length` bytes of the selected file from `offset`, in blocks that the reader passes.

    MalformedResponse for empty, overlong or endlessly short answers, UnexpectedStatus for a file
    that is shorter (6B00).
    """
    block = block or BlockSize()
    content = b""
    for _ in range(SLOWEST_SHARE * -(-length // SHORT_LE_MAX)):
        wanted = min(block.le, length - len(content))
        response = yield from _read(CommandApdu.read_binary(offset + len(content), wanted), block)
        content += _content(response, wanted)
        if len(content) == length:
            return content
    if length:
        raise MalformedResponse("the card sends the file in too small pieces")
    return content


def read_start(ef: Ef, length: int, block: BlockSize | None = None) -> Script[bytes]:
    """The first `length` bytes of a file, when the rest is of no use.

    While nobody knows what the reader passes, more is asked for, to find out: at the start of a
    visit no key is open, and a reader that loses the card over it costs nothing.
    """
    block = block or BlockSize()
    wanted = min(length, block.le) if block.is_tried else max(length, block.le)
    first = yield from _open(ef, wanted, block)
    if len(first) >= length:
        return first[:length]
    return first + (yield from read_binary(length - len(first), len(first), block))


def read_transparent_file(ef: Ef, block: BlockSize | None = None) -> Script[bytes]:
    """A whole file without the FF that pads it, in as few commands as the reader's block allows.

    The first block brings the header (BER-TLV or DER), the header the length. A file that was
    never written (FF or 00 throughout) is empty. MalformedCommand for a file that is off limits;
    MalformedResponse for a header that is none or a length beyond 32 KiB.
    """
    block = block or BlockSize()
    if ef.length is not None:
        return (yield from read_start(ef, ef.length, block))
    first = yield from _open(ef, block.le, block)
    if first[:2] in (b"\xff\xff", b"\x00\x00"):
        return b""
    length = tlv.read_header(first).total_length
    if length > MAX_FILE_BYTES:
        raise MalformedResponse(f"{ef.name}: a file of {length} bytes cannot be")
    if length <= len(first):
        return first[:length]
    block.note_cut(len(first))
    return first + (yield from read_binary(length - len(first), len(first), block))


def query_tries(key: Key) -> Script[int | None]:
    """The tries left, at no cost; 0 is blocked, None is unlimited or not reported."""
    yield from select_application(key.aid)
    return (yield from query_tries_here(key))


def query_tries_here(key: Key) -> Script[int | None]:
    """The same when the key's application is selected already.

    9000 says that the key is open already, by a success that set its counter back. It is a fact
    about the counter and never a proof of anything: the digits still have to be presented.
    """
    (yield CommandApdu.select_ef(key.ef_id)).ok_or_fault(f"selecting {key.name}")
    status_word = (yield CommandApdu.query_retry_counter()).status_word
    if status_word == sw.SUCCESS:
        return key.initial_tries
    if status_word == sw.NO_COUNTER:
        return None
    if (tries := sw.tries_left(status_word)) is None:
        raise UnexpectedStatus(status_word, f"the query for the tries of {key.name}")
    return tries


def verify(key: Key, credential: Credential, tries_kept: int) -> Script[None]:
    """The gate: present a credential once, and only if more than `tries_kept` tries are left.

    `key.tries_kept` is the usual value; 0 for the PIN after the patient confirmed the last try.
    The credential is wiped whatever happens. Raises RetryCounterLow (nothing was spent),
    VerifyRefused (a try was), UnexpectedStatus, MalformedCommand for a credential of another key.
    """
    try:
        if key not in credential.opens:
            raise MalformedCommand(f"{credential!r} is not meant for {key.name}")
        tries = yield from query_tries(key)
        if tries is None or tries <= max(tries_kept, 0):
            raise RetryCounterLow(key.name, tries)
        response = yield CommandApdu.verify(credential)
    finally:
        credential.wipe()
    tries = sw.tries_left(response.status_word)
    if tries is not None:
        raise VerifyRefused(key.name, tries)
    response.ok_or_fault(f"VERIFY of {key.name}")


def compute_signature(key: SigningKey, digest_info: bytes) -> Script[bytes]:
    """Sign with a private key of the selected application; the key must be open."""
    yield from select_ef(key)
    response = yield from exchange(CommandApdu.compute_signature(digest_info))
    return _signature(response, f"signing with {key.aid.name} {key.ef_id:04X}")


def internal_signature(digest_info: bytes) -> Script[bytes]:
    """Sign with the selected application's own key (内部認証), which needs no PIN."""
    response = yield from exchange(CommandApdu.internal_signature(digest_info))
    return _signature(response, "signing with the chip's own key")


def _open(ef: Ef, wanted: int, block: BlockSize) -> Script[bytes]:
    """The first bytes of a file, at most `wanted`, and the file selected.

    By its short id, which saves a SELECT; by SELECT where the card refuses that.
    """
    if ef.off_limits:
        raise MalformedCommand(f"{ef.name} is never read")
    response = yield from _read(CommandApdu.read_by_short_id(ef.ef_id, wanted), block)
    if not _came(response) and response.status_word != sw.SECURITY_NOT_SATISFIED:
        yield from select_ef(ef)
        wanted = min(wanted, max(block.le, SHORT_LE_MAX))
        response = yield from _read(CommandApdu.read_binary(0, wanted), block)
    return _content(response, wanted)


def _read(command: CommandApdu, block: BlockSize) -> Script[ResponseApdu]:
    """READ BINARY, which may be asked again: once with a short Le if the long one is refused."""
    if not command.is_extended:
        return (yield from exchange(command))
    block.note_asked()
    try:
        response = yield from exchange(command)
    except ExtendedLengthRefused:
        pass
    else:
        if _came(response) or response.status_word in _NOT_FOR_LENGTH:
            block.note_passed(len(response.data))
            return response
    response = yield from exchange(replace(command, le=SHORT_LE_MAX))
    if _came(response):
        block.note_refused()
    return response


def _came(response: ResponseApdu) -> bool:
    return response.is_ok or response.status_word == sw.END_OF_FILE


def _content(response: ResponseApdu, wanted: int) -> bytes:
    """The data of a read: at least one byte, at most `wanted`."""
    if not _came(response):
        response.ok_or_fault("a read")
    if not 1 <= len(response.data) <= wanted:
        raise MalformedResponse(f"{len(response.data)} bytes came where {wanted} were wanted")
    return response.data


def _signature(response: ResponseApdu, doing: str) -> bytes:
    signature = response.data_or_fault(doing)
    if len(signature) != FIRST_GENERATION.signature_bytes:
        raise MalformedResponse(f"a signature of {len(signature)} bytes")
    return signature
