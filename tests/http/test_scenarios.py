"""Published scenarios through the API."""

import base64

import pytest

from engine.scenarios.bundles import Bundle
from tests.http.conftest import Api

FILES = {"standard/scenario.yaml": "scenario: standard", "standard/standard.test.yaml": ""}


async def test_what_is_published(api: Api) -> None:
    (told,) = (await (await api.ask("GET", "/v1/scenarios")).json())["items"]
    assert (told["name"], told["live"]["version"][:1], told["previous"]["author"], told["test"]) == (
        "standard",
        "b",
        "crm",
        None,
    )
    (move,) = (await (await api.ask("GET", "/v1/scenarios/standard")).json())["items"]
    assert (move["alias"], move["version"][:1]) == ("live", "b")
    picture = await (await api.ask("GET", "/v1/scenarios/standard/drawing?alias=live")).json()
    assert (picture["mermaid"], picture["dot"]) == ("flowchart TD", "digraph {}")
    picture = await (await api.ask("GET", "/v1/scenarios/standard/drawing?heat=calls")).json()
    assert picture["dot"] == "digraph {hot}"


async def test_a_scenario_is_published_with_its_recordings(api: Api) -> None:
    recordings = {"standard/prompts/fr/welcome.wav": base64.b64encode(b"RIFF").decode()}
    answer = await api.ask("POST", "/v1/scenarios/standard/publish", json={"files": FILES, "recordings": recordings})
    assert (answer.status, (await answer.json())["proof"]) == (200, ["proved"])
    bundle = Bundle(FILES, {"standard/prompts/fr/welcome.wav": b"RIFF"})
    assert api.scenarios.asked == [("publish", "standard", bundle, "live", "crm")]


async def test_what_is_wrong_with_it_is_named_one_by_one(api: Api) -> None:
    answer = await api.ask("POST", "/v1/scenarios/standard/publish", json={"files": {"a/scenario.yaml": ""}})
    told = await answer.json()
    assert (answer.status, told["code"]) == (422, "scenario-faulty")
    assert told["errors"] == [
        {
            "pointer": "/files/standard~1scenario.yaml",
            "detail": "standard/scenario.yaml:1:1: S101: it is not there",
        }
    ]


async def test_a_scenario_is_only_checked(api: Api) -> None:
    told = await (await api.ask("POST", "/v1/scenarios/standard/check", json={"files": FILES})).json()
    assert (told["good"], told["failures"]) == (False, ["standard/standard.test.yaml:3: by night: nobody answers"])


async def test_a_scenario_is_tried(api: Api) -> None:
    body = {"at": "2026-05-04T10:00:00+02:00", "alias": "test", "answers": {"hours office": "open"}, "lines": ["1"]}
    told = await (await api.ask("POST", "/v1/scenarios/standard/try", json=body)).json()
    assert told == {"heard": ["  0:00  “Bonjour”"], "asked": "keys", "way": "menu"}
    await api.ask("POST", "/v1/scenarios/standard/try", json=body | {"files": FILES})
    ((_, _, alias, wish), (_, _, bundle, _)) = api.scenarios.asked
    assert (alias, bundle) == ("test", Bundle(FILES))
    assert (wish.lines, wish.answers, wish.caller.called) == (("1",), {"hours office": "open"}, "+33140000001")


async def test_back_to_the_version_before(api: Api) -> None:
    told = await (await api.ask("POST", "/v1/scenarios/standard/rollback")).json()
    assert (told["live"]["version"][:1], told["previous"]["version"][:1]) == ("a", "b")


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        ("standard", {"files": {}}, (422, "invalid-body")),
        ("standard", {"files": FILES, "alias": "previous"}, (422, "invalid-body")),
        ("standard", {"files": FILES, "recordings": {"x": "not base64!"}}, (422, "invalid-body")),
        ("standard", {"files": FILES, "recordings": {"x": "abcde"}}, (422, "invalid-value")),
        ("Standard", {"files": FILES}, (422, "invalid-value")),
    ],
)
async def test_what_is_refused(api: Api, path: str, body: dict[str, object], refused: tuple[int, str]) -> None:
    answer = await api.ask("POST", f"/v1/scenarios/{path}/publish", json=body)
    assert (answer.status, (await answer.json())["code"]) == refused
    assert api.scenarios.asked == []
