"""What a server's headers say of time: its clock, and how long it wants to be left alone."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from aps_pipeline.api import Answer
from aps_pipeline.api.errors import BusyError, NotAnAnswerError
from aps_pipeline.api.rate_limit import RateLimit, get_http_date, get_retry_after
from aps_pipeline_tests.api.asking import Diary, outcome
from aps_pipeline_tests.api.fake import envelope, http, says, serving

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
DAY = 24 * 3600.0


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        (["3600"], 3600.0),
        ([" 3600 "], 3600.0),
        (["0"], None),
        (["-5"], None),
        (["1.5"], None),
        (["1e3"], None),
        (["٣"], None),
        (["soon"], None),
        ([""], None),
        (["9" * 20], DAY),
        (["9" * 5000], None),
        (["Fri, 27 Nov 2026 10:30:00 GMT"], 1800.0),
        (["Fri, 27 Nov 2026 09:30:00 GMT"], None),
        (["Thu, 27 Nov 2098 10:30:00 GMT"], DAY),
        (["Mon, 01 Jan 0001 00:00:00 GMT"], None),
        (["Fri, 99 Nov 2026 10:30:00 GMT"], None),
        (["60", "120"], 120.0),
        (["120", "soon", "-1"], 120.0),
        (["60, 120"], None),
    ],
)
def test_retry_after_is_hostile_until_checked(values: list[str], seconds: float | None) -> None:
    assert get_retry_after(values, NOW) == seconds


@pytest.mark.parametrize(
    ("values", "moment"),
    [
        (["Fri, 27 Nov 2026 10:00:00 GMT"], NOW),
        (["Fri, 27 Nov 2026 10:00:00 GMT"] * 2, NOW),
        (["Fri, 27 Nov 2026 12:00:00 +0200"], NOW),
        (["Fri, 27 Nov 2026 10:00:00 -0000"], NOW),
        ([], None),
        ([""], None),
        (["x"], None),
        (["Fri, 27 Nov 2026 10:00:00 GMT", "Fri, 27 Nov 2026 11:00:00 GMT"], None),
        (["Thu, 01 Jan 1970 00:00:00 GMT"], None),
        (["Fri, 31 Dec 9999 23:59:59 -2359"], None),
        (["Mon, 01 Jan 0001 00:00:00 +2359"], None),
    ],
)
def test_a_date_is_believed_if_it_can_be_right(values: list[str], moment: datetime | None) -> None:
    assert get_http_date(values) == moment


def test_a_pause_holds_every_call_back_and_ends_early_when_stopped() -> None:
    stopped = threading.Event()
    limit = RateLimit(1000, 4, stopped)
    limit.pause(0.2)
    begun = time.monotonic()
    with limit:
        assert time.monotonic() - begun >= 0.2
    limit.pause(60)
    stopped.set()
    with limit:
        assert time.monotonic() - begun < 30


def test_a_long_wait_is_told_and_not_tried_again() -> None:
    diary = Diary()
    with serving(says(http(b"<html>", "429 Too Many", "Retry-After: 3600"))) as server:
        found = outcome(server.url, diary)
    assert isinstance(found, BusyError) and found.retry_after == 3600 and diary.attempts == 1
    with serving(says(http(envelope(0, []), "200 OK", "Retry-After: 60"))) as server:
        answer = outcome(server.url)
    assert isinstance(answer, Answer) and answer.retry_after == 60 and answer.server_utc is None


def test_the_servers_time_is_told_where_it_is_another() -> None:
    other = http(envelope(0, [])).replace(b"Date: ", b"Date: Fri, 27 Nov 2020 10:00:00 GMT\r\nX-Date: ")
    with serving(says(other)) as server:
        answer = outcome(server.url)
    assert isinstance(answer, Answer) and answer.server_utc == datetime(2020, 11, 27, 10, 0, tzinfo=UTC)
    with serving(says(other.replace(b'{"code"', b'<"code"'))) as server:
        error = outcome(server.url)
    assert isinstance(error, NotAnAnswerError) and error.server_utc is not None
