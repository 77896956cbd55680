"""The package: everything that the function app needs on Azure, as one zip that is equal whenever its parts are.

The shop's files, `function_app.py`, `host.json`, kramik and its dependencies for the target, and their bytecode.
No secret gets into it: not from `.env`, not from the environment, not from a file of the shop.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from kramik.config import environment
from kramik.errors import ConfigurationError
from kramik.hosts.azure import bytecode, hostfile, own, requirements, wheels
from kramik.hosts.azure.archive import archive
from kramik.hosts.azure.leak import leaks
from kramik.hosts.azure.target import Target

LIMIT = 15 * 1024 * 1024
"""Bytes that a package may have; a larger one is loaded noticeably longer at a cold start."""

SITE_PACKAGES = ".python_packages/lib/site-packages"
"""Where Azure's Python worker looks for dependencies.

Source: Azure/azure-functions-python-worker, python/prodV4/worker.py.
"""

SHOP = "shop"

BLOB_ACADEMIES = ("files",)
"""Academies that keep course files in blobs."""

FUNCTION_APP = """\
from pathlib import Path
from kramik.hosts.functions import function_app
app = function_app(Path(__file__).parent / "shop")
"""

_SHOP_FILES = ("shop.toml", "products/*.md", "pages/*.md", "templates/**/*.html", "templates/**/*.txt")
_REFERENCE = re.compile(rb"env:([A-Za-z_][A-Za-z0-9_]*)")


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A zip, and what is in it."""

    content: bytes
    files: int
    unpacked: int
    distributions: list[str]
    sources: int
    compiled: int
    python: str
    interpreter: str


def package(folder: Path, target: Target, secrets: Mapping[str, str], root: str = own.ROOT) -> Package:
    """Return the package of the shop in this folder.

    `secrets` are the values that may not be in it, by name; `root` is the module that the app begins with.

    Raises:
        ConfigurationError: a file holds a secret, or a dependency has no wheel for the target.
    """
    ours = shop_files(folder)
    problems = tuple(leaks(ours, secrets))
    if problems:
        raise ConfigurationError(*problems)
    carried = wheels.loaded(_required(ours, target), target)
    files = {f"{SHOP}/{name}": content for name, content in ours.items()}
    files |= {f"{SITE_PACKAGES}/{name}": content for name, content in {**carried, **own.files(root)}.items()}
    files |= {"function_app.py": FUNCTION_APP.encode(), "host.json": hostfile.text().encode()}
    made = bytecode.compiled(files, target)
    content = archive({**files, **made})
    return Package(
        content=content,
        files=len(files) + len(made),
        unpacked=sum(map(len, (*files.values(), *made.values()))),
        distributions=sorted(wheels.distributions(carried)),
        sources=sum(name.endswith(".py") for name in files),
        compiled=len(made),
        python=target.version,
        interpreter=str(target.interpreter or ""),
    )


def _required(ours: Mapping[str, bytes], target: Target) -> list[str]:
    """Return what this shop needs; a client of Azure that only some academies use stays away from the others."""
    chosen = requirements.chosen(requirements.text(), target.markers)
    academy = tomllib.loads(ours.get("shop.toml", b"").decode()).get("academy", {})
    if academy.get("kind") in BLOB_ACADEMIES:
        return chosen
    return [line for line in chosen if not line.startswith("azure-storage-blob==")]


def shop_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a shop that its functions read, by their path in its folder."""
    found = {path for pattern in _SHOP_FILES for path in folder.glob(pattern) if path.is_file()}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}


def secret_names(settings: bytes) -> list[str]:
    """Return the names that `shop.toml` reads from the environment, each once, in the order of the file."""
    lines = (line.partition(b"#")[0] for line in settings.splitlines())
    names = (name.decode() for line in lines for name in _REFERENCE.findall(line))
    return list(dict.fromkeys(names))


def named_secrets(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of a shop that this machine knows: all of `.env`, and what its settings read.

    Names in comments count too: a table that is taken out today is taken in again tomorrow.
    """
    settings = (folder / "shop.toml").read_bytes()
    own = environment(folder, {})
    names = [*own, *(name.decode() for name in _REFERENCE.findall(settings))]
    return {name: value for name in names for value in (environ.get(name), own.get(name)) if value}
