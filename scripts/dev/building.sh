# Configures and builds a preset of CMakePresets.json. Sourced.
# shellcheck shell=bash

# build_preset PRESET [TARGET...]: does nothing, fast, when nothing changed.
build_preset() {
  local preset=$1 begun
  shift
  begun=$(now_ms)
  # CMake is only asked when ninja could not ask it by itself: the first time, and when the presets changed.
  if [ ! -f "build/$preset/build.ninja" ] || [ CMakePresets.json -nt "build/$preset/build.ninja" ]; then
    step "Configuring $preset"
    if ! cmake --preset "$preset" -Wno-dev >"build/$preset.configure.log" 2>&1; then
      cat "build/$preset.configure.log" >&2
      die 1 "CMake could not configure the preset $preset." "./dev doctor checks the compiler and the packages."
    fi
    touch "build/$preset/build.ninja"
  fi
  # Asking what ninja would do costs a tenth of a second and tells whether there is anything to announce.
  if ninja -C "build/$preset" -n "$@" 2>/dev/null | grep -q 'no work to do'; then return 0; fi
  step "Building $preset${*:+: $*}"
  local jobs
  jobs=$(build_jobs)
  local status='[%f/%t, %es] '
  if ! NINJA_STATUS="    $status" ninja -C "build/$preset" -j "$jobs" "$@"; then
    die 1 "the build of $preset failed." "The first error above is the cause; ./dev doctor checks the compiler."
  fi
  say "    built in $(seconds_since "$begun")"
}

has_target() { ninja -C "build/$1" -t targets all 2>/dev/null | grep -q "^$2: "; }

server_binary() { printf 'build/%s/cmd/server/slipway' "$1"; }
