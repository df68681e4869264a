"""ONNX Runtime behind `FaceNetworks`: files checked by hash, then one session for life. [shell]

It knows nothing of faces: raw arrays in, raw arrays out.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from firmware.faults import ModelRejected, ModelsNotSigned
from firmware.match.manifest import Signed
from firmware.match.model_card import (
    Card,
    Form,
    ModelCard,
    OperatingPoint,
    TextReaderCard,
    parse_card,
)
from firmware.match.networks import DetectorOutputs, Grey, Layout, Reals
from firmware.match.pad_card import PadCard
from firmware.match.processor import Processor, this_processor
from firmware.match.template import Opinion, join

MODELS_VARIABLE = "KAZASHI_MODELS"
PAD = "pad"
TEXT_READER = "text-reader"
DETECTOR, LANDMARKS, EMBEDDER = "face-detector", "face-landmarks", "face-embedder"
COPY_AT_ONCE_BYTES: Final = 1 << 24
SEALS: Final = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def models_folder() -> Path:
    """Where the models are unless settings say otherwise: `KAZASHI_MODELS`, or beside the code."""
    named = os.environ.get(MODELS_VARIABLE)
    return Path(named) if named else Path(__file__).resolve().parents[2] / "models"


def read_model_card(folder: Path, signed: Signed | None = None) -> ModelCard:
    """The card of one model's folder; `ModelRejected` when there is none, or a malformed one.

    Of what was `signed` it is those very bytes; the network's hash stands in it.
    """
    return _card(folder / "card.toml", ModelCard, signed)


def read_pad_card(folder: Path, signed: Signed | None = None) -> PadCard:
    """The card of presentation-attack detection, which has no network; else `ModelRejected`."""
    return _card(folder / "pad.toml", PadCard, signed)


def read_text_reader_card(folder: Path, signed: Signed | None = None) -> TextReaderCard:
    """The card of what reads print; else `ModelRejected`."""
    return _card(folder / "card.toml", TextReaderCard, signed)


def _card(path: Path, kind: type[Card], signed: Signed | None) -> Card:
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise ModelRejected(f"{path}: {cause.strerror}") from cause
    if signed is not None and hashlib.sha256(content).hexdigest() != signed.get(path):
        raise ModelsNotSigned(f"{path} is not the card that was signed")
    return parse_card(content, str(path), kind)


@dataclass(frozen=True, slots=True)
class Network:
    """One network that was checked, and is ready to run."""

    card: ModelCard
    form: ModelCard | Form
    """Whose file was loaded."""
    session: Any  # onnxruntime.InferenceSession: no type hints upstream
    entry: str
    outputs: tuple[str, ...]
    batch: Reals
    """What goes in, in memory that is mapped once. Measured (ratio to a new one for each run): the
    detector takes 0.87 of the time, the mesh 0.90, the embedder the same. ONNX Runtime's own
    binding of inputs and outputs took no less than this, so it is not used."""

    def run(self, grey: Grey) -> list[NDArray[np.float32]]:
        """Outputs for one grey picture of exactly the network's size; it is never kept."""
        entry = self.card.input
        first, *others = self.batch.reshape(-1, *entry.shape[-2:])
        try:
            np.multiply(grey, np.float32(entry.scale), out=first, dtype=np.float32)
            first += np.float32(entry.offset)
            for plane in others:
                plane[:] = first
            outputs: list[NDArray[np.float32]] = self.session.run(None, {self.entry: self.batch})
        finally:
            self.batch.fill(0)
        return outputs


def load_network(
    folder: Path,
    threads: int = 1,
    signed: Signed | None = None,
    processor: Processor | None = None,
) -> Network:
    """Check a model's file against its card, then load those very bytes; else `ModelRejected`.

    The file is the form for this machine's processor, unless another one is named.
    """
    card = read_model_card(folder, signed)
    form = faster_form(folder, card, processor or this_processor())
    path = folder / form.file
    session = checked_session(path, form.sha256, threads)
    (entry,) = session.get_inputs()
    if tuple(entry.shape) != card.input.shape:
        raise ModelRejected(f"{path} takes {entry.shape}, its card says {card.input.shape}")
    outputs = tuple(each.name for each in session.get_outputs())
    return Network(card, form, session, entry.name, outputs, np.zeros(card.input.shape, np.float32))


def checked_session(path: Path, sha256: str, threads: int) -> Any:
    """An ONNX Runtime session of the file with that hash, and of no other; else `ModelRejected`."""
    with _sealed_copy(path) as copy:
        if hashlib.file_digest(copy, "sha256").hexdigest() != sha256:
            raise ModelRejected(f"{path} is not the file that its card names")
        return _session(f"/proc/self/fd/{copy.fileno()}", threads)


