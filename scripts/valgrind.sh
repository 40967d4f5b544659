#!/usr/bin/env bash
# valgrind for counting instructions: by apt when we are root and it is missing, else a word about what is skipped.
set -euo pipefail

found() { command -v valgrind >/dev/null 2>&1; }

if found; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf '\033[2m==> valgrind (apt)\033[0m\n'
    log="$(mktemp)"
    trap 'rm -f "$log"' EXIT
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get update -qq && apt-get install -y -qq --no-install-recommends valgrind; } >"$log" 2>&1 && found; then
        exit 0
    fi
    tail -n 3 "$log" >&2
fi
reason="no valgrind here: instructions are not counted (install valgrind)"
if [ -n "${HOLDFAST_REQUIRE_VALGRIND:-}" ]; then
    echo "error: $reason" >&2
    exit 1
fi
echo "note: $reason"
