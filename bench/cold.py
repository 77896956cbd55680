"""A cold start on Azure: fresh processes that import the function app, against the bare import of Azure's library."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bench import stock
from bench.figures import Chapter, Figure, middle
from kramik.hosts.azure.package import FUNCTION_APP

LIBRARY = "import azure.functions"
APP = "import function_app"
NOTIFIED = """
import json, os
from pathlib import Path
import function_app
from kramik import wiring
from kramik.answer import Request
from kramik.hosts.opened import Opened
from kramik.payment import sign
opened = Opened(lambda: wiring.read(Path("shop"), os.environ), os.environ)
said = {"id": "t", "kind": "paid", "order": "x", "shop_id": "akademia", "amount": 29900, "currency": "PLN"}
body = json.dumps(said).encode()
signature = sign(os.environ["SANDBOX_GATEWAY_KEY"].encode(), body).hex()
headers = {"x-sandbox-signature": signature}
answer, messages = opened.answer(Request(method="POST", path="/api/payments/sandbox", headers=headers, body=body))
assert (answer.status, len(messages)) == (200, 1), answer
"""


def cold(scratch: Path, *, rounds: int) -> Chapter:
    """Measure fresh processes, in turns."""
    scratch.mkdir()
    stock.shop_folder(scratch / "shop")
    (scratch / "function_app.py").write_text(FUNCTION_APP, "utf-8")
    times: dict[str, list[float]] = {code: [] for code in ("pass", LIBRARY, APP, NOTIFIED)}
    for code in times:
        _run(scratch, code)  # with the bytecode that a package brings
    for _ in range(rounds):
        for code, taken in times.items():
            taken.append(_run(scratch, code))
    bare = middle(times[LIBRARY])
    rows = (("the function app, listed", APP), ("the same until a notification is answered", NOTIFIED))
    figures = [
        Figure(what="Python alone", figure=_ms(middle(times["pass"]))),
        Figure(what="bare `import azure.functions`", figure=_ms(bare)),
        *(
            Figure(
                what=what,
                figure=_ms(middle(times[code])),
                ratio=middle(times[code]) / bare,
                target=1.6,
                better="less",
            )
            for what, code in rows
        ),
    ]
    how = f"From the start of a fresh process to its end, with bytecode, median of {rounds} in turns."
    return Chapter(title="A cold start on Azure", how=how, figures=figures)


def _run(scratch: Path, code: str) -> float:
    environ = {
        **os.environ,
        **stock.ENVIRONMENT,
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "PYTHONPATH": str(scratch),
    }
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environ, cwd=scratch)
    return time.perf_counter() - begun


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
