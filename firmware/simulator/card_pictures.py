"""The pictures on a virtual card: the photo as JPEG 2000, the printed lines as 1-bit PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from firmware.faults import SimulationNotPrepared
from firmware.simulator.world import read_prepared

# Assumed: no public text gives the real photo's size. The file must fit READ BINARY's 32 KiB.
PHOTO_SIZE: Final = (240, 320)
PHOTO_COMPRESSION: Final = 15  # 76,800 grey bytes → about 5 kB
DIGIT_SIZE: Final = (6, 12)  # four of them are 24×12 pixels: measured on a card
# A line of text on the print; a 1-bit picture of it is all that the chip holds.
LINE_HEIGHT: Final = 32
LINE_MARGIN: Final = 4
JAPANESE_FONTS: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc",
    "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf",
    "/usr/share/fonts/truetype/fonts-japanese-gothic.ttf",
)


def photo_of(portrait: Path) -> bytes:
    """The portrait as the chip holds it: grey JPEG 2000 in a JP2 box, 240×320 pixels.

    Raises SimulationNotPrepared when the portrait is missing or is no picture.
    """
    try:
        with Image.open(io.BytesIO(read_prepared(portrait))) as picture:
            grey = ImageOps.fit(picture.convert("L"), PHOTO_SIZE, Image.Resampling.LANCZOS)
    except (OSError, Image.DecompressionBombError) as cause:
        raise SimulationNotPrepared(
            f"{portrait} is no picture: remove it, run `make setup`"
        ) from cause
    encoded = io.BytesIO()
    grey.save(
        encoded,
        format="JPEG2000",
        quality_mode="rates",
        quality_layers=[PHOTO_COMPRESSION],
        irreversible=True,
    )
    return encoded.getvalue()


def line_of_text(japanese: str, latin: str) -> bytes:
    """A 1-bit PNG of one printed line; in Latin letters on a machine without a Japanese font."""
    font, text = _font_for(japanese, latin)
    width = int(font.getlength(text)) + 2 * LINE_MARGIN
    picture = Image.new("1", (width, LINE_HEIGHT), color=1)
    ImageDraw.Draw(picture).text(
        (LINE_MARGIN, LINE_HEIGHT // 2), text, fill=0, font=font, anchor="lm"
    )
    return _png(picture)


def security_code(digits: str) -> bytes:
    """The digits under the photo as the chip holds them, 6×12 pixels each."""
    size = (DIGIT_SIZE[0] * len(digits), DIGIT_SIZE[1])
    picture = Image.new("1", size, color=1)
    font = ImageFont.load_default(size=10)
    middle = (size[0] // 2, size[1] // 2)
    ImageDraw.Draw(picture).text(middle, digits, fill=0, font=font, anchor="mm")
    return _png(picture)


def _font_for(japanese: str, latin: str) -> tuple[ImageFont.FreeTypeFont, str]:
    for name in JAPANESE_FONTS:
        if Path(name).is_file():
            return ImageFont.truetype(name, LINE_HEIGHT - 2 * LINE_MARGIN), japanese
    font = ImageFont.load_default(size=LINE_HEIGHT - 2 * LINE_MARGIN)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SimulationNotPrepared("Pillow was built without FreeType")
    return font, latin


def _png(picture: Image.Image) -> bytes:
    encoded = io.BytesIO()
    picture.save(encoded, format="PNG", optimize=True)
    return encoded.getvalue()
