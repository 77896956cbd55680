"""The academy that is a folder of files has no vendor: the shop serves it itself, and there is nothing to play here.

What the demo needs is a folder with the courses of the example shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.routing import BaseRoute

from kramik.sandbox.stage import Stage

DEMO: dict[str, object] = {"folder": str(Path(__file__).parents[1] / "courses")}


def routes(stage: Stage) -> Sequence[BaseRoute]:  # noqa: ARG001 - the signature of every vendor
    """Return none."""
    return ()
