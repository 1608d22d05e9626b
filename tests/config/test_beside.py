"""The plan beside an administrator's Asterisk: his files read as Asterisk does, extended, never touched otherwise."""

import contextlib
import os
import re
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.config import beside, beside_files, foreign, last_good
from engine.config.asterisk import Ami, AsteriskPaths, AsteriskSettings, Beside
from engine.config.beside import Plan, facts, plan
from engine.config.beside_files import BACKUP, Owner, line_of, with_line, without_line
from engine.config.ini import parse
from engine.config.modules import NEEDED
from engine.config.render import FOLDER, GLOBALS, PJSIP, directory_files
from engine.errors import BadFile, InvalidValue
from tests.config.directories import BOTH, PEER, with_trunk
from tests.config.dying import Killed, dies_at

LINE = line_of("pjsip.conf")
ME = Owner(os.geteuid(), os.getegid())
HIS = {
    "pjsip.conf": b"[udp]\ntype=transport\nprotocol=udp\nbind=0.0.0.0\n",
    "extensions.conf": b"[general]\n[globals]\nDESK=PJSIP/1\n[internal]\nexten => 1,1,Dial(${DESK})\n",
    "modules.conf": b"[modules]\nautoload=yes\n",
    "http.conf": b"[general]\nenabled=yes\n",
}


def settings_in(etc: Path, **more: object) -> AsteriskSettings:
    ami = Ami(port=5038, user="standardiste", secret="s;ame")
    return AsteriskSettings(
        paths=AsteriskPaths.under(etc.parent, modules=Path("/m"), data=Path("/d")),
        ari_port=8088,
        ari_secret="a;secret",
        **{"ami": ami, **more},  # type: ignore[arg-type]  # handed on
    )


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    place = tmp_path / "etc"
    place.mkdir()
    write(place, HIS)
    return place


