"""Every error the engine raises on purpose, in one tree.

    StandardisteError
    ├── BadInput                the asker's fault: nothing was changed
    │   ├── InvalidValue        a value that does not parse (number, name, secret...)
    │   │   ├── InvalidRows     one of many rows, or several: none of them was taken
    │   │   └── FaultyScenario  files of a scenario that no caller may meet
    │   ├── UnknownThing        no such agent, trunk, call...
    │   └── BadFile             a file that cannot be read as what it should be
    ├── Refused                 understood, and refused by a rule that is named
    ├── IdempotencyConflict     this Idempotency-Key already stands for a request: answer that one
    ├── Unavailable             not now: say when to come back
    │   ├── DatabaseAway        PostgreSQL does not answer
    │   ├── NotListening        the API's address is not to be had
    │   └── JournalUnwritable   the local journal cannot be written (disk full, locked by another engine)
    ├── DatabaseMismatch        the database's schema is not what this code needs: an operator must choose
    ├── JournalDamaged          the journal's file is there and cannot be read: a person must look at it
    ├── Replaced                another engine has taken our place: this one stops
    └── ProgrammingError        our fault: an invariant does not hold

The class says whose fault it is and whether trying again can help; the message says what happened, why, and what to do.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class StandardisteError(Exception):
    """Root of the tree. `code` is stable and appears in logs and problem documents."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, what_next: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.what_next = what_next
        self.stable_code = code or self.code


class BadInput(StandardisteError):
    """The asker gave something that cannot be used; nothing was changed."""

    code = "bad-input"
    http_status = 422


class InvalidValue(BadInput, ValueError):
    """A value does not parse; the message names the value and the form expected.

    `pointer` (RFC 6901) is where it stands in what was asked, where that is known.
    """

    code = "invalid-value"

    def __init__(
        self, message: str, *, what_next: str = "", code: str | None = None, pointer: str | None = None
    ) -> None:
        super().__init__(message, what_next=what_next, code=code)
        self.pointer = pointer


class RowFault(NamedTuple):
    """What is wrong with a row, and where (RFC 6901)."""

    pointer: str
    detail: str


class InvalidRows(InvalidValue):
    """Rows that cannot be taken; none was. `faults` has the first `MOST` of them, the message their number."""

    code = "invalid-rows"
    MOST: ClassVar[int] = 100

    def __init__(self, faults: Sequence[RowFault]) -> None:
        first = faults[0]
        how_many = "a row" if len(faults) == 1 else f"{len(faults)} rows"
        super().__init__(f"{how_many} cannot be taken: {first.detail}", pointer=first.pointer)
        self.faults = list(faults[: self.MOST])


class FaultyScenario(InvalidValue):
    """A scenario that no caller may meet; nothing was changed. `faults` has the first `InvalidRows.MOST` of them."""

    code = "scenario-faulty"

    def __init__(self, message: str, faults: Sequence[RowFault]) -> None:
        super().__init__(message, pointer=faults[0].pointer)
        self.faults = list(faults[: InvalidRows.MOST])


class UnknownThing(BadInput):
    """A named thing does not exist."""

    code = "unknown"
    http_status = 404


class BadFile(BadInput):
    """A file cannot be read as what it should be; the message gives file, line and reason."""

    code = "bad-file"


class Refused(StandardisteError):
    """Understood, and refused: `rule` names the rule that refused and `status` the HTTP answer.

    `call_id` is the call the refusal is about, where there is one (the first call of a key that still runs, say).
    """

    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        rule: str,
        status: int,
        what_next: str = "",
        retry_after_s: int | None = None,
        call_id: str | None = None,
    ) -> None:
        super().__init__(message, what_next=what_next, code=rule)
        self.rule = rule
        self.status = status
        self.retry_after_s = retry_after_s
        self.call_id = call_id


class IdempotencyConflict(StandardisteError):
    """The key was used before: `body_hash`, `call_id` and `answer` (None while it still runs) are the first request's.

    Not the asker's mistake by itself: with the same body it gets the stored answer.
    """

    code = "idempotency-conflict"
    http_status = 409

    def __init__(self, key: str, *, body_hash: str, call_id: str | None, answer: bytes | None) -> None:
        super().__init__(f"the idempotency key {key!r} already stands for a request")
        self.key = key
        self.body_hash = body_hash
        self.call_id = call_id
        self.answer = answer


class Unavailable(StandardisteError):
    """Something this needs is away for the moment; trying again later can help."""

    code = "unavailable"
    http_status = 503
    retryable = True


class DatabaseAway(Unavailable):
    """PostgreSQL does not answer."""

    code = "database-away"


class NotListening(Unavailable):
    """The API cannot listen at its address: another program has it, or no interface of this machine does."""

    code = "not-listening"


class JournalUnwritable(Unavailable):
    """The local journal cannot be written: disk full, or locked by another engine."""

    code = "journal-unwritable"


class DatabaseMismatch(StandardisteError):
    """PostgreSQL is there, but its schema is newer than this engine or was changed by hand."""

    code = "database-mismatch"
    http_status = 503


class JournalDamaged(StandardisteError):
    """The journal's file exists and is not readable as this engine's journal; it is never replaced silently."""

    code = "journal-damaged"
    http_status = 503


class Replaced(StandardisteError):
    """Another engine has taken our application in Asterisk; to start this one again would take it back."""

    code = "replaced"


class ProgrammingError(StandardisteError):
    """An invariant of ours does not hold; never the asker's fault."""
