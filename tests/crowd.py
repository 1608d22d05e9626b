"""A crowd of calls for load and fault tests: every call has an agent, a mobile and a customer of its own.

Every number is used once, so the INVITEs the far end counts say whether anybody was ever rung twice.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from engine.config.directory_export import export
from engine.domain.directory import Agent, Directory, Site, Trunk
from engine.domain.values import E164, Extension, Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.farend import FarEnd
from engine.sandbox.farend_files import LYON, PARIS
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox


class Manner(NamedTuple):
    """A far-end behaviour and its ringing time in seconds (None: until told)."""

    behaviour: str
    ring_s: float | None = 0.5


class Kind(NamedTuple):
    """What becomes of a call when nobody disturbs it."""

    name: str
    agent: Manner
    customer: Manner
    outcome: str


AGENT_ANSWERS = Manner("26", 0.3)

TALKS = Kind("talks", AGENT_ANSWERS, Manner("10", 0.3), "answered")
TALKS_BRIEFLY = Kind("talks briefly", AGENT_ANSWERS, Manner("32", 0.3), "answered")
EVERY_STAGE = (
    TALKS,
    TALKS_BRIEFLY,
    Kind("agent rings", Manner("81"), TALKS.customer, "agent_no_answer"),
    Kind("agent rings long, answers", Manner("26", 4.0), TALKS.customer, "answered"),
    Kind("agent silent", Manner("25", 0.3), TALKS.customer, "agent_voicemail"),
    Kind("agent busy", Manner("70", 1.0), TALKS.customer, "agent_busy"),
    Kind("customer rings", AGENT_ANSWERS, Manner("81"), "customer_no_answer"),
    Kind("customer rings long, answers", AGENT_ANSWERS, Manner("10", 4.0), "answered"),
    Kind("customer busy after ringing", AGENT_ANSWERS, Manner("70", 2.0), "customer_busy"),
    Kind("customer early media", AGENT_ANSWERS, Manner("13", 3.0), "answered"),
)


class Plan(NamedTuple):
    """One call of the crowd."""

    number: int
    kind: Kind
    agent: Slug
    mobile: E164
    customer: str

    @property
    def numbers(self) -> tuple[str, str]:
        return self.mobile, self.customer


def plans(kinds: Iterable[Kind], count: int) -> list[Plan]:
    """`count` calls, the kinds taken in turn; at most 100, so that every number is unique."""
    chosen = list(kinds)
    return [_plan(index, chosen[index % len(chosen)]) for index in range(count)]


def _plan(index: int, kind: Kind) -> Plan:
    def number(manner: Manner, tone_hz: int) -> str:
        return mobile(manner.behaviour, ring_s=manner.ring_s, tone_hz=tone_hz, serial=index)

    return Plan(
        number=index,
        kind=kind,
        agent=Slug(f"agent-{index:02d}"),
        mobile=E164(number(kind.agent, 440)),
        customer=number(kind.customer, 1000),
    )


def directory(farend: FarEnd, crowd: Iterable[Plan], **site: Any) -> Directory:
    """Everybody works by mobile at one site with a Yeastar of its own and one of another site's behind it."""
    paris = Site(
        id=Slug("paris"),
        name="Paris",
        **{"allow_other_sites": True, "ring_agent_s": 10, "ring_customer_s": 10, "notice": "tone", **site},
    )
    lyon = Site(id=Slug("lyon"), name="Lyon", language="en", extensions=(3000, 3999))
    trunks = (
        Trunk(
            id=Slug("paris-1"), site=paris.id, kind="peer", host=PARIS, port=farend.sip_port, channels=200,
            caller_ids=(E164("+33140000001"),),
        ),
        Trunk(
            id=Slug("lyon-1"), site=lyon.id, kind="peer", host=LYON, port=farend.sip_port, channels=200,
            caller_ids=(E164("+33472000001"),),
        ),
    )  # fmt: skip
    agents = [
        Agent(
            id=plan.agent,
            name=f"Agent {plan.number}",
            site=paris.id,
            extension=Extension(str(2000 + plan.number)),
            secret=f"a-long-secret-{plan.number:04d}",
            sip_user=f"{plan.agent}-sip",
            mode="mobile",
            mobile=plan.mobile,
            mobile_permitted=True,
        )
        for plan in crowd
    ]
    return Directory(
        revision=1,
        sites={s.id: s for s in (paris, lyon)},
        trunks={t.id: t for t in trunks},
        agents={a.id: a for a in agents},
    )


def written(box: Sandbox, wanted: Directory, name: str = "directory") -> Path:
    """The directory as a file to import."""
    path = box.dir / f"{name}.yaml"
    path.write_text(export(wanted, with_secrets=True))
    return path


async def place(engine: RunningEngine, plan: Plan, **more: Any) -> str:
    """Ask for a call; its id."""
    body = {"agent": plan.agent, "to": plan.customer, "variables": {"index": plan.number}, **more}
    answer = await engine.post("/v1/calls", body)
    assert answer.status == 202, answer.body
    return str(answer.body["id"])


async def rows(box: Sandbox) -> dict[str, dict[str, Any]]:
    """Every row of call_history by call id; fails when a call has two."""
    connection = await asyncpg.connect(box.postgres.dsn)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    try:
        found = [dict(row) for row in await connection.fetch("SELECT * FROM call_history")]
    finally:
        await connection.close()
    by_id = {str(row["call_id"]): row for row in found}
    assert len(found) == len(by_id)
    return by_id


async def until(condition: Callable[[], Any], *, timeout_s: float = 30.0, every_s: float = 0.05) -> Any:
    """What an asynchronous condition gives once it is true; raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not (found := await condition()):  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(every_s)
        return found


async def all_recorded(box: Sandbox, ids: Iterable[str], *, timeout_s: float = 30.0) -> dict[str, dict[str, Any]]:
    """The rows of all these calls, once they are there."""
    wanted = set(ids)

    async def there() -> dict[str, dict[str, Any]] | None:
        found = await rows(box)
        return found if wanted <= set(found) else None

    try:
        recorded: dict[str, dict[str, Any]] = await until(there, timeout_s=timeout_s, every_s=0.2)
    except TimeoutError:
        missing = wanted - set(await rows(box))
        raise AssertionError(f"{len(missing)} calls without a row: {sorted(missing)[:5]}") from None
    return recorded
