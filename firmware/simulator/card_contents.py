"""What stands in each file of a virtual card, made from a patient, a portrait and the authorities.

Formats from public readings of real and test cards; each assumption is marked where it is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.card import files, tlv
from firmware.card.collation import birth_digits
from firmware.card.files import Aid, Ef, Key, SigningKey
from firmware.card.jpki import digest_info
from firmware.simulator import card_pictures as pictures
from firmware.simulator.authorities import KEY_IDS, Authorities, Role
from firmware.simulator.card_algorithms import PrivateKey, PublicKey, digest, sign
from firmware.simulator.card_certificates import (
    signature_certificate,
    user_authentication_certificate,
)
from firmware.simulator.card_image import (
    ALL_EFS,
    RESIDENT_KEY_REFERENCE,
    SIGNING_KEYS,
    TEXT_SESSION_KEY,
    UNKNOWN_EFS,
    CardImage,
    Secret,
)
from firmware.simulator.card_signing import sign_block
from firmware.simulator.card_verifiable import encode_public_key
from firmware.simulator.chip_kinds import CHIP_KINDS, ChipKind
from firmware.simulator.people import (
    Patient,
    card_expiry,
    card_facts,
    collation_number_b,
)
from firmware.simulator.world import World

# A number for demonstrations, the same on every card: nobody's Individual Number.
DEMONSTRATION_NUMBER: Final = "123456789018"
SIGNATURE_PASSWORD: Final = "TESTPASSWORD1"  # noqa: S105  the same on every virtual card
COMMON_PIN: Final = "1234"
MUNICIPALITY: Final = "13101"
NEVER_WRITTEN: Final = b"\xff" * 64  # assumed of a file that the issuer left empty
EF_UNIT: Final = 64  # assumed: files are padded with FF, to a whole number of such units


def make_image(patient: Patient, world: World) -> CardImage:
    """Personalise a card for the patient, of the generation of its kind; RSA keys are drawn anew.

    Everything else follows from patient, portrait, authorities and keys. Raises
    SimulationNotPrepared without authorities or portrait, UnknownPatient without a card.
    """
    kind = chip_kind(patient)
    authorities = Authorities(world.authorities, kind.profile)
    keys = {
        key: authorities.card_key(f"{patient.id}: {name}")
        for name, key in SIGNING_KEYS.items()
        if key.aid in kind.applications
    }
    return image_with(keys, patient, world)


def image_with(keys: Mapping[SigningKey, PrivateKey], patient: Patient, world: World) -> CardImage:
    """The card with these keys in its chip: the same inputs give the same files to the byte."""
    kind = chip_kind(patient)
    issue = Issue(patient, world, Authorities(world.authorities, kind.profile), keys)
    contents = {
        ef: padded(ef, content)
        for application, files_of in FILES_OF.items()
        if application in kind.applications
        for ef, content in files_of(issue).items()
    }
    unknown = {ef: bytes(16) for ef in UNKNOWN_EFS if ef.aid in kind.applications}
    return CardImage(
        patient_id=patient.id,
        files=contents | unknown,
        secrets=secrets_of(patient),
        private_keys=keys,
        terminal_root=issue.authorities.key(Role.TERMINAL_ROOT).public_key(),
        profile=kind.profile,
    )


def chip_kind(patient: Patient) -> ChipKind:
    """What the patient's card is made of; raises UnknownPatient where there is none."""
    card_facts(patient)
    return CHIP_KINDS[patient.kind]


@dataclass(frozen=True, slots=True)
class Issue:
    """One card on the issuer's desk."""

    patient: Patient
    world: World
    authorities: Authorities
    keys: Mapping[SigningKey, PrivateKey]

    def public(self, key: SigningKey) -> PublicKey:
        """The public half of a key in the chip."""
        return self.keys[key].public_key()


def padded(ef: Ef, content: bytes) -> bytes:
    """The file as it lies on the card: filled up with FF unless its length is fixed."""
    return content if ef.length else content + b"\xff" * (-len(content) % EF_UNIT)


def secrets_of(patient: Patient) -> dict[Key, Secret]:
    """Every value that VERIFY is compared with."""
    facts = card_facts(patient)
    number_b = collation_number_b(patient)
    values = {
        Key.BIRTH_DATE_CODE: birth_digits(patient.person.born, facts.printed_in),
        Key.COLLATION_NUMBER_B: number_b,
        Key.COLLATION_NUMBER_A: DEMONSTRATION_NUMBER,
        Key.TEXT_PIN: facts.pin,
        Key.TEXT_BLOCKED: "",
        Key.TEXT_COLLATION_NUMBER_A: DEMONSTRATION_NUMBER,
        Key.TEXT_COLLATION_NUMBER_B: number_b,
        Key.USER_AUTHENTICATION_PIN: facts.pin,
        Key.SIGNATURE_PASSWORD: SIGNATURE_PASSWORD,
        Key.COMMON_PIN: COMMON_PIN,
        Key.RESIDENT_REGISTER_PIN: COMMON_PIN,
        Key.JPKI_UNKNOWN: "",  # which no VERIFY can send
    }
    tries = {key: key.initial_tries for key in Key}
    tries[Key.USER_AUTHENTICATION_PIN] = facts.pin_tries_left
    return {key: Secret(values[key].encode(), tries[key]) for key in Key}


