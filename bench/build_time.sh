#!/usr/bin/env bash
# A full build from nothing, without ccache, one changed controller to a restarted server, and ./dev run with nothing
# changed; each with its limit. The builds are what ./dev run does: the release preset, with the jobs that cores and
# memory allow.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/building.sh
missed=0
# verdict NAME MILLISECONDS LIMIT
verdict() {
  local word=kept
  if [ "$2" -gt "$3" ]; then word=MISSED missed=1; fi
  printf '%-6s %-44s %6d.%d s   at most %d s\n' "$word" "$1" $(($2 / 1000)) $(($2 % 1000 / 100)) $(($3 / 1000))
}

tree=build/timing log=build/timing.log server='' folder=''
stop_server() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  server=''
}
clean_up() {
  stop_server
  rm -rf "$tree" ${folder:+"$folder"}
}
trap clean_up EXIT

build() {
  if ! ninja -C "$tree" -j "$(build_jobs)" slipway_server >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die 1 "the build failed" "All of its output is in $log."
  fi
}

await_ready() {
  while [ ! -e "$folder/ready" ]; do
    if ! kill -0 "$server" 2>/dev/null; then
      cat "$folder/log" >&2
      die 1 "the server did not start"
    fi
    sleep 0.01
  done
}

export CCACHE_DISABLE=1
mkdir -p build
rm -rf "$tree"
say "$(cores) cores, $(build_jobs) compilers at once, $(clang++-19 --version | head -n 1), no ccache"
begun=$(now_ms)
if ! cmake --preset release -B "$tree" -Wno-dev >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  die 1 "CMake could not configure" "./dev doctor checks the compiler and the packages."
fi
build
verdict "libraries and application from nothing" $(($(now_ms) - begun)) 600000

folder=$(mktemp -d)
binary=$DEV_ROOT/$(server_binary timing)
export SLIPWAY_CONFIG=$DEV_ROOT/config SLIPWAY_ENVIRONMENT=test
settings=("--database.url=sqlite:$folder/app.db" "--auth.keys.directory=$folder/keys" --http.listen=127.0.0.1:0 --operations.listen=127.0.0.1:0)
touch controllers/notes.cpp
begun=$(now_ms)
build
"$binary" migrate up "${settings[@]}" >>"$log" 2>&1
"$binary" serve --ready-file "$folder/ready" "${settings[@]}" >"$folder/log" 2>&1 &
server=$!
await_ready
verdict "one changed controller to a restarted server" $(($(now_ms) - begun)) 15000
stop_server

# The first run builds what is missing, makes the database and its first account; the second finds all of it there.
unset CCACHE_DISABLE
settings[0]=--database.url=sqlite:$folder/run.db
for round in first second; do
  rm -f "$folder/ready"
  begun=$(now_ms)
  SLIPWAY_ENVIRONMENT=development bash dev run --ready-file "$folder/ready" "${settings[@]}" >"$folder/log" 2>&1 &
  server=$!
  await_ready
  if [ $round = second ]; then verdict "./dev run with nothing changed, until ready" $(($(now_ms) - begun)) 1000; fi
  stop_server
done
[ "$missed" = 0 ]
