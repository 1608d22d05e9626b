"""`engine cdr`: the call records, for eyes and for files."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, get_args

from engine.commands import Subparsers, command, group, settings_of
from engine.commands._database import opened
from engine.domain.cdr import CallRecord, Outcome
from engine.errors import InvalidValue

if TYPE_CHECKING:
    from engine.store.history import CdrFilter

_PAGE = 500
_TEACH = """\
examples:
  engine cdr list --limit 20 --agent marie
  engine cdr export --from 2026-11-01T00:00:00+01:00 --output november.csv
"""


def register(subparsers: Subparsers) -> None:
    parser = command(subparsers, "cdr", None, summary="show and export call records", teach=_TEACH, config=False)
    words = group(parser)
    shown = command(words, "list", list_newest, summary="the newest call records, one line each", teach=_TEACH)
    shown.add_argument("--limit", type=int, default=20, metavar="N", help="how many (default 20, at most 1000)")
    kept = command(words, "export", export, summary="call records as CSV (RFC 4180, UTF-8)", teach=_TEACH)
    kept.add_argument("--output", type=Path, metavar="FILE", help="a new file (default: standard output)")
    kept.add_argument(
        "--exact", action="store_true", help="leave cells as they are, even those a spreadsheet would run"
    )
    for parser in (shown, kept):
        _filters(parser)


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="after", metavar="TIME", help="requested at or after, RFC 3339 with offset")
    parser.add_argument("--to", dest="before", metavar="TIME", help="requested before")
    parser.add_argument("--agent", metavar="ID")
    parser.add_argument("--campaign", metavar="ID")
    parser.add_argument("--outcome", choices=get_args(Outcome), metavar="OUTCOME", help=" ".join(get_args(Outcome)))
    parser.add_argument("--number", metavar="NUMBER", help="of the caller or the called")


def _wanted(asked: argparse.Namespace) -> "CdrFilter":
    from engine.store.history import CdrFilter

    return CdrFilter(
        after=_moment(asked.after),
        before=_moment(asked.before),
        agent=asked.agent,
        campaign=asked.campaign,
        outcome=asked.outcome,
        number=asked.number,
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidValue(f"{text!r} is no time", what_next="Write it with its offset: 2026-11-20T08:00:00+01:00")
    return moment


def list_newest(asked: argparse.Namespace) -> int:
    if not 1 <= asked.limit <= 1000:
        raise InvalidValue(f"--limit {asked.limit} is not between 1 and 1000")
    return asyncio.run(_list(asked))


async def _list(asked: argparse.Namespace) -> int:
    left = asked.limit
    found = False
    async for records in _pages(asked, left):
        for record in records[:left]:
            print(_line(record))
        found = found or bool(records)
        left -= len(records)
        if left <= 0:
            break
    if not found:
        print(f"no call record is like that{_spelling(asked.number)}", file=sys.stderr)
    return 0


def _spelling(number: str | None) -> str:
    if number is None or number.startswith("+"):
        return ""
    return ": numbers are kept as +33142685300, extensions as they are, and what was dialled to the letter"


def _line(record: CallRecord) -> str:
    return (
        f"{record.requested_at:%Y-%m-%d %H:%M:%S%z}  {record.call_id}  {record.agent_id or '-':<16} "
        f"{record.callee or record.callee_dialled or '-':<16} {record.outcome:<20} {record.talk_s:8.1f} s"
    )


async def _pages(asked: argparse.Namespace, most: int = _PAGE) -> AsyncIterator[list[CallRecord]]:
    """Every matching record, newest first, in pages; one connection's bound applies to each page."""
    from engine.store.history import query_cdrs

    wanted, cursor = _wanted(asked), None
    async with opened(settings_of(asked)) as db:
        while True:
            async with db.connection() as connection:
                page = await query_cdrs(connection, wanted, cursor=cursor, limit=min(most, _PAGE))
            yield page.items
            if (cursor := page.following) is None:
                return


def export(asked: argparse.Namespace) -> int:
    count = asyncio.run(_export(asked, sys.stdout)) if asked.output is None else _export_to(asked.output, asked)
    print(f"{count} call records", file=sys.stderr)
    return 0


def _export_to(path: Path, asked: argparse.Namespace) -> int:
    """A whole file, or none: half of one must not be taken for all there is, nor stand in the way of the next try."""
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise InvalidValue(f"{path} exists already", what_next="Name a new file.") from None
    except OSError as error:
        raise InvalidValue(f"{path} cannot be written: {error.strerror}", what_next="Name another file.") from None
    try:
        with file:
            return asyncio.run(_export(asked, file))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _export(asked: argparse.Namespace, out: TextIO) -> int:
    from engine.http import csv_text

    count = 0
    out.write(csv_text.header())
    async for records in _pages(asked):
        out.write(csv_text.rows(records, exact=asked.exact))
        count += len(records)
    return count
