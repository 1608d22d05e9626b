"""The same two-leg call without the engine: Asterisk's own dialplan, in the same Asterisk, over the same trunk."""

from types import TracebackType
from typing import Self

import aiohttp

from engine.domain import dialstring
from engine.domain.directory import Trunk
from engine.domain.values import E164
from engine.sandbox.sandbox import Sandbox
from tests.crowd import Plan

RING_S = 30
CONTEXT = "bench-plain"


class PlainDialplan:
    """``async with PlainDialplan(box, trunk) as plain: await plain.place(plan)``

    An originate rings the agent's number; what answers runs `Dial()` of the customer's number. No confirmation, no
    record, no recovery: the least that Asterisk can do for two people.
    """

    def __init__(self, box: Sandbox, trunk: Trunk) -> None:
        self._box, self._trunk = box, trunk
        settings = box.asterisk_settings
        self._url = f"http://127.0.0.1:{settings.ari_port}/ari/channels"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(settings.ari_user, settings.ari_secret)}

    async def __aenter__(self) -> Self:
        await self._write_context()
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def place(self, plan: Plan) -> bool:
        """Originate; whether Asterisk took it."""
        query = {
            "endpoint": self._to(plan.mobile),
            "context": CONTEXT,
            "extension": E164(plan.customer),
            "callerId": self._trunk.caller_ids[0],
            "timeout": str(RING_S),
        }
        async with self._session.post(self._url, params=query) as answer:
            return answer.status == 200

    async def _write_context(self) -> None:
        """Beside the contexts that are there; the engine's own files stay as they are."""
        file = self._box.asterisk.paths.etc / "extensions.conf"
        dial = f"Dial({self._to(E164('+33600000000')).replace('+33600000000', '${EXTEN}')},{RING_S})"
        file.write_text(f"{file.read_text()}\n[{CONTEXT}]\nexten => _+X!,1,{dial}\n same => n,Hangup()\n")
        await self._box.asterisk.cli("dialplan reload")

    def _to(self, number: E164) -> str:
        return dialstring.to_trunk(number, self._trunk, "FR")
