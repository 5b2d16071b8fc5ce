#!/usr/bin/env bash
# usage: hook [--remove]
# Lets git check each commit: format, secrets, layers.
#
# Sets core.hooksPath of this clone to scripts/git-hooks. --remove takes it back. One commit can pass unchecked with
# git commit --no-verify.
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
at_most 1 "./dev hook [--remove]" "$@"
case "${1:-}" in
  '') git config core.hooksPath scripts/git-hooks && say "Commits are checked from now on." ;;
  --remove) git config --unset core.hooksPath || true && say "Commits are no longer checked." ;;
  *) die 64 "hook takes nothing or --remove, not '$1'." ;;
esac