# --- 公的個人認証AP ----------------------------------------------------------------------------
def jpki_files(issue: Issue) -> dict[Ef, bytes]:
    """Token info, certificates and their authorities."""
    patient, authorities = issue.patient, issue.authorities
    serial = serial_number(patient)
    authentication = user_authentication_certificate(
        authorities, patient, issue.public(files.USER_AUTHENTICATION_KEY), serial
    )
    signing = signature_certificate(
        authorities, patient, issue.public(files.SIGNATURE_KEY), serial + 1
    )
    return {
        files.TOKEN_INFO: token_info(CHIP_KINDS[patient.kind].label),
        files.CERTIFICATE_STATUS: bytes.fromhex("8F8F00"),
        files.USER_AUTHENTICATION_CERTIFICATE: (
            authentication.public_bytes(Encoding.DER)
            if card_facts(patient).user_certificate
            else NEVER_WRITTEN
        ),
        files.USER_AUTHENTICATION_CA_CERTIFICATE: authorities.certificate(
            Role.USER_AUTHENTICATION_CA
        ).public_bytes(Encoding.DER),
        files.SIGNATURE_CERTIFICATE: signing.public_bytes(Encoding.DER),
        files.SIGNATURE_CA_CERTIFICATE: authorities.certificate(Role.SIGNATURE_CA).public_bytes(
            Encoding.DER
        ),
    }


