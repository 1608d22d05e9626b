"""Emergency calls in Asterisk's event log: the telephone's lines that bear the dialplan's note."""

from datetime import UTC, datetime
from pathlib import Path

from engine.ari.emergencies import ended_calls

START = 1795201746
LONG_AGO = datetime.fromtimestamp(START - 1000, UTC)
NOTE = f"emergency 112 trunk-paris-1 {START} +33140000001"


def line(
    number: int, event: str = "HANGUP", *, channel: str = "a.1", name: str = "bruno-4f7a", note: str = NOTE
) -> str:
    extra = (
        '{""hangupcause"":16,""hangupsource"":""PJSIP/bruno-4f7a-00000001"",""dialstatus"":""ANSWER""}'
        if event == "HANGUP"
        else ""
    )
    return f'"{START + number}.5","{channel}","{channel}","PJSIP/{name}-00000001","{extra}","{event}","{note}"\n'


def test_a_call_with_its_answer_and_its_end(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    log.write_text(line(2, "ANSWER") + line(9) + line(9, name="trunk-paris-1", channel="a.2"))
    (call,) = ended_calls(log, since=LONG_AGO)
    assert (call.channel, call.endpoint, call.number, call.trunk) == ("a.1", "bruno-4f7a", "112", "paris-1")
    assert (call.shown, call.cause, call.hung_up_by_caller) == ("+33140000001", 16, True)
    assert call.began == datetime.fromtimestamp(START, UTC)
    assert call.answered is not None
    assert (call.ended - call.answered).total_seconds() == 7


def test_what_is_no_emergency_call_or_not_over_is_none(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    others = [
        line(1, note=""),
        line(2, note="emergency 112"),
        line(3, note="emergency 112 t soon +33"),
        line(4).replace(f',"{NOTE}"', ""),
        line(5, "ANSWER", channel="b"),
        "garbage\n",
    ]
    log.write_text("".join(others))
    assert ended_calls(log, since=LONG_AGO) == []
    assert ended_calls(tmp_path / "none.csv", since=LONG_AGO) == []


def test_nothing_older_is_read_and_a_trunk_without_a_number_shows_none(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    log.write_text(line(1, channel="old") + line(100, channel="new", note=f"emergency 15 trunk-gsm {START + 90} "))
    (call,) = ended_calls(log, since=datetime.fromtimestamp(START + 50, UTC))
    assert (call.channel, call.number, call.shown) == ("new", "15", None)
