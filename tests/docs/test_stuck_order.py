"""The walk-through of a stuck order does what its page says."""

from __future__ import annotations

from pathlib import Path

from tests.docs.walk import Terminal, commands, stable
from tests.hosts.port import free_port

PAGE = Path(__file__).parents[2] / "docs" / "a-stuck-order.md"


def real_ports() -> dict[str, str]:
    """Return what stands in the page, and the ports that are free here."""
    shop, world = free_port(), free_port()
    return {
        "serve --sandbox": f"serve --sandbox --port {shop} --sandbox-port {world}",
        "127.0.0.1:8000": f"127.0.0.1:{shop}",
        "127.0.0.1:8787": f"127.0.0.1:{world}",
    }


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    """From the refusal to the mail: all commands, in order, with their output but for ids, moments and ports."""
    with Terminal(tmp_path, real_ports()) as terminal:
        seen = [
            (said.command, stable(said.output), stable(terminal.run(said)))
            for said in commands(PAGE.read_text("utf-8"))
        ]
    assert 15 <= len(seen)
    assert [(command, output) for command, output, _ in seen] == [
        (command, output) for command, _, output in seen
    ]
