"""How many commands photo and certificate cost: the fewest possible, ours, and OpenSC's.

    python benchmarks/apdus.py [--json]

A virtual card on a real PC/SC daemon. The fewest are arithmetic on the sizes of the card's files
and the block that the reader passes; ours are those that the card worker's desk sends; OpenSC's are
counted in its own debug log, with and without those by which it looks for other makers' cards. Exit
code 1 when ours are not the fewest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from firmware.card import files
from firmware.card.apdu import EXTENDED_LE_MAX, SHORT_LE_MAX, CommandApdu, ResponseApdu
from firmware.card.desk import CardDesk
from firmware.card.requests import CardMessage, IdentifyCard, ReadCardFace, ReadCertificate
from firmware.simulator.card import VirtualCard
from firmware.simulator.card_image import CardImage, load
from firmware.simulator.patients import find
from firmware.simulator.pcsc_service import PcscService
from firmware.simulator.people import collation_number_b
from firmware.simulator.world import World

PATIENT: Final = "valid"
READER: Final = "a reader that is not there"
USER_AUTHENTICATION: Final = "1"
"""OpenSC's name of the certificate that a clinic reads."""
OUTGOING: Final = "Outgoing APDU"
Lengths = list[tuple[int, int]]
"""(command, answer) in bytes for each exchange."""
CONFIGURATION: Final = """
app default {{
    debug = 9;
    debug_file = {log};
    {drivers}
}}
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of what is read, without the FF behind it."""

    face: int
    issuing_certificate: int
    certificate: int

    @classmethod
    def of(cls, image: CardImage) -> Sizes:
        """Those of a virtual card."""
        return cls(
            len(image.content(files.CARD_FACE)),
            len(image.content(files.CARD_FACE_CERTIFICATE)),
            len(image.content(files.USER_AUTHENTICATION_CERTIFICATE)),
        )


def reads(length: int, block: int) -> int:
    """READ BINARY commands for a file whose length its own first bytes tell."""
    return max(1, -(-length // block))


def fewest_for_certificate(sizes: Sizes, block: int) -> int:
    """SELECT, the token's label, the certificate."""
    return 2 + reads(sizes.certificate, block)


def fewest_for_both(sizes: Sizes, block: int) -> int:
    """Kind, authentic photo, certificate.

    JPKI is selected twice, since the certificate is read only after the faces were compared. VERIFY
    takes four (application, key, tries left, digits): it is never aimed by a short id. The chip
    signs one challenge.
    """
    face = 4 + reads(sizes.face, block) + reads(sizes.issuing_certificate, block) + 1
    return 2 + face + 1 + reads(sizes.certificate, block)


class Counting:
    """A connection to a virtual card without a reader between."""

    reader = READER

    def __init__(self, image: CardImage) -> None:
        self._card = VirtualCard(image)
        self.exchanged: Lengths = []

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        sent = command.encode()
        answer = self._card.process(sent)
        self.exchanged.append((len(sent), len(answer)))
        return ResponseApdu.decode(answer)

    def begin_transaction(self) -> None:
        """Nobody else is there."""

    def end_transaction(self) -> None:
        """Nobody else is there."""

    def close(self) -> None:
        self._card.power_off()


def exchanged(image: CardImage, block: int, *requests: CardMessage) -> Lengths:
    """What the card worker's desk sends for these requests, and what it hears."""
    connection = Counting(image)
    desk = CardDesk(lambda: connection, lambda _visit, _photo: None, {}, None, block)
    for request in requests:
        desk.answer(request)
    return connection.exchanged


def photo_and_certificate(patient_id: str) -> tuple[CardMessage, ...]:
    """A visit by face, as far as the card's files go: kind, authentic photo, certificate."""
    number = collation_number_b(find(patient_id)).encode()
    return IdentifyCard(), ReadCardFace(UUID(int=1), number), ReadCertificate()


def ours(image: CardImage, block: int, *requests: CardMessage) -> int:
    """How many commands the card worker's desk sends for these requests."""
    return len(exchanged(image, block, *requests))


def opensc(service: PcscService, drivers: str) -> int:
    """What OpenSC sends for the certificate; raises OSError or CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="kazashi-apdus-") as name:
        log, configuration = Path(name) / "opensc.log", Path(name) / "opensc.conf"
        configuration.write_text(CONFIGURATION.format(log=log, drivers=drivers))
        subprocess.run(
            ("pkcs15-tool", "--reader", "0", "--read-certificate", USER_AUTHENTICATION),
            env={**os.environ, **service.environment, "OPENSC_CONF": str(configuration)},
            check=True,
            capture_output=True,
        )
        return log.read_text(errors="replace").count(OUTGOING)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    block: int
    fewest: int
    ours: int
    opensc: int | None = None
    opensc_with_probes: int | None = None


def measure(world: World) -> list[Row]:
    """Both tasks, in blocks of a reader that passes extended lengths and of one that does not."""
    image = load(world.cards / PATIENT)
    sizes = Sizes.of(image)
    with PcscService(world.root) as service:
        service.insert(PATIENT)
        one, other = opensc(service, "card_drivers = jpki;"), opensc(service, "")
    rows = []
    for block in (EXTENDED_LE_MAX, SHORT_LE_MAX):
        alone = ours(image, block, IdentifyCard(), ReadCertificate())
        both = ours(image, block, *photo_and_certificate(PATIENT))
        fewest = fewest_for_certificate(sizes, block)
        rows += [
            Row("certificate", block, fewest, alone, one, other),
            Row("photo + certificate", block, fewest_for_both(sizes, block), both),
        ]
    return rows


def shown(rows: list[Row]) -> str:
    """The table for people."""
    lines = [
        f"{'':20}{'block':>7}{'fewest':>8}{'ours':>6}{'OpenSC':>8}{'with its probes':>17}",
    ]
    for row in rows:
        their = "" if row.opensc is None else f"{row.opensc:8}{row.opensc_with_probes:17}"
        lines.append(f"{row.what:20}{row.block:7}{row.fewest:8}{row.ours:6}{their}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 when a command could have been saved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = measure(World(Path(os.environ.get("KAZASHI_BUILD", "build")) / "simulation"))
    print(json.dumps([asdict(row) for row in rows]) if arguments.json else shown(rows))
    return int(any(row.ours != row.fewest for row in rows))


if __name__ == "__main__":
    sys.exit(main())
