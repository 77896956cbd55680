from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik.errors import Rejected
from kramik.form import decode_form, decode_json, read_draft, read_email

GOOD = {"product": "course", "email": "jan@example.org", "name": "Jan", "consent_terms": "yes"}
TEXTS = st.dictionaries(
    st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), max_size=20
)


def codes(fields: dict[str, str], key: str = "") -> list[tuple[str, str]]:
    """Return field and code of every problem."""
    _, problems = read_draft(fields, key=key)
    return [(each.field, each.code) for each in problems]


@given(fields=TEXTS)
def test_a_form_and_json_carry_the_same(fields: dict[str, str]) -> None:
    """What is sent comes out, either way."""
    assert fields == decode_form(urlencode(fields).encode())
    assert fields == decode_json(json.dumps(fields).encode())


@given(body=st.binary(max_size=200))
def test_any_bytes_become_fields_or_problems(body: bytes) -> None:
    """Nothing but `Rejected` comes out of the edge."""
    for decode in (decode_form, decode_json):
        with suppress(Rejected):
            assert all(isinstance(each, str) for pair in decode(body).items() for each in pair)


@given(
    fields=st.dictionaries(st.sampled_from([*GOOD, "tax_id", "company", "street"]), st.text()), key=st.text()
)
def test_any_texts_become_a_draft_and_problems(fields: dict[str, str], key: str) -> None:
    """Lone surrogates and control characters, too; whatever has no problem is clean."""
    draft, problems = read_draft(fields, key=key)
    if not problems:
        draft.buyer.name.encode()
        assert draft.buyer.name.isprintable()
        assert draft.key == draft.key.strip()


def test_truth_values_are_boxes() -> None:
    """A program may say true where a form says yes."""
    draft, problems = read_draft(
        decode_json(json.dumps(GOOD | {"consent_terms": True, "consent_marketing": False}).encode())
    )
    assert (("terms",), []) == (draft.consents, problems)


@pytest.mark.parametrize(
    "body", [b"a=1&a=2", b"&".join(b"f%d=1" % number for number in range(61)), b"a=%ff", b"\xff=1"]
)
def test_a_doubtful_form_is_refused(body: bytes) -> None:
    """A field that comes twice, too many fields, or no UTF-8."""
    with pytest.raises(Rejected):
        decode_form(body)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b'{"a": null}', b'{"a": [1]}', b'{"a": "\\ud800"}', b"[" * 50_000]
)
def test_doubtful_json_is_refused(body: bytes) -> None:
    """Anything but one object of texts and truth values."""
    with pytest.raises(Rejected):
        decode_json(body)


def test_every_problem_is_found_at_once() -> None:
    """Not only the first one."""
    fields = {"email": "jan@", "name": "", "company": "Firma", "tax_id": "1", "consent_terms": "perhaps"}
    expected = {
        ("email", "invalid_email"),
        ("name", "missing"),
        ("product", "missing"),
        ("tax_id", "invalid_tax_id"),
        ("consent_terms", "wrong_type"),
    }
    assert expected == set(codes(fields))


@pytest.mark.parametrize(
    "email",
    [
        "jan@example.org",
        "zofia.żak@przykład.pl",
        "jan+kurs@example.org",
        "o'neil@example.org",
        "jan@sub.example.co.uk",
    ],
)
def test_a_real_address_is_taken_as_it_is(email: str) -> None:
    """In other scripts and with odd signs, too."""
    assert email == read_email(email)


@pytest.mark.parametrize(
    "email",
    ["", "jan", "jan@", "@example.org", "jan@@example.org",
     "jan@example..org", "jan@exa mple.org", "a" * 255 + "@b.pl",
     "jan@example.org\nBcc: x@example.org", "jan@example.org,x@example.org", "<jan@example.org>", "jan@[127.0.0.1]",
     "jan@-example.org", "jan@example.org\x00",
     ".jan@example.org", "jan.@example.org", "\ud800@example.org", "jan@1.2.3.4"],
)  # fmt: skip
def test_what_is_no_address_is_nothing(email: str) -> None:
    """Nothing is sent where nobody lives, and nothing gets into a header."""
    assert "" == read_email(email)


def test_a_key_of_the_header_and_one_of_the_form_must_agree() -> None:
    """Nobody can tell which one is meant."""
    assert [] == codes(GOOD | {"idempotency_key": "a"}, "a")
    assert [("idempotency_key", "conflict")] == codes(GOOD | {"idempotency_key": "a"}, "b")


@pytest.mark.parametrize(
    ("written", "kept", "country"),
    [
        ("526-000-12-46", "5260001246", "PL"),
        ("PL 526 000 12 46", "5260001246", "PL"),
        ("pl5260001246", "5260001246", "PL"),
        ("DE 123456789", "DE 123456789", "DE"),
        ("atu12345678", "atu12345678", "AT"),
        ("EL123456789", "EL123456789", "GR"),
    ],
)
def test_a_tax_id_says_its_country(written: str, kept: str, country: str) -> None:
    """A VAT number begins with the letters of its country, and only a Polish one is checked."""
    draft, problems = read_draft(GOOD | {"company": "Firma", "tax_id": written})

    assert [] == problems
    assert draft.buyer.invoice is not None
    assert (kept, country) == (draft.buyer.invoice.tax_id, draft.buyer.invoice.country)


@pytest.mark.parametrize(
    ("country", "written", "problems", "kept"),
    [
        ("", "526-000-12-46", [], "PL"),
        ("pl", "526-000-12-46", [], "PL"),
        ("us", "12-3456789", [], "US"),
        ("PL", "12-3456789", [("tax_id", "invalid_tax_id")], "PL"),
        ("AT", "DE123456789", [], "DE"),
        ("de", "PL5260001246", [], "PL"),
    ],
)
def test_a_buyer_and_a_company_each_have_a_country(
    country: str, written: str, problems: list[tuple[str, str]], kept: str
) -> None:
    """A company stands where the letters of its number say, else where its buyer lives."""
    draft, found = read_draft(GOOD | {"company": "Firma", "tax_id": written, "country": country})

    assert problems == [(problem.field, problem.code) for problem in found]
    assert draft.buyer.invoice is not None
    assert (country.upper(), kept) == (draft.buyer.country, draft.buyer.invoice.country)


@pytest.mark.parametrize("written", ["123", "PL 123", "526-000-12-47", "D123456789"])
def test_what_is_no_tax_id(written: str) -> None:
    """Without the letters of another country the sum of the NIP has to fit."""
    assert [("tax_id", "invalid_tax_id")] == codes(GOOD | {"company": "Firma", "tax_id": written})


def test_a_note_of_a_link_keeps_nobody_from_ordering() -> None:
    """Where a buyer comes from is cut and cleaned: they can not see it, and could not mend it."""
    draft, problems = read_draft(GOOD | {"source": " news\x00letter\n" + "x" * 500})
    assert ([], "newsletter" + "x" * 190) == (problems, draft.source)
