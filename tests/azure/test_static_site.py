"""The static web app sends the same headers as every other host of the site."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from kramik.hosts.cli import main, new


def test_a_static_web_app_sends_the_headers_of_the_site(tmp_path: Path) -> None:
    """On all pages; the thank-you page says nothing about where it was, and assets stay in the cache."""
    new.make(tmp_path / "shop")
    out = tmp_path / "public"
    assert (
        0
        == CliRunner().invoke(main, ["build", "--shop", str(tmp_path / "shop"), "--out", str(out)]).exit_code
    )
    config = json.loads((out / "staticwebapp.config.json").read_text("utf-8"))
    elsewhere = (out / "_headers").read_text("utf-8")
    for name, value in config["globalHeaders"].items():
        assert f"  {name}: {value}\n" in elsewhere
    routes = {each["route"]: each["headers"] for each in config["routes"]}
    assert {"Referrer-Policy": "no-referrer"} == routes["/thanks/*"] == routes["/en/thanks/*"]
    assert "immutable" in routes["/assets/*"]["Cache-Control"]
    assert (out / config["responseOverrides"]["404"]["rewrite"].lstrip("/")).is_file()
