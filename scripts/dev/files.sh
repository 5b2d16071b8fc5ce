# Which files a check is about. Sourced.
# shellcheck shell=bash

# files_of all|changed|staged PATTERN...: tracked or new files, one a line. Changed means: against the branch's
# upstream or, without one, the last commit. Without git (an unpacked archive) every file counts.
files_of() {
  local which=$1 base
  shift
  if ! git rev-parse --git-dir >/dev/null 2>&1; then
    local -a names=()
    local pattern
    for pattern in "$@"; do names+=(-o -name "$pattern"); done
    find . \( -name build -o -name var -o -name node_modules \) -prune -o -type f \( "${names[@]:1}" \) -print | sed 's|^\./||'
    return
  fi
  case $which in
    all) git ls-files -co --exclude-standard -- "$@" ;;
    staged) git diff --cached --name-only --diff-filter=ACMR -- "$@" ;;
    changed)
      base=$(git merge-base HEAD '@{upstream}' 2>/dev/null || git rev-parse HEAD)
      { git diff --name-only --diff-filter=ACMR "$base" -- "$@" && git ls-files -o --exclude-standard -- "$@"; } | sort -u
      ;;
  esac | while IFS= read -r file; do if [ -f "$file" ] && [ ! -L "$file" ]; then printf '%s\n' "$file"; fi; done
}
