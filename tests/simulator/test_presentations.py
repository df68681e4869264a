"""What stands before the simulated camera: geometry answers the panel's light, never a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from firmware.simulator.panel_shine import illuminance
from firmware.simulator.portraits import AS_FOR_A_PASSPORT, FRAMINGS, Portrait, Reals, laid_out
from firmware.simulator.presentation_motion import Warp
from firmware.simulator.presentation_shapes import MARGIN, canvas, head_heights, normals
from firmware.simulator.presentation_species import (
    ATTACKS,
    LIVING,
    Species,
    at_ease,
    presentation,
)
from firmware.simulator.presentations import (
    Body,
    Display,
    Head,
    Lens,
    Motion,
    Panel,
    Paper,
    Picture,
    Presentation,
    Recording,
    Sheet,
    Skin,
    Surface,
)
from firmware.simulator.stage import Stage
from firmware.words import PanelLight

SOMEBODY = "person_a_2"
FACE = (slice(110, 330), slice(250, 390))
"""Where the face is of whoever stands in the middle."""


def drawn_portrait(_portrait_id: str) -> Portrait:
    """An even face with eyes and a mouth: whatever differs over it is the light's doing."""
    pixels = np.full((300, 240, 3), (120, 150, 190), np.uint8)
    for x, y in ((0.40, 0.42), (0.60, 0.42), (0.50, 0.62)):
        cv2.circle(pixels, (round(x * 240), round(y * 300)), 6, (40, 40, 60), -1)
    return Portrait(pixels, AS_FOR_A_PASSPORT)


@dataclass(frozen=True)
class Kept:
    """Bodies that do not move."""

    motion = Motion((0.0, -20.0, 450.0, 0.0, 0.0, 0.0))

    def of(self, surface: Surface, lens: Lens | None = None) -> Stage:
        still = Presentation(Body((surface,), self.motion), lens=lens or Lens(noise=0.0))
        return Stage(still, drawn_portrait)


HEAD = Surface(Head(), Skin(gloss=0.0), Picture(SOMEBODY))
PRINT = Surface(Sheet((210.0, 297.0)), Paper(), Picture(SOMEBODY))
SCREEN = Surface(Sheet((150.0, 210.0)), Display(gloss=0.0), Picture(SOMEBODY, eyes_mm=55.0))


def answer(stage: Stage, part: tuple[slice, slice] = FACE) -> Reals:
    """How much more light comes from each point of the face when the page is white, not dim."""
    dim, white = (stage.radiance(0.0, light) for light in (PanelLight.DIM, PanelLight.WHITE))
    return np.asarray((white / dim - 1)[part].mean(axis=2))


def test_a_head_answers_by_its_relief_a_print_evenly_and_a_display_hardly() -> None:
    head, sheet, screen = (answer(Kept().of(each)) for each in (HEAD, PRINT, SCREEN))
    unevenness = [float(each.std() / each.mean()) for each in (head, sheet)]
    assert unevenness[0] > 2 * unevenness[1]
    assert screen.mean() < 0.25 * sheet.mean()
    assert 0.02 < head.mean() < 0.6, "some tens of lux beside a lit room"


def test_the_front_of_a_face_catches_more_light_than_its_sides() -> None:
    difference = answer(Kept().of(HEAD), (slice(200, 240), slice(240, 401)))
    front = difference[:, 60:100].mean()
    assert front > 1.3 * difference[:, :4].mean()
    assert front > 1.3 * difference[:, -4:].mean()


def test_light_falls_with_the_square_of_the_distance() -> None:
    facing = np.array([[[0.0, 0.0, -1.0]]], np.float32)
    near, far = (
        float(illuminance(np.array([[[0.0, 80.0, away]]], np.float32), facing, Panel())[0, 0])
        for away in (600.0, 1200.0)
    )
    assert near / far == pytest.approx(4.0, rel=0.05)
    # 350 cd/m² over 295 cm², seen from 60 cm: L·A/d².
    assert near == pytest.approx(350 * 0.0295 / 0.36, rel=0.05)


def test_light_adds_up() -> None:
    stage = Kept().of(HEAD)
    lights = (PanelLight.DIM, PanelLight.BLUE, PanelLight.YELLOW)
    dim, blue, yellow = (stage.radiance(0.0, light)[FACE] for light in lights)
    assert (blue - dim)[..., 0].mean() > 4 * (blue - dim)[..., 2].mean()
    assert (yellow - dim)[..., 2].mean() > 4 * abs((yellow - dim)[..., 0].mean())


def test_a_recording_shows_the_light_of_then_whatever_the_light_is_now() -> None:
    lights = ((0.0, PanelLight.BLUE), (1.0, PanelLight.YELLOW))
    video = Recording(Picture(SOMEBODY), Kept.motion, lights, room_lux=80.0)
    stage = Kept().of(Surface(Sheet((300.0, 260.0)), Display(gloss=0.0), video))
    early, late = (stage.radiance(at_s, PanelLight.GREEN)[FACE] for at_s in (0.5, 1.5))
    assert (late - early)[..., 2].mean() > 0 > (late - early)[..., 0].mean()


