"""The directory by the API, on a real Asterisk: an agent enrolled can be rung, one removed cannot register any more."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from engine.config.directory_export import export
from engine.config.render import FOLDER
from engine.domain.values import Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.errors import PartDidNotStart
from engine.sandbox.example import example_directory
from engine.sandbox.parties import Phone
from engine.sandbox.running import Answer, RunningEngine
from engine.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.live

SEATS = 7  # four are taken
SETTINGS: dict[str, dict[str, Any]] = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0, "seats": SEATS}}
ZOE = {"id": "zoe", "name": "Zoé \N{WAVING HAND SIGN}", "site": "paris"}
SOON_S = 30.0  # on a loaded machine


class Office:
    """A box with an engine in it."""

    def __init__(self, box: Sandbox, engine: RunningEngine) -> None:
        self.box, self.engine = box, engine
        self._serial = 0

    async def phone(self, settings: dict[str, Any]) -> Phone:
        """A telephone set up with exactly what enrolling answered: it rings 0.3 s and answers."""
        assert (settings["server"], settings["port"]) == ("127.0.0.1", self.box.asterisk_settings.sip_port)
        self._serial += 1
        digits = coded("10", ring_s=0.3, tone_hz=800, serial=self._serial)
        return await self.box.farend.phone(settings["user"], settings["secret"], digits)

    async def call(self, agent: str) -> Answer:
        """Ask for a call to a customer who answers and talks until told."""
        self._serial += 1
        to = mobile("10", ring_s=0.3, tone_hz=1000, serial=self._serial)
        return await self.engine.post("/v1/calls", {"agent": agent, "to": to, "mode": "sip"})

    async def stage(self, call_id: str) -> str:
        return str((await self.engine.get(f"/v1/calls/{call_id}")).body["stage"])

    async def contacts(self) -> str:
        return await self.box.asterisk.cli("pjsip show contacts")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON_S):
        while not await holds():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office() -> AsyncIterator[Office]:
    async with Sandbox("office", print) as box:
        file = box.dir / "directory.yaml"
        file.write_text(export(example_directory(box.farend), with_secrets=True))
        async with RunningEngine(box, file, settings=SETTINGS) as engine:
            yield Office(box, engine)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _as_it_was(office: Office) -> AsyncIterator[None]:
    """Each test leaves the example's agents and no telephone behind."""
    yield
    await office.box.farend.remove_phones()
    for call in (await office.engine.get("/v1/calls")).body["items"]:
        await office.engine.delete(f"/v1/calls/{call['id']}")
    for agent in (await office.engine.get("/v1/agents")).body["items"]:
        if agent["id"] not in ("anne", "bruno", "claire", "david"):
            await until(lambda name=agent["id"]: _gone(office, name))  # type: ignore[misc]


async def _gone(office: Office, agent: str) -> bool:
    return (await office.engine.delete(f"/v1/agents/{agent}")).status in (200, 404)


async def test_enrolled_registered_rung_and_removed(office: Office) -> None:
    enrolled = await office.engine.post("/v1/agents", ZOE)
    assert (enrolled.status, enrolled.body["agent"]["extension"]) == (201, "2000")
    phone = await office.phone(enrolled.body["settings"])
    call = await office.call("zoe")
    assert call.status == 202, call.body
    call_id = call.body["id"]
    await until(lambda: _is(office.stage(call_id), "talking"))

    busy = await office.engine.delete("/v1/agents/zoe")
    assert (busy.status, busy.body["code"], busy.body["call_id"]) == (409, "agent-busy", call_id)
    assert await office.stage(call_id) == "talking"
    assert (await office.engine.delete(f"/v1/calls/{call_id}")).status == 204
    await until(lambda: _is(office.stage(call_id), "ended"))

    assert (await office.engine.delete("/v1/agents/zoe")).status == 200
    assert phone.user not in await office.contacts()
    assert (await office.call("zoe")).body["code"] == "unknown-agent"
    await office.box.farend.is_turned_away(phone)
    assert phone.user not in await office.contacts()


