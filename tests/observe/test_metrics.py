"""Metrics: their own registry each, and names Prometheus accepts."""

from prometheus_client.parser import text_string_to_metric_families

from engine.observe.metrics import Metrics


def test_two_engines_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.calls.requested.inc()
    assert one.registry.get_sample_value("standardiste_calls_requested_total") == 1
    assert other.registry.get_sample_value("standardiste_calls_requested_total") == 0


def test_the_text_is_what_prometheus_reads_and_every_metric_is_explained() -> None:
    metrics = Metrics()
    metrics.ari.requests.labels("POST", "200").inc()
    families = list(text_string_to_metric_families(metrics.text().decode()))
    assert len(families) > 20
    assert all(family.name.startswith("standardiste_") and family.documentation for family in families)
