"""The directory: written whole or not at all, with its history, and kept locally for the hours without PostgreSQL."""

import asyncio
import stat
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.domain.directory import EMPTY, Agent, Directory, Site, Trunk
from engine.domain.directory_kinds import SECTIONS
from engine.domain.values import e164, extension, slug
from engine.errors import BadFile, InvalidValue, Refused, UnknownThing
from engine.store import last_good
from engine.store.directory import apply, at_revision, history, load, revision
from engine.store.pool import Connection, Database
from tests.config.directories import FULL as EVERY_KIND
from tests.config.directories import MAIN

ENDED = msgspec.structs.replace(MAIN, valid_until=date(1, 1, 1))  # before it begins
PARIS, LYON = slug("paris"), slug("lyon")


def agent(word: str, number: str, **more: Any) -> Agent:
    base: dict[str, Any] = {"site": PARIS, "secret": "s3cret'; --", "sip_user": f"u-{word}", "name": word.title()}
    return Agent(id=slug(word), extension=extension(number), **(base | more))


def directory(*agents: Agent, revision: int = 0) -> Directory:
    sites = [
        Site(id=PARIS, name="Paris", dialable_countries=("FR", "BE"), confirm=False),
        Site(
            id=LYON,
            name="Lyon \N{LATIN SMALL LETTER E WITH ACUTE}",
            language="en",
            extensions=(3000, 3099),
            external_address="198.51.100.7",
            sip_port=5062,
            local_networks=("192.168.7.0/24",),
        ),
    ]
    trunks = [
        Trunk(id=slug("yeastar"), site=PARIS, kind="peer", host="127.0.0.2", caller_ids=(e164("+33140000000"),)),
        Trunk(id=slug("gsm"), site=LYON, kind="register", host="gw", username="u", secret="p", answers_early=True),
    ]
    return Directory(
        revision=revision,
        sites={site.id: site for site in sites},
        trunks={trunk.id: trunk for trunk in trunks},
        agents={found.id: found for found in agents},
    )


FULL = directory(
    agent("claire", "2001", mobile=e164("+33612345678"), mode="mobile", mobile_permitted=True, notice="tone"),
    agent("bob", "2002", language="en", devices=1, enabled=False, confirm=True),
)


async def test_a_directory_comes_back_as_it_was_written(connection: Connection) -> None:
    assert await load(connection) == EMPTY
    made = await apply(connection, FULL, "ops", "first import")
    assert made == msgspec.structs.replace(FULL, revision=1)
    assert await load(connection) == made
    assert await at_revision(connection, 1) == made
    assert await revision(connection) == 1


async def test_every_kind_of_entry_comes_back_as_it_was_written(connection: Connection) -> None:
    made = await apply(connection, EVERY_KIND, "ops", "")
    assert await load(connection) == made == msgspec.structs.replace(EVERY_KIND, revision=1)
    assert await at_revision(connection, 1) == made
    fewer = msgspec.structs.replace(made, numbers={}, groups={}, dispositions={})
    assert await load(connection) != (await apply(connection, fewer, "ops", "")) != made
    assert await load(connection) == msgspec.structs.replace(fewer, revision=2)


async def test_a_revision_from_before_there_were_groups_is_read(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO directory_revisions (revision, author, comment, document) VALUES (1, '', '', $1)",
        {"revision": 1, "sites": {}, "trunks": {}, "agents": {}},
    )
    assert await at_revision(connection, 1) == msgspec.structs.replace(EMPTY, revision=1)


async def test_the_same_again_makes_no_revision(connection: Connection) -> None:
    made = await apply(connection, FULL, "ops", "first")
    assert await apply(connection, FULL, "ops", "again") == made
    assert [(r.revision, r.author, r.comment) for r in await history(connection)] == [(1, "ops", "first")]


