"""`engine incident`: the flags of the house, listed, set and cleared.

All ask the running engine: by its API, with a token of the scopes `directory:read` and `directory:write`.
"""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from engine.commands import Subparsers, command, group, settings_of
from engine.commands._api import TOKEN, ask
from engine.errors import BadInput

_TEACH = f"""\
  export {TOKEN}=...        engine token create desk --scope directory:read --scope directory:write
  engine incident list
  engine incident set it-down --for 4h --message-fr "Nos ordinateurs sont en panne."
  engine incident clear it-down
What scenarios and dialplans make of a flag: docs/incidents.md.
"""
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers, "incident", None, summary="show, set and clear the flags of the house", teach=_TEACH, config=False
    )
    words = group(parser)
    command(words, "list", show, summary="every flag there is, and how it stands", teach=_TEACH)
    put = command(words, "set", put_up, summary="set a flag, in the place of the one that is set", teach=_TEACH)
    put.add_argument("incident", metavar="INCIDENT", help="one of `engine incident list`")
    put.add_argument("--for", dest="time", metavar="TIME", help="such as 90m, 4h or 2d; without, until it is cleared")
    for language, name in (("fr", "French"), ("en", "English")):
        put.add_argument(f"--message-{language}", metavar="TEXT", help=f"what callers are told in {name}")
    take = command(words, "clear", clear, summary="clear a flag", teach=_TEACH)
    take.add_argument("incident", metavar="INCIDENT", help="one of `engine incident list`")


def show(asked: argparse.Namespace) -> int:
    _print(ask(settings_of(asked), "GET", "/v1/incidents"))
    return 0


def put_up(asked: argparse.Namespace) -> int:
    given = {"message_fr": asked.message_fr, "message_en": asked.message_en, "expires_at": _end(asked.time)}
    body = {name: value for name, value in given.items() if value is not None}
    _print(ask(settings_of(asked), "PUT", _path(asked.incident), body))
    return 0


def clear(asked: argparse.Namespace) -> int:
    _print(ask(settings_of(asked), "DELETE", _path(asked.incident)))
    return 0


def _path(incident: str) -> str:
    return f"/v1/incidents/{quote(incident, safe='')}"


def _end(time: str | None) -> str | None:
    if time is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", time, re.ASCII)
    if found is None:
        raise BadInput(f"{time!r} is no time such as 90m, 4h or 2d")
    return (datetime.now(UTC) + timedelta(**{_UNITS[found[2]]: int(found[1])})).isoformat()


def _print(told: dict[str, Any]) -> None:
    for item in told["items"]:
        print(f"{'SET  ' if item['active'] else 'clear'}  {item['code']}  {item['label_fr']} / {item['label_en']}")
        if item["active"]:
            until = item["expires_at"] or "it is cleared"
            print(f"       by {item['author']} since {item['set_at']}, until {until}")
        for message in (item["message_fr"], item["message_en"]):
            if message:
                print(f"       {message}")
