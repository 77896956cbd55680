"""PayU, in two ways: a form signed in memory (`form.py`), and its REST API, called for every order (`rest.py`).

`signature.py` says whether a notification is PayU's, `told.py` reads what it is about, `api.py` calls PayU itself.
"""

from kramik.gateways.payu.form import FEATURES, NAME, PayuGateway, Settings
from kramik.gateways.payu.signature import HEADERS
from kramik.gateways.payu.told import LONGEST

__all__ = ["FEATURES", "HEADERS", "LONGEST", "NAME", "PayuGateway", "Settings"]
