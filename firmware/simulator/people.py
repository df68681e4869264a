"""What there is to know of a virtual patient: the person, the card, the insurers; and the dates.

A row of the catalogue holds these facts; `card_contents.py` makes a card of them, `insured.py` rows
of the insurers' database. What a visit comes to stands in `expectations.py`.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum

from firmware.card.collation import Calendar, number_b
from firmware.faults import UnknownPatient
from firmware.simulator.chip_kinds import CHIP_KINDS
from firmware.words import CardKind, Registration
from hostdriver.eligibility.answer import Validity
from hostdriver.eligibility.insured_person import CertificateStatus


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
    """How an insurer knows the person: strings, whose blanks and zeros in front belong to them."""

    insurer_number: str  # eight columns, right-aligned
    symbol: str
    number: str
    branch: str
    written_name: str | None = None
    """As the insurer writes it, where that differs from the card: ● for what it cannot write."""
    other_name: str | None = None
    """通称 and the like: NameOfOther."""
    ratio_70_plus: str | None = None
    """一部負担金割合 of the 高齢受給者証: `020` is 2割."""
    limit_flag: str | None = None
    """区分 of the 限度額適用認定証: `A01` (ア) to `A05` (オ) under 70."""
    disease: str | None = None
    """Category of the 特定疾病療養受療証: 1 dialysis, 2 haemophilia, 3 HIV from blood products."""
    lost_because: str | None = None
    """資格喪失事由: 01 death, 02 public assistance, 03 other insurance, 99 other."""


@dataclass(frozen=True, slots=True)
class VirtualCardFacts:
    """How this card was personalised, and what has happened to it since."""

    issued_on: dt.date
    security_code: str  # four digits under the photo; on the next card its whole reference number
    pin: str = "1234"
    pin_tries_left: int = 3
    gallery_portrait: str | None = None  # None: issued without a photo
    certificate_ends: dt.date | None = None  # None: with the fifth birthday after issue
    user_certificate: bool = True  # False: issued without 利用者証明用電子証明書
    printed_in: Calendar = Calendar.JAPANESE

    @property
    def has_photo(self) -> bool:
        """Whether the chip and the print carry a face."""
        return self.gallery_portrait is not None


@dataclass(frozen=True, slots=True)
class Patient:
    """One row of the catalogue."""

    id: str
    says: str  # what this row is for, in one line
    person: Person
    live_portrait: str
    kind: CardKind = CardKind.MY_NUMBER_CARD
    card: VirtualCardFacts | None = None  # None: nothing with an image of its own
    # The month, counted from set-up's, with which the certificates end. Real ones end with a
    # birthday, but a row that is always about to expire cannot wait for one.
    certificate_ends_with_month: int | None = None
    # What the eligibility service holds.
    insurances: tuple[Insurance, ...] = ()
    validity: Validity = Validity.VALID
    registration: Registration = Registration.REGISTERED  # as an insurance certificate (利用登録)
    certificate_status: CertificateStatus = CertificateStatus.GOOD
    use_restricted: bool = False  # 自己情報提供不可
    address_withheld: bool = False  # 不開示


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
    """照合番号B, 14 digits, as printed on the patient's card; 6 of their own on the next one."""
    facts = card_facts(patient)
    if CHIP_KINDS[patient.kind].profile.collation_number_digits == len(facts.security_code):
        return facts.security_code
    expires = card_expiry(patient).year
    return number_b(patient.person.born, expires, facts.security_code, facts.printed_in)


def card_facts(patient: Patient) -> VirtualCardFacts:
    """The facts of the patient's My Number Card; raises UnknownPatient where there is none."""
    if patient.card is None:
        raise UnknownPatient(f"patient {patient.id} has no My Number Card")
    return patient.card
