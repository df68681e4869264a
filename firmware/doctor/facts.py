"""What was measured of a device, before anybody judges it: plain values, one struct a part."""

from __future__ import annotations

import msgspec

from firmware.words import ClockTrust


class Known(msgspec.Struct, frozen=True):
    """What only the running firmware knows, because it holds the part."""

    idle: bool
    """No visit is under way."""
    clock_trust: ClockTrust
    camera_told: bool
    """The face camera was looked at since the start."""
    camera_code: str | None
    """The code of its fault; None: it is well."""
    lights: bool
    """The lamp and the buzzer are on real pins."""
