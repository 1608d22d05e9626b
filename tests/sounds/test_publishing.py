"""What a program says is rendered before it goes live."""

from pathlib import Path
from typing import cast

import pytest

from engine.domain.scenario.graph import Program
from engine.domain.scenario.talk import Words
from engine.domain.values import Slug
from engine.scenarios.loader import load_text
from engine.sounds import publishing
from engine.sounds.publishing import Unsaid, render_all, speech_here, spoken_languages, words_of
from engine.sounds.speech import Speech
from engine.sounds.voices import Voices, said_file
from tests.sounds.speaking import Robot

SCENARIO = """
scenario: bonjour
languages: [fr, en]
vars: {who: {type: text, default: vous}}
start: greet
on_error: bye
nodes:
  greet:
    type: play
    prompt: [{say: {fr: Bonjour, en: Hello}}, {say: {fr: "Bonjour {who}", en: "Hello {who}"}}, {file: welcome}]
    next: ask
  ask:
    type: menu
    prompt: [{say: {fr: Tapez 1, en: Press 1}}]
    no_input_prompt: [{say: {fr: Tapez 1, en: Press one now}}]
    keys: {"1": bye}
    on: {no_input: bye, no_match: bye}
  bye: {type: hangup, prompt: [{say: {fr: Bonjour, en: Goodbye}}]}
"""
WORDS = [
    ("fr", "Bonjour"), ("en", "Hello"), ("fr", "Tapez 1"), ("en", "Press 1"), ("en", "Press one now"), ("en", "Goodbye")
]  # fmt: skip


def program(text: str = SCENARIO) -> Program:
    loaded = load_text(text, "scenario.yaml")
    assert loaded.scenario is not None, loaded.findings
    return Program(main=Slug("bonjour"), version="1", scenarios={Slug("bonjour"): loaded.scenario})


def test_each_text_without_variables_is_said_once_in_every_language() -> None:
    assert words_of(program()) == WORDS
    assert words_of(program(SCENARIO.replace("[fr, en]", "[fr]"))) == [("fr", "Bonjour"), ("fr", "Tapez 1")]


async def test_what_is_rendered_is_what_a_call_plays_and_is_not_said_again(tmp_path: Path) -> None:
    robot = Robot()
    assert await render_all(robot, words_of(program()), tmp_path) == []
    assert sorted(robot.said) == sorted((text, language) for language, text in WORDS)
    assert await render_all(robot, words_of(program()), tmp_path) == []
    assert await render_all(None, words_of(program()), tmp_path) == []
    assert len(robot.said) == len(WORDS)
    voices = Voices(prompts=Path("/prompts"), said=tmp_path, recorded=lambda *_: None, speech=None)
    played = said_file(tmp_path, "Tapez 1", "fr").with_suffix("")
    assert await voices.media((Words("Tapez 1"),), "fr") == [f"sound:{played}"]


async def test_what_cannot_be_said_is_told_before_a_caller_misses_it(tmp_path: Path) -> None:
    unsaid = await render_all(Robot(mute=("en",)), words_of(program()), tmp_path)
    assert unsaid == [Unsaid("en", text, "it has no voice") for language, text in WORDS if language == "en"]
    unsaid = await render_all(None, [("en", "Hello"), ("fr", "Bonjour")], tmp_path)
    assert unsaid == [Unsaid("en", "Hello", "no speech engine on this machine")]
    (tmp_path / "full").touch()
    assert len(await render_all(Robot(), [("fr", "Bonjour")], tmp_path / "full")) == 1


def test_the_languages_are_those_it_really_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spoken_languages(Robot()) == {"fr", "en"}
    assert spoken_languages(Robot(mute=("en",))) == {"fr"}
    assert spoken_languages(None) == frozenset()
    monkeypatch.setenv("PATH", "/nowhere")
    assert speech_here() is None
    robot = Robot()
    monkeypatch.setattr(publishing, "found", lambda: cast("Speech", robot))
    assert speech_here() is robot
