"""The hourly KPI table in SQL, a peer to measure against.

duckdb_hourly.py SRC OUT.parquet AS_OF [--threads N] [--dirty]

Without --dirty the extracts must be clean: every row stands in them once and is never corrected. Instants are
microseconds as integers, hours are whole hours since 1970, until the last step: time zones cost time.
"""
import argparse
import time

import duckdb

HOUR = 3_600_000_000
QUEUE = 84 * HOUR
DEADLINE = -1  # among the codes of reports: it comes before those of its own instant
REPORT = """case event when 'relayed' then 0 when 'soft_bounce' then 1 when 'delivered' then 2 when 'expired' then 3
    when 'hard_bounce' then 4 end::tinyint"""
OPENING, CLICKS = "(1, 2, 3, 6, 10, 11)", "(1, 10, 11)"
COUNTERS = [
    "processed", "delivered", "failed", "hard", "pending", "opens", "clicks", "mirror", "optout", "uo", "uot", "uc",
]


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("src")
    p.add_argument("out")
    p.add_argument("as_of")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--dirty", action="store_true", help="rows may be corrected, deleted, or there more than once")
    return p.parse_args()


def rows_of(log, what):
    """The rows that count of clean extracts."""
    return f"""
{log} as not materialized (select delivery_id, message_id, {what} as what, epoch_us(event_at) as t from {log}_files)"""


def winning_rows_of(log, what):
    """The rows that count of dirty extracts: of each log id the highest revision, unless that is a deletion.

    Few rows have ever been corrected, so only these are grouped. Copies remain; revisions of the same number are
    taken for copies.
    """
    key = "delivery_id, message_id, log_id"
    return f"""
{log}_rows as materialized (
    select {key}, {what} as what, epoch_us(event_at) as t, coalesce(revision, 0) as revision, deleted from {log}_files
),
{log}_corrected as materialized (select distinct {key} from {log}_rows where revision > 0 or deleted),
{log}_winners as (
    select delivery_id, message_id, log_id, arg_max({{'what': what, 't': t, 'deleted': deleted}}, revision) as row
    from {log}_rows semi join {log}_corrected using ({key})
    group by {key}
),
{log} as not materialized (
    select {key}, what, t from {log}_rows anti join {log}_corrected using ({key})
    union all
    select {key}, row.what, row.t from {log}_winners where row.deleted is not true
)"""


def sending(as_of):
    """Changes of the status counters, by delivery and hour.

    Most messages have neither soft bounces nor expiries; for them three instants tell everything, and copies of a
    report change nothing. Only the others go through window functions, which takes several times as long.
    """
    return f"""
reports as materialized (
    select delivery_id, message_id, what, t from sending_log
    where what is not null and t < epoch_us(timestamptz '{as_of}')
),
retried_keys as materialized (select distinct delivery_id, message_id from reports where what in (1, 3)),
messages as (
    select delivery_id, message_id,
        min(t) filter (what = 0) as relayed,
        min(t) filter (what = 2) as delivered,
        min(t) filter (what = 4) as hard
    from reports anti join retried_keys using (delivery_id, message_id) group by delivery_id, message_id
),
straight as (
    select delivery_id, least(relayed, delivered, hard) // {HOUR} as entered_hour, delivered // {HOUR} as delivered_hour,
        hard // {HOUR} as hard_hour,
        coalesce(relayed <= least(delivered, hard), relayed is not null) as by_relay,
        coalesce(delivered <= least(relayed, hard), delivered is not null) as by_delivery,
        coalesce(delivered <= hard, delivered is not null) as confirmed,
        count(*) as n
    from messages group by all
),
straight_changes as (
    with s as (select * from straight join dlv using (delivery_id))
    select delivery_id, entered_hour as hour, n as processed,
        n * case when efs then (not by_relay and by_delivery) else (by_relay or by_delivery) end::int as delivered,
        n * (not by_relay and not by_delivery)::int as failed, n * (efs and by_relay)::int as pending
    from s
    union all
    select delivery_id, delivered_hour, 0, n, 0, -n from s where efs and by_relay and confirmed
    union all
    select delivery_id, hard_hour, 0,
        case when efs and by_relay and not confirmed then 0 else -n end, n,
        case when efs and by_relay and not confirmed then -n else 0 end
    from s where hard_hour is not null and (by_relay or by_delivery)
),
retried_reports as materialized (
    select distinct delivery_id, message_id, t, what
    from reports semi join retried_keys using (delivery_id, message_id)
),
retried as materialized (
    select delivery_id, message_id, any_value(efs) as efs, min(t) as entered, min(t) filter (what = 4) as hard,
        least(any_value(valid_until), min(t) + {QUEUE}) as deadline
    from retried_reports join dlv using (delivery_id) group by delivery_id, message_id
),
told as (
    select delivery_id, message_id, t, what, efs, deadline, t = entered as entering,
        last_value(case when what = 1 or what = 2 then what end ignore nulls) over (
            partition by delivery_id, message_id order by t, what rows between unbounded preceding and 1 preceding
        ) as last
    from (
        from retried_reports
        union all
        select delivery_id, message_id, deadline, {DEADLINE} from retried
        where deadline > entered and deadline < epoch_us(timestamptz '{as_of}')
    ) join retried using (delivery_id, message_id)
    where hard is null or t <= hard
),
states as (
    select delivery_id, message_id, t, what,
        case when what = 4 then 'H' when what in (3, {DEADLINE}) then 'F' when what = 2 then 'S'
            when what = 0 then case when efs then 'P' else 'S' end
            when efs or t >= deadline then 'F' else 'S' end as state,
        what in (3, 4, {DEADLINE}) or (what = 1 and t >= deadline) as final
    from told
    where case when what = 0 then entering when what = 3 then last is distinct from 2
        when what = {DEADLINE} then last = 1 else true end
),
steps as (
    select delivery_id, t // {HOUR} as hour, state, what, lag(state) over w as before,
        coalesce(bool_or(final) over (w rows between unbounded preceding and 1 preceding), false) as closed
    from states window w as (partition by delivery_id, message_id order by t, what)
),
changes as (
    select delivery_id, hour, state, case when closed then 'F' else before end as before
    from steps where what = 4 or (not closed and (what <> {DEADLINE} or before <> state))
),
sending_changes as (
    select delivery_id, hour, count(*) filter (before is null) as processed,
        count(*) filter (state = 'S') - count(*) filter (before = 'S') as delivered,
        count(*) filter (state in ('F', 'H')) - count(*) filter (before in ('F', 'H')) as failed,
        count(*) filter (state = 'H') - count(*) filter (before = 'H') as hard,
        count(*) filter (state = 'P') - count(*) filter (before = 'P') as pending
    from changes group by delivery_id, hour
    union all
    select delivery_id, hour, processed, delivered, failed, failed, pending from straight_changes
)"""


