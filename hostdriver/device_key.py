"""Which key a device must sign with: pinned by hand, or kept at the first meeting. [shell]"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from hostdriver.faults import DeviceNotTrusted
from hostdriver.settings import ReaderSettings
from hostdriver.whole_file import PRIVATE, put_whole


class _PublicKey(msgspec.Struct, frozen=True):
    """The members of an Ed25519 JWK that matter; a private part is never taken in."""

    kty: str
    crv: str
    x: str


def trusted_key(
    name: str, settings: ReaderSettings, state_dir: Path, presented: Mapping[str, str]
) -> OKPKey:
    """The key to check this device's statements with. Raises `DeviceNotTrusted`.

    A key that was pinned by hand or kept before is the only one that will do. At a first meeting
    the presented key is kept: the way to the device is a socket of this machine, or paired.
    """
    kept = Path(settings.device_key or _kept_file(name, state_dir))
    key = _key(msgspec.json.encode(presented), "the device's hello")
    try:
        pinned = _key(kept.read_bytes(), str(kept))
    except FileNotFoundError as cause:
        if settings.device_key is not None:
            raise DeviceNotTrusted(f"{kept}: no key is pinned for {name}") from cause
        _keep(kept, key)
        return key
    except OSError as cause:
        raise DeviceNotTrusted(f"{kept}: {cause.strerror}") from cause
    if pinned.thumbprint() != key.thumbprint():
        raise DeviceNotTrusted(f"{name} presents key {key.thumbprint()}, {kept} holds another")
    return pinned


def forget_kept_key(name: str, state_dir: Path) -> None:
    """Another device was paired: its key is kept when it is met. Raises `DeviceNotTrusted`."""
    try:
        _kept_file(name, state_dir).unlink(missing_ok=True)
    except OSError as cause:
        raise DeviceNotTrusted(
            f"the key of {name} cannot be forgotten: {cause.strerror}"
        ) from cause


def _kept_file(name: str, state_dir: Path) -> Path:
    return state_dir / "devices" / f"{name}.jwk"


def _key(jwk: bytes, where: str) -> OKPKey:
    try:
        public = msgspec.json.decode(jwk, type=_PublicKey)
        if public.crv != "Ed25519":
            raise DeviceNotTrusted(f"{where}: the curve is {public.crv!r}, not Ed25519")
        return OKPKey.import_key(msgspec.to_builtins(public))
    except (msgspec.MsgspecError, UnicodeDecodeError, JoseError, ValueError) as cause:
        raise DeviceNotTrusted(f"{where}: not an Ed25519 public key: {cause}") from cause


def _keep(path: Path, key: OKPKey) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_whole(path, msgspec.json.encode(key.as_dict(private=False)), PRIVATE)
    except OSError as cause:
        raise DeviceNotTrusted(f"{path}: the key cannot be kept: {cause.strerror}") from cause
