-- mart.panel_windows: How each panel did against its peers within a span of days, and what its weakness has cost
-- grain: one row per system, span and place on the roof that had a row by then, or whose input has a lifetime
-- key: system_id, span, place
-- after: daily_production, heard_days, newest_days, panel_inputs, panel_spans
-- caveat: channel_is_not_panel_position
-- note: The span newest is the newest 30 days of the system whose panels are final and gave a number; it is
--   mart.panel_health. The others are the months, each with such days only; they are mart.panel_month.
-- note: A panel is a place on the roof. Where the roof file says that an inverter replaces another, the days of both
--   count, and the inverter of the newest day is named.
-- note: The first class that applies; evidence says what it rests on. removed: the inverter is gone from the
--   inventory, or is not in it and none of the newest 3 days has energy of it. Of an input without energy on any day
--   held, where another input of its inverter has energy on 7 days or more: unused channel, if core.inverter_summary
--   was asked since its first day held and gives it a lifetime of 0 or none; dead input, if that gives it a lifetime
--   and the inverter is not silent; else unknown, for the days held cannot tell the two apart. offline: on each of
--   the newest 3 days with an answer about its ECU no channel of the inverter gave a number, or only 0 while its
--   peers produced. unknown: fewer than 7 days compared, no number on the newest 3 days, or a lifetime that rose
--   while no day held has energy. dead input: recent_ratio below 0.05 while that of another channel of the inverter
--   is not. weak: ratio below 0.85, which make, dirt and a somewhat different slope do not explain. fine: all others.
-- note: An answer about an ECU names one of its panels, or is its final 0 in core.ecu_daily_energy. Where all that is
--   held of its ECU is "no data" (1001), a failure or nothing, a panel is unknown and not offline.
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
-- column evidence: What the class rests on, in words
-- column evidence_call_id: The call of core.inverter_summary that it rests on; null where days decide
-- column since_date: First day held on which it is so: offline or dead input; null where it was so before the first
--   day held, and for all other classes
-- column loss_kwh [kWh]: Median of its peers less its own energy, summed over the days compared; null unless the
--   class is weak or dead input
-- column loss_basis: What loss_kwh rests on; null without it
-- column last_energy_date: Last local day with energy above 0 until the span ends, final or not; null without one
-- column is_listed: Whether an answer held about the inventory names the inverter
WITH limits AS (
    SELECT
        7 AS recent_days,
        3 AS silent_days,
        0.05 AS dead_below,
        0.05 AS rise_kwh,
        0.85 AS weak_below
),

judged_days AS (
    SELECT system_id, date
    FROM mart.daily_production
    WHERE panels_are_final AND panels_reported > 0
),

-- Of each system the days of each span, the newest being 1.
span_days AS (
    SELECT system_id, 'newest' AS span, date FROM internal.newest_days
    UNION ALL
    SELECT system_id, strftime(date, '%Y-%m'), date FROM judged_days
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
    FROM internal.panel_spans
    WHERE system_id NOT IN (SELECT system_id FROM known_spans)
),

-- By month: a span then needs the months before it, and not the days.
place_months AS (
    SELECT system_id, place, until, label, panel, oldest_date, newest_date, days_held, last_energy_date,
        last_working_date, days_with_energy, is_listed
    FROM internal.panel_spans
    WHERE span <> 'newest'
),

