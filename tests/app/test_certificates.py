"""Certificates that end are told before, to machines and to people."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from engine.app.certificates import WARN, Certificates, named
from engine.commands.doctor import _certificates
from engine.http.ports import PartState
from engine.settings import AsteriskSettings, Settings
from tests.config.pems import UNTIL_2027
from tests.config.test_certificate import END_2027


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "sip.pem"
    file.write_text(UNTIL_2027)
    return file


@pytest.mark.parametrize(
    ("before", "ok", "said"),
    [
        (WARN + timedelta(seconds=1), True, ""),
        (WARN - timedelta(seconds=1), False, "ends on 2027-02-19"),
        (timedelta(0), False, "ended on 2027-02-19"),
    ],
)
async def test_its_end_is_told_in_time(file: Path, before: timedelta, ok: bool, said: str) -> None:
    told: list[tuple[str, float]] = []
    watch = Certificates({"sip-tls": file}, lambda *end: told.append(end), now=lambda: END_2027 - before)
    await watch.look()
    assert told == [("sip-tls", END_2027.timestamp())]
    part = watch.part()
    assert (part.ok, part.needed) == (ok, False)
    assert said in part.why


async def test_one_that_cannot_be_read_is_told_and_a_renewed_one_is_well(file: Path) -> None:
    watch = Certificates({"sip-tls": file}, lambda *_: None, now=lambda: END_2027 - WARN * 2)
    await asyncio.to_thread(file.write_text, "")
    await watch.look()
    assert "holds no certificate" in watch.part().why
    await asyncio.to_thread(file.write_text, UNTIL_2027)
    await watch.look()
    assert watch.part() == PartState(ok=True, needed=False)


def test_the_doctor_sees_it(file: Path) -> None:
    def seen(path: Path | None) -> tuple[str, str]:
        settings = Settings(asterisk=AsteriskSettings(tls_certificate=path))
        assert bool(named(settings.asterisk)) == (path is not None)
        finding = _certificates(settings)
        return finding.state, finding.saw

    assert seen(None) == ("well", "none: SIP is not encrypted here")
    assert seen(file)[0] in ("well", "care", "ill")  # as the year may be
    file.write_text("")
    assert seen(file) == ("care", f"sip-tls: {file} holds no certificate")
    file.unlink()
    assert seen(file)[0] == "ill"
