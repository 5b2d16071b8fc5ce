#!/bin/sh
# Counts user instructions a request of http_hello: two runs under callgrind that differ in the number of requests
# alone, one request after the other and sixteen at a time. Usage: count.sh path/to/http_hello
set -eu
program=$1
work=$(mktemp -d)

run() {  # requests, depth of the pipeline, fields beside Host
  rm -f "$work/address"; touch "$work/address"
  valgrind --tool=callgrind --callgrind-out-file="$work/out" "$program" 0 1 >"$work/address" 2>"$work/log" &
  server=$!
  until grep -q : "$work/address"; do
    kill -0 "$server" || { cat "$work/log" >&2; exit 1; }
    sleep 0.2
  done
  python3 - "$(cut -d: -f2 "$work/address")" "$1" "$2" "$3" <<'PYTHON'
import socket, sys
port, requests, depth = map(int, sys.argv[1:4])
fields = sys.argv[4]
one = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n" + fields.encode().decode("unicode_escape").encode() + b"\r\n"
s = socket.create_connection(("127.0.0.1", port))
for _ in range(requests // depth):
    s.sendall(one * depth)
    got = b""
    while got.count(b"Hello, World!") < depth:
        got += s.recv(65536)
PYTHON
  kill -TERM "$server"
  wait "$server" || true
  awk '/^(summary|totals):/ { n = $2 } END { print n }' "$work/out"
}

measure() {  # name, fields
  for depth in 1 16; do
    few=$(run 1600 $depth "$2")
    many=$(run 17600 $depth "$2")
    echo "$1, $depth at a time: $(( (many - few) / 16000 )) instructions a request"
  done
}
measure "as wrk asks" ''
measure "as a program asks" 'Accept: text/plain,text/html;q=0.9,application/json;q=0.8\r\nConnection: keep-alive\r\n'
rm -rf "$work"
