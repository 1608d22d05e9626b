"""Every typed command, as it leaves: what is asked of Asterisk, in which lane, and whether it may be asked twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.ari.bridge_requests import HOLDING
from engine.ari.building import Reported
from engine.ari.errors import NotFound, Unreachable
from engine.ari.pools import Request, Retry
from engine.ari.requests import PROBE, AriRequests

ARI = Callable[[AriRequests], Awaitable[Any]]
NEVER, ALWAYS, CREATE = Retry.NEVER, Retry.ALWAYS, Retry.CREATE


class Paper:
    """A transport that writes down and answers as told."""

    def __init__(self, answer: bytes = b"{}") -> None:
        self.sent: list[Request] = []
        self.answer = answer
        self.gone = False  # what is read is no longer there

    async def send(self, request: Request) -> bytes:
        self.sent.append(request)
        if self.gone and request.method == "GET":
            raise NotFound(str(request), "Channel not found", 404)
        return self.answer


COMMANDS: list[tuple[ARI, str, dict[str, str], Retry, str]] = [
    # command, request, query, repeated?, lanes ("!" past them; "/c": needs the thread of c)
    (lambda a: a.dial("c", 30), "POST /channels/c/dial", {"timeout": "30"}, NEVER, "c"),
    (lambda a: a.answer("c"), "POST /channels/c/answer", {}, ALWAYS, "c/c"),
    (lambda a: a.ring("c"), "POST /channels/c/ring", {}, ALWAYS, "c"),
    (lambda a: a.stop_ring("c"), "DELETE /channels/c/ring", {}, ALWAYS, "c"),
    (lambda a: a.progress("c"), "POST /channels/c/progress", {}, ALWAYS, "c"),
    (
        lambda a: a.play("c", "p", ["sound:a", "sound:b"], lang="fr"),
        "POST /channels/c/play/p",
        {"media": "sound:a,sound:b", "lang": "fr"},
        NEVER,
        "c",
    ),
    (lambda a: a.stop_playback("p"), "DELETE /playbacks/p", {}, ALWAYS, "!"),
    (lambda a: a.start_moh("c", moh_class="x"), "POST /channels/c/moh", {"mohClass": "x"}, ALWAYS, "c"),
    (lambda a: a.stop_moh("c"), "DELETE /channels/c/moh", {}, ALWAYS, "c"),
    (lambda a: a.start_silence("c"), "POST /channels/c/silence", {}, ALWAYS, "c"),
    (lambda a: a.stop_silence("c"), "DELETE /channels/c/silence", {}, ALWAYS, "c"),
    (lambda a: a.send_dtmf("c", "12#"), "POST /channels/c/dtmf", {"dtmf": "12#"}, NEVER, "c"),
    (lambda a: a.mute("c", "in"), "POST /channels/c/mute", {"direction": "in"}, ALWAYS, "c"),
    (lambda a: a.unmute("c"), "DELETE /channels/c/mute", {"direction": "both"}, ALWAYS, "c"),
    (lambda a: a.hold("c"), "POST /channels/c/hold", {}, ALWAYS, "c"),
    (lambda a: a.unhold("c"), "DELETE /channels/c/hold", {}, ALWAYS, "c"),
    (lambda a: a.hang_up("c", cause=17), "DELETE /channels/c", {"reason_code": "17"}, ALWAYS, "!"),
    (
        lambda a: a.set_variable("c", "A", "1"),
        "POST /channels/c/variable",
        {"variable": "A", "value": "1"},
        ALWAYS,
        "c/c",
    ),
    (
        lambda a: a.snoop("c", "s", whisper="out", args=["x"]),
        "POST /channels/c/snoop/s",
        {"app": "app", "appArgs": "x", "spy": "both", "whisper": "out"},
        NEVER,
        "c",
    ),
    (
        lambda a: a.continue_in_dialplan("c", "rescue"),
        "POST /channels/c/continue",
        {"context": "rescue", "extension": "s", "priority": "1"},
        NEVER,
        "c",
    ),
    (
        lambda a: a.create_bridge("b", name="n", kind=HOLDING),
        "POST /bridges/b",
        {"type": "holding", "name": "n"},
        CREATE,
        "b",
    ),
    (
        lambda a: a.add_to_bridge("b", "c", mute=True),
        "POST /bridges/b/addChannel",
        {"channel": "c", "mute": "true", "inhibitConnectedLineUpdates": "true"},
        NEVER,
        "b,c/c",
    ),
    (lambda a: a.remove_from_bridge("b", "c"), "POST /bridges/b/removeChannel", {"channel": "c"}, NEVER, "b,c/c"),
    (lambda a: a.destroy_bridge("b"), "DELETE /bridges/b", {}, ALWAYS, "b"),
    (lambda a: a.play_to_bridge("b", "p", ["sound:a"]), "POST /bridges/b/play/p", {"media": "sound:a"}, NEVER, "b"),
    (lambda a: a.start_bridge_moh("b"), "POST /bridges/b/moh", {}, ALWAYS, "b"),
    (lambda a: a.stop_bridge_moh("b"), "DELETE /bridges/b/moh", {}, ALWAYS, "b"),
    (lambda a: a.stop_recording("a/r"), "POST /recordings/live/a%2Fr/stop", {}, ALWAYS, "!"),
    (lambda a: a.mute_recording("r"), "POST /recordings/live/r/mute", {}, ALWAYS, "r"),
    (lambda a: a.unmute_recording("r"), "DELETE /recordings/live/r/mute", {}, ALWAYS, "r"),
    (lambda a: a.discard_recording("r"), "DELETE /recordings/live/r", {}, ALWAYS, "!"),
    (lambda a: a.set_global("G", "1"), "POST /asterisk/variable", {"variable": "G", "value": "1"}, ALWAYS, "!"),
    (
        lambda a: a.subscribe("deviceState:PJSIP/x"),
        "POST /applications/app/subscription",
        {"eventSource": "deviceState:PJSIP/x"},
        ALWAYS,
        "!",
    ),
    (lambda a: a.reload_module("res_pjsip.so"), "PUT /asterisk/modules/res_pjsip.so", {}, ALWAYS, ""),
]


@pytest.mark.parametrize(
    ("command", "request_line", "query", "retry", "lanes"), COMMANDS, ids=[row[1] for row in COMMANDS]
)
async def test_a_command_leaves_as_asterisk_wants_it(
    command: ARI, request_line: str, query: dict[str, str], retry: Retry, lanes: str
) -> None:
    paper = Paper()
    await command(AriRequests(paper, "app"))
    (sent,) = paper.sent
    assert str(sent) == request_line
    assert dict(sent.query) == query
    assert sent.retry is retry
    shown = "!" if sent.urgent else ",".join(sent.lanes) + (f"/{sent.needs_thread}" if sent.needs_thread else "")
    assert shown == lanes


READINGS: list[tuple[ARI, str, bytes]] = [
    (lambda a: a.get_channel("c"), "GET /channels/c", b'{"id":"c","name":"PJSIP/x","state":"Up"}'),
    (lambda a: a.list_channels(), "GET /channels", b"[]"),
    (lambda a: a.get_variable("c", "A"), "GET /channels/c/variable", b'{"value":"1"}'),
    (lambda a: a.get_bridge("b"), "GET /bridges/b", b'{"id":"b","channels":["c"]}'),
    (lambda a: a.list_bridges(), "GET /bridges", b"[]"),
    (lambda a: a.get_playback("p"), "GET /playbacks/p", b'{"id":"p"}'),
    (lambda a: a.get_global("G"), "GET /asterisk/variable", b'{"value":""}'),
    (lambda a: a.get_endpoint("x"), "GET /endpoints/PJSIP/x", b'{"technology":"PJSIP","resource":"x"}'),
    (lambda a: a.applications(), "GET /applications", b'[{"name":"app"}]'),
    (lambda a: a.has_module("app_queue.so"), "GET /asterisk/modules/app_queue.so", b'{"name":"app_queue.so"}'),
    (lambda a: a.is_registered(), "GET /applications/app", b'{"name":"app"}'),
]


@pytest.mark.parametrize(("command", "request_line", "answer"), READINGS, ids=[row[1] for row in READINGS])
async def test_reading_is_urgent_and_repeated_freely(command: ARI, request_line: str, answer: bytes) -> None:
    paper = Paper(answer)
    await command(AriRequests(paper, "app"))
    (sent,) = paper.sent
    assert str(sent) == request_line
    assert sent.urgent
    assert sent.retry is ALWAYS


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (
            lambda a: a.create_channel("c", "PJSIP/x", variables={"A": "1", "CALL": Reported("k")}),
            {"variables": {"A": "1", "CALL": Reported("k")}},
        ),
        (lambda a: a.create_channel("c", "PJSIP/x"), None),
        (lambda a: a.set_variables("c", {"A": "1"}), {"variables": {"A": "1"}}),
        (lambda a: a.set_bridge_variables("b", {"A": "1"}), {"variables": {"A": "1"}}),
        (lambda a: a.set_event_filter(["X"]), {"allowed": [], "disallowed": [{"type": "X"}]}),
    ],
)
async def test_what_a_command_carries(command: ARI, body: object) -> None:
    paper = Paper()
    await command(AriRequests(paper, "app"))
    assert paper.sent[0].body == body


async def test_a_module_that_is_not_loaded() -> None:
    paper = Paper()
    paper.gone = True
    assert not await AriRequests(paper, "app").has_module("app_queue.so")


async def test_recordings_tell_how_they_began() -> None:
    paper = Paper(b'{"name":"r","state":"failed"}')
    ari = AriRequests(paper, "app")
    assert (await ari.record("c", "r", file_format="sln")).state == "failed"
    assert (await ari.record_bridge("b", "r", file_format="wav")).name == "r"


async def test_the_files_of_recordings_are_listed() -> None:
    paper = Paper(b'[{"name":"a/b","format":"sln"},{"name":"c","format":"wav"}]')
    assert await AriRequests(paper, "app").stored_recordings() == ["a/b", "c"]


async def test_the_file_of_a_recording_is_removed() -> None:
    paper = Paper()
    assert await AriRequests(paper, "app").remove_recording("a/b")
    assert [str(sent) for sent in paper.sent] == ["DELETE /recordings/stored/a%2Fb"]


@pytest.mark.parametrize(("told", "members"), [("", None), ("1", ["1"]), ("PJSIP/a,PJSIP/b", ["PJSIP/a", "PJSIP/b"])])
async def test_a_queue_tells_its_members(told: str, members: list[str] | None) -> None:
    paper = Paper(f'{{"value":"{told}"}}'.encode())
    assert await AriRequests(paper, "app").queue_members("q") == members
    assert [dict(sent.query)["variable"] for sent in paper.sent if str(sent).endswith("/variable")] == (
        ["QUEUE_MEMBER_LIST(q)"] if told else ["QUEUE_MEMBER_LIST(q)", "QUEUE_EXISTS(q)"]
    )


@pytest.mark.parametrize(
    ("told", "contacts"),
    [
        ("", ()),
        ("PJSIP/x/sip:a@h:1", ("PJSIP/x/sip:a@h:1",)),
        ("PJSIP/x/sip:a@h:1&PJSIP/x/sip:b@h:2", ("PJSIP/x/sip:a@h:1", "PJSIP/x/sip:b@h:2")),
    ],
)
async def test_devices_are_asked_of_a_channel_made_for_it(told: str, contacts: tuple[str, ...]) -> None:
    paper = Paper(f'{{"value":"{told}"}}'.encode())
    assert await AriRequests(paper, "app").contacts("x") == contacts
    made, asked, ended = paper.sent
    probe = dict(made.query)["channelId"]
    assert probe.startswith(PROBE)
    assert str(asked) == f"GET /channels/{probe}/variable"
    assert str(ended) == f"DELETE /channels/{probe}"


async def test_the_dialplan_is_asked_on_a_channel_that_needs_no_application() -> None:
    paper = Paper(b'{"value":"1"}')
    assert await AriRequests(paper, "app").absent_steps(["a,112,1", "a,112,2"]) == []
    made, first, _, ended = paper.sent
    probe = dict(made.query)["channelId"]
    assert (str(made), dict(made.query).get("app")) == ("POST /channels", None)
    assert probe.startswith(PROBE)
    assert dict(first.query) == {"variable": "DIALPLAN_EXISTS(a,112,1)"}
    assert str(ended) == f"DELETE /channels/{probe}"


@pytest.mark.parametrize("gone", [False, True])
async def test_a_step_of_the_dialplan_that_is_not_there_or_cannot_be_asked_for(gone: bool) -> None:
    paper = Paper(b'{"value":"0"}')
    paper.gone = gone
    assert await AriRequests(paper, "app").absent_steps(["a,112,1"]) == ["a,112,1"]


@pytest.mark.parametrize("ask", [lambda a: a.contacts("alice-k7"), lambda a: a.queue_members("sales")])
async def test_a_question_that_is_given_up_stays_given_up_when_its_channel_cannot_be_ended(ask: ARI) -> None:
    """Else whoever asks again and again, for ever, could not be stopped."""

    class Frozen(Paper):
        async def send(self, request: Request) -> bytes:
            self.sent.append(request)
            if request.method == "GET":
                await asyncio.Event().wait()
            if request.method == "DELETE":
                raise Unreachable(str(request), "gone")
            return self.answer

    frozen = Frozen()
    asking = asyncio.ensure_future(ask(AriRequests(frozen, "standardiste")))
    async with asyncio.timeout(30):
        while not frozen.sent or frozen.sent[-1].method != "GET":  # noqa: ASYNC110 - it has no bell
            await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [request.method for request in frozen.sent] == ["POST", "GET", "DELETE"]
