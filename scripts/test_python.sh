#!/usr/bin/env bash
# Every Python test: those that want the machine for themselves (`alone`) first, then those in a browser two at
# a time, then the many beside one another. The last line is pytest's.
# What failed is run again by itself, with nothing beside it, and what fails then once more: a defect fails each
# time and with it this run; what passes is named as unsteady, for somebody to look at. Many failures get no such look.
set -uo pipefail
cd "${1:-$(dirname "$0")/..}" || exit

python=${PYTHON:-.venv/bin/python}
last_failed=.pytest_cache/v/cache/lastfailed
second_chances=5
looks="second third"
SOME_FAILED=1 # pytest's exit codes
NONE_FOUND=5

processors=$(nproc)
jobs=$((processors > 4 ? 4 : processors))
browsers=$((processors > 3 ? 2 : 1)) # each with its gateway and its upstream
rm -f "$last_failed"
worst=0

run() { # pytest's arguments
    "$python" -m pytest "$@"
    local code=$?
    [ "$code" -eq $NONE_FOUND ] && code=0
    [ "$code" -gt "$worst" ] && worst=$code
}

run -m "alone"
run --numprocesses "$browsers" --dist loadfile -m "browser and not alone"
run --numprocesses "$jobs" --dist loadfile -m "not alone and not browser"
[ "$worst" -ne $SOME_FAILED ] && exit "$worst"

failed=$("$python" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$last_failed")
[ "$(wc -l <<<"$failed")" -gt $second_chances ] && exit $SOME_FAILED
for look in $looks; do
    echo "::: failed, run again ($look look) with nothing beside it; what passes now is unsteady, a test to mend:"
    echo "$failed"
    "$python" -m pytest --last-failed --last-failed-no-failures none && exit
    worst=$?
done
exit "$worst"
