#!/usr/bin/env bash
# usage: bench [instructions|footprint|compare|data|build|all] [--quick] [--guard]
# Measures: instructions, CPU beside other frameworks and data layers, memory, build time.
#
# instructions  for each request, by callgrind
# footprint     size, start-up, idle connections, latency beside 10,000 of them
# compare       CPU for each request beside Drogon, Go, axum, fastify and FastAPI, interleaved; builds what it can and
#               says what it could not
# data          the database layer beside Drogon's ORM and client, pgx, GORM, tokio-postgres, sqlx, asyncpg and
#               SQLAlchemy, with PostgreSQL's own CPU; SQLite beside its C interface, Redis beside redis-benchmark
# build         from nothing, after one changed controller, and ./dev run with nothing changed
#
# all of them, which is the default, takes about an hour, and the first time half an hour more to build the peers.
# --quick takes one short round of each in some minutes, and leaves out the build from nothing. Each promise is printed
# as kept or MISSED, and at the end what was kept, missed and skipped. Results stay in build/bench.
# --guard, for instructions: fails when a figure of bench/budgets.txt has grown, not when a promise is not kept yet.
# DEV_PEERS=folder keeps what was built of the other frameworks (build/bench unless told).
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/node.sh
. scripts/dev/scratch.sh

what=all quick='' guard=''
for argument in "$@"; do
  case $argument in
    instructions | footprint | compare | data | build | all) what=$argument ;;
    --quick) quick=yes ;;
    --guard) guard=yes ;;
    *) die 64 "bench does not know '$argument'." "./dev bench --help" ;;
  esac
done
ensure_packages build bench
ensure_viewer
drop_root "$0" "$@"
need_build
case $what in
  instructions | build) use_scratch 500 "a measurement of $what" ;;
  *) use_scratch 4000 "a measurement" ;;
esac
python=$(system_python)
out=${DEV_PEERS:-$DEV_ROOT/build/bench}
mkdir -p "$out"
bench_server=$DEV_ROOT/build/release/bench/server/bench_server

instructions() {
  build_preset release bench_server
  step "Instructions for each request"
  "$python" bench/instructions.py --binary "$bench_server" ${quick:+--requests 1000} ${guard:+--guard}
}
footprint() {
  build_preset release slipway_server
  step "Size, start-up and memory"
  "$python" bench/footprint.py --binary "$DEV_ROOT/$(server_binary release)" ${quick:+--connections 1000}
}
compare() {
  build_preset release bench_server
  "$python" bench/compare.py --binary "$bench_server" --out "$out" ${quick:+--rounds 1 --seconds 1}
}
data() {
  build_preset release bench_server db_sqlite_reads redis_gets
  "$python" bench/data.py --binary "$bench_server" --programs "$DEV_ROOT/build/release" --out "$out" ${quick:+--rounds 1 --seconds 1}
}
build() {
  step "Build times"
  bash bench/build_time.sh
}

# Each part is a process of its own: one that fails keeps none of the others from being measured.
every_part() {
  local -a flags=(${quick:+--quick} ${guard:+--guard}) failed=() summary=()
  local part begun outcome log
  for part in instructions footprint compare data build; do
    if [ -n "$quick" ] && [ "$part" = build ]; then
      summary+=("SKIPPED build: --quick leaves the build from nothing out; ./dev bench build")
      continue
    fi
    begun=$(now_ms) log=$out/$part.log
    if bash "$DEV_ROOT/scripts/dev/bench.sh" "$part" "${flags[@]}" 2>&1 | tee "$log"; then
      outcome="all kept"
    else
      outcome="MISSED or failed"
      failed+=("$part")
    fi
    summary+=("$(printf '%-13s %-17s %3d kept, %2d missed, in %s' "$part" "$outcome" \
      "$(grep -c '^kept ' "$log" || true)" "$(grep -cE '^(MISSED|GROWN|FAILED) ' "$log" || true)" "$(seconds_since "$begun")")")
    while IFS= read -r line; do summary+=("              $line"); done \
      < <(grep -E '^(MISSED|GROWN|FAILED|SKIPPED) |^- .*: not measured,|^error:|^only [0-9]+ connections' "$log" || true)
  done
  step "Summary"
  printf '%s\n' "${summary[@]}" | tee "$out/summary.txt"
  if [ ${#failed[@]} -gt 0 ]; then die 1 "promises were missed or could not be measured: ${failed[*]}"; fi
}

if [ "$what" = all ]; then
  every_part
elif ! "$what"; then
  die 1 "promises were missed or could not be measured: $what"
fi
