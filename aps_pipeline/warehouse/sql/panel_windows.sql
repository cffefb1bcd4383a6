-- mart.panel_windows: How each panel did against its peers within a span of days, and what its weakness has cost
-- grain: one row per system, span and place on the roof that had a panel by then
-- key: system_id, span, place
-- after: daily_production, panel_daily
-- caveat: channel_is_not_panel_position
-- note: The span newest is the newest 30 days of the system whose panels are final and gave a number; it is
--   mart.panel_health. The others are the months, each with such days only; they are mart.panel_month.
-- note: A panel is a place on the roof. Where the roof file says that an inverter replaces another, the days of both
--   count, and the inverter of the newest day is named.
-- note: The first class that applies. removed: the inverter is gone from the inventory, or is not in it and silent.
--   unused channel: no energy on any day there is, while another channel of the inverter had some on 7 or more.
--   offline: on each of the newest 3 days of the span no channel of the inverter gave a number, or only 0 while
--   its peers produced. unknown: fewer than 7 days compared, or no number on the newest 7 days.
--   dead input: recent_ratio below 0.05 while that of another channel of the inverter is not. weak: ratio below
--   0.85, which make, dirt and a somewhat different slope do not explain. fine: all others.
-- note: Without a roof file all panels of a system are peers, whichever way they face and whatever their size: one
--   that is meant to give less than the rest has a low ratio too. Where all is silent the span ends earlier.
-- column system_id: System
-- column span: newest, or a month such as 2025-12
-- column place: Its place on the roof; without a roof file inverter and channel
-- column label: What its owner calls it; null where the roof file says nothing
-- column ecu_id: ECU, the gateway that the inverter reports to
-- column inverter_id: Inverter
-- column channel: Input of the inverter, from 1
-- column first_date: First local day of the span; null where the system has no such day
-- column last_date: Last local day of the span
-- column days_compared: Days of the span on which the panel could be compared: is_comparable in mart.panel_daily
-- column days_reported: Days of the span on which it gave a number
-- column energy_kwh [kWh]: Sum of those; null without any
-- column ratio: Median over the days compared of its energy over the median of its peers; null without any
-- column recent_ratio: The same over the newest 7 days compared
-- column class: fine, weak, dead input, offline, unused channel, removed or unknown
-- column loss_kwh [kWh]: Median of its peers less its own energy, summed over the days compared; null unless the
--   class is weak or dead input
-- column loss_basis: What loss_kwh rests on; null without it
-- column last_energy_date: Last local day with energy above 0 until the span ends, final or not; null without one
-- column is_listed: Whether the inventory has ever named the inverter
WITH limits AS (
    SELECT
        30 AS window_days,
        7 AS recent_days,
        3 AS silent_days,
        0.05 AS dead_below,
        0.85 AS weak_below
),

judged_days AS (
    SELECT system_id, date, row_number() OVER (PARTITION BY system_id ORDER BY date DESC) AS newness
    FROM mart.daily_production
    WHERE panels_are_final AND panels_reported > 0
),

span_days AS (
    SELECT system_id, 'newest' AS span, date
    FROM judged_days
    WHERE newness <= (SELECT window_days FROM limits)
    UNION ALL
    SELECT system_id, strftime(date, '%Y-%m'), date
    FROM judged_days
),

aged_days AS (
    SELECT *, row_number() OVER (PARTITION BY system_id, span ORDER BY date DESC) AS age
    FROM span_days
),

known_spans AS (
    SELECT system_id, span, min(date) AS first_date, max(date) AS last_date, count(*) AS days
    FROM aged_days
    GROUP BY ALL
),

-- Of a system without such a day at least the panels are named.
spans AS (
    SELECT
        *,
        CASE WHEN span = 'newest' THEN DATE '9999-12-31' ELSE last_day(first_date) END AS until
    FROM known_spans
    UNION ALL
    SELECT DISTINCT system_id, 'newest', NULL::DATE, NULL::DATE, NULL::BIGINT, DATE '9999-12-31'
    FROM mart.panel_daily
    WHERE system_id NOT IN (SELECT system_id FROM known_spans)
),

-- One panel at a place and a day: where an old inverter still has rows, that of the newest with a number.
place_days AS (
    SELECT panels.*
    FROM mart.panel_daily AS panels
    LEFT JOIN meta.panels AS roof USING (system_id, inverter_id, channel)
    QUALIFY
        row_number() OVER (
            PARTITION BY panels.system_id, panels.place, panels.date
            ORDER BY panels.energy_kwh IS NULL, coalesce(roof.generation, 0), ecu_id, inverter_id, channel
        ) = 1
),