def write(etc: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (etc / name).parent.mkdir(exist_ok=True)
        (etc / name).write_bytes(content)


def planned(etc: Path, **more: object) -> Plan:
    return plan(etc, settings_in(etc, **more), "127.0.0.1")


def remarks(etc: Path, **files: bytes) -> tuple[str, str]:
    """What is in the way and what is minded with these files instead of his usual ones."""
    write(etc, {f"{name}.conf": content for name, content in files.items()})
    found = planned(etc)
    return "\n".join(map(str, found.conflicts)), "\n".join(map(str, found.notes))


def sections(etc: Path, name: str) -> dict[tuple[str, str], dict[str, str]]:
    text = planned(etc).files[beside.wrapper(name)]
    return {(s.name, s.flags): {o.key: o.value for o in s.options} for s in parse(text).sections}


# -- what is added -----------------------------------------------------------------------------------------------------


def test_a_section_he_has_is_gone_on_with_and_one_he_has_not_is_made(etc: Path) -> None:
    assert planned(etc).conflicts == ()
    assert sections(etc, "http") == {
        ("general", "+"): {"bindaddr": "127.0.0.1", "bindport": "8088", "sessionlimit": "1000"}
    }
    assert ("general", "") in sections(etc, "ari")
    assert sections(etc, "ari")["standardiste", ""]["password"] == "a;secret"
    assert ("standardiste-global", "") in sections(etc, "pjsip")
    assert parse(planned(etc).files[beside.wrapper("extensions")]).sections == ()


def test_his_global_object_is_found_by_its_type_and_gone_on_with_by_its_name(etc: Path) -> None:
    more = b"[base](!)\ntype=global\n[hotel](base)\nuser_agent=x\nEndpoint_Identifier_Order=ip,username\n"
    (etc / "pjsip.conf").write_bytes(HIS["pjsip.conf"] + more)
    assert sections(etc, "pjsip") == {("hotel", "+type=global"): {"taskprocessor_overload_trigger": "pjsip_only"}}
    assert "account trunks" in str(planned(etc).notes)


def test_without_globals_of_his_they_are_made_before_ours_go_on_with_them(etc: Path) -> None:
    (etc / "extensions.conf").write_bytes(b"[general]\n")
    assert sections(etc, "extensions") == {("globals", ""): {}}
    assert parse(planned(etc).files[GLOBALS]).sections[0].flags == "+"


def test_what_is_set_already_needs_no_line(etc: Path) -> None:
    general = b"[general]\nenabled=true\nbindaddr=0.0.0.0\nbindport=8088\nsessionlimit=4000\n"
    (etc / "http.conf").write_bytes(general)
    found = planned(etc)
    assert "http.conf" not in found.lines
    assert beside.wrapper("http") not in found.files


def test_files_he_does_not_have_are_made(etc: Path) -> None:
    assert planned(etc).made == {
        *("queues.conf", "ari.conf", "manager.conf", "musiconhold.conf", "cel.conf", "cel_custom.conf")
    }


def test_his_manager_interface_is_used_as_he_has_it_and_made_for_this_machine_where_he_says_nothing(etc: Path) -> None:
    ours = {"secret": "s;ame", "deny": "0.0.0.0/0.0.0.0", "permit": "127.0.0.1/255.255.255.255", "write": "system"}
    general = {"enabled": "yes", "bindaddr": "127.0.0.1", "port": "5038"}
    assert sections(etc, "manager") == {("general", ""): general, ("standardiste", ""): ours}
    write(etc, {"manager.conf": b"[general]\nenabled = yes\nbindaddr = 0.0.0.0\nport = 5038\n[boss]\nsecret = x\n"})
    assert sections(etc, "manager") == {("standardiste", ""): ours}
    write(etc, {"manager.conf": b"[general]\nenabled = yes\nbindaddr = 10.0.0.1\nport = 5039\n"})
    assert [f"{note.what}; {note.remedy}" for note in planned(etc).notes if "manager" in note.where] == [
        f"{found}; set [ami] port of the engine to his, or [ami] enabled = false"
        for found in ("bindaddr = 10.0.0.1, the engine wants 127.0.0.1", "port = 5039, the engine wants 5038")
    ]


def test_a_manager_interface_he_switched_off_stays_off_and_he_is_told(etc: Path) -> None:
    write(etc, {"manager.conf": b"[general]\nenabled = no\n"})
    assert "manager.conf" not in planned(etc).lines
    assert "manager.conf [general]: enabled = no (incidents are known" in "\n".join(map(str, planned(etc).notes))
    assert "manager" not in " ".join(planned(etc, ami=None).lines)
    write(etc, {"manager.conf": b"[general]\n[standardiste]\nsecret = x\n"})
    assert "there is a [standardiste] already" in "\n".join(map(str, planned(etc).conflicts))


# -- what stands in the way --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("http", b"[general]\nenabled = no\n", "enabled = no, the engine wants yes"),
        ("http", b"[general]\nenabled=yes\nbindport=9000\n", "set [ari] url"),
        ("http", b"[general]\nenabled=yes\nbindaddr=10.0.0.1\n", "bindaddr = 10.0.0.1"),
        ("http", b"[general]\nenabled=yes\nprefix=asterisk\n", "leave prefix empty"),
        ("ari", b"[general]\nenabled=0\n", "the engine speaks ARI"),
        ("ari", b"[standardiste]\ntype=user\n", "there is a [standardiste] already"),
        ("pjsip", b"[a]\ntype=transport\nprotocol=tcp\nbind=0.0.0.0\n", "no UDP transport"),
        ("pjsip", b"[a]\ntype=transport\nbind=127.0.0.1:5062\n", "[a] bind = 127.0.0.1:5062"),
        ("pjsip", b"[a](!)\ntype=transport\nbind=0.0.0.0\n", "no UDP transport"),
        ("pjsip", HIS["pjsip.conf"] + HIS["pjsip.conf"].replace(b"[udp]", b"[v]"), "several UDP transports"),
        ("pjsip", HIS["pjsip.conf"] + b"#exec /bin/more\n", "#exec"),
        ("pjsip", HIS["pjsip.conf"] + b"#include gone.conf\n", "gone.conf is not there"),
        ("pjsip", HIS["pjsip.conf"] + b";-- to be done\n", "is never ended"),
        ("pjsip", HIS["pjsip.conf"] + b"[x](+)\n", "not there"),
        ("pjsip", HIS["pjsip.conf"] + b"[x](nothing)\n", "no such template"),
        ("pjsip", HIS["pjsip.conf"] + b"[x\n", "no closing bracket"),
        ("pjsip", HIS["pjsip.conf"] + b"#include pjsip.conf\n", "more than 10 deep"),
        ("extensions", b"[from-trunks]\n", "there is a [from-trunks] already"),
        ("extensions", b"[from-agents-paris]\n", "there is a [from-agents-paris] already"),
        ("musiconhold", b"[standardiste-comfort]\n", "there is a [standardiste-comfort] already"),
        ("cel_custom", b"[mappings]\nstandardiste-hangups.csv => x\n", "two would write one file"),
        ("modules", b"[modules]\nautoload=yes\nnoload => app_stasis.so\n", "not loaded: app_stasis"),
        ("modules", b"[modules]\nautoload=no\nload=chan_pjsip.so\n", "not loaded: res_pjsip "),
        ("modules", b"", "Asterisk loads nothing"),
        ("asterisk", b"[directories]\nastetcdir => /etc/other\n", "set [asterisk] config_dir"),
        (
            "asterisk",
            b"; Written by standardiste from its templates and its directory, and overwritten by it.\n",
            "own",
        ),
        ("extconfig", b"[settings]\nqueues.conf => odbc,asterisk\n", "the file is not read"),
        ("sorcery", b"[res_pjsip]\nendpoint=realtime,ps_endpoints\n", "are not read then"),
    ],
)
def test_it_refuses_and_says_why(etc: Path, file: str, content: bytes, why: str) -> None:
    assert why in remarks(etc, **{file: content})[0]


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("asterisk", b"[options]\nlive_dangerously=yes\n", "may run programs"),
        ("http", b"[general]\nenabled=yes\nsessionlimit=50\n", "closed without a word"),
        ("cel", b"[general]\nenable=no\n", "emergency"),
        ("cel", b"[general]\nenable=yes\nevents=CHAN_START\n", "events = CHAN_START"),
    ],
)
def test_what_works_less_well_is_named_and_left(etc: Path, file: str, content: bytes, what: str) -> None:
    conflicts, notes = remarks(etc, **{file: content})
    assert conflicts == ""
    assert what in notes


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("rtp", b"[general]\nicesupport=no\n", "icesupport = no"),
        ("modules", b"[modules]\nautoload=yes\nnoload => res_srtp.so\n", "not loaded: res_srtp"),
    ],
)
def test_browsers_need_more_of_him(etc: Path, file: str, content: bytes, why: str) -> None:
    assert remarks(etc, **{file: content})[0] == ""
    wanted = planned(etc, webrtc=True)
    assert why in "\n".join(map(str, wanted.conflicts))


