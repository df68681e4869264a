"""How many multiplications with addition (MACs) a network needs, counted from its graph.

Only what multiplies weights with activations counts: Conv, ConvTranspose, Gemm, MatMul. Activations
and additions are left out, as in the figures that papers give.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from onnx import helper

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What one inference costs at least: MACs, those of depthwise layers, bytes of weights."""

    macs: int
    depthwise_macs: int
    weight_bytes: int


def work_of(path: Path) -> Work:
    """Counted in an ONNX file whose shapes are all fixed; ValueError where one is not."""
    return counted(onnx.load(path))


def counted(model: onnx.ModelProto) -> Work:
    """The work of one inference of a graph."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    shapes: dict[str, Shape] = {each.name: tuple(each.dims) for each in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
    macs = depthwise = 0
    for node in graph.node:
        count = _macs(node, shapes)
        macs += count
        if node.op_type == "Conv" and shapes[node.input[1]][1] == 1 and _groups(node) > 1:
            depthwise += count
    weights = sum(len(each.raw_data) for each in graph.initializer)
    return Work(macs, depthwise, weights)


def _groups(node: onnx.NodeProto) -> int:
    return next((int(a.i) for a in node.attribute if a.name == "group"), 1)


def _macs(node: onnx.NodeProto, shapes: dict[str, Shape]) -> int:
    match node.op_type:
        case "Conv":  # each output value: one kernel over the channels of its group
            return _size(shapes, node.output[0]) * prod(shapes[node.input[1]][1:])
        case "ConvTranspose":  # each input value reaches one kernel of every output channel
            return _size(shapes, node.input[0]) * prod(shapes[node.input[1]][1:])
        case "Gemm":
            attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
            rows, columns = shapes[node.input[0]]
            inner = rows if attributes.get("transA") else columns
            return _size(shapes, node.output[0]) * inner
        case "MatMul":
            return _size(shapes, node.output[0]) * shapes[node.input[0]][-1]
        case _:
            return 0


def _size(shapes: dict[str, Shape], name: str) -> int:
    size = prod(shapes[name])
    if size < 1:
        raise ValueError(f"{name} has no fixed shape")
    return size
