"""What is fuzzed: one row per parser, as a function that bytes go into and nothing comes out of.

A typed fault is a good answer. Whatever else is raised, or an assertion of the target that does
not hold, is a finding. Without atheris these functions replay a corpus just as well.

The modules of a row are those that decode: a run of the corpus must meet 95 % of their lines. A row
without a module is replayed as the others are, and its lines are not counted: what it decodes lies
in a library, or beside much that only writes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from answering import Answers, play, unpack
from joserfc.jwk import OKPKey

from firmware.card import authenticity, card_face, jpki, scripts, tlv
from firmware.card.apdu import INS_VERIFY, CommandApdu, ResponseApdu
from firmware.card.files import FIRST_GENERATION
from firmware.faults import (
    Fault,
    MalformedCommand,
    MalformedLog,
    MalformedPhoto,
    MalformedStatement,
    MalformedTrace,
    TraceMismatch,
)
from firmware.link import framing, messages
from firmware.match import jpeg2000
from firmware.statement import RSA_PKCS1_SHA256, Evidence, sign, verify
from firmware.testbench import log_formats, logs, pcapng, trace
from firmware.testbench.replayed_visit import replay_visit
from firmware.words import CardSigning, Outcome, PhotoAuthenticity
from hostdriver import codec
from hostdriver.api import StartParams
from hostdriver.eligibility import oqs_xml
from hostdriver.eligibility.acceptance import Case, objection_to
from hostdriver.eligibility.trust import Standing, Trust
from hostdriver.faults import MalformedAnswer, Refusal

CORPUS: Final = Path(__file__).with_name("corpus")
NONCE: Final = bytes(range(32))
SCRATCH: Final = os.memfd_create("fuzzed")
RECORDED_AT: Final = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
# Of nobody: its private half is RFC 8032's first example.
DEVICE_KEY: Final = OKPKey.import_key(
    {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
)
ISSUER_ID: Final = b"6000023\x08\x05001\x00\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class Target:
    """One parser: what is run on a stranger's bytes, and the modules whose lines must be met."""

    name: str
    run: Callable[[bytes], None]
    modules: tuple[str, ...]
    max_bytes: int = 4096


def fuzz_tlv(content: bytes) -> None:
    """What is walked fills the content; what is encoded is read back."""
    with suppress(MalformedCommand):
        encoded = tlv.encode(int.from_bytes(content[:3], "big"), content[3:])
        (again,) = tlv.walk(encoded)
        assert again.value == content[3:]
    with suppress(Fault):
        found = tlv.walk(content)
        assert b"".join(each.encoded for each in found) == content
        assert all(
            tlv.read_header(each.encoded).total_length == len(each.encoded) for each in found
        )
        assert repr(found)
        tlv.expect(content, *(each.tag for each in found[:2]))


def fuzz_card_face(content: bytes) -> None:
    """A face that is taken has dates of digits and a key of the card's size."""
    with suppress(Fault):
        face = card_face.parse(content)
        assert (face.birth_date + face.expiry + face.sex).isdigit()
        assert len(face.birth_date) == len(face.expiry) == 8
        assert face.public_key.key_size == FIRST_GENERATION.key_bits
        assert len(face.signed_hashes) == 3 * FIRST_GENERATION.hash_bytes
        assert face.photo in content


def fuzz_authenticity(content: bytes) -> None:
    """The face, the issuer's key, then a card's answers; only sound signatures are `verified`."""
    parts = unpack(content)
    with suppress(Fault):
        face = card_face.parse(next(parts, b""))
        issuer = card_face.parse_public_key(next(parts, b""))
        answers = Answers(parts)
        judgement = scripts.run(
            authenticity.authenticate(face, {ISSUER_ID: issuer}, NONCE), answers.transmit
        )
        verified = judgement.verdict is PhotoAuthenticity.VERIFIED
        assert verified == (judgement.reason is authenticity.Reason.ALL_CHECKED)


def fuzz_certificate(content: bytes) -> None:
    """A certificate gives a key of the card's size, or a typed fault; nothing signs for it."""
    digest = jpki.StatementDigest(hashlib.sha256(content).digest())
    with suppress(Fault):
        assert jpki.public_key(content).key_size == FIRST_GENERATION.key_bits
        jpki.verify_signature(content, digest, content[-FIRST_GENERATION.signature_bytes :])
        raise AssertionError("a signature of nobody was taken")


def fuzz_trace(content: bytes) -> None:
    """A trace that is read is written as it is read again."""
    with suppress(MalformedTrace):
        os.ftruncate(SCRATCH, 0)
        os.pwrite(SCRATCH, content, 0)
        read = trace.read_trace(Path(f"/proc/self/fd/{SCRATCH}"))
        again = trace.decode(trace.encode(read), "again")
        assert again == read and repr(read.exchanges)
        assert read.hidden <= len(content)
        for each in read.exchanges:
            hidden = trace.MaskedBytes.hiding(each.response.content, each.response.hidden)
            assert hidden == each.response


def fuzz_visit(content: bytes) -> None:
    """A visit on a stranger's trace: nothing that is hidden proves anything."""
    with suppress(MalformedTrace, TraceMismatch):
        read = trace.decode(content, "fuzzed")
        visited = replay_visit(read)
        assert visited.outcome is not Outcome.VERIFIED or not read.hidden


