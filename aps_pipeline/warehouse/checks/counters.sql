-- check.counters: figures of summaries that cannot all be right. Findings: fell (less than an earlier answer gave for
--   the same day, month, year or lifetime), above a longer span (today above the month, the month above the year, the
--   year above the lifetime), above its list (a month or year that a list of it, asked a day later or more, gives
--   less for) and below its years (a lifetime below the sum of the years, asked a day before or more). By more than
--   their decimals allow; answers within an hour of local midnight are compared by their lifetime only, because
--   nobody knows which day they speak of.
-- severity: warning
-- advice: Every answer is kept, so look at both calls in meta.calls. A device that was replaced or reset explains a
--   counter that fell: see core.inverters and core.ecus. Otherwise the API contradicts itself: use sums of days, and
--   ask APsystems.
WITH flows AS (
    SELECT 'system_summary' AS table_name, system_id, '' AS device_id, 0 AS channel, taken_utc, call_id,
        COLUMNS('_kwh$')
    FROM core.system_summary
    UNION ALL
    SELECT 'ecu_summary', system_id, ecu_id, 0, taken_utc, call_id, COLUMNS('_kwh$') FROM core.ecu_summary
    UNION ALL
    SELECT 'inverter_summary', system_id, inverter_id, channel, taken_utc, call_id, COLUMNS('_kwh$')
    FROM core.inverter_summary
),

figures AS (
    SELECT table_name, system_id, device_id, channel, taken_utc, call_id, 'energy' AS flow,
        replace(column_name, '_kwh', '') AS span, column_name, kwh
    FROM flows
    UNPIVOT (kwh FOR column_name IN (COLUMNS('_kwh$')))
    UNION ALL
    SELECT 'meter_summary', system_id, meter_id, 0, taken_utc, call_id, split_part(column_name, '_', 1),
        split_part(column_name, '_', 2), column_name, kwh
    FROM (SELECT system_id, meter_id, taken_utc, call_id, COLUMNS('_kwh$') FROM core.meter_summary)
    UNPIVOT (kwh FOR column_name IN (COLUMNS('_kwh$')))
),

dated AS (
    SELECT
        figures.*,
        units.half_unit_kwh,
        list_position(['today', 'month', 'year', 'lifetime'], span) AS length,
        days.date,
        coalesce(
            taken_utc NOT BETWEEN days.start_utc + INTERVAL 1 HOUR AND days.end_utc - INTERVAL 1 HOUR, true
        ) AS is_near_midnight,
        CASE span
            WHEN 'today' THEN days.date
            WHEN 'month' THEN date_trunc('month', days.date)::DATE
            WHEN 'year' THEN date_trunc('year', days.date)::DATE
            ELSE DATE '0001-01-01'
        END AS since
    FROM figures
    JOIN mart.decimals AS units USING (table_name, system_id, device_id, column_name)
    LEFT JOIN mart.system_zones AS zones ON zones.system_id = figures.system_id
    LEFT JOIN meta.zone_days AS days
        ON days.timezone = coalesce(zones.zone, 'UTC')
        AND figures.taken_utc >= days.start_utc
        AND figures.taken_utc < days.end_utc
),

told AS (SELECT * FROM dated WHERE span = 'lifetime' OR NOT is_near_midnight),

fallen AS (
    SELECT
        told.*,
        'fell' AS finding,
        lag(kwh) OVER series AS other_kwh,
        lag(call_id) OVER series AS other_call_id,
        span AS other,
        round(other_kwh - kwh, 6) AS off_kwh,
        round(2 * half_unit_kwh, 9) AS tolerance_kwh
    FROM told
    WINDOW series AS (
        PARTITION BY table_name, system_id, device_id, channel, flow, span, since
        ORDER BY taken_utc, call_id
    )
),

above AS (
    SELECT
        short.*,
        'above a longer span' AS finding,
        long.kwh AS other_kwh,
        long.call_id AS other_call_id,
        long.span AS other,
        round(short.kwh - long.kwh, 6) AS off_kwh,
        round(short.half_unit_kwh + long.half_unit_kwh, 9) AS tolerance_kwh
    FROM told AS short
    JOIN told AS long USING (table_name, system_id, device_id, channel, flow, taken_utc, call_id)
    WHERE long.length = short.length + 1
),

