"""Programs that demo, tests and bench use beside Asterisk: the machine's own, else fetched from its own suite."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from engine.sandbox.apt import Bundle, Say, fetch_tree
from engine.sandbox.errors import FetchFailed
from engine.sandbox.relocated import wrap

CHECK_TIMEOUT_S = 20


@dataclass(frozen=True)
class Tool:
    """A program, the package it is in, and what it needs to find its files when it is not installed.

    `check` are arguments that prove it runs; `prepare` arguments of a first run in a new tree.
    """

    name: str
    package: str
    check: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    good_exits: tuple[int, ...] = (0,)


_TRIPLET = '$(ls -d "$tree"/usr/lib/*-linux-* | head -n1)'

SIPP = Tool("sipp", "sip-tester", ("-v",), good_exits=(0, 99))  # SIPp says 99 for "normal exit without calls"
ESPEAK = Tool("espeak-ng", "espeak-ng", ("--version",), {"ESPEAK_DATA_PATH": _TRIPLET})
DOT = Tool(
    "dot",
    "graphviz",
    ("-V",),
    {
        "GVBINDIR": f"{_TRIPLET}/graphviz",
        "FONTCONFIG_PATH": "$tree/etc/fonts",
        "XDG_DATA_HOME": "$tree/usr/share",  # where its fonts are
    },
    prepare=("-c",),
)
OPENSSL = Tool("openssl", "openssl", ("version",))
BARESIP = Tool("baresip", "baresip-core", ("-h",), good_exits=(0, 254, 255))


def _finish(tool: Tool, tree: Path) -> None:
    wrap(tree, f"usr/bin/{tool.name}", f"bin/{tool.name}", tool.environment)


async def find_or_fetch(tool: Tool, say: Say) -> Path:
    """The program, ready to be run; raises FetchFailed with the remedy."""
    own = shutil.which(tool.name)
    if own and await _runs(tool, Path(own)):
        return Path(own)
    bundle = Bundle(tool.name, (tool.package,), whole=True, finish=partial(_finish, tool))
    program = await fetch_tree(bundle, say) / "bin" / tool.name
    if tool.prepare:
        await _run(program, tool.prepare)
    if not await _runs(tool, program):
        raise FetchFailed(
            f"the {tool.name} fetched to {program} does not run", what_next=f"install the package {tool.package}"
        )
    return program


async def _runs(tool: Tool, program: Path) -> bool:
    return await _run(program, tool.check) in tool.good_exits


async def _run(program: Path, arguments: tuple[str, ...]) -> int | None:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