def test_a_turning_sheet_stays_one_plane_and_a_turning_head_does_not() -> None:
    """What a plane does is a homography; the nose and the cheeks do not keep to any."""
    face = laid_out(drawn_portrait(SOMEBODY))
    at = canvas(0.0, -20.0, 450.0, 620.0)
    turned = Motion((0.0, -20.0, 450.0, 0.0, 8.0, 0.0), pivot=(0.0, 90.0, 90.0))
    rows, columns = (each.ravel() for each in np.mgrid[120:330:15, 255:390:15])
    there = np.column_stack([columns, rows]).astype(np.float32)
    off = []
    for heights in (head_heights(Head(), face, at), np.zeros((624, 832), np.float32)):
        across, down = Warp(heights, at, turned, 620.0).maps(0.0)
        here = np.column_stack([across[rows, columns], down[rows, columns]])
        plane, _ = cv2.findHomography(there, here)
        fitted = cv2.perspectiveTransform(there[:, None], plane)[:, 0]
        off.append(float(np.hypot(*(fitted - here).T).mean()))
    assert off[0] > 0.5
    assert off[1] < 0.05


def test_an_unmoved_picture_is_where_it_was_drawn() -> None:
    at = canvas(5.0, -20.0, 450.0, 620.0)
    flat, still = np.zeros((624, 832), np.float32), Motion((5.0, -20.0, 450.0, 0.0, 0.0, 0.0))
    across, down = Warp(flat, at, still, 620.0).maps(3.0)
    assert np.abs(across - MARGIN[0] - np.arange(640)).max() < 0.05
    assert np.abs(down - MARGIN[1] - np.arange(480)[:, None]).max() < 0.05


def test_normals_are_of_length_one_and_face_the_lens() -> None:
    at = canvas(0.0, 0.0, 450.0, 620.0)
    heights = head_heights(Head(), laid_out(drawn_portrait(SOMEBODY)), at)
    facing = normals(heights, at.px_per_mm)
    assert np.allclose((facing**2).sum(axis=2), 1.0, atol=1e-4)
    assert (facing[..., 2] < 0).all()


def test_an_exposure_that_follows_takes_away_some_of_the_answer() -> None:
    seen = {}
    for follows in (0.0, 0.9):
        stage = Kept().of(HEAD, Lens(noise=0.0, exposure_follows=follows, follows_in_s=0.1))
        stage.frame(0.0, PanelLight.DIM)
        frames = [stage.frame(5.0 + step, PanelLight.WHITE) for step in range(3)]
        seen[follows] = float(frames[-1][FACE].mean())
    assert seen[0.0] > seen[0.9] + 1


@pytest.mark.parametrize("species", Species)
def test_a_presentation_is_shown_and_the_same_seed_shows_the_same(species: Species) -> None:
    one, again, other = (presentation(species, seed, SOMEBODY) for seed in (7, 7, 8))
    assert one == again
    assert one != other
    shown = []
    for each in (one, again):
        stage = Stage(each, drawn_portrait)
        shown.append([stage.frame(at_s, PanelLight.BLUE) for at_s in (0.0, 0.4)])
    assert shown[0][0].shape == (480, 640, 3)
    assert shown[0][0].dtype == np.uint8
    assert all(np.array_equal(a, b) for a, b in zip(*shown, strict=True))
    assert not np.array_equal(*shown[0])
    assert 20 < shown[0][0].mean() < 230


@pytest.mark.parametrize("species", Species)
def test_what_is_written_down_names_no_species_and_reads_back(species: Species) -> None:
    one = presentation(species, 3, SOMEBODY)
    written = msgspec.json.encode(one)
    assert msgspec.json.decode(written, type=Presentation) == one
    words = set(written.decode().replace('"', " ").replace(":", " ").split())
    assert not words & (set(Species) | {"attack", "species", "live", "spoof", "genuine", "replay"})


def test_species_are_of_two_kinds() -> None:
    assert set(LIVING) | set(ATTACKS) == set(Species)
    assert not set(LIVING) & set(ATTACKS)
    assert len(LIVING) >= 6


def test_the_document_names_every_species() -> None:
    document = Path(__file__).parents[2] / "docs" / "PRESENTATIONS.md"
    rows = [line for line in document.read_text("utf-8").splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in rows)))
    assert named == set(Species)


def test_nobody_is_a_wall() -> None:
    empty = Stage(Presentation(None), drawn_portrait).frame(0.0, PanelLight.OFF)
    somebody = Stage(at_ease(SOMEBODY), drawn_portrait).frame(0.0, PanelLight.OFF)
    assert empty[FACE].std() < 0.5 * somebody[FACE].std()


def test_every_framing_lies_in_its_picture() -> None:
    for framing in FRAMINGS.values():
        assert 0 < framing.left_eye[0] < framing.nose[0] < framing.right_eye[0] < 1
        assert framing.left_eye[1] < framing.nose[1] < framing.mouth[1] < framing.chin[1] < 1
