#!/usr/bin/env bash
# Builds FerretDB 1.24.0, a server of MongoDB's protocol for the tests of documents, into FOLDER (build/ferretdb when
# none is named) and prints the line that tells the tests. Needs Go 1.22 or newer and its module proxy.
set -euo pipefail
folder=$(mkdir -p -- "${1:-build/ferretdb}" && cd -- "${1:-build/ferretdb}" && pwd -P)
version=v1.24.0

if ! command -v go >/dev/null; then
  echo "error: there is no Go: apt-get install golang-go" >&2
  exit 69
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export GOPATH=$folder/go GOFLAGS="-modcacherw -mod=mod" CGO_ENABLED=0

# By way of a module that needs it, because `go install` asks for a list of all versions, which not every proxy has.
cd "$work"
printf 'module slipway/ferretdb\n\ngo 1.22\n\nrequire github.com/FerretDB/FerretDB %s\n' "$version" >go.mod
go mod download github.com/FerretDB/FerretDB
source=$(go list -m -f '{{.Dir}}' github.com/FerretDB/FerretDB)
cp -r -- "$source" "$work/source"
chmod -R u+w "$work/source"
# Its own build writes this file, and it does not start without it.
echo "$version" >"$work/source/build/version/version.txt"
cd "$work/source"
go build -o "$folder/ferretdb" ./cmd/ferretdb
echo "export SLIPWAY_TEST_FERRETDB=$folder/ferretdb"
