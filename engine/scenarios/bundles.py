"""Scenario files on their way to callers: what is handed in, and what it was found worth (`publishing.py` finds it).

Apart from that, so that an engine that starts need not learn to read YAML before it takes its calls back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.domain.directory import Language
from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.scenarios.findings import Finding
from engine.scenarios.hearing import Ears, Named
from engine.scenarios.house import House

if TYPE_CHECKING:
    from engine.scenarios.answers import World
    from engine.scenarios.check.proof import Proof

MOST_FILES = 2_000


class Bundle(msgspec.Struct, frozen=True):
    """The files of a scenario and of all it leads to: texts and recordings, by their path there."""

    files: Mapping[str, str]
    recordings: Mapping[str, bytes] = {}


class Take(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A recording that a program says, in one language; `sha256` is of its file."""

    name: Slug
    language: Language
    sha256: str


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle is worth. `program` is None where it cannot be read; `sources` and `recordings` are what belongs to
    it, of all that was given. `failures`: conversations that went another way than written."""

    findings: tuple[Finding, ...]
    proof: tuple[Proof, ...] = ()
    failures: tuple[str, ...] = ()
    program: Program | None = None
    sources: dict[str, str] = {}
    takes: tuple[Take, ...] = ()
    sounds: dict[str, bytes] = {}


class Deployment(msgspec.Struct, frozen=True):
    """Where scenarios are to work: what there is, who answers in conversations, and how recordings are listened to."""

    house: House
    beyond: World | None
    ears: Callable[[Mapping[Named, Path]], Ears]
