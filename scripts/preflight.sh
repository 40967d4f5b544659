#!/usr/bin/env bash
# Is what we build with here, and new enough? Says what is missing and what to type, in one sentence.
#
#   scripts/preflight.sh python   prints the interpreter to use
#   scripts/preflight.sh node     prints nothing
set -euo pipefail

fail() {
    printf 'error: %s\n  fix: %s\n' "$1" "$2" >&2
    exit 1
}

version_at_least() { # have want
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

usable_python() { # interpreter: new enough, with venv and pip's seed
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

choose_python() {
    # 3.11 and 3.13 first: every package we use has a built wheel for them.
    local candidate
    for candidate in ${PYTHON:-} python3.13 python3.11 python3.12 python3; do
        if usable_python "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    if ! command -v python3 >/dev/null 2>&1; then
        fail "Python is missing; Holdfast needs 3.11 or newer." \
            "install it (Debian, Ubuntu: apt install python3 python3-venv), or name one: make run PYTHON=/path/to/python3"
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        fail "$(python3 --version) is too old; Holdfast needs Python 3.11 or newer." \
            "install a newer one and name it: make run PYTHON=/path/to/python3.11"
    fi
    fail "$(python3 --version) comes without venv." "apt install python3-venv"
}

check_node() {
    local have
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        fail "Node.js with npm is missing; the web client is built with 20.19 or newer." \
            "install it from your system's packages or from nodejs.org, then run this again"
    fi
    have="$(node --version)"
    if ! version_at_least "${have#v}" 20.19; then
        fail "Node.js $have is too old; the web client is built with 20.19 or newer." \
            "install a newer one, then run this again"
    fi
}

case "${1:-}" in
python) choose_python ;;
node) check_node ;;
*)
    echo "usage: scripts/preflight.sh python|node" >&2
    exit 2
    ;;
esac
