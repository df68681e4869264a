"""Status words and the retry counter: the only SW numbers of the house.

Seen on cards or documented (JIS X 6306, JICSAP 1.1, ISO/IEC 7816-4). A word that is not listed
here is handled by not being `SUCCESS`.
"""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0x9000
END_OF_FILE: Final = 0x6282  # the file ended before Le bytes; those that came are good
NO_COUNTER: Final = 0x6300  # refused, by a key without a limit of tries
NO_SESSION_KEYS: Final = 0x66F1  # secure messaging is not begun in this application
WRONG_LENGTH: Final = 0x6700
CHANNEL_NOT_SUPPORTED: Final = 0x6881
WRONG_FILE_TYPE: Final = 0x6981
SECURITY_NOT_SATISFIED: Final = 0x6982  # a key is not yet verified
AUTHENTICATION_BLOCKED: Final = 0x6983  # what ISO/IEC 7816-4 says of a key without tries
KEY_LOCKED: Final = 0x6984  # and what this card says (JICSAP: "IEF locked"); both mean blocked
CONDITIONS_NOT_SATISFIED: Final = 0x6985
NO_CURRENT_EF: Final = 0x6986
WRONG_DATA: Final = 0x6A80
FUNCTION_NOT_SUPPORTED: Final = 0x6A81
FILE_NOT_FOUND: Final = 0x6A82  # no such application, or no such file in it
RECORD_NOT_FOUND: Final = 0x6A83
WRONG_P1_P2: Final = 0x6A86
REFERENCE_NOT_FOUND: Final = 0x6A88
WRONG_OFFSET: Final = 0x6B00  # READ BINARY past the end of the file
UNKNOWN_INSTRUCTION: Final = 0x6D00
UNKNOWN_CLASS: Final = 0x6E00
NO_DIAGNOSIS: Final = 0x6F00  # also measured as the answer to the first command after power-up

_MORE_DATA: Final = 0x6100
_EXACT_LENGTH: Final = 0x6C00
_TRIES: Final = 0x63C0

_MEANINGS: Final = {
    SUCCESS: "done",
    END_OF_FILE: "the file ended early",
    NO_COUNTER: "refused, no limit of tries",
    NO_SESSION_KEYS: "no session keys here",
    WRONG_LENGTH: "wrong length",
    CHANNEL_NOT_SUPPORTED: "logical channel not supported",
    WRONG_FILE_TYPE: "wrong type of file",
    SECURITY_NOT_SATISFIED: "not allowed before a key is verified",
    AUTHENTICATION_BLOCKED: "blocked",
    KEY_LOCKED: "blocked",
    CONDITIONS_NOT_SATISFIED: "conditions of use not satisfied",
    NO_CURRENT_EF: "no file is selected",
    WRONG_DATA: "wrong data",
    FUNCTION_NOT_SUPPORTED: "function not supported",
    FILE_NOT_FOUND: "no such application or file",
    RECORD_NOT_FOUND: "no such record",
    WRONG_P1_P2: "wrong P1 or P2",
    REFERENCE_NOT_FOUND: "no such key or data object",
    WRONG_OFFSET: "past the end of the file",
    UNKNOWN_INSTRUCTION: "unknown instruction",
    UNKNOWN_CLASS: "unknown class",
    NO_DIAGNOSIS: "no diagnosis",
}


def tries_left(status_word: int) -> int | None:
    """The retry counter that a status word reports: 63Cx is x, blocked is 0, else None.

    None is "unlimited or not reported": it never means "enough".
    """
    if status_word in (AUTHENTICATION_BLOCKED, KEY_LOCKED):
        return 0
    if status_word & 0xFFF0 == _TRIES:
        return status_word & 0x000F
    return None


def tries_status(tries: int) -> int:
    """The status word 63Cx for 0..15 tries left: the other direction, for whoever plays a card."""
    return _TRIES | min(max(tries, 0), 15)


def exact_length_status(length: int) -> int:
    """The status word 6Cxx for 1..256 bytes: the other direction as well."""
    return _EXACT_LENGTH | length & 0xFF


def bytes_waiting(status_word: int) -> int | None:
    """How many bytes 61xx offers to GET RESPONSE (00 is 256); None for any other word."""
    return (status_word & 0xFF or 256) if status_word & 0xFF00 == _MORE_DATA else None


def exact_length(status_word: int) -> int | None:
    """The Le that 6Cxx asks for (00 is 256); None for any other word."""
    return (status_word & 0xFF or 256) if status_word & 0xFF00 == _EXACT_LENGTH else None


def describe(status_word: int) -> str:
    """A short English text for people who repair."""
    if (tries := tries_left(status_word)) is not None:
        return f"refused, {tries} tries left" if tries else "blocked"
    if (waiting := bytes_waiting(status_word)) is not None:
        return f"{waiting} more bytes"
    if (length := exact_length(status_word)) is not None:
        return f"wrong Le, {length} is right"
    return _MEANINGS.get(status_word, "unknown status word")
