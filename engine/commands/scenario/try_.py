"""`engine scenario try`: a telephone in the terminal."""

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands import Subparsers, command
from engine.commands.scenario import _reading
from engine.errors import BadFile, BadInput

if TYPE_CHECKING:
    from engine.scenarios.answers import Answer
    from engine.scenarios.hearing import Named
    from engine.scenarios.simulator import Caller, Simulation
    from engine.sounds.spoken_call import Voice

_TEACH = """\
  engine scenario try standard
  engine scenario try standard --at 2026-05-01T10:00+02:00 --caller +33612345678 --language en --directory company.yaml
  engine scenario try standard --answer 'hours office=open' --answer 'group sales=talked 40'
  engine scenario try identification --answer 'lookup contacts=found name="Ana Lima" vip=true'
  printf '1\\n' | engine scenario try standard --answer hours=open --answer agents=nobody
  engine scenario try standard --record ivr_scenarios/standard/standard.test.yaml
  engine scenario try standard --audio call.wav
Type keys as on a telephone, . to say nothing, h to hang up, s 10 to speak for 10 seconds, w 5 to wait for 5. What the
look-ups, the web and the agents answer is asked unless an --answer says it (docs/scenarios-try.md).
"""


def register(words: Subparsers) -> None:
    parser = command(words, "try", run, summary="call a scenario from this terminal", teach=_TEACH, config=False)
    parser.add_argument("name", metavar="NAME", help="a scenario of the folder")
    parser.add_argument("--at", metavar="TIME", help="when the call comes, with its offset (default: now)")
    parser.add_argument("--caller", metavar="NUMBER", default="+33612345678", help="who calls (default: %(default)s)")
    parser.add_argument("--called", metavar="NUMBER", default="+33140000001", help="what they dialled")
    parser.add_argument("--language", choices=["fr", "en"], default="fr", help="of the caller (default: %(default)s)")
    parser.add_argument(
        "--answer", action="append", default=[], metavar="ASKED=ANSWER", help="what the world answers; may be repeated"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="add the call to a file of conversations")
    parser.add_argument("--audio", type=Path, metavar="FILE.wav", help="render the call, as it is heard (espeak-ng)")
    _reading.add_folder(parser)
    _reading.add_directory(parser)


def run(asked: argparse.Namespace) -> int:
    from engine.scenarios.answers import Mocks
    from engine.scenarios.conversing import way
    from engine.scenarios.simulator import Simulation
    from engine.scenarios.telephone import Telephone
    from engine.scenarios.writing import append, recorded

    program, ears, recordings = _reading.program(asked.folder, asked.name)
    voice = _voice(recordings) if asked.audio is not None else None
    if voice is not None:
        ears = ears._replace(spoken_s=voice.spoken_s)
    caller, mocks = _caller(asked), _mocks(asked.answer)
    world = Mocks(mocks, _reading.house(asked.directory))
    phone = Telephone(Simulation(program, world, caller, ears), _ask, print)
    phone.talk()
    print(f"the way: {way(phone.call.run)}")
    if voice is not None:
        _sound(asked.audio, phone.call, voice)
    if asked.record is not None:
        append(asked.record, recorded(phone.call, caller, mocks, phone.steps))
        print(f"recorded in {asked.record}")
    return 0


def _voice(recordings: "dict[Named, Path]") -> "Voice":
    from engine.sounds import speech, spoken_call

    return spoken_call.Voice(speech.found(), recordings)


def _sound(path: Path, call: "Simulation", voice: "Voice") -> None:
    from engine.sounds.spoken_call import render, write

    try:
        write(render(call, voice), path)
    except OSError as error:
        raise BadFile(f"{path}: cannot be written: {error.strerror}") from error
    print(f"{path}: {call.now:.0f} s of sound")


def _caller(asked: argparse.Namespace) -> "Caller":
    from engine.scenarios.simulator import Caller

    try:
        at = datetime.fromisoformat(asked.at) if asked.at else datetime.now().astimezone()
    except ValueError as wrong:
        raise BadInput(f"--at: {wrong}", what_next="--at 2026-05-01T10:00+02:00") from wrong
    return Caller(
        at=at.astimezone() if at.tzinfo is None else at,
        caller=asked.caller,
        called=asked.called,
        language=asked.language,
    )


def _mocks(texts: list[str]) -> "dict[str, tuple[Answer, ...]]":
    """Answers by what is asked; several for the same are given one after the other."""
    from engine.scenarios.answers import kind_of, parse

    found: dict[str, tuple[Answer, ...]] = {}
    for text in texts:
        name, _, answer = text.partition("=")
        found[name] = (*found.get(name, ()), parse(answer, kind_of(name)))
    return found


def _ask(prompt: str) -> str | None:
    """A line from the keyboard; one from a pipe is shown, as if it had been typed."""
    print(prompt, end="", flush=True)
    line = sys.stdin.readline()
    if not line:
        print()
        return None
    if not sys.stdin.isatty():
        print(line.rstrip("\n"))
    return line.strip()
