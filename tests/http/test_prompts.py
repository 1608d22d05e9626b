"""The house's recordings through the API."""

import asyncio

import pytest

from engine.http.routes.prompts import ROUTES
from tests.http.conftest import Api

PATH = "/v1/prompts/welcome/fr"
MP3 = {"Content-Type": "audio/mpeg"}


async def test_a_recording_is_uploaded_listed_heard_and_removed(api: Api) -> None:
    answer = await api.ask("PUT", f"{PATH}?comment=Marie,+2026", data=b"ID3...", headers=MP3)
    told = await answer.json()
    assert (told["name"], told["language"], told["seconds"], told["author"]) == ("welcome", "fr", 2.5, "crm")
    assert api.prompts.asked == [("put", "welcome", "fr", b"ID3...", "Marie, 2026", "crm")]
    assert (await (await api.ask("GET", "/v1/prompts")).json())["items"] == [told]
    assert await (await api.ask("GET", PATH)).json() == told
    heard = await api.ask("GET", f"{PATH}/audio")
    assert (heard.content_type, await heard.read()) == ("audio/wav", b"RIFF")
    assert (await api.ask("DELETE", PATH)).status == 204
    assert api.prompts.asked[1:] == [("remove", "welcome", "fr", "crm")]


@pytest.mark.parametrize(
    ("body", "headers", "refused"),
    [
        (b"noise", MP3, (422, "recording-not-audio")),
        (b"{}", {"Content-Type": "application/json"}, (415, "not-the-media")),
        (b"RIFF", {}, (415, "not-the-media")),
        (b"RIFF", {**MP3, "Content-Encoding": "gzip"}, (415, "not-the-media")),
        (bytes(30 * 2**20 + 1), MP3, (413, "body-too-large")),
    ],
)
async def test_what_is_refused(api: Api, body: bytes, headers: dict[str, str], refused: tuple[int, str]) -> None:
    answer = await api.ask("PUT", PATH, data=body, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == refused
    assert api.prompts.asked == []


async def test_nobody_uploads_for_ever(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    (put,) = (route for route in ROUTES if route.method == "PUT")
    monkeypatch.setitem(put.__dict__, "body_time_s", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = f"PUT {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer std_all\r\nContent-Type: audio/wav\r\n"
    writer.write(f"{head}Content-Length: 9\r\n\r\nRIFF".encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


@pytest.mark.parametrize("path", ["welcome/en", "lost/fr", "lost/fr/audio"])
async def test_what_is_not_there(api: Api, path: str) -> None:
    answer = await api.ask("GET", f"/v1/prompts/{path}")
    assert (answer.status, (await answer.json())["code"]) == (404, "unknown")


async def test_no_agents_token_reaches_them(api: Api) -> None:
    assert (await api.ask("GET", "/v1/prompts", token="std_alice")).status == 403
