"""The rules of the shop's own settings: what works on one machine and not in the cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from kramik.errors import Problem
from kramik.settings import Adapter, Settings

FILE = "shop.toml"
_HERE = re.compile(r"localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1\]?|.*\.local")


def problems(settings: Settings) -> Iterator[Problem]:
    """Yield what keeps this shop from selling on Azure."""
    text = (settings.folder / FILE).read_text("utf-8")
    yield from _addresses(settings, text)
    for name, adapter in _adapters(settings):
        if adapter.kind == "sandbox":
            message = f"[{name}] is the sandbox: nobody pays and nobody learns there; take in a real one"
            yield _at(text, f"[{name}]", "sandbox", message)
            continue
        if adapter.kind == "files" and getattr(adapter.settings, "folder", None):
            message = (
                f"[{name}] folder is on this machine, and Azure has no disk that lasts; name a container"
            )
            yield _at(text, f"[{name}]", "folder", message)
        for field in adapter.settings.__struct_fields__:
            value = getattr(adapter.settings, field)
            if isinstance(value, str) and _is_here(value):
                message = f"[{name}] {field} names this machine, which Azure can not reach"
                yield _at(text, value, "loopback", message)


def _addresses(settings: Settings, text: str) -> Iterator[Problem]:
    for key, url in (("url", settings.site), ("api", settings.api)):
        if key == "api" and settings.api == settings.site:
            continue
        if _is_here(url):
            message = f"[shop] {key} names this machine: buyers and gateways can not reach it; write its public address"
            yield _at(text, f"{key} =", "loopback", message)
        elif urlsplit(url).scheme != "https":
            message = f"[shop] {key} is not https: Azure answers with a redirect, which no gateway follows"
            yield _at(text, f"{key} =", "not_https", message)
    if settings.api == settings.site and not re.search(r"^\s*api\s*=", text, re.MULTILINE):
        message = (
            "[shop] api is missing: on Azure the functions live at an address of their own, such as"
            ' "https://my-shop.azurewebsites.net"; if a proxy joins the two, write the address of url'
        )
        yield _at(text, "[shop]", "api", message)


def _adapters(settings: Settings) -> Iterator[tuple[str, Adapter]]:
    for name, adapter in settings.gateways.items():
        yield f"gateways.{name}", adapter
    yield "mailer", settings.mailer
    yield "academy", settings.academy


def _is_here(value: str) -> bool:
    if not value.startswith(("http://", "https://")):
        return False
    return _HERE.fullmatch(urlsplit(value).hostname or "") is not None


def _at(text: str, needle: str, code: str, message: str) -> Problem:
    lines = text.splitlines()
    number = next((number for number, line in enumerate(lines, 1) if line.lstrip().startswith(needle)), 0)
    number = number or next((number for number, line in enumerate(lines, 1) if needle in line), 1)
    return Problem(field=f"{FILE}:{number}", code=code, message=message)
