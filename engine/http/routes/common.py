"""What several resources of a call share: finding it, qualifying it, bounding what is hung on it."""

from typing import Annotated, Any

import msgspec

from engine.calls.contract import CallView
from engine.domain.cdr import Disposition
from engine.domain.values import CODE_PATTERN
from engine.http import json_text
from engine.http.auth import require_own
from engine.http.problems import HttpRefusal
from engine.http.routing import Asked

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
