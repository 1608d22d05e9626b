"""The log of answers and hang-ups: found from its end, whatever its last line looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine.ari.cel import BLOCK_BYTES, Hangup, Past, pasts

START = 1795201746.060537


LONG_AGO = datetime.fromtimestamp(START - 1000, UTC)


def at(number: int) -> datetime:
    return datetime.fromtimestamp(START + number, UTC)


def line(number: int, cause: int = 16, *, channel: str = "") -> str:
    extra = f'{{""hangupcause"":{cause},""hangupsource"":""PJSIP/x"",""dialstatus"":""""}}'
    return f'"{START + number:.6f}","{channel or f"id{number}"}","id0","PJSIP/paris-{number:08x}","{extra}","HANGUP"\n'


def answer(number: int, channel: str) -> str:
    return f'"{START + number:.6f}","{channel}","id0","PJSIP/paris-{number:08x}","","ANSWER"\n'


def test_a_hangup_is_found_with_its_time_and_cause(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    log.write_text(line(1) + line(2, cause=17) + line(3))
    assert pasts(log, ["id2", "unknown"], since=LONG_AGO) == {"id2": Past(None, Hangup(at(2), 17, "PJSIP/x"))}


def test_an_answer_is_found_with_or_without_an_end(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    log.write_text(answer(1, "a") + answer(2, "b") + line(3, channel="a"))
    found = pasts(log, ["a", "b"], since=LONG_AGO)
    assert found == {"a": Past(at(1), Hangup(at(3), 16, "PJSIP/x")), "b": Past(at(2))}


def test_a_log_of_before_answers_were_written_still_tells_the_ends(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    log.write_text(line(1).replace(',"HANGUP"', "") + line(2).replace("HANGUP", "BRIDGE_ENTER"))
    assert set(pasts(log, ["id1", "id2"], since=LONG_AGO)) == {"id1"}


def test_a_torn_last_line_and_foreign_lines_are_skipped(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    log.write_bytes(line(1).encode() + b'\xff\xfe garbage\n"a","b"\n\n' + line(2).encode()[:-30])
    assert set(pasts(log, ["id1", "id2"], since=LONG_AGO)) == {"id1"}


def test_a_big_file_is_read_over_block_borders(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    lines = [line(number) for number in range(3000)]
    log.write_text("".join(lines))
    assert log.stat().st_size > 3 * BLOCK_BYTES
    assert len(pasts(log, [f"id{number}" for number in range(3000)], since=LONG_AGO)) == 3000


def test_the_search_ends_at_since(tmp_path: Path) -> None:
    log = tmp_path / "hangups.csv"
    log.write_text("".join(line(number) for number in range(100)))
    assert pasts(log, ["id0"], since=at(50)) == {}
    assert set(pasts(log, ["id49"], since=at(50))) == {"id49"}


def test_no_file_is_an_empty_file(tmp_path: Path) -> None:
    assert pasts(tmp_path / "none.csv", ["id1"], since=LONG_AGO) == {}
