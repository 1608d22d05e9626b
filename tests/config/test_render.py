"""The rendered files: never a section or a key that the model does not have, whatever is in the directory."""

import re
from pathlib import Path

import jinja2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config import render
from engine.config.asterisk import Ami, AsteriskPaths, AsteriskSettings
from engine.config.ini import Section, parse
from engine.config.pjsip import pjsip_groups
from engine.config.render import GLOBALS, PJSIP, QUEUES, base_files, directory_files, generation
from engine.config.values import ConfigValue
from engine.domain.directory import EMPTY, Agent, Directory, Trunk
from engine.domain.values import Slug
from engine.errors import InvalidValue, ProgrammingError
from tests.config.directories import ACCOUNT, ANY_TEXT, BOTH, FULL, GSM, MARIE, PEER, SALES, with_agent, with_trunk

PATHS = AsteriskPaths.under(Path("/srv/a b"), modules=Path("/modules"), data=Path("/data"), run=Path("/run/x"))
SETTINGS = AsteriskSettings(paths=PATHS, ari_port=8088, ari_secret="a;generated=secret")
FEW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def changed(**changes: object) -> AsteriskSettings:
    return msgspec.structs.replace(SETTINGS, **changes)


def shape(directory: Directory) -> list[tuple[str, tuple[str, ...]]]:
    """Sections and their keys as Asterisk would read them."""
    text = directory_files(directory, SETTINGS)[PJSIP]
    return [(s.name, tuple(o.key for o in s.options)) for s in parse(text).sections]


def test_a_private_asterisk_has_all_its_files() -> None:
    files = base_files(SETTINGS)
    assert {"asterisk.conf", "modules.conf", "pjsip.conf", "extensions.conf", "ari.conf", "http.conf"} < files.keys()
    for name in ("pjsip.conf", "queues.conf", "extensions.conf"):
        included = parse(files[name]).includes
        assert included
        assert set(included) < files.keys()


def test_what_keeps_asterisk_safe_and_answering_is_set() -> None:
    files = base_files(SETTINGS)
    options = {
        (name, s.name, o.key): o.value
        for name in ("asterisk.conf", "http.conf", "ari.conf", "manager.conf", "stasis.conf", "pjsip.conf", "cel.conf")
        for s in parse(files[name]).sections
        for o in s.options
    }
    assert options["asterisk.conf", "options", "live_dangerously"] == "no"
    assert options["http.conf", "general", "bindaddr"] == "127.0.0.1"
    assert options["http.conf", "general", "sessionlimit"] == "1000"
    assert options["ari.conf", "general", "websocket_write_timeout"] == "5000"
    assert options["ari.conf", "standardiste", "password"] == SETTINGS.ari_secret
    assert options["manager.conf", "general", "enabled"] == "no"
    assert options["stasis.conf", "declined_message_types", "decline"] == "ast_channel_varset_type"
    assert options["pjsip.conf", "global", "taskprocessor_overload_trigger"] == "pjsip_only"
    assert options["pjsip.conf", "transport-udp", "bind"] == "127.0.0.1:5060"
    assert options["cel.conf", "general", "events"] == "ANSWER,HANGUP"
    modules = {o.value for s in parse(files["modules.conf"]).sections for o in s.options}
    assert not modules & {"func_curl.so", "app_system.so", "func_shell.so", "chan_iax2.so"}


def test_the_manager_interface_is_for_this_machine_alone() -> None:
    text = base_files(changed(ami=Ami(port=5038, user="standardiste", secret="a;b")))["manager.conf"]
    found = {(s.name, o.key): o.value for s in parse(text).sections for o in s.options}
    assert (found["general", "enabled"], found["general", "bindaddr"]) == ("yes", "127.0.0.1")
    assert found["standardiste", "secret"] == "a;b"
    assert found["standardiste", "permit"] == "127.0.0.1/255.255.255.255"
    with pytest.raises(InvalidValue):
        base_files(changed(ami=Ami(port=5038, user="standardiste", secret="a\nwrite = all")))


