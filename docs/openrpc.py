"""The local socket for programs: an OpenRPC document with one JSON Schema per struct.

Made from `api.METHODS`, `events.EVENTS` and `errors.ERRORS`, as the tables of SOCKET_API.md are.
OpenRPC (https://spec.open-rpc.org) has no word for what is pushed, so events stand under
`x-events`, and the schema of any pushed line under `x-notification`.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from schema import described, field_notes

from hostdriver import api
from hostdriver.envelope import MAX_LINE_BYTES, Failure
from hostdriver.errors import ERRORS
from hostdriver.events import EVENTS

OPENRPC: Final = "1.3.2"
PLACE: Final = "#/components/schemas/"
Json = dict[str, Any]

KINDS: Final[tuple[type[msgspec.Struct], ...]] = (
    *(row.params for row in api.METHODS.values()),
    *(row.result for row in api.METHODS.values()),
    *EVENTS.values(),
    Failure,
)
"""What is said on the socket; structs and enums within them follow by themselves."""


def openrpc_document() -> str:
    """The whole of openrpc.json."""
    return json.dumps(openrpc(), ensure_ascii=False, indent=1) + "\n"


def openrpc() -> Json:
    """The document as JSON values."""
    schemas = _schemas()
    return {
        "openrpc": OPENRPC,
        "info": {
            "title": "Kazashi, local socket",
            "version": api.PROTOCOL,
            "description": (
                "JSON-RPC 2.0, one object a line, on a Unix-domain socket or TCP on loopback; the "
                "guide is SOCKET_API.md. Any request may be answered with any of the errors under "
                f"components. A line has at most {MAX_LINE_BYTES} bytes. Unknown fields are "
                "ignored on both sides."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "methods": [_method(name, row, schemas) for name, row in api.METHODS.items()],
        "x-notification": _notification(),
        "x-events": {name: _ref(kind) for name, kind in EVENTS.items()},
        "components": {"schemas": schemas, "errors": _errors()},
    }


def _method(name: str, row: api.MethodRow, schemas: Json) -> Json:
    params = schemas[row.params.__name__]
    return {
        "name": name,
        "summary": row.does,
        "paramStructure": "by-name",
        "params": [
            {"name": field, "required": field in params["required"], "schema": schema}
            for field, schema in params["properties"].items()
        ],
        "result": {"name": row.result.__name__, "schema": _ref(row.result)},
    }


def _notification() -> Json:
    return {
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "method": {"const": "event"},
            "params": {"anyOf": [_ref(kind) for kind in EVENTS.values()]},
        },
        "required": ["jsonrpc", "method", "params"],
    }


def _errors() -> Json:
    return {
        symbol: {"code": row.code, "message": row.message, "data": {"symbol": symbol}}
        for symbol, row in ERRORS.items()
    }


def _ref(kind: type[msgspec.Struct]) -> Json:
    return {"$ref": PLACE + kind.__name__}


# --- the schemas
def _schemas() -> Json:
    """Every struct and enum by its name."""
    _, schemas = msgspec.json.schema_components(KINDS, ref_template=PLACE + "{name}")
    for kind in _structs(msgspec.Struct):
        if kind.__name__ in schemas and kind.__module__.partition(".")[0] != "msgspec":
            _describe(schemas[kind.__name__], kind)
    ordered: Json = _of_any_engine(dict(sorted(schemas.items())))
    return ordered


def _structs(kind: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    below = kind.__subclasses__()
    return [*below, *(struct for one in below for struct in _structs(one))]


def _describe(schema: Json, kind: type[msgspec.Struct]) -> None:
    """What the docstring and the notes below the fields say."""
    schema["description"] = described(kind)
    wire_names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    for field, note in field_notes(kind).items():
        schema["properties"][wire_names[field]]["description"] = note


def _of_any_engine(schema: Any) -> Any:
    r"""Python's `\Z` is no regular expression of JavaScript, which JSON Schema asks for."""
    if isinstance(schema, dict):
        return {
            name: part.replace(r"\Z", "$") if name == "pattern" else _of_any_engine(part)
            for name, part in schema.items()
        }
    return [_of_any_engine(part) for part in schema] if isinstance(schema, list) else schema
