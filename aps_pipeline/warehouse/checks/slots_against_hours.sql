-- check.slots_against_hours: hours of an ECU that its slots do not add up to, where both are final and no slot is
--   missing. Each of n slots and their hour may be off by half a unit of the last decimal that came, with 2 decimals
--   by (n + 1) * 0.005 kWh together. A slot belongs to the hour of its label. Slots more than 10 minutes apart, or
--   without a number, leave a gap: there only slots that sum up to more than the hour count.
-- severity: warning
-- advice: Two answers contradict each other. `aps backfill … --again` asks for both anew; where they still differ,
--   ask APsystems, or use the hours.
WITH slot_units AS (
    SELECT
        system_id,
        ecu_id,
        decimals_of_series(max(decimals_of(energy_kwh)), approx_count_distinct(nullif(energy_kwh, 0)), 2) AS decimals
    FROM core.ecu_power
    GROUP BY system_id, ecu_id
),

slots AS (
    SELECT
        slots.*,
        left(label, 2)::TINYINT AS hour,
        end_utc - lag(end_utc) OVER day AS since_last,
        lead(end_utc) OVER day - end_utc AS until_next
    FROM core.ecu_power AS slots
    WINDOW day AS (PARTITION BY system_id, ecu_id, date ORDER BY end_utc)
),

-- A slot that ends with the day is labelled 00:00, which is not the hour 0 of that day.
slot_hours AS (
    SELECT
        slots.system_id,
        ecu_id,
        date,
        hour,
        sum(energy_kwh::DECIMAL(28, 6))::DOUBLE AS slots_kwh,
        count(*) AS slots,
        bool_or(
            energy_kwh IS NULL
            OR coalesce(since_last > INTERVAL 10 MINUTES, false)
            OR coalesce(until_next > INTERVAL 10 MINUTES, false)
        ) AS has_gap
    FROM slots
    JOIN mart.local_days AS days USING (system_id, date)
    JOIN meta.calls AS calls USING (call_id)
    WHERE slots.end_utc < days.end_utc AND calls.sent_utc >= days.final_utc
    GROUP BY ALL
),

compared AS (
    SELECT
        slot_hours.*,
        hours.energy_kwh AS hour_kwh,
        round(slots_kwh - hours.energy_kwh, 6) AS residual_kwh,
        round(slots * half_unit(slot_units.decimals) + units.half_unit_kwh, 9) AS tolerance_kwh
    FROM slot_hours
    JOIN slot_units USING (system_id, ecu_id)
    JOIN mart.decimals AS units
        ON units.table_name = 'ecu_hourly_energy'
        AND units.system_id = slot_hours.system_id
        AND units.device_id = slot_hours.ecu_id
    JOIN core.ecu_hourly_energy AS hours
        ON hours.system_id = slot_hours.system_id
        AND hours.ecu_id = slot_hours.ecu_id
        AND hours.date = slot_hours.date
        AND hours.hour = slot_hours.hour
    JOIN meta.calls AS calls USING (call_id)
    JOIN mart.local_days AS days ON days.system_id = slot_hours.system_id AND days.date = slot_hours.date
    WHERE calls.sent_utc >= days.final_utc
)

SELECT *, 'ecu_power,ecu_hourly_energy' AS tables, date AS first_date, date AS last_date
FROM compared
WHERE residual_kwh > tolerance_kwh OR (residual_kwh < -tolerance_kwh AND NOT has_gap)
ORDER BY abs(residual_kwh) DESC, system_id, ecu_id, date, hour
