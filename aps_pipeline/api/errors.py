"""Every way a call can end badly, as a tree; and the manual's Annex 1 codes, each with one meaning.

    ApsError
    ├── NotSentError            no connection, nothing was counted
    ├── TransportError          sent, but no whole answer came back
    ├── NotAnAnswerError        an answer that is not the API's envelope
    │   ├── MalformedError      nearly: JSON that is cut off or breaks the rules
    │   └── OversizedError      longer than any answer can be
    ├── WrongAddressError       a page where an endpoint should be
    │   └── RedirectedError     a redirect, which is not followed
    ├── PassingError            1000, 5000, 6000: try again
    ├── BusyError               7002, 7003: try again, slower
    ├── RestrictedError         7000, 7001: leave the server alone for a long while
    ├── QuotaError              2005: no more calls until the quota resets
    ├── AccountError            2000, 2001, 2003: the account itself
    ├── DeniedError             2002, 2004: this endpoint of this system
    ├── SignatureError          4000: signature, id, secret or clock
    ├── TokenError              3000-3004: signed anew once
    └── ParameterError          4001: this request

`scope` says what the error speaks for; how often the client tries again stands in `retry`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from aps_pipeline.errors import FailureKind


class Scope(StrEnum):
    """What an error says about further calls."""

    REQUEST = "request"
    ENDPOINT = "endpoint"
    ACCOUNT = "account"
    SERVER = "server"


class ApsError(Exception):
    """A call without a usable answer. The message is one sentence, free of secrets.

    `server_utc` is the server's time where this machine's clock shows another, `retry_after` the seconds that
    the server wants to be left alone.
    """

    failure_kind: ClassVar[FailureKind] = FailureKind.REMOTE
    scope: ClassVar[Scope] = Scope.REQUEST
    advice: ClassVar[str] = ""

    def __init__(self, what: str, code: int | None = None, http_status: int | None = None) -> None:
        super().__init__(f"{what}: {self.advice}" if self.advice else what)
        self.code = code
        self.http_status = http_status
        self.body: str | None = None
        self.server_utc: datetime | None = None
        self.retry_after: float | None = None


class NotSentError(ApsError):
    """No connection was made, so nothing was sent and nothing counted."""

    scope = Scope.SERVER
    advice = "check the network and APS_BASE_URL; nothing was spent"


class TransportError(ApsError):
    """The connection broke or took too long; the server may have counted the call."""

    advice = "run again later; only what is missing will be asked"


class NotAnAnswerError(ApsError):
    """The body is not the API's JSON envelope."""

    advice = "the server is not answering as the API; run again later"


class MalformedError(NotAnAnswerError):
    """The body begins like the API's JSON and is not: cut off, NaN, a key twice, no integer code."""

    failure_kind = FailureKind.REFUSED
    advice = "the answer was not used; run again later"


class OversizedError(NotAnAnswerError):
    """More than any answer can be."""

    failure_kind = FailureKind.REFUSED
    advice = "it was not read to its end and not kept"


class WrongAddressError(ApsError):
    """Something other than the API answers where one endpoint should be."""

    failure_kind = FailureKind.ACCOUNT
    scope = Scope.ENDPOINT
    advice = "this account has no such endpoint for this system, or APS_API_PREFIX is wrong"


class RedirectedError(WrongAddressError):
    """The server sends us elsewhere, where no signature may follow."""

    failure_kind = FailureKind.REMOTE
    advice = "check APS_BASE_URL, or run again later"


class PassingError(ApsError):
    """A fault that usually passes."""

    advice = "usually passes; run again later"


class BusyError(ApsError):
    """Too many requests for the moment."""

    advice = "lower APS_CALLS_PER_SECOND or APS_MAX_IN_FLIGHT"


class RestrictedError(ApsError):
    """The server keeps us out for now."""

    failure_kind = FailureKind.DEFERRED
    scope = Scope.ACCOUNT
    advice = "wait some hours before the next run"


class QuotaError(ApsError):
    """The account's calls are used up."""

    failure_kind = FailureKind.QUOTA
    scope = Scope.ACCOUNT
    advice = (
        "another tool uses the same App Id, or the plan allows fewer calls than APS_MONTHLY_CALLS; "
        "calls stop until the quota resets"
    )


class AccountError(ApsError):
    """The account is not valid or its authorization has expired."""

    failure_kind = FailureKind.ACCOUNT
    scope = Scope.ACCOUNT
    advice = "check APS_APP_ID, or ask APsystems about the account"


class DeniedError(ApsError):
    """The account may not use this endpoint for this system."""

    failure_kind = FailureKind.ACCOUNT
    scope = Scope.ENDPOINT
    advice = "check APS_SYSTEM_IDS and what the account is authorized for"


class SignatureError(ApsError):
    """The request was not accepted as ours."""

    failure_kind = FailureKind.ACCOUNT
    scope = Scope.ACCOUNT
    advice = "check APS_APP_ID, APS_APP_SECRET and APS_SIGNATURE_METHOD, and that the clock is right"


class TokenError(ApsError):
    """A token complaint, which signed requests should not get."""

    failure_kind = FailureKind.ACCOUNT
    scope = Scope.ACCOUNT
    advice = "check APS_BASE_URL and APS_API_PREFIX; this API version may want another sign-in"


class ParameterError(ApsError):
    """The API does not accept this request."""

    failure_kind = FailureKind.REFUSED
    advice = "check the ids in APS_SYSTEM_IDS and the dates"


OK = 0
NO_DATA = 1001

CODES: dict[int, tuple[str, type[ApsError] | None]] = {
    OK: ("succeeded", None),
    1000: ("data exception", PassingError),
    NO_DATA: ("no data", None),
    2000: ("application account exception", AccountError),
    2001: ("invalid application account", AccountError),
    2002: ("the application account is not authorized", DeniedError),
    2003: ("the account's authorization has expired", AccountError),
    2004: ("the application account has no permission", DeniedError),
    2005: ("the account's access limit was exceeded", QuotaError),
    3000: ("access token exception", TokenError),
    3001: ("missing access token", TokenError),
    3002: ("unable to verify access token", TokenError),
    3003: ("access token timeout", TokenError),
    3004: ("refresh token timeout", TokenError),
    4000: ("request parameter exception", SignatureError),
    4001: ("invalid request parameter", ParameterError),
    5000: ("internal server exception", PassingError),
    6000: ("communication exception", PassingError),
    7000: ("server access restriction exception", RestrictedError),
    7001: ("server access limit exceeded", RestrictedError),
    7002: ("too many requests", BusyError),
    7003: ("the system is busy", BusyError),
}
"""Manual, Annex 1, read together with what is met in the field."""

_FAMILIES: dict[int, type[ApsError]] = {
    2: AccountError,
    3: TokenError,
    4: ParameterError,
    7: BusyError,
}


def error_of(code: int, message: str = "", http_status: int | None = None) -> ApsError | None:
    """Make the typed error of a response code; None for success and for 'no data'.

    A code that the manual does not list counts as the general one of its thousand.
    """
    meaning, kind = CODES.get(code, ("unknown code", _FAMILIES.get(code // 1000, PassingError)))
    if kind is None:
        return None
    said = f' ("{message}")' if message else ""
    return kind(f"code {code}, {meaning}{said}", code, http_status)
