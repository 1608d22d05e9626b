"""`engine version`: what is installed, for a report of a fault."""

import argparse
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from engine import __version__
from engine.commands import Subparsers, command

_PARTS = ("aiohttp", "websockets", "asyncpg", "msgspec", "structlog")


def register(subparsers: Subparsers) -> None:
    command(subparsers, "version", run, summary="show the versions of the engine and its parts", config=False)


def run(asked: argparse.Namespace) -> int:
    print(f"standardiste {__version__}")
    print(f"Python {sys.version.split()[0]} on {platform.platform()}")
    for part in _PARTS:
        try:
            print(f"{part} {version(part)}")
        except PackageNotFoundError:
            print(f"{part} missing")
    return 0
