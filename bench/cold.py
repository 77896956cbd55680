"""A cold start on Azure: fresh processes that import the function app, against the bare import of Azure's library."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from secrets import token_hex

from bench import stock
from bench.figures import Chapter, Figure, middle
from kramik.hosts.azure.package import FUNCTION_APP
from tests.azurite.storage import Azurite

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
ORDERED = """
import os
from pathlib import Path
import function_app
from kramik import wiring
from kramik.answer import Request
from kramik.hosts.opened import Opened
opened = Opened(lambda: wiring.read(Path("shop"), os.environ), os.environ)
body, headers = os.environ["FORM"].encode(), {"content-type": "application/x-www-form-urlencoded"}
answer, _ = opened.answer(Request(method="POST", path="/api/orders", headers=headers, body=body))
assert answer.status == 303, answer
"""


def cold(scratch: Path, *, rounds: int) -> Chapter:
    """Measure fresh processes, in turns."""
    scratch.mkdir()
    stock.shop_folder(scratch / "shop")
    (scratch / "function_app.py").write_text(FUNCTION_APP, "utf-8")
    times: dict[str, list[float]] = {code: [] for code in ("pass", LIBRARY, APP, NOTIFIED, ORDERED)}
    (scratch / "azurite").mkdir()
    azurite = Azurite(scratch / "azurite")
    azurite.start()
    try:
        for code in times:
            _run(scratch, code, azurite)  # with the bytecode that a package brings
        for _ in range(rounds):
            for code, taken in times.items():
                taken.append(_run(scratch, code, azurite))
    finally:
        azurite.end()
    bare = middle(times[LIBRARY])
    rows = (
        ("the function app, listed", APP),
        ("the same until a notification is answered", NOTIFIED),
        ("the same until a first order is stored, with no warm-up request before it", ORDERED),
    )
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
    how = f"Fresh processes from start to end, with bytecode, median of {rounds} in turns; the storage is Azurite."
    return Chapter(title="A cold start on Azure", how=how, figures=figures)


def _run(scratch: Path, code: str, azurite: Azurite) -> float:
    request = next(stock.order_requests(iter([token_hex(16)])))
    environ = {
        **os.environ,
        **stock.ENVIRONMENT,
        "AzureWebJobsStorage": azurite.connection,
        "PYTHONPATH": str(scratch),
        "FORM": request.partition(b"\r\n\r\n")[2].decode(),
    }
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environ, cwd=scratch)
    return time.perf_counter() - begun


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
