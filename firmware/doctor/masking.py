"""Takes out of a text whatever might be a secret or somebody's number. Pure.

It takes too much rather than too little: what is left is read by strangers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from firmware.settings import Settings
from firmware.settings_file import struct_of

GONE: Final = "(removed)"

# In this order: what is named comes first, what only looks like a secret last.
RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [^-]*-----.*?(-----END [^-]*-----|\Z)", re.DOTALL), GONE),
    (re.compile(r"(https?://[^\s#\"']{0,200})#[^\s\"']*"), rf"\1#{GONE}"),  # the panel's token
    (
        re.compile(
            r"(?i)((?:pass(?:code|word|phrase)|token|secret|pin|private|credential)[\w-]{0,40}"
            r"[\"']?[ \t]{0,3}[:=][ \t]{0,3})(\"[^\"]*\"|'[^']*'|\S+)"
        ),
        rf"\1{GONE}",
    ),
    (re.compile(r"(?i)\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), GONE),
    (re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{24,}"), GONE),
    # Long and of all kinds of letters: a key, a signature, a JWS.
    (
        re.compile(
            r"(?=[\w+/=-]{0,200}[0-9])(?=[\w+/=-]{0,200}[A-Z])(?=[\w+/=-]{0,200}[a-z])"
            r"[\w+/=-]{20,}(?:\.[\w=-]+)*",
            re.ASCII,
        ),
        GONE,
    ),
    # A number of twelve digits however it is written; fourteen are 照合番号B. Dates stay.
    (re.compile(r"\d(?:[ \t\u3000/\-‐−ー・.,_]{0,2}\d){11,}"), GONE),
    (re.compile(r"(?<![0-9A-Za-z])\d{7,}(?![0-9A-Za-z])"), GONE),
)


def masked(text: str, known: Collection[str] = ()) -> str:
    """The text without numbers of persons, keys, tokens, ids, and the words that are `known`."""
    for word in sorted(known, key=len, reverse=True):
        text = text.replace(word, GONE)
    for pattern, instead in RULES:
        text = pattern.sub(instead, text)
    return text


def masked_settings(document: Mapping[str, Any], known: Collection[str] = ()) -> dict[str, Any]:
    """A settings file's content: numbers and switches as they are, text of the keys that hold no
    secret, and nothing of a key that nobody knows."""
    return {masked(key, known): _shown(key, value, known) for key, value in document.items()}


def _shown(key: str, value: Any, known: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return masked_settings(value, known)
    if isinstance(value, list):
        return [_shown(key, each, known) for each in value]
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if key in TELLABLE else GONE
    return masked(value, known) if isinstance(value, str) and key in TELLABLE else GONE


def _keys_of(kind: type[msgspec.Struct]) -> set[str]:
    keys: set[str] = set()
    for field in msgspec.structs.fields(kind):
        below = struct_of(field.type)
        keys |= {field.encode_name} if below is None else _keys_of(below)
    return keys


OF_HOST: Final = {
    "socket",
    "socket_group",
    "profile",
    "adapter",
    "database",
    "trust_dir",
    "encoding",
}
TELLABLE: Final = (_keys_of(Settings) | OF_HOST) - {"staff_id", "passcode"}
"""The keys whose text or number may be told. Who works here is nobody's business."""
