"""Przelewy24: registered by one call, told by a signed notification, and verified by another call."""

from __future__ import annotations

from kramik.gateways.przelewy24.gateway import FEATURES, LONGEST_EMAIL, Przelewy24Gateway, Settings
from kramik.gateways.przelewy24.told import signed

__all__ = ["FEATURES", "LONGEST_EMAIL", "Przelewy24Gateway", "Settings", "signed"]
