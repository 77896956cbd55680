"""The whole story through each gateway: its adapter and its simulator meet on the wire, in real processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kramik.sandbox.vendors import NAMES

KRAMIK = (sys.executable, "-m", "kramik")


@pytest.mark.parametrize("name", NAMES)
def test_demo(name: str) -> None:
    """`kramik demo --gateway NAME` ends with an open course and one payment through this gateway."""
    shown = subprocess.run(
        [*KRAMIK, "demo", "--gateway", name, "--json"],
        check=True,
        capture_output=True,
        text=True,
        timeout=110,
    )
    order = json.loads(shown.stdout)
    payments = [(each["event"]["gateway"], each["verdict"]) for each in order["payments"]]
    assert ("completed", [(name, "accepted")]) == (order["status"], payments)


@pytest.mark.parametrize("command", ["demo", "serve --sandbox"])
def test_unknown_gateway(command: str) -> None:
    """A gateway that the sandbox does not play is wrong use, and the answer names those that it does."""
    said = _refused(*command.split(), "--gateway", "paypal")
    assert "'paypal' is no gateway of the sandbox; choose sandbox, imoje" in said


def test_gateway_without_a_sandbox() -> None:
    """`--gateway` without `--sandbox` is wrong use: a real gateway stands in the settings."""
    assert "add --sandbox" in _refused("serve", "--gateway", "imoje")


def _refused(*arguments: str) -> str:
    shown = subprocess.run([*KRAMIK, *arguments], check=False, capture_output=True, text=True, timeout=60)
    assert 2 == shown.returncode
    return " ".join(shown.stderr.split())
