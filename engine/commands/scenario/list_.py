"""`engine scenario list`: what callers meet."""

import argparse
from typing import Any

from engine.commands import Subparsers, command, settings_of
from engine.commands._api import ask

_TEACH = """\
  engine scenario list            the published scenarios, and the version under each alias
"""


def register(words: Subparsers) -> None:
    command(words, "list", run, summary="show the published scenarios", teach=_TEACH)


def run(asked: argparse.Namespace) -> int:
    items = ask(settings_of(asked), "GET", "/v1/scenarios")["items"]
    print("\n".join(map(as_text, items)) or "no scenario is published")
    return 0


def as_text(entry: dict[str, Any]) -> str:
    """A scenario, and a line for each alias that leads somewhere."""
    leads = [(alias, entry[alias]) for alias in ("live", "previous", "test") if entry[alias] is not None]
    lines = [f"  {alias:9}{lead['version'][:12]}  {lead['author']}, {lead['at']}" for alias, lead in leads]
    return "\n".join([entry["name"], *lines])
