"""The machine that the figures belong to, and how busy it was."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

import apsw

PACKAGES = ("uvicorn", "uvloop", "httptools", "starlette", "msgspec", "apsw")


def machine(folder: Path) -> list[str]:
    """Describe processor, memory, file system, versions and settings, a line each."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    processor = _found("/proc/cpuinfo", r"model name\s*: (.+)")
    memory = int(_found("/proc/meminfo", r"MemTotal:\s*(\d+)")) / 1024**2
    kernel = platform.release().split("-")[0]
    return [
        f"{os.cpu_count()} processors ({processor}), {memory:.0f} GiB, Linux {kernel}, data on {_file_system(folder)}",
        f"Python {platform.python_version()}, {packages}, SQLite {apsw.sqlite_lib_version()}",
        "SQLite: WAL, synchronous=FULL, one writer thread that commits in groups; an answer is given after its commit",
    ]


def load() -> str:
    """Return the load average of the last 1, 5 and 15 minutes."""
    return ", ".join(f"{each:.1f}" for each in os.getloadavg())


def _found(file: str, pattern: str) -> str:
    found = re.search(pattern, Path(file).read_text("utf-8"))
    return found[1].strip() if found else "0"


def _file_system(folder: Path) -> str:
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    over = [(len(place), kind) for place, kind in mounts if folder.resolve().is_relative_to(place)]
    return max(over)[1]
