"""The example's trunks and agents in the shared box's Asterisk, and a line to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from engine.config.render import directory_files
from engine.sandbox.example import example_directory
from engine.sandbox.sandbox import Sandbox
from tests.live.contract.line import Line


@pytest_asyncio.fixture(loop_scope="session")
async def trunks(box: Sandbox) -> Sandbox:
    """The box, its Asterisk knowing the example directory."""
    box.asterisk.write(directory_files(example_directory(box.farend), box.asterisk_settings))
    await box.asterisk.cli("module reload res_pjsip.so")
    return box


@pytest_asyncio.fixture(loop_scope="session")
async def line(trunks: Sandbox) -> AsyncIterator[Line]:
    """A connected line; what the test made is taken away after it."""
    async with Line(trunks) as opened:
        yield opened
