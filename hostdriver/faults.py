"""The faults that only the host driver knows. What rooms share stands in `firmware.faults`."""

from __future__ import annotations

from firmware.faults import Fault, LinkLost


class Refusal(Fault):
    """A request that is not granted. `symbol` is a row of `hostdriver.errors.ERRORS`."""

    def __init__(self, symbol: str, detail: str = "") -> None:
        super().__init__(detail or symbol)
        self.symbol = symbol
        self.detail = detail


class LedgerUnavailable(Fault):
    """The ledger cannot be written, or is not the one that this driver wrote last."""

    code = "ledger_unavailable"


class ChainBroken(Fault):
    """A row, a head or an export that is not as it was written. `first_bad` is the row's number."""

    code = "chain_broken"

    def __init__(self, first_bad: int, reason: str) -> None:
        super().__init__(reason)
        self.first_bad = first_bad


class MalformedAnswer(Fault):
    """A file of the eligibility terminal that is no answer, or none that we are willing to read.

    The message names an element, never what stands in it.
    """

    code = "malformed_answer"


class ForeignFolder(Fault):
    """A shared folder that holds another producer's files, or another kind of data."""

    code = "foreign_folder"


class DeviceNotTrusted(Fault):
    """A device with another key than the pinned one, or one that nobody has paired."""

    code = "device_not_trusted"


class DeviceRefused(LinkLost):
    """A device that will not speak with this driver. `symbol` is a row of the driver's errors."""

    code = "device_refused"

    def __init__(self, symbol: str, reason: str) -> None:
        super().__init__(reason)
        self.symbol = symbol


class SocketNotOpened(Fault):
    """The local socket cannot be opened: another driver is there, or the address is unfit."""

    code = "socket_not_opened"


class PlotsMissing(Fault):
    """Reception's side: the library that draws is not installed."""

    code = "plots_missing"


class NoDriver(Fault):
    """Reception's side: no driver answers at this address, or it went away."""

    code = "no_driver"


class Answered(Fault):
    """Reception's side: the driver answered with an error. `error` is its JSON-RPC error object."""

    code = "answered"

    def __init__(self, error: dict[str, object]) -> None:
        super().__init__(str(error.get("message")))
        self.error = error
