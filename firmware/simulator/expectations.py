"""What a visit of each virtual patient comes to: the one table that tests, documents and the
command share. Pure.

Written from the public rules (the notices, the national leaflet, the interface's code lists) and
not from what the product answers. With the right PIN typed, the patient's own face before the
camera, a good staff passcode and every offer accepted, at a site that takes phones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from firmware.words import Cause, ConsentAnswer, Method, Outcome
from hostdriver.eligibility.answer import Validity

Json = dict[str, Any]
Way = tuple[str, Method]
"""A patient's id, and the method that this patient chooses."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What reception gets."""

    outcome: Outcome
    cause: Cause | None = None
    method: Method | None = None
    """By which the holder was proven; None when nobody was."""
    validity: Validity | None = None
    asked: bool = False
    """Whether any consent was asked for."""
    numbers: tuple[str, ...] = ()
    """番号 of each qualification in the answer."""
    elements: tuple[tuple[str, str | None], ...] = ()
    """Other elements of the answer that this patient is about; None: it must not stand there."""
    fallback: tuple[str, ...] = ()
    """Ways out, nearest first; none of them may have ended."""


# 資格確認書 and 資格情報のお知らせ serve as 被保険者証 at most: the others are shown beside them.
_PAPERS: Final = (
    *("card_and_notice", "card_and_portal_screen", "eligibility_certificate"),
    "other_certificates",
)
_WITHOUT_CARD: Final = (
    *("eligibility_certificate", "other_certificates", "query_by_insured_card_data"),
    "declaration",
)
_BROKEN: Final = (
    *("home_consent_app", *_PAPERS, "query_by_insured_card_data", "query_through_call_centre"),
    *("declaration", "no_full_charge"),
)
_NOT_OURS: Final = Expected(
    Outcome.REFUSED, Cause.CARD_UNKNOWN, fallback=("start_again", *_WITHOUT_CARD)
)
_NOT_TAKEN: Final = Expected(
    Outcome.REFUSED, Cause.CARD_NOT_SUPPORTED, fallback=("use_card", *_WITHOUT_CARD)
)


def _insured(
    method: Method,
    *numbers: str,
    validity: Validity = Validity.VALID,
    asked: bool = True,
    elements: tuple[tuple[str, str | None], ...] = (),
) -> Expected:
    """Verified. Whoever is not simply insured needs another paper, as one without a card does."""
    elsewhere = () if validity is Validity.VALID else _WITHOUT_CARD
    return Expected(
        Outcome.VERIFIED, None, method, validity, asked, numbers, elements, fallback=elsewhere
    )


def _refused(cause: Cause, *fallback: str, method: Method = Method.PIN) -> Expected:
    """Said no to the proven holder: before that, nobody hears of the certificate."""
    return Expected(Outcome.REFUSED, cause, method, fallback=fallback)


_ANY_WAY: Final = (Method.FACE, Method.PIN, Method.STAFF)

