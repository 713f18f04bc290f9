#!/usr/bin/env python3
"""Measures `delivery-kpi recompute` beside the floor (decoding alone) and the same table in SQL, and checks the tables.

Needs numpy, pyarrow, duckdb and deltalake; see README.md beside this file. The programs run in turns, each in a process
of its own, on files that are in the page cache. Without --shapes, --scale, --thread-scaling or --limits: floor, ours and
DuckDB on a clean and on a dirty data set. Exit code 1: a program failed, or a table is wrong.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from suite import report, shapes
from suite.cases import FLOOR, OURS, PEER, Bench, Case, machine
from suite.checks import Checks
from suite.data import DataSet, say

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = p.add_mutually_exclusive_group()
    mode.add_argument("--peer-only", action="store_true", help="measure DuckDB alone, check nothing")
    mode.add_argument("--shapes", action="store_true", help="72 shapes of a log: floor and ours")
    mode.add_argument("--scale", type=listed, metavar="N[:SIZE],N[:SIZE]",
                      help="time per row against the number of messages; with SIZE as --memory-limit")
    mode.add_argument("--thread-scaling", action="store_true", help="one thread and two")
    mode.add_argument("--limits", type=listed, metavar="SIZE,SIZE", help="with --memory-limit, beside the unlimited run")
    p.add_argument("--sets", type=listed, metavar="SET,SET",
                   help="clean, dirty (default: both; for the modes above, except --peer-only: clean)")
    p.add_argument("--data", type=listed, metavar="DIR,DIR",
                   help="the data sets, one for each of --sets; made if not there (default: below target/bench)")
    p.add_argument("--messages", type=float, help="of a data set (default: 2e7; for --shapes 1e6)")
    p.add_argument("--deliveries", type=int, default=1000, help="at 2e7 messages with --scale (default: %(default)s)")
    p.add_argument("--days", type=int, default=14)
    p.add_argument("--as-of", default="2026-02-01T00:00:00Z",
                   help="after the last row and deadline (default: %(default)s)")
    p.add_argument("--rounds", type=int, help="(default: 5; for --shapes 3)")
    p.add_argument("--threads", type=int, default=2, help="of every program (default: %(default)s)")
    p.add_argument("--binary", type=Path, default=target / "release" / "delivery-kpi")
    p.add_argument("--floor", type=Path, help="(default: examples/floor beside the binary)")
    p.add_argument("--only", default="", metavar="REGEX", help="shapes with such a name, and their references")
    p.add_argument("--resume", action="store_true", help="leave out the shapes that the --json file has already")
    p.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    p.add_argument("--keep", action="store_true", help="keep the last round's tables, and the data sets of --shapes")
    return completed(p, p.parse_args())


def listed(text):
    return text.split(",")


def completed(p, args):
    """Defaults that depend on the mode, and what does not fit together."""
    plain = not (args.shapes or args.scale or args.thread_scaling or args.limits)
    args.sets = args.sets or (["clean", "dirty"] if plain else ["clean"])
    args.messages = args.messages or (1e6 if args.shapes else 2e7)
    args.rounds = args.rounds or (3 if args.shapes else 5)
    args.floor = args.floor or args.binary.parent / "examples" / "floor"
    if set(args.sets) - {"clean", "dirty"}:
        p.error("--sets knows clean and dirty")
    if args.shapes and args.sets != ["clean"]:
        p.error("--shapes are clean")
    if args.data and (args.shapes or args.scale or len(args.data) != len(args.sets)):
        p.error("--data takes one directory for each of --sets, and none with --shapes or --scale")
    if args.rounds < 1:
        p.error("--rounds must be at least 1")
    if args.resume and not (args.shapes and args.json):
        p.error("--resume needs --shapes and --json")
    named = ("messages", "deliveries", "days", "as_of", "threads", "rounds")
    args.settings = {name: getattr(args, name) for name in named}
    args.save = saver(args)
    needed = {} if args.peer_only else {args.binary: "cargo build --release"}
    if not (args.peer_only or args.limits):
        needed[args.floor] = "cargo build --release --example floor"
    for path, build in needed.items():
        if not path.is_file():
            p.error(f"{path} is not there; `{build}` makes it")
    return args


def data_sets(args):
    """Name to data set, as --sets and --data say."""
    places = [Path(place) for place in args.data] if args.data else [None] * len(args.sets)
    return {name: DataSet(args.messages, args.deliveries, args.days, dirty=name == "dirty", place=place)
            for name, place in zip(args.sets, places)}


def cases(args):
    """What is measured in one run, in turns."""
    if args.scale:
        return scale_cases(args)
    result = []
    for name, data in data_sets(args).items():
        if args.peer_only:
            result.append(Case(name, PEER, data, args.threads))
        elif args.thread_scaling:
            result += [Case(f"{name}, {threads} thread{'s' * (threads > 1)}", program, data, threads)
                       for threads in (1, 2) for program in (FLOOR, OURS)]
        elif args.limits:
            result.append(Case(f"{name}, unlimited", OURS, data, args.threads))
            result += [Case(f"{name}, {limit}", OURS, data, args.threads, limit) for limit in args.limits]
        else:
            result += [Case(name, program, data, args.threads) for program in (FLOOR, OURS, PEER)]
    return result


def scale_cases(args):
    """Sizes in which a delivery has as many messages on average."""
    result = []
    for name in args.sets:
        for size, _, limit in (text.partition(":") for text in args.scale):
            size = float(size)
            deliveries = max(1, round(args.deliveries * size / 2e7))
            data = DataSet(size, deliveries, args.days, dirty=name == "dirty", generator=args.binary)
            named = f"{name}, {size:.0f} messages"
            result.append(Case(named, FLOOR, data, args.threads))
            result.append(Case(named + f", {limit}" * bool(limit), OURS, data, args.threads, limit or None))
    return result


def run_cases(bench, args):
    """Measures, prints and checks; returns the report and what is wrong."""
    todo = cases(args)
    for data in dict.fromkeys(case.data for case in todo):
        data.provide(bench.root)
    results = bench.in_turns(todo, args.rounds)
    for text in (report.measures(results), report.ratios(results), report.stages(results)):
        if text:
            print(f"{text}\n", flush=True)
    content = {"cases": [{"case": case.name, "program": case.program, "data": case.data.name} | result
                         for case, result in results.items()]}
    args.save(content)
    checks = Checks(bench)
    for case in todo:
        if case.program == OURS:
            checks.check(case)
    return content | {"checks": checks.results}, checks.wrong()


def run_shapes(bench, args):
    done = shapes.run(bench, args)
    print(report.markdown(*shapes.rows_of_table(done)), flush=True)
    return done, shapes.wrong(done)


def saver(args):
    """Writes a report with what it depends on."""
    def save(content):
        if args.json:
            whole = content | {"settings": args.settings, "machine": machine()}
            args.json.write_text(json.dumps(whole, indent=2) + "\n")
    return save


def main():
    args = arguments()
    scratch = Path(tempfile.mkdtemp(prefix="delivery-kpi-bench-"))
    bench = Bench(args.binary, args.floor, ROOT / "target" / "bench", scratch, args.as_of)
    try:
        content, wrong = (run_shapes if args.shapes else run_cases)(bench, args)
        args.save(content)
        for line in wrong:
            print(f"WRONG  {line}")
        if not wrong and not args.peer_only:
            print("every table is right")
        return 1 if wrong else 0
    finally:
        if args.keep:
            say(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
