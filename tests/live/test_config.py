"""The rendered files in a real Asterisk: loaded, read back, refused, undone; and what the dialplan does alone."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from engine.config import apply, last_good
from engine.config.apply import AsteriskFiles
from engine.config.errors import ConfigRejected
from engine.config.pjsip import pjsip_groups
from engine.config.queues import queue_sections
from engine.config.render import EMERGENCY, FOLDER, GLOBALS, PJSIP, Files, directory_files
from engine.domain.directory import Agent, Directory, Group
from engine.domain.values import Extension, Slug
from engine.errors import BadFile
from engine.sandbox.example import example_directory, switch_on_phone
from engine.sandbox.sandbox import Sandbox
from tests.config.dying import Killed, dies_at
from tests.live.asking import Asking, Events

pytestmark = pytest.mark.live

NORMAL_S = 30.0  # what must happen at once, on a loaded machine


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mine() -> AsyncIterator[Sandbox]:
    """A box of this file's own: its Asterisk is given many directories."""
    async with Sandbox("config", print) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def asking(mine: Sandbox) -> AsyncIterator[Asking]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=NORMAL_S)) as session:
        yield Asking(mine.asterisk_settings, session)


@pytest.fixture
def files(mine: Sandbox, asking: Asking) -> AsteriskFiles:
    return AsteriskFiles(mine.asterisk_settings, asking)


@pytest.fixture
def example(mine: Sandbox) -> Directory:
    return example_directory(mine.farend)


async def until(condition: Callable[[], bool], *, timeout_s: float | None = None) -> None:
    async with asyncio.timeout(timeout_s or NORMAL_S):
        while not condition():  # noqa: ASYNC110 - a file is looked at; nobody tells us
            await asyncio.sleep(0.02)


def log(box: Sandbox) -> str:
    return (box.asterisk_settings.paths.log / "messages.log").read_text(errors="replace")


async def test_the_machines_own_files_load_without_a_word(mine: Sandbox) -> None:
    started = log(mine).split("retrying in")[0]
    assert [line for line in started.splitlines() if "ERROR" in line or "WARNING" in line] == []


async def test_every_option_is_one_that_asterisk_documents(mine: Sandbox, example: Directory) -> None:
    """A misspelt option of an object drops the object; one that goes away with a new Asterisk is found here."""
    (documented,) = mine.asterisk.install.data.rglob("core-en_US.xml")
    known: dict[str, set[str]] = {}
    for found in ElementTree.parse(documented).iter("configObject"):  # noqa: S314 - Asterisk's own file
        known.setdefault(found.get("name", ""), set()).update(o.get("name", "") for o in found.iter("configOption"))
    for group in pjsip_groups(example):
        for section in group.sections:
            kind = section.options[0].value
            assert {o.key for o in section.options} - known[kind] - {"type"} == set(), kind


async def test_a_directory_is_read_back_whole(files: AsteriskFiles, example: Directory) -> None:
    await files.apply(example)
    assert await files.verify(example) == []
    assert await files.verify(msgspec.structs.replace(example, agents={})) == []
    fewer = msgspec.structs.replace(example, trunks=dict(list(example.trunks.items())[:1]))
    await files.apply(fewer)
    assert len(await files.verify(example)) > 1
    await files.apply(example)


async def test_groups_are_queues_with_their_members(
    mine: Sandbox, files: AsteriskFiles, asking: Asking, example: Directory
) -> None:
    def group(**changes: Any) -> Directory:
        more: dict[str, Any] = {"members": (Slug("anne"), Slug("bruno")), **changes}
        made = Group(id=Slug("sales"), name="Sales", site=Slug("paris"), extension=Extension("2099"), **more)
        return msgspec.structs.replace(example, groups={made.id: made})

    await files.apply(group())
    assert await files.verify(group()) == []
    for change in (
        {"strategy": "one_by_one"}, {"strategy": "one_by_one", "members": (Slug("bruno"), Slug("anne"))},
        {"ring_s": 9}, {"members": ()},
    ):  # fmt: skip
        (before,) = queue_sections(group())
        wanted = group(**change)
        await files.apply(wanted)
        assert await files.verify(wanted) == []
        (queue,) = queue_sections(wanted)
        shown = await mine.asterisk.cli(f"queue show {queue.name}")
        assert f"'{queue.options[0].value}' strategy" in shown
        names = [option.value for option in queue.options if option.key == "member"]
        places = [shown.index(name) for name in names]
        assert queue.options[0].value != "linear" or places == sorted(places)
        assert await asking.queue_members(before.name) is None
        assert len(await files.verify(group())) == 1
    await files.apply(example)
    assert "No queues" in await mine.asterisk.cli("queue show")


