"""The documents made from the code: LINK.md, STATES.md, PATIENTS.md, openrpc.json, the tables of
SOCKET_API.md, VIRTUAL_CARD.md, INSTALL.md and OPERATION.md, the drawings of hardware/, and the
commented settings files of an installed machine.

    python docs/generate.py           write them
    python docs/generate.py --check   name those that are stale, and exit with 1

In a hand-written document a part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this copy's, installed or not

import installing
from hardware.draw import drawings
from link_examples import EXAMPLES
from openrpc import openrpc_document
from patients import patients_document
from schema import Struct, described, fields_table, reached, table, words_table
from settings_files import SETTINGS_FILES, settings_document
from states import states_document

from firmware.link.messages import MAX_MESSAGE_BYTES, MESSAGES, PROTOCOL, Message, encode
from firmware.link.transport import HEARTBEATS_PER_LEASE, LEASE_S
from firmware.simulator.card_options import option_rows
from hostdriver import api
from hostdriver.errors import ERRORS
from hostdriver.events import EVENTS, Event
from hostdriver.texts import CAUSES
from hostdriver.ways_out import FALLBACKS

DOCS: Final = Path(__file__).resolve().parent
INSTALLED_SETTINGS: Final = DOCS.parent / "systemd" / "etc" / "kazashi"
LINK_INTRODUCTION: Final = f"""\
# The link between firmware and host driver

Written by `make docs` from `firmware/link/messages.py`; edit that.

Protocol {PROTOCOL}. A message is one JSON object with a `type`, on a line of its own, of at most
{MAX_MESSAGE_BYTES} bytes. Unknown fields are ignored, so that a newer side may say more; an unknown
`type` is refused, and so is another major number of `protocol`. The first message is `host_hello`,
and the device answers it with `device_hello` and `reader_status`. A side that hears nothing for
{LEASE_S:g} s takes the other for gone, so each sends a heartbeat every
{LEASE_S / HEARTBEATS_PER_LEASE:g} s. One host drives one device; a second one is refused.

On one Pi the lines run over a Unix-domain socket (`unix:PATH`); over a serial cable
(`serial:PORT`) COBS frames with CRC-32, acknowledgement and retransmission carry the same lines, in
TLS 1.3 between two ends that were paired and no others:
[ADR 0010](adr/0010-a-serial-line-is-tls-between-two-pinned-ends.md). `now` of a paired host is the
device's time while it has none of its own (`clock_trust` `host`).
Why the schema lives there: [ADR 0001](adr/0001-the-schema-lives-in-the-link.md).

No message has a field for a PIN, an image, a template, 照合番号B or the 12-digit number.

