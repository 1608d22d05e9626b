"""What a scenario says becomes files Asterisk plays: rendered once, found again, passed over where it cannot be had."""

import asyncio
import wave
from pathlib import Path

import pytest

from engine.domain.directory import Language
from engine.domain.scenario.talk import (
    AnyHeard,
    AsteriskSound,
    Day,
    DigitByDigit,
    House,
    Recording,
    Silence,
    WholeNumber,
    Words,
)
from engine.domain.values import Slug
from engine.sounds import voices
from engine.sounds.voices import Voices
from tests.sounds.speaking import Robot


def of(tmp_path: Path, robot: Robot | None) -> Voices:
    def recorded(name: Slug, language: Language) -> Path | None:
        return tmp_path / "kept" / f"{name}.wav" if name == "welcome" else None

    return Voices(prompts=Path("/prompts"), said=tmp_path / "said", recorded=recorded, speech=robot)


@pytest.mark.parametrize(
    ("item", "uri"),
    [
        (DigitByDigit("0612#"), "digits:0612#"),
        (AsteriskSound("vm-goodbye"), "sound:vm-goodbye"),
        (House("please-wait"), "sound:/prompts/fr/please-wait"),
        (Silence(2.0), "sound:silence/2"),
        (Silence(10), "sound:silence/10"),
    ],
)
async def test_what_asterisk_has_already(tmp_path: Path, item: AnyHeard, uri: str) -> None:
    assert await of(tmp_path, None).media((item,), "fr") == [uri]


@pytest.mark.parametrize("seconds", [0.5, 2.4, 14, 60])
async def test_a_pause_is_as_long_as_it_was_written(tmp_path: Path, seconds: float) -> None:
    (uri,) = await of(tmp_path, None).media((Silence(seconds),), "fr")
    for suffix, rate_hz in ((".wav", 8_000), (".wav16", 16_000)):
        with wave.open(uri.removeprefix("sound:") + suffix, "rb") as written:
            assert (written.getframerate(), written.getnframes()) == (rate_hz, round(seconds * rate_hz))
            assert not any(written.readframes(rate_hz))


async def test_a_disk_that_takes_no_pause_leaves_the_nearest_of_asterisks_own(tmp_path: Path) -> None:
    (tmp_path / "said").write_text("no folder", encoding="utf-8")
    house = of(tmp_path, None)
    assert await house.media((Silence(0.5), Silence(2.4), Silence(60)), "fr") == [
        "sound:silence/1",
        "sound:silence/2",
        "sound:silence/10",
    ]


@pytest.mark.parametrize("item", [AsteriskSound("a,sound:b"), Recording(Slug("lost")), Words("Bonjour"), Words(" ")])
async def test_what_cannot_be_had_is_passed_over(tmp_path: Path, item: AnyHeard) -> None:
    assert await of(tmp_path, None).media((item, DigitByDigit("1")), "fr") == ["digits:1"]


async def test_a_recording_of_the_house(tmp_path: Path) -> None:
    assert await of(tmp_path, None).media((Recording(Slug("welcome")),), "fr") == [f"sound:{tmp_path}/kept/welcome"]


async def test_words_are_rendered_once_and_are_wavs_of_a_telephone(tmp_path: Path) -> None:
    robot = Robot()
    house = of(tmp_path, robot)
    first = await house.media((Words("Bonjour"), WholeNumber(12), Day("2026-05-01")), "fr")
    assert robot.said == [("Bonjour", "fr"), ("12", "fr"), ("1 mai 2026", "fr")]
    assert await of(tmp_path, robot).media((Words("Bonjour"),), "fr") == first[:1]
    assert len(robot.said) == 3
    for suffix, rate_hz in ((".wav", 8_000), (".wav16", 16_000)):
        with wave.open(first[0].removeprefix("sound:") + suffix, "rb") as written:
            assert (written.getframerate(), written.getsampwidth(), written.getnchannels()) == (rate_hz, 2, 1)
            assert written.getnframes() == rate_hz * 66 // 100  # what was hummed, and silence around it


async def test_two_callers_who_want_the_same_words_have_them_rendered_once(tmp_path: Path) -> None:
    robot = Robot()
    house = of(tmp_path, robot)
    robot.may_speak.clear()
    both = [asyncio.create_task(house.media((Words("Bonjour"),), "fr")) for _ in range(2)]
    await asyncio.sleep(0)
    robot.may_speak.set()
    assert await both[0] == await both[1] != []
    assert len(robot.said) == 1


async def test_no_caller_waits_long_for_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "RENDER_S", 0.01)
    robot = Robot()
    house = of(tmp_path, robot)
    robot.may_speak.clear()
    assert await house.media((Words("Bonjour"),), "fr") == []
    robot.may_speak.set()
    monkeypatch.setattr(voices, "RENDER_S", 5)
    assert await house.media((Words("Bonjour"),), "fr") != []  # what was being rendered is there


async def test_a_speech_engine_that_fails_silences_nothing_else(tmp_path: Path) -> None:
    house = of(tmp_path, Robot(mute=("fr",)))
    assert await house.media((Words("Bonjour"), DigitByDigit("1")), "fr") == ["digits:1"]
