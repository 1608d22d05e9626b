"""Settings: file, environment, refusals, and the two commands that show them."""

import re
from pathlib import Path

import pytest

from engine import cli
from engine.errors import BadFile
from engine.settings import Settings, load


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for place in ("engine.settings.PLACES", "engine.commands.settings.PLACES"):
        monkeypatch.setattr(place, (Path("standardiste.toml"), Path("other.toml")))
    return tmp_path


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


def test_a_wrong_secret_is_not_quoted(empty_folder: Path) -> None:
    (empty_folder / "standardiste.toml").write_text('[postgres]\ndsn = ["postgresql://u:hunter2@h/d"]\n')
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
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None) or {name: field}
        assert [one for one, what in inner.items() if not (what.description or "").endswith(".")] == []


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
    assert after.model_copy(update={"state_dir": before.state_dir, "node_id": before.node_id}) == before
    for name, field in Settings.model_fields.items():
        for one in getattr(field.annotation, "model_fields", None) or {name: field}:
            assert re.search(rf"^#{one} = ", text, re.MULTILINE)


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
        http = settings.http.model_copy(update={"host": host})
        assert settings.model_copy(update={"http": http}).listens_beyond_loopback is beyond
