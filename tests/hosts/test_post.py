"""Which post a shop has: `[smtp]`, a mailing tool that sends single mails, or none, as `kramik check` then says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from kramik import adapters, publishing, wiring
from kramik.errors import ConfigurationError, NeedsOperator
from kramik.hosts.cli import main, new, overlay
from kramik.mail import NoPost
from kramik.mailers.smtp import Settings, SmtpPost
from kramik.ports import Delivery, Mail
from kramik.settings import Notices
from kramik.settings import Settings as Shop
from kramik.stores.memory import MemoryOrders, MemoryQueue, MemoryVault
from kramik.tellers.webhook import TYPES
from tests.adapters.smtp_server import Behaviour, listening, made_certificate
from tests.hosts import served
from tests.story.example import a_paid_order

DOCS = Path(__file__).parents[2] / "docs"
HOOK = 'webhook = "https://hooks.example/x"\nwebhook_secret = "env:WEBHOOK_SECRET"\n'
ENVIRON = {
    "KRAMIK_SECRET": "x" * 32,
    "SMTP_PASSWORD": "a very long password",
    "WEBHOOK_SECRET": "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    **new.SANDBOX,
}
SMTP = """\
host = "smtp.akademia.example"
from = "Akademia <kurs@akademia.example>"
user = "kurs"
password = "env:SMTP_PASSWORD"
"""


def _blocks(page: str) -> list[str]:
    """Return the tables that a page shows."""
    return re.findall(r"^```toml\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ready shop."""
    new.make(tmp_path / "shop")
    return tmp_path / "shop"


