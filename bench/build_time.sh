#!/usr/bin/env bash
# A full build from nothing, without ccache, and one changed controller to a restarted server; both with their limit.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/building.sh
missed=0
verdict() {
  local word=kept
  if [ "$2" -gt "$3" ]; then word=MISSED missed=1; fi
  printf '%-6s %-44s %d.%d s   at most %d s\n' "$word" "$1" $(($2 / 1000)) $(($2 % 1000 / 100)) $(($3 / 1000))
}

export CCACHE_DISABLE=1
rm -rf build/timing
begun=$(now_ms)
cmake --preset release -B build/timing -Wno-dev >build/timing.log 2>&1
ninja -C build/timing -j "$(build_jobs)" slipway_server >>build/timing.log 2>&1
verdict "libraries and application from nothing" $(($(now_ms) - begun)) 600000

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
touch controllers/notes.cpp
begun=$(now_ms)
ninja -C build/timing -j "$(build_jobs)" slipway_server >>build/timing.log 2>&1
binary=$DEV_ROOT/build/timing/cmd/server/slipway
SLIPWAY_CONFIG=$DEV_ROOT/config "$binary" serve --ready-file "$folder/ready" --http.listen=127.0.0.1:0 --operations.listen=127.0.0.1:0 \
  "--database.url=sqlite:$folder/app.db" "--auth.keys.directory=$folder/keys" >"$folder/log" 2>&1 &
server=$!
while [ ! -e "$folder/ready" ]; do
  kill -0 $server 2>/dev/null || { cat "$folder/log" >&2; die 1 "the server did not start"; }
  sleep 0.01
done
verdict "one changed controller to a restarted server" $(($(now_ms) - begun)) 15000
kill $server
wait $server || true
rm -rf build/timing
exit $missed
