"""The log: one line for each event, the call id on it, no secret in it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from engine.observe.log import call_context, masked, redact, set_up


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up("INFO", "json", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_has_its_call_time_and_level(out: io.StringIO) -> None:
    with call_context("call-7", leg="agent"):
        structlog.get_logger("engine.calls").info("dialled", number="+33612345678")
    structlog.get_logger().info("after")
    first, after = lines(out)
    assert (first["event"], first["call_id"], first["leg"], first["level"], first["logger"]) == (
        "dialled", "call-7", "agent", "info", "engine.calls",
    )  # fmt: skip
    assert first["timestamp"].endswith("Z")
    assert "call_id" not in after


def test_the_standard_library_leaves_by_the_same_door(out: io.StringIO) -> None:
    logging.getLogger("asyncpg").warning("password is %s", "postgresql://u:hunter2@h/d")
    assert lines(out)[0]["event"] == "password is postgresql://u:***@h/d"


def test_a_traceback_is_one_line_without_secrets(out: io.StringIO) -> None:
    try:
        raise ValueError("postgresql://u:hunter2@h/d\nsecond line")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert len(lines(out)) == 1
    assert "ValueError" in lines(out)[0]["exception"]
    assert "hunter2" not in out.getvalue()


@pytest.mark.parametrize(
    "fields",
    [
        {"secret": "hunter2"}, {"sip_password": "hunter2"}, {"headers": {"Authorization": "Bearer hunter2hunter2"}},
        {"note": "Authorization: Basic aHVudGVyMg=="}, {"a": ["std_hunter2hunter2hunter2"]}, {"dsn": "hunter2"},
        {"url": "postgresql://u:hunter2@h/d"}, {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": "hunter2"}}}}}}}},
    ],
)  # fmt: skip
def test_secrets_are_masked(out: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger().info("event", **fields)
    assert "unter2" not in out.getvalue()
    assert "aHVudGVyMg" not in out.getvalue()


@given(st.text())
def test_masking_takes_any_text(text: str) -> None:
    masked(text)
    assert "hunter2x" not in masked(f"{text} std_hunter2x")


def test_numbers_and_plain_texts_stay() -> None:
    event = {"event": "e", "number": "+33612345678", "attempts": 3, "token": None, "secret": ""}
    assert redact(None, "info", dict(event)) == event


def test_what_others_sent_forges_no_line(out: io.StringIO) -> None:
    set_up("INFO", "console", out)
    structlog.get_logger().info("x\n2026-01-01 [info] forged")
    assert out.getvalue().count("\n") == 1
