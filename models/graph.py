"""What we change in a network before we ship it: passes on ONNX graphs, each exact or nearly so.

Only `onnx` and element-wise numpy touch the weights, in one order, so that the bytes which come
out are the same on every processor, and one SHA-256 fits all. What depends on the processor
(memory layout, fused kernels) is left to ONNX Runtime when it loads the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from packages import BuildRefused

Pass: TypeAlias = Callable[[onnx.ModelProto], None]
IR_VERSION = 10  # the container that belongs to opset 21; the sources say 6


def constants(graph: onnx.GraphProto) -> dict[str, NDArray[np.generic]]:
    """The weights by name."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def set_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """These nodes in place of all that were there."""
    del graph.node[:]
    graph.node.extend(nodes)


def add_constant(graph: onnx.GraphProto, name: str, values: NDArray[np.generic]) -> None:
    """One weight more."""
    graph.initializer.append(numpy_helper.from_array(np.asarray(values, order="C"), name))


def attributes_of(node: onnx.NodeProto) -> dict[str, object]:
    """A node's attributes by name."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def drop_stale(model: onnx.ModelProto) -> None:
    """Drop initialisers that nobody reads, and inputs that are weights or that nobody reads."""
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    weights = {tensor.name for tensor in kept}
    inputs = [each for each in graph.input if each.name in used and each.name not in weights]
    del graph.initializer[:], graph.input[:]
    graph.initializer.extend(kept)
    graph.input.extend(inputs)


def _dequantised(
    node: onnx.NodeProto, known: dict[str, NDArray[np.generic]]
) -> NDArray[np.float32]:
    values, scales, zeros = (known[name].astype(np.float32) for name in node.input)
    attributes = attributes_of(node)
    axis, block = int(attributes["axis"]), int(attributes["block_size"])  # type: ignore[call-overload]
    if block < 1:
        raise BuildRefused(f"{node.name}: only weights quantised in blocks are expected")
    length = values.shape[axis]
    spread = [np.repeat(each, block, axis).take(range(length), axis) for each in (scales, zeros)]
    return (values - spread[1]) * spread[0]


def fold_block_weights(model: onnx.ModelProto) -> None:
    """DequantizeLinear (a scale per block along its axis) and the Reshape after it become fp32."""
    graph = model.graph
    known = constants(graph)
    folded: dict[str, NDArray[np.float32]] = {}
    kept = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in known:
            folded[node.output[0]] = _dequantised(node, known)
        elif node.op_type == "Reshape" and node.input[0] in folded:
            shape = known[node.input[1]]
            folded[node.output[0]] = folded[node.input[0]].reshape(shape.tolist())
        else:
            kept.append(node)
    set_nodes(graph, kept)
    for name, values in folded.items():
        add_constant(graph, name, values)
    drop_stale(model)


def drop_dropout(model: onnx.ModelProto) -> None:
    """Dropout does nothing when a network is used: whoever read it reads what it read."""
    renamed = {
        node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Dropout"
    }
    kept = [node for node in model.graph.node if node.op_type not in {"Dropout", "Constant"}]
    if sum(node.op_type == "Constant" for node in model.graph.node) > len(renamed):
        raise BuildRefused("a Constant node that is not the ratio of a Dropout")
    for node in kept:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    set_nodes(model.graph, kept)


def _norm(
    node: onnx.NodeProto, known: dict[str, NDArray[np.generic]]
) -> Iterator[NDArray[np.float64]]:
    gamma, beta, mean, variance = (known[name].astype(np.float64) for name in node.input[1:])
    epsilon = float(attributes_of(node).get("epsilon", 1e-5))  # type: ignore[arg-type]
    factor = gamma / np.sqrt(variance + epsilon)
    yield factor
    yield beta - mean * factor


