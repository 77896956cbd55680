"""Bytecode for the target: made by an interpreter of that version, never checked against the source on Azure.

A package is mounted read-only, so what is not compiled here is compiled anew at every cold start.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kramik.hosts.azure.target import Target

WWWROOT = "/home/site/wwwroot"
"""Where a package lies on Azure; tracebacks name files below it."""

PATIENCE = 300.0

_SCRIPT = """
import importlib.util, json, py_compile, sys
from pathlib import Path
root, mode = Path(sys.argv[1]), py_compile.PycInvalidationMode.UNCHECKED_HASH
for name in json.load(sys.stdin):
    made = importlib.util.cache_from_source(str(root / name))
    try:
        py_compile.compile(str(root / name), made, sys.argv[2] + "/" + name, True, invalidation_mode=mode)
    except py_compile.PyCompileError:
        continue
"""


def compiled(files: Mapping[str, bytes], target: Target) -> dict[str, bytes]:
    """Return the bytecode of every source that compiles; nothing if there is no interpreter of the target."""
    if target.interpreter is None:
        return {}
    sources = sorted(name for name in files if name.endswith(".py"))
    with tempfile.TemporaryDirectory(prefix="kramik-bytecode-") as folder:
        root = Path(folder)
        written(root, {name: files[name] for name in sources})
        # The order and the hashes of strings decide about bytes; both are held so that equal sources give equal files.
        environ = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", "")}
        subprocess.run(  # noqa: S603 - an interpreter of this machine
            [target.interpreter, "-s", "-S", "-B", "-c", _SCRIPT, folder, WWWROOT],
            input=json.dumps(sources),
            env=environ,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        made = sorted(root.rglob("*.pyc"))
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in made}


def written(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
