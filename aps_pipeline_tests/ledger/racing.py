"""What other processes do in the tests of the ledger."""

from __future__ import annotations

import sys
import time

from aps_pipeline.ledger import (
    AlreadyAnsweredError,
    CallEnd,
    CallState,
    InFlightError,
    Ledger,
    MixedDataError,
    QuotaAccount,
    QuotaExhaustedError,
)
from aps_pipeline.periods import zone
from aps_pipeline_tests.clocks import NOW, Clock
from aps_pipeline_tests.ledger.helpers import request


def account_of(limit: int) -> QuotaAccount:
    return QuotaAccount("app", limit, 0, zone("Asia/Shanghai"))


def spend(url: str, worker: int, limit: int) -> int:
    """Reserve and finish calls of one's own until the quota is used up; how many there were."""
    ledger, made = Ledger(url, now=Clock(NOW)), 0
    while True:
        try:
            call_id = ledger.reserve(request(system_id=f"S{worker}x{made}"), account_of(limit)).call_id
        except QuotaExhaustedError:
            ledger.close()
            return made
        made += 1
        if made % 2:
            ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, body="{}", simulated=True))


def ask_the_same(url: str, worker: int, days: int) -> int:
    """Ask each of the same requests; how many of them were for this process to ask."""
    ledger, made = Ledger(url, now=Clock(NOW)), 0
    for day in range(1, days + 1):
        try:
            call_id = ledger.reserve(request(day), account_of(1000)).call_id
        except (AlreadyAnsweredError, InFlightError):
            continue
        made += 1
        ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, body=str(worker), simulated=True))
    ledger.close()
    return made


def first_answer(url: str, worker: int, _limit: int) -> str:
    """Bring the first answer, simulated by every other process; which kind it was, if it was taken."""
    ledger, simulated = Ledger(url, now=Clock(NOW)), bool(worker % 2)
    call_id = ledger.reserve(request(system_id=f"S{worker}"), account_of(1000)).call_id
    try:
        ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, body="{}", simulated=simulated))
    except MixedDataError:
        return ""
    finally:
        ledger.close()
    return str(simulated)


def main(url: str) -> None:
    """Reserve a call, say its number, and never finish it."""
    call_id = Ledger(url, now=Clock(NOW)).reserve(request(), account_of(10)).call_id
    print(call_id, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1])
