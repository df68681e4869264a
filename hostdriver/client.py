"""The reference client, and the vendors' example: blocking, standard library only. [shell]

    with Client("/run/kazashi/hostdriver/hostdriver.sock", "front desk") as client:
        visit = client.start("visit-20260105-A17")
        for event in client.events():
            print(event["state"])
        result = client.result(visit["transaction_id"], wait_s=5)
        client.ack(visit["transaction_id"])

Values are the JSON of docs/SOCKET_API.md. One client is one connection, used by one thread.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final

from hostdriver.faults import Answered, NoDriver

PROTOCOL: Final = "1.0"
NONCE_BYTES: Final = 16
ANSWER_WITHIN_S: Final = 30.0

Json = dict[str, Any]


class Client:
    """A connection to the host driver. Every verb raises `Answered` for the driver's errors and
    `NoDriver` when it is not there or goes away."""

    def __init__(self, address: str, name: str = "kazashi", *, token: str | None = None) -> None:
        """`address`: `PATH` or `unix:PATH` of the socket, or `tcp:PORT` on this machine."""
        self._events: deque[Json] = deque()
        self._last_id = 0
        self._visit: str | None = None
        try:
            self._socket = _connect(address)
        except (OSError, ValueError) as cause:
            raise NoDriver(f"no host driver answers at {address} ({cause})") from cause
        self._lines = self._socket.makefile("rb")
        self.driver = self._hello(name, token)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. A visit that has not reached CONFIRMING is cancelled 2 s later."""
        self._lines.close()
        self._socket.close()

    def hello(self) -> Json:
        """What the driver said of itself and of its device."""
        return self.driver

    def start(self, client_ref: str, **options: Any) -> Json:
        """Begin a visit, or take over the one that this client began under `client_ref`.

        `options` are those of `transaction.start`; a nonce is made if none is given. Events of
        the visit come through `events`.
        """
        self.call("events.subscribe")
        nonce = base64.b64encode(secrets.token_bytes(NONCE_BYTES)).decode()
        options = {"nonce": nonce} | options
        begun = self.call("transaction.start", client_ref=client_ref, **options)
        self._visit = begun["transaction_id"]
        return begun

    def events(self) -> Iterator[Json]:
        """The events of the visit that was started last, as they come, up to `finished`."""
        while True:
            event = self._events.popleft() if self._events else self._next_event()
            if event.get("transaction_id") != self._visit:
                continue
            yield event
            if event["event"] == "finished":
                return

    def result(self, transaction_id: str, wait_s: float = 0) -> Json:
        """What the visit came to, waiting for its end at most `wait_s`."""
        return self.call("transaction.result", transaction_id=transaction_id, wait_s=wait_s)

    def cancel(self, transaction_id: str) -> Json:
        """Stop the visit; `cancelling` is false after the point of no return."""
        return self.call("transaction.cancel", transaction_id=transaction_id)

    def ack(self, transaction_id: str) -> Json:
        """The result has been taken into the record: let the driver erase it."""
        return self.call("transaction.ack", transaction_id=transaction_id)

    def query(self, **insured_card_data: str) -> Json:
        """Ask without a card, by what stands on the patient's paper: the fields of
        `eligibility.query`."""
        return self.call("eligibility.query", **insured_card_data)

    def call(self, method: str, **params: Any) -> Json:
        """Any verb: its result."""
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self._socket.settimeout(ANSWER_WITHIN_S + params.get("wait_s", 0))
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as cause:
            raise NoDriver(f"the host driver went away ({cause})") from cause
        while True:
            message = self._read()
            if "method" in message:
                self._events.append(message["params"])
            elif message["id"] in (self._last_id, None):
                if "error" in message:
                    raise Answered(message["error"])
                result: Json = message["result"]
                return result

    def _hello(self, name: str, token: str | None) -> Json:
        try:
            said = {"token": token} if token else {}
            return self.call("hello", protocol=PROTOCOL, client=name, **said)
        except (Answered, NoDriver):
            self.close()
            raise

    def _next_event(self) -> Json:
        self._socket.settimeout(None)
        while True:
            message = self._read()
            if "method" in message:
                event: Json = message["params"]
                return event

    def _read(self) -> Json:
        try:
            line = self._lines.readline()
        except OSError as cause:
            raise NoDriver(f"the host driver does not answer ({cause})") from cause
        if not line.endswith(b"\n"):
            raise NoDriver("the host driver went away")
        try:
            message: Json = json.loads(line)
        except ValueError as cause:
            raise NoDriver("what answers there is no host driver") from cause
        return message


def _connect(address: str) -> socket.socket:
    if address.startswith("tcp:"):
        port = address.removeprefix("tcp:")
        if not (port.isascii() and port.isdecimal() and int(port) < 1 << 16):
            raise ValueError("write it as tcp:PORT, with a number below 65536")
        return socket.create_connection(("127.0.0.1", int(port)))
    if not hasattr(socket, "AF_UNIX"):
        raise ValueError("there are no Unix sockets here; use tcp:PORT")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(address.removeprefix("unix:"))
    except OSError:
        connection.close()
        raise
    return connection
