"""`kazashi pair` at the driver: digits from the device, and whom they lead to. [shell]"""

from __future__ import annotations

from firmware.faults import BadSettings, LinkLost, PairingRefused
from firmware.link.pairing import HostPairing
from firmware.link.pairing_line import Keep, pair_with_device
from firmware.link.trust import Trust
from hostdriver.faults import DeviceNotTrusted, Refusal


async def learn_device(port: str, code: str, trust: Trust, keep: Keep, lease_s: float) -> None:
    """Pair over `port` and keep the device. Raises `Refusal`; then whoever was kept stays so."""
    try:
        pairing = HostPairing(code, trust.certificate())
        await pair_with_device(port, pairing, keep, lease_s)
    except PairingRefused as fault:
        raise Refusal("pairing_refused", str(fault)) from fault
    except (LinkLost, BadSettings, DeviceNotTrusted) as fault:
        raise Refusal("pairing_not_possible", str(fault)) from fault
