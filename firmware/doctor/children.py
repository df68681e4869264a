"""Has a child look at a part, and gives it up when it takes too long. [shell]"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from firmware.doctor import facts as f
from firmware.doctor.facts import CameraState, ReaderState
from firmware.owner import owner_of
from firmware.settings import Settings
from firmware.worker import kill_child

LOOK_WITHIN_S: Final = 30.0
NO_ANSWER: Final = "no answer"
SILENT: Final[dict[str, f.Fact]] = {
    "reader": f.ReaderFact(ReaderState.HANGS),
    "face_camera": f.CameraFact(CameraState.ABSENT, NO_ANSWER),
    "tray_camera": f.CameraFact(CameraState.ABSENT, NO_ANSWER),
    "lights": f.LightsFact(there=False, says=NO_ANSWER),
    "models": f.ModelsFact(missing=(NO_ANSWER,)),
}
"""What a child that says nothing in time stands for: doubt is a finding."""

_DECODER: Final[msgspec.json.Decoder[f.Fact]] = msgspec.json.Decoder(
    f.ReaderFact | f.CameraFact | f.LightsFact | f.ModelsFact
)


async def look(part: str, settings: Settings) -> Any:
    """The fact that a child finds out about a part, looking as the firmware's own user."""
    try:
        child = await asyncio.create_subprocess_exec(
            *child_command(part, settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            **_user_of(Path(settings.state_dir)),
        )
    except OSError:  # no memory, no descriptors
        return SILENT[part]
    try:
        async with asyncio.timeout(LOOK_WITHIN_S * settings.machine_scale):
            said, _ = await child.communicate()
        return _DECODER.decode(said)
    except (TimeoutError, msgspec.MsgspecError):
        return SILENT[part]
    finally:
        kill_child(child)
        await child.wait()


def child_command(part: str, settings: Settings) -> tuple[str, ...]:
    """The child's program and arguments, which whoever lists processes sees: no passcodes there."""
    told = msgspec.json.encode(msgspec.structs.replace(settings, staff=())).decode()
    # -P: whoever calls the doctor as root may stand in a folder that others can write to.
    return (sys.executable, "-P", "-m", "firmware.doctor.looking", part, told)


def _user_of(state_dir: Path) -> dict[str, Any]:
    """Root sees what the firmware's user may not: that is whose eyes count."""
    owner = owner_of(state_dir)
    if owner is None:
        return {}
    groups = os.getgrouplist(owner.pw_name, owner.pw_gid)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": groups}
