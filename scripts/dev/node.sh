# What comes from npm, pinned by lock files. Sourced.
# shellcheck shell=bash

# ensure_npm FOLDER WHAT IT IS WITHOUT IT: installs what FOLDER/package-lock.json pins. Without npm or its registry
# the rest goes on, and says what is missing.
ensure_npm() {
  local folder=$1 what=$2 without=$3 log
  if [ ! -f "$folder/package-lock.json" ] || [ "$folder/node_modules/.stamp" -nt "$folder/package-lock.json" ]; then return 0; fi
  if [ -n "${DEV_NO_INSTALL:-}" ]; then return 0; fi
  if ! command -v npm >/dev/null; then
    warn "there is no npm: $without."
    return 0
  fi
  step "Installing from npm: $what"
  log=$(mktemp)
  # Without a network npm would try for more than a minute.
  if (cd "$folder" && timeout 600 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --progress=false \
    --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000) \
    </dev/null >"$log" 2>&1; then
    touch "$folder/node_modules/.stamp"
    # A configured build has to look for the new files.
    if [ "$folder" = web/docs ]; then touch CMakeLists.txt; fi
    # Under sudo, what was installed stays the caller's.
    if [ "$(id -u)" = 0 ] && [ -n "${SUDO_UID:-}" ]; then chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$folder/node_modules"; fi
  else
    tail -n 5 "$log" >&2
    warn "npm could not install it: $without."
  fi
  rm -f "$log"
}

ensure_viewer() { ensure_npm web/docs "the viewer of the documentation page" "the page /docs will be without its viewer"; }

ensure_node_tools() {
  ensure_npm tests/e2e "linters of OpenAPI and migrations, browser driver, object store, Node.js" "the tests with linters, a browser and an object store will be skipped"
}
