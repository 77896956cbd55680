"""The static shop: the catalogue, texts and templates become pages that any host can serve.

`build.py` writes the pages to disk; `pages.py` renders the few that the API answers with, from the same templates.
"""
