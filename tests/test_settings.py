"""Settings: file, environment, refusals, and the two commands that show them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import cli
from engine.errors import BadFile
from engine.sections import Setting, is_section, settings_in
from engine.settings import HttpSettings, Settings, load


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for place in ("engine.settings.PLACES", "engine.commands.settings.PLACES"):
        monkeypatch.setattr(place, (Path("standardiste.toml"), Path("other.toml")))
    return tmp_path


def every_setting() -> Iterator[Setting]:
    for setting in settings_in(Settings):
        yield from settings_in(setting.kind) if is_section(setting.kind) else (setting,)


def test_defaults_need_no_file() -> None:
    settings = load()
    assert (settings.http.host, settings.http.port, settings.calls.longest_s) == ("127.0.0.1", 8090, 14400)
    assert settings.journal_path == settings.state_dir / "journal.sqlite"


def test_the_first_file_found_is_read_and_the_environment_wins(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "other.toml").write_text("[http]\nport = 1\n")
    assert load().http.port == 1
    (empty_folder / "standardiste.toml").write_text('node_id = "paris"\n[http]\nport = 2\nrate_burst = 7\n')
    monkeypatch.setenv("STANDARDISTE_HTTP__PORT", "3")
    settings = load()
    assert (settings.node_id, settings.http.port, settings.http.rate_burst) == ("paris", 3, 7)


def test_the_environment_sets_lists_tables_and_single_values_of_a_section(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = '[scenarios.tables.t]\ntable = "crm.t"\nkey = "k"\ncolumns = {n = "text"}\n[http]\nrate_burst = 7\n'
    (empty_folder / "standardiste.toml").write_text(file)
    for name, value in {
        "HTTP__CALL_LINKS": '["10.0.0.0/8"]',
        "SCENARIOS__TABLES__T__KEY": "number",
        "ARI__SECRET": "{not json",
        "NODE_ID": "lyon",
        "SUITE": "somebody else's",
    }.items():
        monkeypatch.setenv(f"STANDARDISTE_{name}", value)
    settings = load()
    assert settings.http.call_links == ("10.0.0.0/8",)
    assert (settings.http.rate_burst, settings.node_id) == (7, "lyon")
    assert settings.scenarios.tables["t"].key == "number"
    assert settings.ari.secret is not None
    assert settings.ari.secret.get_secret_value() == "{not json"


def test_a_file_of_windows_notepad_is_read(empty_folder: Path) -> None:
    (empty_folder / "standardiste.toml").write_text('node_id = "lyon"\n', encoding="utf-8-sig")
    assert load().node_id == "lyon"


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [("HTPP__PORT", "1", "htpp"), ("HTTP__PROT", "1", "http.prot"), ("HTTP__PORT", "[1]", "http.port")],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str) -> None:
    monkeypatch.setenv(f"STANDARDISTE_{name}", value)
    with pytest.raises(BadFile, match=re.escape(f"  {named}:")):
        load()


def test_a_wrong_section_of_the_file_is_named_whatever_the_environment_says(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "standardiste.toml").write_text("http = 3\n")
    monkeypatch.setenv("STANDARDISTE_HTTP__PORT", "1")
    with pytest.raises(BadFile, match="http: "):
        load()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[http]\nprot = 1\n", "http.prot"), ("surprise = 1\n", "surprise"), ("[http]\nport = 70000\n", "http.port"),
        ('[ari]\nurl = "http://user:pw@host"\n', "ari.url"), ('[log]\nlevel = "LOUD"\n', "log.level"),
        ("[http\n", "standardiste.toml"), ("[http]\nbody_time_s = nan\n", "http.body_time_s"),
        ('node_id = "../x"\n', "node_id"),
        ('[asterisk]\nwebrtc_url = "https://phone.example.net/ws"\n', "asterisk.webrtc_url"),
        ('[asterisk]\nwebrtc_url = "wss://u:pw@phone.example.net/ws"\n', "asterisk.webrtc_url"),
        ("[asterisk]\nwebrtc_port = 8443\n", "webrtc_port needs webrtc_url"),
        ("[asterisk]\nrtp_first = 20000\nrtp_last = 10000\n", "rtp_last must be above rtp_first"),
        ('[asterisk]\nice_servers = ["http://stun.example.net"]\n', "asterisk.ice_servers"),
        ('[asterisk]\nice_servers = ["turn:turn.example.net"]\n', "turn_user and turn_secret"),
        ('[scenarios]\nweb_hosts = ["https://x"]\n', "scenarios.web_hosts"),
        ('[scenarios.tables.t]\ntable = "a.b; DROP"\nkey = "k"\n', "scenarios.tables.t.table"),
        ('[scenarios.tables.t]\ntable = "a.b"\nkey = "k"\ncolumns = {"x\\"y" = "text"}\n', "tables.t.columns"),
        ('[scenarios.tables.contacts]\ntable = "a.b"\nkey = "k"\ncolumns = {n = "text"}\n', "own contact book"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(empty_folder: Path, text: str, named: str) -> None:
    (empty_folder / "standardiste.toml").write_text(text)
    with pytest.raises(BadFile, match=re.escape(named)):
        load()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fraud.rates", '["44"]'), ("ari.app", '"line\\n"'), ("limits.setups_per_s", "inf"), ("fraud.home_rate", "nan"),
        ("incidents.flags", "[]"), ("credit.time_s", "inf"), ("http.host", "1"), ("http.port", "true"),
        ("ami.port", "0"), ("calls.ring_agent_s", "5.5"), ("ami.enabled", '"perhaps"'), ("asterisk.config_dir", "1"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(empty_folder: Path, setting: str, value: str) -> None:
    (empty_folder / "standardiste.toml").write_text(f"{setting} = {value}\n")
    with pytest.raises(BadFile, match=re.escape(f"  {setting}: ")):
        load()


def test_all_that_is_wrong_is_told_at_once(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "standardiste.toml").write_text(
        'surprise = 1\n[http]\nport = -1\nprot = 1\n[credit]\nurl = "https://bank.example"\n'
        '[incidents]\nflags = ["A", "b", "C"]\n[scenarios.tables.t]\nkey = ""\ncolumns = {n = "texte"}\n'
    )
    monkeypatch.setenv("STANDARDISTE_LOG__LEVEL", "LOUD")
    with pytest.raises(BadFile) as wrong:
        load()
    assert re.findall(r"^  ([^ ]+):", str(wrong.value), re.MULTILINE) == [
        "http.port", "http.prot", "credit", "incidents.flags.0", "incidents.flags.2", "scenarios.tables.t.table",
        "scenarios.tables.t.key", "scenarios.tables.t.columns.n", "log.level", "surprise",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        ("ami.enabled", "off", False), ("ami.enabled", "No", False), ("webhooks.private_addresses", "on", True),
        ("webhooks.private_addresses", "YES", True), ("incidents.several", "1", True), ("log.level", "DEBUG", "DEBUG"),
        ("http.port", "9", 9), ("http.body_limit_bytes", "65_536", 65536), ("http.idle_s", " 1e1 ", 10.0),
        ("asterisk.tls_port", "5061", 5061), ("journal.path", "a/b", Path("a/b")), ("asterisk.turn_user", "7", "7"),
    ],
)  # fmt: skip
def test_a_variable_is_read_as_its_setting(
    monkeypatch: pytest.MonkeyPatch, setting: str, text: str, value: object
) -> None:
    section, name = setting.split(".")
    monkeypatch.setenv(f"STANDARDISTE_{section}__{name}".upper(), text)
    read = getattr(getattr(load(), section), name)
    assert (type(read), read) == (type(value), value)


def test_whole_numbers_are_seconds_and_money_too(empty_folder: Path) -> None:
    (empty_folder / "standardiste.toml").write_text("[http]\nidle_s = 9\n[fraud]\nhome_rate = 0\n")
    settings = load()
    assert [repr(number) for number in (settings.http.idle_s, settings.fraud.home_rate)] == ["9.0", "0.0"]


def test_settings_do_not_change_and_do_not_tell_secrets(empty_folder: Path) -> None:
    (empty_folder / "standardiste.toml").write_text('[ari]\nsecret = "hunter2"\n')
    settings = load()
    assert settings == load()
    assert settings.ari.secret is not None
    assert settings.ari.secret.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings} {settings.ari.secret} {settings!r}"
    with pytest.raises(AttributeError):
        settings.node_id = "another"  # type: ignore[misc]


@pytest.mark.parametrize("text", ['[postgres]\ndsn = ["hunter2"]', '[credit]\nurl = "https://b"\nsecret = "hunter2"'])
def test_a_wrong_secret_is_not_quoted(empty_folder: Path, text: str) -> None:
    (empty_folder / "standardiste.toml").write_text(text)
    with pytest.raises(BadFile) as wrong:
        load()
    assert "hunter2" not in str(wrong.value)


def test_a_table_for_scenarios_is_shown_without_its_secret(
    empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = 'dsn = "postgresql://u:hunter2@h/d"'
    text = f'[scenarios.tables.t]\n{dsn}\ntable = "crm.t"\nkey = "k"\ncolumns = {{ n = "text" }}\n'
    (empty_folder / "standardiste.toml").write_text(text)
    assert cli.main(["settings", "show"]) == 0
    shown = capsys.readouterr().out
    assert 'tables = { t = { dsn = "***", table = "crm.t", key = "k", columns = { n = "text" } } }' in shown


def test_a_file_that_was_named_must_exist(empty_folder: Path) -> None:
    with pytest.raises(BadFile, match=r"nothing\.toml"):
        load(empty_folder / "nothing.toml")


def test_every_setting_says_why() -> None:
    assert [setting.name for setting in every_setting() if not setting.description.endswith(".")] == []


def test_the_example_names_every_setting_and_changes_nothing(
    empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["settings", "example"]) == 0
    text = capsys.readouterr().out
    (empty_folder / "standardiste.toml").write_text(text)
    before = load()
    uncommented = re.sub(r"^#(\w+ = )(?!\.\.\.)", r"\1", text, flags=re.MULTILINE)
    (empty_folder / "standardiste.toml").write_text(uncommented)
    after = load()
    assert replace(after, state_dir=before.state_dir, node_id=before.node_id) == before
    for setting in every_setting():
        assert re.search(rf"^#{setting.name} = ", text, re.MULTILINE)


def test_show_masks_secrets_and_marks_changes(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_folder / "standardiste.toml").write_text('[ari]\nsecret = "hunter2"\n[http]\nport = 9\n')
    assert cli.main(["settings", "show"]) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    assert "port = 9  # not the default" in shown
    assert 'secret = "***"' in shown


def test_loopback_is_known() -> None:
    settings = load()
    for host, beyond in (("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True)):  # noqa: S104
        assert replace(settings, http=HttpSettings(host=host)).listens_beyond_loopback is beyond
