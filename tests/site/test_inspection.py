"""What `kramik check` finds in a site: links that lead nowhere, what the law wants, colours that can not be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from kramik import catalogue
from kramik.errors import Problem
from kramik.offer import Conditions
from kramik.site import contrast, inspection
from kramik.site.build import site
from kramik.site.copies import eject
from kramik.site.theme import HERE
from tests.site.world import EXAMPLE, SELLER, example

LEFT = (
    "pages/terms.md",
    "pages/privacy.md",
    "pages/accessibility.md",
    "products/agregaty-w-praktyce.md",
    "products/kolejki-bez-strachu.md",
)
"""The pages of the example that tell who made it."""
ZESZYT = (HERE / "assets" / "kramik.css").read_text("utf-8")
WARSZTAT = (HERE / "assets" / "warsztat.css").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example shop."""
    for name in ("pages", "products"):
        shutil.copytree(EXAMPLE / name, tmp_path / name)
    (tmp_path / "templates").mkdir()
    return tmp_path


def found(folder: Path, **changes: object) -> list[Problem]:
    """Return what is found in the shop of this folder."""
    texts = {
        name: {file.name: file.read_text("utf-8") for file in sorted((folder / name).glob("*.md"))}
        for name in ("pages", "products")
    }
    source = example(
        **{"pages": texts["pages"], "catalogue": catalogue.read(texts["products"], lang="pl"), **changes}
    )
    return list(inspection.problems(source, site(source, folder / "templates"), folder))


def test_the_example_is_in_order(folder: Path) -> None:
    """Nothing is found in the example shop."""
    assert [] == found(folder)


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("/kolejki/", "no page of this site"),
        ("htp://else.example/", "no browser opens"),
        ("/kolejki-bez-strachu", "end it with a slash"),
        ("/terms/#nowhere", "nothing has the id 'nowhere'"),
    ],
)
def test_links(folder: Path, link: str, why: str) -> None:
    """A link that leads nowhere names the line of the file that says it, once."""
    file = folder / "pages" / "index.md"
    file.write_text(file.read_text("utf-8") + f"\nZobacz [to]({link}).\n", "utf-8")
    (problem,) = found(folder)

    assert f"pages/index.md:{len(file.read_text('utf-8').splitlines())}" == problem.field
    assert why in problem.message


@pytest.mark.parametrize(
    "link",
    [
        "/terms/",
        "/en/terms/",
        "/kolejki-bez-strachu/#program",
        "https://else.example/x",
        "mailto:a@b.example",
    ],
)
def test_links_that_lead_somewhere(folder: Path, link: str) -> None:
    """Pages, ids of pages and addresses outside are left alone."""
    file = folder / "pages" / "index.md"
    file.write_text(file.read_text("utf-8") + f"\nZobacz [to]({link}).\n", "utf-8")

    assert [] == found(folder)


@pytest.mark.parametrize("key", ["name", "address", "email", "phone"])
def test_the_seller(folder: Path, key: str) -> None:
    """Whoever buys has to know who sells."""
    assert [f"[seller] {key} is missing"] == [
        each.message.partition(";")[0] for each in found(folder, seller={**SELLER, key: ""})
    ]


def test_the_seller_is_missing_where_its_table_is(folder: Path) -> None:
    """The line is that of [seller], where there is one."""
    (folder / "shop.toml").write_text('[shop]\nname = "x"\n\n[seller]\n', "utf-8")

    assert ["shop.toml:4"] == [each.field for each in found(folder, seller={**SELLER, "phone": ""})]


