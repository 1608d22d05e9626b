"""What this node keeps of the published scenarios: callers are led by them while PostgreSQL is away.

aliases.json               where every alias leads
<version>.json             a version, with everything but the sound of its recordings
"""

import re
from pathlib import Path

import msgspec

from engine.store import local_file
from engine.store.scenarios import Aliases, Version

_VERSION = re.compile("[0-9a-f]{64}", re.ASCII)


def save_aliases(folder: Path, aliases: Aliases) -> None:
    """Replaces the copy. Blocks on the disk: not for the event loop."""
    local_file.replace(folder / "aliases.json", msgspec.json.format(msgspec.json.encode(aliases), indent=1))


def saved_aliases(folder: Path) -> Aliases:
    """The copy; no alias when there is none yet. Raises BadFile when it is not readable as one."""
    return local_file.read(folder / "aliases.json", Aliases, "the scenarios' aliases") or Aliases()


def save(folder: Path, version: Version) -> None:
    """Keeps a version. Blocks on the disk."""
    local_file.replace(_path(folder, version.version), msgspec.json.encode(version))


def saved(folder: Path, version: str) -> Version | None:
    """A version that was kept, None when it was not. Raises BadFile when it cannot be read."""
    if not _VERSION.fullmatch(version):
        return None
    return local_file.read(_path(folder, version), Version, "a scenario")


def _path(folder: Path, version: str) -> Path:
    return folder / f"{version}.json"
