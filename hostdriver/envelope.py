"""JSON-RPC 2.0, one object a line: what stands around a request, an answer and an event. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from hostdriver.events import Event
from hostdriver.ways_out import Fallback

MAX_LINE_BYTES = 64 * 1024
"""Of one line, without its end."""


class Request(msgspec.Struct, frozen=True):
    """One line from a client. A request without an id is refused: nothing goes unanswered."""

    jsonrpc: Literal["2.0"]
    method: str
    id: Annotated[str, msgspec.Meta(max_length=64)] | int
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Success(msgspec.Struct, frozen=True):
    """The answer to a request that was granted."""

    id: str | int
    result: Any
    jsonrpc: Literal["2.0"] = "2.0"


class ErrorData(msgspec.Struct, frozen=True):
    """What programs switch on, what staff read, what a patient may be told, and the ways out."""

    symbol: str
    staff_text: str
    patient_text: str
    fallback: tuple[Fallback, ...] = ()


class Error(msgspec.Struct, frozen=True):
    """JSON-RPC's error object."""

    code: int
    message: str
    data: ErrorData


class Failure(msgspec.Struct, frozen=True):
    """The answer to a request that was not granted; `id` is null when none could be read."""

    id: str | int | None
    error: Error
    jsonrpc: Literal["2.0"] = "2.0"


class Notification(msgspec.Struct, frozen=True):
    """An event on the wire."""

    params: Event
    method: Literal["event"] = "event"
    jsonrpc: Literal["2.0"] = "2.0"
