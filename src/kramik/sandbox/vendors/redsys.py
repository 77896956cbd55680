"""Redsys as it stands before a shop: a form at `/sis/realizarPago`, a notification to the address in that form.

It tells of payments, refusals and refunds; of pending payments and chargebacks it tells nothing.
Its codes are its own: 0000 is paid, 0190 refused, 0913 an order number that was used before, 0900 a refund.
Nobody published when it repeats a notification, so the pauses are made up.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from kramik.money import Money
from kramik.payment import encoded
from kramik.sandbox.dialect import Letter, Notification, Panel, Refusal, Request

DEMO = {
    "merchant_code": "999008881",
    "terminal": "1",
    "key": b64encode(b"redsys demo key 24 bytes").decode(),
}
CURRENCIES = {"978": "EUR", "985": "PLN", "840": "USD", "826": "GBP", "392": "JPY"}
LENGTHS = {"MERCHANTURL": 250, "URLOK": 250, "URLKO": 250, "PRODUCTDESCRIPTION": 125, "MERCHANTDATA": 1024}
FORM = {"Ds_SignatureVersion", "Ds_MerchantParameters", "Ds_Signature"}
PAID, REFUSED, REPEATED, RETURNED = "0000", "0190", "0913", "0900"

_ORDER = re.compile(r"[0-9]{4}[0-9A-Za-z]{0,8}")
_AMOUNT = re.compile(r"[0-9]{1,12}")


class RedsysDialect:
    """One terminal."""

    name = "redsys"
    pauses = (60.0, 300.0, 900.0, 3600.0)

    def __init__(self) -> None:
        self._key = b64decode(DEMO["key"])
        self._started: dict[str, dict[str, str]] = {}
        self._paid: dict[str, str] = {}

    def start(self, method: str, path: str, query: str, body: bytes) -> Request:  # noqa: ARG002 - a form, so no query
        """Check the form.

        Raises:
            Refusal: the buyer would see an error of Redsys.
        """
        if (method, path) != ("POST", "/sis/realizarPago"):
            raise Refusal(404, "Redsys takes a form at /sis/realizarPago")
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if set(form) != FORM or form["Ds_SignatureVersion"] != "HMAC_SHA256_V1":
            raise Refusal(400, "Redsys misses a field of the form, or knows no such signature version")
        text = form["Ds_MerchantParameters"]
        parameters = _parameters(text)
        if not hmac.compare_digest(
            self._signed(parameters["ORDER"], text), form["Ds_Signature"].encode("utf-8", "replace")
        ):
            raise Refusal(400, "SIS0042: the signature is wrong")
        return self._request(parameters)

    def letters(self, told: Notification, asked: Request) -> list[Letter]:
        """Tell the shop, when Redsys tells of such things at all."""
        response = self._response(told)
        if response is None:
            return []
        started = self._started[asked.order]
        text = b64encode(json.dumps(_told(told, started, response), separators=(",", ":")).encode()).decode()
        signature = self._signed(started["ORDER"], text).translate(bytes.maketrans(b"+/", b"-_")).decode()
        fields = {"Ds_SignatureVersion": "HMAC_SHA256_V1", "Ds_MerchantParameters": text}
        body = encoded({**fields, "Ds_Signature": signature}).encode()
        return [Letter(body=body, headers={"content-type": "application/x-www-form-urlencoded"})]

    def accepts(self, letter: Letter, status: int, body: bytes) -> bool:  # noqa: ARG002 - only the status counts
        """Say whether the status is 200."""
        return status == 200  # noqa: PLR2004 - as Redsys wants it

    def _request(self, parameters: dict[str, str]) -> Request:
        known = parameters["MERCHANTCODE"], parameters["TERMINAL"].lstrip("0")
        if known != (DEMO["merchant_code"], DEMO["terminal"]):
            raise Refusal(400, "Redsys knows no such merchant and terminal")
        if parameters["ORDER"] in self._paid:
            raise Refusal(400, "SIS0051: this order number was used before")
        order = parameters.get("MERCHANTDATA") or parameters["ORDER"]
        self._started[order] = parameters
        return Request(
            order=order,
            shop_id="/".join(known),
            money=Money(minor=int(parameters["AMOUNT"]), currency=CURRENCIES[parameters["CURRENCY"]]),
            description=parameters.get("PRODUCTDESCRIPTION", ""),
            email="",
            lang="pl" if parameters.get("CONSUMERLANGUAGE") in ("11", "011") else "en",
            done=parameters.get("URLOK", ""),
            failed=parameters.get("URLKO", ""),
            notify=parameters.get("MERCHANTURL", ""),
        )

    def _response(self, told: Notification) -> str | None:
        if told.kind == "paid":
            number = self._started[told.order]["ORDER"]
            return PAID if self._paid.setdefault(number, told.id) == told.id else REPEATED
        return {"failed": REFUSED, "refund": RETURNED}.get(told.kind)

    def _signed(self, number: str, text: str) -> bytes:
        padded = number.encode().ljust(-(-len(number) // 8) * 8, b"\0")
        cipher = Cipher(TripleDES(self._key), modes.CBC(b"\0" * 8)).encryptor()
        key = cipher.update(padded) + cipher.finalize()
        return b64encode(hmac.digest(key, text.encode(), "sha256"))


def dialect(panel: Panel) -> RedsysDialect:  # noqa: ARG001 - the form says where everything goes
    """Make the terminal."""
    return RedsysDialect()


def _parameters(text: str) -> dict[str, str]:
    """Read the parameters, without `DS_MERCHANT_` before their names.

    Raises:
        Refusal: Redsys could not work with them.
    """
    try:
        read = json.loads(b64decode(text, validate=True))
        found = {name.upper().removeprefix("DS_MERCHANT_"): str(value) for name, value in read.items()}
        sound = (
            _ORDER.fullmatch(found["ORDER"])
            and _AMOUNT.fullmatch(found["AMOUNT"])
            and int(found["AMOUNT"])
            and found["CURRENCY"] in CURRENCIES
            and found["TRANSACTIONTYPE"] == "0"
            and found["MERCHANTCODE"]
            and found["TERMINAL"]
        )
    except (ValueError, KeyError, AttributeError):
        sound = found = None
    if not sound or found is None:
        raise Refusal(400, "Redsys can not read the parameters")
    if long := [name for name, most in LENGTHS.items() if len(found.get(name, "")) > most]:
        raise Refusal(400, f"Redsys takes shorter texts: {', '.join(long)}")
    return found


def _told(told: Notification, started: dict[str, str], response: str) -> dict[str, str]:
    code, terminal = (*told.shop_id.split("/"), "")[:2]
    now = datetime.now(UTC)
    number = int.from_bytes(sha256(told.id.encode()).digest()[:4]) % 1_000_000
    currency = next((each for each, name in CURRENCIES.items() if name == told.currency), "978")
    return {
        "Ds_Date": quote(f"{now:%d/%m/%Y}", safe=""),
        "Ds_Hour": quote(f"{now:%H:%M}", safe=""),
        "Ds_SecurePayment": "1",
        "Ds_Amount": str(told.amount),
        "Ds_Currency": currency,
        "Ds_Order": started["ORDER"],
        "Ds_MerchantCode": code,
        "Ds_Terminal": terminal.zfill(3),
        "Ds_Response": response,
        "Ds_MerchantData": quote(started.get("MERCHANTDATA", ""), safe=""),
        "Ds_TransactionType": "3" if told.kind == "refund" else "0",
        "Ds_ConsumerLanguage": "1",
        "Ds_AuthorisationCode": f"{number:06d}" if response in (PAID, RETURNED) else "++++++",
    }
