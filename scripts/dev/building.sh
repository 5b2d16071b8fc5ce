# Configures and builds a preset of CMakePresets.json. Sourced.
# shellcheck shell=bash

# Paths below the project count as relative, so that every checkout on a machine shares what ccache has compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# preset_room PRESET: what its build takes, in megabytes. The sanitizers and coverage make programs large.
preset_room() {
  case $1 in release | fuzz) echo 700 ;; *) echo 3500 ;; esac
}

configure_preset() {
  local preset=$1
  # CMake is only asked when ninja could not ask it by itself: the first time, and when the presets changed.
  if [ ! -f "build/$preset/build.ninja" ] || [ CMakePresets.json -nt "build/$preset/build.ninja" ]; then
    if [ ! -d "build/$preset" ]; then need_room "$(preset_room "$preset")" build "a build of $preset"; fi
    step "Configuring $preset"
    if ! cmake --preset "$preset" -Wno-dev >"build/$preset.configure.log" 2>&1; then
      cat "build/$preset.configure.log" >&2
      die 1 "CMake could not configure the preset $preset." "./dev doctor checks the compiler and the packages."
    fi
    touch "build/$preset/build.ninja"
  fi
}

# build_log PRESET: what ninja says as it comes, under a heading; fails when there was nothing to do. (awk would hold
# lines back until its buffer is full.)
build_log() {
  local line said=1
  while IFS= read -r line; do
    case $line in 'ninja: Entering'* | 'ninja: no work'* | *'Re-checking globbed'*) continue ;; esac
    if [ $said = 1 ]; then step "Building $1"; fi
    said=0
    printf '%s\n' "$line"
  done
  return $said
}

# build_preset PRESET [TARGET...]: does nothing, fast, when nothing changed.
build_preset() {
  local preset=$1 begun
  shift
  begun=$(now_ms)
  configure_preset "$preset"
  # ninja itself finds out, in hundredths of a second, that there is nothing to do.
  local -a status
  if [ -n "$at_terminal" ]; then
    NINJA_STATUS='    [%f/%t, %es] ' ninja -C "build/$preset" -j "$(build_jobs)" "$@" && status=(0) || status=($?)
  else
    set +e
    NINJA_STATUS='    [%f/%t, %es] ' ninja -C "build/$preset" -j "$(build_jobs)" "$@" 2>&1 | build_log "$preset"
    status=("${PIPESTATUS[@]}")
    set -e
    if [ "${status[0]} ${status[1]}" = "0 1" ]; then return 0; fi
  fi
  if [ "${status[0]}" != 0 ]; then
    die 1 "the build of $preset failed." "The first error above is the cause; ./dev doctor checks the compiler."
  fi
  if [ -z "$at_terminal" ]; then say "    built in $(seconds_since "$begun")"; fi
}

server_binary() { printf 'build/%s/cmd/server/slipway' "$1"; }
