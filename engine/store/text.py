"""What PostgreSQL's text cannot hold, made visible instead of lost: U+0000 and lone surrogates.

`\\u0000` is legal in JSON and illegal in PostgreSQL. It is stored as the six characters `\\u0000`; the row's
`original` column then keeps the exact bytes.
"""

import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(value: Any) -> Any:
    """The same JSON value with every such character written out."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value
