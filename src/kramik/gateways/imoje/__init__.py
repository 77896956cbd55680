"""imoje (ING), by payment links that are signed in memory.

`link.py` is the gateway, `told.py` reads what imoje says of a transaction, `asked.py` asks about one.
"""

from kramik.gateways.imoje.asked import AskedImojeGateway
from kramik.gateways.imoje.link import FEATURES, ImojeGateway, Settings, signature
from kramik.gateways.imoje.told import NAME

__all__ = ["FEATURES", "NAME", "AskedImojeGateway", "ImojeGateway", "Settings", "signature"]