def fuzz_log(content: bytes) -> None:
    """What is imported can be written, read again and exported; no secret of a VERIFY is left."""
    lines = [*enumerate(content.decode("utf-8", "replace").split("\n"), start=1)]
    with suppress(MalformedLog):
        kind = log_formats.format_of(lines, "fuzzed")
        read = logs.imported(log_formats.READERS[kind](lines), "fuzzed", RECORDED_AT).trace
        again = trace.decode(trace.encode(read), "again")
        assert again == read and pcapng.export(again)
        for each in read.exchanges:
            if each.command.content[1] == INS_VERIFY:
                assert each.command.hidden >= set(range(5, len(each.command.content)))


def fuzz_apdu(content: bytes) -> None:
    """A command that is read means the same once it is written."""
    with suppress(Fault):
        command = CommandApdu.decode(content)
        assert CommandApdu.decode(command.encode()) == command
    with suppress(Fault):
        response = ResponseApdu.decode(content)
        assert response.encode() == content and repr(response)


def fuzz_jpeg2000(content: bytes) -> None:
    """A photo that is let through is of a size that we are willing to decode."""
    with suppress(MalformedPhoto):
        size = jpeg2000.photo_size(content)
        assert size.width * size.height <= jpeg2000.MAX_PIXELS
        assert min(size.width, size.height) >= jpeg2000.LEAST_SIDE


def fuzz_link(content: bytes) -> None:
    """Frames keep what they carry; messages are read back as they were written."""
    assert framing.FrameDecoder().feed(framing.wrap(content[:1000])) == [content[:1000]]
    for payload in (*framing.FrameDecoder().feed(content), content):
        with suppress(Fault):
            message = messages.decode(payload)
            assert messages.decode(messages.encode(message)) == message


def fuzz_statement(content: bytes) -> None:
    """A device's JWS, the certificate, the card's signature, and a payload that the device signs.

    What is taken is of that certificate, and of its card where it says so.
    """
    parts = unpack(content)
    compact, certificate, signature, payload = (next(parts, b"") for _ in range(4))
    for signed in (compact.decode("utf-8", "replace"), sign(payload, DEVICE_KEY)):
        algorithm = RSA_PKCS1_SHA256 if signature else None
        evidence = Evidence(signed, certificate, signature or None, algorithm)
        with suppress(MalformedStatement):
            stated = verify(evidence, DEVICE_KEY)
            assert stated.card_certificate_sha256 == hashlib.sha256(certificate).digest()
            assert (stated.card_signing is CardSigning.NONE) == (not signature)
            objection_to(Case(stated, stated.transaction_id, Standing(None), Trust(())))


def fuzz_oqs_xml(content: bytes) -> None:
    """An answer or a question that is read is written as it is read again."""
    with suppress(MalformedAnswer):
        reply = oqs_xml.read_reply(content)
        if not isinstance(reply.answer, MalformedAnswer):
            for encoding in oqs_xml.Encoding:
                again = oqs_xml.read_answer(oqs_xml.write_answer(reply.answer, encoding))
                assert again.validity is reply.answer.validity
                assert len(again.result_list) == len(reply.answer.result_list)
    with suppress(MalformedAnswer, Refusal):
        header, asked = oqs_xml.read_question(content)
        written = oqs_xml.write_question(header, asked, oqs_xml.Encoding.UTF_8)
        assert oqs_xml.read_question(written)[1] == asked


def fuzz_socket(content: bytes) -> None:
    """A line of the local socket is a request or a refusal."""
    with suppress(Refusal):
        request = codec.decode_request(content)
        if request.params is not None:
            codec.decode_params(request.params, StartParams)


def fuzz_answers(content: bytes) -> None:
    """The first part is what reception and patient do, the others what the card answers."""
    parts = unpack(content)
    play(next(parts, b""), Answers(parts))


TARGETS: Final = {
    target.name: target
    for target in (
        Target("tlv", fuzz_tlv, ("firmware.card.tlv",)),
        Target("card_face", fuzz_card_face, ("firmware.card.card_face",)),
        Target("authenticity", fuzz_authenticity, ("firmware.card.authenticity",), 8192),
        Target("certificate", fuzz_certificate, ()),
        Target("trace", fuzz_trace, ("firmware.testbench.trace",)),
        Target(
            "visit",
            fuzz_visit,
            ("firmware.testbench.replayed_visit", "firmware.testbench.visiting"),
            16384,
        ),
        Target("log", fuzz_log, ("firmware.testbench.log_formats",)),
        Target("apdu", fuzz_apdu, ()),
        Target(
            "jpeg2000",
            fuzz_jpeg2000,
            ("firmware.match.jpeg2000", "firmware.match.codestream"),
        ),
        Target("link", fuzz_link, ("firmware.link.framing", "firmware.link.messages")),
        Target("statement", fuzz_statement, ("firmware.statement",), 8192),
        Target("oqs_xml", fuzz_oqs_xml, ("hostdriver.eligibility.oqs_xml",)),
        Target("socket", fuzz_socket, ("hostdriver.codec",)),
        Target(
            "answers",
            fuzz_answers,
            ("firmware.card.scripts", "firmware.card.jpki"),
            16384,
        ),
    )
}
