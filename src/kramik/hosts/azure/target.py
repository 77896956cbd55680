"""What a package is made for: a version of Python on the Linux of Azure Functions.

Source of the versions: learn.microsoft.com/azure/azure-functions/functions-versions?pivots=programming-language-python.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import msgspec

Version = Literal["3.11", "3.12", "3.13"]
VERSIONS: tuple[Version, ...] = ("3.13", "3.12", "3.11")
"""The newest first. 3.11 is there for machines that have no newer one to try a package with."""

CONSUMPTION: Version = "3.12"
"""The last version on Linux Consumption, which gets no newer ones."""

GLIBC = 28
"""Wheels for glibc 2.28 and older run on every image that Azure Functions has for these versions (Debian 11 and 12)."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A version of Python, and an interpreter of it on this machine, if there is one."""

    version: Version
    interpreter: Path | None = None

    @property
    def digits(self) -> str:
        """Return the version as tags spell it: 313."""
        return self.version.replace(".", "")

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the platform tags of wheels that run there, the newest first."""
        modern = tuple(f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 4, -1))
        return (*modern, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64")

    @property
    def markers(self) -> dict[str, str]:
        """Return the environment in which the markers of requirements are judged."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.version}.0",
            "python_version": self.version,
            "sys_platform": "linux",
        }


def version_on(plan: str, named: Version | None) -> Version:
    """Return the version that was named, or else the newest of the plan."""
    return named or (CONSUMPTION if plan == "consumption" else VERSIONS[0])


def found(version: Version, named: Path | None = None) -> Target:
    """Return the target, with the interpreter that was named, or else the one that lies on the path."""
    own = Path(sys.executable)
    beside = shutil.which(f"python{version}")
    for each in filter(None, (named, own, Path(beside) if beside else None)):
        if _version(each) == version:
            return Target(version=version, interpreter=each)
    return Target(version=version)


def _version(interpreter: Path) -> str:
    """Return the version of an interpreter; nothing if it does not run, as a shim without a version does not."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run(  # noqa: S603 - an interpreter of this machine
            [interpreter, "-I", "-c", script], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return ""
    return asked.stdout.strip()
