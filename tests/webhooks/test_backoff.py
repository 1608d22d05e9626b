"""Ten tries over three days."""

from engine.webhooks.backoff import DELAYS_S, JITTER, TRIES, delay_s


def test_ten_tries_over_three_days() -> None:
    assert TRIES == 10
    assert abs(sum(DELAYS_S) / 3600 - 72) < 1


def test_each_delay_is_longer_and_none_is_exact() -> None:
    for tries, about in enumerate(DELAYS_S, start=1):
        drawn = {delay_s(tries) for _ in range(20)}
        assert len(drawn) > 1
        assert all(delay is not None and abs(delay - about) <= about * JITTER for delay in drawn)


def test_the_last_try_is_the_last() -> None:
    assert delay_s(TRIES) is None
