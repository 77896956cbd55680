"""An address as browsers compare it: its host in small ASCII letters, without the usual port, no slash at the end.

What the shop is told by `Origin`, and what a Content-Security-Policy names, is written like this; an address with other
letters, such as `https://Żółw.example:443/`, would never be equal to it.
Source: the URL standard, chapters 3.3 (domain to ASCII) and 4.1 (default ports); UTS 46 by the library idna.
"""

from __future__ import annotations

from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def normal(url: str) -> str:
    """Return an address of a site or an API as browsers write it.

    Raises:
        ValueError: it is none: another scheme, no host, a user, a query or a fragment.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme not in _PORTS or not host or not url.isprintable():
        raise ValueError(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(url)
    if not host.isascii():
        import idna  # noqa: PLC0415 - few hosts have other letters

        host = idna.encode(host, uts46=True).decode()
    host = f"[{host}]" if ":" in host else host
    at = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{at}{parts.path.rstrip('/')}"
