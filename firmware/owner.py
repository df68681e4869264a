"""Whose the device's files are: root looks and writes as that user, or it would see and leave what
the firmware cannot. [shell]
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def owner_of(state_dir: Path) -> pwd.struct_passwd | None:
    """The user whom root should stand back for; None: nobody, or this is not root."""
    if os.geteuid() != 0:
        return None
    try:
        owner = pwd.getpwuid(state_dir.stat().st_uid)
    except (OSError, KeyError):
        return None
    return None if owner.pw_uid == 0 else owner


def become_owner_of(state_dir: Path) -> None:
    """From here on this process is the firmware's user, for good."""
    if owner := owner_of(state_dir):
        os.initgroups(owner.pw_name, owner.pw_gid)
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
