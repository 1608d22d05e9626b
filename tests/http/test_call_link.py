"""Calls by a link: who may, what a browser must not do by itself, and what people read."""

import pytest

from engine.errors import ProgrammingError, Refused
from tests.http.conftest import Api

LINK = "/CALL&alice&2001&01%2040%2000%2000%2002"


@pytest.mark.parametrize(("language", "title"), [("fr", "Appel lancé"), ("en", "Call placed")])
async def test_a_link_places_a_call_and_says_so(api: Api, language: str, title: str) -> None:
    answer = await api.ask("GET", LINK, token=None, headers={"Accept-Language": language})
    page = await answer.text()
    assert (answer.status, answer.content_type) == (202, "text/html")
    assert f'<html lang="{language}">' in page
    assert f"<h1>{title}</h1>" in page
    assert "01 40 00 00 02" in page
    assert api.links.placed == [("alice", "2001", "01 40 00 00 02", "127.0.0.1")]


async def test_from_elsewhere_and_when_switched_off_there_is_no_such_address(api: Api) -> None:
    api.links.open = False
    answer = await api.ask("GET", LINK, token=None)
    assert (answer.status, (await answer.json())["code"]) == (404, "not-found")
    assert api.links.placed == []


@pytest.mark.parametrize(
    "told",
    [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Mode": "cors"},
        {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Mode": "navigate"}, {"Purpose": "prefetch"},
    ],
)  # fmt: skip
async def test_what_no_person_followed_dials_nothing(api: Api, told: dict[str, str]) -> None:
    answer = await api.ask("GET", LINK, token=None, headers=told)
    assert (answer.status, answer.content_type) == (403, "text/html")
    assert api.links.placed == []
    followed = await api.ask("GET", LINK, token=None, headers={"Sec-Fetch-Mode": "navigate"})
    assert followed.status == 202


async def test_asking_what_would_be_answered_dials_nothing(api: Api) -> None:
    answer = await api.client.head(LINK)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    assert api.links.placed == []


@pytest.mark.parametrize(
    ("rule", "status", "said"),
    [
        ("agent-busy", 409, "déjà en ligne"),
        ("destination-premium", 403, "pas le droit"),
        ("limit-locked", 403, "limite contre la fraude"),
        ("engine-full", 503, "ne peut pas passer cet appel"),
    ],
)
async def test_a_refusal_is_a_page_with_its_rule(api: Api, rule: str, status: int, said: str) -> None:
    api.links.fail = lambda: Refused("no <script>", rule=rule, status=status, retry_after_s=3)
    answer = await api.ask("GET", LINK, token=None, headers={"Accept-Language": "fr"})
    page = await answer.text()
    assert (answer.status, answer.headers["Retry-After"]) == (status, "3")
    assert said in page
    assert f"({rule})" in page
    english = await (await api.ask("GET", LINK, token=None)).text()
    assert "no &lt;script&gt;" in english


async def test_what_is_named_is_shown_as_text(api: Api) -> None:
    answer = await api.ask("GET", "/CALL&alice&2001&%3Cb%3E", token=None)
    assert "&lt;b&gt;" in await answer.text()
    answer = await api.ask("GET", "/CALL&alice&2001&%00", token=None)
    assert answer.status == 422


async def test_an_error_of_ours_is_an_incident_as_everywhere(api: Api) -> None:
    api.links.fail = lambda: ProgrammingError("two owners")
    answer = await api.ask("GET", LINK, token=None)
    assert (answer.status, (await answer.json())["code"]) == (500, "internal")
