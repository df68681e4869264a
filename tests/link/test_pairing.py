"""Pairing without a line: six digits, two certificates, and whoever stands between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.faults import MalformedMessage, PairingRefused, PeerNotTrusted
from firmware.link.certificate import is_certificate
from firmware.link.pairing import (
    TRIES,
    HostPairing,
    Kept,
    Offer,
    PairingWindow,
    PairingWord,
    Proven,
    Refusal,
    decode,
    encode,
    new_code,
)
from firmware.link.pairing_line import device_ear, host_ear
from firmware.link.secure import SecureChannel
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
    said: PairingWord = host.begin()
    while answer := window.hear(decode(encode(to_device(said)).rstrip())):
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


class Disk:
    """What host and device keep, whatever becomes of the processes."""

    def __init__(self, folder: Path, host: str = "host", device: str = "device") -> None:
        self.host = Trust(folder / host, "device")
        self.device = Trust(folder / device, "host")

    def pair(self, words: int | None = None) -> None:
        """Pair, or see the line break when so many words have come through."""
        pairing = HostPairing(CODE, self.host.certificate())
        window = PairingWindow(self.device.certificate(), CODE)
        ears = cycle((device_ear(window, self.device), host_ear(pairing, self.host.pin)))
        said: PairingWord | None = pairing.begin()
        for hear in islice(ears, words):
            if said is None:
                return
            said = hear(decode(encode(said).rstrip()))

    def meet(self) -> bool:
        """Whether the two come to a secure session."""
        try:
            host = SecureChannel(self.host, server_side=False)
            device = SecureChannel(self.device, server_side=True)
            while (to_device := host.outgoing()) or (to_host := device.outgoing()):
                if to_device:
                    device.receive(to_device)
                else:
                    host.receive(to_host)
        except PeerNotTrusted:
            return False
        return host.established and device.established


HOST_KEEPS = 4
"""From this word on the two are paired."""


@pytest.mark.parametrize("words", range(6))
@pytest.mark.parametrize("had_others", [False, True], ids=["first", "anew"])
def test_wherever_the_line_breaks_both_ends_are_paired_or_neither_is(
    tmp_path: Path, words: int, had_others: bool
) -> None:
    new = Disk(tmp_path)
    old = Disk(tmp_path, host="old host"), Disk(tmp_path, device="old device")
    if had_others:
        for one in old:
            one.pair()
    new.pair(words)
    if words < HOST_KEEPS:
        assert not new.meet()
        assert [one.meet() for one in old] == [had_others, had_others]
        assert new.device.pinned() == (old[0].host.certificate() if had_others else None)
        new.pair()
    assert new.meet()
    assert new.device.accepted() == (new.host.certificate(),)
    assert not any(one.meet() for one in old)


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
    for word in (Proven(bytes(32)), Kept(bytes(32)), Refusal(2)):
        with pytest.raises(PairingRefused):
            PairingWindow(certificates[1], CODE).hear(word)
    host = HostPairing(CODE, certificates[0])
    host.begin()
    with pytest.raises(PairingRefused):
        host.hear(Proven(bytes(32)))


def test_nobody_but_the_host_says_that_it_keeps_the_device(
    certificates: tuple[bytes, bytes, bytes],
) -> None:
    host, window = HostPairing(CODE, certificates[0]), PairingWindow(certificates[1], CODE)
    offer = window.hear(host.begin())
    assert offer is not None
    proven = window.hear(host.hear(offer))
    assert isinstance(proven, Proven)
    for proof in (bytes(32), proven.proof):
        with pytest.raises(PairingRefused):
            window.hear(Kept(proof))
    assert not window.kept
    window.hear(host.hear(proven))
    assert window.kept


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
