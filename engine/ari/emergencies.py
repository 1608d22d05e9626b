"""Calls to emergency numbers, which the dialplan makes by itself, as Asterisk's event log tells them (`cel.py`).

The dialplan notes `emergency <number> <trunk's endpoint> <epoch> <number shown>` on the telephone's channel; a
telephone's line that has such a note and says that the channel is gone is the end of such a call. Blocking; call it in
a thread.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

from engine.ari.cel import Hangup, told_since
from engine.domain.emergency_record import EmergencyCall

_TRUNK = "PJSIP/trunk-"


def ended_calls(path: Path, *, since: datetime) -> list[EmergencyCall]:
    """Those that ended after `since` (aware; a little earlier ones may be among them), the last one first."""
    ended: dict[str, EmergencyCall] = {}
    for line, channel, at, hangup in told_since(path, since):
        if hangup is not None and (call := _call(line, channel, hangup)):
            ended[channel] = call
        elif hangup is None and channel in ended:
            ended[channel] = ended[channel].answered_at(at)
    return list(ended.values())


def _call(line: bytes, channel: str, hangup: Hangup) -> EmergencyCall | None:
    row = next(csv.reader([line.decode()]))
    note = row[6].split(" ") if len(row) > 6 else []
    if len(note) != 5 or note[0] != "emergency" or row[3].startswith(_TRUNK) or not note[3].isdecimal():
        return None
    return EmergencyCall(
        channel=channel,
        endpoint=row[3].removeprefix("PJSIP/").rpartition("-")[0],
        number=note[1],
        trunk=note[2].removeprefix("trunk-"),
        shown=note[4] or None,
        began=min(datetime.fromtimestamp(int(note[3]), UTC), hangup.at),
        ended=hangup.at,
        cause=hangup.cause,
        hung_up_by_caller=hangup.source == row[3],
        dialstatus=hangup.dialstatus,
    )