def test_the_directories_of_a_private_asterisk() -> None:
    assert Path("/srv/a b/log/cel-custom") in PATHS.writable()
    assert PATHS.hangups.parent in PATHS.writable()


def test_behind_nat_and_with_tls_the_transports_say_so() -> None:
    text = base_files(
        changed(
            external_address="198.51.100.7",
            local_networks=("10.0.0.0/8", "192.168.0.0/16"),
            tls_port=5061,
            tls_certificate=Path("/etc/ssl/a.pem"),
            tls_authorities=Path("/etc/ssl/they.pem"),
        )
    )["pjsip.conf"]
    tls = next(s for s in parse(text).sections if s.name == "transport-tls")
    pairs = [(o.key, o.value) for o in tls.options]
    assert ("external_media_address", "198.51.100.7") in pairs
    assert [value for key, value in pairs if key == "local_net"] == ["10.0.0.0/8", "192.168.0.0/16"]
    assert ("cert_file", "/etc/ssl/a.pem") in pairs
    assert "priv_key_file" not in dict(pairs)
    assert (dict(pairs)["verify_server"], dict(pairs)["ca_list_file"]) == ("yes", "/etc/ssl/they.pem")


def options(text: str, name: str) -> list[tuple[str, str]]:
    """All of one section."""
    return [(o.key, o.value) for s in parse(text).sections if s.name == name for o in s.options]


def test_without_browsers_nothing_listens_for_them() -> None:
    files = base_files(SETTINGS)
    assert "websocket.so" not in files["modules.conf"].replace("res_http_websocket.so", "")
    assert ("icesupport", "no") in options(files["rtp.conf"], "general")
    assert "tls" not in files["http.conf"]


