#!/usr/bin/env python3
"""Measures `delivery-kpi recompute` against the same table in SQL, then checks that both agree.

Needs numpy, pyarrow, duckdb and deltalake; see README.md beside this file. Both programs run in
turns, each in a process of its own, on files that are in the page cache. Exit code 1: a program
failed, or the tables differ.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# No package with native code is imported up here: on Linux a child's peak memory is never
# reported smaller than that of the process that started it.

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

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


def arguments():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=Path, help="the data set; made if it is not there (default: below target/bench)")
    p.add_argument("--messages", type=float, default=2e7)
    p.add_argument("--deliveries", type=int, default=1000)
    p.add_argument("--days", type=int, default=14)
    p.add_argument("--as-of", default="2026-02-01T00:00:00Z", help="after the last row and deadline (default: %(default)s)")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=2, help="of both programs (default: %(default)s)")
    p.add_argument("--binary", type=Path, default=target / "release" / "delivery-kpi")
    p.add_argument("--json", type=Path, metavar="FILE", help="write the measurements there, too")
    p.add_argument("--peer-only", action="store_true", help="measure DuckDB alone, check nothing")
    p.add_argument("--keep", action="store_true", help="keep the last round's tables")
    args = p.parse_args()
    if args.data is None:
        args.data = ROOT / "target" / "bench" / f"{args.messages:.0f}-{args.deliveries}-{args.days}"
    if args.rounds < 1:
        p.error("--rounds must be at least 1")
    if not args.peer_only and not args.binary.is_file():
        p.error(f"{args.binary} is not there; `cargo build --release` makes it")
    return args


def say(text):
    print(text, file=sys.stderr, flush=True)


def provide(args):
    """Makes the data set unless it is whole (its last file is there), and reads it once."""
    if not (args.data / "deliveries.parquet").is_file():
        say(f"generating {args.messages:.0f} messages in {args.data}")
        args.data.mkdir(parents=True, exist_ok=True)
        shape = [str(args.messages), str(args.deliveries), str(args.days)]
        subprocess.run([sys.executable, HERE / "generate_extracts.py", args.data, *shape], check=True, stdout=sys.stderr)
    size = 0
    for file in sorted(args.data.rglob("*.parquet")):
        with file.open("rb") as f:
            while chunk := f.read(1 << 22):
                size += len(chunk)
    say(f"{args.data}: {size / 1e6:.0f} MB, read once")
    return size


def measure(command):
    """Wall seconds and peak resident MB of one process."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")
            sys.exit(f"{text}\nexit code {child.returncode} of: {' '.join(map(str, command))}")
    to_mb = 1 / 1024 if platform.system() == "Linux" else 1 / 1024**2
    return {
        "seconds": round(seconds, 3),
        "peak_mb": round(usage.ru_maxrss * to_mb, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
    }


def rounds(args, scratch):
    """Runs the programs in turns; who goes first changes with every round."""
    threads = str(args.threads)
    peer_table, our_tables = scratch / "peer.parquet", scratch / "kpi"
    peer = [sys.executable, HERE / "duckdb_hourly.py", args.data, peer_table, args.as_of, threads]
    ours = [args.binary.resolve(), "recompute", "--output", our_tables, "--as-of", args.as_of, "--threads", threads]
    for flag, name in [("--sending-log", "sending_log"), ("--tracking-log", "tracking_log"), ("--deliveries", "deliveries.parquet")]:
        ours += [flag, args.data / name]
    programs = {"duckdb": peer} if args.peer_only else {"duckdb": peer, "delivery-kpi": ours}
    runs = {name: [] for name in programs}
    for number in range(args.rounds):
        for name in list(programs)[:: 1 if number % 2 == 0 else -1]:
            if name == "duckdb":
                peer_table.unlink(missing_ok=True)
            else:
                shutil.rmtree(our_tables, ignore_errors=True)
            run = measure(programs[name])
            runs[name].append(run)
            say(f"round {number + 1}/{args.rounds}  {name:12}  {run['seconds']:8.2f} s  {run['peak_mb']:8.0f} MB")
    return runs, peer_table, our_tables


def summary(runs):
    """Median, smallest and largest value of every measure."""
    def of(values):
        return {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: {key: of([run[key] for run in list_]) for key in list_[0]} for name, list_ in runs.items()}


def table(result):
    lines = [f"{'':14}{'wall, s: median':>16}{'min – max':>18}{'peak, MB: median':>18}{'min – max':>18}"]
    for name, s in result.items():
        w, m = s["seconds"], s["peak_mb"]
        spans = f"{w['min']:.2f} – {w['max']:.2f}", f"{m['min']:.0f} – {m['max']:.0f}"
        lines.append(f"{name:14}{w['median']:16.2f}{spans[0]:>18}{m['median']:18.0f}{spans[1]:>18}")
    if len(result) == 2:
        w, m = (result["duckdb"][k]["median"] / result["delivery-kpi"][k]["median"] for k in ("seconds", "peak_mb"))
        lines.append(f"{'ratio':14}{w:15.2f}×{'':18}{m:17.2f}×")
    return "\n".join(lines)


def check(peer_table, our_tables):
    """Compares both tables at every hour that either has; returns what is wrong.

    Our table has an hour where any counter changed, the peer's where anything was logged. A value
    holds until the next row, and is 0 before the first: filled forward so, both must be equal in
    every compared counter. Two rows of one hour, a row of ours without any change, and a change
    that is not the difference of two rows are wrong, too.
    """
    import duckdb
    from deltalake import DeltaTable

    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    delta = DeltaTable(str(our_tables / "delivery_kpi_hourly"))
    con.read_parquet(delta.file_uris(), hive_partitioning=False).create_view("all_ours")
    columns = [row[0] for row in con.execute("describe all_ours").fetchall()]
    deltas = [name for name in columns if name.endswith("_delta")]
    con.execute(f"create table ours as select delivery_id, hour, {', '.join(f'{c}::bigint as {c}' for c in COUNTERS)},"
                f" {', '.join(f'{c}_delta::bigint as {c}_delta' for c in COUNTERS)},"
                f" {' or '.join(f'{d} <> 0' for d in deltas)} as changed from all_ours")
    con.execute(f"create table peer as select delivery_id, hour, {', '.join(f'{p}::bigint as {c}' for c, p in COUNTERS.items())}"
                f" from read_parquet('{peer_table}')")
    rows = {name: con.execute(f"select count(*) from {name}").fetchone()[0] for name in ("ours", "peer")}
    say(f"comparing {rows['ours']} rows of ours with {rows['peer']} of the peer in {len(COUNTERS)} counters")
    wrong = [f"{name}: no rows" for name, n in rows.items() if n == 0]
    for name in rows:
        twice = con.execute(f"select count(*) - count(distinct (delivery_id, hour)) from {name}").fetchone()[0]
        if twice:
            wrong.append(f"{name}: {twice} rows more than (delivery_id, hour)")
    idle = con.execute("select count(*) from ours where changed is not true").fetchone()[0]
    if idle:
        wrong.append(f"ours: {idle} rows in which no counter changed")
    for c in COUNTERS:
        n = con.execute(f"select count(*) from (select {c}_delta is distinct from {c} - lag({c}, 1, 0) over"
                        " (partition by delivery_id order by hour) as bad from ours) where bad").fetchone()[0]
        if n:
            wrong.append(f"{c}_delta: {n} rows are not the difference to the row before")

    def held(side, c):
        return f"coalesce(last_value({side}.{c} ignore nulls) over w, 0) as {side}_{c}"
    con.execute(f"""
        create table matched as
        select k.delivery_id, k.hour, {', '.join(held(side, c) for side in rows for c in COUNTERS)}
        from (select delivery_id, hour from ours union select delivery_id, hour from peer) k
        left join ours on ours.delivery_id = k.delivery_id and ours.hour = k.hour
        left join peer on peer.delivery_id = k.delivery_id and peer.hour = k.hour
        window w as (partition by k.delivery_id order by k.hour rows between unbounded preceding and current row)""")
    for c in COUNTERS:
        bad = con.execute(f"select delivery_id, hour::varchar, ours_{c}, peer_{c} from matched where ours_{c} <> peer_{c}"
                          " order by delivery_id, hour").fetchall()
        if bad:
            d, h, a, b = bad[0]
            wrong.append(f"{c}: {len(bad)} hours differ; first: delivery {d}, {h}: ours {a}, peer {b}")
    hours = con.execute("select count(*) from matched").fetchone()[0]
    nulls = con.execute("select count(*) from ours where " + " or ".join(f"{c} is null" for c in COUNTERS)).fetchone()[0]
    if nulls:
        wrong.append(f"ours: {nulls} rows with a counter that is null")
    return wrong, {"our_rows": rows["ours"], "peer_rows": rows["peer"], "hours_compared": hours, "wrong": wrong}


def machine():
    """What the numbers depend on, without a name of the machine."""
    from importlib.metadata import version

    info = {"system": platform.platform(), "cores": os.cpu_count(), "duckdb": version("duckdb")}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        info["cpu"] = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        info["memory_mb"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    except (OSError, StopIteration, ValueError):
        pass
    return info


def main():
    args = arguments()
    size = provide(args)
    scratch = Path(tempfile.mkdtemp(prefix="delivery-kpi-bench-"))
    try:
        runs, peer_table, our_tables = rounds(args, scratch)
        result = summary(runs)
        print(table(result), flush=True)
        wrong, checked = ([], None) if args.peer_only else check(peer_table, our_tables)
        if args.json:
            report = {"data_bytes": size, "messages": args.messages, "deliveries": args.deliveries, "days": args.days,
                      "as_of": args.as_of, "threads": args.threads, "machine": machine(),
                      "runs": runs, "summary": result, "check": checked}
            args.json.write_text(json.dumps(report, indent=2) + "\n")
        for line in wrong:
            print(f"DIFFERENT  {line}")
        if wrong:
            return 1
        if checked:
            print(f"equal in {len(COUNTERS)} counters at {checked['hours_compared']} hours of deliveries")
        return 0
    finally:
        if args.keep:
            say(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
