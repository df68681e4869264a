"""Enums and ids that cross rooms. It imports nothing of ours, and every room may import it.

The values are the words on the wire, in the ledger and in the settings: never change one.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a visit stands (docs/STATES.md draws the table)."""

    IDLE = "idle"
    WAITING_FOR_CARD = "waiting_for_card"
    IDENTIFYING_CARD = "identifying_card"
    CHOOSING_METHOD = "choosing_method"
    READING_PRINT = "reading_print"  # the tray camera reads 照合番号B
    KEYING_PRINT = "keying_print"  # the same number keyed in, when the camera cannot read it
    READING_CARD_FACE = "reading_card_face"
    COMPARING_FACES = "comparing_faces"
    ASKING_PIN = "asking_pin"
    WARNING_LAST_TRY = "warning_last_try"
    VERIFYING_PIN = "verifying_pin"
    WAITING_FOR_STAFF = "waiting_for_staff"
    CHECKING_STAFF = "checking_staff"
    IDENTITY_PROVEN = "identity_proven"
    OFFERING_REGISTRATION = "offering_registration"
    REGISTERING = "registering"
    ASKING_CONSENT = "asking_consent"
    ASKING_QUESTIONS = "asking_questions"
    SIGNING = "signing"
    CONFIRMING = "confirming"
    TAKE_CARD = "take_card"
    FORGETTING = "forgetting"


class Outcome(StrEnum):
    """What a visit came to."""

    VERIFIED = "verified"
    REFUSED = "refused"  # the device or the gateway says no
    CANCELLED = "cancelled"  # the patient or reception stopped
    FAILED = "failed"  # something broke


class Cause(StrEnum):
    """Why a visit was not verified. Texts and fallback stand in hostdriver and panel tables."""

    # device
    READER_UNAVAILABLE = "reader_unavailable"
    CARD_SERVICE_UNAVAILABLE = "card_service_unavailable"
    CAMERA_UNAVAILABLE = "camera_unavailable"
    DEVICE_FAULT = "device_fault"
    HOST_LOST = "host_lost"
    CLOCK_UNTRUSTED = "clock_untrusted"
    TAMPERED = "tampered"  # the enclosure is open
    LEDGER_UNAVAILABLE = "ledger_unavailable"  # the host cannot record it
    STORAGE_UNAVAILABLE = "storage_unavailable"  # the device cannot count its statements
    # card
    CARD_NOT_PRESENTED = "card_not_presented"
    CARD_REMOVED = "card_removed"
    CARD_RESET = "card_reset"
    CARD_CHANGED = "card_changed"
    CARD_UNKNOWN = "card_unknown"
    CARD_NOT_SUPPORTED = "card_not_supported"
    CARD_UNREADABLE = "card_unreadable"
    CARD_SILENT = "card_silent"  # no answer to power: two cards at once, a case, a broken chip
    CERTIFICATE_MISSING = "certificate_missing"
    MASKED_TRACE = "masked_trace"
    # identity
    PHOTO_NOT_AUTHENTIC = "photo_not_authentic"
    PIN_BLOCKED = "pin_blocked"
    PHONE_PIN_BLOCKED = "phone_pin_blocked"
    NOT_THE_HOLDER = "not_the_holder"
    STAFF_PASSCODE_WRONG = "staff_passcode_wrong"
    STAFF_LOOK_CLOSED = "staff_look_closed"  # too many wrong passcodes, over all visits
    NO_METHOD_LEFT = "no_method_left"
    # consent
    CANCELLED_BY_PATIENT = "cancelled_by_patient"
    CANCELLED_BY_RECEPTION = "cancelled_by_reception"
    TIMED_OUT = "timed_out"
    # eligibility
    REGISTRATION_DECLINED = "registration_declined"
    REGISTRATION_NOT_EFFECTIVE = "registration_not_effective"
    CERTIFICATE_EXPIRED = "certificate_expired"
    PHONE_CERTIFICATE_EXPIRED = "phone_certificate_expired"
    CERTIFICATE_SUSPENDED = "certificate_suspended"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    USE_RESTRICTED = "use_restricted"
    EVIDENCE_REJECTED = "evidence_rejected"
    # upstream
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    UPSTREAM_CANNOT_CONFIRM_CARD = "upstream_cannot_confirm_card"