def test_the_seller_of_the_example_is_nobody(folder: Path) -> None:
    """Each of the facts about them is found alone, in any page."""
    facts = (
        "Hanny Wierzbickiej",
        "Akademii Agregatów",
        "ul. Introligatorska 7/12",
        "5260001246",
        "+48 71 555 01 20",
    )
    (folder / "pages" / "about.md").write_text("\n".join(("---", "title: O nas", "---", *facts)), "utf-8")
    told = {each.field for each in found(folder, site="https://kurs.pl")}

    assert {f"pages/about.md:{line}" for line in range(4, 9)} <= told


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("https://kurs.example", set()),
        ("http://127.0.0.1:8000", set()),
        ("https://kurs.pl", {"shop.toml:2", *LEFT}),
    ],
)
def test_what_is_left_of_the_example(folder: Path, site: str, expected: set[str]) -> None:
    """Nobody publishes terms with an address that leads nowhere, or in the name of a seller who was made up."""
    (folder / "shop.toml").write_text('# mail = "a@b.example"\nemail = "hanna@akademia.example"\n', "utf-8")
    named = {each.field for each in found(folder, site=site) if "belongs to the example" in each.message}
    places = {each if each.startswith("shop.toml") else each.partition(":")[0] for each in named}

    assert expected == {each for each in places if ".en." not in each}


@pytest.mark.parametrize("name", ["terms", "privacy"])
def test_pages_that_a_buyer_agrees_to(folder: Path, name: str) -> None:
    """Terms and privacy notice have to be there."""
    for file in (folder / "pages").glob(f"{name}*"):
        file.unlink()

    assert [f"pages/{name}.md"] == [each.field for each in found(folder)]


def test_the_closed_platform(folder: Path) -> None:
    """A link to the platform for online disputes is out of date, wherever it stands."""
    file = folder / "pages" / "terms.en.md"
    text = file.read_text("utf-8").splitlines()
    file.write_text(
        "\n".join([*text[:8], "See https://ec.europa.eu/consumers/odr/.", *text[8:]]) + "\n", "utf-8"
    )

    assert ["pages/terms.en.md:9"] == [each.field for each in found(folder)]


def test_a_template_without_the_withdrawal(folder: Path) -> None:
    """A footer of the shop's own keeps the link by which one withdraws."""
    base = (HERE / "theme" / "base.html").read_text("utf-8")
    line = next(each for each in base.splitlines() if "/withdraw/" in each)
    (folder / "templates" / "base.html").write_text(base.replace(line, ""), "utf-8")

    assert {"templates/base.html"} == {each.field for each in found(folder)}


def test_a_template_with_another_button(folder: Path) -> None:
    """A button that does not say that the order costs money makes no contract."""
    form = (HERE / "theme" / "form.html").read_text("utf-8")
    for old, new in (
        ('value="{{ label }}" data-busy', 'value="Kup" data-busy'),
        ("{{ label }}</button>", "Kup</button>"),
        ('t("order.button")', 't("order.button_free")'),
    ):
        changed = form.replace(old, new)
        assert changed != form
        (folder / "templates" / "form.html").write_text(changed, "utf-8")

        problems = [each for each in found(folder) if "no contract" in each.message]
        assert {"templates/form.html"} == {each.field for each in problems}, new


def test_a_template_that_ticks_a_box(folder: Path) -> None:
    """A consent that nobody gave holds nothing."""
    fields = (HERE / "theme" / "fields.html").read_text("utf-8")
    changed = fields.replace('type="checkbox"', 'type="checkbox" checked')
    assert changed != fields
    (folder / "templates" / "fields.html").write_text(changed, "utf-8")

    assert ["ticks the box consent_immediate beforehand"] * 2 == [
        each.message.partition(";")[0] for each in found(folder)
    ]


def test_a_course_whose_sale_is_over_needs_no_form(folder: Path) -> None:
    """Its order page sells nothing, and nothing is missed on it."""
    file = folder / "products" / "kolejki-bez-strachu.md"
    file.write_text(file.read_text("utf-8").replace("---", "---\ncloses: 2020-01-01T00:00:00Z", 1), "utf-8")

    assert [] == found(folder)


@pytest.mark.parametrize("name", ["email", "name", "lang", "price_shown", "words_shown", "consent_terms"])
def test_a_template_without_a_field(folder: Path, name: str) -> None:
    """A form that lacks what every order needs says which field, and what happens without it."""
    form = (HERE / "theme" / "form.html").read_text("utf-8")
    changed = {
        "email": form.replace('input("email"', 'input("mail"'),
        "name": form.replace('input("name"', 'input("nick"'),
        "lang": form.replace('name="lang"', 'name="language"'),
        "price_shown": form.replace('name="price_shown"', 'name="price"'),
        "words_shown": form.replace('name="words_shown"', 'name="words"'),
        "consent_terms": form.replace('in ("terms", "immediate"', 'in ("immediate"'),
    }[name]
    assert changed != form
    (folder / "templates" / "form.html").write_text(changed, "utf-8")

    assert [("templates/form.html", f"has no field {name!r}")] == [
        (each.field, each.message.partition(",")[0]) for each in found(folder)
    ]


