from __future__ import annotations

import json
from pathlib import Path

from kramik import openapi

APPROVED = Path(__file__).parents[1] / "approved" / "openapi.json"


def test_the_document_is_the_one_that_was_approved() -> None:
    """Programs out there rely on it: a change is made here and there, on purpose."""
    document = json.dumps(openapi.document("https://api.kurs.example"), indent=1, sort_keys=True)
    assert json.loads(APPROVED.read_text("utf-8")) == json.loads(document)
