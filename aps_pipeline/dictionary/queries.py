"""Six queries for whoever opens the warehouse for the first time; they are run on the sample."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    """A question, and the SQL that answers it in any warehouse."""

    question: str
    sql: str


QUERIES = (
    Query(
        "What is there, and what is missing?",
        """\
select state, count(*) as periods, count(distinct table_name) as tables, min(first_date) as since
from mart.coverage
group by state
order by periods desc;""",
    ),
    Query(
        "How much was produced on the last days, and is that the whole of it?",
        """\
select system_id, date, energy_kwh, state, hours_reported, coverage
from mart.daily_production
order by date desc, system_id
limit 10;""",
    ),
    Query(
        "At which hours does a system produce most?",
        """\
select system_id, calendar_month, hour, median_kwh, p10_kwh, p90_kwh, days
from mart.hourly_profile
order by median_kwh desc, system_id
limit 10;""",
    ),
    Query(
        "Which panels do worse than the others, and what has it cost?",
        """\
select system_id, inverter_id, channel, class, round(ratio, 2) as ratio, loss_kwh, evidence
from mart.panel_health
where class not in ('fine', 'removed')
order by loss_kwh desc nulls last, inverter_id, channel;""",
    ),
    Query(
        "Do the hours, days, months and panels agree with one another?",
        """\
select comparison, finding, count(*) as periods, max(abs(residual_kwh)) as largest_kwh
from mart.reconciliation
group by all
order by largest_kwh desc nulls last, comparison, finding;""",
    ),
    Query(
        "Where does a number come from?",
        """\
select date, energy_kwh, is_final, call_id, endpoint, level, period, sent_utc
from core.system_daily_energy
join meta.calls using (call_id, system_id)
order by date desc, system_id
limit 10;""",
    ),
)
