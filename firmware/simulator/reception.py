"""Reception's side of a simulated visit: the reference client on the appliance's socket. [shell]"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import uuid4

from hostdriver.client import Client

Json = dict[str, Any]
Tell: TypeAlias = Callable[[Json], None]
Reception: TypeAlias = Callable[[str, Json, Tell], Json]
"""Socket, options of `transaction.start`, who hears every event → the result."""
CLIENT: Final = "kazashi-simulator"
RESULT_WITHIN_S: Final = 10.0


def hold_visit(socket: str, options: Json, tell: Tell) -> Json:
    """Begin a visit and wait for its end; `tell` hears every event. Returns the result.

    `options` are those of `transaction.start`. Raises `Answered` and `NoDriver`.
    """
    with Client(socket, CLIENT) as client:
        begun = client.start(f"simulated-{uuid4()}", **options)
        for event in client.events():
            tell(event)
        transaction_id = begun["transaction_id"]
        result = client.result(transaction_id, wait_s=RESULT_WITHIN_S)
        client.ack(transaction_id)
    return result


def cancel_visit(socket: str, transaction_id: str) -> bool:
    """Cancel a visit that another connection holds; False: it is past the point of no return.

    Raises `Answered` and `NoDriver`.
    """
    with Client(socket, CLIENT) as client:
        return bool(client.cancel(transaction_id)["cancelling"])
