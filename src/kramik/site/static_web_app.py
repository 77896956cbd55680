"""The file `staticwebapp.config.json`, by which Azure Static Web Apps sends the headers of `headers.py`.

Source: learn.microsoft.com/azure/static-web-apps/configuration; a header of a route goes before one of all pages.
"""

from __future__ import annotations

import json

from kramik.site.headers import security
from kramik.site.source import Source

FILE = "staticwebapp.config.json"


def config(source: Source) -> str:
    """Return the text of the file."""
    routes = [{"route": "/assets/*", "headers": {"Cache-Control": "public, max-age=31536000, immutable"}}]
    for lang in source.langs:
        thanks = f"{source.prefix(lang)}/thanks/*"
        routes.append({"route": thanks, "headers": {"Referrer-Policy": "no-referrer"}})
    content = {
        "globalHeaders": security(source),
        "responseOverrides": {"404": {"rewrite": "/404.html"}},
        "routes": routes,
    }
    return json.dumps(content, indent=2) + "\n"
