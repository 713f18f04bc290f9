"""Reads folders with Airflow's own loader; prints what it found, a line of JSON for each.

For the first folder also what its task makes of each exit code of the program: the COMMANDS folder is
the first of the PATH then, and holds a `delivery-kpi` that ends with the exit code FAKE_EXIT.

    check_dag.py COMMANDS FOLDER ...
"""

import importlib.metadata
import json
import os
import sys
import tempfile

commands, *folders = sys.argv[1:]
home = tempfile.TemporaryDirectory()
os.environ["AIRFLOW_HOME"] = home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

from airflow.dag_processing.dagbag import DagBag  # noqa: E402

CODES = [0, 1, 2, 3, 4, 5, 124, 134, 137, 143]


def outcome(task, code):
    """The name of the exception that the task raises when the program ends with this code."""
    os.environ["FAKE_EXIT"] = str(code)
    try:
        task.python_callable()
    except Exception as error:
        return type(error).__name__
    return None


def seconds(duration):
    return duration and duration.total_seconds()


def described(dag):
    (task,) = dag.tasks
    return {
        "schedule": str(dag.schedule),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "dagrun_timeout": seconds(dag.dagrun_timeout),
        "alerts": getattr(dag.on_failure_callback, "__name__", None),
        "retries": task.retries,
        "retry_delay": seconds(task.retry_delay),
        "execution_timeout": seconds(task.execution_timeout),
        "pool": task.pool,
        "command": sys.modules[task.python_callable.__module__].COMMAND,
    }


def main():
    os.environ["PATH"] = commands + os.pathsep + os.environ["PATH"]
    for place, folder in enumerate(folders):
        bag = DagBag(dag_folder=folder, load_op_links=False)
        found = {
            "airflow": importlib.metadata.version("apache-airflow"),
            "import_errors": list(bag.import_errors.values()),
            "dags": {name: described(dag) for name, dag in bag.dags.items()},
        }
        if place == 0:
            found["outcomes"] = {
                code: outcome(dag.tasks[0], code) for dag in bag.dags.values() for code in CODES
            }
        print(json.dumps(found), file=results)
    results.flush()


# Airflow logs to stdout too.
results = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
main()
