#!/usr/bin/env bash
# usage: clean [--all]
# Removes what the build made; --all also removes var/ with its data, and what npm installed.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
at_most 1 "./dev clean [--all]" "$@"
case "${1:-}" in
  '' | --all) ;;
  *) die 64 "clean takes nothing or --all, not '$1'." ;;
esac
rm -rf build
find . -name __pycache__ -type d -prune -exec rm -rf {} +
say "build/ is gone."
if [ "${1:-}" = --all ]; then
  rm -rf var tests/e2e/node_modules web/docs/node_modules bench/peers/fastify/node_modules
  say "var/ is gone, with the development database and keys, and what npm installed."
fi