async def test_secrets_and_names_survive_the_way_through_the_files(files: AsteriskFiles, example: Directory) -> None:
    hostile = msgspec.structs.replace(
        next(iter(example.agents.values())), secret=";--=>\\;[x](!)#\"'${}%&,", name='Zoé "d\'Or"; [evil]\n=> é' * 3
    )
    await files.apply(msgspec.structs.replace(example, agents={hostile.id: hostile}))
    assert await files.verify(msgspec.structs.replace(example, agents={hostile.id: hostile})) == []


async def test_phones_and_the_gateway_sign_in_with_what_was_rendered(
    mine: Sandbox, files: AsteriskFiles, example: Directory
) -> None:
    await files.apply(example)
    agent = example.agents[Slug("bruno")]
    await switch_on_phone(mine.farend, agent, device=1)
    await switch_on_phone(mine.farend, agent, device=2)
    assert (await mine.asterisk.cli(f"pjsip show aor {agent.sip_user}")).count("Contact:  ") >= 2
    async with asyncio.timeout(NORMAL_S):
        while "Registered" not in await mine.asterisk.cli("pjsip show registrations"):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
    await mine.farend.remove_phones()


async def test_a_change_of_one_agent_leaves_the_phones_of_others_registered(
    mine: Sandbox, files: AsteriskFiles, example: Directory
) -> None:
    await files.apply(example)
    bruno = example.agents[Slug("bruno")]
    await switch_on_phone(mine.farend, bruno)
    await files.apply(_with(example, devices=4))
    assert bruno.sip_user in await mine.asterisk.cli(f"pjsip show aor {bruno.sip_user}")
    assert "@" in await mine.asterisk.cli(f"pjsip show contacts like {bruno.sip_user}")
    await mine.farend.remove_phones()


async def test_a_removed_agent_cannot_be_asked_for(asking: Asking, files: AsteriskFiles, example: Directory) -> None:
    await files.apply(example)
    anne = example.agents[Slug("anne")]
    assert await asking.object_fields("endpoint", anne.sip_user)
    await files.apply(_with(example, enabled=False))
    for kind in ("endpoint", "auth", "aor"):
        assert await asking.object_fields(kind, anne.sip_user) is None


def _with(directory: Directory, **changes: object) -> Directory:
    """The directory with another Anne."""
    anne = msgspec.structs.replace(directory.agents[Slug("anne")], **changes)
    return msgspec.structs.replace(directory, agents={**directory.agents, anne.id: anne})


def _all_files_changed(directory: Directory) -> Directory:
    """Another Anne, and another emergency number: telephones, dialplan and globals."""
    paris = msgspec.structs.replace(directory.sites[Slug("paris")], emergency_numbers=("5555",))
    return msgspec.structs.replace(_with(directory, devices=7), sites={**directory.sites, paris.id: paris})


