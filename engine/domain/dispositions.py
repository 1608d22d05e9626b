"""Which dispositions a call may be given: any, until the directory declares codes; from then on those."""

import difflib
from collections.abc import Iterable, Mapping

from engine.domain.directory import DispositionCode
from engine.domain.values import Code
from engine.errors import Refused


def check_disposition(code: str, campaign: str | None, declared: Mapping[Code, DispositionCode]) -> None:
    """Refused (422, `unknown-disposition`, naming the nearest code) for a code a call of this campaign has not got."""
    if not declared:
        return
    known = declared.get(Code(code))
    if known is not None and _usable(known, campaign):
        return
    usable = sorted(found.id for found in declared.values() if _usable(found, campaign))
    raise Refused(
        f"{code!r} {_why(known, campaign)}",
        rule="unknown-disposition",
        status=422,
        what_next=_hint(code, usable),
    )


def _usable(found: DispositionCode, campaign: str | None) -> bool:
    return found.active and (not found.campaigns or campaign in found.campaigns)


def _why(known: DispositionCode | None, campaign: str | None) -> str:
    if known is None:
        return "is no disposition of the directory"
    if not known.active:
        return "is a disposition no longer used"
    return f"is no disposition for calls of campaign {campaign!r}" if campaign else "is for calls of a campaign only"


def _hint(code: str, usable: Iterable[Code]) -> str:
    """The nearest usable code, however it is capitalised; else where they are listed."""
    spelled = {found.lower(): found for found in usable}
    near = difflib.get_close_matches(code.lower(), spelled, n=1)
    return f"Did you mean {spelled[near[0]]!r}?" if near else "GET /v1/dispositions lists them."
