"""AIDs, EF ids, key references, token labels: the only card addresses, and who may read what.

Facts from public clients and test dumps of the card (docs/PRIVACY.md says what we do not read).
Marked A (several sources agree), B (one careful source), C (weak or inferred).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from firmware.words import CardKind


class Aid(Enum):
    """The applications on the card (A)."""

    JPKI = bytes.fromhex("D392F000260100000001")  # 公的個人認証AP
    CARD_FACE = bytes.fromhex("D3921000310001010402")  # 券面事項確認AP
    CARD_TEXT = bytes.fromhex("D3921000310001010408")  # 券面事項入力補助AP
    COMMON = bytes.fromhex("D3921000310001010100")  # 共通カードAP
    RESIDENT_REGISTER = bytes.fromhex("D3921000310001010401")  # 住基AP: out of bounds for a clinic
    ISSUER_SECURITY_DOMAIN = bytes.fromhex("A0000001510000")  # GlobalPlatform; never needed


@dataclass(frozen=True, slots=True)
class KeyReference:
    """What VERIFY is aimed at, and how its tries are spent.

    `initial_tries` is the counter of a fresh card. `tries_kept` is how many tries the gate leaves
    untouched unless somebody says otherwise; where it equals `initial_tries` we never present it.
    """

    aid: Aid
    ef_id: int
    initial_tries: int
    tries_kept: int


class Key(Enum):
    """Every reference that VERIFY could be aimed at."""

    # Six digits, the beginning of collation number B (B). We have B itself and do not use it.
    BIRTH_DATE_CODE = KeyReference(Aid.CARD_FACE, 0x0011, initial_tries=10, tries_kept=10)
    # 照合番号B, 14 digits (A). Only the municipality unlocks it, and OCR may err: half is kept.
    COLLATION_NUMBER_B = KeyReference(Aid.CARD_FACE, 0x0012, initial_tries=10, tries_kept=5)
    # 照合番号A is the Individual Number, which a clinic may not handle: never asked for or sent.
    COLLATION_NUMBER_A = KeyReference(Aid.CARD_FACE, 0x0013, initial_tries=10, tries_kept=10)

    # The text application's PIN and numbers (A for the places, B for the tries).
    TEXT_PIN = KeyReference(Aid.CARD_TEXT, 0x0011, initial_tries=3, tries_kept=3)
    TEXT_BLOCKED = KeyReference(Aid.CARD_TEXT, 0x0012, initial_tries=0, tries_kept=0)  # from birth
    TEXT_COLLATION_NUMBER_A = KeyReference(Aid.CARD_TEXT, 0x0014, initial_tries=10, tries_kept=10)
    TEXT_COLLATION_NUMBER_B = KeyReference(Aid.CARD_TEXT, 0x0015, initial_tries=10, tries_kept=5)

    # 利用者証明用暗証番号, four digits (A). The last try is spent only when the patient says so.
    USER_AUTHENTICATION_PIN = KeyReference(Aid.JPKI, 0x0018, initial_tries=3, tries_kept=1)
    SIGNATURE_PASSWORD = KeyReference(Aid.JPKI, 0x001B, initial_tries=5, tries_kept=5)  # 署名用
    JPKI_UNKNOWN = KeyReference(Aid.JPKI, 0x0010, initial_tries=3, tries_kept=3)  # only queried (C)
    COMMON_PIN = KeyReference(Aid.COMMON, 0x001C, initial_tries=3, tries_kept=3)  # 住基系 (C)
    RESIDENT_REGISTER_PIN = KeyReference(
        Aid.RESIDENT_REGISTER, 0x001C, initial_tries=3, tries_kept=3
    )  # its own beside COMMON_PIN (B)

    @property
    def aid(self) -> Aid:
        """The application that holds it."""
        return self.value.aid

    @property
    def ef_id(self) -> int:
        """The file to select before VERIFY."""
        return self.value.ef_id

    @property
    def initial_tries(self) -> int:
        """The counter of a fresh card."""
        return self.value.initial_tries

    @property
    def tries_kept(self) -> int:
        """The tries that the gate leaves untouched by default."""
        return self.value.tries_kept


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. `opened_by` is empty when it signs for anybody."""

    aid: Aid
    ef_id: int
    opened_by: tuple[Key, ...] = ()


