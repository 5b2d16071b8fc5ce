# Prometheus's own linter of what /metrics says. Sourced.
# shellcheck shell=bash

# ensure_promtool: PROMTOOL names it. Debian has it in the package `prometheus`, which would also start a server
# on port 9090: so it is taken out of the package, and nothing is installed. Without it the tests that want it skip.
ensure_promtool() {
  local tool=$DEV_ROOT/build/tools/promtool folder fetched=''
  if command -v promtool >/dev/null; then return 0; fi
  if [ -x "$tool" ]; then
    export PROMTOOL=$tool
    return 0
  fi
  if [ -n "${DEV_NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null; then return 0; fi
  step "Fetching promtool, which checks the metrics"
  mkdir -p build/tools
  folder=$(mktemp -d "$DEV_ROOT/build/tools/new.XXXXXX")
  if fetch_prometheus "$folder"; then
    fetched=yes
  elif (apt_get update -q -q) >/dev/null 2>&1 && fetch_prometheus "$folder"; then # on a fresh machine apt knows no packages
    fetched=yes
  fi
  if [ -n "$fetched" ] && dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool; then
    mv -- "$folder/usr/bin/promtool" "$tool"
    export PROMTOOL=$tool
  else
    warn "promtool of the package prometheus could not be fetched: the metrics will not be checked by Prometheus itself."
  fi
  rm -rf -- "$folder"
}

# apt-get checks what it fetched against the signed lists of the machine's own sources.
fetch_prometheus() {
  (cd "$1" && timeout 120 apt-get download -q -q -o Acquire::Retries=1 -o Acquire::http::Timeout=10 prometheus) </dev/null >/dev/null 2>&1
}
