-- check.slots_against_hours: hours of an ECU that its slots do not add up to, where both are final and no slot is
--   missing. Slots and hours have 2 decimals, so n slots and their hour may differ by (n + 1) * 0.005 kWh. A slot
--   belongs to the hour of its label. Slots more than 10 minutes apart, or without a number, leave a gap: there
--   only slots that sum up to more than the hour count.
-- severity: warning
-- advice: Look at both calls in meta.calls; the API disagrees with itself, so ask APsystems, or use the hours.
WITH slots AS (
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
        (slots + 1) * 0.005 AS tolerance_kwh
    FROM slot_hours
    JOIN core.ecu_hourly_energy AS hours USING (system_id, ecu_id, date, hour)
    JOIN meta.calls AS calls USING (call_id)
    JOIN mart.local_days AS days USING (system_id, date)
    WHERE calls.sent_utc >= days.final_utc
)

SELECT *
FROM compared
WHERE residual_kwh > tolerance_kwh OR (residual_kwh < -tolerance_kwh AND NOT has_gap)
ORDER BY abs(residual_kwh) DESC, system_id, ecu_id, date, hour
