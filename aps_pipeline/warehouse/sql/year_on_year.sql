-- mart.year_on_year: Each month of each system beside the same month of the year before, on equal days only
-- grain: one row per system and local month that core.system_daily_energy has a final number for a day of
-- key: system_id, month
-- caveat: absent_is_not_zero
-- note: Compared are the days of the month that have a final number in both years, so 29 February never is.
-- note: Without such a day both sums are null, never 0. Capacity that was added in between counts as a gain.
-- column system_id: System
-- column month: First day of the local month
-- column energy_kwh [kWh]: Sum of the days compared
-- column energy_before_kwh [kWh]: Sum of the same days a year before
-- column ratio: Energy over that of the year before; null without either or where that is 0
-- column days_compared [d]: Days that have a final number in both years
-- column days_in_month [d]: Days of the month
WITH days AS (
    SELECT system_id, date, energy_kwh
    FROM core.system_daily_energy
    WHERE is_final AND energy_kwh IS NOT NULL
),

paired AS (
    SELECT
        days.system_id,
        date_trunc('month', days.date)::DATE AS month,
        CASE WHEN before.energy_kwh IS NOT NULL THEN days.energy_kwh END AS energy_kwh,
        before.energy_kwh AS energy_before_kwh
    FROM days
    LEFT JOIN days AS before
        ON before.system_id = days.system_id
        AND year(before.date) + 1 = year(days.date)
        AND month(before.date) = month(days.date)
        AND day(before.date) = day(days.date)
),

-- Sums in decimals: exact, and so the same in whatever order the rows are added.
months AS (
    SELECT
        system_id,
        month,
        sum(energy_kwh::DECIMAL(28, 6))::DOUBLE AS energy_kwh,
        sum(energy_before_kwh::DECIMAL(28, 6))::DOUBLE AS energy_before_kwh,
        count(energy_kwh) AS days_compared
    FROM paired
    GROUP BY ALL
)

SELECT
    system_id,
    month,
    energy_kwh,
    energy_before_kwh,
    energy_kwh / nullif(energy_before_kwh, 0) AS ratio,
    days_compared,
    day(last_day(month)) AS days_in_month
FROM months