# The PIN, or a terminal authority (特定機関認証) in its place; with neither it refuses (A / C).
USER_AUTHENTICATION_KEY = SigningKey(Aid.JPKI, 0x0017, (Key.USER_AUTHENTICATION_PIN,))
SIGNATURE_KEY = SigningKey(Aid.JPKI, 0x001A, (Key.SIGNATURE_PASSWORD,))  # never used
CARD_FACE_CHIP_KEY = SigningKey(Aid.CARD_FACE, 0x001A)  # its public half is DF24 of the face (B)
CARD_TEXT_CHIP_KEY = SigningKey(Aid.CARD_TEXT, 0x0013)
COMMON_CHIP_KEY = SigningKey(Aid.COMMON, 0x0019)  # its public half is not on the card

TERMINAL_CERTIFICATE_KEY_ID = 0x0016  # JPKI: checks terminal certificates (B)


@dataclass(frozen=True, slots=True)
class Ef:
    """An elementary file. Any one of `opened_by` opens it; it is free when that is empty.

    `length` in bytes where it is fixed; None where the first bytes of the file tell it.
    `off_limits` files exist so that the simulator can refuse them: `scripts` never reads one.
    """

    aid: Aid
    ef_id: int
    name: str
    opened_by: tuple[Key, ...] = ()
    length: int | None = None
    off_limits: bool = False


# JPKI
TOKEN_INFO = Ef(Aid.JPKI, 0x0006, "token info", length=160)  # CK_TOKEN_INFO; 32 bytes of label
CERTIFICATE_STATUS = Ef(Aid.JPKI, 0x0008, "certificate status", length=3)  # 8F 8F 00 is both (B)
# Free on the plastic card; an Android phone wants the PIN first (A).
USER_AUTHENTICATION_CERTIFICATE = Ef(Aid.JPKI, 0x000A, "user authentication certificate")
USER_AUTHENTICATION_CA_CERTIFICATE = Ef(Aid.JPKI, 0x000B, "user authentication CA certificate")
SIGNATURE_CA_CERTIFICATE = Ef(Aid.JPKI, 0x0002, "signature CA certificate")
# Name and address stand in it, and a clinic reader has no use for them.
SIGNATURE_CERTIFICATE = Ef(
    Aid.JPKI, 0x0001, "signature certificate", (Key.SIGNATURE_PASSWORD,), off_limits=True
)

# 券面事項確認AP
AGE_RECORD = Ef(Aid.CARD_FACE, 0x0001, "age record", (Key.BIRTH_DATE_CODE,))
CARD_FACE = Ef(Aid.CARD_FACE, 0x0002, "card face", (Key.COLLATION_NUMBER_B, Key.COLLATION_NUMBER_A))
CARD_FACE_BASICS = Ef(Aid.CARD_FACE, 0x0003, "card face application information")
CARD_FACE_CERTIFICATE = Ef(Aid.CARD_FACE, 0x0004, "card face issuing certificate")
NUMBER_IMAGE = Ef(  # the Individual Number as a picture
    Aid.CARD_FACE, 0x0005, "number image", (Key.COLLATION_NUMBER_A,), off_limits=True
)

