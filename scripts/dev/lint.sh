#!/usr/bin/env bash
# usage: lint [--all | --quick | --staged]
# Checks format, layers, secrets, spelling, scripts, and the changed files with clang-tidy.
#
# --all     clang-tidy over every file, not only those that differ from the upstream branch
# --quick   everything but clang-tidy, over every file
# --staged  what the commit hook runs: everything but clang-tidy, over what is about to be committed
set -uo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/files.sh
set +e
mode=${1:-}
case $mode in
  '') which=changed ;;
  --all | --quick) which=all ;;
  --staged) which=staged ;;
  *) die 64 "lint knows --all, --quick and --staged, not '$mode'." ;;
esac
if [ "$mode" != --staged ]; then ensure_packages lint; fi
drop_root "$0" "$@"

wrong=0
# report NAME STATUS: one line a check; its findings stand above it.
report() {
  if [ "$2" = 0 ]; then
    say "ok      $1"
  else
    say "${red}WRONG${plain}   $1"
    wrong=$((wrong + 1))
  fi
}
absent() { say "absent  $1: $2 is not installed"; }

case $mode in
  --staged) format=(--staged) ;;
  *) format=() ;;
esac
if command -v clang-format-19 >/dev/null; then
  bash scripts/dev/format.sh --check "${format[@]}"
  report "format" $?
else
  absent format clang-format-19
fi

if python=$(system_python) && [ -n "$python" ]; then
  "$python" scripts/dev/check_layers.py
  report "layers: who may include whom" $?
else
  absent layers python3
fi

files_of "$which" '*' | bash scripts/dev/check_secrets.sh
report "secrets and private names" $?

mapfile -t scripts < <(files_of "$which" '*.sh' dev '.ci/run' 'scripts/git-hooks/*')
if [ ${#scripts[@]} = 0 ]; then
  report "scripts: none changed" 0
elif command -v shellcheck >/dev/null; then
  shellcheck -x -P SCRIPTDIR "${scripts[@]}"
  report "scripts" $?
else
  absent scripts shellcheck
fi

if command -v codespell >/dev/null; then
  files_of "$which" '*.md' '*.hpp' '*.cpp' '*.sh' '*.py' '*.txt' '*.yaml' '*.sql' |
    xargs -r -d '\n' codespell --quiet-level=2 --ignore-words=scripts/dev/spelling.txt
  report "spelling" $?
else
  absent spelling codespell
fi

case $mode in
  '' | --all)
    if ! command -v clang-tidy-19 >/dev/null; then
      absent clang-tidy clang-tidy-19
    else
      mapfile -t sources < <(files_of "$which" '*.cpp' | grep -v '^bench/peers/')
      if [ ${#sources[@]} -gt 0 ]; then
        if [ ! -f build/debug/compile_commands.json ]; then cmake --preset debug -Wno-dev >/dev/null; fi
        printf '%s\0' "${sources[@]}" | xargs -0 -P "$(cores)" -n 1 clang-tidy-19 -p build/debug --quiet 2>/dev/null
        report "clang-tidy, ${#sources[@]} files" "$((PIPESTATUS[1] != 0))"
      else
        report "clang-tidy: no source changed" 0
      fi
    fi
    ;;
esac

if [ "$wrong" -gt 0 ]; then die 1 "$wrong of the checks found something." "It stands above."; fi
