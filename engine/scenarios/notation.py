"""How to mend what is no YAML: the parser says where it got lost, and in which of its own terms."""

OTHERWISE = "Mend the notation here, or just before"
_QUOTED = "a text with an apostrophe, `: `, a comma or braces in it stands in double quotes"
_SPACES = "Indent with spaces, never with a tab"
_MENDS = (
    ("tab character", _SPACES),
    ("cannot start any token", f"{_SPACES}; a text that begins with @, % or ` stands in double quotes"),
    ("mapping values are not allowed", f"Begin a key in the column of the keys above; {_QUOTED}"),
    ("expected ',' or", f"Close every bracket and brace, here or just before; {_QUOTED}"),
    ("expected key", f"Let all keys of one node begin in the same column; {_QUOTED}"),
    ("a quoted scalar", "Close the quotes at the end of that text"),
)


def mend(problem: str) -> str:
    """What to do about a problem that the parser told."""
    return next((how for told, how in _MENDS if told in problem), OTHERWISE)
