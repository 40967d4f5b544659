#!/usr/bin/env bash
# Chromium for the browser tests: by apt when we are root and it is missing, else a word about what is skipped.
set -euo pipefail

found() {
    local name
    for name in "${HOLDFAST_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

if found; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf '\033[2m==> Chromium (apt)\033[0m\n'
    log="$(mktemp)"
    trap 'rm -f "$log"' EXIT
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >"$log" 2>&1 && found; then
        exit 0
    fi
    tail -n 3 "$log" >&2
fi
reason="no Chromium here: the browser tests are skipped (install chromium, or name one in HOLDFAST_CHROMIUM)"
if [ -n "${HOLDFAST_REQUIRE_BROWSER:-}" ]; then
    echo "error: $reason" >&2
    exit 1
fi
echo "note: $reason"