def faster_form(folder: Path, card: ModelCard, processor: Processor) -> ModelCard | Form:
    """The form of a network that such a processor runs fastest, of those that are installed."""
    suiting = [
        card.quantised if processor.has_int8_dot_products else None,
        card.blocked if processor.runs_in_blocks else None,
    ]
    there = (form for form in suiting if form is not None and (folder / form.file).is_file())
    return next(there, card)


def _session(path: str, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Measured, one inference in 200 ms on two threads: 22.7 % of a core spinning, 4.2 % without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Measured: the three networks take 11 MB less, and no more time.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@contextmanager
def _sealed_copy(path: Path) -> Iterator[BufferedRandom]:
    """A file's content where nobody can change it any more, and no process has it resident.

    A session that is given bytes keeps them for life beside its own weights: for the embedder,
    37 MB always, and 42 MB at the peak of loading (measured). One that is given the path might
    load another file than the one that was hashed.
    """
    try:
        with path.open("rb") as file:
            copy = os.fdopen(
                os.memfd_create(path.name, os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC), "r+b"
            )
            with copy:
                while os.sendfile(copy.fileno(), file.fileno(), None, COPY_AT_ONCE_BYTES):
                    pass
                fcntl.fcntl(copy.fileno(), fcntl.F_ADD_SEALS, SEALS)
                copy.seek(0)
                yield copy
    except OSError as cause:
        raise ModelRejected(f"{path}: {cause.strerror}; `make models` builds it") from cause


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which folders the three networks are taken from."""

    detector: str = DETECTOR
    landmarks: str = LANDMARKS
    embedder: str = EMBEDDER


DEFAULT: Final = ModelChoice()


class OnnxNetworks:
    """`FaceNetworks` by ONNX Runtime; grey goes into all three channels of each network."""

    def __init__(
        self,
        folder: Path,
        threads: int = 1,
        chosen: ModelChoice = DEFAULT,
        signed: Signed | None = None,
    ) -> None:
        """Load the chosen models, each from its folder in `folder`."""
        self._detector = load_network(folder / chosen.detector, threads, signed)
        self._landmarks = load_network(folder / chosen.landmarks, threads, signed)
        self._embedders = list(_load_embedders(folder, chosen.embedder, threads, signed))
        if self._detector.card.layout is None:
            raise ModelRejected(f"{chosen.detector} is no detector: its card names no layout")
        self._layout = self._detector.card.layout
        _give_memory_back()

    @property
    def layout(self) -> Layout:
        return self._layout

    @property
    def embedder_card(self) -> ModelCard:
        """The card that holds the operating point."""
        return self._embedders[0][0].card

    @property
    def embedder_form(self) -> ModelCard | Form:
        """The form of the first embedder that this processor was given."""
        return self._embedders[0][0].form

    @property
    def model_id(self) -> str:
        """All that a face was embedded with."""
        return "+".join(network.card.model_id for network, _ in self._embedders)

    @property
    def operating_point(self) -> OperatingPoint:
        """The embedder's; `ModelRejected` when nobody has measured one."""
        point = self.embedder_card.operating_point
        if point is None:
            raise ModelRejected("the embedder's card has no operating point; `make bench-accuracy`")
        return point

    def detect(self, canvas: Grey) -> DetectorOutputs:
        outputs = self._detector.run(canvas)
        return dict(zip(self._detector.outputs, outputs, strict=True))

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        points, presence = self._landmarks.run(view)
        return points.reshape(-1, 3), float(1 / (1 + np.exp(-presence.item())))

    def embed(self, face: Grey) -> Reals:
        return join(
            [(network.run(face)[0].reshape(-1), opinion) for network, opinion in self._embedders]
        )


def _load_embedders(
    folder: Path, first: str, threads: int, signed: Signed | None
) -> Iterator[tuple[Network, Opinion]]:
    """The embedder, and the one that its card joins to it, each with what it counts."""
    network = load_network(folder / first, threads, signed)
    yield network, _opinion(network.card, 1.0)
    joined = network.card.joined
    if joined is not None:
        other = load_network(folder / joined.folder, threads, signed)
        yield other, _opinion(other.card, joined.weight)


def _opinion(card: ModelCard, weight: float) -> Opinion:
    if card.embedding is None:
        raise ModelRejected(f"{card.model_id} is no embedder: its card says nothing of lengths")
    return Opinion(weight, card.embedding.typical_length, card.embedding.exponent)


def _give_memory_back() -> None:
    """What building the sessions took and freed stays with the C library: 34 MB (measured)."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc alone has it
        libc.malloc_trim(0)