-- What was known of each place by the end of each span, and the inverter that was there last.
lives AS (
    SELECT *
    FROM (
        SELECT
            system_id,
            span,
            until,
            place,
            last_value(label IGNORE NULLS) OVER past AS label,
            last_value(panel IGNORE NULLS) OVER past AS panel,
            min(oldest_date) OVER past AS oldest_date,
            max(newest_date) OVER past AS newest_date,
            (sum(days_held) OVER past)::BIGINT AS days_held,
            max(last_energy_date) OVER past AS last_energy_date,
            max(last_working_date) OVER past AS last_working_date,
            (sum(days_with_energy) OVER past)::BIGINT AS days_with_energy,
            bool_or(is_listed) OVER past AS is_listed,
            first_date,
            last_date,
            days
        FROM (
            FROM place_months
            UNION ALL BY NAME
            SELECT spans.*, place
            FROM spans
            JOIN (SELECT DISTINCT system_id, place FROM place_months) USING (system_id)
        )
        WINDOW past AS (PARTITION BY system_id, place ORDER BY until RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    WHERE span IS NOT NULL AND days_held > 0
),

first_energies AS (
    SELECT system_id, place, min(first_energy_date) AS first_energy_date
    FROM internal.panel_spans
    GROUP BY ALL
),

-- Answers of summaries about each inverter; one that does not name an input says that it has no lifetime.
summaries AS (
    SELECT system_id, inverter_id, call_id, max(taken_utc) AS taken_utc
    FROM (
        SELECT system_id, inverter_id, call_id, taken_utc FROM core.inverter_summary
        UNION ALL
        SELECT system_id, device_id, call_id, sent_utc
        FROM meta.calls
        WHERE endpoint = 'inverter_summary' AND state = 'answered'
    )
    GROUP BY ALL
),

told AS (
    SELECT
        inputs.system_id,
        inputs.inverter_id,
        inputs.channel,
        max(summaries.taken_utc)::DATE AS told_date,
        max_by(call_id, summaries.taken_utc) AS told_call_id,
        max_by(coalesce(lifetime_kwh = 0, false), summaries.taken_utc) AS is_told_0,
        max_by(lifetime_kwh, summaries.taken_utc) FILTER (lifetime_kwh > 0) AS lifetime_kwh,
        max_by(call_id, summaries.taken_utc) FILTER (lifetime_kwh > 0) AS lifetime_call_id
    FROM internal.panel_inputs AS inputs
    JOIN summaries USING (system_id, inverter_id)
    LEFT JOIN core.inverter_summary AS lifetimes USING (system_id, inverter_id, channel, call_id)
    GROUP BY ALL
),

-- Lifetimes that rose since the newest day with energy. A day is over everywhere when the next one is in UTC.
rises AS (
    SELECT
        lives.system_id,
        lives.span,
        lives.place,
        min_by(lifetime_kwh, taken_utc) AS before_kwh,
        max_by(lifetime_kwh, taken_utc) AS after_kwh,
        min_by(call_id, taken_utc) AS before_call_id,
        max_by(call_id, taken_utc) AS after_call_id
    FROM lives
    JOIN core.inverter_summary AS lifetimes
        ON lifetimes.system_id = lives.system_id
        AND lifetimes.inverter_id = lives.panel['inverter_id']
        AND lifetimes.channel = lives.panel['channel']
    WHERE
        lifetime_kwh IS NOT NULL
        AND taken_utc::DATE > coalesce(last_energy_date + 1, oldest_date)
        AND taken_utc::DATE - 1 <= until
    GROUP BY ALL
    HAVING after_kwh - before_kwh > (SELECT rise_kwh FROM limits)
),

heard_ages AS (
    SELECT
        aged_days.*,
        heard.ecu_id,
        row_number() OVER (PARTITION BY system_id, span, ecu_id ORDER BY date DESC) AS heard_age
    FROM aged_days
    JOIN internal.heard_days AS heard USING (system_id, date)
),

-- By its age the day from which on a silence would be long enough.
listening AS (
    SELECT
        system_id,
        span,
        ecu_id,
        min(age) AS newest_heard_age,
        min(age) FILTER (heard_age = silent_days AND age <= recent_days) AS silent_age
    FROM heard_ages
    CROSS JOIN limits
    GROUP BY ALL
),

judged AS (
    SELECT
        lives.*,
        lives.panel['ecu_id'] AS ecu_id,
        lives.panel['inverter_id'] AS inverter_id,
        lives.panel['channel'] AS channel,
        coalesce(facts.days_compared, 0) AS days_compared,
        coalesce(facts.days_reported, 0) AS days_reported,
        facts.energy_kwh,
        facts.newest_age,
        facts.ratio,
        facts.recent_ratio,
        facts.missed_kwh,
        facts.usual_peers,
        first_energies.first_energy_date,
        told.* EXCLUDE (system_id, inverter_id, channel),
        rises.* EXCLUDE (system_id, span, place),
        listening.silent_age,
        listening.newest_heard_age,
        max(lives.days_with_energy) OVER inverter AS inverter_days_with_energy,
        max(facts.recent_ratio) OVER inverter AS best_recent_ratio,
        bool_or(rises.after_kwh IS NOT NULL) OVER inverter AS inverter_rises,
        coalesce(min(facts.alive_age) OVER inverter <= recent_days, false) AS inverter_is_alive,
        lives.days >= silent_days AND coalesce(min(facts.alive_age) OVER inverter > silent_days, true) AS is_quiet,
        listening.silent_age IS NOT NULL
        AND coalesce(min(facts.alive_age) OVER inverter > listening.silent_age, true) AS is_silent
    FROM lives
    LEFT JOIN internal.panel_spans AS facts USING (system_id, span, place)
    LEFT JOIN rises USING (system_id, span, place)
    LEFT JOIN first_energies USING (system_id, place)
    LEFT JOIN listening
        ON listening.system_id = lives.system_id
        AND listening.span = lives.span
        AND listening.ecu_id = lives.panel['ecu_id']
    LEFT JOIN told
        ON told.system_id = lives.system_id
        AND told.inverter_id = lives.panel['inverter_id']
        AND told.channel = lives.panel['channel']
    CROSS JOIN limits
    WINDOW inverter AS (PARTITION BY lives.system_id, lives.span, lives.panel['ecu_id'], lives.panel['inverter_id'])
),

-- Of an input without energy on any day held: what tells whether anything hangs on it.
used AS (
    SELECT
        *,
        CASE
            WHEN days_with_energy > 0 OR inverter_days_with_energy < recent_days THEN 'by its days'
            WHEN first_energy_date IS NOT NULL THEN 'later'
            WHEN after_kwh IS NOT NULL THEN 'contradicted'
            WHEN lifetime_kwh > 0 THEN 'it has lived'
            WHEN told_date >= oldest_date THEN 'unused'
            WHEN told_date IS NOT NULL THEN 'told too early'
            ELSE 'not told'
        END AS life
    FROM judged
    CROSS JOIN limits
),

classed AS MATERIALIZED (
    SELECT
        used.*,
        inverters.gone_utc,
        CASE
            WHEN inverters.gone_utc::DATE <= until THEN 'removed'
            WHEN
                is_quiet AND inverters.inverter_id IS NULL
                AND system_id IN (SELECT system_id FROM core.inverters)
                THEN 'removed'
            WHEN life = 'unused' THEN 'unused channel'
            WHEN life IN ('later', 'contradicted', 'told too early', 'not told') THEN 'unknown'
            WHEN is_silent THEN CASE WHEN inverter_rises THEN 'unknown' ELSE 'offline' END
            WHEN life = 'it has lived' AND inverter_is_alive THEN 'dead input'
            WHEN days_with_energy = 0 OR days_compared < recent_days OR coalesce(newest_age > silent_days, true)
                THEN 'unknown'
            WHEN recent_ratio < dead_below AND best_recent_ratio >= dead_below
                THEN CASE WHEN after_kwh IS NULL THEN 'dead input' ELSE 'unknown' END
            WHEN ratio < weak_below THEN 'weak'
            ELSE 'fine'
        END AS class
    FROM used
    LEFT JOIN core.inverters AS inverters USING (system_id, ecu_id, inverter_id)
),

idle_days AS (
    SELECT system_id, place, unnest(idle_dates) AS date
    FROM internal.panel_spans
    WHERE span <> 'newest'
),

-- The first day held after the newest one that was good.
beginnings AS (
    SELECT classed.system_id, classed.span, classed.place, min(date) AS since_date
    FROM classed
    JOIN judged_days USING (system_id)
    JOIN internal.heard_days USING (system_id, date, ecu_id)
    WHERE class = 'offline' AND date > last_energy_date AND date <= until
    GROUP BY ALL
    UNION ALL
    SELECT classed.system_id, classed.span, classed.place, min(date)
    FROM classed
    JOIN idle_days USING (system_id, place)
    WHERE class = 'dead input' AND life = 'by its days' AND date > last_working_date AND date <= until
    GROUP BY ALL
),

proven AS (
    SELECT
        classed.*,
        beginnings.since_date,
        CASE
            WHEN class = 'removed' AND gone_utc::DATE <= until
                THEN format('an answer of {} first named it no more', gone_utc::DATE)
            WHEN class = 'removed' THEN format('not in the inventory, and no energy held of the newest {} days', silent_days)
            WHEN class = 'unused channel'
                THEN format(
                    '{} in call {} of {}, and no energy on the {} days held since {}',
                    CASE WHEN is_told_0 THEN 'lifetime 0' ELSE 'no lifetime' END,
                    told_call_id, told_date, days_held, oldest_date
                )
            WHEN class = 'offline'
                THEN format(
                    'no energy of its inverter on the newest {} days with an answer about its ECU, while others '
                    || 'produced',
                    silent_days
                ) || coalesce(format('; last energy on {}', last_energy_date), '; no day held has energy of it')
            WHEN class = 'dead input' AND life = 'it has lived'
                THEN format(
                    'lifetime {:.2f} kWh in call {}, and no energy on the {} days held since {}, while another input '
                    || 'of its inverter gives energy',
                    lifetime_kwh, lifetime_call_id, days_held, oldest_date
                )
            WHEN class = 'dead input'
                THEN format(
                    '{:.0f}% of its peers on the newest days, while another input of its inverter gives more; '
                    || 'last energy on {}',
                    100 * recent_ratio, last_energy_date
                )
            WHEN class IN ('weak', 'fine')
                THEN format('{:.0f}% of its peers on {} days', 100 * ratio, days_compared)
            WHEN after_kwh IS NOT NULL
                THEN format(
                    'its lifetime rose from {:.2f} kWh in call {} to {:.2f} kWh in call {}, while no day held since {} '
                    || 'has energy',
                    before_kwh, before_call_id, after_kwh, after_call_id, coalesce(last_energy_date, oldest_date)
                )
            WHEN is_silent
                THEN 'no energy of its inverter on the newest days, while the lifetime of another input rose'
            WHEN life = 'later'
                THEN format('no energy on the {} days held; the first with energy is {}', days_held, first_energy_date)
            WHEN life = 'told too early'
                THEN format(
                    'no energy on the {} days held since {}; its lifetime was asked before that, in call {} of {}',
                    days_held, oldest_date, told_call_id, told_date
                )
            WHEN life = 'not told'
                THEN format(
                    'no energy on the {} days held since {}, and no lifetime is held that could tell an unused input '
                    || 'from a dead one',
                    days_held, oldest_date
                )
            WHEN days_with_energy = 0 AND inverter_days_with_energy < recent_days AND inverter_is_alive
                THEN format(
                    'no energy on the {} days held, and its inverter has some on {}',
                    days_held, inverter_days_with_energy
                )
            WHEN coalesce(newest_heard_age > silent_days, true)
                THEN 'no answer about its ECU on the newest days'
            WHEN coalesce(newest_age > silent_days, true)
                THEN format('no number of it on the newest {} days', silent_days)
            ELSE format('only {} days can be compared with peers', days_compared)
        END AS evidence,
        CASE
            WHEN class = 'unused channel' OR (class = 'unknown' AND life = 'told too early') THEN told_call_id
            WHEN class = 'dead input' AND life = 'it has lived' THEN lifetime_call_id
            WHEN class = 'unknown' AND life <> 'later' THEN after_call_id
        END AS evidence_call_id
    FROM classed
    LEFT JOIN beginnings USING (system_id, span, place)
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
    evidence,
    evidence_call_id,
    since_date,
    CASE WHEN class IN ('weak', 'dead input') THEN missed_kwh END AS loss_kwh,
    CASE
        WHEN loss_kwh IS NOT NULL
            THEN format('{} days against the median of {} peers', days_compared, usual_peers)
    END AS loss_basis,
    last_energy_date,
    is_listed
FROM proven
-- One that went away in an earlier month is not of this one.
WHERE span = 'newest' OR class <> 'removed' OR newest_date >= first_date