class Method(StrEnum):
    """How the patient proved to be the holder."""

    FACE = "face"
    PIN = "pin"
    STAFF = "staff"
    PHONE = "phone"


class CardKind(StrEnum):
    """What lies on the reader, told by the token label of JPKI EF 0006."""

    MY_NUMBER_CARD = "my_number_card"
    PHONE_ANDROID = "phone_android"
    PHONE_IOS = "phone_ios"
    RESIDENT_CARD = "resident_card"  # 住基カード
    NEXT_GENERATION = "next_generation"  # 次期個人番号カード: recognised, and not taken yet
    UNKNOWN = "unknown"


PHONES = frozenset({CardKind.PHONE_ANDROID, CardKind.PHONE_IOS})
"""The certificate in a phone: no photo, no print, and no grace when it has ended."""


class CardSigning(StrEnum):
    """What unlocked the card's key for the signature."""

    PIN = "pin"
    TERMINAL_AUTHORITY = "terminal_authority"
    NONE = "none"


class MatchDecision(StrEnum):
    """What the comparison of faces came to."""

    SAME_PERSON = "same_person"
    NOT_SAME_PERSON = "not_same_person"
    NOT_LIVE = "not_live"
    TRY_AGAIN = "try_again"  # no fit frame in time
    NOT_DONE = "not_done"


class PadDecision(StrEnum):
    """What presentation-attack detection came to."""

    LIVE = "live"
    NOT_LIVE = "not_live"
    NOT_DONE = "not_done"


class PhotoAuthenticity(StrEnum):
    """Is the photo on the chip signed by its issuer, and is the signed key in this chip."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"  # no issuer key is configured
    FORGED = "forged"
    NOT_DONE = "not_done"


class ConsentItem(StrEnum):
    """One kind of medical data that the patient may share."""

    MEDICATION = "medication"  # 診療・薬剤
    OPERATION = "operation"  # 手術
    CHECKUP = "checkup"  # 特定健診


class ConsentAnswer(StrEnum):
    """What the patient answered; five different things."""

    GRANTED = "granted"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    EXPIRED = "expired"
    UNOBTAINABLE = "unobtainable"


class Question(StrEnum):
    """An optional question that some profiles ask."""

    PRESCRIPTION_FORM = "prescription_form"  # 処方箋の発行形態: "electronic" or "paper"
    SUBSIDY = "subsidy"  # 医療費助成の受給者証: "use" or "do_not_use"


class Profile(StrEnum):
    """What kind of site asks."""

    HOSPITAL = "hospital"
    CLINIC = "clinic"
    DENTAL = "dental"
    PHARMACY = "pharmacy"
    TREATMENT_PARLOUR = "treatment_parlour"  # 施術所: eligibility only
    EMERGENCY = "emergency"  # consent cannot be obtained
    DISASTER = "disaster"  # likewise


class NoConsentReason(StrEnum):
    """Why nobody can be asked for consent; reception says it when it begins such a visit."""

    UNCONSCIOUS = "unconscious"
    CANNOT_COMMUNICATE = "cannot_communicate"
    DISASTER_AREA = "disaster_area"


NO_CONSENT_REASONS: dict[Profile, tuple[NoConsentReason, ...]] = {
    Profile.EMERGENCY: (NoConsentReason.UNCONSCIOUS, NoConsentReason.CANNOT_COMMUNICATE),
    Profile.DISASTER: tuple(NoConsentReason),
}
"""The profiles without consent, and the reasons that each may be asked for with."""


def reason_fits(profile: Profile, reason: NoConsentReason | None) -> bool:
    """Whether a visit of `profile` may begin for `reason`: any other profile has none."""
    return reason in NO_CONSENT_REASONS.get(profile, (None,))


class Purpose(StrEnum):
    """What reception wants to know."""

    VISIT = "visit"  # identity, consent and eligibility
    ELIGIBILITY = "eligibility"  # identity and eligibility, no consent is asked


class Registration(StrEnum):
    """Whether the card is registered as an insurance certificate (利用登録)."""

    REGISTERED = "registered"
    NOT_REGISTERED = "not_registered"
    NOT_EFFECTIVE = "not_effective"  # registered, and not yet effective
    CANCELLED = "cancelled"
    REFUSED = "refused"  # the gateway will not speak of this card; the cause says why


class CertificateWarning(StrEnum):
    """What the holder is told of the user authentication certificate's expiry, while it is used."""

    EXPIRES_SOON = "expires_soon"  # within three months: to be renewed
    IN_GRACE = "in_grace"  # not more than three months ago: eligibility only


