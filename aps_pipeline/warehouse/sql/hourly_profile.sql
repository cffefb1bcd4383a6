-- mart.hourly_profile: The usual course of a day of each system, by season
-- grain: one row per system, calendar month and local hour that there is a whole day for
-- key: system_id, calendar_month, hour
-- after: daily_production
-- by_month: core.system_hourly_energy, mart.daily_production
-- caveat: local_hour
-- note: A whole day has a final number for each of its 24 hours. The hemisphere is not known, so seasons are
--   calendar months, over all years.
-- note: Where clocks change, the skipped hour lasts 0 and the repeated one 2 hours: it is a day like the others here.
-- column system_id: System
-- column calendar_month: 1 January to 12 December
-- column hour: Local hour 0-23 at the system, as its clock shows it
-- column mean_kwh [kWh]: Mean energy of the hour
-- column median_kwh [kWh]: Median
-- column p10_kwh [kWh]: 10th percentile, between two days where it falls between them
-- column p90_kwh [kWh]: 90th percentile
-- column days [d]: Whole days that these are of
SELECT
    hours.system_id,
    month(hours.date) AS calendar_month,
    hours.hour,
    -- A sum in decimals: exact, and so the same in whatever order the rows are added.
    sum(hours.energy_kwh::DECIMAL(28, 6))::DOUBLE / count(*) AS mean_kwh,
    quantile_cont(hours.energy_kwh, 0.5) AS median_kwh,
    quantile_cont(hours.energy_kwh, 0.1) AS p10_kwh,
    quantile_cont(hours.energy_kwh, 0.9) AS p90_kwh,
    count(*) AS days
FROM core.system_hourly_energy AS hours
JOIN mart.daily_production AS days USING (system_id, date)
WHERE days.hours_reported = 24 AND days.hours_are_final
GROUP BY ALL
