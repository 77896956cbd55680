from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from kramik.catalogue import Catalogue, LegalKind, fingerprint, read
from kramik.consents import DEFAULTS
from kramik.errors import Problem
from kramik.money import Money
from kramik.offer import Conditions, Offer
from kramik.payment import PaymentRequest
from kramik.site.pages import MESSAGES, Pages
from kramik.site.source import PayWay
from tests.site.dom import Element, parse
from tests.site.world import example, texts

SLUG = "agregaty-w-praktyce"
NASTY = (
    '"><script>alert(1)</script>',
    "{{7*7}}",
    "{0.__class__}",
    "{% raw %}",
    "'><img src=x onerror=alert(1)>",
    "ż\u202e",
)
FIELDS = {
    "product": "hidden",
    "lang": "hidden",
    "price_shown": "hidden",
    "words_shown": "hidden",
    "catalogue": "hidden",
    "idempotency_key": "hidden",
    "source": "hidden",
    "email": "email",
    "name": "text",
    "company": "text",
    "tax_id": "text",
    "street": "text",
    "postal_code": "text",
    "city": "text",
    "bookmark": "text",
    "consent_terms": "checkbox",
    "consent_immediate": "checkbox",
    "consent_marketing": "checkbox",
}


def problem(field: str, code: str, message: str = "sentence of the API") -> Problem:
    """Make a problem."""
    return Problem(field=field, code=code, message=message)


def order_page(*problems: Problem, lang: str = "pl", product: str = SLUG, **values: str) -> Element:
    """Return the order page that the API would answer with."""
    return parse(Pages(example()).order_form(product, lang, values, problems))


def value(page: Element, name: str) -> str:
    """Return the value of a field."""
    return page.one("input", name=name).attrs["value"]


def test_every_field() -> None:
    """The form posts to the API and holds every field, each with its type written out."""
    form = order_page().one("form")

    assert ("post", "https://api.kurs.example/api/orders") == (form.attrs["method"], form.attrs["action"])
    assert {each.attrs["name"]: each.attrs["type"] for each in form.all("input")} == FIELDS


def test_what_the_server_compares() -> None:
    """Product, language, price and catalogue are those of the page; the key is left to the script."""
    page = order_page(lang="en")
    expected = (SLUG, "en", "299.00 PLN", fingerprint(example().catalogue.products[SLUG]), "")

    assert expected == tuple(
        value(page, name) for name in ("product", "lang", "price_shown", "catalogue", "idempotency_key")
    )


@pytest.mark.parametrize(
    ("lang", "label"), [("pl", "Zamawiam z obowiązkiem zapłaty"), ("en", "Order with obligation to pay")]
)
def test_the_button_says_that_it_costs(lang: str, label: str) -> None:
    """The words on the button are the lawful ones, and the same words are sent."""
    button = order_page(lang=lang).one("button", type="submit", name="button")

    assert (label, label) == (button.text, button.attrs["value"])


@pytest.mark.parametrize("lang", ["pl", "en"])
@pytest.mark.parametrize("name", ["terms", "immediate", "marketing"])
def test_consents_show_the_text_whose_hash_is_stored(lang: str, name: str) -> None:
    """The label is the consent text to the letter, and its box is not ticked."""
    page = order_page(lang=lang)
    label = page.one("label", **{"for": f"consent_{name}"}).text
    box = page.one("input", name=f"consent_{name}")

    assert DEFAULTS[name].texts[lang] == label
    assert sha256(label.encode()).digest() == sha256(DEFAULTS[name].texts[lang].encode()).digest()
    assert "checked" not in box.attrs
    assert (name != "marketing") == ("required" in box.attrs)


@pytest.mark.parametrize("lang", ["pl", "en"])
@pytest.mark.parametrize("kind", ["service", "event"])
def test_a_service_and_an_event_have_words_of_their_own(kind: LegalKind, lang: str) -> None:
    """Each loses the right of withdrawal in another way, and the box says which."""
    files = texts("products")
    files[f"{SLUG}.md"] = files[f"{SLUG}.md"].replace("legal_kind: content", f"legal_kind: {kind}")
    source = example(catalogue=read(files, lang="pl"))
    page = parse(Pages(source).order_form(SLUG, lang, {}, ()))
    here = parse(Pages(source, api=False, abroad=True).embedded(source.catalogue.products[SLUG], lang))

    said = [each.one("label", **{"for": "consent_immediate"}).text for each in (page, here)]
    assert [DEFAULTS[f"immediate_{kind}"].texts[lang]] * 2 == said


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize(
    "name", ["email", "name", "company", "tax_id", "street", "postal_code", "city", "source"]
)
def test_values_are_kept_as_typed(name: str, text: str) -> None:
    """What a stranger typed comes back as a value and is nothing else."""
    page = order_page(problem("email", "missing"), **{name: text})

    assert text == value(page, name)
    assert [] == page.all("img")
    assert 1 == len(page.all("script"))


