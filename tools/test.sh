#!/usr/bin/env bash
# All checks, all of them even when one fails; pytest comes last so that its closing line is the last one.
# Arguments go to pytest: `make test ARGS="-k claims -x"`; `--lint` leaves pytest out.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
PATH="$PWD/.venv/bin:$PATH"

failed=()
check() {
  printf '==> %s\n' "$*"
  "$@" || failed+=("$1")
}

check ruff check .
check ruff format --check .
check mypy
check lint-imports
[ "${1:-}" = --lint ] || check pytest -n 2 "$@"

if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failed[*]}" >&2
  exit 1
fi