def test_a_debian_template_of_directories_says_nothing(etc: Path) -> None:
    assert remarks(etc, asterisk=b"[directories](!)\nastetcdir => /etc/other\n")[0] == ""


def test_modules_loaded_one_by_one_are_enough_when_all_are_there(etc: Path) -> None:
    listed = b"[modules]\nautoload=no\n" + b"".join(f"load => {name}.so\n".encode() for name in NEEDED)
    assert remarks(etc, modules=listed)[0] == ""


def test_an_object_of_the_directory_is_not_there_twice(etc: Path) -> None:
    write(etc, {PJSIP: directory_files(BOTH, settings_in(etc))[PJSIP].encode()})
    conflicts, _ = remarks(etc, pjsip=HIS["pjsip.conf"] + f"[trunk-{PEER.id}]\ntype=endpoint\n".encode())
    assert f"there is a [trunk-{PEER.id}] already" in conflicts


# -- his files, as hostile as they come --------------------------------------------------------------------------------


def test_includes_are_followed_as_asterisk_does(etc: Path) -> None:
    write(
        etc,
        {
            "pjsip.conf": b'\xef\xbb\xbf#include "more/*.conf"\r\n#tryinclude <gone>\r\n[udp](+)\r\nbind=127.0.0.1\r\n',
            "more/a.conf": b"; caf\xe9 \xff\n[u](!)\ntype=transport ; \\; --\n[udp](u)\nprotocol => udp",
            "more/b.conf": b";-- [udp]\ntype=aor --;\n[x](!,u)\n",
        },
    )
    found = foreign.read(etc, "pjsip.conf")
    assert [(s.name, s.template, s.type) for s in found.sections] == [
        ("u", True, "transport"),
        ("udp", False, "transport"),
        ("x", True, "transport"),
    ]
    assert found.sections[1].value("bind") == "127.0.0.1"
    assert planned(etc).conflicts == ()


