"""What the hourly run costs beside a full one, on a set of generate_extracts.py with hourly files.

The files up to an hour are linked into a directory of their own and run as of that hour; then hour by hour both logs
grow by one file, and the job runs again on the same output. At the end everything is read once more into a fresh
output, and all values of both tables must be the same. With --days the history starts so many days before, with
--maintain-every N `maintain` runs after every N hours. Over a hundred hours, the median of each hundred is told.
"""
import argparse
import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from deltalake import DeltaTable

LOGS = ("sending_log", "tracking_log")
HOUR = dt.timedelta(hours=1)


def hour_of(name):
    return dt.datetime.fromisoformat(name.split("-", 1)[1].removesuffix(".parquet") + ":00:00")


class Extracts:
    """The files of a set, of which some are there already."""

    def __init__(self, data, place):
        self.data, self.place = data, place
        self.hours = {log: sorted((hour_of(name), name) for name in os.listdir(data / log)) for log in LOGS}
        for log in LOGS:
            (place / log).mkdir(parents=True)

    def fill(self, start, end):
        for log in LOGS:
            for hour, name in self.hours[log]:
                if start <= hour < end:
                    os.link(self.data / log / name, self.place / log / name)


def run(program, extracts, output, as_of, threads):
    command = [program, "recompute", "--output", output, "--as-of", as_of.isoformat() + "Z", "--threads", str(threads)]
    for log in LOGS:
        command += ["--" + log.replace("_", "-"), extracts.place / log]
    command += ["--deliveries", extracts.data / "deliveries.parquet", "--progress", "never", "--log-format", "json"]
    start = time.perf_counter()
    done = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = done.stderr.read()
    _, status, usage = os.wait4(done.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(said)
    report = json.loads(said)
    return seconds, usage.ru_maxrss / 1024, report["run"]


def tables(output):
    """The rows of both tables of the newest run, without the run."""
    runs = DeltaTable(f"{output}/kpi_run").to_pyarrow_table(columns=["run_number", "table_versions"]).to_pylist()
    versions = dict(max(runs, key=lambda row: row["run_number"])["table_versions"])
    found = {}
    for name, keys in (("delivery_kpi_hourly", ["delivery_id", "hour"]), ("delivery_kpi", ["delivery_id"])):
        rows = DeltaTable(f"{output}/{name}", version=versions[name]).to_pyarrow_table().drop_columns(["run_id"])
        found[name] = rows.select(sorted(rows.column_names)).sort_by([(key, "ascending") for key in keys])
    return found


def size(output):
    """How many files there are, and how many bytes, by table."""
    told = []
    for place in sorted(path for path in output.iterdir() if path.is_dir()):
        files = [file.stat() for file in place.rglob("*") if file.is_file()]
        told.append(f"{place.name} {len(files)} files {sum(file.st_size for file in files) / 1e6:.1f} MB")
    return ", ".join(told)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--program", default="target/release/delivery-kpi")
    parser.add_argument("--until", help="the hour of the first run; default: three quarters through the sends")
    parser.add_argument("--days", type=int, default=10_000)
    parser.add_argument("--hours", type=int, default=5)
    parser.add_argument("--maintain-every", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    flags = parser.parse_args()
    # Beside the data, since files are linked, not copied.
    place = Path(tempfile.mkdtemp(prefix="incremental-", dir=flags.data.parent))
    try:
        extracts = Extracts(flags.data, place)
        hours = [hour for hour, _ in extracts.hours["sending_log"]]
        until = dt.datetime.fromisoformat(flags.until) if flags.until else hours[len(hours) * 3 // 4]
        extracts.fill(until - dt.timedelta(days=flags.days), until)
        output = place / "output"
        seconds, memory, record = run(flags.program, extracts, output, until, flags.threads)
        rows = sum(log["rows_read"] for log in record["logs"])
        print(f"full         {seconds:7.2f} s {memory:6.0f} MB  {rows:,} rows", flush=True)
        times, memories, upkeep = [], [], []
        for number in range(flags.hours):
            extracts.fill(until, until + HOUR)
            until += HOUR
            before = rows
            seconds, memory, record = run(flags.program, extracts, output, until, flags.threads)
            assert record["mode"] == "incremental", record["mode"]
            rows = sum(log["rows_read"] for log in record["logs"])
            times.append(seconds)
            memories.append(memory)
            if flags.hours <= 100:
                print(f"incremental  {seconds:7.2f} s {memory:6.0f} MB  {rows - before:,} new rows", flush=True)
            elif (number + 1) % 100 == 0:
                last = times[-100:]
                print(f"{number - 98:5} to {number + 1:5} {statistics.median(last):6.3f} s "
                      f"({min(last):.3f} - {max(last):.3f}) {max(memories[-100:]):5.0f} MB, {rows:,} rows; {size(output)}", flush=True)
            if flags.maintain_every and (number + 1) % flags.maintain_every == 0:
                start = time.perf_counter()
                subprocess.run([flags.program, "maintain", "--output", output], check=True, stdout=subprocess.DEVNULL)
                upkeep.append(time.perf_counter() - start)
        if upkeep:
            print(f"maintain     {statistics.median(upkeep):7.2f} s ({min(upkeep):.2f} - {max(upkeep):.2f})")
        fresh = place / "fresh"
        full, memory, _ = run(flags.program, extracts, fresh, until, flags.threads)
        print(f"full         {full:7.2f} s {memory:6.0f} MB  {rows:,} rows")
        left, right = tables(output), tables(fresh)
        for name in left:
            assert left[name].equals(right[name]), f"{name} differs"
        state = sum(file.stat().st_size for file in (output / "_state").iterdir())
        middle = statistics.median(times)
        print(f"incremental: median {middle:.2f} s ({min(times):.2f} - {max(times):.2f}), {middle / full:.1%} of a full run, "
              f"{max(memories):.0f} MB at most; state {state / 1e6:,.0f} MB, {state / rows:.1f} bytes a row; tables equal")
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
