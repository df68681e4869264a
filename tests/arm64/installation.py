"""One installation of the packages from bare machine to purged one, as checks that build on each
other. Each says what it saw, or raises `Failed`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from arm64_root import Arm64Root, Failed, unpack
from snapshot import Snapshot

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
BUILD: Final = ROOT / "build/arm64"
TAR, LOG, PYTEST = "root.tar", "log", "pytest"
WORLD: Final = "/srv/world"
STATE: Final = "/var/lib/kazashi"
RESULT, ROWS = "/var/tmp/result.json", "/var/tmp/ledger.jsonl"
INSTALLED: Final = ("kazashi-firmware", "kazashi-hostdriver", "kazashi-simulator")
"""All but the kiosk: it is the same on every machine, and its browser has 300 MB to emulate."""
USERS: Final = ("kazashi-firmware", "kazashi-hostdriver")
PATIENT: Final = "valid"
FACE_TIME_SCALE: Final = 60.0
APT: Final = ("apt-get", "-y", "-q", "-o", "Dpkg::Options::=--force-confold")
TESTS: Final = (
    *("card/test_apdu.py", "card/test_tlv.py"),
    *("link/test_framing.py", "link/test_pairing.py", "link/test_secure.py"),
    *("match/test_align.py", "match/test_jpeg2000.py", "match/test_template.py"),
)
"""What could differ by machine and takes seconds: codecs, numbers, cryptography."""


@dataclass(slots=True)
class Installation:
    """The root, and what is kept from one check for a later one. `build`: the folder with the
    root's tar file, where everything is made; `time_scale`: of the visit by face."""

    debs: Path
    previous: Path
    build: Path = BUILD
    arch: str = "arm64"
    time_scale: float = FACE_TIME_SCALE
    root: Arm64Root = field(init=False)
    bare: Snapshot | None = None
    settings: dict[str, bytes] = field(default_factory=dict)
    ledger: list[str] = field(default_factory=list)

    # --- the checks, in their order; each says what it saw or raises `Failed`
    def machine_is_bare(self) -> str:
        """A fresh root with what the packages depend on, and the test's own material."""
        self.root = unpack(self.build / TAR, self.build / "root", self.build / LOG)
        for name in ("authorities", "cards", "device", "faces"):
            shutil.copytree(ROOT / "build/simulation" / name, self.root / f"{WORLD}/{name}")
        for name in ("as_unit.py", "stand_up.py"):
            shutil.copy(HERE / name, self.root / f"/srv/{name}")
        shutil.copytree(ROOT / "tests", self.root / "/srv/source/tests")
        shutil.copy(ROOT / "pyproject.toml", self.root / "/srv/source")
        self.root.run(*APT, "update", network=True)
        wanted = [self._depends(self._deb(self.debs, package)) for package in INSTALLED]
        self.root.run(
            *APT, "satisfy", "--no-install-recommends", *filter(None, wanted), network=True
        )
        self.bare = Snapshot.of(self.root.folder)
        return f"{self.root.run('uname', '-m').strip()}, {len(self.bare.paths)} files"

    def previous_version_installs(self) -> str:
        """By apt, from files."""
        self._install(self.previous)
        return self._installed_version()

    def users_and_units_are_there(self) -> str:
        """One user for each daemon, none of whom can log in; their units where systemd looks."""
        table = (self.root / "/etc/passwd").read_text().splitlines()
        shells = {line.split(":")[0]: line.rpartition(":")[2] for line in table}
        for user in USERS:
            if not shells.get(user, "").endswith("nologin"):
                raise Failed(f"{user}: {shells.get(user, 'no such user')}")
        units = sorted(path.name for path in (self.root / "/usr/lib/systemd/system").glob("kaz*"))
        for user in USERS:
            if f"{user}.service" not in units:
                raise Failed(f"no unit of {user} among {units}")
        return ", ".join(units)

    def pin_visit_is_verified(self) -> str:
        """At normal time: nothing is given longer than on a Raspberry Pi."""
        self.root.run("kazashi-simulator", "move-in", "--world", WORLD)
        return self._visit("pin")

    def only_the_group_may_connect(self) -> str:
        """The local socket opens to members of `kazashi`, and to nobody else."""
        nobody = "setpriv --reuid=nobody --regid=nogroup"
        member, stranger = f"{nobody} --groups=kazashi", f"{nobody} --clear-groups"
        self._stood_up(f"{member} kazashi readers && ! {stranger} kazashi readers")
        return "a member was answered, a stranger was not"

    def ledger_is_whole(self) -> str:
        """What the previous version wrote, as its export says it."""
        self.settings = self._settings()
        self.ledger = self._export()
        return f"{len(self.ledger)} rows"

    def upgrade_keeps_everything(self) -> str:
        """The new version takes over settings, keys and every row of the ledger."""
        self._install(self.debs)
        if (now := self._settings()) != self.settings:
            raise Failed(f"settings changed: {[n for n in now if now[n] != self.settings.get(n)]}")
        if self._export() != self.ledger:
            raise Failed("the ledger's rows changed")
        return f"{self._installed_version()}, settings and {len(self.ledger)} rows as before"

    def face_visit_is_verified(self) -> str:
        """With every time limit stretched, as the emulation stretches the work."""
        scale = str(self.time_scale)
        self.root.run("kazashi-simulator", "move-in", "--world", WORLD, "--time-scale", scale)
        return self._visit("face")

    def ledger_has_grown(self) -> str:
        """The new version's rows continue the previous version's."""
        rows = self._export()
        if rows[: len(self.ledger)] != self.ledger or len(rows) <= len(self.ledger):
            raise Failed(f"{len(rows)} rows do not continue {len(self.ledger)}")
        return f"{len(rows)} rows, the first {len(self.ledger)} as before"

    def tests_pass(self) -> str:
        """Some of the ordinary tests, by the installed modules."""
        shutil.copytree(self.build / PYTEST, self.root / "/srv/pytest")
        files = " ".join(f"tests/{name}" for name in TESTS)
        python = f"/usr/lib/{INSTALLED[0]}/bin/python3 -B -m pytest -p no:cacheprovider -q"
        script = f"cd /srv/source && PYTHONPATH=/srv/pytest {python} {files}"
        told = self.root.run("sh", "-c", script)
        return told.strip().splitlines()[-1]

    def removal_keeps_data(self) -> str:
        """`apt remove` takes the programs, and leaves ledger, keys and settings."""
        settings = self._settings()
        self.root.run(*APT, "remove", *INSTALLED)
        programs = list((self.root / "/usr/bin").glob("kazashi*"))
        if programs or self._settings() != settings:
            raise Failed(f"programs {programs}, or the settings changed")
        kept = self.root / f"{STATE}/hostdriver/ledger.sqlite"
        if not kept.is_file():
            raise Failed(f"{kept} is gone")
        return "programs gone, settings and ledger there"

    def purge_leaves_nothing(self) -> str:
        """No file, no user, no group, no unit; and it says what it removes."""
        told = self.root.run(*APT, "purge", *INSTALLED)
        shutil.rmtree(self.root / "/srv/debs")
        assert self.bare is not None
        if left := self.bare.left_by(Snapshot.of(self.root.folder)):
            raise Failed("\n".join(left))
        known = self.root.run("sh", "-c", "dpkg-query -W 'kazashi*' 2>/dev/null || :")
        if known.strip():
            raise Failed(f"dpkg still knows {known}")
        said = [line for line in told.splitlines() if "ledger of visits" in line]
        if not said:
            raise Failed(f"purge does not say what it removes:\n{told}")
        return "no file, user or group is left; it said so of the ledger"

    def packages_are_clean(self) -> str:
        """lintian finds no error in any package of the set."""
        files = sorted(self.debs.glob("*.deb"))
        if not files:
            raise Failed(f"no packages in {self.debs}")
        asked = subprocess.run(
            ["lintian", "--fail-on", "error", "--tag-display-limit", "0", *map(str, files)],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode != 0:
            raise Failed(asked.stdout + asked.stderr)
        warnings = sum(" W: " in f" {line}" for line in asked.stdout.splitlines())
        return f"{len(files)} packages, no errors, {warnings} warnings"

    # --- how
    def _install(self, debs: Path) -> None:
        place = self.root / "/srv/debs"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        files = [shutil.copy(self._deb(debs, package), place) for package in INSTALLED]
        inside = [f"/srv/debs/{Path(file).name}" for file in files]
        # Without a network: all that the packages ask for was there before.
        self.root.run(*APT, "install", "--no-install-recommends", *inside)
        self.root.run("dpkg", "--audit")

    def _deb(self, debs: Path, package: str) -> Path:
        found = [*debs.glob(f"{package}_*_{self.arch}.deb"), *debs.glob(f"{package}_*_all.deb")]
        if len(found) != 1:
            raise Failed(f"{len(found)} packages {package} for {self.arch} in {debs}")
        return found[0]

    def _depends(self, deb: Path) -> str:
        """What it asks for, but our own packages."""
        asked = subprocess.run(
            ["dpkg-deb", "--field", str(deb), "Depends"], capture_output=True, text=True, check=True
        ).stdout
        return ",".join(part for part in asked.strip().split(",") if "kazashi" not in part)

    def _installed_version(self) -> str:
        return self.root.run("dpkg-query", "-W", "-f", "${Package} ${Version}", INSTALLED[0])

    def _settings(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.root / "/etc/kazashi").glob("*")}

    def _stood_up(self, script: str) -> str:
        return self.root.run("python3", "-B", "/srv/stand_up.py", "sh", "-c", script)

    def _visit(self, method: str) -> str:
        self._stood_up(
            f"kazashi-simulator visit --installed --world {WORLD} --patient {PATIENT}"
            f" --method {method} --json >{RESULT}"
        )
        result = json.loads(self._take(RESULT))
        seen = result["outcome"], result["method"], result["eligibility"]["validity"]
        if seen != ("verified", method, "valid") or result["evidence"] is None:
            raise Failed(json.dumps(result, ensure_ascii=False, indent=1))
        return f"verified by {method}, signed by device and card, insured"

    def _export(self) -> list[str]:
        """Rows of the ledger, by a signed export that proved whole: all but its first and last
        line, which say where it begins and who signed it."""
        by_its_owner = "setpriv --reuid=kazashi-hostdriver --regid=kazashi-hostdriver --init-groups"
        self.root.run("sh", "-c", f"{by_its_owner} kazashi ledger export >{ROWS}")
        self.root.run("kazashi", "ledger", "verify", ROWS)
        return self._take(ROWS).splitlines()[1:-1]

    def _take(self, path: str) -> str:
        place = self.root / path
        text = place.read_text(encoding="utf-8")
        place.unlink()
        return text


Check: TypeAlias = Callable[[Installation], str]
CHECKS: Final[tuple[Check, ...]] = (
    Installation.machine_is_bare,
    Installation.previous_version_installs,
    Installation.users_and_units_are_there,
    Installation.pin_visit_is_verified,
    Installation.only_the_group_may_connect,
    Installation.ledger_is_whole,
    Installation.upgrade_keeps_everything,
    Installation.face_visit_is_verified,
    Installation.ledger_has_grown,
    Installation.tests_pass,
    Installation.removal_keeps_data,
    Installation.purge_leaves_nothing,
    Installation.packages_are_clean,
)
