"""Plain mail, judged by what a real mail server on loopback received."""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kramik.errors import (
    ConfigurationError,
    KramikError,
    NeedsOperator,
    OutcomeUnknown,
    Rejected,
    Transient,
)
from kramik.mail import access_mail
from kramik.mailers.smtp import NOTHING, Settings, SmtpPost
from kramik.mailers.smtp.letter import LONGEST, letter
from kramik.ports import Delivery, File, Mail
from tests.adapters.smtp_server import LOGIN, Behaviour, MailServer, listening, made_certificate
from tests.story.example import NOON, a_paid_order, an_order

MAIL = Mail(
    to="anna@example.com",
    subject="Twój dostęp: „Żółw”",
    text="Cześć,\n\n.kropka na początku\nhttps://kurs.example/access/1\n",
    html='<p>Cześć <a href="https://kurs.example/access/1">tu</a></p>\n',
    key="order-1/access",
)
SENDER = Address("Akademia Agregatów", "kurs", "akademia.example")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine."""
    return made_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: Path) -> Iterator[MailServer]:
    """An open mail server."""
    with listening(certificate) as running:
        yield running


def a_post(server: MailServer, *, seconds: float = 5, **changes: object) -> SmtpPost:
    """Return our account at this server."""
    settings = Settings(
        host="127.0.0.1", port=server.port, sender="Akademia Agregatów <kurs@akademia.example>", tls="none"
    )
    return SmtpPost(replace(settings, **changes), call_seconds=seconds, now=lambda: NOON)


def only(server: MailServer) -> EmailMessage:
    """Return the one mail that arrived."""
    assert 1 == len(server.mails)
    return server.mails[0].message


def part(message: EmailMessage, kind: str) -> str:
    """Return the text of one part."""
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    """Text and HTML, from us, to the buyer alone, with a date, an id and the mark of a machine."""
    receipt = a_post(server).send(MAIL)
    message = only(server)
    assert (MAIL.text, MAIL.html) == (part(message, "plain"), part(message, "html"))
    assert ("kurs@akademia.example", ["anna@example.com"]) == (server.mails[0].sender, server.mails[0].to)
    assert (MAIL.subject, "Akademia Agregatów <kurs@akademia.example>") == (
        message["subject"],
        message["from"],
    )
    assert (receipt, "auto-generated") == (message["message-id"], message["auto-submitted"])
    assert NOON == message["date"].datetime
    assert server.mails[0].raw.isascii()
    assert all(len(line) <= 998 for line in server.mails[0].raw.splitlines())


def test_the_same_key_has_the_same_id(server: MailServer) -> None:
    """So that a mail program can tell a repeat; another purpose is another mail."""
    post = a_post(server)
    first, again, other = (
        post.send(MAIL),
        post.send(replace(MAIL, text="x")),
        post.send(replace(MAIL, key="order-1/again")),
    )
    assert first == again != other


def test_what_is_to_be_kept_goes_along(server: MailServer) -> None:
    """A file has a name and its text."""
    a_post(server).send(replace(MAIL, files=(File(name="regulamin.txt", text="§ 1. Żółw\n"),)))
    kept = list(only(server).iter_attachments())
    assert [("regulamin.txt", "§ 1. Żółw\n")] == [
        (each.get_filename(), each.get_content().replace("\r\n", "\n")) for each in kept
    ]


def test_the_sequence_is_the_access_mail(server: MailServer) -> None:
    """Without a mailing tool the buyer has one mail with the link, and the purchase says that nothing keeps it."""
    post = a_post(server)
    delivery = Delivery(order=a_paid_order(), access_link="https://kurs.example/access/1")
    assert (NOTHING, "set") == (post.purchase.do(delivery), post.purchase.repeat)
    receipt = post.sequence.do(delivery)
    message = only(server)
    assert ("unsafe", f"by mail {message['message-id']}") == (post.sequence.repeat, receipt)
    assert delivery.access_link in part(message, "plain")
    assert f'href="{delivery.access_link}"' in part(message, "html")


# Encryption and login


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_what_is_sent_is_encrypted(certificate: Path, tls: str) -> None:
    """Both ways to TLS, with a login inside of it."""
    with listening(certificate, Behaviour(tls=tls)) as server:
        user, password = LOGIN
        post = a_post(server, tls=tls, ca_file=str(certificate), user=user, password=password)
        post.send(MAIL)
        assert [True] == [mail.encrypted for mail in server.mails]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_nobody_signed_is_refused(certificate: Path, tls: str) -> None:
    """Nobody in between gets the login or the mail."""
    with listening(certificate, Behaviour(tls=tls)) as server:
        with pytest.raises(NeedsOperator, match="certificate"):
            a_post(server, tls=tls, user=LOGIN[0], password=LOGIN[1]).send(MAIL)
        assert (False, []) == ("AUTH" in server.words, server.mails)


def test_a_server_without_starttls_gets_nothing(server: MailServer) -> None:
    """Whoever strips the offer from the answer learns neither login nor mail."""
    with pytest.raises(NeedsOperator, match="does not offer"):
        a_post(server, tls="starttls", user=LOGIN[0], password=LOGIN[1]).send(MAIL)
    assert (False, []) == ("AUTH" in server.words, server.mails)


def test_a_wrong_password_is_a_persons_to_mend_and_is_shown_nowhere(server: MailServer) -> None:
    """The server repeats what it was told; the error does not."""
    with pytest.raises(NeedsOperator) as caught:
        a_post(server, user=LOGIN[0], password="another password").send(MAIL)
    said = str(caught.value)
    assert "check user and password" in said
    for secret in ("another password", "hanna", "AGhhbm5h"):
        assert secret not in said


@pytest.mark.parametrize("offers", ["AUTH PLAIN", "AUTH LOGIN", "AUTH PLAIN LOGIN"])
def test_no_way_to_log_in_shows_what_was_told(certificate: Path, offers: str) -> None:
    """Whichever way the server chose: what it repeats is masked, in every form in which it was told."""
    user, password = "hanna", "another password"
    told = [user, password, f"\0{user}\0{password}"]
    with listening(certificate, Behaviour(offers=(offers,))) as server:
        with pytest.raises(NeedsOperator) as caught:
            a_post(server, user=user, password=password).send(MAIL)
        for secret in (*told, *(b64encode(each.encode()).decode() for each in told)):
            assert secret not in str(caught.value)


def test_an_account_is_looked_at_without_a_mail(certificate: Path) -> None:
    """What `kramik check --live` does: it logs in and goes."""
    with listening(certificate, Behaviour(tls="starttls")) as server:
        right = {"tls": "starttls", "ca_file": str(certificate), "user": LOGIN[0]}
        good, bad = (a_post(server, password=each, **right) for each in (LOGIN[1], "another"))  # type: ignore[arg-type]  # none of them is the time
        assert [] == good.problems((), create=False)
        [wrong] = bad.problems((), create=False)
        assert ("check user and password" in wrong.message, []) == (True, server.mails)
        assert not {"MAIL", "RCPT", "DATA"} & {*server.words}


def test_a_server_that_is_away_can_not_be_looked_at(certificate: Path) -> None:
    """That is no problem of the settings."""
    with (
        listening(certificate, Behaviour(replies={"CONNECT": "421 later"})) as server,
        pytest.raises(Transient),
    ):
        a_post(server).problems((), create=False)


# What goes wrong


@pytest.mark.parametrize("word", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"])
def test_come_again_later(certificate: Path, word: str) -> None:
    """A 4xx at any point means that nothing was taken."""
    replies = {word: "451 greylisted", "HELO": "451 greylisted"}
    with listening(certificate, Behaviour(replies=replies)) as server:
        with pytest.raises(Transient, match="451"):
            a_post(server).send(MAIL)
        assert [] == server.mails


@pytest.mark.parametrize("word", ["CONNECT", "MAIL", "RCPT", "DATA", "BODY"])
def test_never(certificate: Path, word: str) -> None:
    """A 5xx at any point is for a person, with the server's words and without an address."""
    with listening(certificate, Behaviour(replies={word: "550 no <anna@example.com> here"})) as server:
        with pytest.raises(Rejected, match=r"550 no <…@…> here"):
            a_post(server).send(MAIL)
        assert [] == server.mails


