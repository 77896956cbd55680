"""`host.json`: how the Functions host runs the app. Every value that is known to break a shop is set on purpose.

Source: MicrosoftDocs/azure-docs, includes/functions-host-json-queues.md; each trap is a rule of `rules.py`.
"""

from __future__ import annotations

import json

MAX_DEQUEUE = 5
"""Deliveries of a message before the host moves it to the poison queue; the shop parks it before that."""

VISIBILITY = "00:00:30"
POLLING = "00:01:00"
TIMEOUT = "00:05:00"


def content() -> dict[str, object]:
    """Return the file as a value."""
    return {
        "version": "2.0",
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
        "extensions": {
            "http": {"routePrefix": ""},
            "queues": {
                "batchSize": 8,
                "maxDequeueCount": MAX_DEQUEUE,
                "maxPollingInterval": POLLING,
                "messageEncoding": "base64",
                "newBatchThreshold": 4,
                "visibilityTimeout": VISIBILITY,
            },
        },
        "functionTimeout": TIMEOUT,
        # What the host itself tells costs more than all orders; the lines of the shop are enough.
        "logging": {
            "applicationInsights": {
                "samplingSettings": {"isEnabled": True, "excludedTypes": "Trace;Exception"}
            },
            "logLevel": {
                "default": "Warning",
                "Host.Aggregator": "Error",
                "Host.Results": "Error",
                "Function.work.User": "Information",
            },
        },
    }


def text() -> str:
    """Return the file."""
    return json.dumps(content(), indent=2) + "\n"
