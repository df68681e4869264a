"""How the measurement of presentation-attack detection is written down, for people and tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import tomli_w

from firmware.match.pad_card import PadCard
from firmware.simulator.presentation_species import Species

ROOT: Final = Path(__file__).resolve().parents[1]
PADS: Final = ROOT / "models" / "pad"

HEAD: Final = """\
# Presentation-attack detection

Written by `make bench-pad FACES=DIR`; words as in ISO/IEC 30107-3. How it works and what it does
not stop: `docs/PAD.md`.

On what: {presentations} presentations that a renderer made out of six portraits, by geometry,
materials and light, before a simulated camera. **No real instrument of attack and no real face
before a real panel was to be had**, and nobody knows how far the figures carry. The seeds that were
scored, {first} … {last}, were used for nothing else; weights, shapes and threshold come from other
seeds. Each presentation is looked at as in a visit's first comparison, by the device's own rule: of
{looks} to {at_most} lit looks, two to four seconds, any number may tell that it is alive. A visit
makes up to three comparisons, so an attack may come through up to three times as often. The
camera's exposure and white balance follow in most of them.

APCER: attacks taken for living people. BPCER: living people who were not told to be alive. Both at
one operating point. In brackets: Clopper and Pearson's 95 % interval; presentations of one portrait
hang together, so the true intervals are wider.
"""


def write_report(out: Path, result: dict[str, Any]) -> None:
    """pad.md, pad.json and pad.png in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "pad.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out / "pad.md").write_text(_page(result), encoding="utf-8")
    _plot(out / "pad.png", result)


def write_pad_card(card: PadCard) -> None:
    """models/pad/pad.toml."""
    table = msgspec.to_builtins(card)
    told = {name: part for name, part in table.items() if part is not None}
    text = "# Written by `make bench-pad ARGS=--fit=N`, never by hand; docs/PAD.md.\n\n"
    (PADS / "pad.toml").write_text(text + tomli_w.dumps(told), encoding="utf-8")


def _page(result: dict[str, Any]) -> str:
    first, last = result["scored_seeds"]
    lit, unlit = result["with_light"], result["without_light"]
    head = HEAD.format(
        presentations=result["presentations"],
        first=first,
        last=last,
        looks=lit["looks"],
        at_most=lit["at_most"],
    )
    parts = [head, *_point("With the screen's light", lit), *_point("Without it", unlit)]
    parts += [WITHOUT, *_prints(result["prints"]), "", "![scores](pad.png)", ""]
    return "\n".join(parts)


WITHOUT: Final = """
Without the light, movement and texture alone tell next to nothing at a point where attacks are
refused: the device then refuses nearly everybody, and says so in `docs/PAD.md`.
"""


def _point(title: str, rates: dict[str, Any]) -> list[str]:
    apcer, every, bpcer = rates["apcer"], rates["apcer_all"], rates["bpcer"]
    lines = [
        f"## {title}",
        "",
        f"Operating point `{rates['id']}`: **APCER {_share(apcer)}** ({apcer['species']}, the "
        f"worst species), {_share(every)} of all attacks; **BPCER {_share(bpcer)}**.",
        "",
        "| presented | of | wrong | rate |",
        "|---|---|---|---|",
    ]
    for species in Species:
        row = rates["species"][species.value]
        kind = "BPCER" if species.living else "APCER"
        if row["of"]:
            lines.append(
                f"| {species.value} | {row['of']} | {row['errors']} | {kind} {_share(row)} |"
            )
    return [*lines, ""]


def _prints(prints: dict[str, Any]) -> list[str]:
    lines = [
        "## NUAA's prints: texture alone",
        "",
        f"Crops of {prints['people']} people, live and as photographed prints; one picture is one "
        "presentation, and each person's scores come from weights fitted on the others. There is "
        "no sequence and no light: the device would tell nobody of them to be alive.",
        "",
        "| texture's threshold | APCER of prints | BPCER |",
        "|---|---|---|",
    ]
    for name, row in (("the card's", "at_the_point"), ("of equal errors", "at_equal_errors")):
        at = prints[row]
        lines.append(
            f"| {name}: {at['threshold']} | {_share(at['apcer'])} | {_share(at['bpcer'])} |"
        )
    return lines


def _share(row: dict[str, Any]) -> str:
    return f"{row['rate']:.1%} ({row['low']:.1%} – {row['high']:.1%})"


def _plot(path: Path, result: dict[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 6), constrained_layout=True)
    for place, species in enumerate(Species):
        scores = [each for each in result["scores"][species.value] if each is not None]
        colour, mark = ("tab:blue", "o") if species.living else ("tab:red", "x")
        axes.plot(scores, [place] * len(scores), mark, color=colour, alpha=0.4, markersize=5)
    axes.axvline(result["with_light"]["threshold"], color="black", linewidth=1)
    axes.set_yticks(range(len(Species)), [species.value for species in Species])
    axes.set_xlim(-15, 10)
    axes.set_xlabel("log-odds of a head, by its answers to the light; to the right: live")
    figure.savefig(path, dpi=110, metadata={"Software": None})
