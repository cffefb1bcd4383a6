"""Every response code of the manual has one meaning, and decides whether it is tried again."""

from __future__ import annotations

import pytest

from aps_pipeline.api import CODES, Answer, ApsError, Scope
from aps_pipeline.api import errors as e
from aps_pipeline.api.errors import error_of
from aps_pipeline_tests.api.asking import Diary, outcome
from aps_pipeline_tests.api.fake import envelope, http, says, serving

MANUAL = (
    {0, 1000, 1001, 7000, 7001, 7002, 7003, 4000, 4001, 5000, 6000}
    | {*range(2000, 2006)}
    | {*range(3000, 3005)}
)
ATTEMPTS = {
    **dict.fromkeys((0, 1001), 1),
    **dict.fromkeys((1000, 5000, 6000), 3),
    **dict.fromkeys(range(2000, 2006), 1),
    **dict.fromkeys(range(3000, 3005), 2),
    **dict.fromkeys((4000, 4001, 7000, 7001), 1),
    **dict.fromkeys((7002, 7003), 5),
}
KINDS = {
    e.PassingError: {1000, 5000, 6000},
    e.AccountError: {2000, 2001, 2003},
    e.DeniedError: {2002, 2004},
    e.QuotaError: {2005},
    e.TokenError: {3000, 3001, 3002, 3003, 3004},
    e.SignatureError: {4000},
    e.ParameterError: {4001},
    e.RestrictedError: {7000, 7001},
    e.BusyError: {7002, 7003},
}


def test_the_table_holds_every_code_of_the_manual() -> None:
    assert set(CODES) == MANUAL == set(ATTEMPTS)


@pytest.mark.parametrize("code", CODES)
def test_each_code_ends_as_what_it_means_after_so_many_attempts(code: int) -> None:
    diary = Diary()
    with serving(says(http(envelope(code)))) as server:
        found = outcome(server.url, diary, max_in_flight=8)
        assert len(server.requests) == diary.attempts == ATTEMPTS[code]
    if code in (0, 1001):
        assert isinstance(found, Answer) and found.code == code
    else:
        kind = next(kind for kind, codes in KINDS.items() if code in codes)
        assert type(found) is kind and found.code == code and found.http_status == 200
        assert str(code) in str(found) and found.body


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (2999, e.AccountError),
        (3999, e.TokenError),
        (4999, e.ParameterError),
        (7999, e.BusyError),
        (1, e.PassingError),
        (999_999, e.PassingError),
        (8000, e.PassingError),
    ],
)
def test_an_unknown_code_counts_as_its_family(code: int, kind: type[ApsError]) -> None:
    assert type(error_of(code)) is kind
    assert "unknown code" in str(error_of(code))


def test_what_an_error_speaks_for() -> None:
    stops_the_account = {kind for kind in KINDS if kind.scope is Scope.ACCOUNT}
    assert stops_the_account == {
        e.RestrictedError,
        e.QuotaError,
        e.AccountError,
        e.SignatureError,
        e.TokenError,
    }
    assert e.DeniedError.scope is Scope.ENDPOINT
    assert all(kind.advice for kind in (*KINDS, e.NotSentError, e.TransportError, e.WrongAddressError))
    assert {kind.failure_kind for kind in KINDS} == {"remote", "account", "quota", "refused", "deferred"}


def test_the_message_of_the_server_is_told_in_one_line() -> None:
    with serving(says(http(envelope(5000, msg="it\nbroke\x1b[31m \x00 " + "x" * 5000)))) as server:
        found = outcome(server.url)
    assert "it" in str(found) and str(found).isprintable() and len(str(found)) < 400


@pytest.mark.parametrize("message", ["half a pair \\ud83c", "line\\u2028line"])
def test_a_message_that_no_database_takes_does_no_harm(message: str) -> None:
    body = b'{"code":5000,"msg":"' + message.encode() + b'"}'
    with serving(says(http(body))) as server:
        assert str(outcome(server.url)).isprintable()


def test_data_and_message_are_optional() -> None:
    for body in (b'{"code":5000}', b'{"code":5000,"data":null}', b'{"code":5000,"message":"x"}'):
        with serving(says(http(body))) as server:
            assert isinstance(outcome(server.url), e.PassingError)


def test_an_answer_in_an_error_page_is_no_answer() -> None:
    with serving(says(http(envelope(0, ["1"]), "500 Internal Server Error"))) as server:
        assert isinstance(outcome(server.url), e.PassingError)


def test_a_refused_signature_names_the_clock() -> None:
    answer = http(envelope(4000)).replace(b"Date: ", b"X-Date: ")
    stale = answer.replace(b"X-Date: ", b"Date: Tue, 05 Mar 2024 11:00:00 GMT\r\nX-Date: ")
    with serving(says(stale)) as server:
        assert "this clock differs from the server's by -" in str(outcome(server.url))
    with serving(says(http(envelope(4000)))) as server:
        assert "differs" not in str(outcome(server.url))


@pytest.mark.parametrize(
    "date",
    ["x", "", "Mon, 01 Jan 0001 00:00:00 -0000", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 99 Xyz 2024"],
)
def test_a_strange_date_does_no_harm(date: str) -> None:
    answer = http(envelope(4000)).replace(b"Date: ", f"Date: {date}\r\nX-Date: ".encode())
    with serving(says(answer)) as server:
        assert isinstance(outcome(server.url), e.SignatureError)