@pytest.mark.parametrize(
    ("bind", "fits"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:5060", True),
        ("0.0.0.0:5060", True),
        ("[::]:5060", True),
        ("[::]", True),
        ("127.0.0.1:5070", False),
        ("192.0.2.1", False),
        ("name.example", False),
        ("", False),
        ("127.0.0.1:x", False),
    ],
)
def test_the_transport_where_the_settings_say_sip_is(etc: Path, bind: str, fits: bool) -> None:
    (etc / "pjsip.conf").write_text(f"[his]\ntype=transport\nprotocol=udp\nbind={bind}\n")
    assert (not planned(etc).conflicts) == fits


def test_trunks_use_his_transports(etc: Path) -> None:
    both = settings_in(etc, beside=Beside({"udp": "his-udp", "tcp": "his-tcp"}))
    told = directory_files(BOTH, both)[PJSIP]
    assert "transport = his-udp\n" in told
    assert "transport = transport-" not in told
    settings_ = settings_in(etc, beside=Beside({"udp": "his-udp"}))
    with pytest.raises(InvalidValue, match="no TCP transport"):
        directory_files(with_trunk(msgspec.structs.replace(PEER, transport="tcp")), settings_)


PIECES = st.sampled_from(
    [b"\n", b"\r\n", b"\r", b"x", b"[a]", b";", b"\xe9", b"\x00", LINE[:9], b" " + LINE, LINE + b"x"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_the_line_comes_and_goes_without_a_trace(content: bytes) -> None:
    there = with_line(content, LINE)
    assert there.startswith(content)
    assert with_line(there, LINE) == there
    assert without_line(there, LINE) == content


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=10).map(b"".join), st.lists(PIECES, max_size=4).map(b"".join))
def test_what_he_writes_after_it_stays(content: bytes, later: bytes) -> None:
    ended = content if content.endswith(b"\n") else content + b"\n"
    assert without_line(with_line(ended, LINE) + later, LINE) == ended + later


