"""One after the other, all shapes of a log: its world (deliveries, histories) times its layout (files, order, ids)."""
import itertools
import json
import re
import sys

from .cases import FLOOR, OURS, Case
from .checks import Checks
from .data import DataSet, say

DELIVERIES = {"few": 10, "many": 5000}
HISTORIES = ["short", "long"]
FILES = ["hourly", "one", "5000"]
ORDERS = ["time", "message", "shuffled"]
IDS = ["integer", "string"]
REFERENCE = "hourly-time-integer"


def all_shapes(messages, days):
    """Name to data set, the worlds one after the other, each beginning with its reference."""
    shapes = itertools.product(DELIVERIES, HISTORIES, FILES, ORDERS, IDS)
    return {
        f"{deliveries}-{histories}-{files}-{order}-{ids}": DataSet(
            messages, DELIVERIES[deliveries], days, histories, files=files, order=order, ids=ids)
        for deliveries, histories, files, order, ids in shapes
    }


def reference_of(name):
    return "-".join(name.split("-")[:2] + [REFERENCE])


def chosen(shapes, pattern):
    """The shapes whose name matches, and the references of their worlds."""
    names = [name for name in shapes if re.search(pattern, name)]
    names += [reference_of(name) for name in names]
    return {name: data for name, data in shapes.items() if name in names}


def measure_shape(bench, checks, name, data, args):
    """Floor and ours in turns, then the check; leaves nothing behind unless it is to be kept."""
    made = data.provide(bench.root)
    floor, ours = (Case(name, program, data, args.threads) for program in (FLOOR, OURS))
    results = bench.in_turns([floor, ours], args.rounds)
    wrong = checks.check(ours)
    if not args.keep:
        bench.clean([floor, ours])
        if made:
            data.remove(bench.root)
    return {"floor": results[floor], "ours": results[ours], "wrong": wrong}


def earlier(args):
    """The report of a run that was interrupted."""
    report = json.loads(args.json.read_text())
    if report["settings"] != args.settings:
        sys.exit(f"{args.json} was measured with other settings: {report['settings']}")
    return report


def run(bench, args):
    """Measures the shapes that are not in the file yet (with --resume), and writes it after every shape."""
    report = earlier(args) if args.resume and args.json.is_file() else {"shapes": {}, "references": {}}
    checks = Checks(bench, report["references"])
    shapes = chosen(all_shapes(args.messages, args.days), args.only)
    for number, (name, data) in enumerate(shapes.items(), 1):
        if name in report["shapes"]:
            continue
        say(f"--- {number}/{len(shapes)}  {name}")
        report["shapes"][name] = measure_shape(bench, checks, name, data, args)
        report["references"] = checks.references
        args.save(report)
    return report


def rows_of_table(report):
    """For the Markdown table: seconds, and how they compare with the reference of the world and with the floor."""
    header = ["shape", "rows", "floor, s", "ours, s", "s per M rows", "× reference", "× floor", "peak, MB", "right"]
    rows = []
    for name, shape in report["shapes"].items():
        floor, ours = shape["floor"], shape["ours"]
        per_row = ours["seconds_per_million_rows"]
        reference = report["shapes"][reference_of(name)]["ours"]["seconds_per_million_rows"]
        rows.append([
            name, f"{ours['rows']}", f"{floor['seconds']['median']:.2f}", f"{ours['seconds']['median']:.2f}",
            f"{per_row:.3f}", f"{per_row / reference:.2f}",
            f"{ours['seconds']['median'] / floor['seconds']['median']:.2f}", f"{ours['peak_mb']['median']:.0f}",
            "no" if shape["wrong"] else "yes",
        ])
    return header, rows


def wrong(report):
    return [f"{name}: {line}" for name, shape in report["shapes"].items() for line in shape["wrong"]]
