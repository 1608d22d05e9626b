"""`engine limits`: where the limits that stop fraud stand, and letting a locked scope call again.

Both ask the running engine, which alone knows: by its API, with a token of scope `admin`.
"""

import argparse
import http.client
import json
import os
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

from engine.commands import Subparsers, command, group, settings_of
from engine.errors import BadInput, Unavailable
from engine.settings import Settings

TOKEN = "STANDARDISTE_TOKEN"  # noqa: S105 - the variable's name
ANSWER_S = 10.0
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
    told = _ask(settings_of(asked), "GET", "/v1/limits")
    for lock in told["locked"]:
        print(f"LOCKED since {lock['since']}: {_line(lock['limit'])}")
    near = [item for item in told["items"] if item["level"] != "normal"]
    for item in near:
        print(f"{item['level']}: {_line(item)}")
    if not told["locked"] and not near:
        print(f"nothing is locked, nothing is near a limit ({len(told['items'])} counters)")
    return 0


def rearm(asked: argparse.Namespace) -> int:
    _ask(settings_of(asked), "POST", f"/v1/limits/{quote(asked.scope, safe=':+')}/rearm")
    print(f"{asked.scope} may call again")
    return 0


def _line(item: dict[str, Any]) -> str:
    return f"{item['scope']}: {item['measure'].replace('_', ' ')} {item['value']:g} of {item['cap']:g}"


def _ask(settings: Settings, method: str, path: str) -> dict[str, Any]:
    token = os.environ.get(TOKEN, "")
    if not token:
        raise BadInput(f"{TOKEN} is not set", what_next="Make one: engine token create boss --scope admin")
    host = f"[{settings.http.host}]" if ":" in settings.http.host else settings.http.host
    url = f"http://{host}:{settings.http.port}{path}"
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - our own settings' http
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as refused:
        problem = json.load(refused)
        raise BadInput(problem.get("detail", str(refused)), what_next=problem.get("what_next", "")) from refused
    except (OSError, http.client.HTTPException, ValueError) as away:
        raise Unavailable(f"the engine at {url} does not answer: {away}", what_next="engine doctor") from away