def test_browsers_come_by_a_proxy_or_by_tls_which_is_no_way_to_ari() -> None:
    by_proxy = base_files(changed(webrtc=True))
    assert "load = res_pjsip_transport_websocket.so" in by_proxy["modules.conf"]
    assert ("icesupport", "yes") in options(by_proxy["rtp.conf"], "general")
    assert "tls" not in by_proxy["http.conf"]
    certificate, key = Path("/etc/ssl/a.pem"), Path("/etc/ssl/a.key")
    files = base_files(
        changed(webrtc=True, wss_port=8443, sip_address="10.0.0.7", tls_certificate=certificate, tls_key=key)
    )
    assert options(files["http.conf"], "general")[-6:] == [
        ("tlsenable", "yes"),
        ("tlsbindaddr", "10.0.0.7:8443"),
        ("tlscertfile", "/etc/ssl/a.pem"),
        ("tlsprivatekey", "/etc/ssl/a.key"),
        ("tlsdisablev1", "yes"),
        ("tlsdisablev11", "yes"),
    ]
    closed = [("type", "restriction"), ("deny", "0.0.0.0/0"), ("deny", "::/0"), ("permit", "127.0.0.1")]
    assert options(files["http.conf"], "/ari") == closed


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"webrtc": True}, [("10.0.0.7", "198.51.100.7,include_local_address")]),
        ({"webrtc": False}, []),
        ({"webrtc": True, "external_address": None}, []),
        ({"webrtc": True, "own_address": None}, []),
    ],
)
def test_behind_nat_browsers_are_told_the_address_outside(
    settings: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    known = {"external_address": "198.51.100.7", "own_address": "10.0.0.7"} | settings
    assert options(base_files(changed(**known))["rtp.conf"], "ice_host_candidates") == expected


@pytest.mark.parametrize(
    "hostile",
    [
        {"rtp_ports": (20000, 10000)},
        {"rtp_ports": (80, 10000)},
        {"ari_user": "a]\n[b"},
        {"ari_secret": "a\nread_only = no"},
        {"app": "a,b"},
        {"sip_address": "0.0.0.0\n"},
        {"wss_port": 70000},
        {"webrtc": True, "external_address": "198.51.100.7", "own_address": "10.0.0.7\n[x]"},
        {"language": "fr\n"},
        {"music": Path("/m;x")},
        {"local_networks": ("everything",), "external_address": "198.51.100.7"},
    ],
)
def test_hostile_settings_are_refused(hostile: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        base_files(changed(**hostile))


def test_agents_and_trunks_as_objects() -> None:
    kinds = [(name, keys[0]) for name, keys in shape(BOTH)]
    assert {name for name, _ in kinds} == {"trunk-gsm", "trunk-paris-1", "marie-k7f3qz"}
    objects = {(s.name, s.options[0].value) for g in pjsip_groups(BOTH) for s in g.sections}
    assert objects == {
        ("trunk-gsm", "endpoint"),
        ("trunk-gsm", "aor"),
        ("trunk-gsm", "identify"),
        ("trunk-gsm", "auth"),
        ("trunk-gsm", "registration"),
        ("trunk-paris-1", "endpoint"),
        ("trunk-paris-1", "aor"),
        ("trunk-paris-1", "identify"),
        ("marie-k7f3qz", "endpoint"),
        ("marie-k7f3qz", "auth"),
        ("marie-k7f3qz", "aor"),
    }


def test_an_agents_browsers_have_objects_of_their_own_with_the_same_secret() -> None:
    both = with_agent(msgspec.structs.replace(MARIE, webrtc=True))
    telephones, browsers = pjsip_groups(both, webrtc=True)[-2:]
    plain, web = ([{o.key: o.value for o in s.options} for s in group.sections] for group in (telephones, browsers))
    assert {s.name for s in browsers.sections} == {"marie-k7f3qz.web"}
    assert web[0].keys() - plain[0].keys() == {"webrtc"}
    assert [web[0][key] for key in ("aors", "auth", "accountcode")] == ["marie-k7f3qz.web", "marie-k7f3qz.web", "marie"]
    assert (web[1]["username"], web[1]["password"]) == ("marie-k7f3qz.web", MARIE.secret)
    with pytest.raises(InvalidValue, match="webrtc_url"):
        pjsip_groups(both)


def test_an_account_trunk_signs_in_by_the_name_of_its_endpoint() -> None:
    (group,) = pjsip_groups(with_trunk(ACCOUNT))[:1]
    endpoint, aor, auth = ({o.key: o.value for o in s.options} for s in group.sections)
    assert {s.name for s in group.sections} == {"trunk-home"}
    assert (endpoint["identify_by"], endpoint["auth"], endpoint["aors"]) == (
        "auth_username",
        "trunk-home",
        "trunk-home",
    )
    assert (auth["username"], auth["password"]) == ("trunk-home", ACCOUNT.secret)
    assert (aor["max_contacts"], aor["remove_existing"], "contact" in aor) == ("1", "yes", False)


def test_what_is_chosen_for_a_trunk_stands_in_its_endpoint() -> None:
    (group,) = pjsip_groups(with_trunk(ACCOUNT))[:1]
    endpoint = [(o.key, o.value) for o in group.sections[0].options]
    assert set(endpoint) >= {
        ("context", "from-trunks-ignored"),
        ("media_encryption", "sdes"),
        ("dtmf_mode", "inband"),
        ("send_pai", "no"),
        ("rtp_timeout", "60"),
        ("timers", "always"),
        ("timers_sess_expires", "90"),
        ("set_var", "STANDARDISTE_DID_STRIP=1"),
        ("set_var", "STANDARDISTE_DID_PREFIX=+33"),
    }
    (plain,) = pjsip_groups(with_trunk(msgspec.structs.replace(PEER, from_user="400", from_domain="pbx.example")))[:1]
    told = {o.key: o.value for o in plain.sections[0].options}
    assert (told["from_user"], told["from_domain"], told["context"]) == ("400", "pbx.example", "from-trunks")


def test_an_account_without_a_secret_and_a_registration_without_a_user_are_refused() -> None:
    for trunk in (msgspec.structs.replace(ACCOUNT, secret=None), msgspec.structs.replace(GSM, username=None)):
        with pytest.raises(InvalidValue, match="needs a username and a secret"):
            directory_files(with_trunk(trunk), SETTINGS)


def test_a_new_secret_makes_another_registration() -> None:
    def registration(secret: str) -> list[tuple[str, str]]:
        (group,) = pjsip_groups(with_trunk(msgspec.structs.replace(GSM, secret=secret)))[:1]
        return [(o.key, o.value) for o in group.sections[-1].options]

    assert registration("one-secret") == registration("one-secret")
    assert registration("one-secret") != registration("another-secret")


def test_what_is_disabled_is_not_there() -> None:
    off = msgspec.structs.replace(
        BOTH,
        trunks={PEER.id: msgspec.structs.replace(PEER, enabled=False)},
        agents={MARIE.id: msgspec.structs.replace(MARIE, enabled=False)},
    )
    assert shape(off) == []


def test_the_stamp_of_an_endpoint_follows_every_object_of_it() -> None:
    def stamp(agent: Agent) -> str:
        (endpoint, *_) = next(g.sections for g in pjsip_groups(with_agent(agent)) if str(g.title) == agent.id)
        return endpoint.options[-1].value

    assert stamp(MARIE) == stamp(MARIE)
    for change in ({"secret": "another-secret"}, {"devices": 5}, {"name": "Marie D."}):
        assert stamp(MARIE) != stamp(msgspec.structs.replace(MARIE, **change))


def test_another_agent_does_not_reload_the_dialplan() -> None:
    fewer = msgspec.structs.replace(BOTH, agents={})
    assert generation(directory_files(BOTH, SETTINGS)) == generation(directory_files(fewer, SETTINGS))
    assert generation(directory_files(EMPTY, changed(app="other"))) != generation(directory_files(EMPTY, SETTINGS))
    with pytest.raises(ProgrammingError, match="carries no"):
        generation({GLOBALS: "[globals]\nA = 1\n"})


def test_a_register_trunk_that_shares_an_address_is_known_by_its_line() -> None:
    twin = msgspec.structs.replace(GSM, id=Slug("gsm-2"))
    directory = msgspec.structs.replace(BOTH, trunks={GSM.id: GSM, twin.id: twin}, agents={})
    assert "identify" not in {s.options[0].value for g in pjsip_groups(directory) for s in g.sections}


@pytest.mark.parametrize(
    ("trunk", "why"),
    [
        (msgspec.structs.replace(PEER, transport="tls"), "no TLS transport"),
        (msgspec.structs.replace(GSM, secret=None), "needs a username and a secret"),
        (msgspec.structs.replace(PEER, host="a b"), "neither an IP address"),
    ],
)
def test_a_trunk_that_cannot_work_is_refused(trunk: Trunk, why: str) -> None:
    with pytest.raises(InvalidValue, match=why):
        directory_files(with_trunk(trunk), SETTINGS)


def test_two_peers_at_one_address_are_refused() -> None:
    twin = msgspec.structs.replace(PEER, id=Slug("twin"))
    with pytest.raises(InvalidValue, match="could belong to either"):
        directory_files(msgspec.structs.replace(BOTH, trunks={PEER.id: PEER, twin.id: twin}), SETTINGS)


@FEW
@given(st.sampled_from(["name", "secret", "sip_user", "id", "extension", "language"]), ANY_TEXT)
def test_no_agent_changes_the_shape_of_the_file(field: str, text: str) -> None:
    agent = msgspec.structs.replace(MARIE, **{field: text})
    sound = [tuple(keys) for _, keys in shape(with_agent(MARIE))]
    try:
        found = shape(msgspec.structs.replace(BOTH, agents={MARIE.id: agent}))
    except InvalidValue:
        return
    assert [keys for _, keys in found] == sound
    assert {name for name, _ in found} <= {"trunk-gsm", "trunk-paris-1", agent.sip_user}


@FEW
@given(
    st.sampled_from(
        ["host", "username", "secret", "id", "codecs", "dial_prefix", "dtmf", "media_encryption", "session_timers"]
    )
    | st.sampled_from(["from_user", "from_domain", "did_prefix"]),
    ANY_TEXT,
)
def test_no_trunk_changes_the_shape_of_the_file(field: str, text: str) -> None:
    value: object = (text,) if field == "codecs" else text
    always_there = {"from_user": "u", "from_domain": "d", "did_prefix": "0"}
    trunk = msgspec.structs.replace(GSM, **(always_there | {field: value or always_there.get(field, "")}))
    sound = [keys for _, keys in shape(with_trunk(msgspec.structs.replace(GSM, **always_there)))]
    try:
        found = shape(msgspec.structs.replace(BOTH, trunks={GSM.id: trunk}))
    except InvalidValue:
        return
    assert [keys for _, keys in found] == sound


@FEW
@given(st.sampled_from(["ari_secret", "ari_user", "app", "language", "tones", "sip_address"]), ANY_TEXT)
def test_no_setting_changes_the_shape_of_any_file(field: str, text: str) -> None:
    sound = {
        name: [len(s.options) for s in parse(t).sections] for name, t in base_files(SETTINGS).items() if _ini(name)
    }
    try:
        files = base_files(changed(**{field: text}))
    except InvalidValue:
        return
    assert sound == {name: [len(s.options) for s in parse(t).sections] for name, t in files.items() if _ini(name)}


def _ini(name: str) -> bool:
    return name != render.STATIC_DIALPLAN  # read as text: it has no values


def _templates(monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    loader = jinja2.DictLoader({name.replace("__", "/") + ".conf.j2": text for name, text in files.items()})
    env = render._environment().overlay(loader=loader)
    monkeypatch.setattr(render, "_environment", lambda: env)


def test_a_plain_text_never_reaches_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    _templates(monkeypatch, x="{{ value }}")
    with pytest.raises(ProgrammingError, match="a str reached a template"):
        render._render("x.conf.j2", {"value": "plain"})
    with pytest.raises(ProgrammingError, match="a StrictUndefined reached a template"):
        render._render("x.conf.j2", {})


def test_a_template_that_adds_something_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _templates(monkeypatch, queues="", pjsip="[evil]\ntype = endpoint\n")
    with pytest.raises(ProgrammingError, match="does not read back"):
        directory_files(EMPTY, SETTINGS)


def test_a_value_that_changes_the_shape_of_a_base_file_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _templates(monkeypatch, base__x="[a]\nb = {{ value }}\n")
    with pytest.raises(ProgrammingError, match="changes the shape"):
        render._base_file("x.conf", {"value": ConfigValue("1\nc = 2")})


def queues(directory: Directory) -> tuple[Section, ...]:
    return parse(directory_files(directory, SETTINGS)[QUEUES]).sections


def with_sales(**changes: object) -> Directory:
    return msgspec.structs.replace(FULL, groups={SALES.id: msgspec.structs.replace(SALES, **changes)})


def test_a_group_is_a_queue_of_its_members_telephones() -> None:
    (queue,) = queues(FULL)
    assert re.fullmatch(r"sales\.[0-9a-f]{8}", queue.name)
    assert [(option.key, option.value) for option in queue.options] == [
        ("strategy", "linear"), ("timeout", "15"), ("retry", "1"), ("ringinuse", "no"),
        ("member", "PJSIP/marie-k7f3qz"),
    ]  # fmt: skip
    assert queues(BOTH) == ()


def test_another_queue_has_another_name() -> None:
    off = msgspec.structs.replace(FULL, agents={MARIE.id: msgspec.structs.replace(MARIE, enabled=False)})
    variants = [FULL, with_sales(strategy="ring_all"), with_sales(ring_s=16), with_sales(members=()), off]
    names = [queues(directory)[0].name for directory in variants]
    assert (names[3], len(set(names))) == (names[4], 4)  # who is disabled is not a member
    assert queues(with_sales(name="Ventes"))[0].name == names[0]


@FEW
@given(st.sampled_from(["id", "name", "strategy"]), ANY_TEXT)
def test_no_group_changes_the_shape_of_the_file(field: str, text: str) -> None:
    try:
        (found,) = queues(with_sales(**{field: text}))
    except (InvalidValue, KeyError):  # a strategy that is none
        return
    assert [option.key for option in found.options] == ["strategy", "timeout", "retry", "ringinuse", "member"]
    assert found.name.startswith(f"{text if field == 'id' else 'sales'}.")
