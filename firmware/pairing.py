"""Pairing, as staff begin it at the device: a code is shown, and one host may learn it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firmware.device import Device
from firmware.faults import BadSettings
from firmware.link.pairing import PairingWindow
from firmware.link.pairing_line import pair_with_host
from firmware.link.transport import LEASE_S
from firmware.settings import Settings


async def let_a_host_pair(settings: Settings, show: Callable[[str], None]) -> bool:
    """Show a code and wait: True when a host was paired, False after the last wrong try.

    Raises `BadSettings` where the link is no serial line, `LinkLost` where its port cannot be
    opened: it is not there, or the firmware itself holds it; `PairingRefused` after ten minutes.
    """
    kind, _, port = settings.link.partition(":")
    if kind != "serial":
        raise BadSettings(f"link: {settings.link!r} is no serial line; only these are paired")
    trust = Device(settings.device_id, Path(settings.state_dir), settings.clock_trust).link_trust
    window = PairingWindow(trust.certificate())
    show(window.code)
    host = await pair_with_host(port, window, LEASE_S * settings.machine_scale)
    if host is None:
        return False
    trust.pin(host)
    return True
