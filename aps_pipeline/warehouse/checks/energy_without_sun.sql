-- check.energy_without_sun: hours of a system that lie wholly before dawn or after dusk, with more than 0.05 kWh,
--   where its position is given
-- severity: warning
-- advice: Look at the position in the roof file, at the time zone that is entered at APsystems, and at the clock of
--   the ECU. Nothing is wrong where a battery counts as production.
SELECT hours.*, light.first_light_utc, light.last_light_utc
FROM core.system_hourly_energy AS hours
JOIN meta.daylight AS light USING (system_id, date)
WHERE
    energy_kwh > 0.05
    AND (first_light_utc IS NULL OR end_utc <= first_light_utc OR start_utc >= last_light_utc)
ORDER BY energy_kwh DESC, system_id, date, hour
