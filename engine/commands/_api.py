"""Commands that ask the running engine, which alone knows: by its API, with a token from the environment."""

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from engine.errors import BadInput, Unavailable
from engine.settings import Settings

TOKEN = "STANDARDISTE_TOKEN"  # noqa: S105 - the variable's name
ANSWER_S = 10.0


def ask(
    settings: Settings,
    method: str,
    path: str,
    body: Mapping[str, Any] | bytes | None = None,
    *,
    within_s: float = ANSWER_S,
) -> dict[str, Any]:
    """What the engine answers, empty where it has nothing to say; raises BadInput with its reason for not doing it,
    Unavailable when it does not run. `body`: JSON, or the bytes of a recording."""
    token = os.environ.get(TOKEN, "")
    if not token:
        raise BadInput(f"{TOKEN} is not set", what_next="Make one: engine token create boss --scope admin")
    host = f"[{settings.http.host}]" if ":" in settings.http.host else settings.http.host
    url = f"http://{host}:{settings.http.port}{path}"
    kind = "audio/basic" if isinstance(body, bytes) else "application/json"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=sent, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=within_s) as answer:  # noqa: S310 - our own settings' http
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
            return found
    except urllib.error.HTTPError as refused:
        problem = json.load(refused)
        faults = [fault["detail"] for fault in problem.get("errors", [])]
        message = "\n".join([problem.get("detail", str(refused)), *faults])
        raise BadInput(message, what_next=problem.get("what_next", "")) from refused
    except (OSError, http.client.HTTPException, ValueError) as away:
        raise Unavailable(f"the engine at {url} does not answer: {away}", what_next="engine doctor") from away