async def test_a_group_is_a_queue_and_its_number_keeps_it_there(office: Office) -> None:
    engine, body = office.engine, {"name": "Sales", "site": "paris", "members": ["anne", "bruno"]}
    made = await engine.put("/v1/groups/sales", {**body, "strategy": "one_by_one"})
    assert (made.status, made.body["asterisk"]) == (200, ["standardiste/queues.conf"]), made.body
    shown = await office.box.asterisk.cli("queue show")
    assert "sales." in shown
    assert "'linear' strategy" in shown
    number = {"trunk": (await engine.get("/v1/trunks")).body["items"][0]["id"], "target": {"group": "sales"}}
    kept = await engine.put("/v1/numbers/+33140000001", number)
    assert (kept.status, kept.body["asterisk"]) == (200, []), kept.body
    used = await engine.delete("/v1/groups/sales")
    assert (used.status, used.body["code"]) == (409, "group-in-use")
    assert "number +33140000001" in used.body["detail"]
    for path in ("/v1/numbers/+33140000001", "/v1/groups/sales"):
        assert (await engine.delete(path)).status == 200
    assert "No queues" in await office.box.asterisk.cli("queue show")


async def test_an_asterisk_without_queues_takes_no_group_and_everything_else(office: Office) -> None:
    body = {"name": "Sales", "site": "paris", "members": ["anne"]}
    await office.box.asterisk.cli("module unload app_queue.so")
    try:
        refused = await office.engine.put("/v1/groups/sales", body)
        assert (refused.status, refused.body["code"]) == (409, "config-rejected")
        assert "queue sales." in refused.body["detail"]
        assert (await office.engine.get("/v1/groups/sales")).status == 404
        assert (await office.engine.post("/v1/agents", ZOE)).status == 201
    finally:
        await office.box.asterisk.cli("module load app_queue.so")
    assert (await office.engine.put("/v1/groups/sales", body)).status == 200
    assert (await office.engine.delete("/v1/groups/sales")).status == 200


async def test_a_disposition_must_be_one_of_the_directory_once_there_is_one(office: Office) -> None:
    settings = (await office.engine.post("/v1/agents", ZOE)).body["settings"]
    await office.phone(settings)
    path = f"/v1/calls/{(await office.call('zoe')).body['id']}/disposition"
    assert (await office.engine.put(path, {"code": "whatever"})).status == 200
    await office.engine.put("/v1/dispositions/sale", {"label_fr": "Vente", "label_en": "Sale"})
    refused = await office.engine.put(path, {"code": "sales"})
    assert (refused.status, refused.body["code"]) == (422, "unknown-disposition")
    assert "'sale'" in refused.body["what_next"]
    assert (await office.engine.put(path, {"code": "sale"})).status == 200
    assert (await office.engine.delete("/v1/dispositions/sale")).status == 200


async def test_a_call_names_a_contact(office: Office) -> None:
    rows = [
        {
            "name": "Ada",
            "source": "crm",
            "external_id": str(n),
            "numbers": [{"label": "mobile", "number": f"+336{n:08}"}],
        }
        for n in range(2000)
    ]
    done = await office.engine.post("/v1/contacts/bulk", {"contacts": rows})
    assert (done.status, done.body["created"]) == (200, 2000), done.body
    found = await office.engine.get("/v1/contacts?number=%2B33600000042")
    (ada,) = found.body["items"]
    assert (ada["external_id"], ada["id"]) == ("42", done.body["ids"][42])
    await office.phone((await office.engine.post("/v1/agents", ZOE)).body["settings"])
    to = mobile("10", ring_s=0.3, tone_hz=1000, serial=99)
    call = await office.engine.post("/v1/calls", {"agent": "zoe", "to": to, "mode": "sip", "contact": ada["id"]})
    assert (await office.engine.get(f"/v1/calls/{call.body['id']}")).body["contact"] == ada["id"]
    assert (await office.engine.delete(f"/v1/contacts/{ada['id']}")).status == 204


