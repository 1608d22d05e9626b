"""Health, readiness, metrics, and the page for people."""

import re
from typing import get_args

import pytest

from engine.http import docs
from engine.http.ports import PartState
from engine.http.routes import ROUTES
from engine.http.routing import Tag
from tests.http.conftest import Api
from tests.http.fakes import LIVE


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_these_need_no_token(api: Api, path: str) -> None:
    assert (await api.ask("GET", path, token=None)).status == 200
    assert (await api.ask("HEAD", path, token=None)).status == 200


async def test_ready_says_which_part_is_not_and_why(api: Api) -> None:
    assert (await (await api.ask("GET", "/readyz")).json())["ready"] is True
    api.health.parts["postgres"] = PartState(ok=False, why="refused", needed=False)
    assert (await api.ask("GET", "/readyz")).status == 200
    api.health.parts["ari"] = PartState(ok=False, why="not connected")
    answer = await api.ask("GET", "/readyz")
    body = await answer.json()
    assert (answer.status, body["ready"], body["parts"]["ari"]["why"]) == (503, False, "not connected")


async def test_metrics_count_routes_not_paths_and_incidents(api: Api) -> None:
    await api.ask("GET", f"/v1/calls/{LIVE}")
    await api.ask("GET", "/nowhere")
    api.calls.fail = lambda: RuntimeError("x")
    await api.ask("GET", "/v1/calls")
    text = await (await api.ask("GET", "/metrics", token=None)).text()
    assert 'standardiste_http_requests_total{method="GET",route="/v1/calls/{call_id}",status="200"} 1.0' in text
    assert 'route="none",status="404"' in text
    assert "standardiste_http_incidents_total 1.0" in text
    assert LIVE not in text


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("fr-FR,fr;q=0.9,en;q=0.8", "fr"), ("de, en;q=0.5, fr;q=0.4", "en"), ("FR", "fr"), ("*;q=x", "en")],
)
async def test_the_page_speaks_the_readers_language(api: Api, header: str, language: str) -> None:
    answer = await api.ask("GET", "/docs", token=None, headers={"Accept-Language": header})
    text = await answer.text()
    assert f'<html lang="{language}">' in text
    assert "@" not in re.sub(r"<(style|script).*?</\1>", "", text, flags=re.DOTALL)


async def test_the_page_needs_nothing_from_elsewhere_and_runs_only_its_own_script(api: Api) -> None:
    answer = await api.ask("GET", "/docs", token=None)
    text = await answer.text()
    assert not re.search(r"""(?:src|href)=["']?(?!#)|https?://|@import|url\(""", text.replace("http://127.0.0.1", ""))
    policy = answer.headers["Content-Security-Policy"]
    assert policy == docs.POLICY
    assert "unsafe" not in policy


def test_the_description_cannot_break_out_of_the_page() -> None:
    text = docs.page('{"a":"</script><script>alert(1)</script>"}', "en")
    assert "<script>alert" not in text


def test_the_page_shows_every_part_of_the_api_in_both_languages() -> None:
    for language in ("fr", "en"):
        text = docs.page("{}", language)
        assert [tag for tag in get_args(Tag) if text.count(f" {tag}: ") < 2 or f'"{tag}"' not in text] == []
    assert {route.tag for route in ROUTES} == set(get_args(Tag))
