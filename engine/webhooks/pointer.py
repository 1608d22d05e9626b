"""JSON pointers (RFC 6901): one place in a document."""

import re
from typing import Any

_INDEX = re.compile("0|[1-9][0-9]{0,8}", re.ASCII)


def find(document: Any, pointer: str) -> Any:
    """What stands there; None when nothing does (or null, which is as good). The empty pointer is the whole."""
    found = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        match found:
            case dict():
                found = found.get(name)
            case list() if _INDEX.fullmatch(name) and int(name) < len(found):
                found = found[int(name)]
            case _:
                return None
    return found