def serial_number(patient: Patient) -> int:
    """Four bytes, the same for a patient each time; even, so that +1 is the signature's."""
    digest = hashlib.sha256(patient.id.encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFF_FFFE | 0x0100_0000


def token_info(label: str) -> bytes:
    """CK_TOKEN_INFO of PKCS #11 as 160 bytes, integers of 32 bits, big-endian."""
    text = f"{label:32}{'JPKI-TEST':32}{'KAZASHI':16}{'0000000000000000':16}".encode()
    flags, unavailable = 0x0000_040C, 0xFFFF_FFFF  # login required, user PIN set, token initialised
    numbers = (flags, 0, 0, 0, 0, 16, 4, *([unavailable] * 4))
    versions = bytes((2, 0, 1, 0))
    return text + b"".join(number.to_bytes(4, "big") for number in numbers) + versions + b"0" * 16


# --- 券面事項確認AP ----------------------------------------------------------------------------
def card_face_files(issue: Issue) -> dict[Ef, bytes]:
    """The face of the card and its proofs."""
    issuing_key = issue.authorities.key(Role.MUNICIPALITY)
    key = encode_public_key(issue.public(files.CARD_FACE_CHIP_KEY))
    born = f"{issue.patient.person.born:%Y%m%d}".encode()
    number_image = pictures.security_code(DEMONSTRATION_NUMBER[:4])
    basics = (
        tlv.encode(0xDF31, bytes.fromhex("06030E01")),
        tlv.encode(0xDF32, KEY_IDS[Role.MUNICIPALITY].value),
        tlv.encode(0xDF33, b"\x01"),
        tlv.encode(0xDF34, MUNICIPALITY.encode()),
    )
    return {
        files.AGE_RECORD: signed_record(
            0xFF10, ((0xDF11, born), (0xDF12, key)), 0xDF13, issuing_key
        ),
        files.CARD_FACE: card_face(issue.patient, issue.world, key, issuing_key),
        files.CARD_FACE_BASICS: tlv.encode(0xFF30, b"".join(basics)),
        files.CARD_FACE_CERTIFICATE: issue.authorities.municipality_certificate(
            Role.VISUAL_ISSUER
        ).encode(),
        files.NUMBER_IMAGE: signed_record(
            0xFF40, ((0xDF41, number_image), (0xDF42, key)), 0xDF43, issuing_key
        ),
        ALL_EFS["card face filler"]: b"\xff" * 16,
    }


def card_face(patient: Patient, world: World, chip_key: bytes, issuing_key: PrivateKey) -> bytes:
    """EF 0002, `FF20`. A card without a photo holds an empty DF27 (assumed)."""
    person, facts = patient.person, card_facts(patient)
    portrait = facts.gallery_portrait
    holder = (
        tlv.encode(0xDF22, f"{person.born:%Y%m%d}".encode()),
        tlv.encode(0xDF23, person.sex.value.encode()),
        tlv.encode(0xDF24, chip_key),
    )
    printed = (
        tlv.encode(0xDF25, pictures.line_of_text(person.name, person.romaji)),
        tlv.encode(0xDF26, pictures.line_of_text(person.address, "KAKU-SHI")),
    )
    photo = tlv.encode(0xDF27, pictures.photo_of(world.portrait(portrait)) if portrait else b"")
    return with_offsets(
        0xFF20,
        0xDF21,
        (
            *holder,
            *printed,
            photo,
            tlv.encode(0xDF28, card_face_signature(issuing_key, holder, printed, photo)),
            # The signature covers neither of these.
            tlv.encode(0xDF29, f"{card_expiry(patient):%Y%m%d}".encode()),
            tlv.encode(0xDF2A, pictures.security_code(facts.security_code)),
        ),
    )


def card_face_signature(
    key: PrivateKey, holder: Iterable[bytes], printed: Iterable[bytes], photo: bytes
) -> bytes:
    """Over three hashes side by side: PKCS #1 v1.5 under the OID of SHA-256 takes them as they are.

    ECDSA takes one hash, so there they are hashed once more (assumed of the next card).
    """
    parts = (b"".join(holder), b"".join(printed), photo)
    digests = b"".join(digest(key, part) for part in parts)
    if isinstance(key, rsa.RSAPrivateKey):
        return sign_block(key, digest_info(digests))
    return sign(key, digests)


def with_offsets(outer: int, table_tag: int, objects: tuple[bytes, ...]) -> bytes:
    """`outer{table, objects}`; the table holds where each object begins, counted from the file.

    The table's own size depends on nothing but the number of objects, the outer header's on the
    whole, so two passes suffice.
    """
    body = b"".join(objects)
    table = tlv.encode(table_tag, bytes(2 * len(objects)))
    header_length = len(tlv.encode(outer, table + body)) - len(table) - len(body)
    at, offsets = header_length + len(table), b""
    for each in objects:
        offsets += at.to_bytes(2, "big")
        at += len(each)
    return tlv.encode(outer, tlv.encode(table_tag, offsets) + body)


def signed_record(
    outer: int, fields: tuple[tuple[int, bytes], ...], signature_tag: int, key: PrivateKey
) -> bytes:
    """`outer{fields, signature}` with an ordinary signature over all fields before it."""
    body = b"".join(tlv.encode(tag, value) for tag, value in fields)
    return tlv.encode(outer, body + tlv.encode(signature_tag, sign(key, body)))


# --- 券面事項入力補助AP, 共通AP ------------------------------------------------------------------
def card_text_files(issue: Issue) -> dict[Ef, bytes]:
    """Number and 基本4情報 as text, with their proofs."""
    person, chip_key = issue.patient.person, issue.public(files.CARD_TEXT_CHIP_KEY)
    issuing_key = issue.authorities.key(Role.MUNICIPALITY)
    number = tlv.encode(0xFF10, DEMONSTRATION_NUMBER.encode()) + b"\xff\xff"
    fields = (
        tlv.encode(0xDF22, person.name.encode()),
        tlv.encode(0xDF23, person.address.encode()),
        tlv.encode(0xDF24, f"{person.born:%Y%m%d}".encode()),
        tlv.encode(0xDF25, person.sex.value.encode()),
    )
    hashes = (
        (0xDF31, hashlib.sha256(number).digest()),  # the whole file, its filler too
        (0xDF32, hashlib.sha256(b"".join(fields)).digest()),  # without the table of offsets
    )
    basics = (
        tlv.encode(0xDF41, bytes.fromhex("01030E01")),
        tlv.encode(0xDF42, KEY_IDS[Role.MUNICIPALITY].value),
        tlv.encode(0xDF43, bytes(128)),
    )
    return {
        files.NUMBER_TEXT: number,
        files.BASIC_FOUR: with_offsets(0xFF20, 0xDF21, fields),
        files.TEXT_INTEGRITY: signed_record(0xFF30, hashes, 0xDF33, issuing_key),
        files.TEXT_CERTIFICATE: issue.authorities.municipality_certificate(
            Role.TEXT_ISSUER
        ).encode(),
        files.TEXT_BASICS: tlv.encode(0xFF40, b"".join(basics)),
        # Assumed: the application's own key. Its private half is of no use, since how session keys
        # follow from the seed that it would decrypt is not public.
        TEXT_SESSION_KEY: tlv.encode(0xA1, encode_public_key(chip_key)),
        files.TEXT_PUBLIC_KEY: signed_record(
            0xFF50, ((0xDF51, encode_public_key(chip_key)),), 0xDF52, issuing_key
        ),
        ALL_EFS["text filler"]: b"\xff" * 16,
    }


def card_serial(patient: Patient) -> bytes:
    """Record 1 of 共通AP: `01 1C` and 28 digits: serial 15, municipality 5, expiry 8."""
    digits = f"{serial_number(patient):015d}{MUNICIPALITY}{card_expiry(patient):%Y%m%d}"
    return bytes((0x01, len(digits))) + digits.encode()


FILES_OF: Final[Mapping[Aid, Callable[[Issue], dict[Ef, bytes]]]] = {
    Aid.JPKI: jpki_files,
    Aid.CARD_FACE: card_face_files,
    Aid.CARD_TEXT: card_text_files,
    Aid.COMMON: lambda issue: {files.CARD_SERIAL: card_serial(issue.patient)},
    Aid.RESIDENT_REGISTER: lambda _issue: {
        RESIDENT_KEY_REFERENCE: KEY_IDS[Role.MUNICIPALITY].value
    },
}
"""Who makes the files of each application."""