@settings(max_examples=300, deadline=None)
@example(content=b"#include\t\0/[")
@given(content=st.binary(max_size=200) | st.lists(PIECES | st.just(b"#include pjsip.conf\n"), max_size=9).map(b"".join))
def test_no_file_is_read_with_another_error_than_ours(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("etc")
    (place / "pjsip.conf").write_bytes(content)
    with contextlib.suppress(BadFile):
        foreign.read(place, "pjsip.conf")


# -- carried out -------------------------------------------------------------------------------------------------------


def snapshot(etc: Path) -> dict[str, bytes]:
    return {str(file.relative_to(etc)): file.read_bytes() for file in sorted(etc.rglob("*")) if file.is_file()}


def test_done_once_nothing_the_second_time_and_undone_to_the_byte(etc: Path) -> None:
    write(etc, {"pjsip.conf": HIS["pjsip.conf"] + b"; \xe9", "http.conf": b"[general]\r\nenabled=yes\r\n"})
    (etc / "pjsip.conf").chmod(0o640)
    before = snapshot(etc)
    assert beside_files.apply(etc, planned(etc), ME)
    assert not beside_files.changes(etc, planned(etc))
    assert not beside_files.apply(etc, planned(etc), ME)
    assert (etc / "pjsip.conf").read_bytes() == before["pjsip.conf"] + b"\n" + LINE
    assert (etc / "http.conf").read_bytes().endswith(b'beside-http.conf"\r\n')
    assert (etc / f"pjsip.conf{BACKUP}").read_bytes() == before["pjsip.conf"]
    assert stat.S_IMODE((etc / "pjsip.conf").stat().st_mode) == 0o640
    assert facts(etc) == Beside({"udp": "udp"})
    assert f"{FOLDER}/" in beside_files.remove(etc)
    assert snapshot(etc) == before
    assert beside_files.remove(etc) == ()


def test_nobody_else_reads_what_is_ours(etc: Path) -> None:
    beside_files.apply(etc, planned(etc), ME)
    last_good.write_files(etc / FOLDER, {"pjsip.conf": "; a directory\n"})
    assert {oct(stat.S_IMODE(file.stat().st_mode)) for file in (etc / FOLDER).iterdir()} == {"0o640"}
    assert not stat.S_IMODE((etc / FOLDER).stat().st_mode) & 0o007
    for made in planned(etc).made:
        assert not stat.S_IMODE((etc / made).stat().st_mode) & 0o007


def test_a_file_made_for_him_that_he_wrote_into_is_his(etc: Path) -> None:
    beside_files.apply(etc, planned(etc), ME)
    with (etc / "cel.conf").open("ab") as file:
        file.write(b"[odbc]\n")
    beside_files.remove(etc)
    assert (etc / "cel.conf").read_bytes().endswith(b"[odbc]\n")
    assert not (etc / "queues.conf").exists()


def test_a_line_no_longer_needed_is_taken(etc: Path) -> None:
    beside_files.apply(etc, planned(etc), ME)
    whole = b"enabled=yes\nbindaddr=127.0.0.1\nbindport=8088\nsessionlimit=1000\n"
    (etc / "http.conf").write_bytes(b"[general]\n" + whole + line_of("http.conf") + b"\n")
    done = beside_files.apply(etc, planned(etc), ME)
    assert done.superfluous == ("http.conf",)
    assert (etc / "http.conf").read_bytes() == b"[general]\n" + whole


def test_a_link_is_not_followed_for_our_folder(etc: Path, tmp_path: Path) -> None:
    (etc / FOLDER).symlink_to(tmp_path)
    with pytest.raises(BadFile, match="is a link"):
        beside_files.apply(etc, planned(etc), ME)
    assert b"#include" not in (etc / "pjsip.conf").read_bytes()
    beside_files.remove(etc)
    assert tmp_path.is_dir()


def test_what_the_directory_made_stays_when_it_is_done_again(etc: Path) -> None:
    beside_files.apply(etc, planned(etc), ME)
    (etc / PJSIP).write_text("; imported\n")
    assert PJSIP not in planned(etc).files


def test_damaged_facts_are_named(etc: Path) -> None:
    write(etc, {beside.FACTS: b"{"})
    with pytest.raises(BadFile, match=r"beside\.json"):
        facts(etc)


# -- killed in the middle ----------------------------------------------------------------------------------------------


STEPS = 71  # there are 70; the last run lives


@pytest.mark.parametrize("step", range(STEPS))
def test_killed_between_any_two_steps_asterisk_can_start_and_it_is_done_again_or_undone(
    etc: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that is opened, synced or put in place is a step."""
    write(etc, HIS)
    before = snapshot(etc)
    with monkeypatch.context() as patched:
        dies_at(step, patched, (os, "open"), (os, "fsync"), (Path, "replace"), (Path, "mkdir"))
        with contextlib.suppress(Killed):
            beside_files.apply(etc, planned(etc), ME)
            assert step == STEPS - 1
    assert missing(etc) == []
    if step % 2:
        beside_files.apply(etc, planned(etc), ME)
        assert not beside_files.changes(etc, planned(etc))
    beside_files.remove(etc)
    assert snapshot(etc) == before


def missing(etc: Path) -> list[str]:
    """What Asterisk would include and not find: it leaves out the whole file that names it then."""
    read, left = set(), [file.name for file in etc.glob("*.conf")]
    while left:
        name = left.pop()
        read.add(name)
        if (etc / name).exists():
            named = re.findall(rb'^#include "([^"]+)"', (etc / name).read_bytes(), re.MULTILINE)
            left += [one.decode() for one in named if one.decode() not in read]
    return [name for name in read if not (etc / name).exists()]
