#!/usr/bin/env bash
# usage: bench [instructions|compare|footprint|build|all] [--quick] [--guard]
# Measures: instructions, CPU beside other frameworks, memory, build time.
#
# instructions  for each request, by callgrind
# compare       CPU for each request beside Drogon, Go, axum, fastify and FastAPI, interleaved; builds what it can and
#               says what it could not
# footprint     size, start-up, idle connections, latency beside 10,000 of them
# build         from nothing, and after one changed controller
#
# --quick takes one short round. Each promise is printed as kept or MISSED. Results stay in build/bench.
# --guard, for instructions: fails when a figure of bench/budgets.txt has grown, not when a promise is not kept yet.
# DEV_PEERS=folder keeps what was built of the other frameworks (build/bench unless told).
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/node.sh

what=all quick='' guard=''
for argument in "$@"; do
  case $argument in
    instructions | compare | footprint | build | all) what=$argument ;;
    --quick) quick=yes ;;
    --guard) guard=yes ;;
    *) die 64 "bench does not know '$argument'." "./dev bench --help" ;;
  esac
done
ensure_packages build bench
ensure_viewer
drop_root "$0" "$@"
python=$(system_python)
out=${DEV_PEERS:-$DEV_ROOT/build/bench}
mkdir -p "$out"
missed=()

instructions() {
  build_preset release bench_server
  step "Instructions for each request"
  "$python" bench/instructions.py --binary "$DEV_ROOT/build/release/bench/server/bench_server" ${quick:+--requests 1000} ${guard:+--guard}
}
compare() {
  build_preset release bench_server
  "$python" bench/compare.py --binary "$DEV_ROOT/build/release/bench/server/bench_server" --out "$out" ${quick:+--rounds 1 --seconds 1}
}
footprint() {
  build_preset release slipway_server
  step "Size, start-up and memory"
  "$python" bench/footprint.py --binary "$DEV_ROOT/$(server_binary release)" ${quick:+--connections 1000}
}
build() {
  step "Build times"
  bash bench/build_time.sh
}

case $what in
  all) for part in instructions footprint compare build; do $part || missed+=("$part"); done ;;
  *) $what || missed+=("$what") ;;
esac
if [ ${#missed[@]} -gt 0 ]; then die 1 "promises were missed or could not be measured: ${missed[*]}"; fi
