"""Waiting for a condition, with a bound."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], Awaitable[bool]], bound_s: float = 30.0) -> None:
    """Looks every 10 ms; raises TimeoutError after the bound."""
    async with asyncio.timeout(bound_s):
        while not await condition():  # noqa: ASYNC110 - the condition lives in another process
            await asyncio.sleep(0.01)