# 券面事項入力補助AP
NUMBER_TEXT = Ef(  # the Individual Number as text
    Aid.CARD_TEXT,
    0x0001,
    "number",
    (Key.TEXT_PIN, Key.TEXT_COLLATION_NUMBER_A),
    length=17,
    off_limits=True,
)
BASIC_FOUR = Ef(  # 基本4情報: name, address, birth date, sex
    Aid.CARD_TEXT, 0x0002, "basic four", (Key.TEXT_PIN, Key.TEXT_COLLATION_NUMBER_B)
)
_TEXT_KEYS = (Key.TEXT_PIN, Key.TEXT_COLLATION_NUMBER_A, Key.TEXT_COLLATION_NUMBER_B)
TEXT_INTEGRITY = Ef(Aid.CARD_TEXT, 0x0003, "text integrity record", _TEXT_KEYS)
TEXT_CERTIFICATE = Ef(Aid.CARD_TEXT, 0x0004, "text issuing certificate")
TEXT_BASICS = Ef(Aid.CARD_TEXT, 0x0005, "text application information")
TEXT_PUBLIC_KEY = Ef(Aid.CARD_TEXT, 0x0007, "text public key", _TEXT_KEYS)

# 共通カードAP: a file of records; record 1 is 01 1C and 28 digits (B)
CARD_SERIAL = Ef(Aid.COMMON, 0x0001, "card serial", length=30)

EFS: tuple[Ef, ...] = (
    TOKEN_INFO,
    CERTIFICATE_STATUS,
    USER_AUTHENTICATION_CERTIFICATE,
    USER_AUTHENTICATION_CA_CERTIFICATE,
    SIGNATURE_CA_CERTIFICATE,
    SIGNATURE_CERTIFICATE,
    AGE_RECORD,
    CARD_FACE,
    CARD_FACE_BASICS,
    CARD_FACE_CERTIFICATE,
    NUMBER_IMAGE,
    NUMBER_TEXT,
    BASIC_FOUR,
    TEXT_INTEGRITY,
    TEXT_CERTIFICATE,
    TEXT_BASICS,
    TEXT_PUBLIC_KEY,
    CARD_SERIAL,
)

TOKEN_LABEL_BYTES = 32  # padded with spaces
TOKEN_LABELS: dict[str, CardKind] = {
    "JPKIAPICCTOKEN2": CardKind.MY_NUMBER_CARD,
    "JPKIAPICCTOKEN": CardKind.RESIDENT_CARD,
    "JPKIAPGPSETOKEN": CardKind.PHONE_ANDROID,
    "JPKIAPIOSTOKEN": CardKind.PHONE_IOS,  # B
    "JPKIAPICCTOKEN3": CardKind.NEXT_GENERATION,  # assumed: nothing is public
}


@dataclass(frozen=True, slots=True)
class CardProfile:
    """What changes when the card changes: algorithm, key size, applications, lengths of codes.

    `public_exponent` is that of RSA; None is ECDSA.
    """

    name: str
    jpki: Aid
    card_face: Aid
    signature_algorithm: str
    hash_bytes: int
    key_bits: int
    public_exponent: int | None
    signature_bytes: int  # of every signature that the card makes or carries
    pin_digits: int
    collation_number_digits: int


FIRST_GENERATION = CardProfile(
    name="first generation",
    jpki=Aid.JPKI,
    card_face=Aid.CARD_FACE,
    signature_algorithm="RSASSA-PKCS1-v1_5 with SHA-256",
    hash_bytes=32,
    key_bits=2048,
    public_exponent=65537,
    signature_bytes=256,
    pin_digits=4,
    collation_number_digits=14,
)
# Planned for fiscal 2028; algorithm, number of applications and digits are the announced intent.
# Assumed, since nothing is public: 認証AP and 券面等AP have the AIDs of today's JPKI and card face.
# The simulator plays it; the firmware knows its label and does not take it.
NEXT_GENERATION = CardProfile(
    name="next generation",
    jpki=Aid.JPKI,
    card_face=Aid.CARD_FACE,
    signature_algorithm="ECDSA P-384 with SHA-384",
    hash_bytes=48,
    key_bits=384,
    public_exponent=None,
    signature_bytes=96,
    pin_digits=4,
    collation_number_digits=6,
)
PROFILES: tuple[CardProfile, ...] = (FIRST_GENERATION, NEXT_GENERATION)
