"""The headers that a host must send with the pages, in the form of several hosts.

`_headers` is for Netlify and Cloudflare Pages, `.htaccess` for Apache, which reads it where it lies, and
`headers.nginx.conf` is to be included in the block `server` of nginx.
`form-action` lists every origin on the way to the payment that we know: Chromium and Safari check each redirect behind
a form too, and would keep the buyer on the page after the order was placed.
There is no Cross-Origin-Opener-Policy: with it Firefox and Safari forget what was typed when a buyer goes back from the
gateway, and these pages have no cookie that it could protect.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from kramik.site.source import Source, origin

Place = Literal["site", "api"]
FRESH = "public, max-age=0, must-revalidate"
FOREVER = "public, max-age=31536000, immutable"


def security(source: Source, place: Place = "site") -> dict[str, str]:
    """Return the headers of every page that is served at this place."""
    return {
        "Content-Security-Policy": policy(source, place),
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }


def policy(source: Source, place: Place = "site") -> str:
    """Return the Content-Security-Policy; pages of the API may load the assets of the site.

    From a gateway the way may lead on to any bank. On the site's pages a script finds the way out; the API's pages,
    which may be a form of the gateway, lead anywhere that is encrypted.
    """
    site, api = origin(source.site), origin(source.api)
    other = {"site": api, "api": site}[place]
    elsewhere = () if site == api else (other,)
    assets = " ".join(("'self'", *(elsewhere if place == "api" else ())))
    calls = " ".join(("'self'", *elsewhere))
    onward = ("https:",) if place == "api" else ()
    forms = " ".join(dict.fromkeys(("'self'", *elsewhere, *source.form_action_origins, *onward)))
    rules = [
        "default-src 'none'",
        f"script-src {assets}",
        f"style-src {assets}",
        f"img-src {assets} data:",
        f"font-src {assets}",
        f"media-src {assets}",
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
    base = folder(source)
    lines = [f"{base}/*", *(f"  {name}: {value}" for name, value in security(source).items())]
    lines += [f"{base}/assets/*", f"  Cache-Control: {FOREVER}"]
    for lang in source.langs:
        lines += [f"{base}{source.prefix(lang)}/thanks/*", "  Referrer-Policy: no-referrer"]
    return "\n".join(lines) + "\n"


def apache(source: Source) -> str:
    """Return the text of `.htaccess`."""
    lines = ["ErrorDocument 404 " + folder(source) + "/404.html", "<IfModule mod_headers.c>"]
    lines += [f'  Header always set {name} "{value}"' for name, value in security(source).items()]
    lines += ['  <FilesMatch "\\.html$">', f'    Header set Cache-Control "{FRESH}"', "  </FilesMatch>"]
    lines += [f'  <If "%{{REQUEST_URI}} =~ m#^{folder(source)}/assets/#">']
    lines += [f'    Header set Cache-Control "{FOREVER}"', "  </If>"]
    lines += [f'  <If "%{{REQUEST_URI}} =~ m#^{folder(source)}/([a-z][a-z]/)?thanks/#">']
    lines += ['    Header always set Referrer-Policy "no-referrer"', "  </If>", "</IfModule>"]
    return "\n".join(lines) + "\n"


def nginx(source: Source) -> str:
    """Return lines for the block `server`; a location that adds a header of its own has to repeat the others."""
    base, general = folder(source), {**security(source), "Cache-Control": FRESH}
    lost = f"error_page 404 {base}/404.html;"

    def added(**changed: str) -> list[str]:
        every = {**general, **{name.replace("_", "-"): value for name, value in changed.items()}}
        return [lost, *(f'add_header {name} "{value}" always;' for name, value in every.items())]

    def within(place: str, **changed: str) -> list[str]:
        return [f"location ^~ {base}{place} {{", *(f"    {line}" for line in added(**changed)), "}"]

    lines = within("/") if base else added()  # the rest of the host is somebody else's
    lines += within("/assets/", Cache_Control=FOREVER)
    for lang in source.langs:
        lines += within(f"{source.prefix(lang)}/thanks/", Referrer_Policy="no-referrer")
    return "\n".join(lines) + "\n"


def folder(source: Source) -> str:
    """Return the folder of its host that the site lies in, such as `/shop`; empty at the root."""
    return urlsplit(source.site).path.rstrip("/")