@pytest.mark.parametrize("text", NASTY)
def test_problems_of_the_api_are_shown_as_text(text: str) -> None:
    """A code without words of ours shows the sentence of the API, to the letter."""
    page = order_page(problem("email", "some_new_code", text), problem(text, "missing"))

    assert text in page.one(role="alert").text
    assert [] == page.all("img")


def test_ticked_boxes_stay_ticked_and_the_key_is_dropped() -> None:
    """After an error a box that the buyer ticked is ticked; the key of the refused try and the trap are empty."""
    page = order_page(problem("name", "missing"), consent_terms="yes", idempotency_key="k", bookmark="spam")

    assert "checked" in page.one("input", name="consent_terms").attrs
    assert "checked" not in page.one("input", name="consent_immediate").attrs
    assert ("", "") == (value(page, "idempotency_key"), value(page, "bookmark"))


def test_the_summary_leads_to_the_fields() -> None:
    """Each remark links to its field, in the order of the form, and the summary can take the focus."""
    page = order_page(problem("consent_terms", "consent_missing"), problem("email", "invalid_email"))
    summary = page.one("div", role="alert", tabindex="-1")

    assert "autofocus" in summary.attrs
    assert ["#email", "#consent_terms"] == [link.attrs["href"] for link in summary.all("a")]
    assert page.one("title").text.startswith("Błąd: ")


def test_a_wrong_field_is_tied_to_its_remark() -> None:
    """The field is marked invalid and described by its hint and by the remark, whose words stand in the summary too."""
    page = order_page(problem("email", "invalid_email"), lang="en")
    field = page.one("input", name="email")

    assert ("true", "email-hint email-wrong") == (
        field.attrs["aria-invalid"],
        field.attrs["aria-describedby"],
    )
    assert page.one("p", id="email-wrong").text == page.one(role="alert").one("a").text
    assert page.one("title").text.startswith("Error: ")


def test_a_page_without_problems_marks_nothing() -> None:
    """Without problems there is no summary, no mark and no prefix."""
    page = order_page()

    assert [] == page.all(role="alert") + [each for each in page if "aria-invalid" in each.attrs]
    assert page.one("title").text.startswith("Zamówienie: Agregaty w praktyce")


def test_the_invoice_unfolds_when_it_matters() -> None:
    """The invoice is folded until it holds something or something in it is wrong."""
    folded = [order_page(), order_page(company="Firma"), order_page(problem("tax_id", "invalid_tax_id"))]

    assert [False, True, True] == ["open" in page.one("details").attrs for page in folded]


def test_a_changed_price_is_shown_and_sent_anew() -> None:
    """The page says that the price changed, shows the new one, and sends the new one when confirmed."""
    page = order_page(problem("price_shown", "price_changed"), price_shown="199.00 PLN")

    assert "299.00 PLN" == value(page, "price_shown")
    assert "299,00\N{NO-BREAK SPACE}zł" == page.one("strong", id="price").text
    assert "#price" == page.one(role="alert").one("a").attrs["href"]


def test_a_price_that_the_buyers_own_code_changed_is_called_that() -> None:
    """Nobody reads that the price changed whose own code changed it."""
    costs = Offer(price=Money(minor=14_950, currency="PLN"), coupon="HALF")
    changed = [problem("price_shown", "price_changed")]
    page = Pages(example()).order_form(SLUG, "pl", {"coupon": "half"}, changed, offer=costs)

    assert "To cena z Twoim kodem." in parse(page).one(role="alert").text
    assert "#price" == parse(page).one(role="alert").one("a").attrs["href"]


