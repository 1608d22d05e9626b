"""Rights and limits on a real call: who may not, may not; who goes too far is cut, and no kill -9 helps."""

from typing import Any

import msgspec
import pytest
from aiohttp import web

from engine.domain.numbers import NumberClass
from engine.sandbox.behaviours import coded
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.webhooks.signing import new_secret
from tests import crowd
from tests.live.hearing import house_prompts, sounds, words
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.live

DEAR: dict[str, dict[str, Any]] = {
    "limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0},
    "fraud": {"home_rate": 1.0, "token_spend_per_hour": 5.0, "warning_share": 0.5},
}
"""A minute of a call with two legs costs 2: the token's third call is one too many."""
TOKEN = "token:sandbox"


OF_CLASS: dict[NumberClass, str] = {
    "local": "+33140003001",
    "mobile": "+33610003002",
    "toll_free": "+33800123456",
    "shared_cost": "+33820123456",
    "premium": "+33899700000",
    "international": "+442079460018",
    "satellite": "+881631410000",
    "personal": "+878101234567890",
}


async def stage(engine: RunningEngine, call_id: str) -> str:
    return str((await engine.get(f"/v1/calls/{call_id}")).body["stage"])


async def talking(engine: RunningEngine, plan: crowd.Plan) -> str:
    call_id = await crowd.place(engine, plan)

    async def there() -> bool:
        return await stage(engine, call_id) == "talking"

    await crowd.until(there, timeout_s=30)
    return call_id


async def spent(engine: RunningEngine) -> float:
    items = (await engine.get("/v1/limits")).body["items"]
    return next(float(i["value"]) for i in items if (i["scope"], i["measure"]) == (TOKEN, "spend_per_hour"))


async def refusal(engine: RunningEngine, plan: crowd.Plan, to: str | None = None) -> tuple[int, str]:
    answer = await engine.post("/v1/calls", {"agent": plan.agent, "to": to or plan.customer})
    return answer.status, str(answer.body["rule"])