class ClockTrust(StrEnum):
    """Where the wall time comes from."""

    NTP = "ntp"
    RTC = "rtc"
    HOST = "host"
    NONE = "none"


class Layout(StrEnum):
    """Where the panel's controls lie: everywhere, or in the lower half, for wheelchair users."""

    FULL = "full"
    LOW = "low"


class Language(StrEnum):
    """The panel's languages; やさしい日本語 is one of its own."""

    JA = "ja"
    JA_EASY = "ja_easy"
    EN = "en"
    ZH = "zh"
    KO = "ko"
    ES = "es"
    PT = "pt"


class Hint(StrEnum):
    """What the person before the camera could do for a better picture."""

    NO_FACE = "no_face"
    ONE_PERSON_ONLY = "one_person_only"
    CLOSER = "closer"
    FARTHER = "farther"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    LOOK_HERE = "look_here"
    HOLD_STILL = "hold_still"


class PanelLight(StrEnum):
    """A colour in which the panel's page shines on the face before it, while the camera looks."""

    OFF = "off"  # the page as it always is, which is nearly white
    WHITE = "white"
    DIM = "dim"
    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    MAGENTA = "magenta"


LIGHT_RGB: dict[PanelLight, tuple[int, int, int]] = {
    PanelLight.OFF: (244, 247, 247),
    PanelLight.WHITE: (255, 255, 255),
    PanelLight.DIM: (16, 26, 36),
    PanelLight.BLUE: (70, 130, 255),
    PanelLight.GREEN: (60, 230, 110),
    PanelLight.YELLOW: (255, 205, 0),
    PanelLight.MAGENTA: (255, 110, 255),
}
"""The paper of the page in each light: sRGB. None is a saturated red, of which R would be 0.8 of
R + G + B or more (WCAG 2.2, 2.3.1)."""

LIGHT_STAYS_S = 0.35
"""No light follows another sooner: below three changes a second (WCAG 2.2, 2.3.1 allows three
flashes, which are six changes)."""


class Standing(StrEnum):
    """What the idle panel tells of the device itself; of several that are so, the first."""

    TAMPERED = "tampered"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    PAIRING = "pairing"
    """A code is shown, and one host may learn it."""
    NOT_PAIRED = "not_paired"
    """The last code is spent: whoever stands at the device can have another one."""
    READER_UNAVAILABLE = "reader_unavailable"
    CARD_SERVICE_UNAVAILABLE = "card_service_unavailable"
    DEVICE_FAULT = "device_fault"
    WRONG_HOST = "wrong_host"
    """Somebody else than the paired host is at the cable."""
    HOST_VERSION = "host_version"
    """The host speaks a protocol that the device does not."""
    NO_HOST = "no_host"
    CAMERA_UNAVAILABLE = "camera_unavailable"
    CLOCK_UNTRUSTED = "clock_untrusted"
