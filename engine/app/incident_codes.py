"""Incidents from an agent's telephone: `*801` sets the first flag or clears it again, `*800` clears all of them."""

from typing import Protocol

from engine.app.auditing import Audit, note
from engine.app.directories import CurrentDirectory
from engine.app.incident_board import IncidentBoard
from engine.calls.arriving import Came, agent_of
from engine.calls.contract import Actor
from engine.domain.directory import Agent
from engine.errors import Refused
from engine.http.incident_port import IncidentWish

PREFIX = "80"
CONTEXT = "standardiste-incident"


class Codes(Protocol):
    """Codes that the dialplan hands to us."""

    async def dialled(self, came: Came) -> str: ...


class IncidentCodes:
    def __init__(self, board: IncidentBoard, source: CurrentDirectory, journal: Audit) -> None:
        self._board, self._source, self._journal = board, source, journal

    async def dialled(self, came: Came) -> str:
        """Do it; the extension of `CONTEXT` that tells what became of it. Raises Refused, DatabaseAway."""
        number = came.dialled.removeprefix(PREFIX)
        try:
            actor = _actor(self._agent(came))
            if number == "0":
                return await self._clear_all(actor)
            return await self._turn(number, actor)
        except Refused as refused:
            who = Actor(token_id="", name=came.endpoint, scopes=frozenset())
            await note(self._journal, who, f"incidents: *{came.dialled}", refused.message, rule=refused.stable_code)
            raise

    def _agent(self, came: Came) -> Agent:
        found = agent_of(came, self._source.directory)
        if found is None or not found[0].incidents:
            raise Refused(f"{came.endpoint} may not set incidents", rule="incidents-not-permitted", status=403)
        return found[0]

    async def _clear_all(self, actor: Actor) -> str:
        for one in self._board.standing():
            await self._board.clear(one.code, actor)
        return "clear0"

    async def _turn(self, number: str, actor: Actor) -> str:
        known = self._board.known
        if not number.isdigit() or not 1 <= int(number) <= len(known):
            raise Refused(f"there is no incident number {number}", rule="unknown-number", status=404)
        code = known[int(number) - 1]
        if any(one.code == code for one in self._board.standing()):
            await self._board.clear(code, actor)
            return f"clear{number}"
        await self._board.set(code, IncidentWish(), actor)
        return f"set{number}"


def _actor(agent: Agent) -> Actor:
    return Actor(token_id="", name=f"phone {agent.id}", scopes=frozenset(), agent=agent.id)
