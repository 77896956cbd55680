"""The whole story through each mailing tool and each academy, in real processes: adapter and simulator meet."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kramik.sandbox import academies, mailers

KRAMIK = (sys.executable, "-m", "kramik")


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--mailer", "sandbox"),
        *(("--mailer", name) for name in mailers.NAMES),
        *(("--academy", name) for name in academies.NAMES),
    ],
)
def test_demo(option: str, name: str) -> None:
    """`kramik demo --mailer NAME` and `--academy NAME` end with an open course, and every step has its receipt."""
    shown = subprocess.run(
        [*KRAMIK, "demo", option, name, "--json"], check=True, capture_output=True, text=True, timeout=110
    )
    order = json.loads(shown.stdout)
    assert "completed" == order["status"]
    assert [] == [step["name"] for step in order["steps"] if not step["receipt"]]


@pytest.mark.parametrize("command", ["demo", "serve --sandbox"])
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--mailer", "'nobody' is no mailing tool of the sandbox; choose sandbox"),
        ("--academy", "'nobody' is no academy of the sandbox; choose sandbox"),
    ],
)
def test_unknown_vendor(command: str, option: str, said: str) -> None:
    """A vendor that the sandbox does not play is wrong use, and the answer names those that it does."""
    assert said in _refused(*command.split(), option, "nobody")


@pytest.mark.parametrize("option", ["--mailer", "--academy"])
def test_vendor_without_a_sandbox(option: str) -> None:
    """Without `--sandbox` nothing is played: a real vendor stands in the settings."""
    assert "add --sandbox" in _refused("serve", option, "sandbox")


def _refused(*arguments: str) -> str:
    shown = subprocess.run([*KRAMIK, *arguments], check=False, capture_output=True, text=True, timeout=60)
    assert 2 == shown.returncode
    return " ".join(shown.stderr.split())
