"""Tpay, in two ways: its transaction panel, by a link signed in memory, and its Open API, called for every order.

`panel.py` and `open.py` are the adapters, `told.py` reads what both are told, believed for its JWS and its md5sum.
`jws.py` is the signature of a notification, `certificates.py` fetches what verifies it, `roots.py` holds what it must
descend from, `api.py` calls Tpay itself.
"""

from kramik.gateways.tpay.certificates import DailyCertificates
from kramik.gateways.tpay.panel import FEATURES, NAME, Settings, TpayGateway
from kramik.gateways.tpay.told import HEADER

__all__ = ["FEATURES", "HEADER", "NAME", "DailyCertificates", "Settings", "TpayGateway"]
