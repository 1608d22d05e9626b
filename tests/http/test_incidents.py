"""Incidents through the API."""

from datetime import UTC, datetime

import pytest

from engine.http.incident_port import IncidentWish
from tests.http.conftest import Api


async def test_a_flag_is_set_shown_and_cleared(api: Api) -> None:
    body = {"message_fr": "Panne", "expires_at": "2030-01-01T01:00:00+01:00"}
    answer = await api.ask("PUT", "/v1/incidents/it-down", json=body)
    (told,) = (await answer.json())["items"]
    assert (told["active"], told["message_fr"], told["expires_at"]) == (True, "Panne", "2030-01-01T01:00:00+01:00")
    wish = IncidentWish(message_fr="Panne", expires_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert api.incidents.asked == [("set", "it-down", wish, "crm")]
    assert (await (await api.ask("GET", "/v1/incidents")).json())["items"] == [told]
    cleared = await api.ask("DELETE", "/v1/incidents/it-down")
    assert (await cleared.json())["items"][0]["active"] is False


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        ("flood", {}, (404, "unknown")),
        ("it-down", {"expires_at": "2030-01-01T00:00:00"}, (422, "invalid-body")),  # whose midnight?
        ("it-down", {"message_fr": ""}, (422, "invalid-body")),
        ("it-down", {"message_de": "x"}, (422, "invalid-body")),
    ],
)
async def test_what_is_refused(api: Api, path: str, body: dict[str, str], refused: tuple[int, str]) -> None:
    answer = await api.ask("PUT", f"/v1/incidents/{path}", json=body)
    assert (answer.status, (await answer.json())["code"]) == refused
    assert api.incidents.asked == []
