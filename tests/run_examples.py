#!/usr/bin/env python3
"""Runs the examples of README.md that read the tables: run_examples.py OUTPUT < EXAMPLES

EXAMPLES is a JSON object, name → text, with the names python, duckdb, spark and trino; OUTPUT is where
the tables are, and the Python example finds them from the working directory. Prints one JSON line for
each example, `{"example": …, "rows": [[delivery_id, hour in microseconds, delivered, delivered_delta], … ]}`.

DuckDB's extension for Delta Lake need not be there: the tables are read with `deltalake` at every
version, and a macro called `delta_scan` gives the one that the example asks for. The examples for
Spark and Trino are parsed in their dialects and translated to DuckDB by sqlglot. They take versions as
literals, which people copy from the first query; here the versions that it gives are put in.
"""
import json
import os
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlglot
from deltalake import DeltaTable
from sqlglot import exp

TABLES = ["delivery_kpi_hourly", "delivery_kpi", "kpi_run"]


def database(output):
    """A database that knows each table at every version, as `name@version`, and at its newest, as `name`."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in TABLES:
        newest = DeltaTable(str(output / name)).version()
        for version in range(newest + 1):
            table = pa.table(DeltaTable(str(output / name), version=version).to_pyarrow_table())
            connection.register(f"{name}@{version}", table)
        connection.register(name, table)
    connection.execute(
        "CREATE MACRO delta_scan(path, version := NULL) AS TABLE "
        "FROM query_table(concat(parse_filename(path), '@' || version))"
    )
    return connection


def rows(connection, query):
    """The rows of the query at the end of an example."""
    query = query.strip().rstrip(";")
    found = connection.execute(
        f"SELECT delivery_id, epoch_us(hour), delivered, delivered_delta FROM ({query})"
    )
    return [list(row) for row in found.fetchall()]


def python(text, _):
    names = {}
    exec(compile(text, "the Python example", "exec"), names)
    return [[row[0], round(row[1].timestamp()) * 1_000_000, *row[2:]] for row in names["dense"]]


def duck(text, output):
    connection = database(output)
    *before, last = duckdb.extract_statements(text)
    for statement in before:
        connection.execute(statement)
    return rows(connection, last.query)


def translated(dialect):
    """What runs an example of another dialect."""

    def run(text, output):
        connection = database(output)
        first, last = (tree for tree in sqlglot.parse(text, dialect=dialect) if tree)
        for tree in (first, last):
            pinned = 0
            for table in [table for table in tree.find_all(exp.Table) if table.name in TABLES or "/" in table.name]:
                name = table.name.rsplit("/", 1)[-1]
                if table.args.get("version"):
                    name, pinned = f"{name}@{versions[name]}", pinned + 1
                    table.set("version", None)
                for part in ("db", "catalog"):
                    table.set(part, None)
                table.set("this", exp.to_identifier(name, quoted=True))
            if tree is first:
                found = connection.execute(tree.sql(dialect="duckdb")).fetchall()
                versions = dict(found[0][0])
            elif pinned != 2:
                sys.exit(f"{dialect}: both data tables must be read at a version")
        return rows(connection, last.sql(dialect="duckdb"))

    return run


ENGINES = {"python": python, "duckdb": duck, "spark": translated("spark"), "trino": translated("trino")}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    examples = json.load(sys.stdin)
    if set(examples) != set(ENGINES):
        sys.exit(f"examples: {sorted(examples)}; known: {sorted(ENGINES)}")
    for name, run in ENGINES.items():
        found = sorted(run(examples[name], Path(sys.argv[1])))
        print(json.dumps({"example": name, "rows": found}))


if __name__ == "__main__":
    main()
    # The readers' threads may still run, and a regular end of the interpreter then aborts now and then.
    sys.stdout.flush()
    os._exit(0)