def fold_batch_norms(model: onnx.ModelProto) -> None:
    """A BatchNormalization straight after a Conv, or a Gemm with transB, goes into its weights."""
    graph = model.graph
    known = constants(graph)
    readers = [name for node in graph.node for name in node.input]
    makers = {node.output[0]: node for node in graph.node}
    kept = []
    for node in graph.node:
        maker = makers.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if (
            maker is None
            or maker.op_type not in {"Conv", "Gemm"}
            or readers.count(node.input[0]) > 1
        ):
            kept.append(node)
            continue
        factor, shift = _norm(node, known)
        weights = known[maker.input[1]].astype(np.float64)
        bias = known[maker.input[2]].astype(np.float64) if len(maker.input) > 2 else np.zeros(1)
        shape = (-1, *[1] * (weights.ndim - 1))
        name = node.output[0]
        add_constant(graph, f"{name}/weights", (weights * factor.reshape(shape)).astype(np.float32))
        add_constant(graph, f"{name}/bias", (bias * factor + shift).astype(np.float32))
        maker.input[:] = [maker.input[0], f"{name}/weights", f"{name}/bias"]
        maker.output[0] = name
    set_nodes(graph, kept)
    drop_stale(model)


def fold_constant_reshapes(model: onnx.ModelProto) -> None:
    """A weight that is only read through a Reshape is stored in the shape that it is read in."""
    graph = model.graph
    known = constants(graph)
    kept = []
    for node in graph.node:
        if node.op_type == "Reshape" and all(name in known for name in node.input):
            values, shape = (known[name] for name in node.input)
            add_constant(graph, node.output[0], values.reshape(shape.tolist()))
        else:
            kept.append(node)
    set_nodes(graph, kept)
    drop_stale(model)


def drop_unread_nodes(graph: onnx.GraphProto) -> None:
    """Drop the nodes that no output of the network needs."""
    needed = {each.name for each in graph.output}
    kept = []
    for node in reversed(_in_order(graph)):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    set_nodes(graph, kept[::-1])


def flatten_output(model: onnx.ModelProto) -> None:
    """A last Transpose and Reshape of a 1 × 1 picture are a Flatten, of whatever batch."""
    graph = model.graph
    makers = {node.output[0]: node for node in graph.node}
    (output,) = graph.output
    reshape = makers[output.name]
    transpose = makers.get(reshape.input[0])
    if reshape.op_type != "Reshape" or transpose is None or transpose.op_type != "Transpose":
        raise BuildRefused(f"{output.name} does not come from a Transpose and a Reshape")
    nodes = [node for node in graph.node if node.output[0] not in {output.name, reshape.input[0]}]
    nodes.append(helper.make_node("Flatten", [transpose.input[0]], [output.name], axis=1))
    set_nodes(graph, nodes)
    drop_stale(model)


def with_input_shape(*shape: int) -> Pass:
    """A pass that fixes the one input's shape (batch 1) and infers all others from it."""

    def fix(model: onnx.ModelProto) -> None:
        (entry,) = model.graph.input
        for dimension, size in zip(entry.type.tensor_type.shape.dim, shape, strict=True):
            dimension.dim_value = size
        del model.graph.value_info[:]
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        model.CopyFrom(onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True))
        del model.graph.value_info[:]

    return fix


def _in_order(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes in the one topological order that their outputs' names decide."""
    known = {"", *(each.name for each in (*graph.input, *graph.initializer))}
    waiting = sorted(graph.node, key=lambda node: node.output[0])
    ordered: list[onnx.NodeProto] = []
    while waiting:
        ready = next((node for node in waiting if known.issuperset(node.input)), None)
        if ready is None:
            raise BuildRefused(f"{waiting[0].name}: an input that nothing makes")
        waiting.remove(ready)
        ordered.append(ready)
        known.update(ready.output)
    return ordered


def canonical_bytes(model: onnx.ModelProto) -> bytes:
    """The one way to write this graph: no history, everything in a fixed order, checked."""
    model.ir_version = IR_VERSION
    for field in ("producer_name", "producer_version", "domain", "doc_string", "model_version"):
        model.ClearField(field)  # type: ignore[arg-type]
    del model.metadata_props[:]
    graph = model.graph
    graph.name = "network"
    graph.ClearField("doc_string")
    del graph.value_info[:]
    for node in graph.node:
        node.ClearField("doc_string")
        node.ClearField("name")
        attributes = sorted(node.attribute, key=lambda each: each.name)
        del node.attribute[:]
        node.attribute.extend(attributes)
    set_nodes(graph, _in_order(graph))
    tensors = sorted(graph.initializer, key=lambda tensor: tensor.name)
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)
