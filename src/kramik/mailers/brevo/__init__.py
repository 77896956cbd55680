"""Brevo: a purchase is an order of its eCommerce app, the mails are an automation that a list starts; it also mails.

Order, contact and list are of the kind `set`: created or updated under our id or the address, and being in a list is
a state. A single mail is `unsafe`: Brevo keeps its idempotency key for minutes, and a repeat may come hours later.
A person whom Brevo will not mail, or who is in the list already, is `NotMailable`.
Source: developers.brevo.com (read in November 2026).
"""

from __future__ import annotations

from kramik.mailers.brevo.mailer import BrevoMailer
from kramik.mailers.brevo.settings import FEATURES, Settings

__all__ = ["FEATURES", "BrevoMailer", "Settings"]