@pytest.mark.parametrize("word", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_line_that_is_lost_before_the_mail_sent_nothing(certificate: Path, word: str) -> None:
    """It can be tried again."""
    with listening(certificate, Behaviour(cut=word)) as server:
        with pytest.raises(Transient):
            a_post(server).send(MAIL)
        assert [] == server.mails


@pytest.mark.parametrize(("behaviour", "arrived"), [(Behaviour(lost="BODY"), 1), (Behaviour(cut="BODY"), 0)])
def test_a_line_that_is_lost_after_the_mail_is_unknown(
    certificate: Path, behaviour: Behaviour, arrived: int
) -> None:
    """It may have arrived or not: neither a failure nor a success."""
    with listening(certificate, behaviour) as server:
        with pytest.raises(OutcomeUnknown):
            a_post(server).send(MAIL)
        assert arrived == len(server.mails)


@pytest.mark.parametrize("reply", ["2what?", "", "250ok", "999 taken", "٢٥٠ taken"])
def test_nonsense_after_the_mail_is_unknown(certificate: Path, reply: str) -> None:
    """An answer that nobody can read decides nothing."""
    with (
        listening(certificate, Behaviour(replies={"BODY": reply})) as server,
        pytest.raises(OutcomeUnknown),
    ):
        a_post(server).send(MAIL)


@pytest.mark.parametrize(
    ("word", "error"), [("CONNECT", Transient), ("RCPT", Transient), ("BODY", OutcomeUnknown)]
)
def test_a_server_that_drips_is_cut_off(certificate: Path, word: str, error: type[KramikError]) -> None:
    """One byte every now and then meets no time-out of a socket, but the deadline of the call."""
    with listening(certificate, Behaviour(drips=word)) as server:
        begun = time.monotonic()
        with pytest.raises(error):
            a_post(server, seconds=0.5).send(MAIL)
        assert time.monotonic() - begun < 3


def test_a_server_that_drips_inside_tls_is_cut_off(certificate: Path) -> None:
    """STARTTLS puts another socket in the place of the first: the deadline holds for it, too."""
    with listening(certificate, Behaviour(drips="RCPT", tls="starttls")) as server:
        begun = time.monotonic()
        with pytest.raises(Transient):
            a_post(server, seconds=0.8, tls="starttls", ca_file=str(certificate)).send(MAIL)
        assert time.monotonic() - begun < 4


def test_nobody_there() -> None:
    """A port where nobody listens: nothing was sent."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = Settings(host="127.0.0.1", port=free.getsockname()[1], sender="a@b.example", tls="none")
        with pytest.raises(Transient):
            SmtpPost(settings, call_seconds=1).send(MAIL)


# Headers


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\0"])
def test_nothing_typed_begins_a_header(server: MailServer, end: str) -> None:
    """A title or a name with a line end is one line; nobody else gets the mail."""
    title = f"Kurs{end}Bcc: eve@example.com{end}{end}<script>"
    order = an_order()
    order = replace(order, intent=replace(order.intent, title=title))
    a_post(server).send(access_mail(order, "https://x", key="k"))
    message = only(server)
    assert (["anna@example.com"], None) == (server.mails[0].to, message["bcc"])
    assert "Kurs Bcc: eve@example.com <script>" in message["subject"]
    assert "<script>" not in part(message, "html")


@given(st.text(max_size=400), st.text(max_size=40))
def test_any_title_is_one_header(title: str, name: str) -> None:
    """Whatever Unicode has to offer: the headers are those that we wrote, in lines that every server takes."""
    clean = title.encode("utf-8", "ignore").decode()
    mail = replace(MAIL, subject=clean, files=(File(name=name.encode("utf-8", "ignore").decode(), text="x"),))
    written = letter(mail, SENDER, now=NOON)
    head = written.content.partition(b"\r\n\r\n")[0]
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in b" \t"}
    ours = b"from to subject date message-id auto-submitted mime-version content-type".split()
    assert {*ours} == names
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert b"\n" not in head.replace(b"\r\n", b"")


def test_a_subject_that_turns_around_is_straightened(server: MailServer) -> None:
    """Signs that turn the direction of writing are left out; Arabic and Hebrew stay as they are."""
    a_post(server).send(replace(MAIL, subject="\u202efdp.exe\u202c שלום"))
    assert "fdp.exe שלום" == only(server)["subject"]


def test_a_very_long_title_is_cut(server: MailServer) -> None:
    """A subject has an end."""
    a_post(server).send(replace(MAIL, subject="ż" * 5000))
    assert LONGEST == len(only(server)["subject"])


def test_an_international_domain_is_told_in_ascii(server: MailServer) -> None:
    """`faß.example` is not `fass.example`: the newer of the two ways to write it is the right one."""
    a_post(server).send(replace(MAIL, to="anna@faß.example"))
    assert ["anna@xn--fa-hia.example"] == server.mails[0].to
    assert "SMTPUTF8" not in server.mails[0].options


def test_letters_beyond_ascii_before_the_at(server: MailServer) -> None:
    """Only a server that offers SMTPUTF8 is told of them."""
    a_post(server).send(replace(MAIL, to="żółw@example.com"))
    assert (["żółw@example.com"], True) == (server.mails[0].to, "SMTPUTF8" in server.mails[0].options)


def test_a_server_without_smtputf8(certificate: Path) -> None:
    """It can not mail there, and the seller is told to ask for another address."""
    with listening(certificate, Behaviour(offers=())) as server:
        with pytest.raises(Rejected, match="another address"):
            a_post(server).send(replace(MAIL, to="żółw@example.com"))
        assert [] == server.mails


@pytest.mark.parametrize(
    "to", ["", "anna", "anna@", "a b@example.com", "anna@example.com\r\nRCPT TO:<eve@x>"]
)
def test_what_is_no_address_goes_nowhere(server: MailServer, to: str) -> None:
    """Nothing is told to the server."""
    with pytest.raises(Rejected):
        a_post(server).send(replace(MAIL, to=to))
    assert [] == server.words


# Settings


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sender": "nobody"}, "from"),
        ({"sender": "A <a@b.example>, B <b@b.example>"}, "from"),
        ({"host": "mail.example"}, "tls"),
        ({"host": "192.168.1.9"}, "tls"),
        ({"user": "hanna"}, "user"),
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
        ({"ca_file": __file__}, "ca_file"),
    ],
)
def test_what_is_set_wrongly_is_said_at_once(server: MailServer, changes: dict[str, str], word: str) -> None:
    """Before the first mail, by `kramik check`."""
    with pytest.raises(ConfigurationError, match=rf"^{word}: "):
        a_post(server, **changes)  # type: ignore[arg-type]  # none of them is the time


def test_no_secret_in_a_repr(server: MailServer) -> None:
    """Nothing that is printed shows the password."""
    post = a_post(server, user=LOGIN[0], password=LOGIN[1])
    assert LOGIN[1] not in repr(post) + repr(post._account)


@pytest.mark.parametrize("tls", ["tls", "starttls", "none"])
def test_a_server_that_says_nothing_at_all(tls: str) -> None:
    """A line that opens and stays silent, before or inside of the handshake, ends in time; nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            sender="a@b.example",
            tls=tls,  # type: ignore[arg-type]  # one of the three
        )
        begun = time.monotonic()
        with pytest.raises(Transient):
            SmtpPost(settings, call_seconds=0.5).send(MAIL)
        assert time.monotonic() - begun < 3


def test_a_server_that_talks_for_ever(certificate: Path) -> None:
    """A reply of endless lines is no reply."""
    endless = "\r\n".join(["250-on and on"] * 500)
    with listening(certificate, Behaviour(replies={"EHLO": endless, "HELO": endless})) as server:
        with pytest.raises(Transient):
            a_post(server).send(MAIL)
        assert [] == server.mails


def test_a_reply_of_many_lines(certificate: Path) -> None:
    """Some servers say more than they have to."""
    reply = "250-taken\r\n250-with thanks\r\n250 bye"
    with listening(certificate, Behaviour(replies={"BODY": reply})) as server:
        a_post(server).send(MAIL)
        assert 1 == len(server.mails)


def test_mails_at_once_do_not_meet(server: MailServer) -> None:
    """Workers share the post: each mail has a conversation of its own."""
    post = a_post(server)
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda n: post.send(replace(MAIL, key=f"{n}", subject=f"{n}")), range(24)))
    assert sorted(receipts) == sorted(str(mail.message["message-id"]) for mail in server.mails)