def test_changed_words_are_to_be_agreed_to_anew() -> None:
    """The page says that the words changed, leads to the boxes, and ticks none of them for the buyer."""
    boxes = {"consent_terms": "yes", "consent_immediate": "yes", "consent_marketing": "yes"}
    kept = order_page(problem("price_shown", "price_changed"), **boxes)
    page = order_page(problem("words_shown", "words_changed"), **boxes, email="ola@example.org")

    assert 3 == len([each for each in kept.all("input", type="checkbox") if "checked" in each.attrs])
    assert [] == [each for each in page.all("input", type="checkbox") if "checked" in each.attrs]
    assert ("ola@example.org", "#consent_terms") == (
        value(page, "email"),
        page.one(role="alert").one("a").attrs["href"],
    )


def test_a_withdrawal_is_dated_by_the_clock_of_the_shop() -> None:
    """The buyer who withdrew at half past midnight in Warsaw reads that, not the evening before."""
    at = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    stated = {"name": "Ola", "email": "ola@example.org"}
    here = Pages(example(zone=ZoneInfo("Europe/Warsaw"))).withdrawal(stated, (), "pl", at=at)
    anywhere = Pages(example()).withdrawal(stated, (), "pl", at=at)

    assert "26.11.2026, 00:30 (CET)" in parse(here).one("p", role="status").text
    assert "25.11.2026, 23:30 (UTC)" in parse(anywhere).one("p", role="status").text


def test_an_unknown_product_is_a_page_with_a_way_out() -> None:
    """A product that is not sold gets a page that leads to the shop, with no form."""
    page = order_page(problem("product", "unknown_product"), product='"><script>')

    assert "Nie ma takiego kursu" == page.one("h1").text
    assert [] == page.all("form") + page.all("script")


def test_an_unknown_language_gets_the_default() -> None:
    """A page is always answered, in the default language of the shop."""
    assert "pl" == order_page(lang="xx").one("html").attrs["lang"]


def abroad(lang: str, **values: str) -> Element:
    """Return the order page of a shop that sells to three countries."""
    sold = example(conditions=Conditions(countries=("DE", "PL", "AT")))
    return parse(Pages(sold).order_form(SLUG, lang, values, ()))


@pytest.mark.parametrize(
    ("lang", "values", "chosen", "names"),
    [
        ("pl", {}, "PL", ["Wybierz kraj", "Austria", "Niemcy", "Polska"]),
        ("pl", {"country": "AT"}, "AT", ["Wybierz kraj", "Austria", "Niemcy", "Polska"]),
        ("en", {}, "", ["Choose a country", "Austria", "Germany", "Poland"]),
        ("en", {"country": "FR"}, "", ["Choose a country", "Austria", "Germany", "Poland"]),
    ],
)
def test_a_shop_that_sells_abroad_asks_where(
    lang: str, values: dict[str, str], chosen: str, names: list[str]
) -> None:
    """The language of the page suggests a country; where it suggests none, the buyer has to choose."""
    choice = abroad(lang, **values).one("select", name="country")
    options = choice.all("option")

    assert ("country", "") == (choice.attrs["autocomplete"], choice.attrs["required"])
    assert names == [option.text for option in options]
    assert chosen == next(
        (each.attrs["value"] for each in options if "selected" in each.attrs), options[0].attrs["value"]
    )


def test_a_shop_at_home_asks_for_no_country() -> None:
    """Two fields are fewer than three."""
    assert [] == order_page().all("select")


def test_gateways_are_a_choice_only_when_there_are_several() -> None:
    """With two gateways the first is chosen, until the buyer chose the other."""
    ways = tuple(PayWay(gateway=name, title=name) for name in ("imoje", "sandbox"))
    several = Pages(example(pay_ways=ways))
    pages = [
        parse(several.order_form(SLUG, "pl", chosen, ()))
        for chosen in ({}, {"payment": "sandbox"}, {"payment": "x"})
    ]
    chosen = [
        [each.attrs["value"] for each in page.all("input", name="payment") if "checked" in each.attrs]
        for page in pages
    ]

    assert [["imoje"], ["sandbox"], ["imoje"]] == chosen
    assert [] == order_page().all("input", name="payment")


def test_free_of_markup_from_the_catalogue() -> None:
    """A title with markup is text on every page that shows it."""
    product = example().catalogue.products[SLUG]
    words = {"pl": type(product.words["pl"])(title="<i>{0}</i>", summary='"&')}
    nasty = type(product)(slug=SLUG, lang="pl", words=words, price=Money(minor=1, currency="PLN"), course="c")
    source = example(catalogue=Catalogue(products={SLUG: nasty}, hash="h"))
    pages = Pages(source)

    for page in (pages.order_form(SLUG, "pl", {}, ()), pages.sales(nasty, "pl"), pages.shop("pl")):
        assert [] == parse(page).all("i")


