"""A post that keeps a ledger of what truly arrived, and whose first call meets a fault."""

from __future__ import annotations

from typing import Literal

from kramik.errors import OutcomeUnknown, Transient
from kramik.ports import Mail

PostFault = Literal["none", "refused", "lost", "nothing"]
"""refused: it says so. lost: the mail arrives and nobody hears of it. nothing: silence, and no mail."""


class Postman:
    """A post with a ledger of what arrived; the first mail meets a fault."""

    def __init__(self, repeat: Literal["keyed", "unsafe"], fault: PostFault = "none") -> None:
        self.repeat, self.fault = repeat, fault
        self.arrived: list[Mail] = []
        self.calls = 0

    def send(self, mail: Mail) -> str:
        self.calls += 1
        fault = self.fault if self.calls == 1 else "none"
        if fault == "refused":
            raise Transient("the post is closed")
        if fault != "nothing" and not (self.repeat == "keyed" and mail in self.arrived):
            self.arrived.append(mail)
        if fault in ("lost", "nothing"):
            raise OutcomeUnknown("the post did not answer")
        return f"<{mail.key}@kurs.example>"
