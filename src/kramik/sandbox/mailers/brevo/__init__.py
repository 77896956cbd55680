"""Brevo as a shop sees it: one account with the eCommerce app, a list for each course, and single mails.

A list starts its automation for people who are not on the blocklist; its first mail shows the attribute of that course.
Everything is checked as Brevo describes it, and what it refuses is told as a code and a message.
Played the way that hurts most: an attribute that was never made is dropped without a word.
Source: developers.brevo.com (read in November 2026); the refusal of who is in a list already, from public programs.
"""

from __future__ import annotations

from kramik.sandbox.mailers.brevo.account import API_KEY, COURSES, DEMO, SENDER, routes

__all__ = ["API_KEY", "COURSES", "DEMO", "SENDER", "routes"]
