"""The first bytes of each target: right ones, which the fuzzer then makes wrong.

`python tests/fuzz/seeds.py DIR` writes a folder for each target. Keys are made anew in each run,
so what it writes differs; the corpus in this folder is one such run and what was found from it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]
sys.path[1:1] = [str(ROOT / "tests" / room) for room in ("card", "hostdriver_eligibility")]

import msgspec  # noqa: E402
from answering import NUMBER_B, Answers, pack, play, unpack  # noqa: E402
from card_dialogue import FileCard, answer  # noqa: E402
from card_issued import (  # noqa: E402
    face_file,
    face_objects,
    holder_certificate,
    issuing_certificate,
    key,
    public_key,
    raw_signature,
    tlv,
)
from office import ALL_GRANTED, INSURANCE, evidence_of, good_certificate, statement  # noqa: E402
from targets import DEVICE_KEY, ISSUER_ID, NONCE, RECORDED_AT  # noqa: E402
from terminal import ASKED  # noqa: E402

from firmware.card import authenticity, card_face, scripts  # noqa: E402
from firmware.card.apdu import CommandApdu, ResponseApdu  # noqa: E402
from firmware.faults import MalformedResponse  # noqa: E402
from firmware.link import framing  # noqa: E402
from firmware.statement import freeze, sign  # noqa: E402
from firmware.testbench import trace  # noqa: E402
from firmware.testbench.digits import Digits  # noqa: E402
from firmware.testbench.record import Recorder  # noqa: E402
from firmware.testbench.visit_context import draw_context  # noqa: E402
from firmware.testbench.visiting import BenchVisit  # noqa: E402
from firmware.words import CardSigning, Method  # noqa: E402
from hostdriver.eligibility.answer import (  # noqa: E402
    Eligibility,
    LimitApplicationCertificateRelatedInfo,
    MessageHeader,
    Validity,
)
from hostdriver.eligibility.oqs_xml import Encoding, write_answer, write_question  # noqa: E402

FACE = face_file(face_objects())
LABEL = b"JPKIAPICCTOKEN2".ljust(160)
SIZ = bytes.fromhex("FF4FFF51 0029 0000 000000F0 0000012C 00000000 00000000 000000F0 0000012C")
SIZ += bytes.fromhex("00000000 00000000 0001 070101")
CODING = bytes.fromhex(
    "FF52 000C 00 00 0001 00 05 04 04 00 01 FF53 000B 00 01 01 04 04 00 01 77 88"
)
TILE_PARTS = bytes.fromhex("FF90000A 0000 00000010 0002 FF93C080 FF90000A 0000 00000000 0102 FF93")
PICTURE = SIZ + CODING + TILE_PARTS + bytes(16)
BOXES = (
    bytes.fromhex("0000000C6A5020200D0A870A"),
    bytes.fromhex("00000014667479706A703220000000006A703220"),
    bytes.fromhex("0000002D6A703268 00000016 69686472 0000012C 000000F0 0001 07070000"),
    bytes.fromhex("0000000F636F6C720100000000 0011"),
)
TRACE = (ROOT / "tests" / "traces" / "virtual-card-face.jsonl").read_bytes()
LOGS = (
    b"""P:7; T:0x1 10:00:00.001 [x] card.c:1:match_atr_table: ATR     : 3b:80:80:01:01
P:7; T:0x1 10:00:00.002 [x] reader-pcsc.c:1:pcsc_transmit: reader 'a reader'
P:7; T:0x1 10:00:00.003 [x] reader-pcsc.c:1:pcsc_transmit:
Outgoing APDU (9 bytes):
00 20 00 80 04 30 30 30 30 . ...0000
P:7; T:0x1 10:00:00.004 [x] reader-pcsc.c:1:pcsc_transmit:
Incoming APDU (2 bytes):
90 00 ..
P:8; T:0x1 10:00:00.005 [x] y: Outgoing APDU (4 bytes):
00 20 00 80 ....
""",
    b"""00000001 [7] winscard.c:1:SCardConnect() Attempting Connect to a reader using protocol: 3
00000002 [7] readerfactory.c: x
00000003 [7] Card ATR: 3B 80 80 01 01
00000004 [7] APDU: 00 A4 04 0C 02 01 02
00000005 [7] SW: 90 00
00000006 [7] APDU: 00 B0 00 00 00 ...
00000007 [7] SW:
no line of it
""",
    b"""00000001 [7] winscard.c:1:SCardConnect() Attempting Connect to a reader using protocol: 3
