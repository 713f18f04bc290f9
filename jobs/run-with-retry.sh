#!/bin/sh
# Runs a command, and runs it again after exit code 1: the only one after which delivery-kpi may be
# run again without anybody looking.
#
#   [RETRIES=2] [RETRY_PAUSE=120] run-with-retry.sh COMMAND [ARGUMENT ...]
#
# It prints nothing while all is well, so that cron, which mails what a job prints, alerts only when
# somebody must look. The exit code is that of the last attempt; 130 or 143 after SIGINT or SIGTERM,
# which are handed on to the command as SIGTERM.
set -u

retries="${RETRIES:-2}"
pause="${RETRY_PAUSE:-120}"

if [ "$#" -eq 0 ]; then
    echo "usage: [RETRIES=2] [RETRY_PAUSE=120] run-with-retry.sh COMMAND [ARGUMENT ...]" >&2
    exit 2
fi

interrupted=
child=
# shellcheck disable=SC2329 # the traps call it
interrupt() {
    interrupted="$1"
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap 'interrupt 130' INT
trap 'interrupt 143' TERM

output="$(mktemp)" || exit 1
trap 'rm -f "$output"' EXIT

# Runs a command and leaves its exit code in `code`.
attend() {
    "$@" &
    child=$!
    [ -z "$interrupted" ] || kill -TERM "$child" 2>/dev/null
    wait "$child"
    code=$?
    # A signal ends the wait, not the child.
    while [ -n "$interrupted" ] && kill -0 "$child" 2>/dev/null; do
        wait "$child"
        code=$?
    done
    child=
}

attempt=1
while :; do
    attend "$@" >>"$output" 2>&1
    result=$code
    if [ -n "$interrupted" ] || [ "$result" -ne 1 ] || [ "$attempt" -gt "$retries" ]; then
        break
    fi
    attempt=$((attempt + 1))
    attend sleep "$pause"
    if [ -n "$interrupted" ]; then
        break
    fi
done

[ -z "$interrupted" ] || result="$interrupted"
case "$result" in
    0) exit 0 ;;
    # The run before is still working. Many of these in a row show as old tables.
    4) exit 4 ;;
    1) reason="failed $attempt times, nothing was published" ;;
    2) reason="wrong usage, job file or schema of the extracts, nothing was published" ;;
    3) reason="published, but more input was left out than the job allows" ;;
    5) reason="published, and there are new alerts" ;;
    124) reason="ended at its time limit" ;;
    126 | 127) reason="the command cannot be run" ;;
    130 | 143) reason="interrupted" ;;
    134 | 137) reason="ended by the system, probably at its memory limit" ;;
    *) reason="ended in an unexpected way" ;;
esac
{
    echo "exit code $result: $reason"
    echo "command: $*"
    cat "$output"
} >&2
exit "$result"