Break = tuple[str, Callable[[str], str]]
BROKEN: dict[str, Break] = {
    "an option with a value nobody knows": (PJSIP, lambda t: t.replace("dtmf_mode = rfc4733", "dtmf_mode = smoke", 1)),
    "an option that does not exist": (PJSIP, lambda t: t.replace("devices_state", "x") + "\nno_such_option = 1\n"),
    "a line that is none": (PJSIP, lambda t: t + "\n[unclosed\n"),
    "an object twice": (PJSIP, lambda t: t + "\n" + t),
    "a bad aor": (PJSIP, lambda t: t.replace("max_contacts = 3", "max_contacts = many", 1)),
    "a codec nobody has": (PJSIP, lambda t: t.replace("allow = alaw,ulaw", "allow = morse", 1)),
    "a step of the dialplan without a place": (EMERGENCY, lambda t: t.replace("exten = 112,1,", "exten = 112,one,", 1)),
    "a dialplan that is none": (EMERGENCY, lambda t: t + "\n[unclosed\n"),
    "globals that are none": (GLOBALS, lambda t: t.replace("[", "[[", 1)),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_whatever_asterisk_rejects_is_noticed_and_undone(
    mine: Sandbox,
    files: AsteriskFiles,
    example: Directory,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await files.apply(example)
    home = mine.asterisk_settings.paths.etc / FOLDER
    before = last_good.read_files(home, apply.NAMES)
    monkeypatch.setattr(apply, "READ_BACK_S", 0.3)
    file, broken = BROKEN[how]

    def rendered(directory: Directory, settings: object) -> Files:
        made = directory_files(directory, mine.asterisk_settings)
        assert broken(made[file]) != made[file]
        return {**made, file: broken(made[file])}

    monkeypatch.setattr(apply, "directory_files", rendered)
    with pytest.raises((ConfigRejected, BadFile)):
        await files.apply(_all_files_changed(example))
    assert before == last_good.read_files(home, apply.NAMES)
    monkeypatch.undo()
    assert await files.verify(example) == []


STEPS = 22
"""At least as many as a change of one agent and one emergency number has; whoever dies later lives."""


@pytest.mark.parametrize("step", [pytest.param(s, marks=[] if s % 4 == 0 else pytest.mark.soak) for s in range(STEPS)])
async def test_killed_between_any_two_steps_a_restarted_asterisk_has_its_endpoints(
    mine: Sandbox,
    files: AsteriskFiles,
    asking: Asking,
    example: Directory,
    *,
    step: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every sync, rename and reload is a step. Asterisk's service undoes what was interrupted before it starts it."""
    await files.apply(example)
    changed = _all_files_changed(example)
    home = mine.asterisk_settings.paths.etc / FOLDER
    with monkeypatch.context() as patched:
        dies_at(step, patched, (os, "fsync"), (Path, "replace"), (asking, "reload_module"))
        with suppress(Killed):
            await files.apply(changed)
    await mine.asterisk.stop()
    if last_good.restore(home):
        last_good.accept(home)
    await mine.asterisk.start()
    for agent in example.agents.values():
        assert await asking.object_fields("endpoint", agent.sip_user), agent.id
    assert await files.verify(example) == [] or await files.verify(changed) == []


async def test_a_thousand_agents_are_applied_in_seconds(files: AsteriskFiles, example: Directory) -> None:
    first = example.agents[Slug("anne")]
    many: dict[Slug, Agent] = {}
    for number in range(1000):
        name = Slug(f"agent-{number}")
        many[name] = msgspec.structs.replace(
            first, id=name, extension=Extension(str(10000 + number)), sip_user=f"{name}-x7", secret=f"{number:020}"
        )
    started = time.monotonic()
    await files.apply(msgspec.structs.replace(example, agents=many))
    took_s = time.monotonic() - started
    print(f"1,000 agents rendered, reloaded and read back in {took_s:.1f} s")
    assert took_s < 30
    started = time.monotonic()
    await files.apply(example)
    print(f"and removed in {time.monotonic() - started:.1f} s")


# What the dialplan does by itself


async def test_without_an_engine_a_caller_hears_ringing_and_is_then_refused(
    mine: Sandbox, asking: Asking, files: AsteriskFiles, example: Directory
) -> None:
    await files.apply(example)
    await asking.beat()
    started = time.monotonic()
    call = await mine.farend.call("33140000001", "+33612000001")
    await mine.farend.until(lambda: not call.live, timeout_s=30)
    assert 5 <= time.monotonic() - started < 25
    assert call.cause == 34  # what SIP's 503 means over there


async def test_a_full_engine_is_not_asked_and_nobody_waits(
    mine: Sandbox, asking: Asking, files: AsteriskFiles, example: Directory
) -> None:
    await files.apply(example)
    await asking.set_global("ENGINE_BEAT", "0")
    async with asking.app("standardiste") as events:
        call = await mine.farend.call("33140000001", "+33612000002")
        await mine.farend.until(lambda: not call.live, timeout_s=30)
        assert await _starts(events, patience_s=0.1) == []


async def test_a_hung_engine_is_not_given_the_caller(
    mine: Sandbox, asking: Asking, files: AsteriskFiles, example: Directory
) -> None:
    await files.apply(example)
    await asking.set_global("ENGINE_BEAT", str(int(time.time()) - 3600))
    await asking.set_global("STANDARDISTE_TRIES", "2")
    async with asking.app("standardiste") as events:  # its socket is open: Stasis() would take the caller
        call = await mine.farend.call("33140000001", "+33612000003")
        await mine.farend.until(lambda: not call.live, timeout_s=30)
        assert await _starts(events, patience_s=0.1) == []
        assert call.cause == 34


async def test_an_engine_that_comes_back_gets_the_caller_who_waited(
    mine: Sandbox, asking: Asking, files: AsteriskFiles, example: Directory
) -> None:
    await files.apply(example)
    await asking.set_global("ENGINE_BEAT", "")
    call = await mine.farend.call("33140000001", "+33612000004")
    await until(lambda: "Ringing" in log(mine) or call.live)
    async with asking.app("standardiste") as events:
        await asking.beat()
        (start,) = await _starts(events, patience_s=NORMAL_S)
        assert start["args"] == ["inbound", "trunk-paris-1", "33140000001", ""]  # nobody forwarded the call
        await asking.hang_up(start["channel"]["id"])
    await mine.farend.until(lambda: not call.live)


async def _starts(events: Events, *, patience_s: float) -> list[dict[str, Any]]:
    """The first StasisStart that comes within the time; none is an empty list."""
    try:
        async with asyncio.timeout(patience_s):
            async for event in events:
                if event["type"] == "StasisStart":
                    return [event]
    except TimeoutError:
        pass
    return []


async def test_a_reload_of_the_dialplan_keeps_the_beat(mine: Sandbox, asking: Asking) -> None:
    await asking.set_global("ENGINE_BEAT", "1795200000")
    await asking.reload_module("pbx_config.so")
    assert await asking.get_global("ENGINE_BEAT") == "1795200000"


async def test_a_hang_up_is_written_with_our_id_and_its_cause(mine: Sandbox) -> None:
    hangups = mine.asterisk_settings.paths.hangups
    await until(lambda: hangups.exists() and '""hangupcause"":42' in hangups.read_text())


# Who is let in


def ask(box: Sandbox, source: str, method: str, user: str, *, uri_user: str = "112", to: str | None = None) -> str:
    """The first line of Asterisk's answer to a request without credentials from an address of this machine."""
    port = box.asterisk_settings.sip_port
    at = "" if method == "REGISTER" else f"{uri_user}@"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.settimeout(NORMAL_S)
        here = f"{source}:{sender.getsockname()[1]}"
        lines = [
            f"{method} sip:{at}127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{time.monotonic_ns()};rport",
            f"From: <sip:{user}@{source}>;tag=1",
            f"To: <sip:{to or user}@127.0.0.1>",
            f"Call-ID: {time.monotonic_ns()}@{source}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{user}@{here}>",
            "Max-Forwards: 70",
            "Expires: 60",
            "Content-Length: 0",
        ]
        sender.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), ("127.0.0.1", port))
        return sender.recv(4096).decode().splitlines()[0]


@pytest.mark.parametrize("user", ["bruno-4f7a", "2002", "nobody", "trunk-paris-1"])
@pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
async def test_a_stranger_is_asked_for_credentials_and_learns_nothing(
    mine: Sandbox, files: AsteriskFiles, example: Directory, user: str, method: str
) -> None:
    await files.apply(example)
    assert "401" in await asyncio.to_thread(ask, mine, "127.0.0.1", method, user)


async def test_a_phone_behind_the_address_of_a_trunk_is_still_a_phone(
    mine: Sandbox, files: AsteriskFiles, example: Directory
) -> None:
    """A site's telephones and its Yeastar can share one public address."""
    await files.apply(example)
    assert "401" in await asyncio.to_thread(ask, mine, "127.0.0.2", "REGISTER", "bruno-4f7a")


async def test_a_trunk_reaches_numbers_only(mine: Sandbox, files: AsteriskFiles, example: Directory) -> None:
    await files.apply(example)
    for hostile in ("%26Local", "*72", "_X."):
        answer = await asyncio.to_thread(ask, mine, "127.0.0.2", "INVITE", "0612345678", uri_user=hostile)
        assert "404" in answer or "416" in answer or "400" in answer, hostile


async def test_a_gateway_that_calls_the_account_has_the_number_in_to(
    mine: Sandbox, asking: Asking, files: AsteriskFiles, example: Directory
) -> None:
    await files.apply(example)
    await asking.beat()
    async with asking.app("standardiste") as events:
        account = partial(ask, uri_user="standardiste", to="+33472000001")
        await asyncio.to_thread(account, mine, "127.0.0.4", "INVITE", "0612345678")
        (start,) = await _starts(events, patience_s=NORMAL_S)
        assert start["args"] == ["inbound", "trunk-gsm-1", "+33472000001", ""]
        await asking.hang_up(start["channel"]["id"])


@pytest.mark.parametrize(("dialled", "cause"), [("0612345678", 42), ("*72", 21)])
async def test_what_an_agent_dials_without_an_engine(mine: Sandbox, asking: Asking, dialled: str, cause: int) -> None:
    """A number waits for the engine as long as a caller from outside does; a service code is nobody's."""
    name = f"agent-dials-{cause}"
    await asking.originate(f"Local/{dialled}@from-agents", name)
    hangups = mine.asterisk_settings.paths.hangups
    await until(lambda: f'"{name};2"' in hangups.read_text(), timeout_s=30)
    (ended,) = [line for line in hangups.read_text().splitlines() if f'"{name};2"' in line and "HANGUP" in line]
    assert f'""hangupcause"":{cause}' in ended