async def test_rights_and_limits(own_box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = crowd.plans([crowd.TALKS], 4)
    made = crowd.directory(own_box.farend, plans)
    poor = plans[3]
    made.agents[poor.agent] = msgspec.structs.replace(made.agents[poor.agent], rights=("internal", "local"))
    async with RunningEngine(own_box, crowd.written(own_box, made), settings=DEAR) as engine:
        monkeypatch.setenv("STANDARDISTE_TOKEN", engine.token)
        assert await refusal(engine, poor) == (403, "destination-mobile")
        assert await refusal(engine, plans[0], "0899 70 00 00") == (403, "destination-premium")
        assert await refusal(engine, plans[0], "+44 20 7946 0018") == (403, "destination-international")

        first = await talking(engine, plans[0])
        assert await spent(engine) == 2.0
        await engine.kill()
        await engine.start()
        assert await spent(engine) == 2.0  # it outlived the engine, and so did the call
        second = await talking(engine, plans[1])
        assert await spent(engine) == 4.0

        assert await refusal(engine, plans[2]) == (403, "limit-spend-per-hour")
        rows = await crowd.all_recorded(own_box, [first, second])
        for call_id in (first, second):
            told = {name: rows[call_id][name] for name in ("outcome", "hangup_by", "rule")}
            assert told == {"outcome": "answered", "hangup_by": "engine", "rule": f"limit-spend-per-hour {TOKEN}"}
        assert await refusal(engine, plans[2]) == (403, "limit-locked")

        await engine.kill()
        await engine.start()
        assert await refusal(engine, plans[2]) == (403, "limit-locked")
        assert "LOCKED since " in await engine.command("limits", "list")
        assert await engine.command("limits", "rearm", TOKEN) == f"{TOKEN} may call again\n"
        assert await engine.command("limits", "list") != ""
        third = await talking(engine, plans[2])
        assert await spent(engine) == 2.0
        await engine.delete(f"/v1/calls/{third}")
        await crowd.all_recorded(own_box, [third])


async def test_each_right_opens_its_class_and_no_other(own_box: Sandbox) -> None:
    """One agent for each right, with nothing else, at a site that allows every class; one call to a number of each."""
    plans = crowd.plans([crowd.TALKS], len(OF_CLASS))
    made = crowd.directory(
        own_box.farend,
        plans,
        dialable_countries=("GB",),
        dialable_classes=("premium", "satellite", "personal"),
    )
    with_right = {right: plan.agent for right, plan in zip(OF_CLASS, plans, strict=True)}
    for right, agent in with_right.items():
        made.agents[agent] = msgspec.structs.replace(made.agents[agent], rights=(right,), mode="sip", mobile=None)
    named = [made.agents[agent] for agent in with_right.values()]
    async with RunningEngine(own_box, crowd.written(own_box, made), settings={"limits": DEAR["limits"]}) as engine:
        await own_box.farend.phones(*((a.sip_user, a.secret, coded("10", serial=n)) for n, a in enumerate(named)))
        for right, agent in with_right.items():
            for other, number in OF_CLASS.items():
                if other != right:
                    answer = await engine.post("/v1/calls", {"agent": agent, "to": number})
                    assert (answer.status, answer.body["rule"]) == (403, f"destination-{other.replace('_', '-')}"), (
                        agent
                    )
        for right, agent in with_right.items():
            answer = await engine.post("/v1/calls", {"agent": agent, "to": OF_CLASS[right]})
            assert answer.status == 202, (right, answer.body)
        for number in OF_CLASS.values():
            await own_box.farend.invited(number)
        assert len(own_box.farend.invites()) - len(named) == len(OF_CLASS)
        for call in (await engine.get("/v1/calls?live=true")).body["items"]:
            await engine.delete(f"/v1/calls/{call['id']}")


async def warned_alone(box: Sandbox, engine: RunningEngine, bank: Receiver, plan: crowd.Plan) -> None:
    """With six seconds of credit the agent is told after two that it will end, and the customer is not."""
    bank.answer = lambda _: web.json_response({"allowed": True, "max_s": 6})
    call_id = await crowd.place(engine, plan)
    row = (await crowd.all_recorded(box, [call_id]))[call_id]
    assert (row["rule"], round(row["talk_s"])) == ("credit-used-up", 6)
    heard = {number: await box.farend.heard_whole(number) for number in plan.numbers}
    words_of = {number: words(sounds(path, house_prompts(), {})) for number, path in heard.items()}
    told = [number for number, said in words_of.items() if "fr/ends-soon" in said]
    assert told == [plan.mobile], words_of


async def test_an_outside_credit_check(own_box: Sandbox) -> None:
    (plan,) = crowd.plans([crowd.TALKS], 1)
    file = crowd.written(own_box, crowd.directory(own_box.farend, [plan]))
    async with Receiver() as bank:
        bank.answer = lambda _: web.json_response({"allowed": False, "reason": "no money left"})
        credit = {"url": bank.url, "secret": new_secret(), "private_addresses": True}
        async with RunningEngine(own_box, file, settings={"credit": credit, "calls": {"warn_s": 4}}) as engine:
            assert await refusal(engine, plan) == (403, "credit-refused")
            bank.answer = lambda _: web.json_response({"allowed": True, "max_s": 2})
            call_id = await crowd.place(engine, plan)
            row = (await crowd.all_recorded(own_box, [call_id]))[call_id]
            assert (row["outcome"], row["hangup_by"], row["rule"]) == ("answered", "engine", "credit-used-up")
            assert row["talk_s"] > 1.5
            await warned_alone(own_box, engine, bank, plan)
            await bank.__aexit__()
            assert await refusal(engine, plan) == (503, "credit-away")
    assert [received.id for received in bank.received][1] == f"credit.{call_id}"