EXPECTED: Final[Mapping[str, Mapping[Method, Expected]]] = {
    # --- the card
    "valid": {way: _insured(way, "0004321") for way in _ANY_WAY},
    "pin_blocked": {
        Method.FACE: _insured(Method.FACE, "0000052"),
        Method.PIN: _insured(Method.FACE, "0000052"),  # the PIN is locked, the visit is not over
        Method.STAFF: _insured(Method.STAFF, "0000052"),
    },
    "one_try_left": {way: _insured(way, "15") for way in _ANY_WAY},
    "no_photo": {
        # By the PIN, after the chip gave no photo. No staff look: chip and print have no face.
        Method.FACE: _insured(Method.PIN, "0098765"),
        Method.PIN: _insured(Method.PIN, "0098765"),
    },
    "certificate_expiring": {Method.PIN: _insured(Method.PIN, "0001203")},
    "certificate_in_grace": {
        way: _insured(way, "0000880", asked=False) for way in (Method.FACE, Method.PIN)
    },
    "certificate_expired": {
        way: _refused(
            Cause.CERTIFICATE_EXPIRED,
            *("renew_certificate", *_PAPERS, "query_by_insured_card_data"),
            method=way,
        )
        for way in (Method.PIN, Method.STAFF)
    },
    "certificate_missing": {
        way: _refused(
            Cause.CERTIFICATE_MISSING,
            *("renew_certificate", *_PAPERS, "query_by_insured_card_data", "declaration"),
            method=way,
        )
        for way in (Method.FACE, Method.PIN)
    },
    "face_only": {
        Method.FACE: _insured(Method.FACE, "00081400"),
        Method.PIN: _insured(Method.FACE, "00081400"),  # chosen by mistake
        Method.STAFF: _insured(Method.STAFF, "00081400"),
    },
    # --- other things on the reader
    "phone": {Method.PIN: _insured(Method.PHONE, "0004418")},
    "phone_expired": {
        Method.PIN: Expected(
            Outcome.REFUSED,
            Cause.PHONE_CERTIFICATE_EXPIRED,
            Method.PHONE,
            fallback=("use_card", "renew_certificate", *_WITHOUT_CARD),
        ),
    },
    "iphone": {Method.PIN: _NOT_TAKEN},
    "resident_card": {Method.PIN: _NOT_TAKEN},
    "next_generation": {Method.PIN: _NOT_TAKEN},
    "drivers_licence": {Method.PIN: _NOT_OURS},
    "transit_card": {Method.PIN: _NOT_OURS},
    "blank_card": {Method.PIN: _NOT_OURS},
    "two_cards": {
        Method.PIN: Expected(
            Outcome.FAILED, Cause.CARD_SILENT, fallback=("one_card_alone", *_BROKEN)
        ),
    },
    # --- 利用登録
    "unregistered": {way: _insured(way, "0000007") for way in (Method.FACE, Method.PIN)},
    "registered_not_effective": {
        Method.PIN: _refused(
            Cause.REGISTRATION_NOT_EFFECTIVE, *_PAPERS, "query_by_insured_card_data"
        ),
    },
    "registration_cancelled": {Method.PIN: _insured(Method.PIN, "0007731")},
    # --- stopped
    "certificate_suspended": {
        way: _refused(Cause.CERTIFICATE_SUSPENDED, "lift_suspension", *_WITHOUT_CARD, method=way)
        for way in (Method.PIN, Method.STAFF)
    },
    "certificate_revoked": {
        Method.PIN: _refused(Cause.CERTIFICATE_REVOKED, "renew_certificate", *_WITHOUT_CARD),
    },
    "dv_protected": {
        way: _refused(Cause.USE_RESTRICTED, *_WITHOUT_CARD, method=way)
        for way in (Method.FACE, Method.PIN)
    },
    "address_withheld": {
        Method.PIN: _insured(
            Method.PIN, "0002175", elements=(("Address", None), ("PostNumber", None))
        ),
    },
    # --- on file
    "aged_70": {
        Method.PIN: _insured(
            Method.PIN, "0003286", elements=(("ElderlyRecipientContributionRatio", "020"),)
        ),
    },
    "limit_amount": {
        Method.PIN: _insured(
            Method.PIN,
            "0004397",
            elements=(
                ("LimitApplicationCertificateClassificationFlag", "A03"),
                ("LimitApplicationCertificateRelatedConsFlg", None),  # not asked any more
            ),
        ),
    },
    "specific_disease": {
        Method.PIN: _insured(
            Method.PIN,
            "0005408",
            elements=(
                ("SpecificDiseasesDiseaseCategory", "1"),
                ("SpecificDiseasesSelfPay", "10000"),
            ),
        ),
    },
    "unknown_characters": {
        Method.PIN: _insured(
            Method.PIN, "0006519", elements=(("Name", "●野　●子"), ("NameKana", "ﾖｼﾉ ｵｳｺ"))
        ),
    },
    "foreign_resident": {
        Method.FACE: _insured(Method.FACE, "0007620", elements=(("NameOfOther", "見本　文"),)),
        Method.PIN: _insured(
            Method.PIN,
            "0007620",
            elements=(("Name", "NGUYEN VAN MAU"), ("Birthdate", "19950615")),
        ),
    },
    # --- 資格
    "qualification_lost": {
        Method.PIN: _insured(
            Method.PIN,
            "0008731",
            validity=Validity.INVALID,
            elements=(("ReasonOfLoss", "02"),),
        ),
    },
    "newer_qualification": {
        Method.PIN: _insured(
            Method.PIN,
            "0009842",
            validity=Validity.INVALID_NEWER_EXISTS,
            elements=(("ReasonOfLoss", "03"),),
        ),
    },
    "several_qualifications": {
        Method.PIN: _insured(*(Method.PIN, "0001953", "0011953"), validity=Validity.SEVERAL),
    },
    "no_qualification": {
        Method.PIN: _insured(Method.PIN, validity=Validity.NONE),
    },
}
"""By the patient's id and the method that this patient chooses."""

WAYS: Final[tuple[Way, ...]] = tuple((id_, way) for id_, row in EXPECTED.items() for way in row)


def came_to(result: Json, row: Expected) -> Expected:
    """A visit's result (the JSON of the socket) as a row, with the elements that `row` names."""
    eligibility = result["eligibility"] or {"validity": None}
    qualifications: list[Json] = eligibility.get("ResultList", [])
    answers = {consent["answer"] for consent in result["consents"]}
    return Expected(
        outcome=Outcome(result["outcome"]),
        cause=Cause(result["cause"]) if result["cause"] else None,
        method=Method(result["method"]) if result["method"] else None,
        validity=Validity(eligibility["validity"]) if eligibility["validity"] else None,
        asked=bool(answers - {ConsentAnswer.NOT_ASKED}),
        numbers=tuple(one["InsuredIdentificationNumber"] for one in qualifications),
        elements=tuple((name, _element(qualifications, name)) for name, _ in row.elements),
        fallback=tuple(way["id"] for way in result["fallback"]),
    )


def disagreements(
    results: Mapping[Way, Json], table: Mapping[str, Mapping[Method, Expected]] = EXPECTED
) -> dict[Way, tuple[Expected, Expected]]:
    """Where visits came to something else: what the table says, and what was got."""
    found = {}
    for (patient_id, way), result in results.items():
        row = table[patient_id][way]
        if (got := came_to(result, row)) != row:
            found[patient_id, way] = (row, got)
    return found


def _element(within: Any, name: str) -> str | None:
    """The first element of that name, however deep."""
    if isinstance(within, list):
        inside = (_element(one, name) for one in within)
    elif isinstance(within, dict):
        if name in within:
            return str(within[name])
        inside = (_element(one, name) for one in within.values())
    else:
        return None
    return next((value for value in inside if value is not None), None)
