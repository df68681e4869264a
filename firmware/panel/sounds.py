"""The short sounds of the panel and the shape of a sound file: computed, never recorded."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.faults import SpeechUnavailable
from firmware.indicator.patterns import Sound

SAMPLE_RATE_HZ = 22_050
"""That of espeak-ng's voices, so that clips and sounds can be joined."""
PAUSE_S = 0.25
"""Between two clips that are said one after the other."""
EDGE_S = 0.012
"""A tone swells and fades this long: a hard edge would click."""
LOUDNESS = 0.35

C5, E5, G5, C6 = 523.25, 659.26, 783.99, 1046.50


@dataclass(frozen=True, slots=True)
class Tone:
    """One note; 0 Hz is silence."""

    pitch_hz: float
    lasts_s: float


# They differ in rhythm as well as in pitch: older ears lose the high notes first.
MELODIES: dict[Sound, tuple[Tone, ...]] = {
    Sound.CARD_SEEN: (Tone(G5, 0.14),),
    Sound.NEEDS_YOU: (Tone(E5, 0.12), Tone(0, 0.06), Tone(G5, 0.2)),
    Sound.DONE: (Tone(C5, 0.12), Tone(E5, 0.12), Tone(G5, 0.12), Tone(C6, 0.3)),
    Sound.SEE_THE_SCREEN: (Tone(E5, 0.2), Tone(0, 0.1), Tone(E5, 0.2)),
    Sound.CARD_LEFT: (Tone(C6, 0.16), Tone(G5, 0.16), Tone(0, 0.1)) * 3,
}


def samples_of(tone: Tone) -> NDArray[np.int16]:
    """One tone as 16-bit samples: the note and a soft octave, swelling and fading."""
    time_s = np.arange(round(tone.lasts_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    turn = 2 * np.pi * tone.pitch_hz * time_s
    edge = np.minimum(time_s, time_s[::-1]) / EDGE_S
    wave_form = (np.sin(turn) + 0.25 * np.sin(2 * turn)) / 1.25 * np.minimum(edge, 1)
    return np.round(wave_form * LOUDNESS * 32_767).astype(np.int16)


@cache
def melody(sound: Sound) -> bytes:
    """The sound as a WAV file: 16 bit, mono."""
    return wav(b"".join(samples_of(tone).tobytes() for tone in MELODIES[sound]))


def wav(frames: bytes) -> bytes:
    """Samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(frames)
    return file.getvalue()


def joined(files: Iterable[Path]) -> bytes:
    """WAV files one after the other as one, with a pause in between.

    Raises `SpeechUnavailable` for a file that is missing or of another shape.
    """
    pause = bytes(2 * round(PAUSE_S * SAMPLE_RATE_HZ))
    return wav(pause.join(_frames(path) for path in files))


def _frames(path: Path) -> bytes:
    try:
        with wave.open(str(path), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            frames = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as cause:
        raise SpeechUnavailable(f"{path}: {cause}") from cause
    if shape != (1, 2, SAMPLE_RATE_HZ):
        raise SpeechUnavailable(f"{path}: {shape} instead of mono, 16 bit, {SAMPLE_RATE_HZ} Hz")
    return frames