-- What lists of months and years give of the same, by the table of the summary.
lists AS (
    SELECT 'system_summary' AS table_name, 'system_monthly_energy' AS list_name, system_id, '' AS device_id, 0 AS channel,
        'energy' AS flow, 'month' AS span, month AS since, energy_kwh AS kwh, call_id
    FROM core.system_monthly_energy
    UNION ALL
    SELECT 'system_summary', 'system_yearly_energy', system_id, '', 0, 'energy', 'year', make_date(year, 1, 1),
        energy_kwh, call_id
    FROM core.system_yearly_energy
    UNION ALL
    SELECT 'ecu_summary', 'ecu_monthly_energy', system_id, ecu_id, 0, 'energy', 'month', month, energy_kwh, call_id
    FROM core.ecu_monthly_energy
    UNION ALL
    SELECT 'ecu_summary', 'ecu_yearly_energy', system_id, ecu_id, 0, 'energy', 'year', make_date(year, 1, 1),
        energy_kwh, call_id
    FROM core.ecu_yearly_energy
    UNION ALL
    SELECT 'inverter_summary', 'inverter_monthly_energy', system_id, inverter_id, channel, 'energy', 'month', month,
        energy_kwh, call_id
    FROM core.inverter_monthly_energy
    UNION ALL
    SELECT 'inverter_summary', 'inverter_yearly_energy', system_id, inverter_id, channel, 'energy', 'year',
        make_date(year, 1, 1), energy_kwh, call_id
    FROM core.inverter_yearly_energy
    UNION ALL
    SELECT 'meter_summary', 'meter_monthly_energy', system_id, meter_id, 0, split_part(column_name, '_', 1), 'month', month,
        kwh, call_id
    FROM core.meter_monthly_energy
    UNPIVOT (kwh FOR column_name IN (produced_kwh, consumed_kwh, imported_kwh, exported_kwh))
    UNION ALL
    SELECT 'meter_summary', 'meter_yearly_energy', system_id, meter_id, 0, split_part(column_name, '_', 1), 'year',
        make_date(year, 1, 1), kwh, call_id
    FROM core.meter_yearly_energy
    UNPIVOT (kwh FOR column_name IN (produced_kwh, consumed_kwh, imported_kwh, exported_kwh))
),

listed AS (
    SELECT
        lists.*,
        calls.sent_utc,
        units.half_unit_kwh
    FROM lists
    JOIN meta.calls AS calls USING (call_id)
    JOIN mart.decimals AS units
        ON units.table_name = lists.list_name
        AND units.system_id = lists.system_id
        AND units.device_id = lists.device_id
        AND units.column_name = format('{}_kwh', flow)
    WHERE kwh IS NOT NULL
),

expected AS (
    FROM listed
    UNION ALL BY NAME
    SELECT
        table_name,
        list_name,
        system_id,
        device_id,
        channel,
        flow,
        'lifetime' AS span,
        DATE '0001-01-01' AS since,
        sum(kwh::DECIMAL(28, 6))::DOUBLE AS kwh,
        max(call_id) AS call_id,
        max(sent_utc) AS sent_utc,
        sum(half_unit_kwh::DECIMAL(28, 9))::DOUBLE AS half_unit_kwh
    FROM listed
    WHERE span = 'year'
    GROUP BY ALL
),

-- A month or year is compared with a later list, a lifetime with the years of an earlier one.
beside_lists AS (
    SELECT
        told.*,
        if(span = 'lifetime', 'below its years', 'above its list') AS finding,
        expected.kwh AS other_kwh,
        expected.call_id AS other_call_id,
        expected.list_name AS other,
        round(if(span = 'lifetime', expected.kwh - told.kwh, told.kwh - expected.kwh), 6) AS off_kwh,
        round(told.half_unit_kwh + expected.half_unit_kwh, 9) AS tolerance_kwh
    FROM told
    JOIN expected USING (table_name, system_id, device_id, channel, flow, span, since)
    WHERE if(
        span = 'lifetime',
        expected.sent_utc <= told.taken_utc - INTERVAL 1 DAY,
        expected.sent_utc >= told.taken_utc + INTERVAL 1 DAY
    )
)

SELECT
    table_name,
    system_id,
    device_id,
    channel,
    flow,
    span,
    date,
    finding,
    kwh,
    call_id,
    other,
    other_kwh,
    other_call_id,
    off_kwh,
    tolerance_kwh
FROM (FROM fallen UNION ALL FROM above UNION ALL FROM beside_lists)
WHERE off_kwh > tolerance_kwh
ORDER BY off_kwh DESC, table_name, system_id, device_id, channel, flow, span, call_id, finding
