"""`kramik check --live` finds what would park an order at an academy: a course that is not there, a refused key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kramik import adapters, table
from kramik.academies.files import FilesAcademy
from kramik.academies.files.disk import Disk
from kramik.hosts.cli import delivery_matrix
from kramik.ports import Checkable
from kramik.sandbox import academies
from tests.adapters.school import taught
from tests.sandbox.place import Place, opened
from tests.story.example import COURSE

LIVE = [name for name in academies.NAMES if delivery_matrix.academy_features()[name].live and name != "files"]
BY_COURSE = [name for name in LIVE if name not in ("ghost", "discourse")]
STRANGE = msgspec.structs.replace(COURSE, slug="strange", course="999")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A running world."""
    with opened() as place:
        yield place


@pytest.mark.parametrize("name", LIVE)
def test_nothing_to_tell(name: str, place: Place) -> None:
    """A product whose course is there is fine, and asking gives nobody access."""
    with taught(place, name) as school:
        changes: dict[str, object] = {"tiers": {}, "pages": {}} if name == "ghost" else {}
        academy: object = school.academy(changes=changes)
        assert isinstance(academy, Checkable)
        assert [] == list(academy.problems([COURSE], create=False))
        assert [] == place.ledger(effect="grant")


@pytest.mark.parametrize("name", BY_COURSE)
def test_a_course_that_is_not_there(name: str, place: Place) -> None:
    """The product whose course is not found is named, the others are not."""
    with taught(place, name) as school:
        academy: object = school.academy()
        assert isinstance(academy, Checkable)
        assert ["strange"] == [each.field for each in academy.problems([COURSE, STRANGE], create=False)]


@pytest.mark.parametrize("name", LIVE)
def test_a_refused_key(name: str, place: Place) -> None:
    """A key that is refused is told, and not shown."""
    with taught(place, name) as school:
        (secret,) = table.secret_keys(adapters.ACADEMIES[name]().shape)
        wrong = f"id:{'ab' * 16}" if name == "ghost" else "wrong-key-0123456789"
        academy: object = school.academy(changes={secret: wrong})
        assert isinstance(academy, Checkable)
        found = list(academy.problems([COURSE], create=False))
        assert found
        assert wrong not in str(found)


def test_ghost_knows_its_tiers(place: Place) -> None:
    """A tier that the site does not have, and a course that no product has, are told by their key."""
    with taught(place, "ghost") as school:
        tables = {"tiers": {COURSE.course: "none"}, "pages": {"nobody": "x/"}, "labels": {}}
        academy: object = school.academy(changes=tables)
        assert isinstance(academy, Checkable)
        found = academy.problems([COURSE], create=False)
        assert [("tiers", "unknown_tier"), ("pages", "unknown_course")] == [
            (each.field, each.code) for each in found
        ]


def test_an_empty_folder(tmp_path: Path) -> None:
    """A course without a file is told before anybody buys it."""
    (tmp_path / COURSE.course).mkdir()
    academy = FilesAcademy(Disk(str(tmp_path)))
    assert [COURSE.slug] == [each.field for each in academy.problems([COURSE], create=False)]
    (tmp_path / COURSE.course / "a.txt").touch()
    assert [] == academy.problems([COURSE], create=False)
