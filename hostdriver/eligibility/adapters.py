"""Which eligibility services there are to choose from: one row per adapter. [shell]"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from firmware.faults import BadSettings
from hostdriver.eligibility.gateway import Gateway
from hostdriver.eligibility.insurers import InsurersGateway
from hostdriver.eligibility.oqs_folder import OqsFolderGateway
from hostdriver.eligibility.oqs_xml import ENCODINGS
from hostdriver.eligibility.trust import Trust, read_authorities


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The eligibility service: who says whether and how a person is insured."""

    adapter: Literal["insurers", "oqs_folder"] = "insurers"
    """Whom the driver asks: `insurers` is the embedded simulation, `oqs_folder` the official
    terminal's folders (docs/FOLDERS.md)."""
    database: str = "insurers.sqlite"
    """Of `insurers`: the file, relative to the host driver's state folder."""
    trust_dir: str = "trust"
    """Folder of PEM files with the authorities of the cards' certificates; relative too."""
    accept_without_card_signature: bool = False
    """Whether a card that could not sign (`card_signing: none`) is enough."""
    accept_without_liveness: bool = False
    """Whether a face is enough that no presentation-attack detection looked at (`pad: not_done`).
    A face that was found not to be live is never enough."""
    institution_code: Annotated[str, msgspec.Meta(pattern="^[0-9]{10}$")] = "0000000000"
    """The site's ten digits (医療機関コード)."""
    req_dir: str | None = None
    """Of `oqs_folder`: where the official terminal takes questions."""
    res_dir: str | None = None
    """Of `oqs_folder`: where it leaves answers."""
    encoding: Literal["utf-8", "shift_jis"] = "utf-8"
    """Of `oqs_folder`: of the questions. Answers are read in either."""
    terminal_answers_within_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """Of `oqs_folder`; less than `limits.gateway_answers_within_s`."""

    def __post_init__(self) -> None:
        if self.adapter == "oqs_folder" and None in (self.req_dir, self.res_dir):
            raise ValueError("the adapter oqs_folder needs req_dir and res_dir")


def _insurers(settings: GatewaySettings, state_dir: Path) -> Gateway:
    folder = state_dir / settings.trust_dir
    try:
        files = [(str(path), path.read_bytes()) for path in sorted(folder.glob("*.pem"))]
    except OSError as cause:
        raise BadSettings(f"gateway.trust_dir: {cause.filename}: {cause.strerror}") from cause
    trust = Trust(
        read_authorities(files) if files else (),
        settings.accept_without_card_signature,
        settings.accept_without_liveness,
    )
    return InsurersGateway(
        state_dir / settings.database, trust, institution_code=settings.institution_code
    )


def _oqs_folder(settings: GatewaySettings, state_dir: Path) -> Gateway:
    assert settings.req_dir is not None and settings.res_dir is not None
    return OqsFolderGateway(
        state_dir / settings.req_dir,
        state_dir / settings.res_dir,
        institution_code=settings.institution_code,
        encoding=ENCODINGS[settings.encoding],
        answers_within_s=settings.terminal_answers_within_s,
    )


ADAPTERS: Final[dict[str, Callable[[GatewaySettings, Path], Gateway]]] = {
    "insurers": _insurers,
    "oqs_folder": _oqs_folder,
}


def open_gateway(settings: GatewaySettings, state_dir: Path) -> Gateway:
    """The gateway that the settings name; paths in them are relative to `state_dir`.

    Raises `BadSettings`.
    """
    return ADAPTERS[settings.adapter](settings, state_dir)
