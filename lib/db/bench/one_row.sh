#!/bin/sh
# User instructions for one row through the typed layer, libraries included: one_row.sh <program> <url> [tasks]
set -eu
program=$1
url=$2
tasks=${3:-32}
count() {
  out=$(mktemp)
  valgrind --tool=callgrind --callgrind-out-file="$out" "$program" "$url" "$tasks" "$1" >/dev/null 2>&1
  sed -n 's/^totals: //p; s/^summary: //p' "$out" | head -n 1
  rm -f "$out"
}
few=$(count 20)
many=$(count 220)
echo "$(((many - few) / (tasks * 200))) user instructions a row, $tasks at once"
