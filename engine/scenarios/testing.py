"""All conversations of a scenario, held: what went another way, and which edges nobody goes along."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.scenarios import coverage
from engine.scenarios.answers import World
from engine.scenarios.conversations import Conversation
from engine.scenarios.conversing import Held, hold
from engine.scenarios.hearing import DEAF, Ears


def file_of(folder: Path, name: Slug) -> Path:
    """Where a scenario's conversations are, in a folder of scenarios."""
    return folder / name / f"{name}.test.yaml"


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    program: Program
    held: tuple[Held, ...]
    coverage: coverage.Coverage

    @property
    def passed(self) -> bool:
        return all(held.failure is None for held in self.held)


def hold_all(
    program: Program,
    conversations: Iterable[Conversation],
    file: str,
    beyond: World | None = None,
    ears: Ears = DEAF,
) -> Tested:
    """Hold every conversation, each by itself."""
    held = tuple(hold(program, conversation, beyond, ears) for conversation in conversations)
    return Tested(
        file=file,
        program=program,
        held=held,
        coverage=coverage.coverage(program, [one.run for one in held]),
    )


def as_text(tested: Tested) -> str:
    """A line for each conversation, with its place where it failed, and the coverage."""
    lines = []
    for held in tested.held:
        conversation = held.conversation
        if held.failure is None:
            lines.append(f"ok      {conversation.name} ({held.seconds:.0f} s)")
        else:
            lines.append(f"FAILED  {conversation.name}")
            lines.append(f"        {tested.file}:{conversation.line}: {held.failure}")
    passed = sum(held.failure is None for held in tested.held)
    told = f"{tested.program.main}: {passed} of {len(tested.held)} conversations as expected, "
    return "\n".join([*lines, told + coverage.as_text(tested.coverage, tested.program)])
