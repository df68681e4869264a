"""TLS 1.3 between two ends that were paired: payloads of a line in, the stream's bytes out.

Each end trusts one certificate, the other's, byte for byte, whatever its dates say: a device may
wake up in 1970. Besides it only the candidate of a pairing that may have ended halfway, which is
the pinned one once it came. OpenSSL does the rest; no cryptography is made here. Why so: ADR 0010.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Final, Protocol

from firmware.faults import BadSettings, NotPaired, PeerNotTrusted
from firmware.link.trust import Trust

WELCOME: Final = b"\x00"
"""The server's first byte. In TLS 1.3 a client is done before its own certificate was looked at:
only this byte tells it that it was taken in."""

_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of x509_vfy.h; `ssl` has no name
_READ_BYTES: Final = 16 * 1024


class Channel(Protocol):
    """What stands between the payloads of an endpoint and the bytes of a stream."""

    established: bool

    def receive(self, payload: bytes) -> bytes:
        """The stream's bytes in a payload. Raises `PeerNotTrusted`."""

    def send(self, content: bytes) -> None:
        """Take bytes of the stream."""

    def outgoing(self) -> bytes:
        """The next payload, or nothing."""


class SecureChannel:
    """One end of one session, after `Channel`."""

    def __init__(self, trust: Trust, *, server_side: bool) -> None:
        """Raises `NotPaired`, `BadSettings`."""
        accepted = trust.accepted()
        if not accepted:
            raise NotPaired("this line is not paired")
        self.established = False
        self._trust, self._accepted = trust, accepted
        self._server_side = server_side
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context(trust, accepted, server_side).wrap_bio(
            self._arrived, self._leaving, server_side=server_side
        )
        self._shaken = False
        self._shake()

    def receive(self, payload: bytes) -> bytes:
        """See `Channel`."""
        self._arrived.write(payload)
        self._shake()
        content = self._read() if self._shaken else b""
        if content and not self.established:
            if not content.startswith(WELCOME):
                raise PeerNotTrusted("the other end did not say welcome")
            self.established = True
            content = content[len(WELCOME) :]
        return content

    def send(self, content: bytes) -> None:
        """See `Channel`. Only once it is established."""
        self._tls.write(content)

    def outgoing(self) -> bytes:
        """See `Channel`."""
        return self._leaving.read()

    def _shake(self) -> None:
        if self._shaken:
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as cause:
            raise PeerNotTrusted(f"no secure session: {cause.reason}") from cause
        peer = self._tls.getpeercert(binary_form=True)
        if peer not in self._accepted:
            raise PeerNotTrusted("another certificate than the pinned one")
        self._shaken = True
        with contextlib.suppress(BadSettings):  # it stays a candidate, and is let in as such
            self._trust.meet(peer)
        if self._server_side:
            self._tls.write(WELCOME)
            self.established = True

    def _read(self) -> bytes:
        content = bytearray()
        try:
            while part := self._tls.read(_READ_BYTES):
                content += part
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as cause:
            raise PeerNotTrusted(f"the secure session broke: {cause.reason}") from cause
        return bytes(content)


def _context(trust: Trust, accepted: tuple[bytes, ...], server_side: bool) -> ssl.SSLContext:
    side = ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(side)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # a cable has no name; the certificate itself is compared
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    trust.certificate()
    try:
        context.load_cert_chain(trust.identity_file)
    except (OSError, ValueError) as cause:  # an `ssl.SSLError` is an `OSError`
        raise BadSettings(f"{trust.identity_file} cannot be used: {cause}") from cause
    try:
        context.load_verify_locations(cadata=b"".join(accepted))
    except (OSError, ValueError) as cause:
        raise BadSettings(f"{trust.pinned_file} cannot be used: {cause}") from cause
    if server_side:
        context.num_tickets = 0  # every session is a new handshake: nothing to replay
    return context
