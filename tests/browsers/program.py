"""A program of the machine that runs as long as a test needs it, and not longer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(
    command: Sequence[str],
    home: Path,
    *,
    inherited: int | None = None,
    known: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a program that finds nothing of this user's; it ends with the block, or with us if we are killed."""
    assert shutil.which(command[0]), f"{command[0]} is not installed; run: make machine"
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home), **(known or {})}
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=() if inherited is None else (inherited,),
        env=environ,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
