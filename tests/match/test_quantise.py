"""The pass that is not exact: how far it may be off, what it leaves alone, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import graph as passes
import make_models
import numpy as np
import onnx
import prelu
import pytest
import quantise
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from packages import BuildRefused

CHANNELS, SIDE, VALUES = 8, 6, 5
RANDOM = np.random.default_rng(11)


def network() -> onnx.ModelProto:
    """Convolutions of one pixel, before the last a depthwise one and PRelu, and a Gemm."""
    weights: dict[str, NDArray[np.float32]] = {}
    nodes = []

    def conv(x: str, y: str, size: int, group: int) -> None:
        shape = (CHANNELS, CHANNELS // group, size, size)
        weights[f"{y}/w"] = RANDOM.standard_normal(shape).astype(np.float32) / CHANNELS**0.5
        weights[f"{y}/b"] = RANDOM.standard_normal(CHANNELS).astype(np.float32) / 4
        pads = [size // 2] * 4
        inputs = [x, f"{y}/w", f"{y}/b"]
        nodes.append(helper.make_node("Conv", inputs, [y], group=group, pads=pads))

    conv("x", "one", 1, 1)
    for x, y in pairwise(("one", "again", "once more", "two")):
        conv(x, y, 1, 1)
    conv("two", "depthwise", 3, CHANNELS)
    weights["a"] = RANDOM.random((CHANNELS, 1, 1)).astype(np.float32)
    nodes.append(helper.make_node("PRelu", ["depthwise", "a"], ["bent"]))
    conv("bent", "three", 1, 1)
    weights["three/w"][0] = 0.0  # a row that says nothing has no step of its own
    nodes.append(helper.make_node("Flatten", ["three"], ["flat"]))
    size = CHANNELS * SIDE * SIDE
    weights["w"] = RANDOM.standard_normal((VALUES, size)).astype(np.float32) / size**0.5
    weights["b"] = RANDOM.standard_normal(VALUES).astype(np.float32)
    nodes.append(helper.make_node("Gemm", ["flat", "w", "b"], ["y"], transB=1))
    made = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, CHANNELS, SIDE, SIDE))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    passes.with_input_shape(1, CHANNELS, SIDE, SIDE)(model)
    return model


def outputs(
    model: onnx.ModelProto, x: NDArray[np.float32], *names: str
) -> list[NDArray[np.generic]]:
    """As the standard has it: no runtime's fusions, no processor's shortcuts."""
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    del asked.graph.output[:]
    asked.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return list(ReferenceEvaluator(asked).run(None, {"x": x}))


def picture() -> NDArray[np.float32]:
    return RANDOM.standard_normal((1, CHANNELS, SIDE, SIDE)).astype(np.float32)


def spans(model: onnx.ModelProto, *pictures: NDArray[np.float32]) -> quantise.Ranges:
    names = sorted(quantise.ranged_tensors(model.graph))
    seen = [outputs(model, x, *names) for x in pictures]
    return {
        name: (min(float(x.min()) for x in each), max(float(x.max()) for x in each))
        for name, each in zip(names, zip(*seen, strict=True), strict=True)
    }


def test_what_is_quantised_stays_near_and_the_rest_stays_as_it_was() -> None:
    model, x = network(), picture()
    (wanted,) = outputs(model, x, "y")
    ranges = spans(model, x)
    assert set(ranges) == {"bent", "three", "flat"}
    before = {each.name for each in model.graph.initializer}
    quantise.quantised(ranges, {})(model)
    passes.canonical_bytes(model)  # checks the graph
    tensors = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    assert before - tensors.keys() == {"three/w", "three/b", "w", "b"}
    assert {n for n, v in tensors.items() if v.dtype == np.int8 and v.ndim > 1} == {
        "three/rows/bytes",
        "y/rows/bytes",
    }
    assert not tensors["three/rows/bytes"][0].any()
    (got,) = outputs(model, x, "y")
    apart = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
    assert 0 < apart < 0.02


def test_beyond_its_range_a_value_is_cut_and_never_wraps() -> None:
    model, x = network(), picture()
    ranges = spans(model, x)
    quantise.quantised(ranges, {})(model)
    for factor in (100.0, -100.0):
        (three,) = outputs(model, x * np.float32(factor), "three")
        low, high = ranges["three"]
        step = (high - low) / 255
        assert three.min() >= min(low, 0.0) - step
        assert three.max() <= max(high, 0.0) + step


def test_zero_is_always_a_byte_of_its_own() -> None:
    """What a picture is padded with must stay nothing."""
    model = network()
    quantise.quantised({"bent": (0.5, 2.0), "three": (-3.0, -1.0), "flat": (0.0, 1e-6)}, {})(model)
    tensors = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    assert (int(tensors["three/x/zero"]), int(tensors["three/zero"])) == (0, 255)
    assert float(tensors["three/x/step"]) == pytest.approx(2 / 255)


@pytest.mark.parametrize("span", [(0.0, 0.0), (float("nan"), 1.0), (0.0, float("nan"))])
def test_a_range_of_nothing_is_refused(span: tuple[float, float]) -> None:
    ranges = {"bent": (0.0, 1.0), "three": span, "flat": (0.0, 1.0)}
    with pytest.raises(BuildRefused, match="no range to quantise in"):
        quantise.quantised(ranges, {})(network())


def test_what_quantisation_adds_to_an_output_is_taken_off() -> None:
    plain, corrected = network(), network()
    corrected.CopyFrom(plain)
    x, correction = picture(), [0.5, -1.0, 0.0, 2.0, -0.25]
    ranges = spans(plain, x)
    quantise.quantised(ranges, {})(plain)
    quantise.quantised(ranges, {"y": correction})(corrected)
    (before,), (after,) = outputs(plain, x, "y"), outputs(corrected, x, "y")
    np.testing.assert_allclose(before[0] - after[0], correction, atol=0.01)


def test_without_a_range_nothing_is_built() -> None:
    with pytest.raises(BuildRefused, match=r"no range was measured of flat, three$"):
        quantise.quantised({"bent": (0.0, 1.0)}, {})(network())


def test_the_form_in_bytes_keeps_prelu() -> None:
    others = (passes.drop_dropout, prelu.rewrite_prelu)
    assert quantise.before_quantising(others) == (passes.drop_dropout,)
    assert len(quantise.quantised_form(others, {}, {})) == 2


def test_a_network_that_computes_nan_is_not_near_its_source() -> None:
    entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 4, 4))
    leaving = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, 4, 4))
    same, none = (
        helper.make_model(
            helper.make_graph([helper.make_node(kind, ["x"], ["y"])], "made", [entry], [leaving]),
            opset_imports=[helper.make_opsetid("", 21)],
            ir_version=10,
        ).SerializeToString()
        for kind in ("Identity", "Acos")  # of more than 1
    )
    recipe = replace(make_models.RECIPES[0], input_shape=(1, 3, 4, 4))
    assert make_models.greatest_difference(same, same, recipe, []) == 0
    assert np.isnan(make_models.greatest_difference(same, none, recipe, []))
