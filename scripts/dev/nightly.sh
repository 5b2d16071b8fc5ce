#!/usr/bin/env bash
# usage: nightly [fuzz|lint|tsan|soak|bench|all] [--seconds N] [--within N] [--seed N] [--quick]
# The long checks: fuzzing, clang-tidy over everything, ThreadSanitizer, a soak under load, the measurements.
#
# fuzz   every fuzz target for --seconds each (3600 unless told), together no longer than --within seconds;
#        a finding is kept in build/fuzz/findings with the command that repeats it; --seed makes two runs try the
#        same inputs; where --within is short, every target runs for less
# lint   ./dev lint --all: clang-tidy over what has changed since it was last clean
# tsan   the unit and integration tests under ThreadSanitizer; --quick takes the libraries that have threads
# soak   the release binary under load for --seconds, with its memory, descriptors and answers watched
# bench  ./dev bench
#
# The exit code is 1 when something was found, and 75 when nothing was but not all of it fitted into the time.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/node.sh
. scripts/dev/scratch.sh
. scripts/dev/promtool.sh

what=all seconds=3600 within=86400 seed=0 quick=''
while [ $# -gt 0 ]; do
  case $1 in
    fuzz | lint | tsan | soak | bench | all) what=$1 ;;
    --seconds) need_number "$@" && seconds=$2 && shift ;;
    --within) need_number "$@" && within=$2 && shift ;;
    --seed) need_number "$@" && seed=$2 && shift ;;
    --quick) quick=yes ;;
    *) die 64 "nightly does not know '$1'." "./dev nightly --help" ;;
  esac
  shift
done
ensure_packages build test bench
ensure_viewer
drop_root "$0" "$what" --seconds "$seconds" --within "$within" --seed "$seed" ${quick:+--quick}
need_build
use_scratch 4000 "a nightly run"

fuzz() {
  # Less than that is no fuzzing: a target that has not so many seconds is left out.
  local -r least=10
  local deadline=$((SECONDS + within)) name corpus target left share waiting failed=0 count=0
  configure_preset fuzz
  # The fuzz targets alone: the rest of a build with coverage feedback is of no use.
  local -a names
  mapfile -t names < <(ninja -C build/fuzz -t targets all | sed -n 's/^\(fuzz_[a-z_0-9]*\): phony$/\1/p' | sort -u)
  build_preset fuzz "${names[@]}"
  mkdir -p build/fuzz/findings
  local -a targets
  # What strangers reach first comes first: a short run has it at least.
  mapfile -t targets < <(find build/fuzz -type f -perm -u+x -name 'fuzz_*' -printf '%f %p\n' |
    awk '{ print ($1 == "fuzz_http" || $1 == "fuzz_json" ? 0 : 1), $0 }' | sort | cut -d' ' -f3-)
  if [ ${#targets[@]} = 0 ]; then
    warn "there are no fuzz targets"
    return 1
  fi
  waiting=${#targets[@]}
  local -a left_out=()
  for target in "${targets[@]}"; do
    name=$(basename "$target")
    left=$((deadline - SECONDS))
    share=$((left / waiting))
    waiting=$((waiting - 1))
    if [ "$share" -lt $least ]; then share=$least; fi
    if [ "$share" -gt "$seconds" ]; then share=$seconds; fi
    if [ "$left" -lt $least ]; then
      left_out+=("$name")
      continue
    fi
    # The seeds that the repository keeps are read, and what is found new stays in the build folder.
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    local -a seeds=("$corpus")
    mapfile -t -O 1 seeds < <(find lib tests -type d -path "*/corpus/${name#fuzz_}" 2>/dev/null)
    step "$name, $share s"
    count=$((count + 1))
    if ! "$target" -max_total_time="$share" -seed="$seed" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/findings/$name-" "${seeds[@]}" </dev/null >"build/fuzz/$name.log" 2>&1; then
      tail -n 30 "build/fuzz/$name.log" | sed 's/^/    /'
      say "    FOUND by $name; repeat it with: $target build/fuzz/findings/$name-*"
      failed=1
    fi
    grep -E 'number_of_executed_units|new_units_added' "build/fuzz/$name.log" | sed 's/^/    /' || true
  done
  say "$count of ${#targets[@]} fuzz targets run${left_out[*]:+, not run for lack of time: ${left_out[*]}}"
  if [ $failed = 0 ] && [ ${#left_out[@]} -gt 0 ]; then return 75; fi
  return $failed
}

tsan() {
  local -a only=() targets=()
  ensure_promtool
  # Without the rest the run is short: these are the libraries in which threads meet.
  if [ -n "$quick" ]; then targets=(runtime_tests log_tests metrics_tests config_tests) only=(-L '^unit$'); fi
  build_preset tsan "${targets[@]}"
  step "Running the tests under ThreadSanitizer"
  TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 suppressions='$DEV_ROOT/scripts/dev/tsan.supp'" \
    timeout --kill-after=20 "$within" ctest --test-dir build/tsan "${only[@]}" --schedule-random -j "$(cores)" --timeout 300 --no-tests=error \
    --output-on-failure </dev/null >build/tsan/ctest.log 2>&1 || {
    grep -B2 -A40 -m3 'WARNING: ThreadSanitizer' build/tsan/ctest.log | head -n 120 || true
    tail -n 25 build/tsan/ctest.log
    return 1
  }
  grep 'tests passed' build/tsan/ctest.log
}

lint() { bash scripts/dev/lint.sh --all --within "$within"; }

soak() {
  build_preset release slipway_server
  "$(system_python)" bench/soak.py --binary "$DEV_ROOT/$(server_binary release)" --seconds "$seconds"
}

failed=() unfinished=()
# part NAME COMMAND...: one of the long checks.
part() {
  local name=$1 code=0
  shift
  "$@" || code=$?
  case $code in
    0) ;;
    75) unfinished+=("$name") ;;
    *) failed+=("$name") ;;
  esac
}
case $what in
  all)
    for name in lint tsan fuzz soak; do part "$name" "$name"; done
    part bench bash scripts/dev/bench.sh
    ;;
  bench) part bench bash scripts/dev/bench.sh ;;
  *) part "$what" "$what" ;;
esac
if [ ${#failed[@]} -gt 0 ]; then die 1 "found something: ${failed[*]}"; fi
if [ ${#unfinished[@]} -gt 0 ]; then die 75 "not all of it fitted into $within s: ${unfinished[*]}" "Give it more with --within."; fi
