"""The catalogue of virtual patients: who they are, what their card does, what a visit comes to.

Everybody here is invented. A row holds facts; `card_contents.py` makes a card of them. Gallery
photo and live picture of a patient are always different photographs.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from firmware.card.collation import number_b
from firmware.faults import UnknownPatient
from firmware.words import CardKind, Cause, Method, Outcome


class Sex(StrEnum):
    """JIS X 0303, as a digit on the card."""

    MALE = "1"
    FEMALE = "2"


@dataclass(frozen=True, slots=True)
class Person:
    """Who the card names."""

    name: str  # family and given name, ideographic space between
    kana: str
    romaji: str
    born: dt.date
    sex: Sex
    address: str


@dataclass(frozen=True, slots=True)
class Insurance:
    """How the insurer knows the person: strings, whose blanks and zeros in front belong to them."""

    insurer_number: str  # eight columns, right-aligned
    symbol: str
    number: str
    branch: str


@dataclass(frozen=True, slots=True)
class VirtualCardFacts:
    """How this card was personalised, and what has happened to it since."""

    issued_on: dt.date
    security_code: str  # four digits under the photo
    pin: str = "1234"
    pin_tries_left: int = 3
    gallery_portrait: str | None = None  # None: issued without a photo
    certificate_ends: dt.date | None = None  # None: with the fifth birthday after issue

    @property
    def has_photo(self) -> bool:
        """Whether the chip and the print carry a face."""
        return self.gallery_portrait is not None


Expectation = tuple[Outcome, Cause | None]
VERIFIED: Final[Expectation] = (Outcome.VERIFIED, None)


@dataclass(frozen=True, slots=True)
class Patient:
    """One row of the catalogue."""

    id: str
    says: str  # what this row is for, in one line
    person: Person
    kind: CardKind
    live_portrait: str
    card: VirtualCardFacts | None = None  # None: no My Number Card at all
    insurance: Insurance | None = None
    registered: bool = True  # as an insurance certificate (利用登録)
    # The month, counted from set-up's, with which the certificates end. Real ones end with a
    # birthday, but a row that is always about to expire cannot wait for one.
    certificate_ends_with_month: int | None = None
    # With the right PIN typed, the patient's own face before the camera and every offer accepted.
    expected: Mapping[Method, Expectation] = field(default_factory=dict)


def birthday_after(born: dt.date, day: dt.date, count: int) -> dt.date:
    """The `count`-th birthday after `day`; 29 February falls on the 28th in common years.

    Assumed for 29 February: the day before 1 March, when the law on ages lets a year of age end.
    """
    birthdays = (
        dt.date(year, born.month, born.day)
        if (born.month, born.day) != (2, 29) or calendar.isleap(year)
        else dt.date(year, 2, 28)
        for year in range(day.year, day.year + count + 2)
    )
    return [birthday for birthday in birthdays if birthday > day][count - 1]


def card_expiry(patient: Patient) -> dt.date:
    """Last day of the card: the 10th birthday after issue, the 5th for those under 18 then."""
    facts = card_facts(patient)
    of_age = birthday_after(patient.person.born, patient.person.born, 18) <= facts.issued_on
    return birthday_after(patient.person.born, facts.issued_on, 10 if of_age else 5)


def certificate_expiry(patient: Patient) -> dt.date:
    """Last day of the certificates: the 5th birthday after issue, never past the card's end."""
    facts = card_facts(patient)
    last = facts.certificate_ends or birthday_after(patient.person.born, facts.issued_on, 5)
    return min(last, card_expiry(patient))


def as_of(patient: Patient, today: dt.date) -> Patient:
    """The patient with the card that set-up gives on that day (in Japan)."""
    months, facts = patient.certificate_ends_with_month, patient.card
    if months is None or facts is None:
        return patient
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    last = dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])
    return replace(patient, card=replace(facts, certificate_ends=last))


def collation_number_b(patient: Patient) -> str:
    """照合番号B, 14 digits, as printed on the patient's card."""
    facts = card_facts(patient)
    return number_b(patient.person.born, card_expiry(patient).year, facts.security_code)