def add(folder: Path, text: str) -> None:
    """Write more into shop.toml."""
    with (folder / "shop.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def in_place_of_the_mailer(folder: Path, table: str) -> None:
    """Put another `[mailer]` into shop.toml."""
    text = (folder / "shop.toml").read_text("utf-8")
    head, _, rest = text.partition("[mailer]")
    tail = rest.partition("\n[")[2]
    (folder / "shop.toml").write_text(f"{head}[mailer]\n{table}\n[{tail}", "utf-8")


def read(folder: Path) -> Shop:
    """Read the settings."""
    return wiring.read(folder, ENVIRON)


def test_smtp_beside_a_mailing_tool_is_the_post(folder: Path) -> None:
    """The mailing tool keeps the sequences, the shop's own post sends the single mails."""
    add(folder, f"[smtp]\n{SMTP}")
    shop = wiring.build(read(folder), MemoryOrders(), MemoryQueue())
    instead = shop.ports.effects["sequence"].instead
    assert isinstance(shop.ports.post, SmtpPost)
    assert ("keyed", "unsafe") == (shop.ports.effects["sequence"].repeat, instead and instead.repeat)


def test_smtp_in_the_place_of_a_mailing_tool_is_the_post_as_well(folder: Path) -> None:
    """One table is enough."""
    in_place_of_the_mailer(folder, f'kind = "smtp"\n{SMTP}')
    shop = wiring.build(read(folder), MemoryOrders(), MemoryQueue())
    assert isinstance(shop.ports.post, SmtpPost)
    assert [] == list(wiring.advice(read(folder)))


@pytest.mark.parametrize(
    "table", ['[smtp]\nhost = "127.0.0.1"', '[mailer]\nkind = "smtp"\nhost = "127.0.0.1"']
)
def test_the_confirmation_is_made_of_the_shops_own_texts(folder: Path, tmp_path: Path, table: str) -> None:
    """From shop.toml and pages/terms.md to what arrives at a mail server."""
    with listening(made_certificate(tmp_path)) as server:
        rest = f'from = "kurs@akademia.example"\ntls = "none"\nport = {server.port}\n'
        if "mailer" in table:
            in_place_of_the_mailer(folder, f"{table.partition(chr(10))[2]}\n{rest}")
        else:
            add(folder, f"{table}\n{rest}")
        shop = wiring.build(read(folder), MemoryOrders(), MemoryQueue())
        shop.ports.effects["confirmation"].do(Delivery(order=a_paid_order(), access_link="https://x"))
        message = server.mails[0].message
    [terms] = message.iter_attachments()
    assert ("regulamin.txt", True) == (terms.get_filename(), "Kto sprzedaje" in terms.get_content())
    assert "NIP / numer podatkowy: 526-000-12-46" in str(message.get_body(("plain",)))


def test_the_terms_of_the_order_go_along_after_they_were_replaced(folder: Path) -> None:
    """A shop that published new terms mails the old ones to whoever agreed to those."""
    add(folder, f"[smtp]\n{SMTP}")
    before = wiring.conditions(read(folder)).terms["pl"]
    publishing.record(
        replace(read(folder), site="https://kurs.example"), now=datetime(2026, 11, 2, tzinfo=UTC)
    )
    file = folder / "pages" / "terms.md"
    file.write_text(
        file.read_text("utf-8").replace("2026-11-01", "2027-01-01").replace("Kto sprzedaje", "Nowe"), "utf-8"
    )
    texts = dict(wiring.terms(read(folder)))
    after = wiring.conditions(read(folder)).terms["pl"]
    assert ("2026-11-01", "2027-01-01") == (before.partition(" ")[0], after.partition(" ")[0])
    assert ("Kto sprzedaje" in texts[before], "Nowe" in texts[after]) == (True, True)


def test_a_shop_may_leave_the_confirmation_out(folder: Path) -> None:
    """With `confirmation = false`, and with a post that is not its own."""
    assert "confirmation" not in wiring.build(read(folder), MemoryOrders(), MemoryQueue()).ports.effects
    add(folder, f"[smtp]\n{SMTP}confirmation = false\n")
    assert "confirmation" not in wiring.build(read(folder), MemoryOrders(), MemoryQueue()).ports.effects


def test_a_shop_without_a_post_says_what_to_add() -> None:
    """Whoever asks it to mail is told, and nothing is sent."""
    with pytest.raises(NeedsOperator, match=r"add \[smtp\]"):
        NoPost().send(Mail(to="a@b.example", subject="s", text="t", key="k"))


def test_a_tool_without_single_mails_wants_one_beside_it(folder: Path) -> None:
    """It is advice, no problem: such a shop sells, and says what it can not do."""
    add(folder, f"[smtp]\n{SMTP}")
    settings = read(folder)
    kit = msgspec.structs.replace(settings.mailer, kind="kit")
    without = msgspec.structs.replace(settings, mailer=kit, smtp=None)
    assert [True, True] == ["add [smtp]" in each for each in wiring.advice(without)]
    assert [] == list(wiring.advice(msgspec.structs.replace(settings, mailer=kit)))


def test_brevo_may_mail_the_confirmation(folder: Path) -> None:
    """A mailing tool that sends files with a mail can do it, if the seller wants it there."""
    settings = read(folder)
    for wanted in (True, False):
        table = adapters.shape("mailer", "brevo")(api_key="a key", sender="a@b.example", confirmation=wanted)
        brevo = msgspec.structs.replace(settings.mailer, kind="brevo", settings=table)
        chosen = msgspec.structs.replace(settings, mailer=brevo)
        effects = wiring.build(chosen, MemoryOrders(), MemoryQueue(), vault=MemoryVault()).ports.effects
        assert ("confirmation" in effects, wanted) == (wanted, not list(wiring.advice(chosen)))


def test_check_live_asks_the_post(folder: Path, tmp_path: Path) -> None:
    """It logs in and mails nobody; a wrong password is a problem with its table."""
    add(folder, "[smtp]\n" + SMTP.replace("smtp.akademia.example", "127.0.0.1"))
    with listening(made_certificate(tmp_path), Behaviour(tls="starttls")) as server:
        text = (folder / "shop.toml").read_text("utf-8")
        more = f'port = {server.port}\nca_file = "{tmp_path / "mail.pem"}"\n'
        (folder / "shop.toml").write_text(text + more, "utf-8")
        [post] = [
            each for name, each in wiring.vendors(read(folder), MemoryVault()).items() if name == "smtp"
        ]
        assert post is not None
        [wrong] = post.problems((), create=False)
        assert ("check user and password" in wrong.message, []) == (True, server.mails)


@pytest.mark.parametrize(
    ("page", "block"),
    [(page, block) for page in ("mailers/smtp.md", "notices.md") for block in _blocks(page)],
)
def test_the_tables_of_the_pages_are_read_as_they_stand(folder: Path, page: str, block: str) -> None:
    """What a seller copies from a page is no problem."""
    if block.startswith("[mailer]"):
        in_place_of_the_mailer(folder, block.partition("\n")[2])
    else:
        add(folder, block)
    wiring.build(read(folder), MemoryOrders(), MemoryQueue(), vault=MemoryVault())


def test_the_password_is_masked_in_the_log(folder: Path) -> None:
    """Like every other secret."""
    add(folder, f"[smtp]\n{SMTP}")
    assert "the *** was" == wiring.logger(read(folder)).masked("the a very long password was")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (SMTP.replace("from", "form"), "did you mean 'from'"),
        (SMTP.replace("env:SMTP_PASSWORD", "a very long password"), "is a secret written in the file"),
        (SMTP + 'tls = "ssl"\n', "tls"),
        (SMTP + "port = 99999\n", "port"),
        ("", "host is missing"),
    ],
)
def test_what_is_set_wrongly_is_found_with_its_line(folder: Path, table: str, words: str) -> None:
    """All problems of the table, where they stand, and never the secret itself."""
    add(folder, f"[smtp]\n{table}")
    with pytest.raises(ConfigurationError) as caught:
        read(folder)
    said = str(caught.value)
    assert words in said
    assert "[smtp]" in said
    assert "a very long password" not in said


