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
preset=${1:-release}
case $preset in
  release) ensure_packages build ;;
  # The others need the run time of the sanitizers, of coverage, or of libFuzzer.
  debug | tsan | coverage | fuzz) ensure_packages build test ;;
  *) die 64 "'$preset' is no preset." "There are release, debug, tsan, coverage and fuzz." ;;
esac
ensure_viewer
drop_root "$0" "$@"
need_build
shift || true
build_preset "$preset" "$@"
say "build/$preset is up to date."