def card_facts(patient: Patient) -> VirtualCardFacts:
    """The facts of the patient's My Number Card; raises UnknownPatient where there is none."""
    if patient.card is None:
        raise UnknownPatient(f"patient {patient.id} has no My Number Card")
    return patient.card


TARO = Person(
    name="試験　太郎",
    kana="シケン　タロウ",
    romaji="SHIKEN TARO",
    born=dt.date(1980, 2, 17),
    sex=Sex.MALE,
    address="東京都千代田区架空一丁目２番３号",
)
TAKASAKI = Person(
    # はしご高 and たつさき are variants outside JIS X 0208: a test of fonts and code pages.
    name="髙﨑　花子",
    kana="タカサキ　ハナコ",
    romaji="TAKASAKI HANAKO",
    born=dt.date(1989, 1, 8),  # 平成's first day: the era code begins with 01, not 64
    sex=Sex.FEMALE,
    address="大阪府大阪市北区模擬町４番５号",
)
ISSUED = dt.date(2025, 6, 2)
ISSUED_LONG_AGO = dt.date(2020, 9, 7)  # the fifth birthday after it is past for everybody

PATIENTS: Final = (
    Patient(
        id="valid",
        says="a registered adult with a good card",
        person=TARO,
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED, security_code="2285", gallery_portrait="person_a_1"
        ),
        insurance=Insurance("  000001", "0123", "0004321", "00"),
        expected={Method.FACE: VERIFIED, Method.PIN: VERIFIED, Method.STAFF: VERIFIED},
    ),
    Patient(
        id="pin_blocked",
        says="the PIN is blocked; the face is not",
        person=TAKASAKI,
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_b_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="0417",
            pin_tries_left=0,
            gallery_portrait="person_b_1",
        ),
        insurance=Insurance("06139999", "７３１", "0000052", "01"),
        expected={
            Method.FACE: VERIFIED,
            Method.PIN: (Outcome.REFUSED, Cause.PIN_BLOCKED),
            Method.STAFF: VERIFIED,
        },
    ),
    Patient(
        id="one_try_left",
        says="one PIN try is left: the last-try warning comes first",
        person=Person(
            name="模擬　一郎",
            kana="モギ　イチロウ",
            romaji="MOGI ICHIRO",
            born=dt.date(1996, 2, 29),
            sex=Sex.MALE,
            address="北海道札幌市中央区見本条６丁目７番",
        ),
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="9036",
            pin="0907",
            pin_tries_left=1,
            gallery_portrait="person_a_1",
        ),
        insurance=Insurance("  013999", "８・９", "15", "02"),
        expected={Method.FACE: VERIFIED, Method.PIN: VERIFIED, Method.STAFF: VERIFIED},
    ),
    Patient(
        id="unregistered",
        says="the card is not registered for insurance yet; registration is offered",
        person=Person(
            name="見本　さくら",
            kana="ミホン　サクラ",
            romaji="MIHON SAKURA",
            born=dt.date(2001, 11, 3),
            sex=Sex.FEMALE,
            address="福岡県福岡市博多区例示三丁目８番９号",
        ),
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_b_2",
        card=VirtualCardFacts(
            issued_on=ISSUED,
            security_code="5512",
            pin="4321",
            gallery_portrait="person_b_1",
        ),
        insurance=Insurance("01409999", "00210", "0000007", "00"),
        registered=False,
        expected={Method.FACE: VERIFIED, Method.PIN: VERIFIED, Method.STAFF: VERIFIED},
    ),
    Patient(
        id="no_photo",
        says="an infant's card without a photo: only the PIN is left",
        person=Person(
            name="架空　ひかり",
            kana="カクウ　ヒカリ",
            romaji="KAKU HIKARI",
            born=dt.date(2025, 1, 20),
            sex=Sex.FEMALE,
            address="沖縄県那覇市仮名町１０番",
        ),
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_d_1",
        card=VirtualCardFacts(issued_on=ISSUED, security_code="7340", pin="2580"),
        insurance=Insurance("  470001", "0456", "0098765", "03"),
        expected={
            Method.FACE: VERIFIED,  # by the PIN, after the chip gave no photo
            Method.PIN: VERIFIED,
            # No staff look: the staff would have no photo to compare with, chip or print.
        },
    ),
    Patient(
        id="certificate_expiring",
        says="the certificates end within three months: the holder is told, and all is asked",
        person=Person(
            name="見本　次郎",
            kana="ミホン　ジロウ",
            romaji="MIHON JIRO",
            born=dt.date(1972, 5, 9),
            sex=Sex.MALE,
            address="宮城県仙台市青葉区例示一丁目１２番１３号",
        ),
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED_LONG_AGO,
            security_code="3168",
            pin="1357",
            gallery_portrait="person_a_1",
        ),
        insurance=Insurance("  040001", "0789", "0001203", "00"),
        certificate_ends_with_month=2,  # in force for 59 days at least
        expected={Method.FACE: VERIFIED, Method.PIN: VERIFIED, Method.STAFF: VERIFIED},
    ),
    Patient(
        id="certificate_in_grace",
        says="the certificates ended within three months: eligibility only, no consent is asked",
        person=Person(
            name="模擬　花",
            kana="モギ　ハナ",
            romaji="MOGI HANA",
            born=dt.date(1985, 10, 21),
            sex=Sex.FEMALE,
            address="広島県広島市中区仮名町１４番１５号",
        ),
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_b_2",
        card=VirtualCardFacts(
            issued_on=ISSUED_LONG_AGO,
            security_code="6094",
            pin="8642",
            gallery_portrait="person_b_1",
        ),
        insurance=Insurance("34139999", "００５", "0000880", "00"),
        certificate_ends_with_month=-1,  # a day to a month ago: grace for 59 days at least
        expected={Method.FACE: VERIFIED, Method.PIN: VERIFIED, Method.STAFF: VERIFIED},
    ),
    Patient(
        id="certificate_expired",
        says="the certificates ended more than three months ago; the card itself is good",
        person=Person(
            name="架空　三郎",
            kana="カクウ　サブロウ",
            romaji="KAKU SABURO",
            born=dt.date(1968, 3, 14),
            sex=Sex.MALE,
            address="石川県金沢市見本町１６番",
        ),
        kind=CardKind.MY_NUMBER_CARD,
        live_portrait="person_a_2",
        card=VirtualCardFacts(
            issued_on=ISSUED_LONG_AGO,
            security_code="1825",
            gallery_portrait="person_a_1",
        ),
        insurance=Insurance("  170001", "0333", "0007654", "00"),
        expected=dict.fromkeys(
            (Method.FACE, Method.PIN, Method.STAFF), (Outcome.REFUSED, Cause.CERTIFICATE_EXPIRED)
        ),
    ),
    Patient(
        id="drivers_licence",
        says="a driver's licence instead of a My Number Card",
        person=Person(
            name="例示　運転",
            kana="レイジ　ウンテン",
            romaji="REIJI UNTEN",
            born=dt.date(1975, 7, 30),
            sex=Sex.MALE,
            address="愛知県名古屋市中区見本町１１番",
        ),
        kind=CardKind.UNKNOWN,
        live_portrait="person_d_1",
        registered=False,
        expected=dict.fromkeys(
            (Method.FACE, Method.PIN, Method.STAFF), (Outcome.REFUSED, Cause.CARD_UNKNOWN)
        ),
    ),
)

BY_ID: Final = {patient.id: patient for patient in PATIENTS}
# Faces that may stand before the camera and belong to no card of the catalogue.
STRANGERS: Final = {"impostor": "person_c_1"}


def find(patient_id: str) -> Patient:
    """The row of that id; raises UnknownPatient with the ids there are."""
    try:
        return BY_ID[patient_id]
    except KeyError:
        raise UnknownPatient(
            f"no patient {patient_id!r}; there are {', '.join(sorted(BY_ID))}"
        ) from None


def live_portrait(face_id: str) -> str:
    """The portrait that stands before the camera for a patient's id or a stranger's."""
    if face_id in STRANGERS:
        return STRANGERS[face_id]
    return find(face_id).live_portrait