def test_a_template_older_than_the_country(folder: Path) -> None:
    """A copy of the form that asks for no country can not sell for a shop that asks for one, and for others it can."""
    form = (HERE / "theme" / "form.html").read_text("utf-8")
    changed = form.replace('choice("country"', 'choice("land"')
    assert changed != form
    (folder / "templates" / "form.html").write_text(changed, "utf-8")

    assert [] == found(folder)
    assert ["has no field 'country'"] == [
        each.message.partition(",")[0]
        for each in found(folder, conditions=Conditions(countries=("PL", "DE")))
    ]


def test_colours(folder: Path) -> None:
    """A colour that can not be read on its ground is named with its line, scheme and ratio."""
    (folder / "templates" / "user.css").write_text(
        "/* mine */\n@layer user {\n  :root {\n    --radius: 0;\n    --muted: #aaa;\n  }\n}\n", "utf-8"
    )
    problems = found(folder)

    assert {"templates/user.css:5"} == {each.field for each in problems}
    assert "makes --muted on --paper 2.2 to 1 in the light scheme; text needs 4.5" in {
        each.message for each in problems
    }


@pytest.mark.parametrize("hue", range(0, 360, 15))
def test_any_hue_can_be_read(folder: Path, hue: int) -> None:
    """The one token that most shops change never makes a text that can not be read."""
    (folder / "templates" / "user.css").write_text(f":root {{ --hue: {hue}; }}", "utf-8")
    source = msgspec.structs.replace(example(), pages={})

    assert [] == list(inspection._colours(source, folder / "templates" / "user.css"))


@pytest.mark.parametrize("sheets", [(ZESZYT,), (ZESZYT, WARSZTAT)], ids=["zeszyt", "warsztat"])
def test_both_themes_can_be_read(sheets: tuple[str, ...]) -> None:
    """Every text of a theme has 7 to 1 on its ground, by the colours of old and of new browsers."""
    old = [sheet.replace("@supports", "@media print and") for sheet in sheets]
    laid = contrast.laid_over(*sheets)

    assert [] == [
        *contrast.low(laid, contrast.AMPLE),
        *contrast.low(contrast.laid_over(*old), contrast.AMPLE),
    ]
    assert {"ink", "paper", "mark", "accent"} <= laid["dark"].keys()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000", "#ffffff", 21.0),
        ("#777", "#fff", 4.48),
        ("rgb(118, 118, 118)", "#fff", 4.54),
        ("oklch(100% 0 0)", "#000", 21.0),
    ],
)
def test_ratios(one: str, other: str, expected: float) -> None:
    """The ratio is the one of WCAG; oklch white is white."""
    values = contrast.laid_over(f":root {{ --ink: {one}; --paper: {other}; }}")["light"]
    pair = [contrast._colour(name, values) for name in ("ink", "paper")]
    assert pair[0] is not None
    assert pair[1] is not None

    assert expected == pytest.approx(contrast.contrast(pair[0], pair[1]), abs=0.02)


def test_oklch_is_the_colour_that_browsers_show() -> None:
    """The accent of the theme is #2b4bad or nearly so: 48% .16 265 by CSS Color 4."""
    colour = contrast._oklch("oklch(62.8% .2577 29.23)")  # sRGB red

    assert (1.0, 0.0, 0.0) == pytest.approx(colour, abs=0.01)


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("prodct.html", "x", 1, "none of yours asks for it; did you mean 'product.html'?"),
        ("users.css", "x", 1, "did you mean 'user.css'?"),
        ("product.html", '{% extends "theme/product.html" %}\n{% block heroo %}{% endblock %}', 2, "mean 'hero'?"),
        ("shop.html", '{% extends "base.html" %}\n\n{% block mian %}x{% endblock %}', 3, "did you mean 'main'?"),
    ],
)  # fmt: skip
def test_a_template_that_changes_nothing(folder: Path, name: str, text: str, line: int, said: str) -> None:  # noqa: PLR0917 - a fixture and a table of four
    """A name or a block that the theme does not have is told, with the nearest one that it has."""
    (folder / "templates" / name).write_text(text, "utf-8")
    problems = [each for each in found(folder) if said in each.message]

    assert [f"templates/{name}:{line}"] == [each.field for each in problems]


