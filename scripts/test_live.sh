#!/usr/bin/env bash
# Opt-in: doctor, a text turn and a spoken turn against a real provider, with the key at hand. Costs money.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${OPENAI_API_KEY:-}" ]; then
    printf 'error: OPENAI_API_KEY is not set, so there is no provider to ask.\n  fix: OPENAI_API_KEY=... make test-live\n' >&2
    exit 2
fi
holdfast=.venv/bin/holdfast
url="${OPENAI_BASE_URL:-https://api.openai.com/v1}"
url="${url/#http/ws}/realtime"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

"$holdfast" doctor
"$holdfast" talk --url "$url" --text "Please say in one short sentence that the line works." --out "$work/reply.wav"
"$holdfast" talk --url "$url" --in "$work/reply.wav"
