"""Messages of callers, through the API."""

import pytest

from tests.http.conftest import Api
from tests.http.fakes import VOICEMAIL

AUDIO = f"/v1/voicemails/{VOICEMAIL.id}/audio"


async def test_they_are_listed_marked_and_deleted(api: Api) -> None:
    page = await (await api.ask("GET", "/v1/voicemails?mailbox=alice&heard=false&after=3&limit=1")).json()
    assert [(one["id"], one["heard"], one["seconds"]) for one in page["items"]] == [(VOICEMAIL.id, False, 12.5)]
    marked = await api.ask("PUT", f"/v1/voicemails/{VOICEMAIL.id}", json={"heard": True})
    assert (await marked.json())["heard"] is True
    assert (await api.ask("DELETE", f"/v1/voicemails/{VOICEMAIL.id}")).status == 204
    assert api.voicemails.asked[0] == ("alice", False, 3, 1)
    assert [asked[:2] for asked in api.voicemails.asked[1:]] == [(VOICEMAIL.id, True), (VOICEMAIL.id, "delete")]


async def test_the_sound_whole_and_in_part(api: Api) -> None:
    whole = await api.ask("GET", AUDIO)
    assert (whole.status, whole.content_type, await whole.read()) == (200, "audio/wav", b"RIFF0123456789")
    assert "no-store" in whole.headers["Cache-Control"]
    part = await api.ask("GET", AUDIO, headers={"Range": "bytes=4-6"})
    assert (part.status, await part.read(), part.headers["Content-Range"]) == (206, b"012", "bytes 4-6/14")
    assert (await api.ask("GET", AUDIO, headers={"Range": "bytes=99-"})).status == 416


@pytest.mark.parametrize("path", ["019aa0c2-7b1c-5000-8000-00000000ffff", "7", "..%2F..%2Fjournal.sqlite"])
async def test_one_that_is_not_there(api: Api, path: str) -> None:
    answer = await api.ask("GET", f"/v1/voicemails/{path}/audio")
    assert (answer.status, (await answer.json())["code"]) == (404, "unknown")


@pytest.mark.parametrize("query", ["heard=perhaps", "after=-1", "limit=1001", "mailbox=A", "x=1"])
async def test_queries_that_mean_nothing(api: Api, query: str) -> None:
    assert (await api.ask("GET", f"/v1/voicemails?{query}")).status == 422


async def test_an_agents_own_token_does_not_hear_them(api: Api) -> None:
    for path in ("/v1/voicemails", AUDIO):
        answer = await api.ask("GET", path, token="std_alice")
        assert (answer.status, (await answer.json())["code"]) == (403, "not-for-agents")
