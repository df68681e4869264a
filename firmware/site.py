"""What a site's settings ask for, made of them: its panel, its groups."""

from __future__ import annotations

import grp
from collections.abc import Callable
from pathlib import Path

from firmware.faults import BadSettings
from firmware.panel.comfort import Comfort
from firmware.panel.server import PanelServer
from firmware.settings import Settings
from firmware.transaction import events as e


def panel_of(
    settings: Settings,
    on_event: Callable[[e.Event], None],
    on_new_code: Callable[[], None] = lambda: None,
) -> PanelServer:
    """The panel's server as the site set it. Raises `BadSettings`."""
    site = settings.panel
    return PanelServer(
        Path(settings.runtime_dir),
        on_event,
        port=settings.panel_port,
        hotline=settings.hotline,
        shuffle_keys=site.shuffle_keys,
        layout=site.layout,
        comfort=Comfort(large=site.large, contrast=site.contrast),
        speech=Path(settings.speech) if settings.speech else None,
        readers_group=group_of(settings.panel_group),
        on_new_code=on_new_code,
    )


def group_of(name: str | None) -> int | None:
    """The group's number. Raises `BadSettings` for one that is not there."""
    try:
        return None if name is None else grp.getgrnam(name).gr_gid
    except KeyError as cause:
        raise BadSettings(f"there is no group {name!r}") from cause
