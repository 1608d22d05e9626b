"""Incidents in Asterisk's own database, `incidents/CODE` 0 or 1, for any dialplan to test: `${DB(incidents/it-down)}`.

Every flag is written anew with each connection: whatever Asterisk's database says after its restart, it is right again.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

import structlog

from engine.ami.actions import Action, DbPut
from engine.app.incident_board import IncidentBoard
from engine.errors import StandardisteError

log = structlog.get_logger(__name__)

FAMILY = "incidents"
LOOK_EVERY_S = 1.0  # a flag may end by its time, of which nobody tells


class Manager(Protocol):
    """What this needs of the manager connection."""

    @property
    def ready(self) -> bool: ...
    @property
    def epoch(self) -> int: ...
    async def act(self, action: Action) -> None: ...


class IncidentMirror:
    def __init__(self, board: IncidentBoard, manager: Manager) -> None:
        self._board, self._manager = board, manager
        self._written: dict[str, str] = {}
        self._epoch = 0

    async def run(self) -> None:
        """Keep Asterisk told for ever."""
        while True:
            self._board.news.clear()
            try:
                await self.look()
            except StandardisteError as away:
                log.warning("incidents.not_mirrored", why=away.message)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._board.news.wait()

    async def look(self) -> None:
        """Write what differs from what this connection was told. Raises AmiAway, AmiRefused."""
        if not self._manager.ready:
            return
        if self._manager.epoch != self._epoch:
            self._epoch, self._written = self._manager.epoch, {}
        for code, value in self._wanted().items():
            if self._written.get(code) != value:
                await self._manager.act(DbPut(FAMILY, code, value))
                self._written[code] = value

    def _wanted(self) -> Mapping[str, str]:
        found = {one.code for one in self._board.standing()}
        return {code: "1" if code in found else "0" for code in self._board.known}
