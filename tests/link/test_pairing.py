"""Pairing without a line: six digits, two certificates, and whoever stands between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.faults import MalformedMessage, PairingRefused
from firmware.link.certificate import is_certificate
from firmware.link.pairing import (
    TRIES,
    HostPairing,
    Offer,
    PairingWindow,
    PairingWord,
    Proven,
    Refusal,
    decode,
    encode,
    new_code,
)
from firmware.link.trust import Trust

CODE, WRONG = "012345", "012346"
Bend = Callable[[PairingWord], PairingWord]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, bytes]:
    """The host's, the device's, somebody else's."""
    folder = tmp_path_factory.mktemp("identities")
    host, device, other = (Trust(folder / name, "peer").certificate() for name in "hdo")
    return host, device, other


def same(word: PairingWord) -> PairingWord:
    return word


def pair(
    host: HostPairing, window: PairingWindow, to_device: Bend = same, to_host: Bend = same
) -> None:
    """One try from its first word to its last. Raises `PairingRefused`."""
    said: PairingWord | None = host.begin()
    while said is not None:
        answer = window.hear(decode(encode(to_device(said)).rstrip()))
        said = host.hear(decode(encode(to_host(answer)).rstrip()))


def test_the_right_digits_give_each_end_the_others_certificate(
    certificates: tuple[bytes, bytes, bytes],
) -> None:
    host, window = HostPairing(CODE, certificates[0]), PairingWindow(certificates[1], CODE)
    pair(host, window)
    assert (host.peer, window.peer) == (certificates[1], certificates[0])
    assert not window.is_open


def test_the_third_wrong_try_is_the_last(certificates: tuple[bytes, bytes, bytes]) -> None:
    window = PairingWindow(certificates[1], CODE)
    for left in range(TRIES - 1, -1, -1):
        assert window.is_open
        with pytest.raises(PairingRefused, match=f"{left} tries are left"):
            pair(HostPairing(WRONG, certificates[0]), window)
    assert not window.is_open
    with pytest.raises(PairingRefused):
        pair(HostPairing(CODE, certificates[0]), window)
    assert window.peer is None


def test_a_try_that_is_broken_off_is_spent(certificates: tuple[bytes, bytes, bytes]) -> None:
    window = PairingWindow(certificates[1], CODE)
    for _ in range(TRIES):
        assert isinstance(window.hear(HostPairing(CODE, certificates[0]).begin()), Offer)
        window.forsake()
    assert not window.is_open
    with pytest.raises(PairingRefused):
        window.hear(HostPairing(CODE, certificates[0]).begin())


@pytest.mark.parametrize("towards", ["device", "host"])
def test_another_certificate_in_between_is_noticed(
    certificates: tuple[bytes, bytes, bytes], towards: str
) -> None:
    def swap(word: PairingWord) -> PairingWord:
        if isinstance(word, Offer):
            return msgspec.structs.replace(word, certificate=certificates[2])
        return word

    host, window = HostPairing(CODE, certificates[0]), PairingWindow(certificates[1], CODE)
    with pytest.raises(PairingRefused):
        if towards == "device":
            pair(host, window, to_device=swap)
        else:
            pair(host, window, to_host=swap)
    assert (host.peer, window.peer) == (None, None)


def test_a_device_that_sends_everything_back_is_none(
    certificates: tuple[bytes, bytes, bytes],
) -> None:
    host = HostPairing(CODE, certificates[0])
    with pytest.raises(PairingRefused):
        host.hear(host.begin())


@pytest.mark.parametrize("share", [bytes(33), b"A" + bytes(32), b"A" + b"\xff" * 32])
def test_a_share_that_is_none_is_refused(
    certificates: tuple[bytes, bytes, bytes], share: bytes
) -> None:
    window = PairingWindow(certificates[1], CODE)
    with pytest.raises(PairingRefused):
        window.hear(Offer(share, certificates[0]))
    assert window.tries_left == TRIES - 1


def test_words_out_of_turn_are_refused(certificates: tuple[bytes, bytes, bytes]) -> None:
    for word in (Proven(bytes(32)), Refusal(2)):
        with pytest.raises(PairingRefused):
            PairingWindow(certificates[1], CODE).hear(word)
    host = HostPairing(CODE, certificates[0])
    host.begin()
    with pytest.raises(PairingRefused):
        host.hear(Proven(bytes(32)))


def test_what_is_no_certificate_of_ours_is_refused(
    certificates: tuple[bytes, bytes, bytes],
) -> None:
    assert is_certificate(certificates[0])
    bent = bytearray(certificates[0])
    bent[-1] ^= 1  # its signature
    for der in (b"", b"0", bytes(bent), certificates[0][:-1]):
        assert not is_certificate(der)


@given(st.binary(max_size=200))
def test_any_line_is_a_word_or_malformed(line: bytes) -> None:
    with suppress(MalformedMessage):
        assert isinstance(decode(line), PairingWord)


def test_no_digits_and_no_keys_are_shown(
    certificates: tuple[bytes, bytes, bytes], tmp_path: Path
) -> None:
    host, window = HostPairing(CODE, certificates[0]), PairingWindow(certificates[1], CODE)
    pair(host, window)
    assert CODE not in repr(host) + repr(window)
    trust = Trust(tmp_path / "link", "host")
    trust.certificate()
    trust.pin(certificates[0])
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "link").iterdir()} == {0o600}
    assert (tmp_path / "link").stat().st_mode & 0o777 == 0o700
    assert trust.pinned() == certificates[0]


def test_codes_have_six_digits() -> None:
    assert all(len(code) == 6 and code.isdecimal() for code in (new_code() for _ in range(100)))
