"""`kramik demo`: the whole story in one go, as a buyer lives it, against real processes over real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import click

from kramik.hosts.cli import new, options, overlay, printed

if TYPE_CHECKING:
    import httpx2
    from click.decorators import FC

    from kramik.order import Order

BUYER = {"email": "zofia.żak@przykład.pl", "name": "Zofia Żak-Łęcka"}
LONGEST = 60.0
POLITE = 0.1


def _played(family: str, what: str) -> Callable[[FC], FC]:
    """Return the option that says which vendor of a family the world plays."""
    return click.option(
        f"--{family}",
        default=overlay.OWN,
        show_default=True,
        metavar="NAME",
        help=f"The {what} that the sandbox world plays.",
    )


@click.command("demo")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Make the shop here and keep it."
)
@_played("gateway", "gateway")
@_played("mailer", "mailing tool")
@_played("academy", "academy")
@options.as_json
def command(keep: Path | None, gateway: str, mailer: str, academy: str, *, as_json: bool) -> None:
    """Build the example shop, buy, pay, wait for access and open the course.

    Exit code 0 only if the link that the buyer was mailed opens the course.

    \b
    Example:
      kramik demo --gateway imoje --mailer sandbox --academy sandbox
    """
    cast = overlay.Cast(gateways=(gateway,), mailer=mailer, academy=academy)
    cast.known()
    with tempfile.TemporaryDirectory(prefix="kramik-demo-") as scratch:
        folder = keep or Path(scratch) / "shop"
        new.make(folder)
        with _served(folder, cast) as facts:
            order_id = Story(facts["url"], facts["sandbox"], cast, quiet=as_json).told()
            order = _completed(folder, order_id)
    if order is None or order.status != "completed":
        message = "the course is open, but the order is not complete; this is a bug"
        raise click.ClickException(message)
    if as_json:
        printed.json(printed.as_data(order))
    else:
        click.echo()
        printed.summary(order)


class Story:
    """One purchase, step by step, over HTTP as a browser makes it."""

    def __init__(self, shop: str, world: str, cast: overlay.Cast, *, quiet: bool) -> None:
        import httpx2

        self._shop, self._world, self._quiet = shop, world, quiet
        self._gateway = f"{world}/{_mount(cast.gateways[0], 'gateway')}/"
        here = cast.academy == "files"
        self._academy = f"{shop}/access/" if here else f"{world}/{_mount(cast.academy, 'academy')}/"
        self._browser = httpx2.Client(follow_redirects=True, timeout=15.0, trust_env=False)
        self._begun = time.monotonic()

    def told(self) -> str:
        """Tell the story; return the id of the order.

        Raises:
            ClickException: a step did not lead to the next one.
        """
        with self._browser:
            page = self._visit()
            pay_page = self._order(page)
            back = self._pay(pay_page)
            if "key" in back:
                self._delivered(f"{self._shop}/api/orders/{back['order']}?key={back['key']}")
            link = self._mailed()
            order_id = urlsplit(link).path.rpartition("/")[2].partition(".")[0]
            self._open(link, order_id)
        return order_id

    def _visit(self) -> httpx2.Response:
        shop = self._opened(self._shop + "/")
        for link in dict.fromkeys(link for link in Page(shop.text).links if link.startswith("/")):
            sales = self._opened(urljoin(self._shop, link))
            order = next((each for each in Page(sales.text).links if each.endswith("/order/")), "")
            if order:
                self._say("static page", urljoin(self._shop, order))
                return self._opened(urljoin(self._shop, order))
        message = "the shop page leads to no order page"
        raise click.ClickException(message)

    def _order(self, page: httpx2.Response) -> httpx2.Response:
        form = Page(page.text).form("/api/orders")
        fields = (
            form.fields
            | BUYER
            | {box: "yes" for box in form.boxes if box.removeprefix("consent_") in ("terms", "immediate")}
        )
        answer = self._browser.post(urljoin(str(page.url), form.action), data=fields, follow_redirects=False)
        if answer.status_code not in {200, 303}:
            self._stop("the order was not placed", answer)
        self._say("1 order", "stored with its whole intent")
        return self._sent(answer)

    def _sent(self, answer: httpx2.Response) -> httpx2.Response:
        """Follow the shop to the gateway: by a link, or by a form whose button the buyer presses."""
        if answer.is_redirect:
            self._say("2 signed link", answer.headers["location"][:100] + "…")
            return self._opened(answer.headers["location"])
        form = Page(answer.text).form(self._gateway)
        self._say("2 signed form", f"{', '.join(form.fields)} to {form.action}")
        pay_page = self._browser.post(form.action, data=form.fields)
        if not pay_page.is_success:
            self._stop("the gateway refused the payment request", pay_page)
        return pay_page

    def _pay(self, pay_page: httpx2.Response) -> dict[str, str]:
        """Pay; return what the gateway's way back says of the order, nothing where every buyer has the same way."""
        form = Page(pay_page.text).form(urlsplit(self._gateway).path)
        answer = self._browser.post(
            urljoin(str(pay_page.url), form.action), data={**form.fields, "action": "pay"}
        )
        if not answer.is_success:
            self._stop("the payment was not made", answer)
        self._say("3 notification", "the gateway tells the shop, and the buyer is back on the thank-you page")
        return dict(answer.url.params)

    def _delivered(self, status_url: str) -> None:
        status: dict[str, str] = {}
        until = time.monotonic() + LONGEST
        while status.get("status") != "completed" and time.monotonic() < until:
            status = self._opened(status_url).json()
            time.sleep(POLITE)
        if status.get("status") != "completed":
            message = f"the order is still {status.get('status')!r} after {LONGEST:.0f} seconds"
            raise click.ClickException(message)
        self._say("4 queue, 5 fulfilment", "invitation, purchase and sequence, each once")

    def _mailed(self) -> str:
        mails: list[dict[str, str]] = []
        until = time.monotonic() + LONGEST
        while not mails and time.monotonic() < until:
            mails = self._opened(f"{self._world}/mail/messages.json").json()
            time.sleep(0 if mails else POLITE)
        text = mails[-1]["text"] if mails else ""
        link = next((word for word in text.split() if "/access/" in word), "")
        if not link:
            message = f"no mail came that carries an access link: {text[:200]!r}"
            raise click.ClickException(message)
        self._say("mail", f"{mails[-1]['subject']!r} with {link[:60]}…")
        return link

    def _open(self, link: str, order_id: str) -> None:
        course = self._opened(link)
        if not str(course.url).startswith(self._academy):
            self._stop("the access link does not lead to the course", course)
        self._say("access", f"{course.url} is open")
        self._say("done", f"order {order_id}")

    def _opened(self, url: str) -> httpx2.Response:
        answer = self._browser.get(url)
        if not answer.is_success:
            self._stop("a page does not open", answer)
        return answer

    def _say(self, what: str, detail: str) -> None:
        if not self._quiet:
            click.echo(f"{time.monotonic() - self._begun:6.2f} s  {what:22} {detail}")

    def _stop(self, what: str, answer: httpx2.Response) -> None:
        message = f"{what}: {answer.status_code} from {answer.url.copy_with(query=None)}"
        raise click.ClickException(message)


