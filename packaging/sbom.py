"""Writes what a package is made of as CycloneDX 1.6, in JSON: wheels, networks, and our own code.

Everything in it comes from what was staged and from the lock, so two builds give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from stage import FIRMWARE, HOSTDRIVER, KIOSK, MODELS, PROJECT, SIMULATOR, Stage
from wheels import Wheel, wheels_in

Json = dict[str, Any]
OURS = {"kazashi", SIMULATOR}
LICENCE = PROJECT["project"]["license"]


def write_sboms(stage: Stage, out: Path, epoch: int) -> list[Path]:
    """Put each package's list into the package and into `out`; the paths there."""
    written = []
    for package in (FIRMWARE, HOSTDRIVER, KIOSK, SIMULATOR):
        content = json.dumps(sbom(stage, package, epoch), ensure_ascii=False, indent=1) + "\n"
        name = f"{package}.cdx.json"
        stage.into(package, f"/usr/share/doc/{package}/{name}").write_text(
            content, encoding="utf-8"
        )
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{package}_{stage.version}_{stage.arch}.cdx.json"
        path.write_text(content, encoding="utf-8")
        written.append(path)
    return written


def sbom(stage: Stage, package: str, epoch: int) -> Json:
    """The list of one package, as CycloneDX names things."""
    home = stage.modules(FIRMWARE if package == SIMULATOR else package)
    folder = stage.root / package / str(home).lstrip("/")
    components = [_wheel(wheel) for wheel in wheels_in(folder) if wheel.name not in OURS]
    models = stage.root / package / MODELS
    components += [_model(card) for card in sorted(models.glob("*/card.toml"))]
    components += [_operating_point(path) for path in sorted(models.glob("*/pad.toml"))]
    arch = "all" if package in (KIOSK, SIMULATOR) else stage.arch
    name = f"{package} {stage.version} {stage.suite.name} {arch}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, f"kazashi {name} {epoch}").urn,
        "version": 1,
        "metadata": {
            "timestamp": dt.datetime.fromtimestamp(epoch, tz=dt.UTC).isoformat(),
            "component": {
                "type": "application",
                "bom-ref": package,
                "name": package,
                "version": stage.version,
                "description": PROJECT["project"]["description"],
                "licenses": [{"license": {"id": LICENCE}}],
                "properties": [
                    {"name": "kazashi:debian", "value": stage.suite.name},
                    {"name": "kazashi:architecture", "value": arch},
                ],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": package, "dependsOn": [component["bom-ref"] for component in components]}
        ],
    }


def _wheel(wheel: Wheel) -> Json:
    purl = f"pkg:pypi/{wheel.name.lower().replace('_', '-')}@{wheel.version}"
    said: Json = {
        "type": "library",
        "bom-ref": purl,
        "name": wheel.name,
        "version": wheel.version,
        "purl": purl,
        "licenses": [{"license": {"name": wheel.licence}}],
    }
    if wheel.home:
        said["externalReferences"] = [{"type": "website", "url": wheel.home}]
    return said


def _model(path: Path) -> Json:
    """A network; its parent in descent is the file of the package that it was made from."""
    card = tomllib.loads(path.read_text(encoding="utf-8"))
    origin = card["origin"]
    kind = "npm" if origin["index"] == "npm" else "pypi"
    others = [card[name] for name in ("blocked", "quantised") if name in card]
    shipped = [other for other in others if (path.parent / other["file"]).is_file()]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{card['model_id']}",
        "name": card["model_id"],
        "version": card["sha256"][:12],
        "hashes": [{"alg": "SHA-256", "content": card["sha256"]}],
        "licenses": [{"license": {"name": origin["licence"]}}],
        "description": f"{path.parent.name}/{card['file']}",
        "pedigree": {
            "ancestors": [
                {
                    "type": "file",
                    "name": origin["member"],
                    "purl": f"pkg:{kind}/{origin['package']}@{origin['version']}",
                    "description": origin["upstream"],
                    "hashes": [{"alg": "SHA-256", "content": origin["member_sha256"]}],
                }
            ]
        },
        "components": [
            {
                "type": "file",
                "bom-ref": f"file:{path.parent.name}/{form['file']}",
                "name": f"{path.parent.name}/{form['file']}",
                "description": "the same network in another form, for this kind of machine",
                "hashes": [{"alg": "SHA-256", "content": form["sha256"]}],
            }
            for form in shipped
        ],
    }


def _operating_point(path: Path) -> Json:
    """Presentation-attack detection has no network, but what it was fitted on decides as well."""
    from firmware.match.manifest import sha256_of

    card = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        "type": "data",
        "bom-ref": f"model:{card['model_id']}",
        "name": card["model_id"],
        "hashes": [{"alg": "SHA-256", "content": sha256_of(path)}],
        "licenses": [{"license": {"id": LICENCE}}],
        "description": f"{path.parent.name}/{path.name}",
    }
