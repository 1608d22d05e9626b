"""An Asterisk of the engine's own, and the first steps of an operator with it, as docs/operating.md has them."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from engine.app.own_asterisk import prepare
from engine.errors import BadFile
from engine.sandbox.asterisk import AsteriskInstall
from engine.sandbox.places import short_run_directory
from engine.sandbox.ports import PortBlock
from engine.settings import Settings, load

WAIT_S = 60.0
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    place = short_run_directory("own")
    place.chmod(0o755)  # the account PostgreSQL runs as must get in
    yield place
    shutil.rmtree(place, ignore_errors=True)


def install(home: Path) -> AsteriskInstall:
    return AsteriskInstall(("/bin/false",), home, home, home, (22, 10, 1))


def settings_in(etc: Path, home: Path) -> Settings:
    settings = Settings(state_dir=home / "state")
    return replace(settings, asterisk=replace(settings.asterisk, config_dir=etc))


def test_everything_is_written_below_the_directory_above_its_files(home: Path) -> None:
    words = prepare(settings_in(home / "ast" / "etc", home), install(home))
    assert words == ["/bin/false", "-f", "-C", str(home / "ast" / "etc" / "asterisk.conf")]
    assert (home / "ast" / "log" / "cel-custom").is_dir()
    assert (home / "ast" / "etc" / "ari.conf").stat().st_mode & 0o777 == 0o600
    assert (
        f"password = {(home / 'state' / 'ari.secret').read_text()}" in (home / "ast" / "etc" / "ari.conf").read_text()
    )


def test_what_an_import_wrote_is_left_alone_the_next_time(home: Path) -> None:
    settings = settings_in(home / "ast" / "etc", home)
    prepare(settings, install(home))
    imported = home / "ast" / "etc" / "standardiste" / "pjsip.conf"
    before = imported.read_text()
    imported.write_text(before + "; imported\n")
    prepare(settings, install(home))
    assert imported.read_text().endswith("; imported\n")


def test_files_of_others_are_not_touched(home: Path) -> None:
    etc = home / "ast" / "etc"
    etc.mkdir(parents=True)
    (etc / "pjsip.conf").write_text("[somebody-elses]\n")
    with pytest.raises(BadFile, match="not written by the engine"):
        prepare(settings_in(etc, home), install(home))
    assert [file.name for file in etc.iterdir()] == ["pjsip.conf"]


def test_the_machines_own_is_refused_with_a_remedy(home: Path) -> None:
    with pytest.raises(BadFile) as refused:
        prepare(settings_in(Path("/etc/asterisk"), home), install(home))
    assert "config_dir" in refused.value.what_next


@pytest.mark.parametrize(
    ("sip_host", "rtp_host", "expected"),
    [
        ("10.0.0.7", "198.51.100.7", ["10.0.0.7 => 198.51.100.7,include_local_address"]),
        ("0.0.0.0", "127.0.0.1", ["127.0.0.1 => 127.0.0.1,include_local_address"]),  # noqa: S104 - by the route to it
        ("10.0.0.7", None, []),
    ],
)
def test_browsers_are_told_the_address_outside(
    home: Path, sip_host: str, rtp_host: str | None, expected: list[str]
) -> None:
    settings = settings_in(home / "ast" / "etc", home)
    more = {"webrtc_url": "wss://phone.example.net/ws", "sip_host": sip_host, "rtp_host": rtp_host}
    settings = replace(settings, asterisk=replace(settings.asterisk, **more))
    prepare(settings, install(home))
    told = (home / "ast" / "etc" / "rtp.conf").read_text()
    assert [line for line in told.splitlines() if "=>" in line] == expected
    assert "icesupport = yes" in told


# -- the first steps ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def engine(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`engine WORDS` as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "engine.cli", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=PROJECT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT_S):
            await process.communicate()


async def printed(*words: str) -> str:
    async with engine(*words) as process, asyncio.timeout(WAIT_S):
        said = (await process.communicate())[0].decode()
        assert process.returncode == 0, said
        return said


async def said(process: asyncio.subprocess.Process, words: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        while words not in (line := (await process.stdout.readline()).decode()):
            assert line, f"it ended without {words!r}"


def first_settings(home: Path, ports: PortBlock) -> Path:
    file = home / "standardiste.toml"
    http, ari, sip = ports.take(), ports.take(), ports.take()
    first, last = ports.media(0)
    file.write_text(
        f'state_dir = "{home}/state"\n[http]\nport = {http}\n[ari]\nurl = "http://127.0.0.1:{ari}"\n[asterisk]\n'
        f'config_dir = "{home}/asterisk/etc"\ncel_path = "{home}/asterisk/log/cel-custom/standardiste-hangups.csv"\n'
        f"sip_port = {sip}\nrtp_first = {first}\nrtp_last = {last}\n"
    )
    file.chmod(0o600)
    return file


@pytest.mark.live
async def test_from_nothing_to_an_engine_that_takes_requests(home: Path) -> None:
    ports = PortBlock.claim()
    config = first_settings(home, ports)
    url = f"http://127.0.0.1:{load(config).http.port}"
    with_config = ("--config", str(config))
    try:
        async with engine("asterisk", *with_config) as asterisk:
            await said(asterisk, "starts; its files are in")
            await until_answered(f"{load(config).ari.url}/ari/api-docs/resources.json")
            assert " to add." in await printed("import", "docs/examples/directory.yaml", *with_config)
            token = (await printed("token", "create", "crm", "--scope", "calls:create", *with_config)).split()[-1]
            async with engine("run", *with_config) as running:
                await said(running, "listening on")
                await until_answered(f"{url}/readyz", status=200)
                order = {"agent": "marie", "to": "01 42 68 53 99"}
                headers = {"Authorization": f"Bearer {token}"}
                async with (
                    aiohttp.ClientSession(headers=headers) as session,
                    session.post(f"{url}/v1/calls", json=order) as answer,
                ):
                    # the example's Yeastars are nobody's: their trunks may be known to be down by now
                    body = await answer.json(content_type=None)
                    assert answer.status == 202 or body["code"] == "trunk-full", body
                assert "running and ready" in await printed("doctor", *with_config)
    finally:
        ports.close()
    assert [pid for pid in Path("/proc").glob("[0-9]*") if cwd(pid).startswith(str(home))] == []  # noqa: ASYNC240


async def until_answered(url: str, status: int | None = None) -> None:
    async with asyncio.timeout(WAIT_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if status in (None, answer.status):
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


def cwd(process: Path) -> str:
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""
