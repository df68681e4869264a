"""What stands on a virtual card, read with the firmware's readers and with openssl."""

from __future__ import annotations

import datetime as dt
import io
import stat
import subprocess
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from personalised import CARD_TEXT, NUMBER_B, Terminal, draw_portrait, image, world
from PIL import Image

from firmware.card import authenticity, card_face, files, jpki, scripts, tlv
from firmware.card.credential import CollationNumberB
from firmware.faults import SimulationNotPrepared, UnknownPatient
from firmware.simulator.authorities import KEY_IDS, Authorities, Role
from firmware.simulator.card_contents import make_image, with_offsets
from firmware.simulator.card_image import IMAGE_FILE, load
from firmware.simulator.expectations import EXPECTED
from firmware.simulator.patients import PATIENTS, STRANGERS, find, live_portrait
from firmware.simulator.people import (
    Patient,
    birthday_after,
    card_expiry,
    certificate_expiry,
    collation_number_b,
)
from firmware.simulator.world import World
from firmware.simulator.world_making import ensure_image, recipe_of
from firmware.words import Method, Outcome, PhotoAuthenticity
from hostdriver.eligibility.answer import Validity

WITH_CARD = [patient for patient in PATIENTS if patient.card is not None]
NONCE = bytes(range(16))


def certificate(ef: files.Ef, patient_id: str = "valid") -> x509.Certificate:
    return x509.load_der_x509_certificate(image(patient_id).content(ef))


def read_face(reader: Terminal) -> card_face.CardFace:
    return scripts.run(card_face.read_card_face(CollationNumberB.parse(NUMBER_B)), reader.send)


# --- the card face -----------------------------------------------------------------------------
def test_firmware_reads_the_face_and_finds_it_authentic() -> None:
    reader = Terminal()
    face = read_face(reader)
    issuer = Authorities(world().authorities).key(Role.VISUAL_ISSUER).public_key()
    keys = {KEY_IDS[Role.VISUAL_ISSUER].value: issuer}
    judgement = scripts.run(authenticity.authenticate(face, keys, NONCE), reader.send)
    assert judgement.verdict is PhotoAuthenticity.VERIFIED
    assert (face.birth_date, face.sex, face.expiry) == ("19800217", "1", "20350217")
    assert reader.card.report().verifies_sent == 1


def test_issuer_of_the_text_application_does_not_certify_the_face() -> None:
    reader = Terminal()
    face = read_face(reader)
    wrong = Authorities(world().authorities).key(Role.TEXT_ISSUER).public_key()
    keys = {KEY_IDS[Role.VISUAL_ISSUER].value: wrong}
    judgement = scripts.run(authenticity.authenticate(face, keys, NONCE), reader.send)
    assert judgement.verdict is PhotoAuthenticity.FORGED


