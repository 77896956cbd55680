"""What one order does on Azure, as it was counted between the function app and its storage.

`measured.json` is written by the test that counts; the bill multiplies it.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec

FILE = "measured.json"


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Executions and storage operations of one thing that happens, and the bytes that it leaves behind."""

    http: float = 0.0
    work: float = 0.0
    queue: float = 0.0
    table: float = 0.0
    blob_other: float = 0.0
    blob_write: float = 0.0
    stored_bytes: float = 0.0
    logged_bytes: float = 0.0


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order from the form to its completion, one look at its status, one click on its access link."""

    how: str
    order: Counted
    status: Counted
    access: Counted


def read() -> Measured:
    """Return what was measured."""
    return msgspec.json.decode(files("kramik.hosts.azure").joinpath(FILE).read_bytes(), type=Measured)
