"""kramik as its own academy: a folder of course files, or an Azure Blob container, for whoever holds an access link."""

from kramik.academies.files.academy import FEATURES, FilesAcademy, Settings, academy

__all__ = ["FEATURES", "FilesAcademy", "Settings", "academy"]
