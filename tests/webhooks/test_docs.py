"""The page on events tells the truth: its snippet verifies what is sent, its tables name what there is."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.domain.public_events import EVENT_TYPES
from engine.webhooks import signing

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"id":"c.1","data":{"name":"Zoé"}}'.encode()


def snippet() -> Callable[[str, dict[str, str], bytes], bool]:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    verified: Callable[[str, dict[str, str], bytes], bool] = names["verified"]
    return verified


def test_the_snippet_takes_what_the_engine_sends_and_nothing_else() -> None:
    verified, secret, now = snippet(), signing.new_secret(), datetime.now(UTC)
    sent = signing.headers(secret, "c.1", now, BODY)
    assert verified(secret, sent, BODY)
    assert not verified(signing.new_secret(), sent, BODY)
    assert not verified(secret, sent, BODY + b" ")
    assert not verified(secret, {**sent, "webhook-id": "c.2"}, BODY)
    assert not verified(secret, signing.headers(secret, "c.1", now - timedelta(minutes=6), BODY), BODY)


def test_every_event_is_in_the_table_and_no_other() -> None:
    assert tuple(dict.fromkeys(re.findall(r"^\| `(\w+\.\w+)`", PAGE, re.MULTILINE))) == EVENT_TYPES
