"""The outside world for demos and tests: a gateway with a pay page, an academy, a mailing tool and a mailbox.

Real HTTP servers under one port, with a ledger of every effect and switches for faults.
It is written from the protocol (`docs` of each file) and knows nothing of the shop but how bytes are signed.
`start()` runs a world in a thread, `serve()` runs one until it is told to stop.
"""

from kramik.sandbox.server import Running, serve, start
from kramik.sandbox.settings import Settings
from kramik.sandbox.world import World

__all__ = ["Running", "Settings", "World", "serve", "start"]
