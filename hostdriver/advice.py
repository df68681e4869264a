"""What `health` finds, in plain words for whoever runs the site, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from hostdriver.eligibility.answer import JAPAN

ADVICE: Final[dict[str, tuple[str, str]]] = {
    "reader_unavailable": (
        "the reader does not answer",
        "check its power and cable, and that kazashi-firmware runs there",
    ),
    "device_not_trusted": (
        "the device is not the one that is pinned, or nobody paired it",
        "do not use it; if you put it there yourself, run kazashi-firmware pair there, and then "
        "kazashi pair here",
    ),
    "card_service_unavailable": (
        "the service that reads cards is down",
        "is the card reader plugged in, and does pcscd run on the device? Else restart the device",
    ),
    "camera_unavailable": (
        "there is no picture from the camera",
        "check its cable; until then patients use the PIN, or staff look",
    ),
    "device_fault": ("the device has a fault", "restart it; if it comes back, read its log"),
    "host_lost": ("device and driver lost each other", "check the cable between them"),
    "clock_untrusted": (
        "the reader's clock is not set, so no consent can be recorded",
        "let it reach a time server (NTP), or fit a clock with a battery (RTC)",
    ),
    "tampered": (
        "the reader's enclosure is open",
        "look whether anybody has tampered with it, then shut it",
    ),
    "storage_unavailable": (
        "the reader's disk is full or cannot be written, so no visit begins",
        "make room there; kazashi-firmware doctor says where",
    ),
    "reader_version": (
        "the reader speaks another version of the protocol",
        "install the same version on the reader and here",
    ),
    "reader_taken": (
        "another host driver has this reader",
        "stop the one of them that should not have it",
    ),
    "ledger_unavailable": (
        "the ledger cannot be written, so no visit begins",
        "make room on the disk; the driver's log names other reasons, docs/OPERATION.md what to do",
    ),
    "gateway_not_set_up": (
        "the eligibility service is not set up, so no visit begins",
        "put the authorities of the cards and the insured persons there: docs/INSTALL.md",
    ),
    "face_folder_unusable": (
        "no result file can be left in the face folder; visits go on",
        "is it there, writable, with room, and no other producer's? See docs/FOLDERS.md",
    ),
}
"""Symbol → what is wrong, and the next step."""


def health_lines(answer: dict[str, Any]) -> Iterator[str]:
    """Every trouble with its next step, or that there is none; and how each cable behaves."""
    if answer["ok"]:
        yield "all is well"
    for trouble in answer["troubles"]:
        symbol, where = trouble["symbol"], trouble["reader"] or "host driver"
        what, step = ADVICE.get(symbol, (symbol, "ask whoever looks after the reader"))
        yield f"{where}: {what} ({symbol}){_since(trouble['since'])}"
        yield f"  → {step}"
        yield f"  {trouble['staff_text']}"
    yield from (_line_of(reader) for reader in answer["readers"] if reader["line"] is not None)


def _line_of(reader: dict[str, Any]) -> str:
    line = reader["line"]
    soon = line["round_trip_ms"]
    answers = "" if soon is None else f", answers within {soon:g} ms"
    again = line["resent"] / max(1, line["sent"])
    return (
        f"{reader['name']}: cable: {line['sent']} frames sent, {again:.1%} of them again; "
        f"{line['heard']} heard, {line['dropped']} spoiled{answers}"
    )


def _since(moment: str | None) -> str:
    if moment is None:
        return ""
    return f", since {datetime.fromisoformat(moment).astimezone(JAPAN):%Y-%m-%d %H:%M:%S}"
