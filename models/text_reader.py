"""Puts the network that reads print into its folder: weights of a package, as they were published.

Its metadata holds the characters that it knows, so nothing in the file is changed.
"""

from __future__ import annotations

from pathlib import Path

from card_file import Card, Table, read_card, write_card
from packages import RAPIDOCR, BuildRefused, fetch, sha256_of, take

FOLDER, FILE = "text-reader", "ppocrv4-rec.onnx"
MODEL_ID = "ppocrv4-rec"
MEMBER = "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
MEMBER_SHA256 = "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"


def make_text_reader(models: Path, downloads: Path, write_cards: bool) -> None:
    """Take the weights out of their package, unless those that the card names are there already."""
    folder = models / FOLDER
    path, card = folder / FILE, read_card(folder)
    if not write_cards and path.is_file() and sha256_of(path.read_bytes()) == card.get("sha256"):
        print(f"{FILE}: already there")
        return
    content = take(fetch(RAPIDOCR, downloads), MEMBER, MEMBER_SHA256)
    if write_cards:
        write_card(folder, _card_of(content))
    elif sha256_of(content) != card.get("sha256"):
        raise BuildRefused(f"{FILE} is not the network that {folder}/card.toml names")
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    print(f"{FILE}: as its package has it")


def _card_of(content: bytes) -> Card:
    origin: Table = {
        "upstream": "PaddleOCR, PP-OCRv4 mobile recogniser, as converted by RapidOCR",
        "licence": "Apache-2.0",
        "index": RAPIDOCR.index,
        "package": RAPIDOCR.name,
        "version": RAPIDOCR.version,
        "package_sha256": RAPIDOCR.sha256,
        "member": MEMBER,
        "member_sha256": MEMBER_SHA256,
    }
    return {
        "model_id": MODEL_ID,
        "file": FILE,
        "sha256": sha256_of(content),
        "bytes": len(content),
        "origin": origin,
    }
