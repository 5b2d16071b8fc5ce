#!/usr/bin/env bash
# usage: coverage [--quick]
# Tells which lines of lib/ and the application the tests execute.
#
# Builds the coverage preset, runs all tests (with --quick the unit tests alone), prints each file's share and the
# total, and leaves pages to read in build/coverage/html. The exit code is 1 below 90 % (DEV_COVERAGE_LIMIT).
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/node.sh
. scripts/dev/scratch.sh
. scripts/dev/promtool.sh

at_most 1 "./dev coverage [--quick]" "$@"
case "${1:-}" in
  '' | --quick) ;;
  *) die 64 "coverage takes nothing or --quick, not '$1'." ;;
esac
ensure_packages build test
if [ "${1:-}" != --quick ]; then ensure_node_tools; fi
ensure_viewer
drop_root "$0" "$@"
need_build
ensure_promtool
if [ "${1:-}" = --quick ]; then use_scratch 500 "a run of the unit tests"; else use_scratch 4000 "a test run"; fi
build_preset coverage

raw=$DEV_ROOT/build/coverage/profiles
rm -rf "$raw"
mkdir -p "$raw"
# Processes add to four files a program: one for each of a thousand processes would take gigabytes.
export LLVM_PROFILE_FILE=$raw/%4m.profraw
labels=unit
if [ "${1:-}" != --quick ]; then labels='unit|integration'; fi
step "Running the tests"
ctest --test-dir build/coverage -L "^($labels)\$" --schedule-random -j "$(cores)" --timeout 240 --no-tests=error </dev/null >build/coverage/ctest.log 2>&1 ||
  warn "some tests failed, see build/coverage/ctest.log; the figures below are without what they would have reached"
tail -n 3 build/coverage/ctest.log
if [ "${1:-}" != --quick ] && [ -x "$(server_binary coverage)" ]; then
  step "Running the end-to-end tests"
  (cd tests/e2e && DEV_BINARY=$DEV_ROOT/$(server_binary coverage) timeout 1800 "$(system_python)" -m pytest -q \
    -n "$(cores)" --timeout 180 </dev/null >"$DEV_ROOT/build/coverage/e2e.log" 2>&1) || warn "see build/coverage/e2e.log"
  tail -n 1 build/coverage/e2e.log
fi

step "Adding up"
data=build/coverage/all.profdata
find "$raw" -name '*.profraw' >"$raw/list"
[ -s "$raw/list" ] || die 70 "no test left a profile in $raw" "./dev clean, then again."
llvm-profdata-19 merge -sparse -f "$raw/list" -o "$data"
# Every executable that was run holds a part of the code.
mapfile -t objects < <(find build/coverage -type f -perm -u+x \( -name '*_tests' -o -name '*_test' -o -name slipway \))
arguments=("${objects[0]}")
for object in "${objects[@]:1}"; do arguments+=(-object "$object"); done
ignore='(^|/)(build|tests|fuzz|bench)/|_test\.cpp$|^/usr/'
llvm-cov-19 report "${arguments[@]}" -instr-profile="$data" -ignore-filename-regex="$ignore" >build/coverage/report.txt 2>/dev/null
llvm-cov-19 show "${arguments[@]}" -instr-profile="$data" -ignore-filename-regex="$ignore" -format=html \
  -output-dir=build/coverage/html 2>/dev/null || true
# Columns 8 to 10 are lines, missed lines, and the share.
awk '/^Filename/ || /^---/ { next } NF > 9 { printf "%8s  %s\n", $10, $1 }' build/coverage/report.txt | sort -n
total=$(awk '$1 == "TOTAL" { sub(/%/, "", $10); print $10 }' build/coverage/report.txt)
say "lines executed: $total % (pages in build/coverage/html)"
awk -v total="$total" -v limit="${DEV_COVERAGE_LIMIT:-90}" 'BEGIN { exit !(total >= limit) }' ||
  die 1 "that is below ${DEV_COVERAGE_LIMIT:-90} %." "The pages show the lines in red."
