"""docs/openrpc.json against the guide's examples, and against what the driver really takes.

That it is made from the code and fresh is held by tests/test_documents.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from front_desk import NONCE, Json
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from test_socket_guide import DIALOGUES, LOST, VISIT_ID

from hostdriver import api, codec
from hostdriver.errors import ERRORS
from hostdriver.events import EVENTS
from hostdriver.faults import Refusal

DOCUMENT: Json = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "openrpc.json").read_text(encoding="utf-8")
)
METHODS: dict[str, Json] = {method["name"]: method for method in DOCUMENT["methods"]}


def validator(schema: Json) -> Draft202012Validator:
    """Of one schema, with everything that it may point to."""
    return Draft202012Validator(schema | {"components": DOCUMENT["components"]})


def params_validator(method: str) -> Draft202012Validator:
    """Of a method's parameters, told as OpenRPC tells them: one by one."""
    params = METHODS[method]["params"]
    return validator(
        {
            "type": "object",
            "properties": {param["name"]: param["schema"] for param in params},
            "required": [param["name"] for param in params if param["required"]],
        }
    )


def parts(value: Any) -> Iterator[Json]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            yield from parts(part)


def test_it_tells_every_verb_event_and_error() -> None:
    assert list(METHODS) == list(api.METHODS)
    assert DOCUMENT["x-events"].keys() == EVENTS.keys()
    told = {name: error["code"] for name, error in DOCUMENT["components"]["errors"].items()}
    assert told == {name: row.code for name, row in ERRORS.items()}
    assert DOCUMENT["info"]["version"] == api.PROTOCOL


def test_every_schema_is_one_and_every_reference_leads_to_one() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    references = {part["$ref"] for part in parts(DOCUMENT) if "$ref" in part}
    assert references
    assert references <= {f"#/components/schemas/{name}" for name in schemas}


@pytest.mark.parametrize("title", DIALOGUES)
def test_every_example_of_the_guide_fits(title: str) -> None:
    asked: dict[int, str] = {}
    for line in (json.loads(line[2:]) for line in DIALOGUES[title] if line != LOST):
        if "id" in line and "method" in line:
            asked[line["id"]] = line["method"]
        elif "error" in line:
            validator({"$ref": "#/components/schemas/Failure"}).validate(line)
        elif "method" in line:
            validator(DOCUMENT["x-notification"]).validate(line)
        else:
            validator(METHODS[asked[line["id"]]]["result"]["schema"]).validate(line["result"])


SAID: dict[str, Json] = {
    "hello": {"protocol": "1.0", "client": "front desk", "token": "a"},
    "transaction.start": {
        "client_ref": "a",
        "nonce": NONCE,
        "purpose": "visit",
        "profile": "clinic",
        "items": ["medication"],
        "methods": ["pin"],
        "language": "ja",
        "timeout_s": 60,
        "reader": "kazashi-1",
    },
    "transaction.result": {"transaction_id": VISIT_ID, "wait_s": 1.5},
}
# In Python's expressions, and not in JavaScript's, `$` lets a last line end pass.
TEXT = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=70)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e3, 1e3) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
FORMATS = frozenset({"nonce", "transaction_id"})
"""Told by `contentEncoding` and `format`, which a validator need not look at."""


def driver_takes(method: str, params: Json) -> bool:
    try:
        codec.decode_params(msgspec.Raw(json.dumps(params).encode()), api.METHODS[method].params)
    except Refusal:
        return False
    return True


@given(st.data())
def test_schema_and_driver_take_the_same(data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(sorted(SAID)))
    field = data.draw(st.sampled_from(sorted(SAID[method])))
    words = st.sampled_from(["ja", "clinic", ["pin"], ["pin", "pin"], [], None, 10, 600.5, ""])
    said = SAID[method] | {field: data.draw(JSON_VALUES | words)}
    if data.draw(st.booleans()):
        del said[field]
    fits = params_validator(method).is_valid(said)
    if field not in FORMATS or not isinstance(said.get(field), str):
        assert fits == driver_takes(method, said), said
    else:
        assert fits or not driver_takes(method, said), said
