-- mart.specific_yield: Energy of each system over the capacity that it had at that time
-- grain: one row per system, level and local day or month that core has a row of energy for
-- key: system_id, level, period
-- after: system_zones
-- by_month: core.system_daily_energy, core.system_monthly_energy
-- caveat: absent_is_not_zero, provisional
-- note: core.system_capacity holds what answers said and when. What the capacity was before the first of them, after
--   the last and between two that differ is not known: capacity_basis says what was taken for it.
-- note: A period in which another capacity was first seen has no yield of its own; of such a month look at the days.
-- column system_id: System
-- column level: daily or monthly
-- column period: Local day or month: 2024-03-05 or 2024-03
-- column first_date: First local day of the period
-- column energy_kwh [kWh]: From core.system_daily_energy or core.system_monthly_energy; null where there is none
-- column state: Of energy_kwh: final (given after the revision days had ended), provisional or no number
-- column capacity_kw [kW]: Capacity taken for the period; null where no answer gives one or it changed
-- column capacity_basis: seen (the same before and after the period), assumed from the first sighting (the
--   period is earlier), assumed from the last sighting (nothing newer is known), assumed until the change (the
--   next answer after it gave another), changed (another was first seen in it) or unknown (no answer gave any)
-- column kwh_per_kwp [kWh/kWp]: Energy over that capacity; null without either
WITH periods AS (
    SELECT
        system_id,
        'daily' AS level,
        strftime(date, '%Y-%m-%d') AS period,
        date AS first_date,
        date + 1 AS next_date,
        energy_kwh,
        is_final
    FROM core.system_daily_energy
    UNION ALL
    SELECT
        system_id,
        'monthly',
        strftime(month, '%Y-%m'),
        month,
        last_day(month) + 1,
        energy_kwh,
        is_final
    FROM core.system_monthly_energy
),

bounded AS (
    SELECT
        periods.*,
        first_days.start_utc,
        last_days.end_utc
    FROM periods
    LEFT JOIN mart.system_zones AS zones USING (system_id)
    LEFT JOIN meta.zone_days AS first_days
        ON first_days.timezone = coalesce(zones.zone, 'UTC') AND first_days.date = periods.first_date
    LEFT JOIN meta.zone_days AS last_days
        ON last_days.timezone = coalesce(zones.zone, 'UTC') AND last_days.date = periods.next_date - 1
),

-- An answer without a capacity says nothing about it.
sightings AS (
    SELECT system_id, capacity_kw, first_seen_utc, last_seen_utc
    FROM core.system_capacity
    WHERE capacity_kw IS NOT NULL
),

before AS (
    SELECT
        bounded.system_id,
        bounded.level,
        bounded.period,
        max_by(sightings.capacity_kw, sightings.first_seen_utc) AS capacity_kw
    FROM bounded
    JOIN sightings USING (system_id)
    WHERE sightings.first_seen_utc <= bounded.start_utc
    GROUP BY ALL
),

within AS (
    SELECT
        bounded.system_id,
        bounded.level,
        bounded.period,
        count(DISTINCT sightings.capacity_kw) AS capacities,
        min(sightings.capacity_kw) AS capacity_kw
    FROM bounded
    JOIN sightings USING (system_id)
    WHERE sightings.last_seen_utc > bounded.start_utc AND sightings.first_seen_utc < bounded.end_utc
    GROUP BY ALL
),

after AS (
    SELECT
        bounded.system_id,
        bounded.level,
        bounded.period,
        min_by(sightings.capacity_kw, sightings.last_seen_utc) AS capacity_kw
    FROM bounded
    JOIN sightings USING (system_id)
    WHERE sightings.last_seen_utc >= bounded.end_utc
    GROUP BY ALL
),

based AS (
    SELECT
        bounded.*,
        before.capacity_kw AS before_kw,
        after.capacity_kw AS after_kw,
        within.capacity_kw AS within_kw,
        CASE
            WHEN coalesce(before.capacity_kw, within.capacity_kw, after.capacity_kw) IS NULL THEN 'unknown'
            WHEN within.capacities > 1 OR within.capacity_kw <> before.capacity_kw THEN 'changed'
            WHEN before.capacity_kw IS NULL THEN 'assumed from the first sighting'
            WHEN after.capacity_kw IS NULL THEN 'assumed from the last sighting'
            WHEN after.capacity_kw <> before.capacity_kw THEN 'assumed until the change'
            ELSE 'seen'
        END AS capacity_basis
    FROM bounded
    LEFT JOIN before USING (system_id, level, period)
    LEFT JOIN within USING (system_id, level, period)
    LEFT JOIN after USING (system_id, level, period)
),

measured AS (
    SELECT
        *,
        CASE WHEN capacity_basis <> 'changed' THEN coalesce(before_kw, within_kw, after_kw) END AS capacity_kw
    FROM based
)

SELECT
    system_id,
    level,
    period,
    first_date,
    energy_kwh,
    CASE
        WHEN energy_kwh IS NULL THEN 'no number'
        WHEN is_final THEN 'final'
        ELSE 'provisional'
    END AS state,
    capacity_kw,
    capacity_basis,
    energy_kwh / nullif(capacity_kw, 0) AS kwh_per_kwp
FROM measured
