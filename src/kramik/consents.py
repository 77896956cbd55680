"""The texts beside the boxes of the order form, as shipped: templates that a lawyer has to approve.

A shop replaces them in `[consents.<id>]` of `shop.toml`. The order keeps the hash of the text that was shown.
`immediate` is for digital content; a service and an event have words of their own, since each loses the right of
withdrawal in another way.
Source: UPK art. 38 pt 13 (CRD art. 16(m)) for content, pt 1 (16(a)) for a service, pt 12 (16(l)) for an event on a
given date; art. 398 of the Polish act on electronic communication for marketing mail.
"""

from __future__ import annotations

from kramik.intent import ConsentText

DEFAULTS = {
    "terms": ConsentText(
        id="terms",
        version="1",
        texts={
            "pl": "Akceptuję regulamin i znam informację o prywatności.",
            "en": "I accept the terms and have read the privacy information.",
        },
    ),
    "immediate": ConsentText(
        id="immediate",
        version="1",
        texts={
            "pl": (
                "Żądam dostarczenia treści przed upływem 14 dni i przyjmuję do wiadomości, "
                "że utracę prawo odstąpienia."
            ),
            "en": "I ask for delivery before the 14 days have passed, and I know that I lose the right of withdrawal.",
        },
    ),
    "immediate_service": ConsentText(
        id="immediate",
        version="1",
        texts={
            "pl": (
                "Żądam rozpoczęcia usługi przed upływem 14 dni i przyjmuję do wiadomości, "
                "że utracę prawo odstąpienia, gdy zostanie wykonana w całości."
            ),
            "en": (
                "I ask you to begin the service before the 14 days have passed, and I know that I lose the right of "
                "withdrawal when it has been performed in full."
            ),
        },
    ),
    "immediate_event": ConsentText(
        id="immediate",
        version="1",
        texts={
            "pl": (
                "Przyjmuję do wiadomości, że wydarzenie ma oznaczony termin, "
                "więc prawo odstąpienia od umowy nie przysługuje."
            ),
            "en": "I know that the event has a given date, so there is no right of withdrawal.",
        },
    ),
    "marketing": ConsentText(
        id="marketing",
        version="1",
        texts={
            "pl": "Chcę dostawać e-maile o nowych kursach. Zgodę mogę wycofać w każdej chwili.",
            "en": "Send me e-mails about new courses. I can withdraw this at any time.",
        },
    ),
}
