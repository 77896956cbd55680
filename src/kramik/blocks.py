"""The blocks of a sales page that front matter fills; each is optional, and what is left out is not shown.

Texts are Markdown: `**words**` get a highlighter stroke. A picture is the name of a file in the shop's `pictures/`.
How a block looks is the theme's affair; the order of the blocks follows a reader's belief: promise, proof, plan, price.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

Filled = Annotated[str, msgspec.Meta(min_length=1)]
Minutes = Annotated[int, msgspec.Meta(ge=1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table inside front matter."""


class Picture(_Part, frozen=True, kw_only=True):
    """A picture; `alt` says what it shows to whoever does not see it."""

    file: Filled
    alt: str
    caption: str = ""


class Figure(_Part, frozen=True, kw_only=True):
    """A true number and what it counts."""

    number: str
    label: Filled


class Lesson(_Part, frozen=True, kw_only=True):
    """One lesson; a `preview` can be seen before buying, at its address or simply on the course platform."""

    title: Filled
    minutes: Minutes | None = None
    preview: bool | str = False


class Module(_Part, frozen=True, kw_only=True):
    """A part of the programme; a lesson may be a mere title."""

    title: Filled
    lessons: tuple[Filled | Lesson, ...] = ()
    minutes: Minutes | None = None

    @property
    def listed(self) -> tuple[Lesson, ...]:
        """Return every lesson as a value."""
        return tuple(Lesson(title=each) if isinstance(each, str) else each for each in self.lessons)

    @property
    def lasts(self) -> int:
        """Return the minutes of the module: as written, or the sum of its lessons."""
        return self.minutes or sum(lesson.minutes or 0 for lesson in self.listed)


class Sample(_Part, frozen=True, kw_only=True):
    """A lesson to try: a text, an address, or both."""

    title: Filled
    text: str = ""
    link: str = ""


class Author(_Part, frozen=True, kw_only=True):
    """Who teaches."""

    name: Filled
    about: str = ""
    picture: str = ""
    credentials: tuple[Filled, ...] = ()
    link: str = ""


class Testimonial(_Part, frozen=True, kw_only=True):
    """What somebody said; the first one is shown large."""

    words: Filled
    name: Filled
    role: str = ""
    picture: str = ""


class Question(_Part, frozen=True, kw_only=True):
    """A question and its answer."""

    question: Filled
    answer: Filled


class Blocks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every block of one language."""

    eyebrow: str = ""
    headline: str = ""
    facts: tuple[Filled, ...] = ()
    picture: Picture | None = None
    video: str = ""
    trust: tuple[Figure, ...] = ()
    for_whom: tuple[Filled, ...] = ()
    not_for: tuple[Filled, ...] = ()
    outcomes: tuple[Filled, ...] = ()
    programme: tuple[Module, ...] = ()
    sample: Sample | None = None
    author: Author | None = None
    testimonials: tuple[Testimonial, ...] = ()
    testimonials_note: str = ""
    included: tuple[Filled, ...] = ()
    requirements: str = ""
    guarantee: str = ""
    questions: tuple[Question, ...] = ()

    @property
    def lessons(self) -> int:
        """Return how many lessons the programme lists."""
        return sum(len(module.lessons) for module in self.programme)

    @property
    def minutes(self) -> int:
        """Return how long the whole programme is."""
        return sum(module.lasts for module in self.programme)

    def wrong(self) -> Iterator[tuple[str, str]]:
        """Yield key and sentence for what must not be published like this."""
        if self.testimonials and not self.testimonials_note:
            yield (
                "testimonials",
                "needs testimonials_note: say whether, and how, you checked that they come from buyers",
            )
        for key, address in self._addresses():
            if not address.startswith(("https://", "http://", "/")):
                yield key, f"leads to {address!r}, which is no address; begin it with https:// or /"

    def _addresses(self) -> Iterator[tuple[str, str]]:
        """Yield every address with the key that holds it."""
        found = [("video", self.video)]
        found += [("sample", self.sample.link)] if self.sample else []
        found += [("author", self.author.link)] if self.author else []
        for module in self.programme:
            found += [("programme", each.preview) for each in module.listed if isinstance(each.preview, str)]
        return ((key, address) for key, address in found if address)


def of(front: Blocks) -> Blocks:
    """Return the blocks of front matter that holds other keys, too."""
    return Blocks(**{name: getattr(front, name) for name in Blocks.__struct_fields__})
