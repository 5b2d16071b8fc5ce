#!/usr/bin/env bash
# usage: test [unit|integration|e2e|all] [FILTER]
# Builds with the sanitizers and runs the tests; the last line counts them.
#
# unit         pure, no sockets
# integration  against real servers, which the tests start themselves on free ports
# e2e          the real binary from outside, with clients that we did not write
# all          the three (the default)
#
# FILTER is a regular expression over test names for the first two, and pytest's -k for e2e. Every test has a time
# limit, and so has the whole run (DEV_TEST_LIMIT, in seconds, 2400 unless told). The exit code is 1 when a test
# failed or none ran. Results are kept in build/debug/results/.
#
# DEV_BINARY=path tests another binary end to end, such as build/release/cmd/server/slipway.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/node.sh
. scripts/dev/scratch.sh
. scripts/dev/promtool.sh

at_most 2 "./dev test [unit|integration|e2e|all] [FILTER]: one FILTER, such as 'json|url', or 'notes or users' for e2e" "$@"
what=${1:-all} filter=${2:-}
case $what in
  unit | integration | e2e | all) ;;
  *) die 64 "'$what' is no kind of test." "There are unit, integration, e2e and all." ;;
esac
ensure_packages build test
if [ "$what" = e2e ] || [ "$what" = all ]; then ensure_node_tools; fi
ensure_viewer
drop_root "$0" "$@"
need_build
ensure_promtool
# The servers of the tests write; some of the tests, or those without servers, write little.
if [ "$what" = unit ] || [ -n "$filter" ]; then use_scratch 500 "a short test run"; else use_scratch 4000 "a test run"; fi

results=build/debug/results
limit=${DEV_TEST_LIMIT:-2400}
mkdir -p "$results"
rm -f "$results"/*.xml

# run_ctest LABEL: the reports of all tests land in one file; the terminal sees failures and now and then a count.
run_ctest() {
  local label=$1 log=$results/$1.log
  step "Running the $label tests"
  timeout --kill-after=20 "$limit" ctest --test-dir build/debug -L "^$label\$" ${filter:+-R "$filter"} \
    -j "$(cores)" --timeout 120 --no-tests=ignore --output-junit "$DEV_ROOT/$results/$label.xml" </dev/null 2>&1 |
    tee "$log" | awk '
      /Passed +[0-9.]+ sec/ { if (++passed % 100 == 0) { print "    " passed " passed"; fflush() } next }
      /\*\*\*(Failed|Timeout|Exception)/ { print "    " $0; fflush() }
      /tests passed,|No tests were found/ { print "    " $0; fflush() }' || true
  if [ ! -s "$results/$label.xml" ]; then
    say "    ctest did not come to its end within $limit s or could not start:"
    tail -n 15 "$log" | sed 's/^/    /'
    broken+=("$label: ctest gave no results, see $log")
  fi
}

run_pytest() {
  local log=$results/e2e.log python binary=${DEV_BINARY:-$(server_binary debug)}
  python=$(system_python)
  case $binary in /*) ;; *) binary=$DEV_ROOT/$binary ;; esac
  step "Running the end-to-end tests"
  if ! "${python:-false}" -c 'import pytest, pytest_timeout, xdist, httpx, jwt' 2>"$log"; then
    broken+=("e2e: $(tail -n 1 "$log"); ./dev doctor tells which packages are missing")
    return
  fi
  (
    cd tests/e2e
    DEV_BINARY=$binary timeout --kill-after=20 "$limit" "$python" -m pytest -q -n "$(cores)" --timeout 180 \
      ${filter:+-k "$filter"} --junitxml "$DEV_ROOT/$results/e2e.xml" -o junit_family=xunit2 </dev/null 2>&1
  ) | tee "$log" | grep --line-buffered -E '^(FAILED|ERROR|[0-9]+ (passed|failed|skipped|error)|=+ .*(passed|failed|error|skipped))' |
    sed -u 's/^/    /' || true
  if [ ! -s "$results/e2e.xml" ]; then
    tail -n 15 "$log" | sed 's/^/    /'
    broken+=("e2e: pytest gave no results within $limit s, see $log")
  fi
}

broken=()
if [ "$what" = e2e ]; then
  if [ -z "${DEV_BINARY:-}" ]; then build_preset debug slipway_server; fi
else
  build_preset debug
fi
case $what in
  all)
    run_ctest unit
    run_ctest integration
    run_pytest
    ;;
  e2e) run_pytest ;;
  *) run_ctest "$what" ;;
esac

"$(system_python)" scripts/dev/summary.py ${broken[@]+"${broken[@]/#/--broken=}"} "$results"/*.xml
