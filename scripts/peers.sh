#!/usr/bin/env bash
# nginx and haproxy, beside which `holdfast bench` sets the gateway: by apt when we are root and they are missing.
set -euo pipefail
PATH="$PATH:/usr/sbin:/usr/local/sbin"

missing=()
for name in nginx haproxy; do
    command -v "$name" >/dev/null 2>&1 || missing+=("$name")
done
if [ ${#missing[@]} = 0 ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf '\033[2m==> %s (apt)\033[0m\n' "${missing[*]}"
    log="$(mktemp)"
    trap 'rm -f "$log"' EXIT
    export DEBIAN_FRONTEND=noninteractive
    # their services are not wanted: the bench starts its own, on the loopback address
    if { apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        exit 0
    fi
    tail -n 3 "$log" >&2
fi
echo "note: ${missing[*]} not here, and not measured (install them, or run this as root)"
