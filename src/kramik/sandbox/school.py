"""A school as the simulated course platforms have one: people by their address, courses, and who is in which.

What a platform calls these, and how it answers, is its own file's affair; the ledger is written here, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from kramik.sandbox.door import Refusal, answer, read
from kramik.sandbox.pages import page
from kramik.sandbox.stage import Stage

Shape = TypeVar("Shape")

COURSES: Mapping[str, str] = {
    "101": "agregaty-w-praktyce",
    "102": "kolejki-bez-strachu",
    "107": "course-7",
}
"""The courses of the example shop and of the tests: the platform's number, and the name in its addresses."""

TITLES = {
    "agregaty-w-praktyce": "Agregaty w praktyce",
    "kolejki-bez-strachu": "Kolejki bez strachu",
    "course-7": "Agregaty w praktyce",
}

KNOWN = {slug: {"id": number, "slug": slug} for number, slug in COURSES.items()}
"""The table `courses` of our settings, for platforms that number their courses."""


@dataclass(slots=True)
class Person:
    """Somebody with an account; `seen` is when lists began to know them."""

    id: int
    email: str
    name: str
    seen: float


@dataclass(slots=True)
class Place:
    """Somebody in a course, until it is ended."""

    id: int
    person: Person
    course: str
    seen: float
    facts: dict[str, object] = field(default_factory=dict)
    ended: bool = False


class School:
    """The school of one simulated account."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._people: dict[str, Person] = {}
        self._places: dict[int, Place] = {}
        self._numbers = count(1001)

    def person(self, email: str, *, listed: bool = False) -> Person | None:
        """Return who has this address; a list knows them only after the lag."""
        found = self._people.get(email.strip().lower())
        return found if found and not (listed and self._late(found.seen)) else None

    def by_id(self, number: str) -> Person | None:
        """Return the person of this number."""
        return next((each for each in self._people.values() if str(each.id) == number), None)

    def matching(self, part: str) -> list[Person]:
        """Return everybody whose address has this part, whom lists know already."""
        return [each for each in self._people.values() if part in each.email and not self._late(each.seen)]

    def welcome(self, email: str, name: str) -> Person:
        """Make an account; whoever has one keeps it."""
        key = email.strip().lower()
        if key not in self._people:
            self._people[key] = Person(next(self._numbers), key, name, monotonic())
        return self._people[key]

    def enroll(self, person: Person, course: str, **facts: object) -> Place:
        """Let somebody into a course: one more place, each time."""
        place = self.admit(person, course, **facts)
        self._stage.write("grant", "", email=person.email, course=course, place=place.id)
        return place

    def admit(self, person: Person, course: str, **facts: object) -> Place:
        """Let somebody in whose access was written down before."""
        place = Place(next(self._numbers), person, course, monotonic(), facts)
        self._places[place.id] = place
        return place

    def places(self, person: Person, course: str, *, listed: bool = False) -> list[Place]:
        """Return somebody's places in a course that have not ended."""
        return [
            each
            for each in self._of(person, course)
            if not each.ended and not (listed and self._late(each.seen))
        ]

    def place(self, number: str) -> Place | None:
        """Return the place of this number."""
        return self._places.get(int(number)) if number.isdecimal() else None

    def end(self, place: Place) -> None:
        """Take somebody out of a course; a repeat changes nothing."""
        if not place.ended:
            place.ended = True
            self._stage.write("revoke", "", email=place.person.email, course=place.course, place=place.id)

    def show(self, request: Request, course: str) -> Response:
        """Show the course page: open while anybody is in the course, because no password is asked for here."""
        lang = request.query_params.get("lang", "")
        if course not in TITLES:
            return page("message", 404, lang=lang, title="404", text="no_course")
        if not any(each.course == course and not each.ended for each in self._places.values()):
            return page("message", 403, lang=lang, title="403", text="no_course")
        self._stage.write("open", "", course=course)
        return page("course", lang=lang, title=TITLES[course], name="")

    def describe(self, course: str) -> Response:
        """Answer whether there is such a course, as every API does somehow."""
        if course not in TITLES:
            raise Refusal(404, "not found")
        return answer({"id": course, "name": TITLES[course]})

    def _of(self, person: Person, course: str) -> Iterator[Place]:
        return (each for each in self._places.values() if (each.person, each.course) == (person, course))

    def _late(self, seen: float) -> bool:
        return monotonic() - seen < self._stage.lag


async def body(request: Request, shape: type[Shape], *, status: int = 422) -> Shape:
    """Read a JSON body of this shape.

    Raises:
        Refusal: it is something else; answered with this status.
    """
    try:
        return msgspec.json.decode(await read(request), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refusal(status, str(error)) from None
