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
from firmware.card.credential import Credential
from firmware.card.files import FIRST_GENERATION, Aid, Ef, Key, SigningKey
from firmware.faults import (
    MalformedCommand,
    MalformedResponse,
    RetryCounterLow,
    UnexpectedStatus,
    VerifyRefused,
)

MAX_FILE_BYTES = OFFSET_MAX + 1
# A reader with small buffers sends less than was asked; below a quarter, we stop waiting.
SLOWEST_SHARE = 4


def run(script: Script[T], transmit: Callable[[CommandApdu], ResponseApdu]) -> T:
    """Play a script to its end; faults of `transmit` end it, and close the script."""
    try:
        command = next(script)
        while True:
            command = script.send(transmit(command))
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


def select_key(key: Key) -> Script[None]:
    """Select the application of a key and then the key, so that VERIFY cannot hit another one."""
    yield from select_application(key.aid)
    (yield CommandApdu.select_ef(key.ef_id)).ok_or_fault(f"selecting {key.name}")


def exchange(command: CommandApdu) -> Script[ResponseApdu]:
    """One command that may be asked twice: follows 6Cxx once, and 61xx to the end.

    Never for VERIFY: a command that costs a try is sent once.
    """
    response = yield command
    exact = sw.exact_length(response.status_word)
    if exact is not None and command.le is not None:
        response = yield replace(command, le=exact)
    data = response.data
    for _ in range(1 + (command.le or 0) // SHORT_LE_MAX):
        waiting = sw.bytes_waiting(response.status_word)
        if waiting is None:
            break
        response = yield CommandApdu.get_response(waiting)
        data += response.data
    return ResponseApdu(data, response.status_word)


def read_binary(length: int, offset: int = 0, block: int = SHORT_LE_MAX) -> Script[bytes]:
    """Exactly `length` bytes of the selected file from `offset`, at most `block` at a time.

    `block` above 256 takes extended Le, which not every reader passes. MalformedResponse for
    empty, overlong or endlessly short answers, UnexpectedStatus for a file that is shorter (6B00).
    """
    content = b""
    rounds = SLOWEST_SHARE * -(-length // block)
    for _ in range(rounds):
        content += yield from _read_some(offset + len(content), min(block, length - len(content)))
        if len(content) == length:
            return content
    if length:
        raise MalformedResponse("the card sends the file in too small pieces")
    return content


def read_start(ef: Ef, length: int) -> Script[bytes]:
    """The first `length` bytes of a file, when the rest is of no use."""
    _refuse_off_limits(ef)
    yield from select_ef(ef)
    return (yield from read_binary(length))


def read_transparent_file(ef: Ef, block: int = SHORT_LE_MAX) -> Script[bytes]:
    """A whole file without the FF that pads it, in as few commands as `block` allows.

    The first block brings the header (BER-TLV or DER), the header the length. A file that was
    never written (FF or 00 throughout) is empty. MalformedCommand for a file that is off limits;
    MalformedResponse for a header that is none or a length beyond 32 KiB.
    """
    _refuse_off_limits(ef)
    yield from select_ef(ef)
    if ef.length is not None:
        return (yield from read_binary(ef.length, block=block))
    first = yield from _read_some(0, block)
    if first[:2] in (b"\xff\xff", b"\x00\x00"):
        return b""
    length = tlv.read_header(first).total_length
    if length > MAX_FILE_BYTES:
        raise MalformedResponse(f"{ef.name}: a file of {length} bytes cannot be")
    if length <= len(first):
        return first[:length]
    return first + (yield from read_binary(length - len(first), offset=len(first), block=block))


def query_tries(key: Key) -> Script[int | None]:
    """The tries left, at no cost; 0 is blocked, None is unlimited or not reported.

    9000 says that the key is open already, by a success that set its counter back. It is a fact
    about the counter and never a proof of anything: the digits still have to be presented.
    """
    yield from select_key(key)
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


def _read_some(offset: int, wanted: int) -> Script[bytes]:
    """One READ BINARY: at least one byte, at most `wanted`."""
    response = yield from exchange(CommandApdu.read_binary(offset, wanted))
    if response.status_word != sw.END_OF_FILE:
        response.ok_or_fault(f"reading at {offset}")
    if not 1 <= len(response.data) <= wanted:
        raise MalformedResponse(f"{len(response.data)} bytes came where {wanted} were wanted")
    return response.data


def _signature(response: ResponseApdu, doing: str) -> bytes:
    signature = response.data_or_fault(doing)
    if len(signature) != FIRST_GENERATION.signature_bytes:
        raise MalformedResponse(f"a signature of {len(signature)} bytes")
    return signature


def _refuse_off_limits(ef: Ef) -> None:
    if ef.off_limits:
        raise MalformedCommand(f"{ef.name} is never read")
