"""One process that behaves like Azure: the door in front, our own Functions host behind it, a storage account below."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from kramik import publishing
from kramik.hosts import server
from kramik.hosts.asgi import application
from kramik.hosts.functionshost import FunctionsHost, Pace
from kramik.hosts.opened import Opened
from kramik.hosts.overheard import overheard
from kramik.hosts.switching import Switching


def serve(
    served: server.Served, environ: Mapping[str, str], *, ready: Callable[[], None], pace: Pace | None = None
) -> None:
    """Serve until the process is told to stop.

    Raises:
        ConfigurationError: no storage account is named.
        Transient: it can not be reached.
    """
    settings, site = served.settings, served.data / server.SITE
    due = server.built(settings, site)
    opened = Opened(lambda: settings, environ, sys.stderr)
    opened.check()
    host = FunctionsHost(opened, pace or Pace(batch=served.workers))

    switching = Switching(lambda: server.built(settings, site), due, opened.log)

    def started() -> None:
        host.start()
        switching.start()
        served.door.listen(2048)
        ready()

    def stopped() -> None:
        switching.stop()
        ended = host.stop(settings.worker.call + 5)
        opened.log("stopped", workers="ended" if ended else "left; their messages come back")

    headers = publishing.headers(settings, "site")
    app = application(host, site, headers=headers, started=started, stopped=stopped)
    try:
        with overheard(opened.log):
            server.run(app, served.door)
    finally:
        opened.close()
