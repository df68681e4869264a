"""Inside the virtual machine: plays the scenarios of one boot, in order, and says what it saw.

Which boot it is, the kernel's command line says: `kazashi.boot=first`, `second`, or the names of
checks, `install,pin-visit`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cable
import desk
import installing
import looking
import mishaps
import power
from report import Scenario, play

BOOTS: Final[Mapping[str, Mapping[str, Scenario]]] = {
    "first": {  # from a bare Debian to the power cut
        "install": installing.install,
        "bare": installing.bare,
        "moved in": installing.move_in,
        "users": looking.users,
        "files": looking.files,
        "memory": looking.memory,
        "polkit": looking.polkit,
        "pin visit": desk.pin_visit,
        "upgrade": installing.upgrade,
        "driver killed": mishaps.driver_killed,
        "firmware killed": mishaps.firmware_killed,
        "watchdog": mishaps.watchdog,
        "pcscd killed": mishaps.pcscd_killed,
        "camera": mishaps.camera,
        "face visit": desk.face_visit,
        "gadget": cable.gadget,
        "scores": looking.scores,
        "pairing": cable.pairing,
        "cable visit": cable.cable_visit,
        "cable pulled": cable.pulled,
        "cable back": cable.back,
        "cut": power.cut,
    },
    "second": {  # after the power came back
        "started again": power.started_again,
        "ledger": power.ledger,
        "visit after cut": power.visit_after_cut,
        "remove": installing.remove,
        "purge": installing.purge,
    },
}


def main() -> None:
    """Those of the boot, or those named."""
    told = re.search(r"kazashi\.boot=(\S+)", Path("/proc/cmdline").read_text())
    assert told is not None, "the kernel's command line names no boot"
    scenarios = BOOTS.get(told[1])
    if scenarios is None:
        known = {name: scenario for of in BOOTS.values() for name, scenario in of.items()}
        scenarios = {name: known[name] for name in told[1].replace("-", " ").split(",")}
    desk.use_installed_code()
    for name, scenario in scenarios.items():
        play(name, scenario)


if __name__ == "__main__":
    main()
