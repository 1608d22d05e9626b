"""When channels answered, and when and why they ended, while nobody listened: Asterisk's own event log.

The file is written by cel_custom (`config_templates/base/cel_custom.conf.j2`), ANSWER and HANGUP events, one line each:

    "1795201746.060537","<channel id>","<linked id>","PJSIP/paris-00000072","{""hangupcause"":16,...}","HANGUP",""

The last field is what the dialplan notes of a call it makes by itself (`emergencies.py`).

It is read backwards: what is asked for is recent. Blocking; call it in a thread.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

BLOCK_BYTES = 64 * 1024
SINCE_MARGIN = timedelta(seconds=5)
"""Lines are written a little out of order; so much older than `since` ends the search."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """One channel's end. `cause` is Q.850 (0 if Asterisk did not know); there is no SIP status in this log.

    `source` is the name of the channel that ended it, empty if Asterisk or a command of ours did.
    """

    at: datetime
    cause: int
    source: str = ""
    dialstatus: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What the log tells of one channel: when it was answered and how it ended; None is what it does not tell."""

    answered: datetime | None = None
    ended: Hangup | None = None


class _Extra(msgspec.Struct):
    hangupcause: int = 0
    hangupsource: str = ""
    dialstatus: str = ""


def pasts(path: Path, channel_ids: Collection[str], *, since: datetime) -> dict[str, Past]:
    """What is known of these channels; those the file does not name are not in the answer.

    `since` (aware): nothing older is wanted, the search ends there. A missing file is an empty one; lines that are
    torn, foreign or of another layout are skipped.
    """
    wanted = set(channel_ids)
    found: dict[str, Past] = {}
    for _, channel, at, hangup in told_since(path, since):
        if channel in wanted:
            known = found.get(channel, Past())
            found[channel] = replace(known, ended=hangup) if hangup is not None else replace(known, answered=at)
    return found


def told_since(path: Path, since: datetime) -> Iterator[tuple[bytes, str, datetime, Hangup | None]]:
    """Each line that can be read and what `parse` finds in it, the newest first, until they are older than `since`."""
    for line in lines_backwards(path):
        told = parse(line)
        if told is None:
            continue
        channel, at, hangup = told
        if at < since - SINCE_MARGIN:
            return
        yield line, channel, at, hangup


def parse(line: bytes) -> tuple[str, datetime, Hangup | None] | None:
    """Channel, time and hang-up (None: it was answered) of one line."""
    try:
        at, channel, _linked, _name, extra, *more = next(csv.reader([line.decode()], strict=True))
        told = msgspec.json.decode(extra or "{}", type=_Extra)
        when = datetime.fromtimestamp(float(at), UTC)
    except (ValueError, StopIteration, csv.Error, OverflowError, msgspec.DecodeError):
        return None
    match more:
        case ["ANSWER", *_]:
            return channel, when, None
        case [] | ["HANGUP", *_]:  # files of before answers were logged have no sixth field
            return channel, when, Hangup(when, told.hangupcause, told.hangupsource, told.dialstatus)
        case _:
            return None


def lines_backwards(path: Path) -> Iterator[bytes]:
    """The log's lines: complete and torn lines alike, last first, without their ends."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        position = file.seek(0, 2)
        rest = b""
        while position > 0:
            size = min(BLOCK_BYTES, position)
            position -= size
            file.seek(position)
            first, *lines = (file.read(size) + rest).split(b"\n")
            yield from reversed(lines)
            rest = first
        yield rest
