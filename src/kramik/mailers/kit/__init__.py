"""Kit (ConvertKit), API v4: a purchase, or a tag, and a sequence whose first mail carries the access link.

Old accounts have API v3 (`v3.py`), which is another kind of mailing tool with the same names.
People, fields, tags and sequences take an API key, purchases an OAuth grant (`grant.py`).
Nothing that Kit leaves open is trusted: what was sent is compared with what came back (`people.py`), a purchase is
looked up before it is made again (`purchases.py`), and whom Kit would not mail is mailed by the shop (`mailer.py`).
Source: developers.kit.com/api-reference; the facts that are not certain stand in `docs/mailers/kit.md`.
"""

from __future__ import annotations

from kramik.mailers.kit.mailer import KitMailer
from kramik.mailers.kit.settings import FEATURES, V3_FEATURES, Settings, V3Settings
from kramik.mailers.kit.v3 import KitV3Mailer

__all__ = ["FEATURES", "V3_FEATURES", "KitMailer", "KitV3Mailer", "Settings", "V3Settings"]