def test_photo_is_a_grey_jp2_of_a_few_kilobytes() -> None:
    photo = read_face(Terminal()).photo
    assert photo.startswith(bytes.fromhex("0000000C6A502020"))
    assert 1000 < len(photo) < 8000
    with Image.open(io.BytesIO(photo)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG2000", "L", (240, 320))


def test_card_without_a_photo_is_signed_all_the_same() -> None:
    reader = Terminal("no_photo")
    number = CollationNumberB.parse(collation_number_b(find("no_photo")))
    face = scripts.run(card_face.read_card_face(number), reader.send)
    assert face.photo == b""
    judgement = scripts.run(authenticity.authenticate(face, {}, NONCE), reader.send)
    assert judgement.reason is authenticity.Reason.NO_ISSUER_KEYS


def test_every_record_is_signed_by_the_municipality() -> None:
    reader = Terminal()
    reader.select(CARD_TEXT)
    certificate_file = scripts.read_transparent_file(files.TEXT_CERTIFICATE)
    issuing = authenticity.parse_certificate(scripts.run(certificate_file, reader.send))
    for ef in (files.AGE_RECORD, files.NUMBER_IMAGE, files.TEXT_INTEGRITY, files.TEXT_PUBLIC_KEY):
        (outer,) = tlv.walk(image("valid").content(ef))
        *fields, signature = tlv.walk(outer.value)
        signed = b"".join(field.encoded for field in fields)
        issuing.public_key.verify(signature.value, signed, padding.PKCS1v15(), SHA256())


def test_integrity_record_has_the_hashes_of_the_text_files() -> None:
    contents = image("valid").files
    (outer,) = tlv.walk(image("valid").content(files.TEXT_INTEGRITY))
    number_hash, fields_hash, _ = tlv.walk(outer.value)
    (basic_four,) = tlv.walk(image("valid").content(files.BASIC_FOUR))
    table, *fields = tlv.walk(basic_four.value)
    assert len(contents[files.NUMBER_TEXT]) == 17
    assert number_hash.value == sha256(contents[files.NUMBER_TEXT]).digest()
    assert fields_hash.value == sha256(b"".join(each.encoded for each in fields)).digest()
    assert fields[0].value.decode() == "試験　太郎"
    assert len(table.value) == 2 * len(fields)


def test_offsets_point_at_their_objects_however_long_the_file_is() -> None:
    for size in (1, 100, 200, 300, 9000):
        objects = (tlv.encode(0xDF22, bytes(size)), tlv.encode(0xDF23, b"x"))
        content = with_offsets(0xFF20, 0xDF21, objects)
        (outer,) = tlv.walk(content)
        table = tlv.walk(outer.value)[0].value
        for at, each in zip((table[:2], table[2:]), objects, strict=True):
            start = int.from_bytes(at, "big")
            assert content[start : start + len(each)] == each


# --- certificates ------------------------------------------------------------------------------
def test_certificates_are_their_authorities() -> None:
    for leaf, authority in (
        (files.USER_AUTHENTICATION_CERTIFICATE, files.USER_AUTHENTICATION_CA_CERTIFICATE),
        (files.SIGNATURE_CERTIFICATE, files.SIGNATURE_CA_CERTIFICATE),
    ):
        certificate(leaf).verify_directly_issued_by(certificate(authority))
        certificate(authority).verify_directly_issued_by(certificate(authority))


def test_openssl_verifies_the_chain(tmp_path: Path) -> None:
    Authorities(world().authorities).write_public(tmp_path)
    leaf = tmp_path / "leaf.der"
    leaf.write_bytes(image("valid").content(files.USER_AUTHENTICATION_CERTIFICATE))
    pem = subprocess.run(
        ("openssl", "x509", "-inform", "der", "-in", leaf), capture_output=True, check=True
    )
    (tmp_path / "leaf.pem").write_bytes(pem.stdout)

    def verdict(authority: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (
                *("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-attime"),
                str(int(dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp())),
                *("-CAfile", tmp_path / f"{authority}.pem", tmp_path / "leaf.pem"),
            ),
            capture_output=True,
            text=True,
            check=False,
        )

    assert verdict("user-authentication-ca").stdout.strip().endswith(": OK")
    assert verdict("signature-ca").returncode != 0


def test_authentication_certificate_names_nobody() -> None:
    found = certificate(files.USER_AUTHENTICATION_CERTIFICATE)
    person = find("valid").person
    content = image("valid").files[files.USER_AUTHENTICATION_CERTIFICATE]
    for fact in (person.name, person.address, person.romaji, f"{person.born:%Y%m%d}"):
        assert fact.encode() not in content
    assert found.subject.rfc4514_string().count("=") == 2  # country and a number
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert found.extensions.get_extension_for_class(x509.KeyUsage).critical
    points = found.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert all(
        isinstance(name, x509.DirectoryName) for point in points for name in point.full_name or []
    )


def test_signature_certificate_carries_the_holder() -> None:
    found = certificate(files.SIGNATURE_CERTIFICATE, "pin_blocked")
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    holder = {
        name.type_id.dotted_string.rsplit(".", 1)[1]: tlv.walk(name.value)[0].value.decode()
        for name in names
        if isinstance(name, x509.OtherName)
    }
    person = find("pin_blocked").person
    assert holder == {
        "1": person.name,
        "3": "2",
        "4": "419890108",  # 平成, and the Gregorian date
        "5": person.address,
    }


WITH_CERTIFICATE = [p for p in WITH_CARD if p.card is not None and p.card.user_certificate]


@pytest.mark.parametrize("patient", WITH_CERTIFICATE, ids=lambda patient: patient.id)
def test_certificate_ends_with_a_day_of_japan(patient: Patient) -> None:
    found = certificate(files.USER_AUTHENTICATION_CERTIFICATE, patient.id)
    end = found.not_valid_after_utc
    assert (end.hour, end.minute, end.second) == (14, 59, 59)
    assert end.date() == certificate_expiry(patient) <= card_expiry(patient)
    assert found.not_valid_before_utc < end


def test_public_side_of_the_authorities_holds_no_private_key(tmp_path: Path) -> None:
    written = Authorities(world().authorities).write_public(tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    for path in written:
        assert "PRIVATE" not in path.read_text()
    issuers = msgspec.json.decode((tmp_path / "card-face-issuers.json").read_bytes())
    by_application = {issuer["application"]: issuer for issuer in issuers}
    issuing = authenticity.parse_certificate(image("valid").content(files.CARD_FACE_CERTIFICATE))
    visual = by_application["visual"]
    assert bytes.fromhex(visual["key_id"]) == issuing.issuer_id
    key = load_pem_public_key(visual["public_key"].encode())
    key.verify(issuing.signature, issuing.body, padding.PKCS1v15(), SHA256())  # type: ignore


# --- the catalogue -----------------------------------------------------------------------------
def test_published_collation_number() -> None:
    assert NUMBER_B == "55021720352285"  # born 1980-02-17, expiry 2035, code 2285


def test_gallery_photo_and_live_face_are_different_photographs_of_one_person() -> None:
    for patient in WITH_CARD:
        assert patient.card is not None
        gallery, live = patient.card.gallery_portrait, patient.live_portrait
        if gallery is not None:
            assert gallery != live
            assert gallery.rsplit("_", 1)[0] == live.rsplit("_", 1)[0]


def test_impostor_is_on_nobodys_card() -> None:
    gallery = {p.card.gallery_portrait for p in WITH_CARD if p.card}
    people = {portrait.rsplit("_", 1)[0] for portrait in gallery if portrait}
    assert live_portrait("impostor").rsplit("_", 1)[0] not in people
    assert live_portrait("valid") == "person_a_2"
    with pytest.raises(UnknownPatient, match="valid"):
        live_portrait("nobody")
    assert not STRANGERS.keys() & {patient.id for patient in PATIENTS}


def test_every_patient_says_what_each_visit_comes_to() -> None:
    assert EXPECTED.keys() == {patient.id for patient in PATIENTS}
    for ways in EXPECTED.values():
        assert Method.PIN in ways
        for row in ways.values():
            assert (row.outcome is Outcome.VERIFIED) == (row.cause is None)
            assert (row.validity is None) == (row.cause is not None)
            assert bool(row.fallback) == (row.validity is not Validity.VALID)


def test_kind_of_every_card_is_what_the_firmware_sees() -> None:
    for patient in WITH_CARD:
        reader = Terminal(patient.id)
        assert scripts.run(jpki.identify(), reader.send) is patient.kind


@pytest.mark.parametrize(
    ("born", "day", "count", "expected"),
    [
        (dt.date(1980, 2, 17), dt.date(2025, 6, 2), 5, dt.date(2030, 2, 17)),
        (dt.date(1980, 6, 2), dt.date(2025, 6, 2), 1, dt.date(2026, 6, 2)),
        (dt.date(1980, 6, 3), dt.date(2025, 6, 2), 1, dt.date(2025, 6, 3)),
        (dt.date(1996, 2, 29), dt.date(2025, 6, 2), 1, dt.date(2026, 2, 28)),
        (dt.date(1996, 2, 29), dt.date(2025, 6, 2), 3, dt.date(2028, 2, 29)),
    ],
)
def test_birthdays(born: dt.date, day: dt.date, count: int, expected: dt.date) -> None:
    assert birthday_after(born, day, count) == expected


def test_childs_card_ends_with_its_fifth_birthday_after_issue() -> None:
    assert card_expiry(find("no_photo")) == dt.date(2030, 1, 20)


# --- on disk -----------------------------------------------------------------------------------
def test_private_files_are_for_their_owner_alone() -> None:
    image("valid")
    secret = [
        world().cards / "valid" / IMAGE_FILE,
        *world().authorities.glob("*.key.pem"),
    ]
    assert len(secret) == len(Role) + 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_card_survives_the_disk() -> None:
    made, again = image("valid"), load(world().cards / "valid")
    assert again.files == made.files
    assert again.secrets == made.secrets
    assert {key: value.private_numbers() for key, value in again.private_keys.items()} == {
        key: value.private_numbers() for key, value in made.private_keys.items()
    }


def test_card_is_kept_until_its_recipe_changes() -> None:
    image("one_try_left")
    path = world().cards / "one_try_left" / IMAGE_FILE
    before = path.read_bytes()
    ensure_image(find("one_try_left"), world())
    assert path.read_bytes() == before
    assert recipe_of(find("one_try_left"), world()) != recipe_of(find("valid"), world())


def test_new_portrait_makes_a_new_recipe(tmp_path: Path) -> None:
    other = World(tmp_path)
    other.authorities.symlink_to(world().authorities)
    draw_portrait_in(other, size=10)
    first = recipe_of(find("valid"), other)
    draw_portrait_in(other, size=20)
    assert recipe_of(find("valid"), other) != first


def draw_portrait_in(other: World, size: int) -> None:
    other.faces.mkdir(exist_ok=True)
    Image.new("L", (size, size)).save(other.portrait("person_a_1"))


def test_missing_portrait_says_what_to_run(tmp_path: Path) -> None:
    other = World(tmp_path)
    other.authorities.symlink_to(world().authorities)
    with pytest.raises(SimulationNotPrepared, match=r"person_a_1\.png.*make setup"):
        make_image(find("valid"), other)
    other.faces.mkdir()
    other.portrait("person_a_1").write_bytes(b"no picture")
    with pytest.raises(SimulationNotPrepared, match="no picture"):
        make_image(find("valid"), other)
    draw_portrait(other.portrait("person_a_1"))
    assert make_image(find("valid"), other).patient_id == "valid"


def test_missing_authorities_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SimulationNotPrepared, match="make setup"):
        Authorities(tmp_path).key(Role.TERMINAL)
    (tmp_path / "terminal.key.pem").write_bytes(b"no key")
    with pytest.raises(SimulationNotPrepared, match="is no key"):
        Authorities(tmp_path).key(Role.TERMINAL)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"recipe":"","patient_id":"x","files":{},"secrets":{},"private_keys":{},'
        b'"terminal_root":""}',
    ],
)
def test_card_file_that_is_none_says_what_to_run(content: bytes, tmp_path: Path) -> None:
    (tmp_path / IMAGE_FILE).write_bytes(content)
    with pytest.raises(SimulationNotPrepared, match="make setup"):
        load(tmp_path)


def test_patient_without_a_card_has_no_image() -> None:
    with pytest.raises(UnknownPatient, match="no My Number Card"):
        make_image(find("drivers_licence"), world())
