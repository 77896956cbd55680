"""Academies that are asked over HTTP as a recipe says: any at all, and the vendors that have a preset."""

from kramik.academies.http.academy import HttpAcademy
from kramik.academies.http.settings import FEATURES, Settings, academy

__all__ = ["FEATURES", "HttpAcademy", "Settings", "academy"]
