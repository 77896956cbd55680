"""Kit (ConvertKit), API v4, as it stands before a shop: one account with two sequences for the example shop.

Every request is checked against Kit's own description (`v4.json`), and every answer of this simulator too.
What Kit leaves open is played the way that hurts most: a repeated transaction id is a second purchase, an upsert
of a known person leaves the fields alone, who is not active can be added to a sequence and is not mailed.
Source: developers.kit.com/api-reference (v4.json of April 2025; rate limits, OAuth, create a subscriber of 2026).
"""

from __future__ import annotations

from kramik.sandbox.mailers.kit.api import DEMO, routes

__all__ = ["DEMO", "routes"]
