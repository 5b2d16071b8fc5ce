#!/usr/bin/env bash
# Makes the pages of docs/ that come from code anew: the configuration reference, the table of errors, the
# rules of the linter of migrations.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
binary=${1:-build/release/cmd/server/slipway}
"$binary" config reference >docs/configuration.md
{
  cat <<'END'
# Errors

Made from the routes by scripts/generate_docs.sh. Every error is `application/problem+json` (RFC 9457) with a stable
`code`; the HTTP core answers a few by itself (docs/http.md).

END
  "$binary" errors
} >docs/errors.md

rules=$(sed '/made by scripts\/generate_docs.sh/q' docs/migrations.md && "$binary" migrate lint --rules)
printf '%s\n' "$rules" >docs/migrations.md
