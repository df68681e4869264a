"""What a screen says is what the panel serves: one WAV file, of clips that set-up rendered."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from panel_house import at

from firmware.faults import SpeechUnavailable
from firmware.panel.server import PanelServer
from firmware.words import Language, State

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("language", Language)
async def test_every_screen_is_heard(build_dir: Path, tmp_path: Path, language: Language) -> None:
    server = PanelServer(tmp_path, lambda _: None, speech=build_dir / "speech")
    address = (await server.start()).partition("#")[0]
    try:
        async with aiohttp.ClientSession() as page:
            for entry, state in enumerate(State, start=2):
                server.show(replace(at(state, entry=entry), language=language))
                named = server._view.speech
                assert named is not None
                async with page.get(address + named) as answer:
                    assert (answer.status, answer.content_type) == (200, "audio/wav"), state
                    with wave.open(io.BytesIO(await answer.read())) as heard:
                        assert heard.getnframes() > heard.getframerate() / 4
    finally:
        await server.stop()


@pytest.mark.parametrize("path", ["speech/ja/0123456789abcdef.wav", "speech/xx/0.wav"])
async def test_nothing_else_is_served(build_dir: Path, tmp_path: Path, path: str) -> None:
    server = PanelServer(tmp_path, lambda _: None, speech=build_dir / "speech")
    address = (await server.start()).partition("#")[0]
    try:
        async with aiohttp.ClientSession() as page, page.get(address + path) as answer:
            assert answer.status == 404
    finally:
        await server.stop()


def test_a_folder_without_speech_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpeechUnavailable):
        PanelServer(tmp_path, lambda _: None, speech=tmp_path)
