#!/usr/bin/env bash
# Makes a virtual environment with another reader of Delta tables, once. The interpreter's path
# goes to stdout, everything else to stderr. PYTHON names the interpreter to start from.
set -euo pipefail

packages=(deltalake==1.6.6 pyarrow==26.0.1)
venv="${XDG_CACHE_HOME:-$HOME/.cache}/delivery-kpi/venv"
python="$venv/bin/python"

# Succeeds when exactly these versions are installed.
complete() {
    [[ -x "$python" ]] && "$python" - "${packages[@]}" <<'CHECK' >&2
import sys
from importlib.metadata import PackageNotFoundError, version

try:
    wrong = [p for p in sys.argv[1:] if version(p.split("==")[0]) != p.split("==")[1]]
except PackageNotFoundError:
    sys.exit(1)
sys.exit(1 if wrong else 0)
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
        echo "installing ${packages[*]} into $venv" >&2
        "${PYTHON:-python3}" -m venv "$venv" >&2
        "$python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2
        complete
    fi
fi
echo "$python"
