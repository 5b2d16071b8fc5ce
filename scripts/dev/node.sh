# The tools that come from npm: linters of the OpenAPI document and the browser driver. Sourced.
# shellcheck shell=bash

# Installs what tests/e2e/package-lock.json pins. Without npm or its registry the tests that need them are skipped,
# and say so.
ensure_node_tools() {
  local folder=tests/e2e
  if [ "$folder/node_modules/.stamp" -nt "$folder/package-lock.json" ]; then return 0; fi
  if [ -n "${DEV_NO_INSTALL:-}" ]; then return 0; fi
  if ! command -v npm >/dev/null; then
    warn "there is no npm: the tests with OpenAPI linters and a browser will be skipped."
    return 0
  fi
  step "Installing the test tools from npm (OpenAPI linters, browser driver, Node.js)"
  mkdir -p build
  if (cd "$folder" && timeout 600 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --progress=false) \
    </dev/null >build/npm.log 2>&1; then
    touch "$folder/node_modules/.stamp"
    # Under sudo, what was installed stays the caller's.
    if [ "$(id -u)" = 0 ] && [ -n "${SUDO_UID:-}" ]; then chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$folder/node_modules"; fi
  else
    tail -n 5 build/npm.log >&2
    warn "npm could not install them: the tests with OpenAPI linters and a browser will be skipped."
  fi
}
