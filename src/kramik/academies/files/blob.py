"""Course files in an Azure Blob container: listed with our key, fetched by the buyer through links that end soon.

No byte of a file passes through here, so a function that runs for milliseconds can serve hours of video.
Source: https://learn.microsoft.com/rest/api/storageservices/create-service-sas, made by azure-storage-blob.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from kramik.academies.files.disk import counted
from kramik.errors import ConfigurationError, NeedsOperator, Problem, Transient
from kramik.ports import CourseFile

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

SKEW = timedelta(minutes=5)
"""How far the clock of this machine may be ahead of the vendor's."""


REFUSED = (400, 401, 403, 404)
"""Statuses that no second try changes."""


class Blobs:
    """One container, in which a course is everything below its name."""

    def __init__(
        self, account: str, key: str, container: str, *, hours: float, call_seconds: float, base_url: str = ""
    ) -> None:
        self._account, self._key, self._container = account, key, container
        self._lasts, self._seconds = timedelta(hours=hours), call_seconds
        self._base = base_url.rstrip("/") or f"https://{account}.blob.core.windows.net"
        self._client: ContainerClient | None = None

    def __repr__(self) -> str:
        return f"Blobs({self._account!r}, {self._container!r})"

    def items(self, course: str) -> Sequence[CourseFile]:
        """Return the files of a course.

        Raises:
            Transient: the container can not be listed now.
            NeedsOperator: it can not be listed with these settings.
        """
        prefix = f"{course}/"
        found = [
            CourseFile(path=name.removeprefix(prefix), size=size, changed=changed)
            for name, size, changed in self._listed(prefix)
        ]
        shown = [each for each in found if not any(part.startswith(".") for part in each.path.split("/"))]
        return sorted(shown, key=lambda each: counted(each.path))

    def fetch(self, course: str, path: str) -> str | None:
        """Return the address of a link to one file that ends soon; whether there is one, the container says."""
        if not all(part and not part.startswith(".") for part in (course, *path.split("/"))) or "/" in course:
            return None
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas  # noqa: PLC0415 - an extra

        now, name = datetime.now(UTC), f"{course}/{path}"
        signed = generate_blob_sas(
            self._account,
            self._container,
            name,
            account_key=self._key,
            permission=BlobSasPermissions(read=True),
            start=now - SKEW,
            expiry=now + self._lasts,
            protocol="https" if self._base.startswith("https:") else None,
        )
        return f"{self._base}/{self._container}/{quote(name)}?{signed}"

    def _listed(self, prefix: str) -> list[tuple[str, int, datetime]]:
        from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 - an extra

        try:
            found = self._open().list_blobs(name_starts_with=prefix, timeout=max(1, int(self._seconds)))
            return [(str(each.name), int(each.size or 0), each.last_modified) for each in found]
        except HttpResponseError as error:
            if error.status_code in REFUSED:
                what = f"Azure Blob refused the list with {error.status_code}"
                raise NeedsOperator(
                    f"{what}; check account, account_key and container in shop.toml"
                ) from None
            raise Transient(f"Azure Blob can not be listed: answered {error.status_code}") from None
        except AzureError as error:
            raise Transient(f"Azure Blob can not be listed: {type(error).__name__}") from None

    def _open(self) -> ContainerClient:
        if self._client is None:
            try:
                from azure.storage.blob import ContainerClient  # noqa: PLC0415 - an extra
            except ImportError:
                message = 'needs the extra "azure"; install it with: pip install "kramik[azure]"'
                raise ConfigurationError(
                    Problem(field="account", code="missing_extra", message=message)
                ) from None
            self._client = ContainerClient(
                self._base,
                self._container,
                credential={"account_name": self._account, "account_key": self._key},
                connection_timeout=self._seconds,
                read_timeout=self._seconds,
                retry_total=0,
            )
        return self._client