-- What was known of each place by the end of each span, and the inverter that was there last.
lives AS (
    SELECT
        spans.system_id,
        spans.span,
        spans.until,
        panels.place,
        any_value(panels.label) AS label,
        max_by((panels.ecu_id, panels.inverter_id, panels.channel), panels.date) AS panel,
        max(panels.date) AS newest_date,
        max(panels.date) FILTER (panels.energy_kwh > 0) AS last_energy_date,
        count(*) FILTER (panels.energy_kwh > 0) AS days_with_energy,
        bool_or(panels.is_listed) AS is_listed,
        spans.first_date,
        spans.last_date,
        spans.days
    FROM spans
    JOIN place_days AS panels ON panels.system_id = spans.system_id AND panels.date <= spans.until
    GROUP BY ALL
),

-- A 0 is a sign of life only where the peers gave nothing worth comparing.
panel_days AS (
    SELECT
        panels.*,
        aged_days.span,
        aged_days.age,
        energy_kwh > 0 OR (energy_kwh IS NOT NULL AND NOT is_comparable) AS is_alive
    FROM place_days AS panels
    JOIN aged_days USING (system_id, date)
),

compared AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY system_id, span, place ORDER BY date DESC) AS compared_age
    FROM panel_days
    WHERE is_comparable
),

-- The loss in decimals: exact, and so the same in whatever order the days are added.
ratios AS (
    SELECT
        system_id,
        span,
        place,
        count(*) AS days_compared,
        median(ratio) AS ratio,
        median(ratio) FILTER (compared_age <= recent_days) AS recent_ratio,
        sum(peer_median_kwh::DECIMAL(28, 6) - energy_kwh::DECIMAL(28, 6))::DOUBLE AS missed_kwh,
        quantile_disc(peers, 0.5) AS usual_peers
    FROM compared
    CROSS JOIN limits
    GROUP BY ALL
),

reports AS (
    SELECT
        system_id,
        span,
        place,
        count(energy_kwh) AS days_reported,
        sum(energy_kwh::DECIMAL(28, 6))::DOUBLE AS energy_kwh,
        min(age) FILTER (energy_kwh IS NOT NULL) AS newest_age,
        min(age) FILTER (is_alive) AS alive_age
    FROM panel_days
    GROUP BY ALL
),

judged AS (
    SELECT
        lives.*,
        panel[1] AS ecu_id,
        panel[2] AS inverter_id,
        panel[3] AS channel,
        coalesce(ratios.days_compared, 0) AS days_compared,
        coalesce(reports.days_reported, 0) AS days_reported,
        reports.energy_kwh,
        reports.newest_age,
        ratios.ratio,
        ratios.recent_ratio,
        ratios.missed_kwh,
        ratios.usual_peers,
        max(days_with_energy) OVER inverter AS inverter_days_with_energy,
        max(recent_ratio) OVER inverter AS best_recent_ratio,
        coalesce(lives.days >= silent_days, false)
        AND coalesce(min(alive_age) OVER inverter > silent_days, true) AS is_silent
    FROM lives
    LEFT JOIN ratios USING (system_id, span, place)
    LEFT JOIN reports USING (system_id, span, place)
    CROSS JOIN limits
    WINDOW inverter AS (PARTITION BY system_id, span, panel[1], panel[2])
),

classed AS (
    SELECT
        judged.*,
        CASE
            WHEN inverters.gone_utc::DATE <= until THEN 'removed'
            WHEN
                is_silent AND inverters.inverter_id IS NULL
                AND system_id IN (SELECT system_id FROM core.inverters)
                THEN 'removed'
            WHEN days_with_energy = 0 AND inverter_days_with_energy >= recent_days THEN 'unused channel'
            WHEN is_silent THEN 'offline'
            WHEN days_compared < recent_days OR newest_age > recent_days THEN 'unknown'
            WHEN recent_ratio < dead_below AND best_recent_ratio >= dead_below THEN 'dead input'
            WHEN ratio < weak_below THEN 'weak'
            ELSE 'fine'
        END AS class
    FROM judged
    LEFT JOIN core.inverters AS inverters USING (system_id, ecu_id, inverter_id)
    CROSS JOIN limits
)

SELECT
    system_id,
    span,
    place,
    label,
    ecu_id,
    inverter_id,
    channel,
    first_date,
    last_date,
    days_compared,
    days_reported,
    energy_kwh,
    ratio,
    recent_ratio,
    class,
    CASE WHEN class IN ('weak', 'dead input') THEN missed_kwh END AS loss_kwh,
    CASE
        WHEN loss_kwh IS NOT NULL
            THEN format('{} days against the median of {} peers', days_compared, usual_peers)
    END AS loss_basis,
    last_energy_date,
    is_listed
FROM classed
-- One that went away in an earlier month is not of this one.
WHERE span = 'newest' OR class <> 'removed' OR newest_date >= first_date
