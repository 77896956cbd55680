"""The author's pictures: AVIF and JPEG in several widths, made once for each content and kept in a cache.

It needs Pillow (the extra `images`). Without it a picture is published as it is, and `kramik check` says so.
Places of a camera and other metadata are never published where Pillow is there: only the pixels are kept.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256
from io import BytesIO
from itertools import product
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from unicodedata import normalize

import msgspec

from kramik.errors import ConfigurationError, Problem
from kramik.site import card, vector

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = "pictures"
CACHE = Path(".kramik") / "pictures"
"""Below the shop's folder; it may be deleted at any time."""
RECIPE = "2"
"""Part of every name in the cache; another number makes all pictures anew."""

_WIDTHS: Mapping[str, tuple[int, ...]] = {
    "hero": (480, 800, 1200, 1600),
    "portrait": (240, 480),
    "face": (112,),
    "text": (480, 800, 1200),
    "cover": (480, 800),
}
_SIZES = {
    "hero": "(min-width: 60rem) 27rem, (min-width: 48rem) 40vw, 100vw",
    "cover": "(min-width: 48rem) 19.5rem, 100vw",
    "portrait": "15rem",
    "face": "3.5rem",
    "text": "(min-width: 48rem) 38rem, 100vw",
}
_DRAWN = ".svg"
_KINDS = (".jpg", ".jpeg", ".png", ".webp", ".avif", _DRAWN)
_CARD = (1200, 630)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as a page shows it: addresses below the site by width, and the size of the largest one (0: unknown)."""

    avif: str = ""
    jpeg: str = ""
    source: str
    sizes: str
    width: int = 0
    height: int = 0


def can_resize() -> bool:
    """Say whether Pillow is there."""
    return importlib.util.find_spec("PIL") is not None


class Pictures:
    """The pictures of one shop: `files` by path below the site, and the paths `asked` for since it was cleared."""

    def __init__(self, folder: Path | None, base: str = "", *, resize: bool | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: set[str] = set()
        self._folder, self._base = folder, base
        self._resize = can_resize() if resize is None else resize
        self._shown: dict[tuple[str, str], tuple[Shown, frozenset[str]]] = {}

    def shown(self, file: str, kind: str) -> Shown:
        """Return a picture in the widths of its kind: hero, portrait, face or text.

        Raises:
            ConfigurationError: there is no such file, or it is no picture; show it to the author.
        """
        if (file, kind) not in self._shown:
            before, self.asked = self.asked, set()
            self._shown[file, kind] = self._made(file, kind), frozenset(self.asked)
            self.asked |= before
        found, paths = self._shown[file, kind]
        self.asked |= paths
        return found

    def card(self, file: str) -> str:
        """Return the address of a picture of 1200x630 for previews elsewhere, empty without Pillow.

        Raises:
            ConfigurationError: as `shown`.
        """
        if not self._resize or file.lower().endswith(_DRAWN):
            return ""
        content, name = self._read(file), self._name(file)
        path = f"assets/{name}-card.jpg"
        self._add(path, lambda: _jpeg(_cut(_opened(file, content), _CARD)))
        return f"{self._base}/{path}"

    def drawn(self, slug: str) -> str:
        """Return the address of a drawn picture for a course without one, empty without Pillow."""
        if not self._resize:
            return ""
        path = f"assets/{slug}-card.{sha256(f'{RECIPE} {slug}'.encode()).hexdigest()[:10]}.png"
        self._add(path, partial(card.drawn, slug))
        return f"{self._base}/{path}"

    def _made(self, file: str, kind: str) -> Shown:
        content, name = self._read(file), self._name(file)
        end = PurePosixPath(file).suffix.lower()
        if not self._resize or end == _DRAWN:
            path = f"assets/{name}{end}"
            self._add(path, lambda: content, cached=False)
            width, height = vector.size(content) if end == _DRAWN else (0, 0)
            return Shown(source=f"{self._base}/{path}", sizes=_SIZES[kind], width=width, height=height)
        picture = _opened(file, content)
        widths = [width for width in _WIDTHS[kind] if width < picture.width] or [picture.width]
        sets: dict[str, list[str]] = {"avif": [], "jpg": []}
        for width, form in product(widths, sets):
            path = f"assets/{name}-{width}.{form}"
            self._add(path, partial(_encoded, picture, width, form))
            sets[form].append(f"{self._base}/{path} {width}w")
        return Shown(
            avif=", ".join(sets["avif"]),
            jpeg=", ".join(sets["jpg"]),
            source=sets["jpg"][-1].partition(" ")[0],
            sizes=_SIZES[kind],
            width=widths[-1],
            height=_height(picture, widths[-1]),
        )

    def _add(self, path: str, make: Callable[[], bytes], *, cached: bool = True) -> None:
        self.asked.add(path)
        if path not in self.files:
            self.files[path] = self._kept(path, make) if cached else make()

    def _kept(self, path: str, make: Callable[[], bytes]) -> bytes:
        """Return what the cache holds under this name, or make it and keep it."""
        if self._folder is None:
            return make()
        kept = self._folder.parent / CACHE / PurePosixPath(path).name
        if kept.is_file():
            return kept.read_bytes()
        made = make()
        with suppress(OSError):  # a folder that can not be written makes builds slower, not wrong
            kept.parent.mkdir(parents=True, exist_ok=True)
            beside = kept.with_name(f".{kept.name}.{os.getpid()}")
            beside.write_bytes(made)
            beside.replace(kept)
        return made

    def _read(self, file: str) -> bytes:
        name = PurePosixPath(file)
        if name.is_absolute() or ".." in name.parts or name.suffix.lower() not in _KINDS:
            raise _wrong(
                file, f"is no picture of this folder; name a file that ends with {', '.join(_KINDS)}"
            )
        try:
            return b"" if self._folder is None else (self._folder / self._spelled(name)).read_bytes()
        except OSError as error:
            raise _wrong(file, f"can not be read: {error.strerror}; {self._hint(name)}") from None

    def _spelled(self, name: PurePosixPath) -> PurePosixPath:
        """Return the name as the folder spells it: other systems take letters apart from their accents."""
        if self._folder is None or name.name.isascii() or (self._folder / name).exists():
            return name
        same = (each for each in self._beside(name) if normalize("NFC", each) == normalize("NFC", name.name))
        return name.with_name(next(same, name.name))

    def _hint(self, name: PurePosixPath) -> str:
        alike = (each for each in self._beside(name) if each.casefold() == name.name.casefold())
        meant = next(alike, "")
        if meant:
            return f"it is called {meant}, and hosts tell capital letters from small ones; mend its name in the text"
        return "put the picture there, or mend its name in the text"

    def _beside(self, name: PurePosixPath) -> list[str]:
        """Return the names in the folder of a picture."""
        folder = self._folder and self._folder / name.parent
        return sorted(each.name for each in folder.iterdir()) if folder and folder.is_dir() else []

    def _name(self, file: str) -> str:
        digest = sha256(RECIPE.encode() + self._read(file)).hexdigest()[:10]
        return (
            f"{re.sub(r'[^a-z0-9]+', '-', PurePosixPath(file).stem.lower()).strip('-') or 'picture'}.{digest}"
        )


def _opened(file: str, content: bytes) -> Image:
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - an extra, and slow to load

    try:
        picture = ImageOps.exif_transpose(Image.open(BytesIO(content)))
        if not picture.has_transparency_data:
            return picture.convert("RGB")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture.convert("RGBA"))
        return paper.convert("RGB")
    except UnidentifiedImageError:
        raise _wrong(file, "is no picture, or is damaged; save it again as JPEG or PNG") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise _wrong(file, f"can not be opened: {error}; save it again as JPEG or PNG") from None


def _encoded(picture: Image, width: int, form: str) -> bytes:
    resized = picture.resize((width, _height(picture, width)))
    if form == "jpg":
        return _jpeg(resized)
    out = BytesIO()
    resized.save(out, "AVIF", quality=55, speed=6)
    return out.getvalue()


def _jpeg(picture: Image) -> bytes:
    out = BytesIO()
    picture.save(out, "JPEG", quality=80, optimize=True, progressive=True)
    return out.getvalue()


def _cut(picture: Image, size: tuple[int, int]) -> Image:
    from PIL import ImageOps  # noqa: PLC0415 - an extra, and slow to load

    return ImageOps.fit(picture, size)


def _height(picture: Image, width: int) -> int:
    return max(1, round(picture.height * width / picture.width))


def _wrong(file: str, message: str) -> ConfigurationError:
    return ConfigurationError(Problem(field=f"{FOLDER}/{file}", code="picture", message=message))
