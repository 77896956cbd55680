"""How soon `kramik serve` gives its first answer, against the bare import of the web stack below it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from bench import servers, stock
from bench.figures import Chapter, Figure, middle

STACK = "import starlette.applications, starlette.routing, starlette.staticfiles, uvicorn, uvloop, httptools"
STACK_MORE = f"{STACK}, uvicorn.protocols.http.httptools_impl, uvicorn.lifespan.on, apsw, msgspec"


def startup(scratch: Path, *, rounds: int) -> Chapter:
    """Measure fresh processes, in turns."""
    scratch.mkdir()
    shop, data = stock.shop_folder(scratch / "shop"), scratch / "data"
    first = _first_answer(shop, data)
    empty, bare, more, serve = [], [], [], []
    for _ in range(rounds):
        empty.append(_run("pass"))
        bare.append(_run(STACK))
        more.append(_run(STACK_MORE))
        serve.append(_first_answer(shop, data))
    stack = middle(bare)
    figures = [
        Figure(what="Python alone", figure=_ms(middle(empty))),
        Figure(what="bare import of Starlette, uvicorn, uvloop, httptools", figure=_ms(stack)),
        Figure(
            what="the same with the protocol, apsw and msgspec",
            figure=_ms(middle(more)),
            ratio=middle(more) / stack,
        ),
        Figure(
            what="`kramik serve` to its first answer",
            figure=_ms(middle(serve)),
            ratio=middle(serve) / stack,
            target=3,
            better="less",
        ),
        Figure(
            what="the very first start, which makes site and store", figure=_ms(first), ratio=first / stack
        ),
    ]
    how = f"From the start of a fresh process, median of {rounds} in turns; the first answer is that of `/healthz`."
    return Chapter(title="From start to first answer", how=how, figures=figures)


def _run(code: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


def _first_answer(shop: Path, data: Path) -> float:
    environment = {**os.environ, **stock.ENVIRONMENT}
    command = servers.serve_command(shop, data)
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            url = servers.said(process.stdout.readline())
            with urlopen(f"{url}/healthz", timeout=10) as answer:
                assert answer.status == 200, answer.status
            return time.perf_counter() - begun
        finally:
            process.terminate()
            process.wait(30)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