async def test_removing_renaming_and_swapping_extensions_in_one_change(connection: Connection) -> None:
    await apply(connection, FULL, "ops", "")
    swapped = directory(agent("claire", "2002", sip_user="u-bob"), agent("bob", "2001", sip_user="u-claire"))
    assert (await apply(connection, swapped, "ops", "")).revision == 2
    only_lyon = msgspec.structs.replace(swapped, sites={LYON: swapped.sites[LYON]}, trunks={}, agents={}, revision=2)
    assert (await apply(connection, only_lyon, "ops", "")).revision == 3
    assert list((await load(connection)).sites) == [LYON]
    assert (await at_revision(connection, 1)).agents == FULL.agents
    with pytest.raises(UnknownThing):
        await at_revision(connection, 9)


@pytest.mark.parametrize(
    "wrong",
    [
        directory(agent("a", "2001"), agent("b", "2001")),
        directory(agent("a", "2001", sip_user="same"), agent("b", "2002", sip_user="same")),
        directory(agent("a", "2001", sip_user="2001")),
        directory(agent("a", "2001", site=slug("nowhere"))),
        directory(agent("a", "2001", devices=0)),
        directory(agent("a", "2001", name="nul\x00")),
        directory(agent("a", "2001", mobile="0612")),
        msgspec.structs.replace(EVERY_KIND, agents={}),
        msgspec.structs.replace(EVERY_KIND, groups={}),
        msgspec.structs.replace(EVERY_KIND, trunks={}, numbers={MAIN.id: MAIN}),
        msgspec.structs.replace(
            EVERY_KIND, numbers={MAIN.id: msgspec.structs.replace(MAIN, valid_until=date(1, 1, 1))}
        ),
    ],
)
async def test_postgresql_refuses_a_directory_that_contradicts_itself(db: Database, wrong: Directory) -> None:
    async with db.connection() as connection:
        made = await apply(connection, FULL, "ops", "")
    async with db.connection() as connection:
        with pytest.raises(InvalidValue, match="contradicts itself"):
            await apply(connection, wrong, "ops", "")
        assert await load(connection) == made


async def test_a_change_made_from_an_older_revision_is_refused(connection: Connection) -> None:
    await apply(connection, FULL, "ops", "", base=0)
    with pytest.raises(Refused, match="made from revision 0") as raised:
        await apply(connection, directory(), "other", "", base=0)
    assert (raised.value.rule, raised.value.status) == ("directory-changed", 409)


async def test_two_changes_at_once_take_turns(db: Database) -> None:
    async def change(name: str) -> None:
        async with db.connection() as connection:
            await apply(connection, directory(agent(name, "2001")), name, "")

    await asyncio.gather(*(change(f"agent-{n}") for n in range(8)))
    async with db.connection() as connection:
        assert [made.revision for made in await history(connection)] == list(range(8, 0, -1))


@pytest.mark.parametrize(("table", "entry"), [(s.table, s.model) for s in SECTIONS.values()])
async def test_the_columns_are_the_fields(connection: Connection, table: str, entry: type[msgspec.Struct]) -> None:
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = 'NEVER'", table
    )
    assert {row["column_name"] for row in rows} == set(entry.__struct_fields__)


def test_the_local_copy_is_whole_private_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "directory.json"
    assert last_good.load(path) is None
    last_good.save(path, EMPTY)
    last_good.save(path, msgspec.structs.replace(FULL, revision=7))
    assert last_good.load(path) == msgspec.structs.replace(FULL, revision=7)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["directory.json"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"revision": "x"}', b"\xff"])
def test_a_damaged_local_copy_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "directory.json"
    path.write_bytes(content)
    with pytest.raises(BadFile, match="cannot be used"):
        last_good.load(path)


def test_a_copy_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    last_good.save(path, EMPTY)
    path.with_name("folder").mkdir()
    with pytest.raises(IsADirectoryError):
        last_good.save(path.with_name("folder"), FULL)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["directory.json", "folder"]
    assert last_good.load(path) == EMPTY
