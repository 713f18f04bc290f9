"""Is a `delivery_kpi_hourly` table right? Prints one JSON object.

check_tables.py OUTPUT [--peer PEER.parquet]

Prints what is `wrong` (a list of sentences), the number of rows, and a digest of every column: tables with the same rows
and digests are equal in all but `run_id`, whatever the order of their rows.
"""
import argparse
import json
from pathlib import Path

import duckdb
from deltalake import DeltaTable

# Our counter = the peer's.
COUNTERS = {
    "processed": "processed",
    "delivered": "delivered",
    "bounces_errors": "failed",
    "hard_bounces": "hard",
    "pending": "pending",
    "opens_tracked": "opens",
    "clicks": "clicks",
    "mirror_page_views": "mirror",
    "unsubscribes": "optout",
    "unique_opens": "uo",
    "unique_opens_tracked": "uot",
    "unique_clicks": "uc",
}
# Our rate = these counters of ours. `progress` is not among them: its denominator is not in the table.
RATES = {
    "delivered_rate": "delivered / processed",
    "bounce_error_rate": "bounces_errors / processed",
    "delivered_rate_of_sent": "delivered / sent",
    "bounce_error_rate_of_sent": "bounces_errors / sent",
    "hard_bounce_rate": "hard_bounces / sent",
    "soft_bounce_rate": "soft_bounces / sent",
    "open_rate": "unique_opens / delivered",
    "open_rate_total": "opens / delivered",
    "click_through_rate": "unique_clicks / delivered",
    "click_to_open_rate": "unique_clicks / unique_opens",
    "unsubscribe_rate": "unsubscribes / delivered",
    "complaint_rate": "complaints / delivered",
    "mirror_page_rate": "mirror_page_views / delivered",
}


def one(con, sql):
    return con.execute(sql).fetchone()[0]


def columns(con, table):
    return [row[0] for row in con.execute(f"describe {table}").fetchall()]


def digests(con):
    """By column, a sum over all rows that changes with any value and does not with the order of rows."""
    names = [name for name in columns(con, "ours") if name != "run_id"]
    sums = con.execute("select " + ", ".join(f"sum(hash(delivery_id, hour, {n})::hugeint)::varchar" for n in names)
                       + " from ours").fetchone()
    return dict(zip(names, sums))


def own_faults(con):
    """What is wrong in our table by itself."""
    wrong = []
    rows = one(con, "select count(*) from ours")
    if rows == 0:
        return ["ours: no rows"]
    if twice := rows - one(con, "select count(*) from (select distinct delivery_id, hour from ours)"):
        wrong.append(f"ours: {twice} rows more than (delivery_id, hour)")
    deltas = [name for name in columns(con, "ours") if name.endswith("_delta")]
    if idle := one(con, f"select count(*) from ours where ({' or '.join(f'{d} <> 0' for d in deltas)}) is not true"):
        wrong.append(f"ours: {idle} rows in which no counter changed")
    for delta in deltas:
        counter = delta.removesuffix("_delta")
        if nulls := one(con, f"select count(*) from ours where {counter} is null"):
            wrong.append(f"{counter}: {nulls} rows are null")
        bad = one(con, f"""
            select count(*) from (select {delta} is distinct from {counter} - lag({counter}, 1, 0)
                over (partition by delivery_id order by hour) as bad from ours) where bad""")
        if bad:
            wrong.append(f"{delta}: {bad} rows are not the difference to the row before")
    for rate, formula in RATES.items():
        counter, base = formula.split(" / ")
        if bad := one(con, f"select count(*) from ours where {rate} is distinct from {counter} / nullif({base}, 0)"):
            wrong.append(f"{rate}: {bad} rows are not {formula}")
    return wrong


def match(con):
    """Both tables at every hour that either has.

    Our table has an hour where any counter changed, the peer's where anything was logged. A value holds until the next
    row, and is 0 before the first.
    """
    held = ", ".join(f"coalesce(last_value({side}.{c} ignore nulls) over w, 0) as {side}_{c}"
                     for side in ("ours", "peer") for c in COUNTERS)
    con.execute(f"""
        create temp table matched as
        select k.delivery_id, k.hour, {held}
        from (select delivery_id, hour from ours union select delivery_id, hour from peer) k
        left join ours on ours.delivery_id = k.delivery_id and ours.hour = k.hour
        left join peer on peer.delivery_id = k.delivery_id and peer.hour = k.hour
        window w as (partition by k.delivery_id order by k.hour rows between unbounded preceding and current row)""")


def differences(con):
    """Where the compared counters of the two tables differ."""
    wrong = []
    rows = one(con, "select count(*) from peer")
    if twice := rows - one(con, "select count(*) from (select distinct delivery_id, hour from peer)"):
        wrong.append(f"peer: {twice} rows more than (delivery_id, hour)")
    if rows == 0:
        wrong.append("peer: no rows")
    for c in COUNTERS:
        differs = f"from matched where ours_{c} <> peer_{c}"
        if count := one(con, f"select count(*) {differs}"):
            d, h, a, b = con.execute(f"select delivery_id, hour::varchar, ours_{c}, peer_{c} {differs}"
                                     " order by delivery_id, hour limit 1").fetchone()
            wrong.append(f"{c}: {count} hours differ; first: delivery {d}, {h}: ours {a}, peer {b}")
    return wrong


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("output", type=Path)
    p.add_argument("--peer", type=Path)
    args = p.parse_args()
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    files = DeltaTable(str(args.output / "delivery_kpi_hourly")).file_uris()
    con.read_parquet(files, hive_partitioning=False).create_view("all_ours")
    con.execute("create temp table ours as from all_ours")
    result = {"rows": one(con, "select count(*) from ours"), "digests": digests(con), "wrong": own_faults(con)}
    if args.peer:
        renamed = ", ".join(f"{theirs}::bigint as {ours}" for ours, theirs in COUNTERS.items())
        con.execute(f"create temp table peer as select delivery_id, hour, {renamed} from read_parquet('{args.peer}')")
        match(con)
        result["wrong"] += differences(con)
        result["hours_compared"] = one(con, "select count(*) from matched")
        result["counters_compared"] = len(COUNTERS)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