00000001 [7] winscard.c:1:SCardConnect() Attempting Connect to another using protocol: 3
00000001 [7] winscard.c:1:SCardConnect() Direct access: no protocol selected
00000003 [7] Card ATR: 3B 80 80 01 01
00000004 [7] APDU: 00 A4 04 0C 02 01 02
00000005 [8] SW: 90 00
""",
)
REQUESTS = (
    b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":"1.0","client":"c"}}',
    b'{"jsonrpc":"2.0","id":"a","method":"transaction.start","params":{"client_ref":"r-1",'
    b'"nonce":"AAAAAAAAAAAAAAAAAAAAAA","purpose":"examination","timeout_s":60}}',
    b'{"jsonrpc":"2.0","method":"x","params":["1234-5678-9012",123456789012,{"a":null}]}',
    b'[{"jsonrpc":"2.0"}]',
    "１２３４５６７８９０１２".encode().join((b'{"a":"', b'"}')),
)


def chip(tries: str = "63C3", verdict: str = "9000", missing: int | None = None) -> FileCard:
    """A card of few bytes with real keys; `missing` is a file that it does not have."""

    def verify(command: CommandApdu) -> ResponseApdu:
        return answer(verdict if command.data else tries)

    def sign(command: CommandApdu) -> ResponseApdu:
        owner = "holder" if command.p2 else "chip"
        return ResponseApdu(raw_signature(owner, command.data), 0x9000)

    files = {0x0006: LABEL, 0x000A: holder_certificate(), 0x0002: FACE}
    files |= {0x0004: issuing_certificate(), 0x0012: b"", 0x0018: b"", 0x0017: b""}
    files.pop(missing or 0, None)
    return FileCard(files, {0x20: verify, 0x2A: sign})


def visit(plan: bytes, card: Callable[[CommandApdu], ResponseApdu]) -> bytes:
    """What the card says when `plan` is carried out, as one input for the target `answers`."""
    said: list[bytes] = []

    class Recorded(Answers):
        def transmit(self, command: CommandApdu) -> ResponseApdu:
            response = card(command)
            said.append(response.encode())
            self._answers = iter((response.encode(),))
            return super().transmit(command)

    play(plan, Recorded(iter(())))
    return pack([plan, *said])


class OnTheBench:
    """A card as the desk has one, every exchange recorded."""

    reader = "R"

    def __init__(self, card: Callable[[CommandApdu], ResponseApdu], recorder: Recorder) -> None:
        self._card, self._recorder = card, recorder

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        response = self._card(command)
        self._recorder.hear(command, response)
        return response

    def begin_transaction(self) -> None:
        """Nobody else is there."""

    def end_transaction(self) -> None:
        """Nobody else was there."""

    def close(self) -> None:
        """It goes on as it is."""


def recorded_visit(
    method: Method, card: Callable[[CommandApdu], ResponseApdu], *, nobodys: bool = True
) -> bytes:
    """The trace of a whole visit on a card."""
    recorder = Recorder(lambda: 0.0, synthetic_holder=nobodys)
    context = draw_context(1, RECORDED_AT, method)
    digits = Digits(NUMBER_B, b"0000" if method is Method.PIN else None)
    BenchVisit(lambda: OnTheBench(card, recorder), context, digits).play()
    return trace.encode(
        recorder.trace(reader="R", atr=b"\x3b\x80", recorded_at=RECORDED_AT, context=context)
    )


def stated(**changes: object) -> bytes:
    """One input for the target `statement`; the payload once more, for the fuzzer to change."""
    certificate = good_certificate()
    said = statement(None, certificate, **changes)
    payload = freeze(said)
    signature = evidence_of(said, certificate).card_signature or b""
    return pack([sign(payload, DEVICE_KEY).encode(), certificate, signature, payload])


def documents() -> Iterator[bytes]:
    """Answers and a question as a terminal writes them, and what no terminal should."""
    header = MessageHeader("20260105093012", "20260105", "0", segment_of_result="1")
    info = LimitApplicationCertificateRelatedInfo(limit_application_certificate_classification="1")
    result = msgspec.structs.replace(INSURANCE, limit_application_certificate_related_info=info)
    answered = Eligibility(Validity.VALID, header, "1", result_list=(INSURANCE, result))
    answered = msgspec.structs.replace(answered, qualification_confirm_search_info=ASKED)
    for encoding in Encoding:
        yield write_answer(answered, encoding)
        yield write_question(header, ASKED, encoding)
    short = write_answer(msgspec.structs.replace(answered, result_list=()), Encoding.UTF_8)
    wish = b"<PrescriptionIssueSelect>%d</PrescriptionIssueSelect>"
    yield short.replace(b"<ResultList", wish % 1 + b"<ResultList")
    both = write_answer(answered, Encoding.UTF_8)
    both = both.replace(b"<ResultList>", wish % 1 + b"<ResultList>")
    yield both.replace(b"</ResultOf", wish % 2 + b"</ResultOf", 1)
    yield short.replace(b"<QualificationValidity>1", b"<QualificationValidity>x")
    yield short.replace(b"<SegmentOfResult>1", b"<SegmentOfResult><a/>")
    yield short.replace(b"<MessageBody>", b"<MessageBody/><MessageBody>")
    yield short.replace(b"<MessageHeader>", b"<a>").replace(b"</MessageHeader>", b"</a>")
    yield short.replace(b"XmlMsg", b"Xml")
    yield short.replace("見".encode(), b"\xff") + b"\xff"
    yield short.replace(b"UTF-8", b"UTF-7")
    yield short[:-9]
    yield b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + short
    yield b"<a>" * 20 + b"</a>" * 20
    lost = "𠮷\N{VARIATION SELECTOR-17}"  # which Shift_JIS cannot carry
    yield both.replace(INSURANCE.insured_card_symbol.encode(), lost.encode())


def in_pieces(card: FileCard) -> Callable[[CommandApdu], ResponseApdu]:
    """The card behind a reader that passes no long length, wants the exact one, and hands long
    answers out in parts."""
    waiting: list[bytes] = []

    def transmit(command: CommandApdu) -> ResponseApdu:
        if command.ins == 0xC0:
            return ResponseApdu(waiting.pop(), 0x9000)
        response = card(command)
        if command.ins == 0x2A and response.is_ok:
            waiting.append(response.data)
            return ResponseApdu(b"", 0x6100)
        if command.ins == 0xB0 and (command.le or 0) > 256:
            return answer("6700")
        if command.ins == 0xB0 and command.le == 256:
            return ResponseApdu(b"", 0x6C80)
        return response

    return transmit


def crumbs(command: CommandApdu) -> ResponseApdu:
    """A card that reads out one byte at a time."""
    return answer("009000" if command.ins == 0xB0 else "9000")


def authenticity_input(certificate: bytes) -> bytes:
    """The face, the issuer's key, and the answers to the whole check."""
    said: list[bytes] = []
    card = chip()
    card.files = {**card.files, 0x0004: certificate}

    def transmit(command: CommandApdu) -> ResponseApdu:
        response = card(command)
        said.append(response.encode())
        return response

    face = card_face.parse(FACE)
    issuers = {ISSUER_ID: key("issuer").public_key()}
    with suppress(MalformedResponse):
        scripts.run(authenticity.authenticate(face, issuers, NONCE), transmit)
    return pack([FACE, public_key("issuer"), *said])


