"""What several resources share: a call and what is hung on it, versions of entries, what is for applications alone."""

import re
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UnsetType

from engine.calls.contract import CallView
from engine.domain.cdr import Disposition
from engine.domain.values import CODE_PATTERN
from engine.http import json_text
from engine.http.auth import require_own
from engine.http.problems import HttpRefusal
from engine.http.routing import Asked

T = TypeVar("T")
_ETAG = re.compile(r'"([0-9]{1,9})"|([0-9]{1,9})', re.ASCII)
IF_MATCH_PATTERN = r'^("[0-9]{1,9}"|[0-9]{1,9}|\*)$'
Code = Annotated[str, msgspec.Meta(pattern=f"^{CODE_PATTERN}$", examples=["sale"])]


class DispositionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code the business knows, a note for people, and fields for programs. Replaces the one before."""

    code: Code
    note: Annotated[str, msgspec.Meta(max_length=4000)] | None = None
    fields: dict[str, Any] | None = None


def disposition_of(body: DispositionBody, field: str, asked: Asked) -> Disposition:
    """The disposition as `calls` takes it; raises HttpRefusal `variables-too-large` for its fields."""
    check_size(body.fields or {}, field, asked)
    return Disposition(code=body.code, note=body.note, fields=body.fields)


async def viewed(asked: Asked) -> CallView:
    """The call of the path, if the asker may see it; raises UnknownThing or HttpRefusal `own-calls-only`."""
    view = await asked.services.calls.view(asked.call_id)
    require_own(asked.who, view.agent)
    return view


def check_size(value: dict[str, Any], field: str, asked: Asked) -> None:
    """Bound what an application may hang on a call; raises HttpRefusal `variables-too-large`."""
    limits = asked.services.limits
    size = len(msgspec.json.encode(value))
    if size > limits.variables_limit_bytes:
        detail = f"{field} takes {size} bytes as JSON; at most {limits.variables_limit_bytes} are kept"
        raise HttpRefusal("variables-too-large", detail, pointer=f"/{field}")
    if json_text.depth(value) > limits.variables_depth:
        detail = f"{field} nests deeper than {limits.variables_depth} levels"
        raise HttpRefusal("variables-too-large", detail, pointer=f"/{field}")


def for_applications(asked: Asked, part: T | None, what: str) -> T:
    """A part of the house that no agent's own token reaches; raises HttpRefusal `not-found` where there is none, and
    `not-for-agents`."""
    if part is None:
        raise HttpRefusal("not-found", f"This engine has no {what}")
    if asked.who.agent is not None:
        raise HttpRefusal("not-for-agents", f"This token is agent {asked.who.agent}'s own")
    return part


def check_id(given: str | UnsetType, name: str) -> None:
    """What was read may be sent back, to its own address; raises HttpRefusal `invalid-body`."""
    if not isinstance(given, UnsetType) and given != name:
        raise HttpRefusal("invalid-body", "The id is not the one of the address", pointer="/id")


def base_of(asked: Asked) -> int | None:
    """The revision of If-Match, None when any will do; raises HttpRefusal `invalid-if-match`."""
    given = asked.request.headers.getall("If-Match", [])
    if not given or given == ["*"]:
        return None
    found = _ETAG.fullmatch(given[0])
    if len(given) > 1 or found is None:
        raise HttpRefusal("invalid-if-match", "The If-Match header is none of the ETags that were given")
    return int(found[1] or found[2])


def etag(revision: int) -> dict[str, str]:
    return {"ETag": f'"{revision}"'}
