#!/usr/bin/env bash
# perf for the budget of a message: by apt when we are root and it is missing, else a word about what to install.
set -euo pipefail

if command -v perf >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf '\033[2m==> perf (apt)\033[0m\n'
    log="$(mktemp)"
    trap 'rm -f "$log"' EXIT
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get update -qq && apt-get install -y -qq --no-install-recommends linux-perf; } >"$log" 2>&1; then
        exit 0
    fi
    tail -n 3 "$log" >&2
fi
echo "error: no perf here (install linux-perf, or linux-tools)" >&2
exit 1