class Form:
    """A form of a page: where it goes, its fields as they stand, and its boxes."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: dict[str, str] = {}
        self.boxes: list[str] = []


class Page(HTMLParser):
    """What a browser reads from a page: its forms and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.feed(text)

    def form(self, part: str) -> Form:
        """Return the form that is sent to an address with this part."""
        found = next((form for form in self.forms if part in form.action), None)
        if found is None:
            message = f"the page has no form to {part}"
            raise click.ClickException(message)
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a browser would send."""
        known = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(known.get("action", "")))
        elif tag == "a":
            self.links.append(known.get("href", ""))
        elif tag == "input" and self.forms and known.get("name"):
            if known.get("type") in ("checkbox", "radio"):
                self.forms[-1].boxes.append(known["name"])
            else:
                self.forms[-1].fields[known["name"]] = known.get("value", "")


def _mount(name: str, own: str) -> str:
    """Return where the world plays a vendor; its own of each family have a mount of another name."""
    return own if name == overlay.OWN else name


def _completed(folder: Path, order_id: str) -> Order | None:
    """Return the order as it was stored, as soon as it is complete."""
    until = time.monotonic() + LONGEST
    with options.opened_store(folder, None) as store:
        order = store.orders.get(order_id)
        while order is not None and order.status == "paid" and time.monotonic() < until:
            time.sleep(POLITE)
            order = store.orders.get(order_id)
    return order


@contextmanager
def _served(folder: Path, cast: overlay.Cast) -> Iterator[dict[str, str]]:
    arguments = [
        sys.executable,
        "-m",
        "kramik",
        "serve",
        "--shop",
        str(folder),
        "--sandbox",
        *("--gateway", cast.gateways[0], "--mailer", cast.mailer, "--academy", cast.academy),
        "--port",
        "0",
        "--sandbox-port",
        "0",
    ]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen([*arguments, "--json"], stdout=subprocess.PIPE, stderr=log)  # noqa: S603 - our own words
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                message = f"the shop did not open:\n{(folder / 'serve.log').read_text('utf-8')}"
                raise click.ClickException(message)
            yield json.loads(line)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
