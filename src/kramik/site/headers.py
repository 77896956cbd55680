"""The headers that a host must send with the pages, for Netlify and Cloudflare Pages as the file `_headers`.

`form-action` lists every origin on the way to the payment: browsers check the redirect behind a form too, and would
keep the buyer on the page after the order was placed.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from kramik.site.source import Source, origin

Place = Literal["site", "api"]


def security(source: Source, place: Place = "site") -> dict[str, str]:
    """Return the headers of every page that is served at this place."""
    return {
        "Content-Security-Policy": policy(source, place),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }


def policy(source: Source, place: Place = "site") -> str:
    """Return the Content-Security-Policy; pages of the API may load the assets of the site."""
    site, api = origin(source.site), origin(source.api)
    other = {"site": api, "api": site}[place]
    elsewhere = () if site == api else (other,)
    assets = " ".join(("'self'", *(elsewhere if place == "api" else ())))
    calls = " ".join(("'self'", *elsewhere))
    forms = " ".join(dict.fromkeys(("'self'", *elsewhere, *source.form_action_origins)))
    rules = [
        "default-src 'none'",
        f"script-src {assets}",
        f"style-src {assets}",
        f"img-src {assets} data:",
        f"connect-src {calls}",
        f"form-action {forms}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
    if urlsplit(source.site).scheme == "https":
        rules.append("upgrade-insecure-requests")
    return "; ".join(rules)


def host_file(source: Source) -> str:
    """Return the text of `_headers`; hosts that join two values of a header take the later Referrer-Policy."""
    lines = ["/*", *(f"  {name}: {value}" for name, value in security(source).items())]
    lines += ["/assets/*", "  Cache-Control: public, max-age=31536000, immutable"]
    for lang in source.langs:
        lines += [f"{source.prefix(lang)}/thanks/*", "  Referrer-Policy: no-referrer"]
    return "\n".join(lines) + "\n"
