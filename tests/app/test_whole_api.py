"""The whole engine asked whatever `openapi.json` allows, and what it forbids: it gives no answer it does not describe.

Everything is real but Asterisk: the engine, its journal, PostgreSQL, HTTP over a socket. Asterisk takes every file and
has no channel for anybody. The cases come from the description (schemathesis), half of them about things that exist,
and half of the bodies are good ones with a few fields changed: whoever only guesses comes no further than the door.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace
from schemathesis import APIOperation, Case, GenerationMode, Response
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import positive_data_acceptance

from engine.app import engine as module
from engine.http.problems import MEDIA_TYPE
from engine.http.routes import ROUTES
from engine.settings import HttpSettings, LimitSettings, Settings
from engine.sounds.conditioning import NARROW_HZ, wav
from engine.store import tokens
from engine.store.pool import Database
from engine.webhooks.ports import Endpoint, Reply
from engine.webhooks.poster import Poster
from tests.app.test_engine import ORDER, Running, dsn, serving, settings
from tests.ari.conftest import fake
from tests.ari.fake_asterisk import FakeAsterisk, answers
from tests.config.fake_asterisk import FakeAsterisk as FakeFiles
from tests.http.test_problems import GOOD, NAMES
from tests.sounds.test_conditioning import humming
from tests.store.conftest import empty_dsn, postgres

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # schemathesis does
__all__ = ["dsn", "empty_dsn", "fake", "postgres", "settings"]

SEED = 20261121
ANSWER_S = 10.0
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})  # the token is ours
OF_FORM = {"not-json", "invalid-body", "invalid-query", "invalid-idempotency-key", "invalid-if-match"}
"""What the description allows may be refused for what it means, never for its form. (`bad-json`: an integer beyond 64
bits, for which a schema has no word where everything is allowed.)"""
Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Operation]
BY_NAME = {route.operation: route for route in ROUTES}
THINGS: dict[str, dict[str, Any]] = {
    "/v1/trunks/paris-1": {"site": "paris", "kind": "peer", "host": "127.0.0.2"},
    "/v1/agents/alice": {"name": "Al", "site": "paris", "mode": "mobile", "mobile": "+33600000001"},
    "/v1/groups/sales": GOOD["putGroup"],
    "/v1/applications/hotline": GOOD["putApplication"],
    "/v1/numbers/+33140000001": {"trunk": "paris-1", "target": {"agent": "alice"}},
    "/v1/dispositions/sale": GOOD["putDispositionCode"],
    "/v1/calendars/week": GOOD["putCalendar"],
    "/v1/contacts/c-1": GOOD["putContact"],
    "/v1/webhooks/crm": GOOD["putWebhook"],
}  # what exists when the turn of an operation comes
WAV = {"Content-Type": "audio/wav"}
RECORDING = wav(humming(0.5, NARROW_HZ), NARROW_HZ)
THINGS["/v1/agents/alice"]["mobile_permitted"] = True


@schemathesis.serializer("audio/*")
def _file(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """A file as the body: whatever bytes there are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


class Whole:
    """The engine, and the tally of what it answered."""

    def __init__(self, running: Running, bearer: str) -> None:
        self.running = running
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.faults: list[str] = []
        self._calls: list[str] = []
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {bearer}"

    def ask_all(self, cases: int) -> None:
        """At most this many requests: as many of each kind (valid, not valid) of each operation, fewer where there are
        no more different ones. Blocks."""
        load_all_checks()
        described = self._session.get(f"{self.running.url}/openapi.json", timeout=ANSWER_S).json()
        found = [
            _read(found) for found in schemathesis.openapi.from_dict(described, config=CONFIG).get_all_operations()
        ]
        each = max(1, round(cases / sum(len(_modes(operation)) for operation in found)))
        said = f"{self.running.url}/v1/prompts/welcome/fr"
        assert self._session.put(said, data=RECORDING, headers=WAV, timeout=ANSWER_S).status_code == 200
        for operation in found:
            self._set_up()
            for mode in _modes(operation):
                self._ask(operation, mode, each)

    def _ask(self, operation: Operation, mode: GenerationMode, count: int) -> None:
        cases = operation.as_strategy(generation_mode=mode)
        if known := self._known(operation.path):
            cases |= st.one_of([operation.as_strategy(generation_mode=mode, path_parameters=one) for one in known])

        @seed(SEED)
        @hypothesis_settings(
            max_examples=count, database=None, deadline=None, phases=[Phase.generate], print_blob=False,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=cases, data=st.data())
        def ask(case: AnyCase, data: st.DataObject) -> None:
            if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
                case.body = _sensible(case, case.body, data)
            self._judge(case, case.call(base_url=self.running.url, session=self._session, timeout=ANSWER_S))

        ask()

    def _judge(self, case: AnyCase, answer: Response) -> None:
        name = _name(case)
        self.statuses[name, answer.status_code] += 1
        good = case.meta is not None and case.meta.generation.mode.is_positive
        code = answer.json()["code"] if answer.headers.get("content-type") == [MEDIA_TYPE] else ""
        try:
            case.validate_response(answer, excluded_checks=[positive_data_acceptance, not_a_server_error])
            assert answer.status_code != 500, "an error of the engine"
            assert not code or code in BY_NAME[name].every_problem(), f"{code} is not described"
            assert not (good and code in OF_FORM), "described as good, and refused for its form"
        except (FailureGroup, AssertionError) as wrong:
            why = getattr(wrong, "exceptions", [wrong])
            self.faults.append(f"{name}: {why}\n  {case.as_curl_command()}\n  {answer.text[:500]}")

    def _set_up(self) -> None:
        for path, body in THINGS.items():
            answer = self._session.put(f"{self.running.url}{path}", json=body, timeout=ANSWER_S)
            assert answer.status_code == 200, (path, answer.text)
        started = self._session.post(f"{self.running.url}/v1/calls", json=ORDER, timeout=ANSWER_S)
        assert started.status_code in (202, 409), started.text
        self._calls += [started.json()["id"]] if started.status_code == 202 else []

    def _known(self, path: str) -> list[dict[str, str]]:
        """Path parameters that name something."""
        if "{call_id}" in path:
            return [{"call_id": call} for call in {self._calls[0], self._calls[-1]}]
        if "{change}" in path:
            site = f"{self.running.url}/v1/sites/paris"
            headers = {"Prefer": "respond-async"}
            ordered = self._session.put(site, json=GOOD["putSite"], headers=headers, timeout=ANSWER_S)
            return [{"change": ordered.json()["id"]}]
        for left in ("callback", "voicemail"):
            if f"{{{left}}}" in path:
                return [{left: str(uuid.uuid4())}]  # no caller has left any
        if "{scope}" in path:
            return [{"scope": "agent:alice"}]
        if "{dialled}" in path:
            return [{"user": "alice", "extension": "2001", "dialled": ORDER["to"]}]
        named = {"{language}": "fr"}
        names = [name for name in path.split("/") if name.startswith("{")]
        return [{name[1:-1]: named.get(name, NAMES[path.partition("/{")[0]]) for name in names}]


