"""`engine limits`: where the limits that stop fraud stand, and letting a locked scope call again.

Both ask the running engine, which alone knows: by its API, with a token of scope `admin`.
"""

import argparse
from typing import Any
from urllib.parse import quote

from engine.commands import Subparsers, command, group, settings_of
from engine.commands._api import TOKEN, ask

_TEACH = f"""\
  export {TOKEN}=...        a token of scope admin: engine token create boss --scope admin
  engine limits list
  engine limits rearm agent:alice
Find out first who called: the refusals and the calls that were cut name the limit (docs/fraud.md).
"""


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers,
        "limits",
        None,
        summary="show the limits that stop fraud, and re-arm one",
        teach=_TEACH,
        config=False,
    )
    words = group(parser)
    command(words, "list", show, summary="locked scopes, and counters that came near a limit", teach=_TEACH)
    again = command(words, "rearm", rearm, summary="let a locked scope call again, counting anew", teach=_TEACH)
    again.add_argument("scope", metavar="SCOPE", help="house, agent:ID, token:NAME, trunk:ID or prefix:+44")


def show(asked: argparse.Namespace) -> int:
    told = ask(settings_of(asked), "GET", "/v1/limits")
    for lock in told["locked"]:
        print(f"LOCKED since {lock['since']}: {_line(lock['limit'])}")
    near = [item for item in told["items"] if item["level"] != "normal"]
    for item in near:
        print(f"{item['level']}: {_line(item)}")
    if not told["locked"] and not near:
        print(f"nothing is locked, nothing is near a limit ({len(told['items'])} counters)")
    return 0


def rearm(asked: argparse.Namespace) -> int:
    ask(settings_of(asked), "POST", f"/v1/limits/{quote(asked.scope, safe=':+')}/rearm")
    print(f"{asked.scope} may call again")
    return 0


def _line(item: dict[str, Any]) -> str:
    return f"{item['scope']}: {item['measure'].replace('_', ' ')} {item['value']:g} of {item['cap']:g}"
