"""The storage account: its clients, made when they are first needed, and what its errors mean for us.

The SDKs take most of a second to import, so nothing here is loaded before the first call.
They never repeat a call by themselves: who calls knows what a repeat would do, and the bill counts each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any

from kramik.errors import ConfigurationError, NeedsOperator, Problem, Transient

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.data.tables import TableClient
    from azure.storage.queue import QueueClient

CONNECT, READ = 5, 10
"""Seconds: together less than half of the shortest time for which a message is hidden."""

OPTIONS: dict[str, Any] = {
    "retry_total": 0,
    "connection_timeout": CONNECT,
    "read_timeout": READ,
    "logging_enable": False,
}

DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1"
)
"""Azurite on this machine, as every tool of Azure calls it: `UseDevelopmentStorage=true`. Its key is public.

Source: Azure/Azurite, README.md, "Default storage account" and "Connection strings".
"""

_MEANT = (404, 409, 412)
_FINAL = (400, 413, 415)

_TOLD = re.compile(r'"code":\s*"(\w+)')
_NAME = re.compile(r"[a-z][a-z0-9]{2,30}")


class Account:
    """One storage account, by its connection string, or by its name and the identity that this process has."""

    def __init__(self, connection: str = "", *, name: str = "", prefix: str = "kramik") -> None:
        if not connection and not name:
            message = "name the storage account: AzureWebJobsStorage, or AzureWebJobsStorage__accountName"
            raise ConfigurationError(Problem(field="", code="no_storage", message=message))
        if not _NAME.fullmatch(prefix):
            message = f"{prefix!r} can not begin the names of tables; take 3 to 31 small letters and digits"
            raise ConfigurationError(Problem(field="", code="prefix", message=message))
        self._connection = DEVELOPMENT if connection.strip() == "UseDevelopmentStorage=true" else connection
        self._name = name
        self.prefix = prefix
        self._tables: dict[str, TableClient] = {}
        self._queues: dict[str, QueueClient] = {}
        self._lock = RLock()

    def __repr__(self) -> str:
        return f"Account({self.prefix})"

    def table(self, name: str) -> TableClient:
        """Return the client of a table; nothing is asked yet."""
        with self._lock:
            if name not in self._tables:
                self._tables[name] = self._table(f"{self.prefix}{name}")
            return self._tables[name]

    def queue(self, name: str) -> QueueClient:
        """Return the client of a queue; nothing is asked yet."""
        with self._lock:
            if name not in self._queues:
                self._queues[name] = self._queue(name)
            return self._queues[name]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            clients = (*self._tables.values(), *self._queues.values())
            self._tables, self._queues = {}, {}
        for client in clients:
            client.close()  # type: ignore[attr-defined]  # of two types with nothing declared in common

    def _table(self, name: str) -> TableClient:
        from azure.data.tables import TableClient

        if self._connection:
            with _readable():
                return TableClient.from_connection_string(self._connection, name, **OPTIONS)
        host = f"https://{self._name}.table.core.windows.net"
        return TableClient(host, name, credential=_identity(), **OPTIONS)

    def _queue(self, name: str) -> QueueClient:
        from azure.storage.queue import QueueClient, TextBase64EncodePolicy

        # The Functions host writes and reads base64; the SDK writes plain text unless it is told. What comes back is
        # decoded by `queue.py`: the SDK would raise on a message of somebody else, and never tell which one it was.
        coding: dict[str, Any] = {"message_encode_policy": TextBase64EncodePolicy()}
        if self._connection:
            with _readable():
                return QueueClient.from_connection_string(self._connection, name, **coding, **OPTIONS)
        host = f"https://{self._name}.queue.core.windows.net"
        return QueueClient(host, name, credential=_identity(), **coding, **OPTIONS)


@contextmanager
def decided(what: str, make: Callable[[], object] | None = None) -> Iterator[None]:
    """Turn what the SDK raises into a decision; what is not there yet is made for whoever tries again.

    Raises:
        Transient: the storage can not be reached, is busy, or refuses us.
        NeedsOperator: it does not understand us.
    """
    from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

    try:
        yield
    except ResourceNotFoundError as error:
        code = _code(error)
        if make is not None and code in ("TableNotFound", "QueueNotFound"):
            make()
            raise NotMadeError(f"{what}: it was made just now") from None
        raise
    except HttpResponseError as error:
        if error.status_code in _MEANT or _code(error) == "PopReceiptMismatch":
            raise
        told = f"{what}: the storage answered {error.status_code} {_code(error)}".strip()
        if error.status_code in _FINAL:
            raise NeedsOperator(f"{told}; no repeat helps, look for a newer version of kramik") from None
        raise Transient(told) from None
    except AzureError as error:
        raise Transient(f"{what}: the storage can not be reached ({type(error).__name__})") from None


class NotMadeError(Transient):
    """The table or queue was missing and is there now: try again at once."""


def _code(error: HttpResponseError) -> str:
    """Return Azure's own name of an error: the SDKs give it as text, as an enumeration, or leave it in the answer."""
    code = getattr(error, "error_code", None)
    if code is None and (told := _TOLD.search(str(error))):
        return told[1]
    return str(getattr(code, "value", code) or "")


@contextmanager
def _readable() -> Iterator[None]:
    """Say that a connection string is none, without showing it."""
    try:
        yield
    except (ValueError, KeyError):
        message = "this is no connection string of a storage account; copy it from its access keys"
        raise ConfigurationError(
            Problem(field="AzureWebJobsStorage", code="connection", message=message)
        ) from None


def _identity() -> TokenCredential:
    """Return the identity that Azure gives to this process."""
    try:
        identity = import_module("azure.identity")
    except ImportError:
        message = 'an identity needs the extra "identity"; pip install "kramik[identity]", or give a connection string'
        raise ConfigurationError(Problem(field="", code="missing_extra", message=message)) from None
    credential: TokenCredential = identity.DefaultAzureCredential()
    return credential
