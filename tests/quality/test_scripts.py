"""The scripts as they are sent: what terser makes of the sources that people read, and nothing else.

After a change of a script, `KRAMIK_APPROVE=1 make test ARGS=tests/quality/test_scripts.py` writes it anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kramik.site.theme import HERE, Theme
from tests.quality import tools
from tests.site.world import example

SOURCES = sorted((HERE / "assets").glob("*.js"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: file.name)
def test_what_is_sent_is_made_of_what_is_read(source: Path) -> None:
    """Each script is sent as terser makes it today: short names, no remarks, the same work."""
    made, sent = tools.terser(source), HERE / "assets" / "small" / source.name
    if os.environ.get("KRAMIK_APPROVE"):
        sent.write_text(made, "utf-8")

    assert made == sent.read_text("utf-8")


def test_nothing_else_lies_there() -> None:
    """A script that was given up leaves nothing behind."""
    assert SOURCES == sorted(HERE / "assets" / file.name for file in (HERE / "assets" / "small").iterdir())


def test_only_our_own_scripts_are_made_small(tmp_path: Path) -> None:
    """A copy that the shop did not change is still ours; one that it changed is sent byte for byte."""
    own = b"// mine\n  say(`a\n  b`);\n"
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "thanks.js").write_bytes(own)
    (tmp_path / "assets" / "payment.js").write_bytes((HERE / "assets" / "payment.js").read_bytes())
    assets = {name: each.content for name, each in Theme(example(), tmp_path).assets.items()}

    assert own == assets["thanks.js"]
    assert (HERE / "assets" / "small" / "payment.js").read_bytes() == assets["payment.js"]