def seeds() -> Iterator[tuple[str, bytes]]:
    """(target, input), all of them."""
    yield "tlv", FACE[:4] + b"\x02\x01\x05"
    yield "tlv", bytes.fromhex("0201050401FF300402020100DF210000")
    yield "tlv", bytes.fromhex("3082000430020500")
    yield "card_face", FACE
    for error in (-1, 1):
        yield "card_face", face_file(face_objects(), error)
    right, body = issuing_certificate(), bytes(authenticity.BODY_BYTES)
    yield "authenticity", authenticity_input(right)
    yield (
        "authenticity",
        authenticity_input(tlv("7F21", tlv("5F4E", b"\x01") + tlv("5F37", b"\x01"))),
    )
    yield "authenticity", authenticity_input(tlv("7F21", tlv("5F4E", body) + tlv("5F37", b"\x01")))
    yield "certificate", holder_certificate()
    lines = TRACE.splitlines(keepends=True)
    yield "trace", b"".join(lines[:8])
    yield "trace", lines[0] + lines[2]
    yield "trace", lines[0].replace(b'"version":1', b'"version":2')
    yield "trace", b"{}\n" + b"[" * 2000
    yield "visit", recorded_visit(Method.FACE, chip(tries="63CA"))
    by_pin_alone = recorded_visit(Method.PIN, chip(tries="6984"))
    yield "visit", by_pin_alone.replace(b'"0020', b'"0021')
    (*_, last) = by_pin_alone.splitlines()
    yield (
        "visit",
        by_pin_alone
        + last.replace(b'"n":%d' % (n := by_pin_alone.count(b"\n") - 1), b'"n":%d' % (n + 1)),
    )
    yield "visit", recorded_visit(Method.PIN, chip(tries="63CA"))
    yield "visit", recorded_visit(Method.PIN, chip(tries="63CA"), nobodys=False)
    yield "visit", recorded_visit(Method.PIN, chip(tries="6984"), nobodys=False)
    yield "visit", recorded_visit(Method.PIN, chip(missing=0x000A)).replace(b"2026-", b"9999-")
    yield (
        "visit",
        recorded_visit(Method.PIN, chip(missing=0x000A)).replace(
            b'"counter":"1"', b'"counter":"-1"'
        ),
    )
    yield (
        "visit",
        recorded_visit(Method.PIN, chip(missing=0x000A)).replace(
            b'"method":"pin"', b'"method":"staff"'
        ),
    )
    yield "visit", b"".join(lines[:3])
    for log in LOGS:
        yield "log", log
    yield "apdu", bytes.fromhex("00A4040C0AD392F000260100000001")
    yield "apdu", bytes.fromhex("802A008000000401020304 0100")
    yield "jpeg2000", PICTURE
    yield "jpeg2000", b"".join(BOXES) + (8 + len(PICTURE)).to_bytes(4, "big") + b"jp2c" + PICTURE
    yield "jpeg2000", b"".join(BOXES) + bytes(4) + b"jp2c" + PICTURE
    yield "jpeg2000", SIZ + CODING + TILE_PARTS[:16] + b"\xff\xd9"
    yield "jpeg2000", SIZ + CODING[14:] + TILE_PARTS
    yield "jpeg2000", SIZ + TILE_PARTS + bytes(16)
    yield "jpeg2000", SIZ + CODING * 9 + TILE_PARTS
    yield "jpeg2000", SIZ + CODING + b"\xff\x64\x00\x02" * 300
    yield "jpeg2000", SIZ + CODING.replace(b"\x00\x05", b"\x00\xff") + TILE_PARTS
    yield "jpeg2000", SIZ + CODING + TILE_PARTS[:8] + b"\xff" + TILE_PARTS[9:]
    yield "jpeg2000", SIZ + CODING + TILE_PARTS[12:]
    long = (16 + len(PICTURE)).to_bytes(8, "big")
    yield "jpeg2000", BOXES[0] + b"\x00\x00\x00\x01jp2c" + long + PICTURE
    yield "statement", stated()
    yield "statement", stated(card_signing=CardSigning.NONE, method=Method.STAFF, staff_id="s")
    yield "statement", stated(consents=ALL_GRANTED * 2)
    certificate, payload = good_certificate(), freeze(statement(None, good_certificate()))
    yield "statement", pack([b"a.b.c", certificate, b"", payload])
    yield "statement", pack([b"x" * 33_000, certificate, bytes(256), payload])
    yield "statement", pack([b"", b"\x30", bytes(256), payload])
    yield "statement", pack([b"", b"\x30", bytes(256), freeze(statement(None, b"\x30"))])
    unsigned = freeze(statement(None, b"\x30", card_signing=CardSigning.NONE))
    yield "statement", pack([b"", b"\x30", bytes(256), unsigned])
    yield "statement", pack([b"", b"\x30", b"", b"{}"])
    for document in documents():
        yield "oqs_xml", document
    yield "link", framing.wrap(b'{"type":"heartbeat"}') + framing.wrap(bytes(300))
    yield "link", b'{"type":"heartbeat"}'
    for request in REQUESTS:
        yield "socket", request
    by_pin, by_face = bytes((0, 4, 2, 3, 4, 5, 6)), bytes((0, 1, 1, 4, 5))
    # The shortest way to a PIN: what kind of card it is, need not be known.
    shortest = ("0003", "6A82", "9000", "9000", "63C3", "9000")
    yield "answers", pack([bytes.fromhex(part) for part in shortest])
    yield "answers", visit(by_pin, chip())
    yield "answers", visit(by_pin, in_pieces(chip()))
    yield "answers", visit(by_face, chip(tries="9000"))
    yield "answers", visit(by_pin, chip(tries="63C1"))
    yield "answers", visit(bytes((0, 2, 0x83)), chip(tries="63C1", verdict="63C0"))
    yield "answers", visit(by_face, chip(tries="63CA", verdict="63C9"))
    yield "answers", visit(by_face, chip(tries="6984"))
    yield "answers", visit(bytes((0, 4)), chip(missing=0x000A))
    yield "answers", visit(bytes((0, 1)), chip(missing=0x0002))
    yield "answers", visit(bytes((0, 1, 5)), lambda _command: answer("6A82"))
    yield "answers", visit(bytes((0, 7, 8, 6, 0)), chip())
    yield "answers", visit(bytes((0,)), crumbs)
    yield "answers", visit(bytes((0, 0)), lambda _command: answer("6F00"))


def main(folder: Path) -> None:
    """Write them, numbered."""
    for number, (target, content) in enumerate(seeds()):
        assert list(unpack(pack([NUMBER_B, content]))) == [NUMBER_B, content]
        (folder / target).mkdir(parents=True, exist_ok=True)
        (folder / target / f"seed-{number:02d}").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
