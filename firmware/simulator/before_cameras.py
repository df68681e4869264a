"""Who stands before an appliance's two cameras, and in what light."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from firmware.simulator.camera import NOBODY, Scene, person, write_scene
from firmware.simulator.patients import live_portrait
from firmware.simulator.presentations import Presentation
from firmware.words import PanelLight


class BeforeCameras(ABC):
    """The scene in one folder, which simulated cameras play."""

    def __init__(self) -> None:
        self._scene_now, self._changing = Scene(), Lock()

    @property
    @abstractmethod
    def scene_folder(self) -> Path:
        """Where the cameras look."""

    def show(self, *, live: str | None, tray: str | None) -> None:
        """Who stands before the camera (a patient's or a stranger's id) and whose card lies there.

        Raises `UnknownPatient`.
        """
        self.present(person(live_portrait(live) if live is not None else NOBODY), tray=tray)

    def present(self, stands: Presentation, *, tray: str | None) -> None:
        """What stands before the camera, whatever it is, and whose card lies there."""
        self._set_scene(stands=stands, tray=tray)

    def shine(self, light: PanelLight) -> None:
        """The panel's page lights whoever stands before it: the camera sees that."""
        self._set_scene(light=light)

    def _set_scene(self, **changed: Any) -> None:
        with self._changing:
            self._scene_now = msgspec.structs.replace(self._scene_now, **changed)
            write_scene(self.scene_folder, self._scene_now)
