"""The rows of one table, each changed by compare-and-set over its ETag; the table is made when it is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kramik.errors import Conflict
from kramik.stores.azure.account import Account, NotMadeError, decided
from kramik.stores.azure.row import Row

if TYPE_CHECKING:
    from azure.data.tables import TableClient

Result = TypeVar("Result")


class Found(NamedTuple):
    """A row as it was read, and its ETag."""

    columns: Mapping[str, object]
    tag: str


class Rows:
    """The rows of one table; each method is one transaction, `find` one for each 1,000 rows."""

    def __init__(self, account: Account, name: str) -> None:
        self._account, self._name = account, name

    def insert(self, row: Row) -> str:
        """Write a new row; return its ETag.

        Raises:
            Conflict: there is one with these keys.
        """
        from azure.core.exceptions import ResourceExistsError

        try:
            return str(self._do(lambda table: table.create_entity(row))["etag"])
        except ResourceExistsError:
            raise Conflict(f"a row {row['RowKey']!r} is there") from None

    def put(self, row: Row) -> None:
        """Write a row, whatever is there."""
        self._do(lambda table: table.upsert_entity(row))

    def get(self, keys: Mapping[str, object]) -> Found | None:
        """Read a row."""
        from azure.core.exceptions import ResourceNotFoundError

        partition, name = str(keys["PartitionKey"]), str(keys["RowKey"])
        try:
            row = self._do(lambda table: table.get_entity(partition, name))
        except ResourceNotFoundError:
            return None
        return Found(row, str(row.metadata["etag"]))

    def replace(self, row: Row, tag: str) -> str:
        """Write a row if nobody wrote it since; return its new ETag.

        Raises:
            Conflict: somebody did, or removed it.
        """
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
        from azure.data.tables import UpdateMode

        def write(table: TableClient) -> Mapping[str, object]:
            only = MatchConditions.IfNotModified
            return table.update_entity(row, mode=UpdateMode.REPLACE, etag=tag, match_condition=only)

        try:
            return str(self._do(write)["etag"])
        except (ResourceModifiedError, ResourceNotFoundError):
            raise Conflict(f"the row {row['RowKey']!r} was written by somebody else") from None

    def remove(self, keys: Mapping[str, object], tag: str) -> bool:
        """Remove a row if nobody wrote it since; say whether it was removed."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        def delete(table: TableClient) -> None:
            table.delete_entity(dict(keys), etag=tag, match_condition=MatchConditions.IfNotModified)

        try:
            self._do(delete)
        except (ResourceModifiedError, ResourceNotFoundError):
            return False
        return True

    def find(
        self, question: str, values: Mapping[str, object], columns: Sequence[str] = ()
    ) -> list[Mapping[str, object]]:
        """Return what fits, of each row these columns; all of them if none is named."""
        chosen = list(columns) or None
        return self._do(
            lambda table: list(table.query_entities(question, parameters=dict(values), select=chosen))
        )

    def _do(self, work: Callable[[TableClient], Result]) -> Result:
        for _ in range(2):
            table = self._account.table(self._name)
            try:
                with decided(self._name, lambda: _make(table)):  # noqa: B023 - called at once
                    return work(table)
            except NotMadeError:
                continue
        raise NotMadeError(f"the table {self._name} was made and is not there (yet)")


def _make(table: TableClient) -> None:
    from azure.core.exceptions import ResourceExistsError

    try:
        table.create_table()
    except ResourceExistsError:
        return  # somebody else was faster
