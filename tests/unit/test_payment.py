from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kramik.errors import ConfigurationError
from kramik.payment import Keys, Purpose, same, sign

PURPOSES: tuple[Purpose, ...] = ("order", "status", "access", "sandbox")
IDS = st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True)


@pytest.mark.parametrize("secrets", [(), ("",), ("new", ""), (" ",), ("\n",)])
def test_an_empty_key_is_refused(secrets: tuple[str, ...]) -> None:
    """An empty key signs for everybody; so does one of blanks."""
    with pytest.raises(ConfigurationError, match="empty"):
        Keys(*secrets)


def test_keys_do_not_show_themselves() -> None:
    """What is printed by mistake says nothing."""
    assert "hunter2" not in repr(Keys("hunter2", "hunter1"))


def test_a_signature_is_an_hmac_of_the_bytes() -> None:
    """The algorithm is ours and known."""
    assert hmac.new(b"key", b"message", sha256).digest() == sign(b"key", b"message")


def test_equal_signatures_are_the_same_and_others_are_not() -> None:
    """Also when one is the beginning of the other, or empty."""
    assert [same(b"abc", given) for given in (b"abc", b"abd", b"ab", b"")] == [True, False, False, False]


@given(text=IDS)
def test_a_token_is_read_as_it_was_made(text: str) -> None:
    """The text of an honest token comes back."""
    keys = Keys("secret")
    assert text == keys.read_token("access", keys.token("access", text))


@pytest.mark.parametrize("made", PURPOSES)
@pytest.mark.parametrize("used", PURPOSES)
def test_a_token_serves_one_purpose(made: Purpose, used: Purpose) -> None:
    """A status key opens no course, and a course link signs no order."""
    keys = Keys("secret")
    signature = keys.sign(made, b"order-1")
    assert (made == used) is keys.verify(used, b"order-1", signature)
    assert (made == used) is keys.holds(used, "order-1", keys.proof(made, "order-1"))
    assert (made == used) is (keys.read_token(used, keys.token(made, "order-1")) == "order-1")


def test_keys_rotate() -> None:
    """The first key signs and all verify; a key that was taken away verifies no more."""
    old, both, new = Keys("old"), Keys("new", "old"), Keys("new")
    token = old.token("access", "order-1")
    assert [keys.read_token("access", token) for keys in (old, both, new)] == ["order-1", "order-1", None]
    assert new.token("access", "order-1") == both.token("access", "order-1")
    assert [keys.verify("status", b"m", old.sign("status", b"m")) for keys in (old, both, new)] == [
        True,
        True,
        False,
    ]


def test_ids_follow_the_key_rotation() -> None:
    """The id that each key gives, the newest first, so that an old order is found again."""
    assert (*Keys("new").ids("key/1"), *Keys("old").ids("key/1")) == Keys("new", "old").ids("key/1")


@given(texts=st.sets(st.text(max_size=20), min_size=2, max_size=20))
def test_ids_are_long_and_speakable_and_differ(texts: set[str]) -> None:
    """26 characters of an alphabet without look-alikes, for any text."""
    ids = {Keys("secret").ids(text)[0] for text in texts}
    assert len(texts) == len(ids)
    assert all(len(each) == 26 and not set(each) - set("0123456789abcdefghjkmnpqrstvwxyz") for each in ids)


@given(token=st.text(st.characters(), max_size=60))
def test_a_made_up_token_opens_nothing(token: str) -> None:
    """Any text, also one that is no valid Unicode, is answered with nothing and never with an error."""
    assert None is Keys("secret").read_token("access", token)


@pytest.mark.parametrize("text", ["\ud800", "\udcff.\udcff", ".", "..", "ü.ü", "order-1", "order-1.", ".abc"])
def test_a_broken_token_opens_nothing(text: str) -> None:
    """A bug once answered a lone surrogate with an error instead of a no."""
    keys = Keys("secret")
    assert (keys.read_token("access", text), keys.holds("status", text, text)) == (None, False)


@given(place=st.integers(0, 200), bit=st.integers(0, 6))
def test_a_token_with_one_bit_changed_opens_nothing(place: int, bit: int) -> None:
    """Every bit of text and signature counts."""
    token = bytearray(Keys("secret").token("access", "order-1").encode())
    token[place % len(token)] ^= 1 << bit
    assert None is Keys("secret").read_token("access", token.decode())
