"""A storage queue as the Functions host uses it: messages in batches, hidden while a function runs, poison after five.

Source: Azure/azure-sdk-for-net, Storage.Queues of the WebJobs extensions; MicrosoftDocs/azure-docs,
includes/functions-host-json-queues.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from kramik.stores.azure.queue import NEVER, AzureQueue, Taken, plain

if TYPE_CHECKING:
    from datetime import datetime

HIDDEN = 600
"""Seconds for which the host hides what it has taken; it renews that while a function runs."""


class Inbox:
    """The work queue and its poison queue."""

    def __init__(self, work: AzureQueue, poison: AzureQueue, *, most: int = 5) -> None:
        self._work, self._poison, self._most = work, poison, most

    def write(self, text: str) -> None:
        """Do what an output binding does."""
        self._work.speak(lambda queue: queue.send_message(text, time_to_live=NEVER))

    def take(self, count: int, *, now: datetime) -> Sequence[Taken]:
        """Take as many messages as there are, at most so many."""
        # One page: the pager would ask once more after a page that is not full, and each question is on the bill.
        found = self._work.speak(
            lambda queue: list(
                next(queue.receive_messages(messages_per_page=count, visibility_timeout=HIDDEN).by_page(), ())
            )
        )
        until = now + timedelta(seconds=HIDDEN)
        return [
            Taken(
                id=each.id,
                body=plain(str(each.content)),
                receipt=str(each.pop_receipt),
                deliveries=int(each.dequeue_count or 1),
                until=until,
            )
            for each in found
        ]

    def succeeded(self, taken: Taken) -> None:
        """Remove a message whose function ended well."""
        self._work.remove(taken.id, taken.receipt)

    def failed(self, taken: Taken, *, after: float) -> bool:
        """Hide a message for so many seconds; after its last delivery move it to the poison queue and say so."""
        if taken.deliveries < self._most:
            hidden = ceil(after)
            self._work.hide(taken.id, taken.receipt, hidden)
            return False
        text = taken.body.decode("utf-8", "replace")
        self._poison.speak(lambda queue: queue.send_message(text, time_to_live=NEVER))
        self._work.remove(taken.id, taken.receipt)
        return True
