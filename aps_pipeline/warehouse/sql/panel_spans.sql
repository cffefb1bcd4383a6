-- internal.panel_spans: How each panel did within each span, and of a month also what its days tell about its life
-- kind: internal
-- grain: one row per system, span and place on the roof with a row in it
-- key: system_id, span, place
-- by_month: internal.newest_days, mart.daily_production, mart.panel_daily
-- after: daily_production, newest_days, panel_daily, panel_inputs
WITH limits AS (
    SELECT 0.05 AS dead_below
),

span_days AS (
    SELECT system_id, 'newest' AS span, date FROM internal.newest_days
    UNION ALL
    SELECT system_id, strftime(date, '%Y-%m'), date
    FROM mart.daily_production
    WHERE panels_are_final AND panels_reported > 0
),

aged_days AS (
    SELECT *, row_number() OVER (PARTITION BY system_id, span ORDER BY date DESC) AS age
    FROM span_days
),

panel_rows AS (
    SELECT system_id, ecu_id, inverter_id, channel, place, label, date, energy_kwh, peers, peer_median_kwh, ratio,
        is_listed, is_comparable
    FROM mart.panel_daily
    UNION ALL BY NAME
    SELECT DISTINCT
        system_id,
        ecu_id,
        inverter_id,
        nameless.channel,
        nameless.place,
        nameless.label,
        date,
        panels.is_listed,
        false AS is_comparable
    FROM mart.panel_daily AS panels
    JOIN internal.panel_inputs AS nameless USING (system_id, inverter_id)
    WHERE nameless.is_nameless
),

shared AS (
    SELECT DISTINCT system_id, place FROM internal.panel_inputs WHERE is_shared
),

-- One panel at a place and a day: of two, that of the newest inverter with a number.
place_days AS (
    FROM panel_rows
    ANTI JOIN shared USING (system_id, place)
    UNION ALL
    SELECT panels.*
    FROM panel_rows AS panels
    SEMI JOIN shared USING (system_id, place)
    JOIN internal.panel_inputs AS inputs USING (system_id, inverter_id, channel)
    QUALIFY
        row_number() OVER (
            PARTITION BY panels.system_id, panels.place, panels.date
            ORDER BY panels.energy_kwh IS NULL, generation, ecu_id, inverter_id, channel
        ) = 1
),

-- A day of a month that is not judged has no age; a 0 is a sign of life only where the peers gave nothing worth comparing.
panel_days AS (
    SELECT
        panels.*,
        strftime(panels.date, '%Y-%m') AS span,
        age,
        is_comparable AND age IS NOT NULL AS is_compared,
        energy_kwh > 0 OR (energy_kwh IS NOT NULL AND NOT is_comparable) AS is_alive
    FROM place_days AS panels
    LEFT JOIN aged_days
        ON aged_days.system_id = panels.system_id
        AND aged_days.date = panels.date
        AND aged_days.span <> 'newest'
    UNION ALL BY NAME
    SELECT
        panels.*,
        span,
        age,
        is_comparable AS is_compared,
        energy_kwh > 0 OR (energy_kwh IS NOT NULL AND NOT is_comparable) AS is_alive
    FROM place_days AS panels
    JOIN aged_days USING (system_id, date)
    WHERE span = 'newest'
)

SELECT
    system_id,
    span,
    place,
    CASE WHEN span <> 'newest' THEN last_day(min(date)) END AS until,
    max_by(label, date) AS label,
    max_by({'ecu_id': ecu_id, 'inverter_id': inverter_id, 'channel': channel}, date) AS panel,
    min(date) AS oldest_date,
    max(date) AS newest_date,
    count(*) AS days_held,
    min(date) FILTER (energy_kwh > 0) AS first_energy_date,
    max(date) FILTER (energy_kwh > 0) AS last_energy_date,
    max(date) FILTER (is_comparable AND ratio >= dead_below) AS last_working_date,
    list(date) FILTER (is_comparable AND ratio < dead_below) AS idle_dates,
    count(*) FILTER (energy_kwh > 0) AS days_with_energy,
    bool_or(is_listed) AS is_listed,
    count(*) FILTER (is_compared) AS days_compared,
    median(ratio) FILTER (is_compared) AS ratio,
    -- Of the newest 7 days compared.
    list_median(max_by(ratio, date, 7) FILTER (is_compared)) AS recent_ratio,
    -- In decimals: exact, and so the same in whatever order the days are added.
    sum(peer_median_kwh::DECIMAL(28, 6) - energy_kwh::DECIMAL(28, 6)) FILTER (is_compared)::DOUBLE AS missed_kwh,
    quantile_disc(peers, 0.5) FILTER (is_compared) AS usual_peers,
    count(energy_kwh) FILTER (age IS NOT NULL) AS days_reported,
    sum(energy_kwh::DECIMAL(28, 6)) FILTER (age IS NOT NULL)::DOUBLE AS energy_kwh,
    min(age) FILTER (energy_kwh IS NOT NULL) AS newest_age,
    min(age) FILTER (is_alive) AS alive_age
FROM panel_days
CROSS JOIN limits
GROUP BY system_id, span, place
