#!/usr/bin/env bash
# Makes the pages of docs/ that come from code anew: the configuration reference, the table of errors, the
# rules of the linter of migrations.
#
# usage: generate_docs.sh [BINARY]: the server that was built last (build/release unless told).
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
binary=${1:-build/release/cmd/server/slipway}
if [ ! -x "$binary" ]; then
  printf 'error: there is no %s.\n       ./dev build makes it; or name another: scripts/generate_docs.sh BINARY\n' "$binary" >&2
  exit 69
fi

# A page changes as a whole or not at all.
trap 'rm -f docs/*.md.new' EXIT
"$binary" config reference >docs/configuration.md.new
{
  cat <<'END'
# Errors

Made from the routes by scripts/generate_docs.sh. Every error is `application/problem+json` (RFC 9457) with a stable
`code`; those of all operations may also come from the HTTP core (docs/http.md).

END
  "$binary" errors
} >docs/errors.md.new
{
  sed '/made by scripts\/generate_docs.sh/q' docs/migrations.md
  "$binary" migrate lint --rules
} >docs/migrations.md.new
for page in configuration errors migrations; do mv -- "docs/$page.md.new" "docs/$page.md"; done
