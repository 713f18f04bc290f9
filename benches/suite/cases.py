"""Cases: one program on one data set. They are measured in turns, one process at a time, and summed up.

No package with native code is imported here or in compare.py: on Linux a child's peak memory is never reported
smaller than that of the process that started it. What needs DuckDB runs as a process of its own.
"""
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .data import BENCHES, DataSet, say

FLOOR, OURS, PEER = "floor", "delivery-kpi", "duckdb"


@dataclass(frozen=True)
class Case:
    """`name` tells cases of one program apart: a set, a size, a number of threads."""

    name: str
    program: str
    data: DataSet
    threads: int
    limit: str | None = None


@dataclass(frozen=True)
class Bench:
    """Where everything is."""

    binary: Path
    floor: Path
    root: Path
    scratch: Path
    as_of: str

    def output(self, case):
        name = re.sub(r"[^a-zA-Z0-9]+", "-", f"{case.name}-{case.program}")
        return self.scratch / (f"{name}.parquet" if case.program == PEER else name)

    def command(self, case):
        data, output, threads = case.data.path(self.root), self.output(case), str(case.threads)
        if case.program == FLOOR:
            corrected = ["corrected"] * case.data.dirty
            return [self.floor, data / "sending_log", data / "tracking_log", threads, *corrected]
        if case.program == PEER:
            dirty = ["--dirty"] * case.data.dirty
            return [sys.executable, BENCHES / "duckdb_hourly.py", data, output, self.as_of, "--threads", threads, *dirty]
        inputs = ["--sending-log", data / "sending_log", "--tracking-log", data / "tracking_log",
                  "--deliveries", data / "deliveries.parquet"]
        limit = ["--memory-limit", case.limit] if case.limit else []
        return [self.binary.resolve(), "recompute", *inputs, "--output", output, "--as-of", self.as_of,
                "--threads", threads, "--log-format", "json", *limit]

    def run(self, case):
        """One measured run, from nothing to a new output."""
        remove(self.output(case))
        run, text = measure(self.command(case))
        if case.program == FLOOR:
            run["rows"] = field(text, "rows")
        elif case.program == OURS:
            run["rows"] = sum(log["rows_read"] for log in field(text, "logs") if log["log"] != "deliveries")
            run["stage_seconds"] = field(text, "stage_seconds")
        return run

    def in_turns(self, cases, rounds):
        """The runs of every case; another one goes first with every round."""
        runs = {case: [] for case in cases}
        for number in range(rounds):
            first = number % len(cases)
            for case in cases[first:] + cases[:first]:
                run = self.run(case)
                runs[case].append(run)
                say(f"round {number + 1}/{rounds}  {case.name:32} {case.program:12} {run['seconds']:8.2f} s"
                    f" {run['peak_mb']:8.0f} MB")
        return {case: summary(list_) for case, list_ in runs.items()}

    def clean(self, cases):
        """Removes what the programs wrote for these cases, and the peer beside them."""
        for case in cases:
            for program in (FLOOR, OURS, PEER):
                remove(self.output(replace(case, program=program)))

    def check(self, case, peer=None):
        """What check_tables.py says of the case's table, by itself or beside the peer's."""
        command = [sys.executable, BENCHES / "check_tables.py", self.output(case)]
        command += ["--peer", self.output(peer)] if peer else []
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def remove(output):
    if output.is_dir():
        shutil.rmtree(output)
    output.unlink(missing_ok=True)


def measure(command):
    """Wall seconds, processor seconds and peak resident MB of one process, and what it printed."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if child.returncode != 0:
        sys.exit(f"{text}\nexit code {child.returncode} of: {' '.join(map(str, command))}")
    to_mb = 1 / 1024 if platform.system() == "Linux" else 1 / 1024**2
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_mb": round(usage.ru_maxrss * to_mb, 1),
    }, text


def field(text, name):
    """One field of the JSON that is somewhere in a text; the whole may be megabytes, and it must not make us grow."""
    mark = f'"{name}":'
    begin = text.rindex(mark) + len(mark)
    return json.JSONDecoder().raw_decode(text[begin:].lstrip())[0]


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary(runs):
    """Median, smallest and largest value of every measure, and the runs themselves."""
    result = {key: spread([run[key] for run in runs]) for key in ("seconds", "cpu_seconds", "peak_mb")}
    if "rows" in runs[0]:
        result["rows"] = runs[0]["rows"]
        result["seconds_per_million_rows"] = round(result["seconds"]["median"] / runs[0]["rows"] * 1e6, 4)
    if "stage_seconds" in runs[0]:
        result["stage_seconds"] = {s: spread([run["stage_seconds"][s] for run in runs]) for s in runs[0]["stage_seconds"]}
    return result | {"runs": runs}


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
