#!/bin/sh
# User instructions for one row through the typed layer, libraries included, and through the driver beneath it; for one
# parent with 100 children: one_row.sh <program> <url> [tasks]. SQLite needs a file: the driver opens it once more.
set -eu
url=$2
tasks=${3:-32}
# valgrind cannot read the debug information of newer compilers; the code is the same.
program=$(mktemp)
trap 'rm -f "$program"' EXIT
strip -g "$1" -o "$program"
count() {
  out=$(mktemp)
  valgrind --tool=callgrind --callgrind-out-file="$out" "$program" "$url" "$tasks" "$1" "$2" >/dev/null 2>&1
  sed -n 's/^totals: //p; s/^summary: //p' "$out" | head -n 1
  rm -f "$out"
}
for mode in typed raw children; do
  few=$(count 20 $mode)
  many=$(count 220 $mode)
  echo "$mode: $(((many - few) / (tasks * 200))) user instructions, $tasks at once"
done
