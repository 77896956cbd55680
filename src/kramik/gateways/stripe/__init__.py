"""Stripe, in two ways: Payment Links, one a product (`links.py`), and Checkout Sessions, one an order (`checkout.py`).

`signature.py` says whether an event is Stripe's, `things.py` reads what it is about, `api.py` asks Stripe itself.
"""

from kramik.gateways.stripe.links import FEATURES, NAME, AskedStripeGateway, Link, Settings, StripeGateway
from kramik.gateways.stripe.signature import HEADER

__all__ = ["FEATURES", "HEADER", "NAME", "AskedStripeGateway", "Link", "Settings", "StripeGateway"]
