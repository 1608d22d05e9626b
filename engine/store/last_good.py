"""The last good directory, kept on this node: the engine starts and serves calls without its database.

The file has the SIP secrets in it, hence mode 0600.
"""

from pathlib import Path

import msgspec

from engine.domain.directory import Directory
from engine.errors import BadFile
from engine.store import local_file


def save(path: Path, directory: Directory) -> None:
    """Replaces the copy. Blocks on the disk: not for the event loop."""
    local_file.replace(path, msgspec.json.format(msgspec.json.encode(directory), indent=1))


def load(path: Path) -> Directory | None:
    """The copy, None when there is none yet; raises BadFile when it is not readable as one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Directory)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadFile(
            f"the local copy of the directory {path} cannot be used: {error}",
            what_next="start PostgreSQL; the engine then writes a new copy",
        ) from error
