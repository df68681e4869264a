"""The card worker's process: the line to the firmware, the reader watch, the desk. [shell]

`python -m firmware.card.worker SETTINGS-AS-JSON PHOTO-FD LINE-FD`
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from firmware.card import requests
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.desk import CardDesk
from firmware.card.pcsc import Connection, Context, ReaderWatch
from firmware.card.requests import AreYouWell, CardMessage, Exchanged, Well
from firmware.card.terminal_authority import TerminalAuthority
from firmware.faults import BadSettings, MalformedPhoto
from firmware.settings import CardSettings
from firmware.worker import Line, die_with_parent

AUTHORITIES = "kazashi.terminal_authorities"


class CardWorker:
    """Serves one line until it ends."""

    def __init__(self, settings: CardSettings, photos: socket.socket, line: Line[CardMessage]):
        self._settings, self._photos, self._line = settings, photos, line
        self._speaking = threading.Lock()
        self._watch = ReaderWatch(settings.readers, self._say)
        self._desk = CardDesk(
            self._connect,
            self._send_photo,
            read_issuer_keys(settings.issuer_keys),
            open_authority(settings.terminal_authority),
            settings.block_bytes,
            tell=self._say,
        )

    def serve(self) -> None:
        """Answer requests until the firmware closes the line."""
        self._watch.start()
        try:
            while (request := self._line.receive()) is not None:
                self._say(self._answer(request))
        except EOFError:
            self._desk.forget()

    def _answer(self, request: CardMessage) -> CardMessage:
        if isinstance(request, AreYouWell):  # whoever answers here is not who watches
            return Well(self._watch.silent_s(time.monotonic()))
        return self._desk.answer(request)

    def _connect(self) -> Connection:
        reader = self._watch.reader_of_card or self._first_with_card()
        return Connection(reader, self._tell_exchange)

    def _first_with_card(self) -> str:
        """The watch has seen no card: it may not have looked yet."""
        context = Context.establish()
        try:
            readers = context.fitting(self._settings.readers)
            return next(filter(context.has_card, readers), readers[0])
        finally:
            context.release()

    def _send_photo(self, visit: UUID, photo: bytes) -> None:
        try:
            self._photos.send(visit.bytes + photo, socket.MSG_DONTWAIT)
        except OSError as cause:  # too long, or nobody takes them
            raise MalformedPhoto(f"the photo cannot be handed on: {cause.strerror}") from cause

    def _say(self, message: CardMessage) -> None:
        with self._speaking:
            self._line.send(message)

    def _tell_exchange(self, _command: CommandApdu, _answer: ResponseApdu) -> None:
        self._say(Exchanged())


class IssuerKey(msgspec.Struct, frozen=True):
    """One row of the issuer file: who signs card faces."""

    key_id: str
    """16 bytes in hex, as card-verifiable certificates name them."""
    public_key: str
    """PEM."""


def read_issuer_keys(file: str | None) -> Mapping[bytes, rsa.RSAPublicKey]:
    """The card-face issuers' keys in a JSON file; none without a file. Raises `BadSettings`."""
    keys: dict[bytes, rsa.RSAPublicKey] = {}
    try:
        rows = msgspec.json.decode(Path(file).read_bytes(), type=list[IssuerKey]) if file else []
        for row in rows:
            key = load_pem_public_key(row.public_key.encode())
            if isinstance(key, rsa.RSAPublicKey):
                keys[bytes.fromhex(row.key_id)] = key
    except (OSError, ValueError, msgspec.MsgspecError) as cause:
        raise BadSettings(f"card.issuer_keys: {file}: {cause}") from cause
    return keys


def open_authority(specification: str | None) -> TerminalAuthority | None:
    """The terminal authority that `name:argument` stands for. Raises `BadSettings`."""
    if specification is None:
        return None
    name, _, argument = specification.partition(":")
    for entry in entry_points(group=AUTHORITIES, name=name):
        authority: TerminalAuthority = entry.load()(Path(argument))
        return authority
    raise BadSettings(f"card.terminal_authority: there is none named {name!r}")


def main(arguments: list[str]) -> None:
    """The process: settings, the photo passage's end, the line's end."""
    die_with_parent()
    settings = msgspec.json.decode(arguments[0], type=CardSettings)
    photos = socket.socket(fileno=int(arguments[1]))
    line: Line[CardMessage] = Line(int(arguments[2]), requests.REQUESTS)
    CardWorker(settings, photos, line).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
