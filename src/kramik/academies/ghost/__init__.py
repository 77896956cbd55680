"""Ghost: the buyer becomes a member, and each click signs them in anew."""

from kramik.academies.ghost.academy import FEATURES, GhostAcademy, Settings

__all__ = ["FEATURES", "GhostAcademy", "Settings"]
