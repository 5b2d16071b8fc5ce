#!/usr/bin/env bash
# usage: run [FLAGS OF THE SERVER...]
# Installs, builds, migrates, seeds and starts the service. Begin here.
#
# On a machine with nothing installed: adds the missing packages, configures, builds, creates var/, brings the
# database up to date, puts development data in, and serves until Ctrl-C. With nothing changed it is ready in less
# than a second. Flags go to `slipway serve`; beside another service:
#   ./dev run --http.listen=127.0.0.1:9000 --operations.listen=127.0.0.1:9001
set -euo pipefail
. "$DEV_ROOT/scripts/dev/common.sh"
. scripts/dev/packages.sh
. scripts/dev/building.sh
. scripts/dev/node.sh

ensure_packages build
ensure_viewer
drop_root "$0" "$@"
need_build
mkdir -p var || die 73 "cannot create var/ in $DEV_ROOT" "Make the folder writable for $(id -un)."

build_preset release slipway_server
binary=$(server_binary release)
[ -x "$binary" ] || die 70 "the build made no $binary" "./dev clean, then ./dev run."

# Settings count for every step, so that all speak to the same database; --ready-file is the server's alone.
settings=() skip=''
for argument in "$@"; do
  case $skip$argument in
    --ready-file) skip=yes ;;
    --ready-file=*) ;;
    yes*) skip='' ;;
    *) settings+=("$argument") ;;
  esac
done
"$binary" migrate up "${settings[@]}"
"$binary" seed "${settings[@]}"
exec "$binary" serve "$@"
