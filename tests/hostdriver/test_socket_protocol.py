"""The local socket against clients that err, lie, flood or die."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from front_desk import NONCE, Desk, Json, Site, open_site
from hypothesis import given
from hypothesis import strategies as st
from signing_device import WITHIN_S

from firmware.words import ClockTrust, State
from hostdriver import api, codec
from hostdriver.driver import running
from hostdriver.envelope import MAX_LINE_BYTES
from hostdriver.errors import ERRORS
from hostdriver.faults import LedgerUnavailable, Refusal, SocketNotOpened
from hostdriver.settings import LimitSettings

HELLO = {"protocol": "1.0", "client": "front desk"}


def line(method: str = "health", request_id: Any = 1, **params: Any) -> bytes:
    request = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return json.dumps(request).encode() + b"\n"


def symbol_of(answer: Json) -> str:
    symbol: str = answer["error"]["data"]["symbol"]
    assert answer["error"]["code"] == ERRORS[symbol].code
    return symbol


# --- lines
BAD_LINES: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"{", "parse_error"),
    "nothing": (b"", "parse_error"),
    "not UTF-8": (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', "parse_error"),
    "too deep": (b"[" * 60_000, "parse_error"),
    "too deep inside": (line().strip()[:-2] + b'"a":' + b"[" * 20_000, "parse_error"),
    "beyond all numbers": (line().strip()[:-2] + b'"a":1e999}}', "parse_error"),
    "5,000 digits": (line().strip()[:-2] + b'"a":' + b"9" * 5000 + b"}}", "parse_error"),
    "half a character": (line().strip()[:-2] + rb'"a":"\ud800"}}', "parse_error"),
    "a truth for an id": (line(request_id=True).strip(), "invalid_request"),
    "a long id": (line(request_id="a" * 65).strip(), "invalid_request"),
    "a batch": (b"[" + line().strip() + b"]", "invalid_request"),
    "no object": (b"7", "invalid_request"),
    "no version": (b'{"id":1,"method":"health"}', "invalid_request"),
    "another version": (b'{"jsonrpc":"1.0","id":1,"method":"health"}', "invalid_request"),
    "no id": (b'{"jsonrpc":"2.0","method":"health"}', "invalid_request"),
    "an object for an id": (b'{"jsonrpc":"2.0","id":{},"method":"health"}', "invalid_request"),
    "no method": (b'{"jsonrpc":"2.0","id":1}', "invalid_request"),
    "a number for a method": (b'{"jsonrpc":"2.0","id":1,"method":7}', "invalid_request"),
    "an unknown verb": (line("transaction.pin").strip(), "method_not_found"),
    "params in a list": (
        b'{"jsonrpc":"2.0","id":1,"method":"health","params":[]}',
        "invalid_params",
    ),
}


@pytest.mark.parametrize(("bad", "symbol"), BAD_LINES.values(), ids=BAD_LINES)
async def test_a_bad_line_gets_one_error_and_the_connection_lives(
    site: Site, bad: bytes, symbol: str
) -> None:
    async with site.client() as desk:
        assert symbol_of(await desk.exchange(bad + b"\n")) == symbol
        assert (await desk.exchange(line(request_id="after")))["id"] == "after"


async def test_an_id_comes_back_as_it_was_sent(site: Site) -> None:
    async with site.client() as desk:
        for request_id in (0, -1, 2**64, 10**400, "", "\x00", "\u2028", "番号", "a" * 64):
            assert (await desk.exchange(line(request_id=request_id)))["id"] == request_id


async def test_the_longest_line_is_answered_and_one_more_byte_ends_the_connection(
    site: Site,
) -> None:
    request = line(padding="")[:-1]
    padded = request.replace(b'""', b'"' + b"x" * (MAX_LINE_BYTES - len(request)) + b'"')
    assert len(padded) == MAX_LINE_BYTES
    async with site.client() as desk:
        assert (await desk.exchange(padded + b"\n"))["result"]["ok"] is True
    async with site.client() as desk:
        answer = await desk.exchange(padded.replace(b'"x', b'"xx', 1) + b"\n")
        assert symbol_of(answer) == "line_too_long"
        with pytest.raises(EOFError):
            await desk.read()


async def test_ten_megabytes_without_an_end_get_one_error(site: Site) -> None:
    async with site.client() as desk:
        sending = asyncio.create_task(desk.send(b"x" * 10_000_000))
        assert symbol_of(await desk.read()) == "line_too_long"
        with pytest.raises(EOFError):
            await desk.read()
        desk.hang_up()
        await asyncio.wait([sending])
        assert isinstance(sending.exception(), ConnectionError | None)
    async with site.client() as other:
        await other.must("health")


async def test_a_line_may_come_in_pieces_and_several_in_one(site: Site) -> None:
    async with site.client() as desk:
        for byte in line(request_id="slow"):
            await desk.send(bytes([byte]))
        assert (await desk.read())["id"] == "slow"
        await desk.send(line(request_id="a") + line(request_id="b") + line(request_id="c"))
        assert [(await desk.read())["id"] for _ in range(3)] == ["a", "b", "c"]


async def test_a_client_that_closes_its_side_still_gets_its_answers(site: Site) -> None:
    async with site.client(hello=False) as desk:
        desk.writer.write(line("hello", **HELLO) + line("health", "last"))
        desk.writer.write_eof()
        assert [(await desk.read())["id"] for _ in range(2)] == [1, "last"]
        with pytest.raises(EOFError):
            await desk.read()


# --- hello
async def test_nothing_is_answered_before_hello(site: Site) -> None:
    async with site.client(hello=False) as desk:
        for method in api.METHODS.keys() - {"hello"}:
            assert await desk.refused(method) == "hello_required"


@pytest.mark.parametrize("version", ["0.9", "2.0", "10.0"])
async def test_only_our_major_version_is_spoken(site: Site, version: str) -> None:
    async with site.client(hello=False) as desk:
        said = HELLO | {"protocol": version}
        assert await desk.refused("hello", **said) == "protocol_unsupported"
        assert await desk.refused("health") == "hello_required"
        assert (await desk.must("hello", **HELLO | {"protocol": "1.7"}))["protocol"] == "1.0"


async def test_a_connection_keeps_its_first_name(site: Site) -> None:
    async with site.client() as desk:
        assert await desk.refused("hello", **HELLO | {"client": "other"}) == "invalid_request"


async def test_a_client_that_says_nothing_is_dropped(tmp_path: Path) -> None:
    limits = LimitSettings(hello_within_s=0.05, reconnect_s=0.02)
    async with open_site(tmp_path, limits=limits) as site, site.client(hello=False) as desk:
        with pytest.raises((EOFError, ConnectionError)):
            await desk.read()


async def test_hello_tells_what_there_is(site: Site) -> None:
    async with site.client() as desk:
        told = await desk.must("hello", **HELLO)
    assert told["site_profile"] == "clinic"
    able = ["confirms_cards", "registers", "queries", "synthetic"]
    assert told["capabilities"] == ["eligibility:moody", *able]
    assert told["device"]["device_id"] == "device-1"
    assert told["device"]["boot_id"] == str(site.device.boot_id) != told["boot_id"]
    assert told["device"]["device_key"]["kid"] == site.device.key.thumbprint()


# --- params
BAD_STARTS: dict[str, tuple[Json, str]] = {
    "no nonce": ({"client_ref": "a"}, "nonce"),
    "a short nonce": ({"client_ref": "a", "nonce": "AAAA"}, "nonce"),
    "no base64": ({"client_ref": "a", "nonce": "?" * 24}, "nonce"),
    "an empty reference": ({"client_ref": "", "nonce": NONCE}, "client_ref"),
    "a long reference": ({"client_ref": "a" * 65, "nonce": NONCE}, "client_ref"),
    "a reference with a line end": ({"client_ref": "a\n", "nonce": NONCE}, "client_ref"),
    "a reference with a name": ({"client_ref": "山田", "nonce": NONCE}, "client_ref"),
    "an unknown purpose": ({"client_ref": "a", "nonce": NONCE, "purpose": "x"}, "purpose"),
    "no methods": ({"client_ref": "a", "nonce": NONCE, "methods": []}, "methods"),
    "an unknown item": ({"client_ref": "a", "nonce": NONCE, "items": ["x"]}, "items"),
    "for ever": ({"client_ref": "a", "nonce": NONCE, "timeout_s": 1e9}, "timeout_s"),
}


@pytest.mark.parametrize(("params", "field"), BAD_STARTS.values(), ids=BAD_STARTS)
async def test_bad_params_are_named(site: Site, params: Json, field: str) -> None:
    async with site.client() as desk:
        answer = await desk.ask("transaction.start", **params)
    assert symbol_of(answer) == "invalid_params"
    assert field in answer["error"]["message"]


async def test_unknown_fields_are_ignored(site: Site) -> None:
    async with site.client() as desk:
        assert (await desk.must("health", invented=True))["ok"] is True


@pytest.mark.parametrize("method", ["status", "cancel", "result", "ack"])
async def test_an_unknown_visit_is_unknown(site: Site, method: str) -> None:
    async with site.client() as desk:
        answer = await desk.refused(f"transaction.{method}", transaction_id=str(uuid4()))
    assert answer == "transaction_unknown"


PERSONAL_NUMBERS = [
    "123456789012",
    "1234-5678-9012",
    "1234 5678 9012",
    "１２３４５６７８９０１２",
    "1234.5678_9012",
    123456789012,
    123456789012.0,
]


@pytest.mark.parametrize("number", PERSONAL_NUMBERS)
async def test_a_personal_number_is_refused_wherever_it_stands(
    site: Site, number: str | float
) -> None:
    start: Json = {"client_ref": "a", "nonce": NONCE}
    places = [{"client_ref": number}, {"reader": number}, {"invented": [{"deep": [number]}]}]
    async with site.client() as desk:
        answers = [
            await desk.exchange(line("transaction.start", **start | place)) for place in places
        ]
        answers.append(await desk.exchange(line(request_id=number)))
        answers.append(await desk.exchange(line(**{str(number).removesuffix(".0"): 1})))
    for answer in answers:
        assert symbol_of(answer) == "personal_number_refused"
        assert str(number) not in json.dumps(answer, ensure_ascii=False)


@pytest.mark.parametrize("harmless", ["12345678901", "1234567890123", "a23456789012", NONCE])
def test_other_numbers_pass(harmless: str) -> None:
    assert not codec.holds_personal_number({"a": [harmless]})


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_refusal(junk: bytes) -> None:
    try:
        codec.decode_request(junk)
    except Refusal as refusal:
        assert refusal.symbol in ERRORS


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({name for row in api.METHODS.values() for name in row.params.__struct_fields__})


@given(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES))
def test_any_params_of_any_verb_are_values_or_a_refusal(params: Json) -> None:
    raw = msgspec.Raw(json.dumps(params).encode())
    for row in api.METHODS.values():
        try:
            codec.decode_params(raw, row.params)
        except Refusal as refusal:
            assert refusal.symbol == "invalid_params"


# --- floods and slow readers
async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    limits = LimitSettings(lines_waiting=8, reconnect_s=0.02)
    async with (
        open_site(tmp_path, limits=limits) as site,
        site.client("slow") as slow,
        site.client("front desk") as desk,
        asyncio.timeout(2 * WITHIN_S),
    ):
        slow.writer.write(line("hello", **HELLO) * 20_000)  # and not one answer is read
        while (await desk.must("health"))["connections"] == 2:
            pass


async def test_too_many_requests_in_flight_are_refused(tmp_path: Path) -> None:
    limits = LimitSettings(requests_in_flight=2, reconnect_s=0.02)
    async with open_site(tmp_path, limits=limits) as site, site.client() as desk:
        accepting = asyncio.create_task(site.device.accept())
        begun = await desk.must("transaction.start", client_ref="a", nonce=NONCE)
        start = await accepting
        of_it = {"transaction_id": begun["transaction_id"], "wait_s": WITHIN_S}
        await desk.send(line("transaction.result", "x", **of_it))
        await desk.send(line("transaction.result", "y", **of_it))
        assert symbol_of(await desk.exchange(line())) == "too_many_requests"
        await site.device.enter(start, State.CHOOSING_METHOD)
        assert (await desk.next_event("progress"))["event"] == "progress"


async def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    limits = LimitSettings(connections=2, reconnect_s=0.02)
    async with (
        open_site(tmp_path, limits=limits) as site,
        site.client(),
        site.client(),
        site.client(hello=False) as third,
    ):
        assert symbol_of(await third.read()) == "too_many_connections"
        with pytest.raises(EOFError):
            await third.read()


# --- who may connect
async def test_the_socket_is_closed_to_others(site: Site) -> None:
    mode = Path(site.address.removeprefix("unix:")).stat().st_mode
    assert stat.S_IMODE(mode) == 0o660


async def test_a_user_that_is_not_listed_is_turned_away(tmp_path: Path) -> None:
    async with (
        open_site(tmp_path, client_uids=(4242,)) as site,
        site.client(hello=False) as desk,
    ):
        with pytest.raises((EOFError, ConnectionError)):
            await desk.exchange(line("hello", **HELLO))


async def test_a_second_driver_takes_neither_socket_nor_ledger(site: Site, tmp_path: Path) -> None:
    elsewhere = {"state_dir": str(tmp_path / "other")}, {"socket": "unix:other.sock"}
    for changes, fault in zip(elsewhere, (SocketNotOpened, LedgerUnavailable), strict=True):
        second = msgspec.structs.replace(site.settings, **changes)
        with pytest.raises(fault, match="another host driver"):
            async with running(second, site.gateway):
                raise AssertionError("two drivers run")
    async with site.client() as desk:
        assert (await desk.must("ledger.verify"))["ok"] is True
        await asyncio.gather(
            site.device.accept(), desk.must("transaction.start", client_ref="a", nonce=NONCE)
        )


async def test_tcp_asks_for_the_token_of_its_file(tmp_path: Path) -> None:
    async with open_site(tmp_path, socket="tcp:0") as site:
        port = int(site.address.removeprefix("tcp:"))
        token_file = tmp_path / "state/socket.token"
        assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
        desk = Desk(*await asyncio.open_connection("127.0.0.1", port))
        for wrong in ({}, {"token": ""}, {"token": "wrong"}, {"token": "鍵"}):
            assert await desk.refused("hello", **HELLO, **wrong) == "token_refused"
        assert await desk.refused("health") == "hello_required"
        await desk.must("hello", **HELLO, token=token_file.read_text())
        desk.writer.close()


async def test_health_names_what_is_wrong(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site, site.client() as desk:
        assert (await desk.must("health"))["problems"] == []
        assert site.device.link is not None
        site.device.clock_trust = ClockTrust.NONE
        site.device.link.close()
        while (await desk.next_event("reader_status"))["reader"]["problem"] is None:
            pass
        while (await desk.must("health"))["problems"] != ["kazashi-1: clock_untrusted"]:
            await desk.next_event("reader_status")
        assert (await desk.must("health"))["ok"] is False
