"""The file `staticwebapp.config.json`, by which Azure Static Web Apps sends the headers of `headers.py`.

Source: learn.microsoft.com/azure/static-web-apps/configuration; a header of a route goes before one of all pages.
"""

from __future__ import annotations

import json

from kramik.site.headers import folder, security
from kramik.site.source import Source

FILE = "staticwebapp.config.json"


def config(source: Source) -> str:
    """Return the text of the file; below a folder it speaks of that folder alone, the rest of the host is not ours."""
    base, every = folder(source), security(source)
    own = {f"{base}/assets/*": {"Cache-Control": "public, max-age=31536000, immutable"}}
    own |= {
        f"{base}{source.prefix(lang)}/thanks/*": {"Referrer-Policy": "no-referrer"} for lang in source.langs
    }
    content: dict[str, object] = {
        "globalHeaders": every,
        "responseOverrides": {"404": {"rewrite": "/404.html"}},
        "routes": [{"route": name, "headers": headers} for name, headers in own.items()],
    }
    if base:  # the first route that fits is the only one, so each says everything
        own[f"{base}/*"] = {}
        content = {"routes": [{"route": name, "headers": every | headers} for name, headers in own.items()]}
    return json.dumps(content, indent=2) + "\n"
