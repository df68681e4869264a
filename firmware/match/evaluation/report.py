"""An evaluation as a page that people read."""

from __future__ import annotations

from firmware.match.evaluation.intervals import Share, rounded_up
from firmware.match.evaluation.result import WANTED_FMR, Evaluation, Experiment, Refusals, SetReport

HOW = """\
Each picture took part twice: as a live frame, and as the photo of a card (grey JPEG 2000 of about
{bytes} bytes, {width} pixels wide{height}, decoded again). FMR counts all pairs of different
people, without choosing similar ones. FNMR counts what was compared; GFRR also the attempts that
came to no comparison. In brackets: 95 % intervals over resampled people, widened to exact binomial
ones where few people erred; "≤" alone: no error was seen. "–": too few pairs to tell. A threshold
that was chosen on these very people does better here than elsewhere. What each column means, and
how to read it: docs/ACCURACY.md.

"Photo: every picture" takes each picture as a card's photo on which a face with eyes is found. A
card's photo is taken by rules (from the front, eyes open, sharp, no shadow), a press picture is
not; so "fit pictures" takes only those that the device's own limits for a live look let pass. The
others count as refused in GFRR. The threshold is that of every picture.
"""


def page(found: Evaluation, title: str = "Accuracy of the face comparison") -> str:
    """The whole report in Markdown; the curves are in accuracy.png beside it."""
    point, asked = found.operating_point, found.asked
    height = f", {asked.photo_height} high" if asked.photo_height else ""
    lines = [
        f"# {title}\n",
        f"Written by `kazashi-match evaluate`. Model `{found.model_id}`, SHA-256 "
        f"`{found.model_sha256[:16]}…`; operating point `{point['id']}`, threshold "
        f"{point['threshold']}.\n",
        HOW.format(bytes=asked.photo_bytes, width=asked.photo_width, height=height),
        "## Error rates\n",
        *_rates(found.experiments),
        "\n## At the shipped threshold\n",
        *_operating(found.experiments),
        *_groups(found.experiments),
        "\n## Whose pictures\n",
        *_sets(found.sets, asked.frames),
    ]
    if found.notes:
        lines += ["", *(f"- {note}" for note in found.notes)]
    lines += ["", "![DET curves](accuracy.png)"]
    return "\n".join(lines) + "\n"


def spoken(found: Evaluation) -> str:
    """A few lines for a terminal."""
    lines = []
    for each in found.experiments:
        at = {row.fmr: percent(row.fnmr) for row in each.at_fmr}
        rates = ", ".join(f"{at.get(fmr, '–')} at FMR {fmr:.0e}" for fmr in WANTED_FMR)
        lines.append(f"{each.set}, {each.photos} as photo, {each.name}: FNMR {rates}")
        point = each.operating_point
        lines.append(
            f"    shipped threshold {point.threshold:.3f}: FMR {scientific(point.fmr)}, "
            f"FNMR {percent(point.fnmr)}, GFRR {percent(point.gfrr)}"
        )
    return "\n".join(lines)


def percent(share: Share | None) -> str:
    """0.60 % [0.21, 1.30]; ≤ 1.20 % where no error was seen."""
    if share is None:
        return "–"
    if not share.errors:
        return f"0 % (≤ {100 * rounded_up(share.upper_95, 3):.3g} %)"
    return f"{100 * share.value:.2f} % [{100 * share.low:.2f}, {100 * share.high:.2f}]"


def scientific(share: Share | None) -> str:
    """3.9e-05 (≤ 6.6e-05): the value and its one-sided bound."""
    if share is None:
        return "–"
    seen = f"{share.value:.1e}" if share.errors else "0"
    return f"{seen} (≤ {rounded_up(share.upper_95, 2):.1e})"


def _rates(experiments: list[Experiment]) -> list[str]:
    heads = " | ".join(f"FNMR at FMR {fmr:.0e}" for fmr in WANTED_FMR)
    rows = [
        f"| set | photo | experiment | people | genuine | impostor pairs | EER | {heads} |",
        "|" + "---|" * (7 + len(WANTED_FMR)),
    ]
    for each in experiments:
        at = {row.fmr: f"{percent(row.fnmr)} at {row.threshold:.3f}" for row in each.at_fmr}
        equal = each.equal_error_rate
        cells = [
            *(each.set, each.photos, each.name, f"{each.people:,}", f"{each.genuine:,}"),
            *(f"{each.impostor_pairs:,}", "–" if equal is None else f"{100 * equal:.2f} %"),
            *(at.get(fmr, "–") for fmr in WANTED_FMR),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def _operating(experiments: list[Experiment]) -> list[str]:
    rows = [
        "| set | photo | experiment | FMR (one-sided 95 % bound) | strangers accepted | FNMR "
        "| GFRR | attempts that failed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in experiments:
        at = each.operating_point
        rows.append(
            f"| {each.set} | {each.photos} | {each.name} | {scientific(at.fmr)} "
            f"| {at.fmr.errors if at.fmr else 0:,} | {percent(at.fnmr)} | {percent(at.gfrr)} "
            f"| {each.failed:,} of {each.genuine + each.failed:,} |"
        )
    return rows


def _groups(experiments: list[Experiment]) -> list[str]:
    if not any(each.groups for each in experiments):
        return []
    rows = [
        "\n## By group, each among itself, at the shipped threshold\n",
        "| set | photo | experiment | group | people | FMR | FNMR | GFRR |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {each.set} | {each.photos} | {each.name} | {row.group} | {row.people:,} "
        f"| {scientific(row.rates.fmr)} | {percent(row.rates.fnmr)} | {percent(row.rates.gfrr)} |"
        for each in experiments
        for row in each.groups
    ]
    return rows


def _sets(sets: list[SetReport], frames: list[int]) -> list[str]:
    heads = "".join(f" with {count} fit beside a reference |" for count in frames)
    rows = [
        f"| set | pictures | people |{heads} live frames refused | photos refused "
        "| photos not fit |",
        "|" + "---|" * (6 + len(frames)),
    ]
    for each in sets:
        filled = "".join(f" {each.people_with_frames[str(count)]:,} |" for count in frames)
        rows.append(
            f"| {each.name} | {each.pictures:,} | {each.people:,} |{filled} "
            f"{_refused(each.failure_to_acquire)} | {_refused(each.failure_to_enrol)} "
            f"| {_refused(each.unfit_photos)} |"
        )
    rows.append("")
    for each in sets:
        border = f"{100 * each.border:.0f} % grey border" if each.border else "no border"
        rows.append(
            f"- {each.name}: people from {each.named_by}; {border} was added: {each.border_why}; "
            f"photos of {each.photo_bytes:,.0f} bytes on average"
            + (
                f"; {each.left_out} files are no pictures and were left out"
                if each.left_out
                else ""
            )
        )
    return rows


def _refused(refusals: Refusals) -> str:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in refusals.reasons.items())
    return f"{percent(refusals.rate)}{f': {reasons}' if reasons else ''}"
