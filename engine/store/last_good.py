"""The last good directory, kept on this node: the engine starts and serves calls without its database.

The file has the SIP secrets in it, hence mode 0600.
"""

from pathlib import Path

import msgspec

from engine.domain.directory import Directory
from engine.store import local_file


def save(path: Path, directory: Directory) -> None:
    """Replaces the copy. Blocks on the disk: not for the event loop."""
    local_file.replace(path, msgspec.json.format(msgspec.json.encode(directory), indent=1))


def load(path: Path) -> Directory | None:
    """The copy, None when there is none yet; raises BadFile when it is not readable as one."""
    return local_file.read(path, Directory, "the directory")
