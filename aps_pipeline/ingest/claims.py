"""What is concluded from kept answers: the calls that each claim rests on, and when it expires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aps_pipeline.ingest.equals import equality_claims, verdicts_of
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.knowledge import Knowledge, knowledge_of
from aps_pipeline.ingest.resting import rests_of_denied
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain
from aps_pipeline.planning import CLAIM_AGE, Claim, ClaimKind, Rest, grain_of, is_inventory
from aps_pipeline.tables import FETCHED


def claims_of(ledger: Ledger, now: datetime, revision: timedelta, zone: ZoneInfo) -> list[Claim]:
    """Every claim that holds at `now`: borders of retention, sole ECUs, rests. Raises LedgerError."""
    fleet = Fleet.load(ledger)
    tables = [table for table in FETCHED if not is_inventory(table) and grain_of(table) is Grain.DAY]
    knowledge = knowledge_of(ledger, fleet.systems, tables, revision, now)
    return [
        *_border_claims(knowledge),
        *equality_claims(verdicts_of(fleet, ledger, revision)),
        *_rest_claims(rests_of_denied(ledger, now, zone), zone),
    ]


def _border_claims(knowledge: Knowledge) -> Iterator[Claim]:
    for (endpoint, level, system_id), border in sorted(knowledge.known.borders.items()):
        yield Claim(
            ClaimKind.BEYOND_RETENTION,
            system_id,
            endpoint,
            level,
            "",
            border.last,
            border.call_ids,
            border.proven_utc,
            border.proven_utc + CLAIM_AGE,
            f"the API gave no data of days up to {border.last} although the system produced on them",
        )


def _rest_claims(rests: Mapping[tuple[str, ...], Rest], zone: ZoneInfo) -> Iterator[Claim]:
    for key, rest in sorted(rests.items()):
        endpoint, level, system_id, device_id, period = key if len(key) > 2 else (key[0], "", key[1], "", "")
        yield Claim(
            ClaimKind.RESTING,
            system_id,
            endpoint,
            level,
            device_id,
            None,
            (rest.call_id,),
            None,
            datetime.combine(rest.until, time(), zone).astimezone(UTC),
            f"{period} {rest.text}".strip(),
        )