async def _is(asked: Awaitable[str], wanted: str) -> bool:
    return await asked == wanted


async def test_a_disabled_account_is_left_by_its_telephones(office: Office) -> None:
    settings = (await office.engine.post("/v1/agents", ZOE)).body["settings"]
    phone = await office.phone(settings)
    body = {"name": "Zoe", "site": "paris"}
    assert phone.user in await office.contacts()
    assert (await office.engine.put("/v1/agents/zoe", {**body, "enabled": False})).status == 200
    assert phone.user not in await office.contacts()
    assert (await office.call("zoe")).body["code"] == "agent-disabled"
    assert (await office.engine.put("/v1/agents/zoe", body)).status == 200
    assert (await office.call("zoe")).body["code"] == "no-phone-registered"
    await office.box.farend.register(phone)  # the account is the same one; the telephone never knew it was forgotten
    await until(lambda: _registered(office, phone))
    assert (await office.call("zoe")).status == 202


async def _registered(office: Office, phone: Phone) -> bool:
    return phone.user in await office.contacts()


async def test_a_new_secret_ends_what_the_old_one_registered(office: Office) -> None:
    settings = (await office.engine.post("/v1/agents", ZOE)).body["settings"]
    phone = await office.phone(settings)
    body = {"name": "Zoe", "site": "paris", "secret": "brand-new-secret-1"}
    change = await office.engine.put("/v1/agents/zoe", body)
    assert "brand-new-secret-1" not in str(change.body)
    assert phone.user not in await office.contacts()
    await office.box.farend.is_turned_away(phone)
    await office.phone({**settings, "secret": "brand-new-secret-1"})
    assert (await office.call("zoe")).status == 202


async def test_seats(office: Office) -> None:
    answers = [await office.engine.post("/v1/agents", {**ZOE, "id": f"zoe-{n}"}) for n in range(SEATS - 4 + 1)]
    assert [answer.status for answer in answers] == [201] * (SEATS - 4) + [409]
    assert answers[-1].body["code"] == "seats-taken"


async def test_simultaneous_changes_are_all_made(office: Office) -> None:
    answers = await asyncio.gather(
        *(office.engine.post("/v1/agents", {**ZOE, "id": f"zoe-{n}"}) for n in range(3)),
        office.engine.put("/v1/trunks/paris-1", await _changed(office, "trunks/paris-1", channels=17)),
        office.engine.put("/v1/trunks/lyon-1", await _changed(office, "trunks/lyon-1", channels=18)),
    )
    assert [answer.status for answer in answers] == [201, 201, 201, 200, 200]
    extensions = {answer.body["agent"]["extension"] for answer in answers[:3]}
    assert len(extensions) == 3
    assert len({answer.body["revision"] for answer in answers}) == 5
    assert "nothing to change" in await office.engine.command("config", "plan")


async def _changed(office: Office, path: str, **fields: Any) -> dict[str, Any]:
    """An entry as it is shown, but for these fields."""
    return {**(await office.engine.get(f"/v1/{path}")).body, **fields}


async def test_a_rollback_gives_an_agent_back_and_not_the_old_account(office: Office) -> None:
    settings = (await office.engine.post("/v1/agents", ZOE)).body["settings"]
    phone = await office.phone(settings)
    with_zoe = (await office.engine.get("/v1/directory/revisions")).body["items"][0]["revision"]
    assert (await office.engine.delete("/v1/agents/zoe")).status == 200
    back = await office.engine.post("/v1/directory/rollback", {"revision": with_zoe})
    assert back.status == 200, back.body
    zoe = (await office.engine.get("/v1/agents/zoe")).body
    assert (zoe["name"], zoe["sip_user"] != settings["user"]) == (ZOE["name"], True)
    assert (await office.call("zoe")).body["code"] == "no-phone-registered"
    await office.box.farend.is_turned_away(phone)
    again = await office.engine.post("/v1/directory/rollback", {"revision": 2**31 - 1})
    assert (again.status, again.body["code"]) == (404, "unknown")


