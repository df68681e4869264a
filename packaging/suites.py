"""Which releases of Debian and which machines there are packages for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    """One release, and the Python that it ships."""

    name: str
    debian: int
    python: tuple[int, int]
    pcsc_access: str = ""
    """What a service needs installed before PC/SC's daemon lets it in."""

    @property
    def python_version(self) -> str:
        return "{}.{}".format(*self.python)

    @property
    def python_dependency(self) -> str:
        """Extension modules are built for this Python, and for no other."""
        major, minor = self.python
        return f"python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})"


SUITES = {
    suite.name: suite
    for suite in (
        Suite("bookworm", debian=12, python=(3, 11)),
        Suite("trixie", debian=13, python=(3, 13), pcsc_access="polkitd"),
    )
}

# Debian's name of a machine → the platform that its wheels are tagged with.
PLATFORMS = {
    "amd64": "x86_64-manylinux_2_28",
    "arm64": "aarch64-manylinux_2_28",
}
