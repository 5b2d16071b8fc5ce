#!/usr/bin/env bash
# usage: format [--check] [--staged] [FILE...]
# Formats the C++ files, or with --check only tells which would change.
#
# Without files: all that git knows. --staged: those about to be committed.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/files.sh
check='' files=()
chosen=all
for argument in "$@"; do
  case $argument in
    --check) check=yes ;;
    --staged) chosen=staged ;;
    -*) die 64 "format knows --check and --staged, not '$argument'." ;;
    *) files+=("$argument") ;;
  esac
done
ensure_packages lint
drop_root "$0" "$@"
if [ ${#files[@]} = 0 ]; then mapfile -t files < <(files_of "$chosen" '*.cpp' '*.hpp'); fi
if [ ${#files[@]} = 0 ]; then
  say "no C++ files to format"
  exit 0
fi
if [ -n "$check" ]; then
  wrong=$(printf '%s\0' "${files[@]}" | xargs -0 -P "$(cores)" -n 20 clang-format-19 --dry-run -Werror 2>&1 |
    sed -n 's/^\([^:]*\):.*clang-format-violations.*/\1/p' | sort -u) || true
  if [ -n "$wrong" ]; then
    say "$wrong"
    die 1 "$(wc -l <<<"$wrong") of ${#files[@]} files are not formatted." "./dev format does it."
  fi
  say "${#files[@]} files are formatted"
else
  printf '%s\0' "${files[@]}" | xargs -0 -P "$(cores)" -n 20 clang-format-19 -i
  say "${#files[@]} files formatted"
fi
