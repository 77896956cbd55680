"""Tpay, the transaction panel: a link signed in memory, notifications believed for their JWS and their md5sum.

`panel.py` is the adapter, `jws.py` the signature of a notification, `certificates.py` fetches what verifies it,
`roots.py` holds what it must descend from.
"""

from kramik.gateways.tpay.certificates import DailyCertificates
from kramik.gateways.tpay.panel import FEATURES, NAME, Settings, TpayGateway

__all__ = ["FEATURES", "NAME", "DailyCertificates", "Settings", "TpayGateway"]