def test_templates_that_change_something(folder: Path) -> None:
    """A part that another one of them includes, a block inside of an overridden one, a copy of the theme's."""
    own = folder / "templates"
    (own / "mine.html").write_text("<p>mine</p>\n", "utf-8")
    (own / "product.html").write_text(
        '{% extends "theme/product.html" %}'
        '{% block price %}{% include "mine.html" %}{% block inner %}{% endblock %}{{ super() }}{% endblock %}',
        "utf-8",
    )
    eject("base.html", own)
    eject("assets/thanks.js", own)
    (own / "user.css").write_text(":root { --hue: 150; }", "utf-8")

    assert [] == found(folder)


def test_a_second_title(folder: Path) -> None:
    """One # is the title of a page; in front matter and in code it is something else."""
    file = folder / "pages" / "index.md"
    file.write_text("---\n# a remark\ntitle: x\n---\nWords\n\n```sh\n# code\n```\n\n# Again\n", "utf-8")

    assert ["pages/index.md:11"] == [each.field for each in found(folder)]


def test_a_style_sheet_that_ends_too_early(folder: Path) -> None:
    """A brace that nobody closed takes in everything below it: check names its line."""
    (folder / "templates" / "user.css").write_text(":root { --gap: 2rem; }\n.hero {\n  color: red;\n")
    (problem,) = found(folder)

    assert "templates/user.css:2" == problem.field
    assert "never closes it" in problem.message


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ('<p style="color:red">', "user.css"),
        ("<style>p { color: red }</style>", "user.css"),
        ('<p onclick="x()">', "the attribute onclick"),
        ("<script>count()</script>", "holds a script"),
        ('<script src="https://cdn.example/x.js"></script>', "loads https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "loads //cdn.example/x.css"),
        ('<iframe src="https://film.example/1"></iframe>', "is a tag iframe"),
        (
            '<form action="https://letters.example/join"></form>',
            "sends a form to https://letters.example/join",
        ),
    ],
)
def test_what_the_policy_stops(folder: Path, tag: str, why: str) -> None:
    """What a template asks for and no browser does is told once, with its line; what works is not."""
    fine = '<form action="https://pay.example/now"></form><script type="application/ld+json">{}</script>'
    text = '{% extends "theme/shop.html" %}\n{% block links %}\n' + fine + "\n" + tag + "\n{% endblock %}"
    (folder / "templates" / "shop.html").write_text(text, "utf-8")
    (problem,) = found(folder)

    assert "templates/shop.html:4" == problem.field
    assert why in problem.message
    assert "the policy of the site stops it" in problem.message


def test_a_table_of_the_seller_with_a_remark_beside_it(folder: Path) -> None:
    """What is missing is missing there."""
    (folder / "shop.toml").write_text('[shop]\n\n[seller]   # shown on every page\nname = "A"\n', "utf-8")
    (problem,) = found(folder, seller={**SELLER, "phone": ""})

    assert "shop.toml:3" == problem.field


@pytest.mark.parametrize("link", ["#tytuł", "#tytu%C5%82", "/żółw/", "kurs"])
def test_a_link_is_found_as_it_was_written(folder: Path, link: str) -> None:
    """With letters of any language, and not as a part of some other word."""
    (folder / "shop.toml").write_text("# kursy, kurs i /żółw/ów\n", "utf-8")
    file = folder / "pages" / "index.md"
    file.write_text(file.read_text("utf-8") + f"\nZobacz [to]({link}).\n", "utf-8")

    assert {f"pages/index.md:{len(file.read_text('utf-8').splitlines())}"} == {
        each.field for each in found(folder)
    }
