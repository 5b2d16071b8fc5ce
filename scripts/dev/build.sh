#!/usr/bin/env bash
# usage: build [PRESET] [TARGET...]
# Builds release, or another preset: debug, tsan, coverage, fuzz.
#
# Installs missing packages first. Without targets everything of that preset is built. The times of a build from
# nothing are printed at its end.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/node.sh
ensure_packages build test
ensure_viewer
drop_root "$0" "$@"
preset=${1:-release}
shift || true
case $preset in
  release | debug | tsan | coverage | fuzz) ;;
  *) die 64 "'$preset' is no preset." "There are release, debug, tsan, coverage and fuzz." ;;
esac
mkdir -p build
build_preset "$preset" "$@"
say "build/$preset is up to date."
