"""What an agent's telephones register with, made where nobody gives it: nobody can guess it."""

import secrets
from collections.abc import Callable

Random = Callable[[int], str]  # so many characters nobody can guess

SECRET_LENGTH = 20  # of 32 letters and digits: 100 bits
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is read as another over the telephone


def random_text(length: int) -> str:
    """`length` characters nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_account(name: str, random: Random = random_text) -> dict[str, str]:
    """`secret` and `sip_user` for an agent who has none, or whose former ones must not be used again."""
    start = name[:20].strip("-")
    user = f"{'agent-' if start.startswith('trunk') else ''}{start}-{random(6)}"
    return {"secret": random(SECRET_LENGTH), "sip_user": user}