def _read(found: Any) -> Operation:
    """schemathesis tells what it cannot read of a description one by one."""
    operation: Operation = found.ok()
    return operation


def _name(case: AnyCase) -> str:
    return str(case.operation.definition.raw["operationId"])


def _modes(operation: Operation) -> list[GenerationMode]:
    """What is valid always; what is not where there is anything to get wrong."""
    wrong = any((operation.body, operation.query, operation.headers, operation.path_parameters))
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if wrong else [GenerationMode.POSITIVE]


def _sensible(case: AnyCase, body: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """The body, as it is or as a good one in which some fields are so. Without what only the schema cannot forbid: an
    `id` that is not the address's, and 1.0 for an integer."""
    fields = {name: value for name, value in body.items() if name != "id" or case.method == "POST"}
    fields = {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in fields.items()}
    good = GOOD.get(_name(case))
    if not good or not fields:
        return fields
    few = st.sets(st.sampled_from(sorted(fields)), max_size=3)
    return data.draw(st.just(fields) | few.map(lambda names: good | {name: fields[name] for name in sorted(names)}))


async def _taken(self: Poster, endpoint: Endpoint, event_id: str, body: bytes) -> Reply:
    """Nothing leaves this machine."""
    return Reply(status=204, error=None, took_s=0.001)


@pytest.fixture
async def whole(
    settings: Settings, dsn: str, fake: FakeAsterisk, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Whole]:
    monkeypatch.setattr(Poster, "post", _taken)
    monkeypatch.setattr(module, "Control", lambda ari: FakeFiles(settings.asterisk.config_dir))
    fake.scripted["POST /channels/create"] += [answers(500, {"error": "Allocation failed"})] * 100_000
    wide = {
        "http": HttpSettings(port=0, rate_per_s=1e6, rate_burst=1_000_000, call_links=("127.0.0.1",)),
        "limits": LimitSettings(calls_per_minute_per_agent=100_000, setups_per_s=1e6, loop_lag_s=60, seats=100_000),
    }
    async with Database(dsn) as db, db.connection() as connection:
        _, bearer = await tokens.create(connection, "fuzzer", ["admin"])
    async with serving(replace(settings, **wide), dsn, fake, bearer) as running:
        yield Whole(running, bearer)


async def _answers_as_described(whole: Whole, cases: int) -> None:
    print(f"seed {SEED}, {cases} cases wanted")
    await asyncio.to_thread(whole.ask_all, cases)
    by_status = Counter(status for _, status in whole.statuses.elements())
    print(f"{whole.statuses.total()} answers:", sorted(by_status.items()))
    assert whole.faults == [], "\n\n".join(whole.faults[:30])
    assert {route.operation for route in ROUTES} == {name for name, _ in whole.statuses}
    metrics = whole.running.engine.metrics
    assert metrics.http.incidents._value.get() == 0
    await whole.running.engine.shipper.drain(30)
    assert metrics.keeping.dead_letters._value.get() == 0


async def test_no_answer_that_is_not_described(whole: Whole) -> None:
    await _answers_as_described(whole, 200)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_no_answer_that_is_not_described_in_five_thousand(whole: Whole) -> None:
    await _answers_as_described(whole, 6500)
    assert whole.statuses.total() >= 5000
