"""What the doctor says of an Asterisk, an engine, a PostgreSQL and files in every state."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from engine.commands import doctor
from engine.observe.doctor import Finding, examine
from engine.sections import Secret
from engine.settings import AriSettings, HttpSettings, PostgresSettings, Settings

Answering = Callable[[web.Request], web.Response]


@asynccontextmanager
async def server(answer: Answering) -> AsyncIterator[int]:
    """A port where everything is answered by `answer`."""

    async def handle(request: web.Request) -> web.Response:
        return answer(request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def found(settings: Settings, name: str) -> Finding:
    (finding,) = await examine([check for check in doctor.checks(settings, None) if check.name == name])
    return finding[1]


def asterisk(port: int) -> Settings:
    return Settings(ari=AriSettings(url=f"http://127.0.0.1:{port}", secret=Secret("s3cret")))


def info(version: str) -> Answering:
    def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Basic c3RhbmRhcmRpc3RlOnMzY3JldA==":
            return web.Response(status=401)
        return web.json_response({"system": {"version": version}})

    return answer


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("22.10.1", "well"), ("22.10.1~dfsg+~cs6.16.70000000-1", "well"), ("23.0.0", "well"), ("22.10.0", "ill"),
        ("20.15.2", "ill"), ("22.9.99", "ill"), ("GIT-master-abc", "ill"),
    ],
)  # fmt: skip
async def test_asterisk_must_be_new_enough(version: str, state: str) -> None:
    async with server(info(version)) as port:
        finding = await found(asterisk(port), "Asterisk")
    assert (finding.state, version in finding.saw) == (state, True)


@pytest.mark.parametrize(("status", "words"), [(401, "same secret"), (403, "same secret"), (404, "res_ari")])
async def test_an_asterisk_that_refuses(status: int, words: str) -> None:
    async with server(lambda _: web.Response(status=status)) as port:
        finding = await found(asterisk(port), "Asterisk")
    assert finding.state == "ill"
    assert words in finding.mend


async def test_an_asterisk_that_talks_nonsense_or_is_not_there() -> None:
    async with server(lambda _: web.Response(text="hello")) as port:
        nonsense = await found(asterisk(port), "Asterisk")
    nobody = await found(asterisk(port), "Asterisk")
    assert (nonsense.state, nobody.state) == ("ill", "ill")


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        ({"ready": True, "parts": {"ari": {"ok": True, "why": "", "needed": True}}}, "well", "ready"),
        ({"ready": False, "parts": {"ari": {"ok": False, "why": "gone", "needed": True}}}, "ill", "ari: gone"),
        ({"hello": 1}, "ill", "somebody else's"),
    ],
)
async def test_the_engine_itself(body: object, state: str, words: str) -> None:
    async with server(lambda _: web.json_response(body)) as port:
        finding = await found(Settings(http=HttpSettings(port=port)), "engine")
    assert finding.state == state
    assert words in finding.saw


async def test_a_stranger_on_the_engines_port() -> None:
    async with server(lambda _: web.Response(text="<html>")) as port:
        assert (await found(Settings(http=HttpSettings(port=port)), "engine")).state == "ill"


@pytest.mark.parametrize("dsn", ["postgresql://u:hunter2@127.0.0.1:1/d", "nonsense://x", "postgresql://u@h:port/d"])
async def test_a_postgresql_that_is_not_there(dsn: str) -> None:
    finding = await found(Settings(postgres=PostgresSettings(dsn=Secret(dsn))), "PostgreSQL")
    assert finding.state == "ill"
    assert "hunter2" not in finding.saw + finding.mend


def test_the_hangup_log(tmp_path: Path) -> None:
    file = tmp_path / "cel-custom" / "standardiste.csv"
    assert doctor._hangups(file).state == "care"
    file.parent.mkdir()
    assert doctor._hangups(file).state == "well"
    file.write_text("")
    assert doctor._hangups(file).state == "well"


async def test_an_address_others_reach_is_told() -> None:
    assert (await found(Settings(http=HttpSettings(host="192.0.2.1")), "API address")).state == "care"


async def test_a_disk_that_is_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.commands.doctor.shutil.disk_usage", lambda _: type("Usage", (), {"free": 2**20})())
    finding = await found(Settings(), "disk")
    assert (finding.state, finding.saw.split()[0]) == ("ill", "1")


def test_a_settings_file_everybody_reads(tmp_path: Path) -> None:
    file = tmp_path / "standardiste.toml"
    file.write_text("")
    file.chmod(0o644)
    assert doctor._settings(file).state == "care"
    file.chmod(0o640)
    assert doctor._settings(file).state == "well"


async def test_a_file_in_place_of_the_state_directory(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    finding = await found(Settings(state_dir=tmp_path / "state"), "state directory")
    assert (finding.state, "not a directory" in finding.saw) == ("ill", True)
