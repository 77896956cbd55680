"""An academy without a platform: below its access link an order shows the files of its course.

Access is the access link itself, so there is nothing to grant, nothing to repeat and nothing to take back: a link of a
refunded order opens nothing. A course is a folder with the name of the product's `course`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kramik.academies import Features
from kramik.academies.files.blob import Blobs
from kramik.academies.files.disk import Disk
from kramik.catalogue import Product
from kramik.errors import NeedsOperator, Problem, Rejected
from kramik.ports import CourseFile, Delivery, Effect, Shelf
from kramik.table import Secret

FEATURES = Features(title="a folder of files", repeat=("set",), link="for good", revokes=True, live=True)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[academy]`: a folder of this machine, or a container of an Azure storage account.

    `hours` is how long a link into the container is good; a video is watched through one.
    """

    folder: str = ""
    account: str = ""
    account_key: Secret = ""
    container: str = ""
    hours: float = 6.0
    base_url: str = ""

    def __post_init__(self) -> None:
        cloud = {"account": self.account, "account_key": self.account_key, "container": self.container}
        if self.folder and any(cloud.values()):
            raise Rejected(_problem("folder", "and a container are two places; name one"))
        missing = [key for key, value in cloud.items() if not value]
        if not self.folder and missing == [*cloud]:
            raise Rejected(
                _problem("folder", "is missing; name the folder that holds a folder for each course")
            )
        if not self.folder and missing:
            raise Rejected(*(_problem(key, "is missing; a container needs it") for key in missing))
        if not 0 < self.hours <= 7 * 24:
            raise Rejected(_problem("hours", "must be more than none and at most a week, 168"))


class FilesAcademy:
    """The files of every course."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @property
    def invitation(self) -> Effect:
        """Look that there is a course to show; the receipt is the address of its files. Repeat-safety: set."""
        return Effect(repeat="set", do=self._invite)

    @property
    def revocation(self) -> Effect:
        """Do nothing: the access link of a refunded order is closed. Repeat-safety: set."""
        return Effect(repeat="set", do=lambda _: "closed with the access link")

    def items(self, course: str) -> Sequence[CourseFile]:
        """Return the files of a course, in the order in which people count."""
        return self._shelf.items(course)

    def fetch(self, course: str, path: str) -> CourseFile | str | None:
        """Return a file of this machine, the address of a short-lived link, or None when there is no such file."""
        return self._shelf.fetch(course, path)

    def problems(self, products: Sequence[Product], *, create: bool) -> Sequence[Problem]:  # noqa: ARG002 - makes nothing
        """Return the products whose course has no file."""
        return [
            Problem(
                field=each.slug, code="no_files", message=f"has the course {each.course!r}, which has no file"
            )
            for each in products
            if not self.items(each.course)
        ]

    def close(self) -> None:
        """Do nothing: nothing is kept open."""

    def _invite(self, delivery: Delivery) -> str:
        course = delivery.order.intent.course
        if not self.items(course):
            raise NeedsOperator(
                f"there is no file of the course {course!r}; put its folder in place and retry the order"
            )
        return f"{delivery.access_link}/"


def academy(settings: Settings, *, call_seconds: float) -> FilesAcademy:
    """Make the academy of a table."""
    if settings.folder:
        return FilesAcademy(Disk(settings.folder))
    return FilesAcademy(
        Blobs(
            settings.account,
            settings.account_key,
            settings.container,
            hours=settings.hours,
            call_seconds=call_seconds,
            base_url=settings.base_url,
        )
    )


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code="wrong", message=message)
