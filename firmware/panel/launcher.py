"""Where a page on loopback is, and the key to it: two files for this user, and one group. [shell]

`panel.json` tells programs the address. `panel.html` is what the kiosk browser opens: it goes to
the same address, so that the token is on nobody's command line. The token is the address's
fragment, which a browser never sends: it is in no request, no log and no referrer.
"""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

import msgspec

PANEL = "panel"


class PanelAddress(msgspec.Struct, frozen=True):
    """The content of panel.json."""

    address: str


def write_launcher(
    folder: Path, address: str, name: str = PANEL, *, group: int | None = None
) -> Path:
    """Write both files of the page `name` anew; returns the one to open. Raises `OSError`.

    `group` may read them, besides this user: that of the user whose browser shows the page.
    """
    launcher = folder / f"{name}.html"
    _write_private(folder / f"{name}.json", msgspec.json.encode(PanelAddress(address)), group)
    _write_private(launcher, _page(address).encode(), group)
    return launcher


def remove_launcher(folder: Path, name: str = PANEL) -> None:
    for ending in ("json", "html"):
        (folder / f"{name}.{ending}").unlink(missing_ok=True)


def _page(address: str) -> str:
    return (
        '<!doctype html><html lang="ja"><meta charset="utf-8"><title>Kazashi</title>'
        f'<meta http-equiv="refresh" content="0;url={escape(address)}"></html>\n'
    )


def _write_private(path: Path, content: bytes, group: int | None) -> None:
    """Replace a file that nobody else may read; it is never half-written."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if group is not None:
            os.fchown(descriptor, -1, group)
            os.fchmod(descriptor, 0o640)
    fresh.rename(path)
