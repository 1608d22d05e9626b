"""What the doctor says: for each check what was looked at, what was seen, and how to mend it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

from engine.errors import StandardisteError

CHECK_S = 10.0  # no check may hold up the others for longer


class Finding(NamedTuple):
    """`well`: nothing to do; `care`: works, and should be known; `ill`: will not work. `mend` says what to do."""

    state: Literal["well", "care", "ill"]
    saw: str
    mend: str = ""


class Check(NamedTuple):
    """One thing to look at; `look` may raise an error of the tree, which is a finding too."""

    name: str
    look: Callable[[], Awaitable[Finding]]


def well(saw: str) -> Finding:
    """Nothing to do."""
    return Finding("well", saw)


def care(saw: str, mend: str) -> Finding:
    """Works, and should be known."""
    return Finding("care", saw, mend)


def ill(saw: str, mend: str) -> Finding:
    """Will not work like this."""
    return Finding("ill", saw, mend)


async def examine(checks: Sequence[Check]) -> list[tuple[str, Finding]]:
    """Every check's finding, in order; they look at the same time, each for `CHECK_S` at most."""
    findings = await asyncio.gather(*(_found(check) for check in checks))
    return [(check.name, finding) for check, finding in zip(checks, findings, strict=True)]


async def _found(check: Check) -> Finding:
    try:
        async with asyncio.timeout(CHECK_S):
            return await check.look()
    except TimeoutError:
        return ill(f"no answer within {CHECK_S:g} s", "See whether it runs and whether a firewall is between.")
    except StandardisteError as error:
        return ill(error.message, error.what_next or "The message says what is wrong.")
    except OSError as error:
        return ill(str(error), "See whether it is there and who may use it.")


_SIGNS = {"well": "ok  ", "care": "care", "ill": "ILL "}


def report(findings: Sequence[tuple[str, Finding]]) -> str:
    """The findings for a person to read, what to do under each that is not well."""
    width = max((len(name) for name, _ in findings), default=0)
    lines: list[str] = []
    for name, finding in findings:
        lines.append(f"{_SIGNS[finding.state]}  {name:<{width}}  {finding.saw}")
        if finding.mend:
            lines.append(f"      {'':<{width}}  -> {finding.mend}")
    return "\n".join(lines)
