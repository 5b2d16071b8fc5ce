# One folder for everything that the tests and measurements of a run write beside the build, gone when the run ends.
# Sourced.
# shellcheck shell=bash

# use_scratch MEGABYTES WHAT: TMPDIR becomes such a folder. A run that was killed could not clear away its own: the next
# one does, for every folder whose lock nobody holds any more. The lock is taken under another name first, so that no
# run takes another's new folder for a forgotten one.
use_scratch() {
  local root made old
  local -a roots=("${TMPDIR:-/tmp}")
  if [ -n "${DEV_SCRATCH:-}" ]; then return 0; fi # part of a run that has one
  # Where /tmp is a small file system in memory, as Debian 13 makes it, /var/tmp is the one for much.
  if [ -z "${TMPDIR:-}" ]; then roots+=(/var/tmp); fi
  for root in "${roots[@]}"; do
    for old in "$root"/slipway-run.*; do
      if [ -O "$old" ] && flock --nonblock "$old" true; then
      rm -rf -- "$old" || warn "$old is left of a run that was killed; remove it."
    fi
    done
  done
  for root in "${roots[@]}" "${roots[0]}"; do
    if [ "$(free_megabytes "$root")" -ge "$1" ]; then break; fi
  done
  need_room "$1" "$root" "$2" "set TMPDIR to a folder on another"
  made=$(mktemp -d "$root/slipway-new.XXXXXX") || die 73 "no folder can be made in $root." "Check its permissions, or set TMPDIR."
  chmod 755 "$made" # PostgreSQL and MariaDB run as users of their own
  exec {scratch_lock}<"$made"
  flock "$scratch_lock"
  TMPDIR=$root/slipway-run.${made##*.}
  mv -- "$made" "$TMPDIR"
  export TMPDIR DEV_SCRATCH=$TMPDIR
  trap 'rm -rf -- "$TMPDIR" || true' EXIT # how the run ended stays what it is
}
