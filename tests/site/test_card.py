"""The drawn picture for previews elsewhere: a sound PNG that shows the cover of its course."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from kramik.site import card
from kramik.site.cover import tiles

COLOURS = {"ink": (26, 31, 44), "accent": (43, 75, 173), "mark": (247, 226, 122), "rule": (220, 216, 206)}
PAPER = (252, 250, 245)
SLUGS = ["agregaty-w-praktyce", "a", *(f"course-{number}" for number in range(40))]


def opened(slug: str) -> Image.Image:
    """Return the card as another program reads it, each checksum held."""
    content = card.drawn(slug)
    Image.open(BytesIO(content)).verify()
    picture = Image.open(BytesIO(content))
    assert ("PNG", (1200, 630), "P") == (picture.format, picture.size, picture.mode)
    return picture.convert("RGB")


def colours(picture: Image.Image, number: int) -> set[tuple[int, ...]]:
    """Return the colours of one tile."""
    row, column = divmod(number, 4)
    left, top = 200 + 200 * column, 15 + 200 * row
    found = picture.crop((left, top, left + 200, top + 200)).getcolors(1000)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}


@pytest.mark.parametrize("slug", SLUGS)
def test_each_tile_has_its_colour(slug: str) -> None:
    """A shape in its colour on paper, with soft edges; the other tiles and the margins are paper alone."""
    picture, drawn = opened(slug), {number: colour for number, _, _, colour in tiles(slug)}
    for number in range(12):
        found = colours(picture, number)
        assert ({PAPER, COLOURS[drawn[number]]} <= found) if number in drawn else ({PAPER} == found)
        assert len(found) <= 9
    for margin in ((0, 0, 200, 630), (1000, 0, 1200, 630), (0, 0, 1200, 15), (0, 615, 1200, 630)):
        assert 1 == len(picture.crop(margin).getcolors(1000) or [])


def test_a_card_is_light() -> None:
    """A thousand of them are no burden."""
    assert max(len(card.drawn(slug)) for slug in SLUGS) < 20_000
