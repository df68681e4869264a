"""One network in one engine, for its calls to be compared and timed. Runs in a child.

Every engine is given the same network (fp32, or int8), a fixed number of threads, and a fresh
input in each call; where an engine would use 16 bits by itself, that is off. An engine's library is
imported when it is made: an absent one is an ImportError, and its name is reported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float32]


class Runner:
    """What the contest calls by name: `run` is timed, `outputs` are compared."""

    def __init__(self, engine: str, model: str, picture: str, threads: int = 1) -> None:
        self._engine = ENGINES[engine](model, threads)
        self._picture: Reals = np.load(picture)

    def run(self) -> None:
        """One inference."""
        self._engine(self._picture)

    def outputs(self, into: str) -> None:
        """Every output of one inference, flat, into an .npz file; their order is the engine's."""
        found = self._engine(self._picture)
        np.savez(into, *[np.asarray(each, np.float32).reshape(-1) for each in found])


class OpenCvDnn:
    """OpenCV's DNN module on an ONNX file."""

    def __init__(self, model: str, threads: int) -> None:
        import cv2

        cv2.setNumThreads(threads)
        self._network = cv2.dnn.readNetFromONNX(model)
        self._names = self._network.getUnconnectedOutLayersNames()

    def __call__(self, picture: Reals) -> list[Reals]:
        self._network.setInput(picture)
        return list(self._network.forward(self._names))


class OpenVino:
    """OpenVINO on an ONNX file, one stream for latency."""

    def __init__(self, model: str, threads: int) -> None:
        import openvino

        compiled = openvino.Core().compile_model(
            model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",
            },
        )
        self._request = compiled.create_infer_request()

    def __call__(self, picture: Reals) -> list[Reals]:
        return list(self._request.infer({0: picture}).values())


class Ncnn:
    """ncnn on what pnnx made of an ONNX file: `model` is the path without .param and .bin."""

    def __init__(self, model: str, threads: int) -> None:
        import ncnn

        self._mat = ncnn.Mat
        self._network = ncnn.Net()
        options = self._network.opt
        options.num_threads = threads
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = False
        if self._network.load_param(f"{model}.param") or self._network.load_model(f"{model}.bin"):
            raise ImportError(f"ncnn does not load {Path(model).name}")
        (self._entry,) = self._network.input_names()
        self._names = self._network.output_names()

    def __call__(self, picture: Reals) -> list[Reals]:
        extractor = self._network.create_extractor()
        extractor.input(self._entry, self._mat(picture[0]).clone())
        return [np.array(extractor.extract(name)[1]) for name in self._names]


class LiteRt:
    """LiteRT (with XNNPACK, its default) on a TFLite file; its pictures are height × width × 3."""

    def __init__(self, model: str, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=model, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._entry = self._interpreter.get_input_details()[0]
        self._outputs = [each["index"] for each in self._interpreter.get_output_details()]

    def __call__(self, picture: Reals) -> list[Reals]:
        rows = np.ascontiguousarray(picture.transpose(0, 2, 3, 1))
        batch = np.broadcast_to(rows, self._entry["shape"])
        self._interpreter.set_tensor(self._entry["index"], batch)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


class AsShipped:
    """Our own way into ONNX Runtime: `model` is the network's folder, its file checked by its card.

    It starts from the grey picture, so the conversion to the network's input is timed as well.
    """

    def __init__(self, model: str, threads: int, processor: Any = None) -> None:
        from firmware.match.runtime import load_network

        self._network: Any = load_network(Path(model), threads, processor=processor)
        self._grey: NDArray[np.uint8] | None = None

    def __call__(self, picture: Reals) -> list[Reals]:
        if self._grey is None:
            entry = self._network.card.input
            self._grey = np.round((picture[0, 0] - entry.offset) / entry.scale).astype(np.uint8)
        return list(self._network.run(self._grey))


def in_fp32(model: str, threads: int) -> AsShipped:
    """The same, in the fastest form of those that compute what the source does."""
    return AsShipped(model, threads, for_fp32())


def for_fp32() -> Any:
    """This machine's processor, as if it had no dot products of int8."""
    from firmware.match.processor import Processor, this_processor

    return Processor(this_processor().machine)


ENGINES: dict[str, Any] = {
    "ours": in_fp32,
    "ours, int8": AsShipped,
    "opencv": OpenCvDnn,
    "openvino": OpenVino,
    "ncnn": Ncnn,
    "litert": LiteRt,
}
