#!/usr/bin/env bash
# Reads file names and fails when one of them holds something that looks like a credential. Values in tests are
# marked with the words "not a secret" in the same line.
set -uo pipefail
found=0
patterns='-----BEGIN ([A-Z]+ )?PRIVATE KEY-----'
patterns+='|AKIA[0-9A-Z]{16}'
patterns+='|(ghp|gho|ghs|github_pat)_[A-Za-z0-9_]{30,}'
patterns+='|xox[abprs]-[A-Za-z0-9-]{20,}'
patterns+='|sk_live_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9+/=]{30,}'
patterns+='|eyJhbGciOi[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}'
patterns+='|(password|passwd|secret|api_key|apikey|token)[[:space:]]*[:=][[:space:]]*"[A-Za-z0-9+/=_-]{24,}"'
while IFS= read -r file; do
  case $file in */package-lock.json | *.lock | *.sum | scripts/dev/check_secrets.sh) continue ;; esac
  if lines=$(grep -nIEi -e "$patterns" -- "$file" 2>/dev/null | grep -v 'not a secret'); then
    while IFS= read -r line; do printf '%s:%s\n' "$file" "${line:0:120}"; done <<<"$lines"
    found=1
  fi
done
exit $found
