#!/usr/bin/env bash
# Makes a virtual environment for tests, once, and prints the path of its interpreter; everything else
# goes to stderr. PYTHON names the interpreter to start from.
#
#   tests/setup-python.sh [NAME]   what tests/python/NAME.txt lists; default: reader
#
# reader: another reader of Delta tables, and what runs the queries of README.md. jobs: what checks the files in jobs/. airflow: Airflow.
# s3: an S3 server. browser: what drives a browser.
set -euo pipefail

name="${1:-reader}"
requirements="$(dirname "${BASH_SOURCE[0]}")/python/$name.txt"
if [[ ! -f "$requirements" ]]; then
    echo "there is no $requirements" >&2
    exit 2
fi
venv="${XDG_CACHE_HOME:-$HOME/.cache}/delivery-kpi/python/$name"
python="$venv/bin/python"

# Succeeds when exactly these versions are installed.
complete() {
    [[ -x "$python" ]] && "$python" - "$requirements" <<'CHECK' >&2
import sys
from importlib.metadata import PackageNotFoundError, version

try:
    for line in open(sys.argv[1]):
        package, wanted = line.strip().split("==")
        if version(package) != wanted:
            sys.exit(1)
except PackageNotFoundError:
    sys.exit(1)
CHECK
}

if ! complete; then
    mkdir -p "$(dirname "$venv")"
    # Two set-ups at once would step on each other.
    if command -v flock >/dev/null; then
        exec 9>"$venv.lock"
        flock 9
    fi
    if ! complete; then
        echo "installing what $requirements lists into $venv" >&2
        "${PYTHON:-python3}" -m venv "$venv" >&2
        "$python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2
        complete
    fi
fi
echo "$python"
