#!/usr/bin/env bash
# Autobahn's `wstest`, in a Python 2.7 environment of its own: prints its path. It is a tool for the tests only.
#
# Exits with 3, and the reason, where there is no Python 2.7: Autobahn's suite was never written for another.
# Names taken from the environment: PYTHON27 (an interpreter), WSTEST (a `wstest` that is there already).
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "${WSTEST:-}" ]; then
    echo "$WSTEST"
    exit 0
fi

works() { [ -n "$1" ] && "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' >/dev/null 2>&1; }

choose() {
    local candidate
    for candidate in "${PYTHON27:-}" python2.7 python2 pypy pypy2 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do
        if works "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "note: Autobahn is skipped: no Python 2.7 here (install one, or name it in PYTHON27)" >&2
    exit 3
}

home="$PWD/.make/autobahn"
if [ ! -x "$home/bin/wstest" ]; then
    python="$(choose)"
    # The last virtualenv that can make an environment for 2.7.
    .venv/bin/python -m venv "$home-maker"
    "$home-maker/bin/python" -m pip install -qq --disable-pip-version-check 'virtualenv<20.22'
    "$home-maker/bin/virtualenv" -q -p "$(command -v "$python")" "$home"
    "$home/bin/python" -m pip install -qq --no-python-version-warning --disable-pip-version-check autobahntestsuite==25.10.1 >&2
fi
echo "$home/bin/wstest"
