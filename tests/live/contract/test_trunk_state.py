"""When Asterisk dials a trunk, and when it does not: what `AsteriskSide.is_down` stands on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import msgspec
import pytest

from engine.ari.errors import AllocationFailed
from engine.config.render import directory_files
from engine.domain.values import Slug
from engine.sandbox.example import example_directory
from engine.sandbox.sandbox import Sandbox
from tests.live.contract.line import Line, new_id

TRUNK = "trunk-paris-1"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody there, who never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield silent.getsockname()[1]


async def test_a_contact_is_dialled_until_it_is_known_not_to_answer(own_box: Sandbox, silent_port: int) -> None:
    """Not asked yet: `offline`, and dialled all the same. Asked without an answer: nothing to dial."""
    directory = example_directory(own_box.farend)
    trunk = msgspec.structs.replace(directory.trunks[Slug("paris-1")], host="127.0.0.1", port=silent_port)
    directory.trunks[trunk.id] = trunk
    own_box.asterisk.write(directory_files(directory, own_box.asterisk_settings))
    await own_box.asterisk.cli("module reload res_pjsip.so")
    async with Line(own_box) as line:
        assert (await line.ari.get_endpoint(TRUNK)).state == "offline"
        assert await line.ari.contacts(TRUNK) == (f"PJSIP/{TRUNK}/sip:127.0.0.1:{silent_port}",)
        await line.created(f"PJSIP/+33140000099@{TRUNK}")
        async with asyncio.timeout(30):
            while await line.ari.contacts(TRUNK):  # noqa: ASYNC110 - first asked within 4 s, given 3 s to answer
                await asyncio.sleep(0.1)
        assert (await line.ari.get_endpoint(TRUNK)).state == "offline"
        with pytest.raises(AllocationFailed):
            await line.ari.create_channel(new_id(), f"PJSIP/+33140000099@{TRUNK}")
