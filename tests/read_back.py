#!/usr/bin/env python3
"""Reads what a run has published with another Delta reader: read_back.py OUTPUT

Takes the versions that the newest row of `kpi_run` names, and prints one JSON line per table,
`{"table": …, "rows": [ … ]}`, its rows sorted by delivery and hour. Instants are RFC 3339 in UTC.
"""
import json
import os
import sys
from datetime import date, datetime, timezone
from pathlib import Path

from deltalake import DeltaTable

TABLES = ["delivery_kpi_hourly", "delivery_kpi", "kpi_run"]


def plain(value):
    """A value as JSON knows it."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"an instant without a zone: {value}")
        text = value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{text}.{value.microsecond:06}Z" if value.microsecond else f"{text}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def rows(path, version=None):
    """The rows of one table, as of a version."""
    import pyarrow as pa

    table = pa.table(DeltaTable(str(path), version=version).to_pyarrow_table())
    maps = {field.name for field in table.schema if pa.types.is_map(field.type)}
    return [
        {name: dict(value) if name in maps and value is not None else value for name, value in row.items()}
        for row in table.to_pylist()
    ]


def order(row):
    """Nulls first; integers and texts never meet in one column."""
    return [(row.get(key) is not None, row.get(key) if row.get(key) is not None else 0)
            for key in ("delivery_id", "hour", "run_number")]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    output = Path(sys.argv[1])
    runs = rows(output / "kpi_run")
    if not runs:
        sys.exit(f"{output}: kpi_run has no row")
    versions = max(runs, key=lambda run: run["run_number"])["table_versions"]
    for name in TABLES:
        # The commit that holds the row cannot name its own version.
        found = runs if name == "kpi_run" else rows(output / name, versions[name])
        found.sort(key=order)
        print(json.dumps({"table": name, "rows": plain(found)}, allow_nan=False))


if __name__ == "__main__":
    main()
    # The reader's threads may still run, and a regular end of the interpreter then aborts now and then.
    sys.stdout.flush()
    os._exit(0)
