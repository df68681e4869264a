"""Renders what the panel says into sound files, at set-up, with espeak-ng. [shell]

    python -m firmware.panel.speech --out build/speech

A second run finds everything done; a text that has changed is rendered anew and its old sound is
deleted.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from firmware.faults import Fault, SpeechUnavailable
from firmware.panel.sayings import VOICES, Manifest, every_clip, key_of, sound_of
from firmware.panel.texts import Texts, read_marked_texts
from firmware.words import Language

PROGRAM = "espeak-ng"
MANIFEST = "manifest.json"
CLIP_WITHIN_S = 20.0
DONE, REFUSED = 0, 1


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one run did."""

    made: int
    kept: int
    deleted: int
    megabytes: float


# --- the program
def espeak(*arguments: str, text: str = "") -> str:
    """What espeak-ng prints. Raises `SpeechUnavailable` when it is missing, slow or refuses."""
    try:
        done = subprocess.run(
            [PROGRAM, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=CLIP_WITHIN_S,
            check=True,
        )
    except FileNotFoundError as cause:
        raise SpeechUnavailable(f"{PROGRAM} is not installed") from cause
    except subprocess.SubprocessError as cause:
        raise SpeechUnavailable(f"{PROGRAM} {' '.join(arguments)}: {cause}") from cause
    return done.stdout


def voice_program() -> str:
    """Name and version of the program, without the place of its data."""
    return espeak("--version").split("  ")[0].strip()


def phonemes(language: Language, text: str) -> str:
    """How the voice will say a text, in espeak-ng's own signs. `(en)` is a switch to English."""
    return espeak("-v", VOICES[language].name, "-q", "-x", "--stdin", text=sound_of(language, text))


def speak(language: Language, text: str, path: Path) -> None:
    """Render one clip as a WAV file; it appears whole or not at all."""
    voice = VOICES[language]
    part = path.with_suffix(".part")
    spoken = sound_of(language, text)
    speed = str(voice.words_per_minute)
    espeak("-v", voice.name, "-s", speed, "-z", "-w", str(part), "--stdin", text=spoken)
    part.replace(path)


# --- the folder
def read_manifest(folder: Path) -> Manifest:
    """What has been rendered. Raises `SpeechUnavailable` where nothing usable has."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as cause:
        raise SpeechUnavailable(f"{folder / MANIFEST}: {cause}") from cause


def wanted_clips(texts: Mapping[Language, Texts]) -> dict[Language, dict[str, str]]:
    """Key → text of every clip, for each language."""
    return {
        language: {key_of(language, text): text for text in every_clip(own)}
        for language, own in texts.items()
    }


def render(folder: Path, texts: Mapping[Language, Texts]) -> Rendered:
    """Bring the folder in step with the texts: render what is missing, delete what is stale.

    Raises `SpeechUnavailable`. The manifest is written last, so it never names a missing file; a
    program of another version makes everything anew.
    """
    program = voice_program()
    clips = wanted_clips(texts)
    wanted = {
        folder / language / f"{key}.wav": (language, text)
        for language, own in clips.items()
        for key, text in own.items()
    }
    try:
        there = set(folder.glob("*/*")) if _made_by(folder) == program else set()
        stale = set(folder.glob("*/*")) - wanted.keys()
        for path in {folder / MANIFEST, *stale}:
            path.unlink(missing_ok=True)
        for path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
        missing = [(*wanted[path], path) for path in wanted if path not in there]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda clip: speak(*clip), missing))
        said = {
            language: {key: sound_of(language, text) for key, text in own.items()}
            for language, own in clips.items()
        }
        (folder / MANIFEST).write_bytes(msgspec.json.encode(Manifest(program, said)))
    except OSError as cause:
        raise SpeechUnavailable(f"{folder}: {cause.strerror}") from cause
    size = sum(path.stat().st_size for path in wanted)
    return Rendered(len(missing), len(wanted) - len(missing), len(stale), size / 1e6)


def _made_by(folder: Path) -> str | None:
    try:
        return read_manifest(folder).voice
    except SpeechUnavailable:
        return None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/speech"),
    show_default=True,
    help="Folder of the sound files.",
)
def main(out: Path) -> None:
    """Render everything that the panel says aloud, in every language.

    \b
    Example:
      python -m firmware.panel.speech --out build/speech
    """
    try:
        rendered = render(out, read_marked_texts())
    except Fault as fault:
        click.echo(f"speech: {fault}", err=True)
        raise SystemExit(REFUSED) from fault
    click.echo(
        f"speech: {rendered.made} clips made, {rendered.kept} were there,"
        f" {rendered.deleted} old ones deleted; {rendered.megabytes:.0f} MB in {out}",
        err=True,
    )


if __name__ == "__main__":
    main()
