"""Fixtures with real parts. A test file imports the one it needs, or its folder's conftest does."""

from collections.abc import AsyncIterator

import pytest_asyncio

from engine.sandbox.sandbox import Sandbox


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def box() -> AsyncIterator[Sandbox]:
    """One box for all live tests: Asterisk, PostgreSQL and the far end. What a test adds, it takes away."""
    async with Sandbox("live", print) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def own_box() -> AsyncIterator[Sandbox]:
    """A box for one test alone, which may break it (about 2 s)."""
    async with Sandbox("own", print) as sandbox:
        yield sandbox
