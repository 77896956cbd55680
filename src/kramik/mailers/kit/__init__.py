"""Kit (ConvertKit), API v4: a purchase, or a tag, and a sequence whose first mail carries the access link.

People, fields, tags and sequences take an API key, purchases an OAuth grant (`grant.py`).
Nothing that Kit leaves open is trusted: what was sent is compared with what came back (`people.py`), a purchase is
looked up before it is made again (`purchases.py`), and whom Kit would not mail is mailed by the shop (`mailer.py`).
Source: developers.kit.com/api-reference; the facts that are not certain stand in `docs/mailers/kit.md`.
"""

from __future__ import annotations

from kramik.mailers.kit.mailer import KitMailer
from kramik.mailers.kit.settings import FEATURES, Settings

__all__ = ["FEATURES", "KitMailer", "Settings"]
