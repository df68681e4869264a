"""The simulated device's key: one for all appliances of a world, so that it can be pinned."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from firmware.device import DEVICE_KEY_FILE, Device
from firmware.simulator.world import PUBLIC_MODE, World, write_whole

DEVICE_ID: Final = "kazashi-simulated"


def simulated_device_key(world: World) -> Path:
    """The file of the private key, made at the first call."""
    folder = world.root / "device"
    Device(DEVICE_ID, folder, None)
    return folder / DEVICE_KEY_FILE


def write_device_key(world: World, out: Path) -> Path:
    """Write the public key as a JWK, for whoever pins it; returns the file."""
    public = Device(DEVICE_ID, simulated_device_key(world).parent, None).public_key
    path = out / DEVICE_KEY_FILE
    write_whole(path, msgspec.json.format(msgspec.json.encode(public)) + b"\n", PUBLIC_MODE)
    return path
