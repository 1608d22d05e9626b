"""Structured logs: one event per line, the call id on every line of a call, no secret in any.

`set_up` is called once, by the composition root. Anything logged through the standard library (aiohttp, asyncpg,
APScheduler) leaves by the same door. Code logs with `structlog.get_logger()`; what is bound with `call_context` or
`structlog.contextvars.bind_contextvars` follows the task.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal, TextIO

import structlog
from structlog.types import EventDict, Processor

_SECRET_NAME = re.compile(r"secret|password|passwd|authorization|api_key|bearer|^token$|^dsn$", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?P<token>\bstd_)[A-Za-z0-9_-]{8,}"  # our own API tokens
    r"|(?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<url>://[^\s:/@]+:)[^\s@/]+(?=@)",  # the password in a URL, such as PostgreSQL's
    re.IGNORECASE,
)
MASK = "***"


def masked(text: str) -> str:
    """The text without our tokens, HTTP credentials and passwords in URLs."""
    return _SECRET_TEXT.sub(lambda found: next(part for part in found.groups() if part) + MASK, text)


def _without_secrets(value: Any, depth: int = 0) -> Any:
    """A copy without secrets; what is nested deeper than six levels is dropped rather than trusted."""
    if isinstance(value, str):
        return masked(value)
    if depth > 6 and isinstance(value, (Mapping, list, tuple)):
        return "..."
    if isinstance(value, Mapping):
        return {
            key: MASK if _SECRET_NAME.search(str(key)) and item else _without_secrets(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item, depth + 1) for item in value]
    return value


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """structlog processor: masks by field name (secret, password, authorization...) and by the look of the text."""
    redacted: EventDict = _without_secrets(event)
    return redacted


def _one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Line breaks from outside would forge lines in the console format (JSON escapes them anyway)."""
    event["event"] = str(event.get("event", "")).replace("\r", "\\r").replace("\n", "\\n")
    return event


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


class _Door(logging.StreamHandler[TextIO]):
    """Our one handler. Without a stream of its own it writes to what standard error is at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        logging.Handler.__init__(self)
        self._own = stream

    @property
    def stream(self) -> TextIO:
        return self._own if self._own is not None else sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        self._own = stream


def set_up(level: str = "INFO", fmt: Literal["json", "console"] = "json", stream: TextIO | None = None) -> None:
    """Configure logging for the whole process; calling it again replaces the former configuration."""
    out = stream if stream is not None else sys.stderr
    last: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if fmt == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,  # before redact: a traceback may quote a DSN
            redact,
            _one_line,
            last,
        ],
    )
    door = _Door(stream)
    door.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [door, *(other for other in root.handlers if not isinstance(other, _Door))]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a second set_up must reach loggers made before it
    )


@contextmanager
def call_context(call_id: str, **more: str) -> Iterator[None]:
    """Every line logged inside carries the call id (and what else is given)."""
    values: MutableMapping[str, str] = {"call_id": call_id, **more}
    with structlog.contextvars.bound_contextvars(**values):
        yield