async def test_what_asterisk_refuses_is_nowhere(office: Office) -> None:
    """A name that leads nowhere is a valid value and no address to Asterisk."""
    before = (await office.engine.get("/v1/directory/revisions")).body["items"][0]
    body = {"site": "paris", "kind": "peer", "host": "no-such-host.invalid"}
    answer = await office.engine.put("/v1/trunks/nowhere", body)
    assert (answer.status, answer.body["code"]) == (409, "config-rejected"), answer.body
    assert "trunk-nowhere" in answer.body["detail"]
    assert (await office.engine.get("/v1/trunks/nowhere")).status == 404
    assert before == (await office.engine.get("/v1/directory/revisions")).body["items"][0]
    assert "nothing to change" in await office.engine.command("config", "plan")
    assert "trunk-nowhere" not in await office.box.asterisk.cli("pjsip show endpoints")


async def test_a_change_by_another_process_counts_soon(office: Office) -> None:
    file = office.box.dir / "one.yaml"
    file.write_text("agents: {zoe: {name: Zoe, site: paris}}")
    await office.engine.command("import", str(file))
    began = time.monotonic()
    await until(lambda: _known(office, "zoe"))
    print(f"known after {time.monotonic() - began:.2f} s")


async def _known(office: Office, agent: str) -> bool:
    return (await office.engine.get(f"/v1/agents/{agent}")).status == 200


async def test_postgresql_away_and_nothing_changes(office: Office) -> None:
    await office.box.postgres.stop()
    try:
        answer = await office.engine.post("/v1/agents", ZOE)
        assert (answer.status, answer.body["code"]) == (503, "database-away")
        assert (await office.engine.get("/v1/agents/zoe")).status == 404
        assert (await office.engine.get("/v1/agents/bruno")).status == 200
        assert "zoe" not in _pjsip(office).read_text()
    finally:
        await office.box.postgres.start()
    await until(lambda: _enrolled(office))


async def _enrolled(office: Office) -> bool:
    return (await office.engine.post("/v1/agents", ZOE)).status == 201


def _pjsip(office: Office) -> Any:
    return office.box.asterisk_settings.paths.etc / FOLDER / "pjsip.conf"


async def test_the_files_are_compared_and_brought_back(office: Office) -> None:
    good = _pjsip(office).read_text()
    secret = example_directory(office.box.farend).agents[Slug("bruno")].secret
    assert secret in good
    _pjsip(office).write_text(good.replace(secret, "somebody-elses").replace("max_contacts = 3", "max_contacts = 9", 1))
    with pytest.raises(PartDidNotStart) as planned:  # exit code 1: there is something to do
        await office.engine.command("config", "plan")
    shown = str(planned.value)
    assert "-max_contacts = 9\n+max_contacts = 3" in shown
    assert "(hidden" in shown
    assert secret not in shown
    assert "somebody-elses" not in shown
    assert "Asterisk has all of it" in await office.engine.command("config", "apply")
    assert _pjsip(office).read_text() == good
    history = await office.engine.command("config", "history")
    assert "import directory.yaml" in history.splitlines()[-1]
    plan = await office.engine.command("config", "rollback", "1", "--plan")
    assert secret not in plan


async def test_an_engine_that_starts_brings_asterisk_back_to_the_directory(office: Office) -> None:
    """As after a death between Asterisk's taking and PostgreSQL's."""
    good = _pjsip(office).read_text()
    await office.engine.kill()
    _pjsip(office).write_text(good.replace("max_contacts = 3", "max_contacts = 9", 1))
    await office.engine.start()
    await until(lambda: _same(office, good))


async def _same(office: Office, text: str) -> bool:
    return bool(_pjsip(office).read_text() == text)
