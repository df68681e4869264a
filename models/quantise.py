"""Static quantisation to int8 where a network multiplies most: convolutions of one pixel, and Gemm.

The one pass here that is not exact. Processors with dot products of int8 (x86-64's VNNI, ARM's
SDOT) run such a form in six tenths of the time; how near it stays to its source, and what that does
to error rates, is measured (docs/adr/0013). The nodes are ONNX's own (QDQ: QuantizeLinear and
DequantizeLinear), which runtimes fuse: weights symmetric with a scale per channel, activations
asymmetric with a scale per tensor, from calibration ranges (benchmarks/ranges.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
from graph import Pass, add_constant, attributes_of, constants, drop_stale, set_nodes
from numpy.typing import NDArray
from onnx import helper
from packages import BuildRefused
from prelu import rewrite_prelu

Ranges: TypeAlias = Mapping[str, tuple[float, float]]
"""What values each tensor keeps within on faces, by its name in the graph."""
BiasCorrection: TypeAlias = Mapping[str, Sequence[float]]
"""What quantisation adds to each output of a Gemm, in the mean over faces; it is taken off."""
STAY_FP32 = 4  # of the first such convolutions: a quarter of the work, half of the loss


def quantised(ranges: Ranges, correction: BiasCorrection) -> Pass:
    """The pass that quantises with these ranges; `BuildRefused` if one is missing."""

    def quantise(model: onnx.ModelProto) -> None:
        chosen = {node.output[0] for node in to_quantise(model.graph)}
        if missing := ranged_tensors(model.graph) - ranges.keys():
            raise BuildRefused(f"no range was measured of {', '.join(sorted(missing))}")
        known = constants(model.graph)
        nodes: list[onnx.NodeProto] = []
        for node in model.graph.node:
            if node.output[0] in chosen:
                nodes += _in_bytes(model.graph, node, known, ranges, correction)
            else:
                nodes.append(node)
        set_nodes(model.graph, nodes)
        drop_stale(model)

    return quantise


def quantised_form(
    passes: tuple[Pass, ...], ranges: Ranges, correction: BiasCorrection
) -> tuple[Pass, ...]:
    """The passes of the quantised form; PRelu stays, since nothing here runs in blocks."""
    return (*before_quantising(passes), quantised(ranges, correction))


def before_quantising(passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
    """The passes up to the graph whose ranges are wanted."""
    return tuple(each for each in passes if each is not rewrite_prelu)


def to_quantise(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that are worth it."""
    known = constants(graph)
    convs = [node for node in graph.node if node.op_type == "Conv" and _of_one_pixel(node, known)]
    return convs[STAY_FP32:] + [node for node in graph.node if node.op_type == "Gemm"]


def ranged_tensors(graph: onnx.GraphProto) -> set[str]:
    """The tensors whose ranges the pass wants: what goes into those nodes, and out of the convs."""
    return {
        name
        for node in to_quantise(graph)
        for name in (node.input[0], *(node.output if node.op_type == "Conv" else ()))
    }


def _of_one_pixel(node: onnx.NodeProto, known: Mapping[str, NDArray[np.generic]]) -> bool:
    return known[node.input[1]].shape[2:] == (1, 1) and attributes_of(node).get("group", 1) == 1


_INT32 = (-(2**31), 2**31 - 1)


@dataclass(frozen=True, slots=True)
class _Scale:
    """A tensor's scale, and its zero point: 0 itself is always one of the 256 values."""

    step: np.float32
    zero: np.uint8

    @classmethod
    def of(cls, low: float, high: float) -> _Scale:
        low, high = min(low, 0.0), max(high, 0.0)
        if not high > low:
            raise BuildRefused(f"{low} to {high} is no range to quantise in")
        step = np.float32((high - low) / 255)
        return cls(step, np.uint8(np.clip(np.rint(-low / float(step)), 0, 255)))


def _in_bytes(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    known: Mapping[str, NDArray[np.generic]],
    ranges: Ranges,
    correction: BiasCorrection,
) -> Iterator[onnx.NodeProto]:
    """The node with its activations and weights in int8: it reads `x` and makes `y`."""
    x, weights_name, bias_name = node.input
    (y,) = node.output
    entry = _Scale.of(*ranges[x])
    yield from _through_bytes(graph, x, f"{y}/x", entry)
    weights = known[weights_name].astype(np.float64)
    greatest = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    steps = (np.where(greatest > 0, greatest, 1.0) / 127).astype(np.float32)
    shape = (-1, *[1] * (weights.ndim - 1))
    whole = np.rint(weights / steps.astype(np.float64).reshape(shape)).astype(np.int8)
    yield _scaled_back(graph, f"{y}/rows", whole, steps)
    bias_steps = entry.step * steps
    wanted = known[bias_name].astype(np.float64) - np.asarray(correction.get(y, 0.0))
    bias = np.rint(wanted / bias_steps)
    bias = np.clip(bias, *_INT32).astype(np.int32)
    yield _scaled_back(graph, f"{y}/shift", bias, bias_steps)
    inner = onnx.NodeProto()
    inner.CopyFrom(node)
    inner.input[:] = [f"{y}/x", f"{y}/rows", f"{y}/shift"]
    yield inner
    if node.op_type == "Conv":
        inner.output[0] = f"{y}/exact"
        yield from _through_bytes(graph, inner.output[0], y, _Scale.of(*ranges[y]))


def _through_bytes(
    graph: onnx.GraphProto, x: str, y: str, scale: _Scale
) -> Iterator[onnx.NodeProto]:
    add_constant(graph, f"{y}/step", np.array(scale.step))
    add_constant(graph, f"{y}/zero", np.array(scale.zero))
    yield helper.make_node("QuantizeLinear", [x, f"{y}/step", f"{y}/zero"], [f"{y}/bytes"])
    yield helper.make_node("DequantizeLinear", [f"{y}/bytes", f"{y}/step", f"{y}/zero"], [y])


def _scaled_back(
    graph: onnx.GraphProto, name: str, whole: NDArray[np.generic], steps: NDArray[np.float32]
) -> onnx.NodeProto:
    """Weights that are stored as whole numbers, a scale for each output channel."""
    add_constant(graph, f"{name}/bytes", whole)
    add_constant(graph, f"{name}/steps", steps)
    add_constant(graph, f"{name}/zeros", np.zeros(len(steps), whole.dtype))
    parts = [f"{name}/bytes", f"{name}/steps", f"{name}/zeros"]
    return helper.make_node("DequantizeLinear", parts, [name], axis=0)
