"""The hourly job as a DAG of Airflow 3.

Goes to the DAGs folder. The program, prlimit and timeout must be on the PATH of the workers, the
job file in /etc/delivery-kpi, and the pool must exist:

    airflow pools set delivery_kpi 1 "one run at a time publishes the delivery KPIs"
"""

import logging
import subprocess
from datetime import datetime, timedelta, timezone

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

# A worker bounds neither memory nor the time of a child process. Both limits are per attempt; beyond
# them timeout ends with 124, and the program aborts.
COMMAND = [
    *("timeout", "--kill-after=30", "900"),
    *("prlimit", "--data=4294967296"),
    *("delivery-kpi", "recompute", "/etc/delivery-kpi/hourly.toml", "--log-format", "json"),
]

log = logging.getLogger(__name__)


def alert(context) -> None:
    """Called when a run has failed for good, and not before a retry. Put the call of your pager here."""
    log.error("run %s failed, somebody must look: %s", context.get("run_id"), context.get("reason"))


def run() -> int:
    """Runs the program, its output in the log of the task; gives its exit code."""
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            for line in process.stdout:
                log.info("%s", line.rstrip("\n"))
            return process.wait()
        except BaseException:
            # The task was cleared or hit its time-out.
            process.terminate()
            raise


def judge(code: int) -> None:
    """What an exit code means to Airflow: only after 1 does it try again."""
    if code == 0:
        return
    if code == 1:
        raise AirflowException("exit code 1: failed, nothing was published")
    if code == 4:
        # No alert by itself: the other run still works, and the next hour computes this one too.
        raise AirflowSkipException("exit code 4: another run holds the output")
    reasons = {
        2: "wrong usage, job file or schema of the extracts, nothing was published",
        3: "published, but more input was left out than the job allows",
        5: "published, and there are new alerts",
        124: "ended at its time limit",
    }
    raise AirflowFailException(f"exit code {code}: {reasons.get(code, 'ended by the system')}")


@dag(
    dag_id="delivery_kpi",
    schedule="7 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    # A missed hour needs no repair: the next run computes it too.
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=50),
    on_failure_callback=alert,
    tags=["delivery-kpi"],
)
def delivery_kpi():
    @task(
        retries=2,
        retry_delay=timedelta(minutes=2),
        # Somewhat later than the time limit of the program itself.
        execution_timeout=timedelta(minutes=16),
        pool="delivery_kpi",
    )
    def recompute() -> None:
        judge(run())

    recompute()


delivery_kpi()
