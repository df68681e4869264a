"""`kazashi pair` at the driver: digits from the device, and whom they lead to. [shell]"""

from __future__ import annotations

from firmware.faults import BadSettings, LinkLost, PairingRefused
from firmware.link.pairing import HostPairing
from firmware.link.pairing_line import pair_with_device
from firmware.link.trust import Trust
from hostdriver.faults import Refusal


async def learn_device(port: str, code: str, trust: Trust, lease_s: float) -> None:
    """Pair over `port` and pin the device. Raises `Refusal`; then whoever was pinned stays so."""
    try:
        pairing = HostPairing(code, trust.certificate())
        trust.pin(await pair_with_device(port, pairing, lease_s))
    except PairingRefused as fault:
        raise Refusal("pairing_refused", str(fault)) from fault
    except (LinkLost, BadSettings) as fault:
        raise Refusal("pairing_not_possible", str(fault)) from fault
