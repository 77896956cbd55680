"""How long a package takes to be imported, in fresh processes of the target's Python."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

import msgspec

from kramik.hosts.azure.package import SITE_PACKAGES
from kramik.hosts.azure.target import Target

ROUNDS = 5
PATIENCE = 60.0
SCRIPTS = ("pass", "import azure.functions", "import function_app")


class ColdStart(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of fresh processes, in milliseconds: an empty one, one with Azure's library, and one with the app."""

    empty: float
    bare: float
    app: float


def measured(zipped: Path, target: Target) -> ColdStart | None:
    """Import the package again and again; nothing if there is no interpreter of the target here.

    Raises:
        CalledProcessError: the package can not be imported.
    """
    if target.interpreter is None:
        return None
    with tempfile.TemporaryDirectory(prefix="kramik-package-") as folder:
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(folder)
        rounds = [_round(target.interpreter, Path(folder)) for _ in range(ROUNDS + 1)]
    # The first round reads the files from the disk, and would be unfair to what comes first in it.
    empty, bare, app = (round(1000 * statistics.median(times), 1) for times in zip(*rounds[1:], strict=True))
    return ColdStart(empty=empty, bare=bare, app=app)


def _round(interpreter: Path, root: Path) -> tuple[float, ...]:
    return tuple(_once(interpreter, root, script) for script in SCRIPTS)


def _once(interpreter: Path, root: Path, script: str) -> float:
    """Return the seconds of one process, which reads the package and nothing else."""
    start = time.perf_counter()
    environ = {
        "PYTHONPATH": os.pathsep.join([str(root), str(root / SITE_PACKAGES)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run(  # noqa: S603 - an interpreter of this machine
        [interpreter, "-s", "-S", "-c", script],
        env=environ,
        cwd=root,
        check=True,
        timeout=PATIENCE,
        capture_output=True,
    )
    return time.perf_counter() - start