In the examples long values are cut short; every line decodes.
"""


def link_document() -> str:
    """The whole of LINK.md."""
    overview = table(
        ("message", "says", "who says it"),
        ((f"[`{_tag(kind)}`](#{_tag(kind)})", described(kind), _who(kind)) for kind in MESSAGES),
    )
    structs, enums = reached(MESSAGES)
    parts = [LINK_INTRODUCTION, f"## Messages\n\n{overview}\n"]
    for kind, example in zip(MESSAGES, EXAMPLES, strict=True):
        assert type(example) is kind, f"the example of {kind.__name__} stands in another place"
        parts.append(
            f"### {_tag(kind)}\n\n{described(kind)} ({_who(kind)})\n\n{fields_table(kind)}\n\n"
            f"```json\n{encode(example).decode()}\n```\n"
        )
    parts += [
        f"## {kind.__name__}\n\n{described(kind)}\n\n{fields_table(kind)}\n" for kind in structs
    ]
    parts.append(f"## Words\n\n{words_table(enums)}\n")
    return "\n".join(parts)


def _tag(kind: type[Message]) -> str:
    return str(kind.__struct_config__.tag)


def _who(kind: type[Message]) -> str:
    if kind.__name__ == "Heartbeat":
        return "both"
    return "host → device" if kind.to_device else "device → host"


# --- the tables of SOCKET_API.md
PARAMS: Final = tuple(row.params for row in api.METHODS.values())
WRITTEN: Final[tuple[Struct, ...]] = tuple(
    dict.fromkeys([*(row.result for row in api.METHODS.values()), *EVENTS.values()])
)
SHARED: Final[tuple[Struct, ...]] = (api.Reader,)
"""Results that other results hold too: told under Objects."""


def methods() -> str:
    """Every verb with its parameters and its result."""
    parts = [
        table(
            ("method", "does"),
            ((f"[`{name}`](#{_anchor(name)})", row.does) for name, row in api.METHODS.items()),
        )
    ]
    for name, row in api.METHODS.items():
        parts.append(f"### {name}\n\n{row.does}")
        if row.params is not api.Nothing:
            parts.append(f"Parameters: {described(row.params)}\n\n{fields_table(row.params)}")
        if row.result in SHARED:
            link = f"[{row.result.__name__}](#{row.result.__name__.lower()})"
            parts.append(f"Result: {link}.")
        else:
            written = fields_table(row.result, may_be_left_out=False)
            parts.append(f"Result: {described(row.result)}\n\n{written}")
    return "\n\n".join(parts)


def events() -> str:
    """Every event."""
    parts = [described(Event)]
    for name, kind in EVENTS.items():
        written = fields_table(kind, may_be_left_out=False)
        parts.append(f"### Event `{name}`\n\n{described(kind)}\n\n{written}")
    return "\n\n".join(parts)


def objects() -> str:
    """What methods and events are made of."""
    kinds, _ = reached((*PARAMS, *WRITTEN))
    return "\n\n".join(
        f"### {kind.__name__}\n\n{described(kind)}\n\n{fields_table(kind, may_be_left_out=False)}"
        for kind in (*SHARED, *kinds)
    )


def words() -> str:
    """Every enum on the socket."""
    _, enums = reached((*PARAMS, *WRITTEN))
    return words_table(enums)


def errors() -> str:
    """Every error."""
    return table(
        ("code", "symbol", "says", "for the staff", "for the patient"),
        (
            (str(row.code), f"`{symbol}`", row.message, row.staff, row.patient)
            for symbol, row in ERRORS.items()
        ),
    )


def causes() -> str:
    """Every cause, what is said of it, and which ways out are offered."""
    return table(
        ("cause", "for the patient", "for the staff", "ways out"),
        (
            (f"`{cause}`", text.patient, text.staff, ", ".join(f"`{way}`" for way in text.ways_out))
            for cause, text in CAUSES.items()
        ),
    )


def fallbacks() -> str:
    """Every way out, and when its rule holds."""
    return table(
        ("id", "text", "from", "until"),
        (
            (f"`{way.id}`", way.text, _day(way.valid_from), _day(way.valid_until))
            for way in FALLBACKS.values()
        ),
    )


def _day(day: object) -> str:
    return "" if day is None else str(day)


def _anchor(heading: str) -> str:
    return heading.replace(".", "")


def card_options() -> str:
    """How a virtual card may behave."""
    return table(
        ("option", "values", "default", "what it is"),
        (
            (
                f"`{row.name}`",
                ", ".join(f"`{value}`" for value in row.values) or "a word",
                "" if row.default is None else f"`{row.default}`",
                row.says,
            )
            for row in option_rows()
        ),
    )


PARTS: Final[dict[str, Callable[[], str]]] = {
    part.__name__: part
    for part in (methods, events, objects, words, errors, causes, fallbacks, card_options)
} | installing.PARTS
MARKED: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_parts(document: str) -> str:
    """A hand-written document with its marked parts made anew. `KeyError` for an unknown part."""
    return MARKED.sub(lambda at: f"{at[1]}\n{PARTS[at[2]]()}\n\n{at[3]}", document)


def documents() -> dict[Path, str]:
    """Every document that is generated, in whole or in part, as it should read."""
    in_part = [
        DOCS / name
        for name in (
            "SOCKET_API.md",
            "VIRTUAL_CARD.md",
            "INSTALL.md",
            "OPERATION.md",
            "RECEPTION.ja.md",
        )
    ]
    return {
        DOCS / "LINK.md": link_document(),
        DOCS / "STATES.md": states_document(),
        DOCS / "openrpc.json": openrpc_document(),
        DOCS / "PATIENTS.md": patients_document(),
        **{INSTALLED_SETTINGS / file.name: settings_document(file) for file in SETTINGS_FILES},
        **drawings(),
        **{path: with_parts(path.read_text(encoding="utf-8")) for path in in_part},
    }


@click.command()
@click.option("--check", is_flag=True, help="Name those that are stale, and exit with 1.")
def main(check: bool) -> None:
    """Write the documents that are made from the code."""
    stale = [
        (path, text)
        for path, text in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if check:
            click.echo(f"{path.name} is stale: run `make docs`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path.name}")
    sys.exit(1 if stale and check else 0)


if __name__ == "__main__":
    main()
