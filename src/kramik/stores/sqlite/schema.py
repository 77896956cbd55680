"""The tables, and how a file of an older kramik becomes one of this.

A file carries its version in `user_version`; version n is what the first n steps make of an empty file.
A step is never edited once it was released: the next one is appended.
Each step is one transaction, so a kill leaves the file at the version before or behind it, never between.
"""

from __future__ import annotations

import apsw

from kramik.errors import ConfigurationError, Problem

APPLICATION = 0x6B726D6B
"""`krmk`: tells our files from those of other programs."""

STEPS = (
    """
    CREATE TABLE orders (
        id TEXT NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        state TEXT NOT NULL,
        email TEXT NOT NULL,
        product TEXT NOT NULL,
        created INTEGER NOT NULL,
        due INTEGER,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX orders_created ON orders (created, id);
    CREATE INDEX orders_email ON orders (email, created, id);
    CREATE INDEX orders_product ON orders (product, created, id);
    CREATE INDEX orders_state ON orders (state, created, id);
    CREATE INDEX orders_product_state ON orders (product, state, created, id);
    CREATE INDEX orders_due ON orders (due) WHERE due IS NOT NULL;

    CREATE TABLE queue (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        visible INTEGER NOT NULL,
        receipt TEXT,
        deliveries INTEGER NOT NULL DEFAULT 0,
        order_id TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX queue_visible ON queue (visible);

    CREATE TABLE poison (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        why TEXT NOT NULL,
        deliveries INTEGER NOT NULL,
        order_id TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX poison_at ON poison (at);
    CREATE INDEX poison_order ON poison (order_id, at);

    CREATE TABLE pulse (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        beats INTEGER NOT NULL
    ) STRICT;
    INSERT INTO pulse (one, beats) VALUES (1, 0);
    """,
    """
    ALTER TABLE orders ADD COLUMN payment TEXT;
    UPDATE orders SET payment = (
        SELECT json_extract(each.value, '$.event.reference')
        FROM json_each(CAST(orders.body AS TEXT), '$.payments') AS each
        WHERE json_extract(each.value, '$.verdict') = 'accepted'
    );
    CREATE INDEX orders_payment ON orders (payment) WHERE payment IS NOT NULL;
    """,
    """
    CREATE TABLE vault (
        name TEXT NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        value TEXT NOT NULL
    ) STRICT;
    """,
)


def migrate(connection: apsw.Connection, steps: tuple[str, ...] = STEPS) -> None:
    """Bring the file to the newest version; several processes may try at once.

    Raises:
        ConfigurationError: the file belongs to another program or to a newer kramik.
    """
    _refuse_strangers(connection)
    while _version(connection) < len(steps):
        _step(connection, steps)
    if (version := _version(connection)) > len(steps):
        message = f"the file has version {version}, this kramik knows {len(steps)}; install a newer kramik"
        raise ConfigurationError(Problem(field="data", code="newer_version", message=message))


def _step(connection: apsw.Connection, steps: tuple[str, ...]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version < len(steps):
            connection.execute(steps[version])
            connection.pragma("application_id", APPLICATION)
            connection.pragma("user_version", version + 1)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _refuse_strangers(connection: apsw.Connection) -> None:
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if not empty and connection.pragma("application_id") != APPLICATION:
        message = "the file is the database of another program; choose another data folder"
        raise ConfigurationError(Problem(field="data", code="foreign_file", message=message))


def _version(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))
