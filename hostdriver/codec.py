"""Lines of the local socket ↔ values. Pure; whatever comes in, a value or a `Refusal` and no more.

A 12-digit number is stopped here, wherever in a request it stands and however it is written.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final, TypeVar

import msgspec

from hostdriver.envelope import Failure, Notification, Request, Success
from hostdriver.faults import Refusal

PERSONAL_NUMBER_DIGITS: Final = 12
PERSONAL_NUMBER_GROUPS: Final = ((PERSONAL_NUMBER_DIGITS,), (4, 4, 4))
PERSONAL_NUMBER_FROM: Final = 10 ** (PERSONAL_NUMBER_DIGITS - 1)

LATIN_LETTER: Final = re.compile("[A-Za-z]")

Params = TypeVar("Params", bound=msgspec.Struct)
_REQUEST = msgspec.json.Decoder(Request)
_ENCODER = msgspec.json.Encoder()


def decode_request(line: bytes) -> Request:
    """The request in one line. Raises `Refusal`: `parse_error`, `invalid_request`,
    `personal_number_refused`."""
    try:
        anything = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise Refusal("parse_error", str(cause)) from cause
    if isinstance(anything, list):
        raise Refusal("invalid_request", "batches are refused")
    if holds_personal_number(anything):
        raise Refusal("personal_number_refused")
    try:
        return _REQUEST.decode(line)
    except msgspec.ValidationError as cause:
        raise Refusal("invalid_request", str(cause)) from cause


def decode_params(raw: msgspec.Raw, params: type[Params]) -> Params:
    """A request's parameters. Raises `Refusal` `invalid_params`, whose detail names the field."""
    try:
        return msgspec.json.decode(raw, type=params)
    except msgspec.MsgspecError as cause:
        raise Refusal("invalid_params", str(cause)) from cause


def holds_personal_number(value: Any) -> bool:
    """Whether any string or number in decoded JSON is twelve digits, however it is written.

    Separators and full-width digits do not hide it.
    """
    rest = [value]
    while rest:
        match rest.pop():
            case str() as text:
                if _is_personal_number(text):
                    return True
            case int() | float() as number:
                if PERSONAL_NUMBER_FROM <= abs(number) < 10 * PERSONAL_NUMBER_FROM:
                    return True
            case list() as items:
                rest.extend(items)
            case dict() as fields:
                rest.extend(fields)
                rest.extend(fields.values())
    return False


def _is_personal_number(text: str) -> bool:
    """Twelve digits on end, or in three groups of four as the card prints them."""
    if not PERSONAL_NUMBER_DIGITS <= len(text) <= 4 * PERSONAL_NUMBER_DIGITS:
        return False
    if LATIN_LETTER.search(text):
        return False  # so most texts are passed soon, and no normal form makes it a digit
    groups = "".join(
        character if character.isalnum() else " "
        for character in unicodedata.normalize("NFKC", text)
        if unicodedata.category(character) not in ("Cf", "Cc")
    ).split()
    lengths = tuple(len(group) for group in groups)
    return lengths in PERSONAL_NUMBER_GROUPS and all(group.isdecimal() for group in groups)


def encode(value: Success | Failure | Notification) -> bytes:
    """One line for a client, without its end."""
    return _ENCODER.encode(value)
