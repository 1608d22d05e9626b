"""Every metric the engine exports, as one object that the composition root builds and hands out.

Nothing registers globally: a test or a second engine in one process has its own `Metrics`. Names follow Prometheus'
rules (base units, `_total` for counters); labels come from closed sets, never from callers' text, so that the number
of series is bounded. The registry is exported by `GET /metrics`.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_FAST_S = (
    0.0002,
    0.0005,
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    5.0,
)  # a disk, a loopback request
_HTTP_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_CALL_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0)


class CallMetrics:
    """What happens to calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requested = Counter("standardiste_calls_requested", "Calls accepted", registry=registry)
        self.refused = Counter("standardiste_calls_refused", "Requests refused, by rule", ["rule"], registry=registry)
        self.ended = Counter("standardiste_calls_ended", "Ended calls", ["outcome"], registry=registry)
        self.live = Gauge("standardiste_calls_live", "Calls alive now", registry=registry)
        self.stage = Gauge("standardiste_calls_stage", "Calls alive now, by stage", ["stage"], registry=registry)
        self.talk_s = Histogram(
            "standardiste_call_talk_seconds", "Conversation time of a call", buckets=_CALL_S, registry=registry
        )
        self.illegal_events = Counter(
            "standardiste_illegal_events", "Events a call could not use in its stage", ["event"], registry=registry
        )
        self.limits = Counter(
            "standardiste_limits_told",
            "Warnings and locks of the limits that stop fraud, by kind of scope",
            ["kind", "measure", "level"],
            registry=registry,
        )
        self.locked = Gauge("standardiste_limits_locked", "Scopes nothing is called of any more", registry=registry)
        self.recovered = Counter("standardiste_calls_recovered", "Calls that outlived a restart", registry=registry)


class ScenarioMetrics:
    """Callers in scenarios. Scenarios and nodes are labelled by their published names, outcomes by their kinds'."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Gauge(
            "standardiste_scenario_calls",
            "Calls in scenarios now, by the one they began with",
            ["scenario"],
            registry=registry,
        )
        self.left = Counter(
            "standardiste_scenario_nodes_left",
            "Nodes that callers have left, by outcome",
            ["scenario", "node", "outcome"],
            registry=registry,
        )
        self.questions = Counter(
            "standardiste_scenario_questions", "What scenarios asked, by answer", ["kind", "outcome"], registry=registry
        )
        self.question_s = Histogram(
            "standardiste_scenario_question_seconds",
            "Time until a scenario's question was answered",
            ["kind"],
            buckets=_HTTP_S,
            registry=registry,
        )


class AriMetrics:
    """The connection to Asterisk."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "standardiste_ari_requests", "ARI requests, by verb and HTTP status", ["verb", "status"], registry=registry
        )
        self.request_s = Histogram(
            "standardiste_ari_request_seconds", "Time of one ARI request", ["verb"], buckets=_FAST_S, registry=registry
        )
        self.connected = Gauge("standardiste_ari_connected", "1 while the event socket is up", registry=registry)
        self.epoch = Gauge("standardiste_ari_epoch", "How often the event socket was opened", registry=registry)
        self.events = Counter("standardiste_ari_events", "Events received, by type", ["type"], registry=registry)
        self.asterisk_restarts = Counter("standardiste_asterisk_restarts", "Asterisk restarts seen", registry=registry)


class KeepingMetrics:
    """The journal, and its way into PostgreSQL."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.append_s = Histogram(
            "standardiste_journal_append_seconds",
            "Time from asking to kept, by durability",
            ["durable"],
            buckets=_FAST_S,
            registry=registry,
        )
        self.outbox = Gauge("standardiste_outbox_rows", "Journal rows not yet in PostgreSQL", registry=registry)
        self.shipper_lag_s = Gauge(
            "standardiste_shipper_lag_seconds", "Age of the oldest row not yet in PostgreSQL", registry=registry
        )
        self.dead_letters = Counter(
            "standardiste_dead_letters", "Rows PostgreSQL refused, kept aside", registry=registry
        )
        self.postgres_up = Gauge("standardiste_postgres_up", "1 while PostgreSQL answers", registry=registry)
        self.disk_full = Gauge("standardiste_disk_full", "1 while the journal's disk is full", registry=registry)


class ProcessMetrics:
    """The engine's own health."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.loop_lag_s = Histogram(
            "standardiste_loop_lag_seconds",
            "How late the event loop runs a due task",
            buckets=_FAST_S,
            registry=registry,
        )
        self.beat_age_s = Gauge(
            "standardiste_beat_age_seconds", "Time since the last beat Asterisk took", registry=registry
        )
        self.certificate = Gauge(
            "standardiste_certificate_not_after_seconds",
            "When a certificate of Asterisk's files ends, seconds since 1970",
            ["use"],
            registry=registry,
        )
        self.build = Gauge("standardiste_build_info", "Always 1", ["version", "node"], registry=registry)


class HttpMetrics:
    """Those who ask."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "standardiste_http_requests",
            "API requests, by route and status",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_s = Histogram(
            "standardiste_http_request_seconds",
            "Time of one API request",
            ["method", "route"],
            buckets=_HTTP_S,
            registry=registry,
        )
        self.incidents = Counter("standardiste_http_incidents", "Answers 500 by an error of ours", registry=registry)
        self.connections = Gauge("standardiste_http_connections", "Connections open now", registry=registry)
        self.turned_away = Counter(
            "standardiste_http_connections_refused", "Connections there was no room for", registry=registry
        )


class Metrics:
    """All of them; `text()` is what Prometheus reads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.calls = CallMetrics(self.registry)
        self.scenarios = ScenarioMetrics(self.registry)
        self.ari = AriMetrics(self.registry)
        self.keeping = KeepingMetrics(self.registry)
        self.process = ProcessMetrics(self.registry)
        self.http = HttpMetrics(self.registry)

    def text(self) -> bytes:
        """The exposition format, version 0.0.4, UTF-8."""
        return generate_latest(self.registry)
