"""`/v1/numbers/unmatched`: what was called and leads nowhere."""

import msgspec
from aiohttp import web

from engine.http.ports import UnmatchedNumber
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer


class UnmatchedList(msgspec.Struct, frozen=True):
    """The last called first, since this engine started; at most 500."""

    items: list[UnmatchedNumber]


async def unmatched(asked: Asked) -> web.Response:
    return json_answer(UnmatchedList(for_applications(asked, asked.services.unmatched, "directory").entries()))


ROUTES = (
    Route(
        method="GET", path="/v1/numbers/unmatched", operation="listUnmatchedNumbers", tag="directory",
        scope="directory:read", summary="Numbers that were called and lead nowhere",
        summary_fr="Les numéros appelés qui ne mènent nulle part", handle=unmatched,
        answers=(Answer(status=200, what="The last called first, each with a hint", body=UnmatchedList),),
        problems=("not-for-agents",),
    ),
)  # fmt: skip
