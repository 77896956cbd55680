"""Mailchimp as a shop sees it: one account with an audience, an e-commerce store and a flow for each tag.

A tag that is new to a subscribed member starts the flow of that name, whose first mail carries the member's link.
Everything is checked as Mailchimp describes it, and what it refuses is told as a problem document.
Played the way that hurts most: an unknown merge field is dropped without a word, an order needs its product.
Source: Mailchimp's specification of the Marketing API 3.0.91.
"""

from __future__ import annotations

from kramik.sandbox.mailers.mailchimp.account import API_KEY, AUDIENCE, DEMO, STORE, routes

__all__ = ["API_KEY", "AUDIENCE", "DEMO", "STORE", "routes"]
