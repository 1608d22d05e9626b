"""Whose application is it: a word left in Asterisk by the engine that took it last.

Asterisk gives an application to whoever opens its event socket last, and tells the one before, without saying who came.
It may be another engine. It may also be ourselves: an attempt to connect that we gave up, or that died with the process
before us, and that Asterisk gets round to only now (seen when it had been frozen, or the network slow). So each
engine leaves its name in a global variable; only another name there means that we are replaced.
"""

from __future__ import annotations

import asyncio
import re
from typing import Literal
from uuid import uuid4

from engine.ari.requests import AriRequests

CLAIM_LIMIT_S = 2.0
"""A new engine leaves its name some milliseconds after it opened its socket; nobody's socket never does."""
POLL_S = 0.02

Holder = Literal["us", "another", "nobody"]


class Ownership:
    """One life of one engine. `AriError` if Asterisk cannot be asked."""

    def __init__(self, requests: AriRequests, app: str) -> None:
        self._requests = requests
        self._variable = f"ARI_OWNER_{re.sub(r'[^A-Za-z0-9]', '_', app)}"
        self._name = uuid4().hex

    async def claim(self) -> None:
        """It is ours now. An Asterisk that restarts forgets it."""
        await self._requests.set_global(self._variable, self._name)

    async def holder(self) -> Holder:
        """Who took it last."""
        name = await self._requests.get_global(self._variable)
        if not name:
            return "nobody"
        return "us" if name == self._name else "another"

    async def taken_by_another(self) -> bool:
        """After Asterisk gave our application away: to another engine, or to a socket of nobody?"""
        deadline = asyncio.get_running_loop().time() + CLAIM_LIMIT_S
        while await self.holder() != "another":
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True