def test_check_builds_the_post(folder: Path) -> None:
    """What only the adapter can see is found before the first mail."""
    add(folder, '[smtp]\nhost = "smtp.akademia.example"\nfrom = "nobody"\ntls = "none"\n')
    found = CliRunner().invoke(main, ["check", "--shop", str(folder)], prog_name="kramik")
    assert 1 == found.exit_code
    assert "[smtp] from is no address" in found.output
    assert '[smtp] tls is "none"' in found.output


def test_who_plays_mails_nobody(folder: Path) -> None:
    """With the sandbox world in place of every vendor, the real post is taken away."""
    add(folder, f"[smtp]\n{SMTP}")
    with served.world() as world:
        environ = dict(ENVIRON)
        tables = overlay.tables(world, "http://127.0.0.1:1", overlay.Cast(), environ)
        assert wiring.read(folder, environ, tables).smtp is None


@pytest.mark.parametrize(("page", "shape"), [("mailers/smtp.md", Settings), ("notices.md", Notices)])
def test_the_page_names_every_setting(page: str, shape: type[msgspec.Struct]) -> None:
    """A setting that nobody can read of does not exist."""
    text = (DOCS / page).read_text("utf-8")
    keys = [field.encode_name for field in msgspec.structs.fields(shape)]
    assert [] == [key for key in keys if f"`{key}`" not in text]


def test_the_page_names_every_type_of_call() -> None:
    """Whoever listens knows what may come."""
    text = (DOCS / "notices.md").read_text("utf-8")
    assert [] == [each for each in TYPES.values() if f"`{each}`" not in text]


# Who is told


def test_who_is_told(folder: Path) -> None:
    """By mail through the shop's post, and by a call; the secret is masked in the log."""
    add(folder, f'[smtp]\n{SMTP}\n[notices]\nemail = "hanna@akademia.example"\n{HOOK}digest = true\n')
    vault = MemoryVault()
    shop = wiring.build(read(folder), MemoryOrders(), MemoryQueue(), vault=vault)
    assert {"mail": "unsafe", "webhook": "keyed"} == {
        name: each.repeat for name, each in shop.ports.tellers.items()
    }
    assert vault is shop.ports.diary
    assert "the *** was" == wiring.logger(read(folder)).masked(f"the {ENVIRON['WEBHOOK_SECRET']} was")
    assert ENVIRON["WEBHOOK_SECRET"] not in repr(read(folder).notices)


def test_nobody_is_told_unasked(folder: Path) -> None:
    """A shop without the table has no channel and no diary."""
    ports = wiring.build(read(folder), MemoryOrders(), MemoryQueue(), vault=MemoryVault()).ports
    assert ({}, None) == (ports.tellers, ports.diary)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('webhook = "https://hooks.example/x"', "webhook and webhook_secret go together"),
        ('webhook_secret = "env:WEBHOOK_SECRET"', "webhook and webhook_secret go together"),
        ('email = "hanna"', "email is no address"),
        ("digest = true", "digest goes nowhere"),
        ('webhook_secret = "whsec_x"', "is a secret written in the file"),
        ('mail = "hanna@akademia.example"', "did you mean 'email'"),
    ],
)
def test_what_is_set_wrongly_about_notices(folder: Path, table: str, words: str) -> None:
    """Found with file and line."""
    add(folder, f"[notices]\n{table}\n")
    with pytest.raises(ConfigurationError, match=words):
        read(folder)


def test_check_refuses_an_address_that_is_called_in_the_open(folder: Path) -> None:
    """What only the adapter can see."""
    add(folder, f"[notices]\n{HOOK.replace('https', 'http')}")
    with pytest.raises(ConfigurationError, match="https://"):
        wiring.build(read(folder), MemoryOrders(), MemoryQueue())


def test_mails_to_the_seller_need_a_post(folder: Path) -> None:
    """It is a problem, not a surprise at the first parked order."""
    add(folder, '[notices]\nemail = "hanna@akademia.example"\n')
    settings = read(folder)
    kit = msgspec.structs.replace(
        settings.mailer, kind="kit", settings=adapters.shape("mailer", "kit")(api_key="a key")
    )
    with pytest.raises(ConfigurationError, match=r"add \[smtp\]"):
        wiring.build(
            msgspec.structs.replace(settings, mailer=kit), MemoryOrders(), MemoryQueue(), vault=MemoryVault()
        )


def test_the_example_shop_goes_live_with_a_post_and_a_voice(folder: Path) -> None:
    """What a new shop finds commented out is right when the signs are taken away."""
    text = (folder / "shop.toml").read_text("utf-8")
    for name in ("smtp", "notices"):
        table = text.partition(f"# [{name}]")[2].partition("#\n")[0]
        add(folder, f"[{name}]" + table.replace("\n# ", "\n"))
    shop = wiring.build(read(folder), MemoryOrders(), MemoryQueue())
    assert ("confirmation" in shop.ports.effects, ["mail"]) == (True, [*shop.ports.tellers])
