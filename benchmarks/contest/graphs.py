"""Each engine's form of our networks: the file as shipped, and the forms that peers may run faster.

Our first form has PRelu as max(x, a·x), our second one (x86-64) as convolutions that suit our
runtime alone; other engines have a kernel of their own for it. So that nobody is timed on a form
made for us, each peer runs the first one and the plain one, and its better one counts.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from contest.goals import QUANTISED
from firmware.match.model_card import ModelCard
from firmware.match.processor import this_processor
from firmware.match.runtime import TEXT_READER, models_folder, read_model_card

CONVERTING_S = 120.0


@dataclass(frozen=True, slots=True)
class Network:
    """One of our networks, in fp32 or quantised: its folder under models/, its card, its file."""

    folder: Path
    card: ModelCard
    path: Path

    @property
    def name(self) -> str:
        return self.folder.name if self.is_exact else f"{self.folder.name}{QUANTISED}"

    @property
    def is_exact(self) -> bool:
        """Whether every engine has to compute the same; int8 is rounded as each sees fit."""
        return self.path.name == self.card.file

    def batch(self, grey: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network takes, out of a grey picture of its height and width."""
        entry = self.card.input
        pixels = grey.astype(np.float32) * np.float32(entry.scale) + np.float32(entry.offset)
        return np.ascontiguousarray(np.broadcast_to(pixels, entry.shape))


def networks() -> Iterator[Network]:
    """Every network of a face that is built; the reader of print takes lines of any width."""
    cards = {
        path for path in models_folder().glob("*/card.toml") if path.parent.name != TEXT_READER
    }
    for card_file in sorted(cards):
        folder = card_file.parent
        card = read_model_card(folder)
        files = [card.file]
        if card.quantised is not None and this_processor().has_int8_dot_products:
            files.append(card.quantised.file)
        for path in (folder / file for file in files):
            if path.is_file():
                yield Network(folder, card, path)


def with_prelu(model: onnx.ModelProto) -> int:
    """Turn max(x, a·x) back into PRelu, which it equals for a ≤ 1; how many there were."""
    graph = model.graph
    constants = {each.name for each in graph.initializer}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    scaled = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "Mul" and node.input[1] in constants and len(users[node.output[0]]) == 1
    }
    nodes, turned = [], []
    for node in graph.node:
        product = scaled.get(node.input[1]) if node.op_type == "Max" else None
        if product is not None and product.input[0] == node.input[0]:
            nodes.append(helper.make_node("PRelu", list(product.input), list(node.output)))
            turned.append(product)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(node for node in nodes if node not in turned)
    return len(turned)


def onnx_forms(network: Network, work: Path) -> dict[str, Path]:
    """The network as shipped, and where it differs with PRelu; paths by the form's name."""
    forms = {"as shipped": network.path}
    model = onnx.load(network.path)
    if with_prelu(model):
        work.mkdir(parents=True, exist_ok=True)
        forms["PRelu"] = work / f"{network.path.stem}-prelu.onnx"
        onnx.save(model, forms["PRelu"])
    return forms


def for_ncnn(form: Path, shape: tuple[int, ...], pnnx: Path, work: Path) -> Path | str:
    """What pnnx makes of an ONNX file (a path for `engines.Ncnn`), or why it makes nothing."""
    if not pnnx.is_file():
        return "pnnx, which converts for ncnn, is not installed"
    folder = work / "ncnn" / form.stem
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "network"
    size = "[" + ",".join(map(str, shape)) + "]"
    copy = folder / "network.onnx"
    copy.write_bytes(form.read_bytes())
    done = subprocess.run(
        [str(pnnx), str(copy), f"inputshape={size}", "fp16=0"],
        cwd=folder,
        check=False,
        capture_output=True,
        timeout=CONVERTING_S,
    )
    if done.returncode or not made.with_suffix(".ncnn.param").is_file():
        return f"pnnx ended with {done.returncode}"
    return made.with_suffix(".ncnn")