def test_pages_of_another_origin_link_to_the_site_in_full() -> None:
    """A page that the API answers on its own origin loads style and scripts from the site."""
    page = order_page()

    assert page.one("link", rel="stylesheet").attrs["href"].startswith("https://kurs.example/assets/kramik.")
    assert page.one("script").attrs["src"].startswith("https://kurs.example/assets/course-order.")


def test_the_payment_form_carries_every_field() -> None:
    """A POST gateway gets its fields, escaped, behind a button that works by itself."""
    request = PaymentRequest(
        method="POST", url="https://pay.example/start", fields={"a": '"><b>', "signature": "x;sha256"}
    )
    page = parse(Pages(example()).payment_form(request, "pl"))
    form = page.one("form", action="https://pay.example/start", method="post")

    assert dict(request.fields) == {each.attrs["name"]: each.attrs["value"] for each in form.all("input")}
    assert "Przejdź do płatności" == form.one("button", type="submit").text


def test_the_payment_link_keeps_its_query() -> None:
    """A GET gateway gets a link, since a form would drop the query of its address."""
    request = PaymentRequest(method="GET", url="https://pay.example/start?a=1&sig=2")
    page = parse(Pages(example()).payment_form(request, "en"))

    assert [] == page.all("form")
    assert [request.url] == [each.attrs["href"] for each in page.all("a", **{"class": "button"})]


@pytest.mark.parametrize("lang", ["pl", "en"])
@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_messages(name: str, lang: str) -> None:
    """Every message is a page in its language with a heading, a sentence and a way back to the shop."""
    page = parse(Pages(example()).message(name, lang))

    assert lang == page.one("html").attrs["lang"]
    assert "" != page.one("h1").text
    assert [f"https://kurs.example{'/en' if lang == 'en' else ''}/"] == [
        each.attrs["href"] for each in page.all("a", **{"class": "button"})
    ]


def test_an_unknown_message_is_answered() -> None:
    """A name without words gets the page that says that we did not understand."""
    assert Pages(example()).message("nonsense", "pl") == Pages(example()).message("bad_request", "pl")


@pytest.mark.parametrize(
    ("at", "said", "sells"),
    [
        ("2026-11-30T12:00:00+00:00", "Sprzedaż od 1.12.2026", True),
        ("2026-12-02T12:00:00+00:00", "Sprzedaż do 8.12.2026", True),
        ("2026-12-09T12:00:00+00:00", "Sprzedaż zakończyła się 8.12.2026", False),
    ],
)
def test_pages_tell_of_the_window_as_it_is(at: str, said: str, *, sells: bool) -> None:
    """Before it, in it, after it; what is over has no button and no form, what is to come has them already."""
    product = replace(
        example().catalogue.products[SLUG],
        opens=datetime(2026, 12, 1, 9, tzinfo=UTC),
        closes=datetime(2026, 12, 8, 21, tzinfo=UTC),
    )
    shop = example(catalogue=Catalogue(products={SLUG: product}, hash=""), now=datetime.fromisoformat(at))
    pages = Pages(shop)
    sales, order = parse(pages.sales(product, "pl")), parse(pages.order_form(SLUG, "pl", {}, ()))
    buttons = [each for each in sales.all("a") if each.attrs.get("href", "").endswith(f"/{SLUG}/order/")]

    windows = [page.all("p", **{"class": "window"})[0].text for page in (sales, order)]
    assert {said} == {window.replace("\N{NO-BREAK SPACE}", " ")[: len(said)] for window in windows}
    assert (4 if sells else 0, sells) == (len(buttons), bool(order.all("form")))


def test_who_orders_after_the_end_is_told_in_the_form() -> None:
    """The page that comes back keeps what was typed, and says why it can not be sold."""
    product = replace(example().catalogue.products[SLUG], closes=datetime(2020, 1, 1, tzinfo=UTC))
    pages = Pages(example(catalogue=Catalogue(products={SLUG: product}, hash="")))
    page = parse(pages.order_form(SLUG, "pl", {"name": "Anna"}, [problem("product", "not_on_sale")]))

    assert "Anna" == value(page, "name")
    assert "nie można teraz kupić" in page.one("div", id="remarks").text
