"""PRelu in the form that a processor runs best: passes on ONNX graphs, exact but for rounding.

ONNX Runtime runs the convolutions of an x86-64 processor on blocks of channels, and knows no PRelu
on them: around each it would unpack the blocks and pack them again. Depthwise convolutions of one
pixel it knows. Elsewhere (1.23 on ARM64) there are no blocks, and such convolutions cost more than
they save; so a network with PRelu is built in both forms (measured: models/README.md).
"""

from __future__ import annotations

import numpy as np
import onnx
from graph import Pass, add_constant, constants, drop_stale, drop_unread_nodes, set_nodes
from numpy.typing import NDArray
from onnx import helper


def rewrite_prelu(model: onnx.ModelProto) -> None:
    """PRelu as LeakyRelu where all slopes a of a layer are equal, as max(x, a·x) where all a ≤ 1.

    Both are exact, max(x, a·x) for negative a too. A layer with a slope above 1 keeps its PRelu:
    relu(x) - a·relu(-x) is exact as well, and was slower everywhere (models/README.md).
    """
    graph = model.graph
    known = constants(graph)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        x, slope_name = node.input
        y = node.output[0]
        slopes = known[slope_name]
        if np.all(slopes == slopes.flat[0]):
            nodes.append(helper.make_node("LeakyRelu", [x], [y], alpha=float(slopes.flat[0])))
        elif np.all(slopes <= 1):
            nodes.append(helper.make_node("Mul", [x, slope_name], [f"{y}/scaled"]))
            nodes.append(helper.make_node("Max", [x, f"{y}/scaled"], [y]))
        else:
            nodes.append(node)
    set_nodes(graph, nodes)
    drop_stale(model)


def gather_prelu(model: onnx.ModelProto) -> None:
    """relu(x) + s·(x - |x|), as TensorFlow writes it, becomes the one PRelu that it is: slope 2·s.

    Exact: the second term is 0 for x ≥ 0, and 2·s·x below.
    """
    graph = model.graph
    known = constants(graph)
    makers = {node.output[0]: node for node in graph.node}

    def made_by(name: str, operator: str) -> list[str] | None:
        node = makers.get(name)
        return list(node.input) if node is not None and node.op_type == operator else None

    for node in graph.node:
        if node.op_type != "Add":
            continue
        above, below = made_by(node.input[0], "Relu"), made_by(node.input[1], "Mul")
        if above is None or below is None or below[0] not in known:
            continue
        (x,) = above
        difference = made_by(below[1], "Sub")
        if difference is None or difference[0] != x or made_by(difference[1], "Abs") != [x]:
            continue
        slope = f"{node.output[0]}/slope"
        add_constant(graph, slope, (2 * known[below[0]])[0].astype(np.float32))
        node.CopyFrom(helper.make_node("PRelu", [x, slope], list(node.output)))
    drop_unread_nodes(graph)
    drop_stale(model)


def turn_steep_prelu(model: onnx.ModelProto) -> None:
    """Channels with a slope above 1 get one below, if a Conv makes them and only Convs read them.

    PRelu with slope a of x is -a times PRelu with slope 1/a of -x. The sign goes into the Conv
    before it, the factor into those after it. `block_prelu` needs a node less for such a layer.
    """
    graph = model.graph
    known = constants(graph)
    makers = {node.output[0]: node for node in graph.node}
    for node in graph.node:
        if node.op_type != "PRelu":
            continue
        x, slope_name = node.input
        y = node.output[0]
        maker, readers = makers.get(x), [each for each in graph.node if y in each.input]
        slopes = known[slope_name].astype(np.float64)
        steep = slopes.reshape(-1) > 1
        alone = sum(x in each.input for each in graph.node) == 1
        by_convs = all(each.op_type == "Conv" for each in (maker, *readers) if each is not None)
        if maker is None or not (steep.any() and alone and by_convs):
            continue
        signs = np.where(steep, -1.0, 1.0)
        factors = np.where(steep, -slopes.reshape(-1), 1.0)
        turned = np.where(slopes > 1, 1 / np.where(slopes > 1, slopes, 1), slopes)
        node.input[1] = _replaced(graph, known, f"{y}/turned", turned)
        for place, name in enumerate(maker.input[1:], 1):
            rows = known[name] * signs.reshape(-1, *[1] * (known[name].ndim - 1))
            maker.input[place] = _replaced(graph, known, f"{y}/turned-{place}", rows)
        for reader in readers:
            kernel = known[reader.input[1]]
            depthwise = kernel.shape[1] == 1 and kernel.shape[0] == len(factors)
            shape = (-1, 1, 1, 1) if depthwise else (1, -1, 1, 1)
            name = f"{reader.output[0]}/turned-back"
            reader.input[1] = _replaced(graph, known, name, kernel * factors.reshape(shape))
    drop_stale(model)


def _replaced(
    graph: onnx.GraphProto,
    known: dict[str, NDArray[np.generic]],
    name: str,
    values: NDArray[np.generic],
) -> str:
    known[name] = values.astype(np.float32)
    add_constant(graph, name, known[name])
    return name


def block_prelu(model: onnx.ModelProto) -> None:
    """PRelu as a·x + relu((1 - a)·x), or a·x + (1 - a)·relu(x) where a slope is above 1.

    The factors are depthwise convolutions of one pixel, into which the runtime takes the relu and
    the sum: two passes over the picture, or three, and no change of its layout.
    """
    graph = model.graph
    known = constants(graph)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
            continue
        x, slope_name = node.input
        y = node.output[0]
        slopes = known[slope_name].reshape(-1, 1, 1, 1)
        add_constant(graph, f"{y}/slopes", slopes)
        add_constant(graph, f"{y}/rest", 1 - slopes)
        bent = [_scaled(x, f"{y}/rest", f"{y}/bent", slopes.size), _relu(f"{y}/bent", f"{y}/above")]
        if np.any(slopes > 1):
            bent = [
                _relu(x, f"{y}/bent"),
                _scaled(f"{y}/bent", f"{y}/rest", f"{y}/above", slopes.size),
            ]
        straight = _scaled(x, f"{y}/slopes", f"{y}/straight", slopes.size)
        nodes += [*bent, straight, helper.make_node("Add", [straight.output[0], f"{y}/above"], [y])]
    set_nodes(graph, nodes)
    drop_stale(model)


def _scaled(x: str, factors: str, y: str, channels: int) -> onnx.NodeProto:
    return helper.make_node("Conv", [x, factors], [y], kernel_shape=[1, 1], group=channels)


def _relu(x: str, y: str) -> onnx.NodeProto:
    return helper.make_node("Relu", [x], [y])


def for_blocks(passes: tuple[Pass, ...]) -> tuple[Pass, ...] | None:
    """The passes of the form for convolutions in blocks; None if the network has no PRelu."""
    if rewrite_prelu not in passes:
        return None
    at = passes.index(rewrite_prelu)
    return (*passes[:at], turn_steep_prelu, block_prelu, *passes[at + 1 :])