def tracking(as_of, dirty):
    """Changes of the tracking counters, by delivery and hour; only dirty extracts are freed of copies."""
    columns = "distinct delivery_id, message_id, log_id, what, t" if dirty else "delivery_id, message_id, what, t"
    return f"""
happenings as materialized (
    select {columns} from tracking_log where t < epoch_us(timestamptz '{as_of}')
),
firsts as (
    select delivery_id, min(t) filter (what in {OPENING}) // {HOUR} as uo, min(t) filter (what = 2) // {HOUR} as uot,
        min(t) filter (what in {CLICKS}) // {HOUR} as uc
    from happenings group by delivery_id, message_id
),
tracking_changes as (
    select delivery_id, t // {HOUR} as hour, count(*) filter (what = 2) as opens,
        count(*) filter (what in {CLICKS}) as clicks, count(*) filter (what = 6) as mirror,
        count(*) filter (what = 3) as optout
    from happenings group by delivery_id, t // {HOUR}
),
unique_changes as (
    select delivery_id, unnest([uo, uot, uc]) as hour, unnest([1, 0, 0]) as uo, unnest([0, 1, 0]) as uot,
        unnest([0, 0, 1]) as uc
    from firsts
)"""


# The types of the tracking log as texts, where it has no codes.
TRACKED = "case type {} end::utinyint".format(" ".join(
    f"when '{label}' then {code}" for label, code in
    (("open", 2), ("click", 1), ("opt_out", 3), ("mirror_page", 6), ("offer_click", 10), ("offer_click_2", 11))))


def query(as_of, dirty, tracked):
    logs = winning_rows_of if dirty else rows_of
    ctes = [logs("sending_log", REPORT), sending(as_of), logs("tracking_log", tracked), tracking(as_of, dirty)]
    return f"""
with {",".join(ctes)},
hourly as (
    select delivery_id, hour, {", ".join(f"coalesce(sum({c}), 0)::bigint as {c}" for c in COUNTERS)}
    from (from sending_changes union all by name from tracking_changes union all by name from unique_changes)
    where hour is not null group by delivery_id, hour
),
cumulative as (
    select delivery_id, make_timestamptz(hour * {HOUR}) as hour, {", ".join(f"sum({c}) over w as {c}" for c in COUNTERS)}
    from hourly window w as (partition by delivery_id order by hour)
)
select *, delivered / nullif(processed, 0) as delivered_rate, failed / nullif(processed, 0) as bounce_rate,
    uo / nullif(delivered, 0) as open_rate, uc / nullif(delivered, 0) as ctr
from cumulative"""


def main():
    args = arguments()
    con = duckdb.connect()
    con.execute(f"set threads={args.threads}; set memory_limit='16GB'; set preserve_insertion_order=false")
    con.execute("set TimeZone='UTC'")
    start = time.time()
    for log in ("sending_log", "tracking_log"):
        con.execute(f"create temp view {log}_files as from read_parquet('{args.src}/{log}/*.parquet')")
    con.execute(f"""
create temp view dlv as select delivery_id, efs,
    case when validity_end - started_at between interval 1 microsecond and interval 84 hour
        then epoch_us(validity_end) end as valid_until
from read_parquet('{args.src}/deliveries.parquet')""")
    is_text = con.execute("select count(*) from (describe tracking_log_files) "
                          "where column_name = 'type' and column_type like '%VARCHAR%'").fetchone()[0]
    tracked = TRACKED if is_text else "type::utinyint"
    con.execute(f"copy ({query(args.as_of, args.dirty, tracked)}) to '{args.out}' (format parquet, compression zstd)")
    print("duckdb seconds", round(time.time() - start, 2))


if __name__ == "__main__":
    main()
